"""Builds of a merge's gate: each tree is built once under a gate, a red tree twice, and the results are kept."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm.builds.adapter import BuildResult, StepOutcome
from swarm.builds.environment import build_environment
from swarm.git import history
from swarm.rules.build_verdicts import BuildVerdict, StepStatus
from swarm.rules.no_worse import BaseComparison, StepState, TestsSeen, compared, fewer_tests, is_proved_by_tests
from swarm.rules.sandbox_policy import Isolation
from swarm.rules.step_failures import Failures, failures_in
from swarm.store import forms, kept_builds
from swarm.store.connection import Store
from swarm.store.waves import Wave
from swarm.waves.prove.build import Prover, is_red
from swarm.waves.prove.commit_to_prove import known_tests, names_of_tests

# A longer line is read in pieces: the patterns of failures take quadratic time on a hostile line.
_LINE_CHARACTERS: Final = 1024
# Files that installers write, in the checkout and in the active environment of Python.
_INSTALLED: Final = (
    *("node_modules/.package-lock.json", "node_modules/.yarn-integrity", "node_modules/.modules.yaml"),
    *(".venv/lib/python*/site-packages", "venv/lib/python*/site-packages", "lib/python*/site-packages"),
)


class GateBuild(NamedTuple):
    """A build of a tree with the failures of each step. `is_new_red` holds where an earlier call saw other failures."""

    build: BuildResult
    flaky: bool
    failures: tuple[Failures, ...]
    is_new_red: bool = False

    @property
    def is_red(self) -> bool:
        """Whether the build failed."""
        return is_red(self.build)

    def states(self) -> list[StepState]:
        """Return the steps as a comparison sees them."""
        return [
            # A step that ran code of the checkout says nothing of the tree, whatever it names.
            StepState(step.name, step.kind, step.status, step.test_count, Failures() if step.foreign else failures)
            for step, failures in zip(self.build.steps, self.failures, strict=True)
        ]


class GateBuilds:
    """Builds of the commits that a wave's work is merged in, by their trees."""

    def __init__(self, store: Store, wave: Wave, prover: Prover) -> None:
        self._store = store
        self._wave = wave
        self._prover = prover
        self._gate = _gate_digest(prover)
        self._of_this_call: dict[str, GateBuild] = {}

    def of(self, commit: str, *, again: bool = False) -> GateBuild:
        """Return the build of a commit. `again` says that a red build of an earlier call is tried once more.

        Only the tree is asked for, not the commit: a halving and the next call meet one tree under many commits.
        """
        tree = history.tree_of(self._prover.repository.git, commit)
        if (found := self._of_this_call.get(tree)) is None:
            found = self._kept(tree)
            if found is None or (again and found.is_red):
                found = self._built(commit, found)
                self._keep(tree, found)
            self._of_this_call[tree] = found
        return found

    def lost_tests(self, commit: str, before: str) -> str | None:
        """Return how tests of a commit got lost in a later commit that passes its build, `None` where none did.

        The earlier commit is built where its tests are not recorded, or where their names decide or are to be named.
        """
        now = self._seen(self.of(commit))
        known = known_tests(self._store.conn, self._prover, self._wave.id, before)
        lost = fewer_tests(now, known)
        may_excuse = now.names is not None and bool(now.names.excused or now.names.skipped)
        if known.number is None or (known.names is None and now.names is not None and (lost or may_excuse)):
            known = self._seen(self.of(before))
            lost = fewer_tests(now, known)
        return lost

    def _seen(self, found: GateBuild) -> TestsSeen:
        names = names_of_tests(self._prover, [str(step.log_path) for step in found.build.steps])
        return TestsSeen(found.build.test_count, names)

    def compared(
        self, commit: str, with_commit: str, *, again: bool = False
    ) -> tuple[GateBuild, BaseComparison | None]:
        """Return the build of a commit; a red build is compared with that of another commit."""
        found = self.of(commit, again=again)
        if not found.is_red:
            return found, None
        # Other failures of one tree come from its surroundings, in which the target may differ, too.
        before = self.of(with_commit, again=found.is_new_red)
        return found, compared(found.states(), before.states())

    def no_worse(self, build: BuildResult, before: str) -> tuple[str, ...]:
        """Return the red steps of a red build that its tests prove all the same: they are no worse than in a commit.

        Without a name where its tests prove nothing.
        """
        states = _with_failures(build).states()
        comparison = compared(states, self.of(before).states())
        return comparison.no_worse if is_proved_by_tests(states, comparison) else ()

    def _built(self, commit: str, earlier: GateBuild | None) -> GateBuild:
        first = _with_failures(self._prover.build(commit))
        if not first.is_red:
            return first._replace(flaky=earlier is not None)
        if earlier is not None:
            return first._replace(is_new_red=first.failures != earlier.failures)
        second = _with_failures(self._prover.build(commit))
        return second._replace(flaky=not second.is_red)

    def _kept(self, tree: str) -> GateBuild | None:
        document = kept_builds.kept(self._store.conn, self._prover.run.id, self._wave.id, f"{tree}:{self._gate}")
        return None if document is None else forms.made("kv", _read, document)

    def _keep(self, tree: str, found: GateBuild) -> None:
        if not found.is_red and found.build.verdict is not BuildVerdict.PASS:
            # A missing program may be there in the next call, and to ask for it costs little.
            return
        with self._store.mutation() as conn:
            kept_builds.keep(conn, self._prover.run.id, self._wave.id, f"{tree}:{self._gate}", _document(found))


