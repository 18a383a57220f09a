"""A coordinator for tests: writes the agents' answers by hand, and records verdicts of builds without running them."""

import json
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from swarm.rules.phases import AMEND_PHASES, LENSES, Phase
from swarm.rules.states import WaveStatus
from swarm.store import agent_runs, merges, runs, transitions, verifications, waves
from swarm.store.agent_runs import AgentRun
from swarm.store.connection import open_store
from swarm.store.merges import NewMerge
from swarm.store.verifications import ClaimCounts, KeptStep, NewVerification
from tests.conftest import Answer, Repo, Swarm, Workspace


class Coordinator(NamedTuple):
    """The run of a workspace, and every way to bring it on."""

    swarm: Swarm
    repo: Repo
    place: Workspace

    @contextmanager
    def control(self) -> Iterator[sqlite3.Connection]:
        """Write the control plane through the modules that own its tables."""
        with open_store(self.place.db, "test") as store, store.mutation() as conn:
            yield conn

    @property
    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.swarm("status", self.place.run, "--format", "json").data
        return found

    @property
    def assessed(self) -> tuple[str, list[str], str]:
        found = self.status["assessment"]
        return found["state"], found["blockers"], found["nextAction"]

    def check(self, *words: str) -> Answer:
        return self.swarm("advance", self.place.run, "--check-only", *words, "--format", "json", exit=None)

    def verdict(self) -> tuple[str, set[str]]:
        """Return the verdict of the gates, and the gates that were not passed."""
        data = self.check().data
        return data["verdict"], {gate["name"] for gate in data["gates"] if not gate["passed"]}

    def verify(self, verdict: str = "pass", commit: str | None = None) -> None:
        """Record the verdict of a build for the run's phase, and for its wave where it has one."""
        with self.control() as conn:
            run, wave = runs.find(conn, self.place.run), waves.newest(conn, self.place.run)
            assert run is not None
            of_wave = wave if wave is not None and wave.phase == run.status else None
            code = int(verdict != "pass")
            step = KeptStep(
                name="pytest",
                kind="test",
                argv=("/somewhere/python",),
                status="ended",
                passed=not code,
                exit_code=code,
                duration_ms=1,
                test_count=12,
                log="",
                stdout="",
                stderr="",
            )
            made = NewVerification(
                run.id,
                of_wave.id if of_wave else None,
                run.status,
                "verify",
                commit or self.repo.head,
                verdict,
                "python",
                (step,),
                12,
                ClaimCounts(offending=0),
                0,
                code,
            )
            verifications.add_verification(conn, made)
            if of_wave is not None and not code and of_wave.status is WaveStatus.COLLECTED:
                transitions.move_wave(conn, of_wave, WaveStatus.VERIFIED)

    def merge(self, ref: str = "refs/heads/swarm/integration", commit: str | None = None) -> None:
        """Record that the newest wave's work was published at a ref."""
        with self.control() as conn:
            wave = waves.newest(conn, self.place.run)
            assert wave is not None
            is_home = not ref.endswith("/integration")
            # What stands on the integration branch alone is in no branch of a person's.
            alone = () if is_home else ("commit-tree", "-p", "HEAD", "-m", "merged", "HEAD^{tree}")
            commit = commit or (self.repo.git(*alone).strip() if alone else self.repo.head)
            merges.add_merge(conn, self.place.run, NewMerge(wave.id, ref, commit, commit, ("code",), (), None))

    def answer(self, **code: Any) -> None:
        """Write both agents' outputs; `code` are keys of that of the domain `code`."""
        wave = self.status["waves"]["current"]
        phase = Phase(wave["phase"])
        if phase in AMEND_PHASES:
            keys: dict[str, Any] = {"fixes": [], "files_changed": []}
        elif phase is Phase.FEATURE_AUDIT:
            keys = {"features": []}
        else:
            keys = {"stage": LENSES[phase], "findings": []}
        for domain in ("code", "rest"):
            body = {"domain": domain, "summary": "Looked.", **keys, **(code if domain == "code" else {})}
            self.output(domain).write_text(json.dumps(body), encoding="utf-8")

    def output(self, domain: str) -> Path:
        """Return the output file of the newest agent of a domain."""
        return Path(self._newest(domain).output_path)

    def newest_tree(self) -> Path:
        """The worktree of the newest agent of `code`."""
        return Path(self._newest("code").worktree_path or self.repo.root)

    def _newest(self, domain: str) -> AgentRun:
        with open_store(self.place.db, "test") as store:
            wave = waves.newest(store.conn, self.place.run)
            assert wave is not None
            return next(agent for agent in agent_runs.current(store.conn, wave.id) if agent.domain == domain)

    def tree(self, wave: int) -> Path:
        """The worktree of the domain `code`."""
        return self.place.folder / self.place.run / "worktrees" / f"w{wave}-code"

    def audit(self, phase: str = "health-audit-a", *findings: dict[str, Any]) -> None:
        """Dispatch a wave of an audit phase and collect it."""
        self.swarm("dispatch", self.place.run, phase, "--isolate")
        reports = [finding_of(number, **finding) for number, finding in enumerate(findings, 1)]
        self.answer(**{"features" if phase == "feature-audit" else "findings": reports})
        self.swarm("collect", self.place.run)

    def amend(self, phase: str = "health-amend-a", *fixed: str, edit: bool = True) -> None:
        """Dispatch a wave of an amend phase whose agent mends `src/app.py`, and collect it."""
        self.swarm("dispatch", self.place.run, phase, "--isolate")
        number = self.status["waves"]["current"]["number"]
        if edit:
            (self.tree(number) / "src/app.py").write_text("# mended\n", encoding="utf-8")
        fixes = [{"finding_id": finding, "description": "Mended."} for finding in fixed]
        self.answer(fixes=fixes, files_changed=["src/app.py"] if edit else [])
        self.swarm("collect", self.place.run)

    def open_ids(self) -> list[str]:
        listed = self.swarm("findings", self.place.run, "--format", "json", exit=None).data["findings"]
        return [finding["findingId"] for finding in listed]

    def follow(self, *, code: int | None = 0) -> str:
        """Run the next command that status names; return its verb."""
        program, *words = shlex.split(self.assessed[2])
        assert program == "swarm"
        self.swarm(*words, exit=code)
        return words[0]


def finding_of(number: int, **changed: Any) -> dict[str, Any]:
    """A grave finding of `src/app.py`; a feature, where it has a priority."""
    found = {"id": f"{number}", "description": "It is wrong.", "file": "src/app.py"}
    if "priority" in changed:
        return found | {"category": "missing-feature", **changed}
    return found | {"severity": "HIGH", "category": "bug", "line": 5, "quote": "def load(path, seen=[]):", **changed}
