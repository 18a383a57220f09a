"""Worlds that are broken: a verb of each kind in a state where it has work to do, and the state before."""

import json
import os
import re
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from swarm.errors import CATALOGUE
from tests.cli.scenes import merge_team
from tests.cli.scenes.merge_team import Team
from tests.conftest import Answer, Repo, Swarm, Workspace
from tests.stage import Kept

WHY = ("--apply", "--reason", "as it was meant")
PLAYED = """
[runtimes.played]
kind = "command"
argv = ["sh", "-c", '''printf '{"domain": "%s", "stage": "A", "summary": "Looked.", "findings": []}' \
"$SWARM_DOMAIN" > "$SWARM_OUTPUT_FILE"''']
"""


EMPTY = (stat.S_IFREG | 0o644, b"")


class Act(NamedTuple):
    """A verb in a state in which it has work to do; `exit` is its exit code when nothing is broken."""

    verb: str
    state: str
    words: tuple[str, ...]
    exit: int = 0


READING = (
    Act("status", "team", ("status", "RUN")),
    Act("findings", "team", ("findings", "RUN"), exit=1),
)
WRITING = (
    Act("init", "team", ("init", ".", "--new")),
    Act("dispatch", "team", ("dispatch", "RUN", "health-amend-a", "--isolate")),
    Act("launch", "planned", ("launch", "RUN")),
    Act("collect", "answered", ("collect", "RUN")),
    Act("approve", "found", ("approve", "RUN", "--all")),
    Act("merge", "amended", ("merge", "RUN")),
    Act("publish", "amended", ("merge", "RUN", "--publish")),
    Act("verify", "merged", ("verify", "RUN")),
    Act("advance", "low", ("advance", "RUN")),
    Act("resume", "failed", ("resume", "RUN", *WHY)),
    Act("clean", "merged", ("clean", "RUN", *WHY)),
    Act("rewind", "published", ("rewind", "TAG", *WHY)),
    Act("undo", "cleaned", ("undo", *WHY)),
)
EVERY = READING + WRITING


def each(acts: Iterable[Act]) -> pytest.MarkDecorator:
    """Run a test once for each verb."""
    return pytest.mark.parametrize("act", acts, ids=lambda act: act.verb)


