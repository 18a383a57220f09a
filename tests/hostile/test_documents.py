"""JSON from agents is bounded before it is parsed, and refused where readers disagree on it."""

import json
import os
import re
import socket
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm import documents, errors
from swarm.documents import check, parse_bounded, parse_toml, read_bounded
from swarm.rules.json_depth import depth_of
from swarm.runtimes.answer import answer_of, printed_answer
from tests.hostile.cases import Case, cases

# What no JSON reader shall take; the rest of the folder fails, or fits, the schema.
NO_JSON = [case for case in cases("outputs") if case.expected.get("code", "").startswith("BOUNDED_JSON")]


@pytest.mark.parametrize("hostile", NO_JSON, ids=lambda hostile: hostile.name)
def test_a_hostile_body_is_refused_with_what_is_wrong_with_it(hostile: Case) -> None:
    with pytest.raises(errors.SwarmError) as caught:
        parse_bounded(hostile.body, "output.json")
    problem = str(caught.value.fields["problem"])
    assert (caught.value.code, caught.value.fields["path"]) == (hostile.expected["code"], "output.json")
    if "problem" in hostile.expected:
        assert problem == hostile.expected["problem"]
    else:
        assert re.search(r": line \d+ column \d+ \(char \d+\)$", problem)


@pytest.mark.parametrize("hostile", NO_JSON, ids=lambda hostile: hostile.name)
def test_the_fragment_of_it_is_short_and_can_be_stored_and_shown(hostile: Case) -> None:
    with pytest.raises(errors.SwarmError) as caught:
        parse_bounded(hostile.body, "output.json")
    caught.value.message.encode("utf-8")
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"[" * 64 + b"]" * 64, 64),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b"[9223372036854775807, -9223372036854775808]", [2**63 - 1, -(2**63)]),
        (b'["\\ud83d\\ude42"]', ["\U0001f642"]),
        (b'["\\\\ud800"]', ["\\ud800"]),
        (b'["[[[[{{{{\\"]]]"]', ['[[[[{{{{"]]]']),
        (b'{"a": {"x": 1}, "b": {"x": 1}}', {"a": {"x": 1}, "b": {"x": 1}}),
        (b'{"a": 1, "A": 2}', {"a": 1, "A": 2}),
        (b"[1e308, -0, 0.1, 1E5]", [1e308, 0, 0.1, 1e5]),
        (b" \r\n\t null \n", None),
        ('["\u2028\u202e\x7f"]'.encode(), ["\u2028\u202e\x7f"]),
    ],
)
def test_what_only_looks_hostile_is_read_exactly(body: bytes, value: Any) -> None:
    found = parse_bounded(body, "output.json")
    if value == 64:
        assert depth_of(body) == naive_depth(found) == 64
    else:
        assert found == value


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.text('"\\[]{}u/', max_size=8)
LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    LEAVES | TEXT, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=20
)
WRITTEN = st.builds(
    lambda value, indent, ascii_only: (value, json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()),
    VALUES,
    st.sampled_from([None, 1]),
    st.booleans(),
)


def naive_depth(value: Any) -> int:
    """Return the depth of a value, by walking it."""
    if isinstance(value, dict):
        return 1 + max(map(naive_depth, value.values()), default=0)
    return 1 + max(map(naive_depth, value), default=0) if isinstance(value, list) else 0


@given(WRITTEN)
def test_the_depth_of_a_text_is_that_of_its_value(written: tuple[Any, bytes]) -> None:
    value, body = written
    assert depth_of(body) == naive_depth(value)


@given(WRITTEN)
def test_a_good_document_is_read_exactly(written: tuple[Any, bytes]) -> None:
    value, body = written
    assert parse_bounded(body, "output.json") == value
    assert parse_bounded(b"\xef\xbb\xbf" + body, "output.json") == value


