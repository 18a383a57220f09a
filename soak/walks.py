"""Random walks of people, agents and verbs, many of which are killed: what anybody has made is still somewhere.

Whatever a person or an agent writes has a mark of its own in it. After each verb every mark that was there before must
be found in a checkout, a worktree, an index, or what a ref reaches; the branches and tags of people must stand where
they stood; no answer may be raw. At the end of a walk everything must be sound, and what `status` names next must lead
on.

`python soak/walks.py [--walks 20] [--steps 60] [--jobs N] [--seed N]`
"""

import argparse
import multiprocessing
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from soak import calls, marks, scenes, soundness
from soak.calls import Answer, git
from soak.forks import forked
from soak.processes import left_running
from soak.random_kills import LOCKED, await_git, broken_off, helped_by_hand

KILLED = -9
WHY = ("--apply", "--reason", "a walk")
AUDIT, AMEND = scenes.AUDIT, scenes.AMEND
# How often a verb is called; what it needs is rarely there, and then it must say so.
VERBS: dict[str, int] = {
    "status next": 40,
    "init . --domains-from ../map.json": 1,
    "domains --freeze": 1,
    f"dispatch {AUDIT} --isolate --runtime played": 4,
    f"dispatch {AUDIT} --isolate --sparse --runtime played": 2,
    f"dispatch {AMEND} --isolate --runtime played": 4,
    "launch": 6,
    "collect": 6,
    "approve --all": 3,
    "audit .": 1,
    "revalidate": 2,
    "verify-fixed": 1,
    "lease grant --domain rest --file src/app.py --reason walk": 1,
    "merge": 3,
    "merge --publish": 3,
    "merge --publish --drop-culprits": 2,
    "verify": 2,
    "advance --override --reason walk": 2,
    "resume": 3,
    "redrive": 3,
    "clean": 4,
    "clean --force": 6,
    "rewind latest": 3,
    "rewind latest --force": 4,
    "undo": 6,
    "doctor --fix": 4,
}
WITH_REASON = {"resume", "redrive", "revalidate", "clean", "rewind", "undo", "doctor"}
BY_HAND = 0.35
KILL = 0.4
# Of the kills, how many end the git as well.
GROUPS = 0.15
# The points at which a call may be killed: early ones matter as much as late ones.
FURTHEST = 400
LED = 25
# Where `status` names one of these, there is nothing more to do.
PEOPLES = {"findings", "attempts"}
HINTED = re.compile(r"`swarm ([^`<]+)`")


class Told(NamedTuple):
    """Result of a walk."""

    steps: int
    kills: int
    made: int
    ends: Counter[str]
    wrong: tuple[str, ...]


