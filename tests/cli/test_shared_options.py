"""Options of every verb, before it and after it: place, output, loudness, colour."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from swarm import __version__
from tests.cli.scenes.snapshots import block_of
from tests.cli.scenes.triage import ids
from tests.conftest import Repo, Swarm, Workspace

COLOURS = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM")


@pytest.mark.parametrize(
    "words", [("-C", "repo", "status"), ("status", "-C", "repo"), ("-C", "repo", "-C", "src", "status")]
)
def test_a_verb_works_in_the_folder_of_its_option(
    swarm: Swarm, workspace: Workspace, tmp_path: Path, words: tuple[str, ...]
) -> None:
    assert f"Run {workspace.run}" in swarm(*words, cwd=tmp_path).out


@pytest.mark.parametrize(
    ("words", "problem", "verb"),
    [
        (("findings", "--since", "main"), "No such option '--since'", "findings"),
        (("audit", "--fial-on", "new"), "No such option '--fial-on'. Did you mean '--fail-on'?", "audit"),
        (("export", "--otel"), "Option '--otel' requires an argument", "export"),
        (("--db",), "Option '--db' requires an argument", None),
    ],
)
def test_a_wrong_option_is_answered_with_what_resembles_it_and_the_verb_that_takes_it(
    swarm: Swarm, words: tuple[str, ...], problem: str, verb: str | None
) -> None:
    helped = f"swarm {verb}" if verb else "swarm"
    assert swarm(*words, exit=2).err.splitlines() == [
        f"ERROR [CLI_USAGE]: {problem}",
        f"  Next: run `{helped} --help` to see what it takes",
    ]


def test_what_another_option_names_lies_in_that_folder(swarm: Swarm, workspace: Workspace, tmp_path: Path) -> None:
    db = ("--db", "swarms/control-plane.db")
    for words in (("-C", "repo", *db, "runs"), (*db, "runs", "-C", "repo"), ("runs", *db, "-C", "repo")):
        assert workspace.run in swarm(*words, cwd=tmp_path).out


def test_a_folder_that_is_not_there_is_a_wrong_command_line(swarm: Swarm) -> None:
    answer = swarm("-C", "nowhere", "status", exit=2)
    assert block_of(answer).splitlines() == [
        "ERROR [CLI_USAGE]: Invalid value for '-C': nowhere: No such file or directory",
        "  Next: run `swarm --help` to see what it takes",
    ]


@pytest.mark.parametrize("words", [("--json", "runs"), ("runs", "--json"), ("runs", "--json", "--format", "json")])
def test_json_is_asked_for_by_a_word(swarm: Swarm, workspace: Workspace, words: tuple[str, ...]) -> None:
    assert [run["id"] for run in swarm(*words).data] == [workspace.run]


def test_an_error_is_a_document_too_where_json_is_asked_for(swarm: Swarm, workspace: Workspace) -> None:
    for words in (("--json", "status", "nothing"), ("status", "nothing", "--json")):
        answer = swarm(*words, exit=1)
        assert (answer.code, answer.document["command"], block_of(answer)) == ("RUN_NOT_FOUND", "status", "")
    assert swarm("--json", "stauts", exit=2).document["error"]["code"] == "CLI_USAGE"


def test_two_formats_are_refused(swarm: Swarm, workspace: Workspace) -> None:
    answer = swarm("findings", "--json", "--format", "sarif", exit=2)
    assert answer.document["error"]["message"] == "--json and --format sarif exclude each other"


def test_quiet_prints_errors_and_documents_alone(swarm: Swarm, three: Workspace) -> None:
    for words in (("-q", "approve", "--all"), ("approve", "--all", "--quiet"), ("findings", "-q"), ("-q", "status")):
        answer = swarm(*words, exit=None)
        assert (answer.out, answer.err) == ("", "")
    assert swarm("findings", "-q", exit=1).exit == 1
    assert block_of(swarm("-q", "status", "nothing", exit=1)).startswith("ERROR [RUN_NOT_FOUND]")
    assert swarm("-q", "status", "--json").data["run"]["id"] == three.run


def test_verbose_reports_steps_for_people_in_a_pipe(swarm: Swarm, three: Workspace) -> None:
    answer = swarm("approve", "--all", "-v")
    assert answer.err == f"· run selected  runId={three.run}\n"
    # The option holds for its own call.
    assert swarm("approve", "--all").events[0]["stage"] == "run_selected"


@pytest.mark.parametrize(
    ("words", "environment", "painted"),
    [
        ((), {}, False),
        (("--color", "always"), {}, True),
        (("--color=always",), {"NO_COLOR": "1"}, True),
        (("--color", "auto"), {"FORCE_COLOR": "1"}, True),
        (("--no-color",), {"FORCE_COLOR": "1"}, False),
        (("--color", "never"), {"CLICOLOR_FORCE": "1"}, False),
        ((), {"CLICOLOR_FORCE": "1"}, True),
        ((), {"FORCE_COLOR": "0"}, False),
        ((), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ((), {"NO_COLOR": "", "FORCE_COLOR": "3"}, True),
    ],
)
def test_colour_in_a_pipe_is_as_the_user_says(
    swarm: Swarm,
    three: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    environment: dict[str, str],
    painted: bool,
) -> None:
    for name in COLOURS:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    finding = ids(swarm, "bug")
    assert [("\x1b[" in swarm(*call).out) for call in ((*words, "show", finding), ("show", finding, *words))] == [
        painted
    ] * 2


def test_the_version_is_printed_before_and_after_a_verb(swarm: Swarm) -> None:
    # Of a checkout, git is asked for its commit; of an unpacked archive nothing is known.
    for words in (("-V",), ("--version",), ("status", "-V")):
        assert re.fullmatch(rf"swarm {__version__}( \(commit [0-9a-f]{{12}}\))?\n", swarm(*words).out)


def test_a_plan_is_shown_where_a_dry_run_is_asked_for(swarm: Swarm, three: Workspace) -> None:
    assert "would be dispatched" in swarm("dispatch", "health-audit-b", "-n").out
    for last, applied in (("-n", False), ("--apply", True)):
        words = ("--apply", "--dry-run", last, "--reason", "no more of it", "--json")
        assert swarm("clean", *words).data["applied"] is applied


def test_the_repository_is_that_of_the_folder_where_it_is_left_out(swarm: Swarm, repo: Repo) -> None:
    assert swarm("init", "--json", cwd=repo.root / "src").data["localPath"] == str(repo.root)


def test_a_terminal_gets_colour_unless_its_user_says_no(swarm: Swarm, three: Workspace, repo: Repo) -> None:
    finding = ids(swarm, "bug")
    script = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"

    def painted(**environment: str) -> bool:
        plain = {name: value for name, value in os.environ.items() if name not in COLOURS}
        done = subprocess.run(
            [sys.executable, "-c", script, sys.executable, "-m", "swarm", "show", finding],
            cwd=repo.root,
            env={**plain, "TERM": "xterm", **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
        )
        return b"\x1b[" in done.stdout

    assert painted()
    assert not painted(CLICOLOR="0")
    assert not painted(TERM="dumb")
