"""Errors of the catalogue as the command line shows them: as text, as JSON, and with nothing changed."""

from pathlib import Path

import pytest

from swarm.errors import CATALOGUE
from tests.cli import (
    test_attestations,
    test_audit_looked_at,
    test_bundles,
    test_engine,
    test_fix,
    test_ingest,
    test_launch_on,
    test_lessons,
    test_permissions,
    test_persist,
    test_refused_items,
    test_sandbox,
    test_worker,
)
from tests.cli.errors import (
    command_line,
    control_plane,
    dispatch,
    domains,
    engine,
    export,
    fix,
    keys,
    lessons,
    mcp,
    plans,
    records,
    recovery,
    repositories,
    runs,
    test_conflict,
    test_output,
    test_proof,
    trust,
)
from tests.cli.errors.refusal import REFUSED, SHOWN_BY_TESTS, Refusal
from tests.cli.scenes.scene import Scene
from tests.cli.scenes.snapshots import block_of, nothing_changes
from tests.conftest import Answer, Swarm

# Their import enters the codes that each of them shows.
CASES = (
    command_line,
    control_plane,
    dispatch,
    domains,
    engine,
    export,
    fix,
    keys,
    lessons,
    mcp,
    plans,
    records,
    recovery,
    repositories,
    runs,
    trust,
)
TESTS = (
    test_conflict,
    test_output,
    test_proof,
    test_attestations,
    test_audit_looked_at,
    test_bundles,
    test_engine,
    test_fix,
    test_lessons,
    test_refused_items,
    test_permissions,
    test_sandbox,
    test_launch_on,
    test_worker,
    test_ingest,
    test_launch_on,
    test_persist,
)


@pytest.mark.usefixtures("repo")
@pytest.mark.parametrize("code", REFUSED)
def test_a_refusal_says_what_and_what_next_in_text_and_as_a_document_and_changes_nothing(
    code: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    scene = Scene(request)
    refusal = REFUSED[code](scene)
    assert refusal.exit == CATALOGUE[code].exit_code
    with nothing_changes(tmp_path):
        _is_said(code, refusal, scene.swarm(*refusal.command, exit=refusal.exit, cwd=refusal.cwd))
    # An unknown format is not JSON either, so its error is shown on stderr alone.
    if code != "CLI_INVALID_FORMAT":
        with nothing_changes(tmp_path):
            command = (*refusal.command, "--format", "json")
            _is_a_document(code, refusal, scene.swarm(*command, exit=refusal.exit, cwd=refusal.cwd))


def _is_said(code: str, refusal: Refusal, answer: Answer) -> None:
    """Assert that stderr has the block of a refusal, and the event of a precondition, and that stdout has nothing."""
    assert block_of(answer) == f"ERROR {refusal.block}"
    assert answer.out == ""
    failed = [event for event in answer.events if event["stage"] == "dispatch_precondition_failed"]
    message = refusal.block.splitlines()[0].partition("]: ")[2]
    is_precondition = code.startswith("DISPATCH_")
    named = [word for word in refusal.command[1:] if not word.startswith("-")]
    asked = {"runId": named[0] if len(named) > 1 else None, "phase": refusal.fields.get("phase")}
    assert [{name: event[name] for name in ("code", "message", "runId", "phase")} for event in failed] == (
        [{"code": code, "message": message, **asked}] if is_precondition else []
    )


def _is_a_document(code: str, refusal: Refusal, answer: Answer) -> None:
    """Assert that stdout has the document of a refusal, on a line of its own, and that stderr has no block."""
    lines = refusal.block.splitlines()
    error = {
        "code": code,
        "message": lines[0].partition("]: ")[2],
        "hint": next(line[8:] for line in lines if line.startswith("  Next: ")),
        **refusal.fields,
    }
    document = answer.document
    meta = document.pop("meta")
    assert document == {"ok": False, "command": refusal.command[0], "exitCode": refusal.exit, "error": error}
    assert meta["schema"] == f"swarm.{refusal.command[0]}/v1"
    assert answer.out.count("\n") == 1
    assert block_of(answer) == ""


# --- how errors are shown --------------------------------------------------------------------------------


def test_what_a_field_holds_can_forge_no_line_of_the_block(swarm: Swarm) -> None:
    answer = swarm("schema", "x\n  Run: forged\x1b[2J", exit=1)
    assert block_of(answer).splitlines() == [
        r"ERROR [SCHEMA_UNKNOWN]: No schema is named 'x\n  Run: forged\x1b[2J'",
        "  Next: run `swarm schema` for the list",
    ]


@pytest.mark.parametrize(("length", "kept"), [(120, "x" * 120), (121, "x" * 117 + "...")])
def test_a_received_value_is_cut_when_it_is_longer_than_120(swarm: Swarm, length: int, kept: str) -> None:
    answer = swarm("schema", "x" * length, exit=1)
    assert block_of(answer).splitlines()[0] == f"ERROR [SCHEMA_UNKNOWN]: No schema is named '{kept}'"


def test_a_bug_shows_one_line_and_its_traceback_only_on_demand(swarm: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> list[str]:
        raise ZeroDivisionError("a bug\nof ours")

    monkeypatch.setattr("swarm.documents.schema_names", broken)
    assert swarm("schema", exit=1).err == "ERROR: a bug\\nof ours\n"
    document = swarm("schema", "--format", "json", exit=1).document
    assert document["error"] == {"code": None, "message": "a bug\nof ours", "hint": None}
    monkeypatch.setenv("SWARM_DEBUG", "1")
    lines = swarm("schema", exit=1).err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == r"ERROR: a bug\nof ours"


def test_every_code_of_the_catalogue_is_raised_by_a_test() -> None:
    assert REFUSED.keys() | SHOWN_BY_TESTS == CATALOGUE.keys()
    assert REFUSED.keys() & SHOWN_BY_TESTS == set()
