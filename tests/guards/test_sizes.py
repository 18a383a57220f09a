"""Guards of sizes and names: what a reader can hold, and finds at the first guess."""

import ast
import re
from pathlib import Path

import pytest

from swarm.cli.verbs import HELP
from tests.guards.source import (
    CATALOGUE,
    MODULES,
    PACKAGE,
    calls,
    classes,
    imports,
    nodes_of,
    own_imports,
    shown,
    tree_of,
)

LONGEST = 300
MOST_IMPORTS = 20
MOST_MODULES = 16
MOST_POSITIONAL = 6


def test_no_module_imports_more_than_a_reader_can_hold() -> None:
    many = {by for by, found in own_imports().items() if len(found) > MOST_IMPORTS}
    # The catalogue of errors is the sum of its chapters; a guard of the rooms holds it to that.
    assert many <= {CATALOGUE}


def test_no_room_of_the_waves_is_crowded() -> None:
    rooms: dict[str, int] = {}
    for module in MODULES:
        if module.parent.parent == PACKAGE / "waves" and module.name != "__init__.py":
            rooms[module.parent.name] = rooms.get(module.parent.name, 0) + 1
    assert len(rooms) > 10
    assert {room: count for room, count in rooms.items() if count > MOST_MODULES} == {}


def test_no_two_classes_have_a_name_in_common() -> None:
    places: dict[str, list[str]] = {}
    for name, module in classes():
        places.setdefault(name, []).append(module)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_records_of_many_fields_are_made_by_keyword() -> None:
    records = {name for name, _ in classes()}
    found = [
        (shown(module), call.lineno)
        for module in MODULES
        for call in calls(module)
        if (call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")) in records
        and len(call.args) > MOST_POSITIONAL
    ]
    assert found == []


OPENING = re.compile(r"(?:What|Who|Which|That|How|Where|When)\b")


def test_a_docstring_begins_with_a_verb_or_names_the_thing_and_no_module_is_without() -> None:
    assert [shown(module) for module in MODULES if not ast.get_docstring(tree_of(module))] == []
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found = [
        (shown(module), text)
        for module in MODULES
        for node in nodes_of(module)
        if isinstance(node, documented) and OPENING.match(text := ast.get_docstring(node) or "")
    ]
    assert found == []


def test_no_module_is_too_long_to_be_read() -> None:
    lines = {shown(module): len(module.read_text(encoding="utf-8").splitlines()) for module in MODULES}
    assert {name: count for name, count in lines.items() if count > LONGEST} == {}


# Use cases by another name than that of their verb, each with the reason.
USE_CASES = {
    # Five words for one act: a decision about findings is recorded.
    **dict.fromkeys(("approve", "defer", "reject", "reopen", "close"), ("triage",)),
    # The use case `triage` records decisions; the verb `triage` takes them over from a file.
    "triage": ("import_decisions",),
    # Four questions, which one look at the code answers.
    **dict.fromkeys(("verify-fixed", "verify-recurring", "verify-unverified", "verify-approved"), ("second_look",)),
    # An engine serves every control plane of its user: the room `engine/` holds it.
    "engine": (),
    # The server calls the other verbs: the room `mcp_server/` holds it.
    "mcp": (),
    # A verb with verbs of its own.
    "ledger": ("verify", "replay"),
    # Keys belong to a user and to no control plane: the room `signing/` holds them.
    "keys": (),
    "lessons": ("derive", "review", "synthesize", "advise", "export"),
    "records": ("records", "reindex", "portfolio"),
    # click writes the script from the command line itself.
    "completion": (),
    "help": (),
}
# Records in another module of results/ than that of their verb, each with the reason.
RECORDS = {
    **dict.fromkeys(("approve", "defer", "reject", "reopen", "close"), "triage"),
    **dict.fromkeys(("verify-fixed", "verify-recurring", "verify-unverified", "verify-approved"), "second_look"),
    # Both dispatch agents of a wave again, and return the same record.
    **dict.fromkeys(("resume", "redrive"), "redispatch"),
}


@pytest.mark.parametrize("verb", HELP)
def test_a_verb_has_its_command_its_use_case_and_its_records_by_its_name(verb: str) -> None:
    name = verb.replace("-", "_")
    assert (PACKAGE / "cli" / f"{name}.py").is_file()
    assert (PACKAGE / "results" / f"{RECORDS.get(verb, name)}.py").is_file()
    called = {found.name for found in imports() if found.by.startswith("cli/")}
    for use_case in USE_CASES.get(verb, (name,)):
        homes = [
            ".".join(("swarm", *module.relative_to(PACKAGE).with_suffix("").parts))
            for module in MODULES
            if shown(module).startswith(("waves/", "evidence/"))
            and module.stem == use_case
            and any(isinstance(node, ast.FunctionDef) and node.name == use_case for node in tree_of(module).body)
        ]
        imported = [home for home in homes if home in called or f"{home}.{use_case}" in called]
        assert imported, f"no module {use_case}.py of waves/ or evidence/ has a function {use_case} that cli/ calls"


def test_every_verb_has_its_module_of_tests() -> None:
    folder = Path(__file__).parents[1] / "cli"
    missing = [verb for verb in HELP if not (folder / f"test_{verb.replace('-', '_')}.py").is_file()]
    assert missing == []
