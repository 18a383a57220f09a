"""`swarm schema`: the list of schemas, and each of them as it is shipped."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import swarm as package
from swarm import documents
from swarm.cli.verbs import HELP
from tests.cli.scenes.documents import valid
from tests.conftest import Repo, Swarm

FOLDER = Path(package.__file__).parents[1] / "schemas"
NAMES = sorted(file.name.removesuffix(".schema.json") for file in FOLDER.glob("*.schema.json"))


def test_without_a_name_every_shipped_schema_is_listed_and_no_database_is_made(swarm: Swarm, repo: Repo) -> None:
    assert swarm("schema").out.splitlines() == NAMES
    assert valid(swarm("schema", "--format", "json"), "schema", 0) == NAMES
    assert set(HELP) < set(NAMES)
    assert not (repo.root / "swarms").exists()


def test_each_schema_is_printed_as_it_is_shipped_and_is_a_schema(swarm: Swarm) -> None:
    shipped = {name: json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8")) for name in NAMES}
    assert {name: json.loads(swarm("schema", name).out) for name in NAMES} == shipped
    assert {name: swarm("schema", name, "--format", "json").data for name in NAMES} == shipped
    for schema in shipped.values():
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("word", ["status.schema.json", "status.json", "status.schema"])
def test_the_name_of_a_file_is_the_name_of_its_schema(swarm: Swarm, word: str) -> None:
    assert json.loads(swarm("schema", word).out) == documents.schema("status")


@pytest.mark.parametrize("word", ["", "Status", "../pyproject", "/etc/passwd", "status\n"])
def test_another_word_is_refused(swarm: Swarm, word: str) -> None:
    assert swarm("schema", word, exit=1).code == "SCHEMA_UNKNOWN"


def test_one_name_is_taken(swarm: Swarm) -> None:
    assert swarm("schema", "status", "runs", exit=2).code == "CLI_USAGE"