class Walk:
    """One walk in a place of its own, with its own dice."""

    def __init__(self, place: Path, seed: int) -> None:
        self.root = place / "repo"
        shutil.rmtree(place, ignore_errors=True)
        self.root.mkdir(parents=True)
        scenes.make(self.root)
        self._dice = random.Random(seed)
        self._marks = marks.Marks(self.root)
        self._number = 0
        self._story: list[str] = []
        self._kills = 0
        self._ends: Counter[str] = Counter()
        self._wrong: list[str] = []
        self._peoples: dict[str, str] = {}
        self._known: frozenset[bytes] = frozenset()

    def go(self, steps: int) -> Told:
        """Walk, until something is wrong or so many steps are made."""
        self._verb(("init", ".", "--domains-from", "../map.json"), kill=False)
        self._verb(("domains", "--freeze"), kill=False)
        for number in range(steps):
            if self._dice.random() < BY_HAND:
                self._by_hand()
            else:
                self._any_verb()
            if number % 10 == 9 and not self._wrong:
                self._wrong += soundness.unsound_tables(self.root, "ledger replay --check")
            if self._wrong:
                break
        else:
            self._ending()
        return self._told()

    def broken_off(self, why: str) -> Told:
        """Return what came of a walk that could not go on."""
        self._wrong.append(why)
        return self._told()

    def _told(self) -> Told:
        wrong = [*self._wrong, "the way there: " + " | ".join(self._story[-25:])] if self._wrong else []
        return Told(len(self._story), self._kills, len(self._marks.ever), self._ends, tuple(wrong))

    def _mark(self) -> str:
        self._number += 1
        return f"# mark-{os.getpid()}-{self._number}"

    # --- people and agents -------------------------------------------------------------------------------

    def _by_hand(self) -> None:
        # The trees of builds are swarm's own, and nobody works there.
        trees = [tree for tree in soundness.trees_of(self.root) if tree.is_dir() and tree.name.startswith("w")]
        place = self._dice.choice([self.root, *trees, *trees])
        act = self._dice.choice(["edit", "edit", "new", "new", "stage", "commit", "branch", "leave", "prune"])
        self._story.append(f"by hand: {act} in {place.name}")
        getattr(self, f"_{act}")(place)
        self._known = self._marks.found()
        self._peoples = self._refs_of_people()

    def _edit(self, place: Path) -> None:
        name = self._dice.choice(["README.md", "src/app.py", "docs/guide.md"])
        if (place / name).is_file():
            with (place / name).open("a") as file:
                file.write(self._mark() + "\n")

    def _new(self, place: Path) -> None:
        folder = place / self._dice.choice([".", "src", "mine"])
        folder.mkdir(exist_ok=True)
        (folder / f"notes-{self._number}.txt").write_text(self._mark() + "\n")

    def _stage(self, place: Path) -> None:
        """Stage something, and go on editing: what was staged is then nowhere else."""
        name = f"staged-{self._number}.txt"
        (place / name).write_text(self._mark() + "\n")
        self._git(place, "add", name)
        (place / name).write_text("other\n")

    def _commit(self, place: Path) -> None:
        self._git(place, "add", "-A")
        self._git(place, "commit", "-q", "-m", "by hand")

    def _branch(self, place: Path) -> None:
        self._edit(place)
        self._number += 1
        self._git(place, "branch", f"mine-{self._number}")

    def _leave(self, place: Path) -> None:
        """Leave a commit that no branch has, where an agent is; a person comes back to main."""
        if place == self.root:
            self._git(place, "checkout", "-q", "main")
            return
        self._git(place, "checkout", "-q", "--detach")
        self._edit(place)
        self._commit(place)

    def _prune(self, _: Path) -> None:
        """Let git take away what nothing reaches: what swarm has saved must be reached."""
        self._git(self.root, "reflog", "expire", "--expire=now", "--all")
        self._git(self.root, "gc", "-q", "--prune=now")

    def _git(self, place: Path, *words: str) -> None:
        """Call git as a person does; git may refuse."""
        subprocess.run(
            ["git", *words], cwd=place, env=calls.environment(self.root.parent), capture_output=True, check=False
        )

    def _refs_of_people(self) -> dict[str, str]:
        found = git(self.root, "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags")
        refs = dict(line.split() for line in found.splitlines())
        ours = ("refs/heads/swarm/", "refs/tags/swarm-save-")
        return {ref: commit for ref, commit in refs.items() if ref != "refs/heads/main" and not ref.startswith(ours)}

    def _answers(self) -> None:
        """Prepare what the agents will do next: well, badly, or where they must not."""
        for domain, finding in scenes.FINDINGS.items():
            reports = {"id": "1", "severity": "HIGH", "category": "bug", "description": "It is wrong.", **finding}
            scenes.answer(self.root, AUDIT, domain, self._misdeed(domain, 0.15), stage="A", findings=[reports])
            scenes.answer(self.root, AMEND, domain, self._misdeed(domain, 0.5), fixes=[], files_changed=[])
        approved = forked(self.root, "findings", "--status", "approved").data
        for finding in approved["findings"] if approved else ():
            domain = finding["domain"]
            fixes = [{"finding_id": finding["findingId"], "description": "Mended."}]
            edit = f"{scenes.EDITS[domain]}\n{self._misdeed(domain, 0.5) or ''}"
            scenes.answer(self.root, AMEND, domain, edit, fixes=fixes, files_changed=[])

    def _misdeed(self, domain: str, often: float) -> str | None:
        if self._dice.random() > often:
            return None
        owned = scenes.FINDINGS[domain]["file"]
        written = 'echo "# mark-$$-$(date +%s%N)" >>'
        return self._dice.choice(
            [f"{written} {owned}", f"{written} {owned}", f"{written} new-$$.txt", f"{written} README.md", "exit 3"]
        )

    # --- verbs -------------------------------------------------------------------------------------------

    def _any_verb(self) -> None:
        line = self._dice.choices(list(VERBS), list(VERBS.values()))[0]
        words = self._next() if line == "status next" else tuple(line.split())
        if words is None:
            return
        if words == ("redrive",):
            words = ("redrive", str(self._newest_wave()))
        if words[0] == "launch":
            self._answers()
        self._verb(_applied(words), kill=self._dice.random() < KILL)

    def _newest_wave(self) -> int:
        return int(soundness.rows(self.root, "SELECT coalesce(max(number), 1) FROM waves")[0][0])

    def _next(self) -> tuple[str, ...] | None:
        """Return what `status` names next; `None` where that is for a person to fill in."""
        answer = forked(self.root, "status")
        if answer.problem or not answer.is_done:
            self._wrong.append(str(answer))
            return None
        line = answer.data["assessment"]["nextAction"].replace("'…'", "walk")
        return None if "<" in line else tuple(shlex.split(line)[1:])

    def _verb(self, words: tuple[str, ...], *, kill: bool) -> Answer:
        point = int(FURTHEST ** self._dice.random()) if kill else 0
        if kill and self._dice.random() < GROUPS:
            # With the git that it has called, somewhere in the middle.
            broken_off(self.root, words, self._dice.uniform(0.1, 1), group=True)
            self._story.append(f"{' '.join(words)}: killed with its git, or too late")
            self._kills += 1
            self._look()
            point = 0
        answer = forked(self.root, *words, point=point)
        if answer.code in LOCKED:
            answer, _ = helped_by_hand(self.root, words, answer)
        self._story.append(
            f"{' '.join(words)}{f' killed at {point}' if answer.exit == KILLED else ''}: {_label(answer)}"
        )
        if answer.exit == KILLED:
            self._kills += 1
            await_git(self.root)
        elif answer.problem:
            self._wrong.append(f"{answer.problem}: {answer}")
        self._ends[f"{words[0]} {_label(answer)}"] += 1
        self._look()
        if answer.exit == KILLED and self._dice.random() < 0.6 and not self._wrong:
            return self._verb(words, kill=self._dice.random() < KILL / 2)
        return answer

    def _look(self) -> None:
        found = self._marks.found()
        if lost := self._known - found:
            self._wrong.append(f"lost: {sorted(lost)[:5]}")
        self._known = found
        now = self._refs_of_people()
        if moved := {ref for ref in self._peoples.keys() | now if self._peoples.get(ref) != now.get(ref)}:
            self._wrong.append(f"refs of people moved: {sorted(moved)[:5]}")
        self._peoples = now

    # --- the end -----------------------------------------------------------------------------------------

    def _ending(self) -> None:
        """A person tidies up; then the doctor finds nothing more to do, and `status` leads somewhere."""
        self._commit(self.root)
        self._git(self.root, "checkout", "-q", "main")
        self._known, self._peoples = self._marks.found(), self._refs_of_people()
        self._verb(("doctor", "--fix", *WHY), kill=False)
        again = self._verb(("doctor", "--fix"), kill=False)
        if planned := [repair for repair in (again.data or {}).get("repairs", ()) if repair["status"] == "planned"]:
            self._wrong.append(f"the doctor would go on: {planned}")
        self._wrong += soundness.unsound_tables(self.root, "ledger replay --check")
        if found := git(self.root, "fsck", "--no-dangling", "--no-progress", expect=(0, 1, 2, 3, 4, 8)).strip():
            self._wrong.append(f"git fsck says: {found[:400]}")
        self._wrong += [f"still running: {item}" for item in left_running(self.root.parent)]
        met: set[object] = set()
        for _ in range(LED):
            words = self._next()
            if words is None or words[0] in PEOPLES or self._wrong:
                break
            here = (words, self._standing())
            if here in met:
                self._wrong.append(f"status leads in a circle, by {' '.join(words)}")
                break
            met.add(here)
            if words[0] == "launch":
                self._answers()
            answer = self._verb(_applied(words), kill=False)
            if answer.exit == 1 and words[0] == "verify":
                # What does not hold is for somebody to mend.
                break
            if not answer.is_done and (found := HINTED.search(answer.document["error"]["hint"])):
                # As a person does, who reads the reason and the hint.
                self._verb(_applied(tuple(shlex.split(found[1].replace("'…'", "walk")))), kill=False)

    def _standing(self) -> object:
        """Return all that a step of the loop could have changed."""
        asked = (
            "SELECT id, status FROM runs",
            "SELECT id, status FROM waves",
            "SELECT id, status FROM agent_runs",
            "SELECT id, decision, status FROM findings",
            "SELECT count(*) FROM merges",
            "SELECT count(*) FROM verifications",
        )
        return (
            tuple(tuple(soundness.rows(self.root, statement)) for statement in asked),
            git(self.root, "for-each-ref", "--format=%(refname) %(objectname)"),
            git(self.root, "worktree", "list"),
        )