class World(NamedTuple):
    """A run in the state that a verb needs, whose parts can be broken and mended."""

    team: Team
    unbroken: Mapping[str, str]
    standing: set[str]

    @property
    def root(self) -> Path:
        """The repository."""
        return self.team.repo.root

    @property
    def db(self) -> Path:
        """The control plane."""
        return self.team.place.db

    def words(self, act: Act) -> tuple[str, ...]:
        """The command line of a verb here."""
        named = {"RUN": self.team.run, "TAG": self.team.run.replace("swarm-", "swarm-save-", 1)}
        return tuple(named.get(word, word) for word in act.words)

    def call(self, act: Act) -> Answer:
        """Call a verb."""
        return self.team.swarm(*self.words(act), exit=None)

    def named(self, act: Act) -> Answer:
        """Call a verb on this very control plane, and on no other one that is found from here."""
        return self.team.swarm("--db", str(self.db), *self.words(act), exit=None)

    def works(self, act: Act) -> None:
        """Call a verb, and see that it does what it does where nothing ever was broken."""
        answer = self.call(act)
        assert answer.exit == act.exit, answer.out + answer.err
        self.is_done(act)

    def is_done(self, act: Act) -> None:
        """See that all is as after the same verb where nothing ever was broken."""
        self.is_sound()
        assert self.outcome() == self.unbroken[act.verb]

    def is_as(self, before: Mapping[str, object], *, but: str = "") -> None:
        """See that every file is as it was, but for those that a pattern names."""
        now = self.everything()
        differing = (name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
        assert sorted(name for name in differing if not but or not re.match(but, name)) == []

    def stands(self, act: Act) -> None:
        """See no more than was asserted, and let the next test of the same state begin here."""
        self.standing.add(act.state)

    def is_sound(self) -> None:
        """See that database and ledger hold, and that no lock, journal or half-written file is left."""
        conn = sqlite3.connect(self.db)
        assert conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert conn.execute("PRAGMA foreign_key_check").fetchall() == []
        conn.close()
        self.team.swarm("ledger", "verify")
        self.team.swarm("ledger", "replay", "--check")
        assert self.strays() == []

    def strays(self) -> list[str]:
        """Files that only a process at work, or one that was not tidy, has."""
        names = (str(file.relative_to(self.root)) for file in self.root.rglob("*") if not file.is_dir())
        left = re.compile(r".*(\.tmp|-journal)$|\.git/(?!swarm-).*\.lock$|.*/proof-")
        return sorted(name for name in names if left.match(name))

    def outcome(self) -> str:
        """Return the state of the run, without ids and times."""
        data = self.team.swarm("status", self.team.run, "--format", "json").data
        kept = {key: data[key] for key in ("waves", "agentSummary", "findings", "assessment")}
        kept["run"] = data["run"]["status"]
        if kept["waves"]["current"]:
            kept["waves"]["current"]["dispatchSha"] = None
        kept["refs"] = self.team.repo.git("for-each-ref", "--format=%(refname)").splitlines()
        kept["trees"] = self.team.repo.git("worktree", "list", "--porcelain").count("worktree ")
        text = json.dumps(kept).replace(self.team.hex, "HEX").replace(self.team.run, "RUN")
        return re.sub(r"\b\d{8,}(-\w+)*", "ID", text)

    def everything(self) -> dict[str, object]:
        """Every file with its content and rights, but for locks and for git's objects, which nobody sees."""
        found: dict[str, object] = {}
        for folder, folders, names in os.walk(self.root):
            inside = Path(folder).relative_to(self.root)
            if inside.parts[-2:] == (".git", "objects") or inside.parts[:2] == (".git", "objects"):
                folders.clear()
                continue
            if ".git" not in inside.parts:
                found |= {str(inside / name): "folder" for name in folders}
            for name in names:
                path = Path(folder, name)
                is_ours = name.endswith(".lock") and (name.startswith("swarm-") or "swarms" in inside.parts)
                if not is_ours:
                    found[str(inside / name)] = _content(path)
        # git leaves an empty one where it could not begin it.
        return {name: what for name, what in found.items() if not (name.startswith(".git/logs/") and what == EMPTY)}


def _content(path: Path) -> object:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return path.readlink()
    body = path.read_bytes() if stat.S_ISREG(status.st_mode) else None
    return status.st_mode, body


def refused(answer: Answer, *codes: str, exit: int | None = None) -> None:  # noqa: A002
    """See that a verb was refused by one typed error, whole, and by nothing else."""
    block = [line for line in answer.err.splitlines() if not line.startswith("{")]
    assert answer.code in (codes or CATALOGUE), answer
    found = CATALOGUE[str(answer.code)]
    assert answer.exit == (exit or found.exit_code), answer
    assert "Traceback" not in answer.err + answer.out
    assert [line for line in block if line.startswith("ERROR")] == block[:1], answer.err
    assert all(line.startswith("  ") for line in block[1:])
    assert [line for line in block if line.startswith("  Next: ")], answer.err


# --- states -----------------------------------------------------------------------------------------------


def _found(team: Team) -> None:
    team.prove_with(merge_team.STEP)
    team.swarm("dispatch", team.run, "health-audit-a")
    team.place.answer("code", merge_team.LOAD, merge_team.NAME)
    team.place.answer("rest", merge_team.TITLE)
    team.swarm("collect", team.run)


def _team(team: Team) -> None:
    _found(team)
    team.swarm("approve", team.run, "--all")


def _answered(team: Team) -> None:
    _team(team)
    team.dispatch()
    team.edit("code", {"src/app.py": merge_team.MENDED})
    team.edit("rest", {"README.md": merge_team.RETITLED}, commit=True)
    ids = team.ids()
    team.answer("code", ids["def load"])
    team.answer("rest", ids["# A project"])


def _amended(team: Team) -> None:
    _answered(team)
    team.swarm("collect", team.run)


def _merged(team: Team) -> None:
    _amended(team)
    team.swarm("merge", team.run)


def _published(team: Team) -> None:
    _amended(team)
    team.swarm("merge", team.run, "--publish")


def _cleaned(team: Team) -> None:
    _merged(team)
    team.swarm("clean", team.run, *WHY)


def _planned(team: Team) -> None:
    team.prove_with(PLAYED)
    team.swarm("dispatch", team.run, "health-audit-a", "--isolate", "--runtime", "played")


def _low(team: Team) -> None:
    team.swarm("dispatch", team.run, "health-audit-a", "--isolate")
    team.place.answer("code", merge_team.NAME)
    team.place.answer("rest")
    team.swarm("collect", team.run)


def _failed(team: Team) -> None:
    team.swarm("dispatch", team.run, "health-audit-a", "--isolate")
    team.place.answer("code", merge_team.LOAD)
    team.swarm("collect", team.run, exit=1)


_STATES: dict[str, Callable[[Team], None]] = {
    "found": _found,
    "team": _team,
    "answered": _answered,
    "amended": _amended,
    "merged": _merged,
    "published": _published,
    "cleaned": _cleaned,
    "planned": _planned,
    "low": _low,
    "failed": _failed,
}


class Worlds:
    """One place for all worlds, and what is known of them."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self.repo = Repo(kept.place / "repo")
        self._states: dict[str, Workspace] = {}
        self._unbroken: dict[str, str] = {}
        self._standing: set[str] = set()

    def world(self, act: Act, swarm: Swarm, started: Callable[[], Workspace]) -> World:
        """Bring the repository into the state that a verb needs, and learn once what the verb makes of it."""

        def make() -> Workspace:
            self._kept.clear()
            self.repo.start()
            place = started()
            _STATES[act.state](Team(swarm, self.repo, place))
            return place

        if act.state not in self._standing or act.verb not in self._unbroken:
            self._states[act.state] = self._kept.bring(act.state, make)
        self._standing.clear()
        world = World(Team(swarm, self.repo, self._states[act.state]), self._unbroken, self._standing)
        if act.verb not in self._unbroken:
            answer = world.call(act)
            assert answer.exit == act.exit, answer
            self._unbroken[act.verb] = world.outcome()
            self._kept.bring(act.state, make)
        return world


def copied(source: Path, target: Path) -> None:
    """Copy all that is in a folder into another that is there."""
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
