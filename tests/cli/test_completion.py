"""`swarm completion`: a script for each shell, and the words that its shell is offered."""

import os
import shutil
import subprocess
import sys
from contextvars import copy_context
from pathlib import Path

import pytest
from click.shell_completion import BashComplete

from swarm.cli import main
from swarm.cli.verbs import HELP
from swarm.errors import CATALOGUE
from swarm.rules.phases import DISPATCHED_PHASES
from tests.cli.scenes.documents import valid
from tests.cli.scenes.snapshots import nothing_changes
from tests.cli.scenes.triage import ids
from tests.conftest import Repo, Swarm, Workspace

SHELLS = ("bash", "zsh", "fish")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_printed_as_it_is_and_lies_whole_in_the_document(swarm: Swarm, repo: Repo, shell: str) -> None:
    with nothing_changes(repo.root):
        script = swarm("completion", shell).out
        data = valid(swarm("completion", shell, "--format", "json"), "completion", 0)
    assert (data["shell"], data["script"].rstrip("\n")) == (shell, script.rstrip("\n"))
    assert "_SWARM_COMPLETE" in script


@pytest.mark.parametrize("words", [(), ("tcsh",), ("bash", "zsh")])
def test_a_shell_is_named_from_the_list(swarm: Swarm, words: tuple[str, ...]) -> None:
    assert swarm("completion", *words, exit=2).code == "CLI_USAGE"


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash on this machine")
def test_a_missing_shell_is_named_on_one_line(swarm: Swarm) -> None:
    assert swarm("completion", exit=2).err.splitlines()[0] == (
        "ERROR [CLI_USAGE]: Missing argument '{bash|zsh|fish}'. Choose from: bash, zsh, fish"
    )


def test_bash_accepts_its_script(swarm: Swarm) -> None:
    script = swarm("completion", "bash").out
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def offered(repo: Repo, line: str, shell: str = "bash") -> list[str]:
    """Return the words that a shell is offered at the end of a line."""
    words = line.split(" ")
    # fish gives the word alone, bash and zsh its position.
    position = words[-1] if shell == "fish" else str(len(words) - 1)
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from swarm.cli.main import swarm; swarm(prog_name='swarm')"],
        cwd=repo.root,
        env={
            **os.environ,
            "_SWARM_COMPLETE": f"{shell}_complete",
            "COMP_WORDS": line,
            "COMP_CWORD": position,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    match shell:
        case "bash":
            return [row.partition(",")[2] for row in done.stdout.splitlines() if row]
        case "zsh":
            # Kind, word and help, each on its line.
            return done.stdout.splitlines()[1::3]
        case _:
            return [row.partition(",")[2].partition("\t")[0] for row in done.stdout.splitlines()]


def offered_here(line: str) -> list[str]:
    """Return the same words, asked for in this process."""
    *words, last = line.split(" ")
    return [item.value for item in BashComplete(main.swarm, {}, "swarm", "").get_completions(words, last)]


def test_verbs_are_offered_by_their_beginning(repo: Repo) -> None:
    assert offered(repo, "swarm verify-") == [name for name in HELP if name.startswith("verify-")]
    assert set(HELP) <= set(offered(repo, "swarm "))


def test_the_options_and_choices_of_a_verb_are_offered(repo: Repo) -> None:
    assert offered(repo, "swarm completion ") == list(SHELLS)
    assert offered(repo, "swarm runs --set") == ["--set-timeout"]


def test_values_are_offered_from_the_control_plane_and_nothing_is_changed(
    swarm: Swarm, repo: Repo, three: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug, evil, docs = (ids(swarm, rule) for rule in ("bug", "S307", "docs"))
    every = sorted([bug, evil, docs])
    tag = three.run.replace("swarm-", "swarm-save-", 1)
    expected = {
        "status ": ["latest", three.run],
        "status swarm-": [three.run],
        "show ": every,
        "show f-": [f"f-{word[2:]}" for word in every],
        f"show {bug[2:5]}": [bug[2:]],
        f"show {bug[:4].lower()}": [f"f-{bug[2:]}"],
        "approve ": [*every, "latest", three.run],
        f"approve {three.run} ": every,
        f"approve --ids {bug},{evil[:4]}": [f"{bug},{evil}"],
        "approve --all --severity HIGH,c": ["HIGH,CRITICAL"],
        "approve --all --rule S": ["S307"],
        "defer --run ": ["latest", three.run],
        "domains --edit ": ["code", "rest"],
        "revalidate --domain r": ["rest:"],
        "dispatch health-audit": [phase for phase in DISPATCHED_PHASES if phase.startswith("health-audit")],
        f"dispatch {three.run} s": ["stage-d-audit", "stage-d-amend"],
        "launch --runtime ru": ["ruff", "rumdl"],
        "rewind ": [tag],
        "explain run_a": ["RUN_AMBIGUOUS"],
        f"explain {bug}": [bug],
        "schema stat": ["status"],
        "help appr": ["approve"],
        "status --format j": ["json"],
        "--color a": ["auto", "always"],
        "status --db nowhere.db ": [],
    }
    monkeypatch.chdir(repo.root)
    with nothing_changes(repo.root):
        assert {line: copy_context().run(offered_here, line) for line in expected} == expected
    assert offered(repo, "swarm -C src show ") == every
    for shell in ("zsh", "fish"):
        assert offered(repo, "swarm show ", shell) == every


def test_without_a_control_plane_only_what_is_known_is_offered(repo: Repo) -> None:
    assert offered(repo, "swarm show ") == []
    assert offered(repo, "swarm explain RUN_") == [code for code in sorted(CATALOGUE) if code.startswith("RUN_")]
    assert not (repo.root / "swarms").exists()


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash on this machine")
def test_a_real_bash_completes_a_run(swarm: Swarm, repo: Repo, workspace: Workspace, tmp_path: Path) -> None:
    program = tmp_path / "swarm"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m swarm "$@"\n')
    program.chmod(0o755)
    line = 'COMP_WORDS=(swarm status ""); COMP_CWORD=2; _swarm_completion ' + str(program)
    script = f"{swarm('completion', 'bash').out}\n{line}\nprintf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "-c", script], cwd=repo.root, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["latest", workspace.run]