def _applied(words: tuple[str, ...]) -> tuple[str, ...]:
    return (*words, *WHY) if words[0] in WITH_REASON and "--apply" not in words else words


def _label(answer: Answer) -> str:
    return answer.code or ("killed" if answer.exit == KILLED else f"exit {answer.exit}")


def _work(folder: Path, steps: int, seed: int) -> Told:
    walk = Walk(folder / str(os.getpid()), seed)
    try:
        found = walk.go(steps)
    except (SystemExit, Exception) as stopped:  # noqa: BLE001 - a worker must not die of what the walk could not do
        found = walk.broken_off(repr(stopped))
    for line in found.wrong:
        print(f"seed {seed}: {line[:3000]}", file=sys.stderr, flush=True)
    return found


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--walks", type=int, default=20)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=1)
    asked, _ = parser.parse_known_args()
    began = time.monotonic()
    seeds = range(asked.seed, asked.seed + asked.walks)
    with calls.folder() as folder, multiprocessing.get_context("fork").Pool(asked.jobs, maxtasksperchild=4) as pool:
        walks = list(pool.imap_unordered(partial(_work, folder, asked.steps), seeds))
    ends = sum((walk.ends for walk in walks), Counter[str]())
    facts: dict[str, Any] = {
        "walks": len(walks),
        "steps": sum(walk.steps for walk in walks),
        "kills": sum(walk.kills for walk in walks),
        "made": sum(walk.made for walk in walks),
        "wrong": sum(bool(walk.wrong) for walk in walks),
        "problems": [line[:3000] for walk in walks for line in walk.wrong][:10],
        "ends": dict(sorted(ends.items())),
        "minutes": (time.monotonic() - began) / 60,
    }
    return int(not calls.tell("walks", "all", holds=not facts["wrong"], **facts))


if __name__ == "__main__":
    sys.exit(main())
