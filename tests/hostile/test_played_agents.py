"""Hostile agents of the corpus, launched by the `command` runtime: their acts are reported and have no effect."""

import json
import shutil
import signal
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conftest import Answer, Repo, Swarm, Workspace
from tests.hostile.cases import CORPUS, Case, cases
from tests.hostile.law import assert_lawful, assert_nothing_happened, assert_whole, checkout
from tests.stage import Stage

pytestmark = pytest.mark.sweep

AGENTS = cases("agents")
AUDIT = "health-audit-a"
MAP = [
    {"name": "code", "globs": ["src/**"]},
    {"name": "tests", "globs": ["tests/**"]},
    {"name": "rest", "globs": ["**"], "ownership": "shared"},
]
LOOKED_WITH = (
    ("status",),
    ("findings",),
    ("attempts",),
    ("receipt",),
    ("history", "1"),
    ("doctor",),
    ("doctor", "--fix"),
    ("advance", "--check-only"),
    ("clean",),
    ("resume",),
)
LARGEST_LEFT = 60 * 1024 * 1024


class Scene(NamedTuple):
    """A wave in flight with a hostile agent for `code`, and an honest agent for `tests`."""

    swarm: Swarm
    repo: Repo
    place: Workspace

    def launch(self, case: Case, process: Swarm) -> None:
        """Play an agent; one that kills who launched it is launched by a process of its own."""
        play = self.repo.root.parent
        shutil.copy(case.file, play / "agent.sh")
        for name in ("hold", "tests.pid", "over"):
            (play / name).unlink(missing_ok=True)
        if case.expected.get("holds"):
            (play / "hold").touch()
        words = ("launch", "--jobs", "2", "--timeout", case.expected.get("timeout", "60s"), "--format", "json")
        if case.expected.get("kills"):
            assert process(*words, exit=None).exit == -signal.SIGKILL
        else:
            assert held(self.swarm(*words, exit=None), "json").exit == case.expected.get("exit", 0)
            assert_nothing_happened(play)

    def collected(self) -> dict[str, Any]:
        """Return what `collect` tells of each agent and of the wave, or the code that it is refused with."""
        answer = held(self.swarm("collect", "--format", "json", exit=None), "json")
        assert_nothing_happened(self.repo.root.parent)
        if not answer.document["ok"]:
            return {"code": answer.code}
        data = answer.data
        agents = {agent["domain"]: agent["status"] for agent in data["agents"]}
        head = self.repo.git("rev-parse", "HEAD")
        violations = sorted(
            violation["file"].replace(head, "HEAD").replace(self.place.run, "RUN") for violation in data["violations"]
        )
        return {"agents": agents, "violations": violations if len(violations) < 20 else len(violations)}

    def show(self) -> None:
        """Hold every verb that a person would look with, and those that clear up after it."""
        for words in LOOKED_WITH:
            held(self.swarm(*words, exit=None))
        assert_nothing_happened(self.repo.root.parent)
        assert size_of(self.place.folder) < LARGEST_LEFT


def scene_of(swarm: Swarm, repo: Repo, stage: Stage, phase: str) -> Scene:
    """Return a scene of the phase; it is made once, and brought back after."""

    def make() -> Workspace:
        played = [str(CORPUS / "agents/harness"), str(repo.root.parent / "agent.sh")]
        found = ["{worktree}", "{output_file}", "{domain}", "{phase}", str(repo.root), sys.executable]
        argv = json.dumps(["sh", *played, *found])
        repo.commit({"swarm.toml": f'[runtimes.evil]\nkind = "command"\nargv = {argv}\n'})
        (repo.root.parent / "map.json").write_text(json.dumps(MAP))
        run = swarm("init", ".", "--domains-from", repo.root.parent / "map.json", "--format", "json").data["runId"]
        place = Workspace(run, repo.root / "swarms", repo.root / "swarms/control-plane.db")
        if phase != AUDIT:
            swarm("dispatch", run, AUDIT, "--auto-freeze")
            place.answer("code", {"file": "src/app.py", "line": 5, "quote": "def load(path, seen=[]):"})
            place.answer("tests", {"file": "tests/test_app.py", "line": 5, "quote": "    assert load"})
            swarm("collect")
            swarm("approve", "--all")
        swarm("dispatch", run, phase, "--isolate", "--auto-freeze", "--runtime", "evil")
        return place

    return Scene(swarm, repo, stage.bring(f"agents of {phase}", make))


def held(answer: Answer, form: str = "text") -> Answer:
    assert_lawful(answer, form=form)
    return answer


def size_of(folder: Path) -> int:
    """Return the bytes that a folder takes on the disk."""
    return sum(file.lstat().st_blocks * 512 for file in folder.rglob("*"))


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case.name, marks=[pytest.mark.soak] * case.expected.get("soak", False)) for case in AGENTS],
)
def test_what_a_hostile_agent_does_in_an_audit_is_reported_and_nothing_comes_of_it(
    swarm: Swarm, swarm_process: Swarm, repo: Repo, stage: Stage, case: Case
) -> None:
    scene = scene_of(swarm, repo, stage, AUDIT)
    before = checkout(repo)
    scene.launch(case, swarm_process)
    found = scene.collected()
    if "code" in case.expected:
        assert found == {"code": case.expected["code"]}
    else:
        agents = {"code": "complete", "tests": "complete", **case.expected.get("agents", {})}
        assert found == {"agents": agents, "violations": case.expected.get("violations", [])}
    scene.show()
    if case.expected.get("breaks") == "repository":
        return
    if case.expected.get("breaks") == "database":
        assert {swarm("ledger", *words, exit=None).exit for words in (("verify",), ("replay", "--check"))} != {0}
    else:
        assert_whole(swarm, scene.place.db)
    after = checkout(repo)
    assert {part for part in after if after[part] != before[part]} == {*case.expected.get("checkout", [])}


@pytest.mark.soak
@pytest.mark.parametrize(
    "case", [case for case in AGENTS if not case.expected.get("audit_alone")], ids=lambda case: case.name
)
def test_what_a_hostile_agent_does_in_an_amend_wave_is_not_merged_unseen(
    swarm: Swarm, swarm_process: Swarm, repo: Repo, stage: Stage, case: Case
) -> None:
    scene = scene_of(swarm, repo, stage, "health-amend-a")
    scene.launch(case, swarm_process)
    scene.collected()
    scene.show()
    held(swarm("merge", "--format", "json", exit=None), "json")
    assert_nothing_happened(repo.root.parent)
    if "breaks" not in case.expected:
        merged = repo.git("for-each-ref", "--format=%(refname)", "refs/heads/swarm/*/integration").splitlines()
        changed = [repo.git("diff", "--name-only", "main", ref, "--", "tests") for ref in merged]
        assert not any(changed)
        assert_whole(swarm, scene.place.db)