@given(st.one_of(st.binary(max_size=60), st.text('[]{}",:\\ud8aN1e-. \n', max_size=60).map(str.encode)))
def test_any_bytes_are_read_as_json_reads_them_or_refused_with_a_code(body: bytes) -> None:
    try:
        value = parse_bounded(body, "output.json")
    except (errors.BoundedJsonSizeLimit, errors.BoundedJsonParseFailed):
        return
    assert value == json.loads(body.decode("utf-8-sig"))


@given(WRITTEN, st.integers(0, 400))
def test_a_document_that_is_cut_anywhere_is_refused_or_was_whole(written: tuple[Any, bytes], end: int) -> None:
    _, body = written
    body = b'{"all": ' + body + b"}"
    if end < len(body):
        with pytest.raises(errors.SwarmError):
            parse_bounded(body[:end], "output.json")


@given(st.lists(st.sampled_from([b"[", b"{", b"]", b"}", b'"', b"\\", b"a"]), max_size=40).map(b"".join))
def test_no_text_is_deeper_for_the_parser_than_its_depth_says(body: bytes) -> None:
    # What a parser has opened when it gives up, it has read in order.
    open_now = deepest = 0
    in_string = escaped = False
    for byte in body.decode():
        if in_string:
            in_string, escaped = (byte != '"' or escaped), (byte == "\\" and not escaped)
        elif byte == "\\":
            break
        elif byte == '"':
            in_string = True
        elif byte in "[{":
            open_now += 1
            deepest = max(deepest, open_now)
        elif byte in "]}":
            open_now -= 1
            if open_now < 0:
                break
    assert depth_of(body) >= deepest


def refusal_of(file: Path) -> tuple[str, object]:
    with pytest.raises(errors.SwarmError) as caught:
        read_bounded(file)
    assert caught.value.fields["path"] == str(file)
    return caught.value.code, caught.value.fields["problem"]


def test_a_file_above_the_bound_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "output.json"
    with file.open("wb") as stream:
        stream.truncate(documents.MOST_BYTES + 1)
    assert refusal_of(file) == ("BOUNDED_JSON_SIZE_LIMIT", "52,428,801 bytes")


def test_a_file_is_read_to_its_last_byte(tmp_path: Path) -> None:
    for body in (b"", b"x" * 70_000):
        (tmp_path / "output.json").write_bytes(body)
        assert read_bounded(tmp_path / "output.json") == body


def test_a_file_that_is_longer_than_it_says_is_refused() -> None:
    file = Path("/proc/self/status")
    if not file.exists():
        pytest.skip("this system has no file that grows as it is read")
    assert refusal_of(file) == ("BOUNDED_JSON_READ_FAILED", "it changed while it was read")


def test_what_is_no_regular_file_is_not_opened_to_read(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "target").write_text("{}")
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "loop").symlink_to("loop")
    found = {name: refusal_of(tmp_path / name)[1] for name in ("folder", "pipe", "link", "loop", "none")}
    assert found == {
        "folder": "it is not a regular file",
        "pipe": "it is not a regular file",
        "link": "it is a symbolic link",
        "loop": "it is a symbolic link",
        "none": "No such file or directory",
    }
    assert refusal_of(Path("/dev/zero")) == ("BOUNDED_JSON_READ_FAILED", "it is not a regular file")


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        assert refusal_of(Path("socket"))[0] == "BOUNDED_JSON_READ_FAILED"


@pytest.mark.skipif(os.geteuid() == 0, reason="permission bits do not bind root")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "output.json").write_text("{}")
    (tmp_path / "output.json").chmod(0)
    assert refusal_of(tmp_path / "output.json") == ("BOUNDED_JSON_READ_FAILED", "Permission denied")


