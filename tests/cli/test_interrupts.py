"""Ctrl-C and SIGTERM in the middle of a long verb: its children end, its locks and scratch trees go, and it can be
called again."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from swarm.locks import is_held
from tests.cli.scenes.merge_team import STEP, Team
from tests.cli.scenes.processes import LAUNCHER, assert_ends
from tests.conftest import Answer, Swarm

pytestmark = pytest.mark.sweep

SAID = "Interrupted. The same command goes on from here."
WHY = ("--apply", "--reason", "no more of it")
# Ends its supervisor in the middle, and would go on for ever; so would what it started.
STUBBORN = "sleep 600 & echo $! > {pids}; echo $$ >> {pids}; {launcher}; kill -{signal} $launcher; wait"
# Tells its parent to end, the first time that it is asked for a certain thing, and does it all the same.
GIT = """#!/bin/sh
case " $* " in
*"{word}"*) if mkdir "{mark}" 2>/dev/null; then kill -{signal} "$PPID"; fi ;;
esac
exec "{git}" "$@"
"""


class Bench(NamedTuple):
    """A run, and a place for what the interrupted programs tell."""

    team: Team
    folder: Path
    swarm_process: Swarm
    number: signal.Signals

    def git(self, word: str) -> dict[str, str]:
        """Put a git in the way that tells swarm to end when it is asked for something."""
        place = self.folder / "bin"
        place.mkdir()
        script = place / "git"
        script.write_text(
            GIT.format(word=word, mark=self.folder / "told", signal=self.number.value, git=shutil.which("git"))
        )
        script.chmod(0o755)
        return {"PATH": f"{place}:{os.environ['PATH']}"}

    @property
    def stubborn(self) -> str:
        return STUBBORN.format(pids=self.folder / "pids", signal=self.number.value, launcher=LAUNCHER)

    def call(self, *words: str, exit: int | None = 0, **environment: str) -> Answer:  # noqa: A002
        return self.swarm_process(*words, exit=exit, **environment)


Case = Callable[[Bench], tuple[tuple[str, ...], dict[str, str]]]


def dispatch(word: str) -> Case:
    return lambda bench: (("dispatch", bench.team.run, "health-amend-a", "--isolate"), bench.git(word))


def resume(bench: Bench) -> tuple[tuple[str, ...], dict[str, str]]:
    bench.team.dispatch()
    bench.team.edit("code", {"src/app.py": "half a thought\n"})
    bench.team.answer("rest")
    bench.team.swarm("collect", bench.team.run, exit=1)
    return ("resume", bench.team.run, *WHY), bench.git(" worktree add ")


def collect(word: str) -> Case:
    def case(bench: Bench) -> tuple[tuple[str, ...], dict[str, str]]:
        bench.team.dispatch()
        bench.team.edit("code", {"src/app.py": "mended = True\n"})
        bench.team.answer("code")
        bench.team.answer("rest")
        return ("collect", bench.team.run), bench.git(word)

    return case


def launch(bench: Bench) -> tuple[tuple[str, ...], dict[str, str]]:
    bench.team.dispatch()
    script = bench.folder / "agent"
    script.write_text(f"#!/bin/sh\n{bench.stubborn}\n")
    script.chmod(0o755)
    bench.team.prove_with(f'[runtimes.stubborn]\nkind = "command"\nargv = ["{script}"]\n')
    return ("launch", bench.team.run, "--runtime", "stubborn", "--jobs", "1"), {}


def ended(bench: Bench) -> None:
    bench.team.dispatch()
    bench.team.edit("code", {"src/app.py": "mended = True\n"})
    bench.team.collect()


def building(*words: str) -> Case:
    def case(bench: Bench) -> tuple[tuple[str, ...], dict[str, str]]:
        ended(bench)
        if words[0] == "verify":
            bench.team.merge()
        script = bench.folder / "wait"
        script.write_text(f"#!/bin/sh\n{bench.stubborn}\n")
        script.chmod(0o755)
        bench.team.prove_with(f'[[verify.steps]]\nname = "wait"\nkind = "test"\nargv = ["{script}"]\n')
        return (words[0], bench.team.run, *words[1:]), {}

    return case


def merging(word: str) -> Case:
    def case(bench: Bench) -> tuple[tuple[str, ...], dict[str, str]]:
        ended(bench)
        return ("merge", bench.team.run, "--publish"), bench.git(word)

    return case


def over(verb: str, *words: str, git: str) -> Case:
    def case(bench: Bench) -> tuple[tuple[str, ...], dict[str, str]]:
        ended(bench)
        bench.team.merge("--publish")
        bench.team.edit("code", {"notes.txt": "mine\n"})
        if verb == "undo":
            bench.team.swarm("clean", bench.team.run, "--force", *WHY)
        return (verb, bench.team.run, *words, *WHY), bench.git(git)

    return case


CASES: dict[str, Case] = {
    "dispatch, at a tree": dispatch(" worktree add "),
    "dispatch, at its files": dispatch(" reset --hard "),
    "resume": resume,
    "collect, at a tree": collect(" write-tree "),
    "collect, at a ref": collect(" update-ref "),
    "launch": launch,
    "merge, in its build": building("merge"),
    "merge, at the chain": merging(" merge-tree "),
    "merge, at the branch": merging(" read-tree -m -u "),
    "verify": building("verify"),
    "clean, saving": over("clean", "--force", git=" update-ref refs/swarm/salvage/"),
    "clean, removing": over("clean", "--force", git=" worktree remove "),
    "rewind": over("rewind", git=" read-tree -m -u "),
    "undo": over("undo", git=" worktree add "),
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("case", CASES)
def test_a_verb_that_is_asked_to_end_leaves_nothing_and_can_be_called_again(
    case: str, number: signal.Signals, team: Team, swarm_process: Swarm, tmp_path: Path
) -> None:
    folder = tmp_path / "told"
    folder.mkdir()
    bench = Bench(team, folder, swarm_process, number)
    words, environment = CASES[case](bench)
    answer = bench.call(*words, exit=130, **environment)
    # click goes to a new line first, as a terminal shows `^C`.
    assert [line for line in answer.err.splitlines() if line and not line.startswith("{")] == [SAID]
    for pid in (folder / "pids").read_text().split() if (folder / "pids").exists() else ():
        assert_ends(int(pid))
    # A rewind that was broken off is reported, for it is to be called again.
    hold_that_all_is_in_order(team, *(["rewinds"] if case == "rewind" else []))
    team.prove_with(STEP + _quick(folder))
    bench.call(*words, **environment)
    hold_that_all_is_in_order(team)


def _quick(folder: Path) -> str:
    """The runtime of the same name, whose agents have nothing to do."""
    script = folder / "quick"
    answer = '{"domain": "\'$2\'", "summary": "Nothing.", "fixes": [], "files_changed": []}'
    script.write_text(f"#!/bin/sh\necho '{answer}' > \"$1\"\n")
    script.chmod(0o755)
    argv = f'["{script}", "{{output_file}}", "{{domain}}"]'
    return f'[runtimes.stubborn]\nkind = "command"\nargv = {argv}\n'


def hold_that_all_is_in_order(team: Team, *failing: str) -> None:
    repo = team.repo
    assert [str(lock) for lock in repo.root.rglob("*.lock") if is_held(lock)] == []
    assert list((repo.root / "swarms").glob("swarm-*/worktrees/proof-*")) == []
    assert "proof-" not in repo.git("worktree", "list")
    assert repo.git("fsck", "--no-dangling") == ""
    checks = {check["id"]: check["status"] for check in team.swarm("doctor", "--format", "json").data["checks"]}
    assert {name for name, status in checks.items() if status != "pass"} - {"disk", "sandbox"} == set(failing)
