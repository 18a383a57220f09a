"""Records as JSON documents, and the schemas of those documents, made from one type."""

from typing import Any, NamedTuple

import jsonschema
import pytest

from swarm.results.document import camel, document, schema_of


class Part(NamedTuple):
    """A part,
    told on two lines."""

    from_: str | None
    is_whole: bool


class Tree(NamedTuple):
    """A record that holds itself."""

    name: str
    children: tuple["Tree", ...]


class Whole(NamedTuple):
    """Every kind of field."""

    run_id: str
    wave_number: int
    severity: str
    CRITICAL: int
    parts: tuple[Part, ...]
    by_name: dict[str, int]
    anything: object
    maybe: Part | None = None


WHOLE = Whole("r", 1, "HIGH", 2, (Part(None, True), Part("x", False)), {"some_key": 1, "a b": 2}, {"x": [1, (2,)]})


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("run_id", "runId"),
        ("from_", "from"),
        ("id", "id"),
        ("first_seen_wave", "firstSeenWave"),
        ("CRITICAL", "CRITICAL"),
        ("verified_via_distribution", "verifiedViaDistribution"),
    ],
)
def test_a_field_has_its_key_in_camel_case(name: str, key: str) -> None:
    assert camel(name) == key


def test_a_record_becomes_json_values_and_the_keys_of_mappings_stay() -> None:
    assert document(WHOLE) == {
        "runId": "r",
        "waveNumber": 1,
        "severity": "HIGH",
        "CRITICAL": 2,
        "parts": [{"from": None, "isWhole": True}, {"from": "x", "isWhole": False}],
        "byName": {"some_key": 1, "a b": 2},
        "anything": {"x": [1, [2]]},
        "maybe": None,
    }


@pytest.mark.parametrize("value", [None, True, 0, "text", [], {}])
def test_what_is_json_already_stays(value: Any) -> None:
    assert document(value) == value


def test_a_record_s_type_becomes_the_schema_of_its_document() -> None:
    assert schema_of(Whole, "whole") == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://swarm-control-plane.dev/schemas/whole.schema.json",
        "title": "The data of `swarm whole --format json`",
        "$ref": "#/$defs/Whole",
        "$defs": {
            "Part": {
                "description": "A part, told on two lines.",
                "type": "object",
                "required": ["from", "isWhole"],
                "properties": {
                    "from": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                    "isWhole": {"type": "boolean"},
                },
            },
            "Whole": {
                "description": "Every kind of field.",
                "type": "object",
                "required": [
                    "runId",
                    "waveNumber",
                    "severity",
                    "CRITICAL",
                    "parts",
                    "byName",
                    "anything",
                    "maybe",
                ],
                "properties": {
                    "runId": {"type": "string"},
                    "waveNumber": {"type": "integer"},
                    "severity": {"enum": ["CRITICAL", "HIGH", "MEDIUM", "LOW"]},
                    "CRITICAL": {"type": "integer"},
                    "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}},
                    "byName": {"type": "object", "additionalProperties": {"type": "integer"}},
                    "anything": {},
                    "maybe": {"anyOf": [{"$ref": "#/$defs/Part"}, {"type": "null"}]},
                },
            },
        },
    }


@pytest.mark.parametrize("record", [WHOLE, Tree("a", (Tree("b", ()),))])
def test_a_document_fits_the_schema_of_its_record(record: Any) -> None:
    schema = schema_of(type(record), "it")
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert list(validator.iter_errors(document(record))) == []
    assert list(validator.iter_errors({}))