AUDIT = {"domain": "code", "stage": "A", "summary": "Looked.", "findings": []}
FINDING = {"id": "1", "severity": "LOW", "category": "bug", "description": "It is wrong."}


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (AUDIT, None),
        ({**AUDIT, "findings": [FINDING], "more": {"kept": True}}, None),
        ([], "$: [] is not of type 'object'"),
        (
            {**AUDIT, "findings": [{**FINDING, "severity": "DOOM"}]},
            "$.findings[0].severity: 'DOOM' is not one of ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW']",
        ),
        ({**AUDIT, "findings": [{**FINDING, "line": "5"}]}, "$.findings[0].line: '5' is not of type 'integer', 'null'"),
        ({**AUDIT, "summary": None}, "$.summary: None is not of type 'string'"),
    ],
)
def test_a_document_that_is_not_what_was_asked_for_is_reported_with_its_path(
    document: Any, problem: str | None
) -> None:
    assert check(document, "agent-output", "audit") == problem


@given(
    st.sampled_from([*AUDIT, "findings.0", *(f"findings.0.{key}" for key in (*FINDING, "file", "line", "quote"))]),
    VALUES,
)
def test_the_fast_validator_and_the_one_that_explains_agree(place: str, value: Any) -> None:
    document = {**AUDIT, "findings": [dict(FINDING)]}
    spot: Any = document
    *way, last = place.split(".")
    for step in way:
        spot = spot[int(step) if step.isdigit() else step]
    spot[int(last) if last.isdigit() else last] = value
    problem = check(document, "agent-output", "audit")
    found = list(documents._slow_validator("agent-output", "audit").iter_errors(document))
    assert (problem is None) == (found == [])


KEYS = st.lists(st.sampled_from(["a", "b-1", '"q.\\"x"', "'l.'"]), min_size=1, max_size=6).map(".".join)
TOML = st.lists(
    st.tuples(KEYS, st.sampled_from(["1", '"x.y.z"', "[1.5, 2]", "{c.d = 1}", "2026-01-01", "nan"])), max_size=4
)


@given(TOML)
def test_toml_is_read_as_the_library_reads_it_or_refused_with_a_reason(pairs: list[tuple[str, str]]) -> None:
    text = "\n".join(f"{key} = {value}" for key, value in pairs)
    try:
        expected = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        with pytest.raises(ValueError, match=re.escape(str(error))):
            parse_toml(text)
    else:
        assert repr(parse_toml(text)) == repr(expected)


@pytest.mark.parametrize("opening", ["", "[", "[[", "x = {", "x = {y = 1, "])
@given(parts=st.integers(201, 400), part=st.sampled_from(["k", '"k.l"', "'k'"]), dot=st.sampled_from([".", " . "]))
def test_a_key_of_many_parts_is_refused_wherever_it_begins(opening: str, parts: int, part: str, dot: str) -> None:
    with pytest.raises(ValueError, match=r"^line 2 has a key of more than 200 parts$"):
        parse_toml(f"\n{opening}{dot.join([part] * parts)} = 1")


@given(
    st.lists(
        st.sampled_from(['{"a": 1} ', '{"domain": "x"', "{", "}", "```json\n", 'prose "quoted ', "\\"]), max_size=8
    ).map("".join),
    st.integers(0, 400),
    st.sampled_from(["", "\n```\n", " that is all }", "\n{not json}\n"]),
)
def test_the_last_object_of_a_text_is_found_whatever_stands_around_it(before: str, many: int, after: str) -> None:
    output = {
        "domain": "code",
        "summary": "s",
        "findings": [{"id": f"{number}", "note": "{"} for number in range(many)],
    }
    text = f"{before}\n{json.dumps(output)}{after}".encode()
    assert (printed_answer(text), answer_of(text, "output.json")) == (output, output)


@given(st.text('{}[]":,a1domainsummary \\\n', max_size=200))
def test_a_text_without_an_output_gives_none_or_a_typed_error(text: str) -> None:
    try:
        found = printed_answer(text.encode())
    except (errors.BoundedJsonParseFailed, errors.BoundedJsonSizeLimit):
        found = None
    assert found is None or {"domain", "summary"} <= found.keys()