def _gate_digest(prover: Prover) -> str:
    """Return a digest of everything beside the tree that decides a build, as far as it can be known."""
    config = prover.config.verify
    variables = build_environment(config.environment)
    active = Path(variables.get("VIRTUAL_ENV", os.devnull))
    installed = [*_stamps(prover.repository.root), *_stamps(active)]
    facts = [prover.adapter, config, sorted(variables.items()), installed, prover.config.sandbox]
    # Not the digest of the policy: places of it come and go with the files of this call.
    facts.append(prover.enclosure().backend)
    return hashlib.sha256(repr(facts).encode("utf-8", "surrogateescape")).hexdigest()


def _stamps(folder: Path) -> Iterator[tuple[str, int]]:
    for pattern in _INSTALLED:
        for place in sorted(folder.glob(pattern)) if folder.is_dir() else ():
            yield str(place), place.stat().st_mtime_ns


def _with_failures(build: BuildResult) -> GateBuild:
    failures = [failures_in(_lines(step)) if not step.passed else Failures() for step in build.steps]
    return GateBuild(build, flaky=False, failures=tuple(failures))


def _lines(step: StepOutcome) -> Iterator[str]:
    for name in ("stdout.log", "stderr.log"):
        file = step.log_path / name
        if file.is_file():
            with file.open(encoding="utf-8", errors="replace") as stream:
                while line := stream.readline(_LINE_CHARACTERS):
                    yield line


def _document(found: GateBuild) -> dict[str, object]:
    steps = [{**step._asdict(), "log_path": str(step.log_path)} for step in found.build.steps]
    failures = [{"tests": sorted(one.tests), "rules": dict(one.rules), "lines": one.lines} for one in found.failures]
    return {**found.build._asdict(), "steps": steps, "failures": failures, "flaky": found.flaky}


def _read(kept: dict[str, Any]) -> GateBuild:
    steps = tuple(
        StepOutcome(
            **{
                **step,
                "argv": tuple(step["argv"]),
                "status": StepStatus(step["status"]),
                "log_path": Path(step["log_path"]),
                "foreign": tuple(step["foreign"]),
            }
        )
        for step in kept["steps"]
    )
    verdict, notes = BuildVerdict(kept["verdict"]), tuple(kept.get("notes", ()))
    isolation = Isolation(*kept["isolation"]) if kept.get("isolation") else None
    build = BuildResult(
        kept["adapter"],
        verdict,
        steps,
        kept["test_count"],
        tuple(kept["lacks"]),
        notes=notes,
        isolation=isolation,
    )
    failures = tuple(Failures(frozenset(one["tests"]), one["rules"], one["lines"]) for one in kept["failures"])
    return GateBuild(build, kept["flaky"], failures)
