"""`swarm completion`: a script for each shell, and the words that its shell is offered."""

import os
import shutil
import subprocess
import sys

import pytest

from swarm.cli.verbs import HELP
from tests.cli.scenes.documents import valid
from tests.cli.scenes.snapshots import nothing_changes
from tests.conftest import Repo, Swarm

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
def test_bash_accepts_its_script(swarm: Swarm) -> None:
    script = swarm("completion", "bash").out
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def offered(repo: Repo, line: str) -> list[str]:
    """Return the words that bash is offered at the end of a line."""
    words = line.split(" ")
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from swarm.cli.main import swarm; swarm(prog_name='swarm')"],
        cwd=repo.root,
        env={
            **os.environ,
            "_SWARM_COMPLETE": "bash_complete",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return [row.partition(",")[2] for row in done.stdout.splitlines()]


def test_verbs_are_offered_by_their_beginning(repo: Repo) -> None:
    assert offered(repo, "swarm verify-") == [name for name in HELP if name.startswith("verify-")]
    assert set(HELP) <= set(offered(repo, "swarm "))


def test_the_options_and_choices_of_a_verb_are_offered(repo: Repo) -> None:
    assert offered(repo, "swarm completion ") == list(SHELLS)
    assert offered(repo, "swarm runs --set") == ["--set-timeout"]
