"""The gate of a merge: prove the merged commit, a red commit twice, and find the responsible agents by halving."""

import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

from swarm import errors, stage_events
from swarm.builds.adapter import BuildResult
from swarm.git.runner import Git
from swarm.results.verify import BuildShown
from swarm.rules.build_verdicts import UNTESTED, BuildVerdict
from swarm.rules.no_worse import BaseComparison
from swarm.rules.steering import holds_tests, steers
from swarm.store import verifications
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.waves.prove import build as builds
from swarm.waves.prove.build import Prover
from swarm.waves.prove.gate_builds import GateBuilds
from swarm.waves.prove.merge_chain import Link, MergeTask, chained

NO_TESTS: Final = "no_tests"
FEWER_TESTS: Final = "fewer_tests"
NO_WORSE: Final = "no_worse"


class MergeOptions(NamedTuple):
    """The options of a merge. `accept` lets what is no plain pass through, for a reason."""

    publish: bool = False
    target: str | None = None
    drop: tuple[str, ...] = ()
    drop_culprits: bool = False
    accept: tuple[str, ...] = ()
    reason: str | None = None
    adapter: str | None = None


class ProvedMerge(NamedTuple):
    """A merged commit with its gate, `None` where an earlier call has proved the commit.

    `reason` says why a gate that is no pass was accepted.
    """

    base: str
    commit: str
    links: tuple[Link, ...]
    gate: BuildShown | None = None
    build: BuildResult | None = None
    reason: str | None = None


class _Gate(NamedTuple):
    """The builds of a merge, and the commit with which a red build is compared."""

    git: Git
    task: MergeTask
    builds: GateBuilds
    base: str
    before: str

    def is_worse(self, links: Sequence[Link]) -> bool:
        """Say whether some of the work makes a step worse than it was."""
        _, comparison = self.builds.compared(chained(self.git, self.task, self.base, links), self.before)
        return comparison is not None and bool(comparison.worse)


def proved(
    store: Store,
    git: Git,
    task: MergeTask,
    prover: Prover,
    base: str,
    links: Sequence[Link],
    options: MergeOptions,
    *,
    holds_work: bool,
) -> ProvedMerge:
    """Merge and prove; where the work makes the target worse, find the culprits, and drop them if the options say so.

    `holds_work` says that the base holds work of the wave already, which stays where all the rest is dropped.
    """
    commit = chained(git, task, base, links)
    if _was_proved(store.conn, task.run, commit):
        return ProvedMerge(base, commit, tuple(links))
    # Where the target holds all of the wave's work, the wave is compared with the commit that it began on.
    before = task.wave.dispatch_sha if commit == task.tip else task.tip
    if any(_touches_tests(link) for link in links):
        # A leased package.json, or tests that are deleted, must not choose another adapter than the target's.
        prover = prover.with_adapter_of(before)
    gate = _Gate(git, task, GateBuilds(store, task.wave, prover), base, before)
    # Who drops the culprits acts on the red build of the last call; who merges again may have changed the surroundings.
    found, comparison = gate.builds.compared(commit, before, again=not options.drop_culprits)
    culprits: list[Link] = []
    rest = list(links)
    if comparison is not None and comparison.worse and rest:
        culprits = _culprits(gate, rest)
        if culprits and options.drop_culprits:
            rest = [link for link in rest if link not in culprits]
            if not rest and not holds_work:
                raise _gate_failed(task, commit, found.build, comparison, culprits, options)
            commit, culprits = chained(git, task, base, rest), []
            if _was_proved(store.conn, task.run, commit):
                return ProvedMerge(base, commit, tuple(rest))
            found, comparison = gate.builds.compared(commit, before)
    accepted, reason = _acceptance(found.build, comparison, options, before)
    if found.build.verdict is not BuildVerdict.PASS and accepted is None:
        raise _gate_failed(task, commit, found.build, comparison, culprits, options)
    # Tests can get lost beside a step that was red before, too.
    ran = found.build.verdict is BuildVerdict.PASS or (accepted == NO_WORSE and found.build.test_count is not None)
    lost = gate.builds.lost_tests(commit, before) if ran else None
    if lost is not None:
        if FEWER_TESTS not in options.accept:
            raise _tests_fewer(task, commit, found.build, lost, rest, options)
        accepted, reason = FEWER_TESTS, "; ".join(filter(None, (lost, reason or options.reason)))
    shown = builds.shown_gate(found.build, flaky=found.flaky, accepted=accepted)
    return ProvedMerge(base, commit, tuple(rest), shown, found.build, reason)


def _was_proved(conn: sqlite3.Connection, run: Run, commit: str) -> bool:
    return any(known.commit_sha == commit and known.passed for known in verifications.verifications_of(conn, run.id))


def _acceptance(
    build: BuildResult, comparison: BaseComparison | None, options: MergeOptions, before: str
) -> tuple[str | None, str | None]:
    """Return what is accepted in place of a pass, and the reason; `None` twice where nothing is."""
    verdict = build.verdict if comparison is None else comparison.verdict
    is_accepted = NO_TESTS in options.accept and verdict in UNTESTED
    if comparison is not None and (is_accepted or verdict is BuildVerdict.PASS):
        reason = f"{', '.join(comparison.no_worse)} is no worse than in {before[:12]}"
        return NO_WORSE, f"{options.reason}; {reason}" if options.reason else reason
    return (verdict.value, options.reason) if is_accepted else (None, None)


def _touches_tests(link: Link) -> bool:
    return any(holds_tests(file) or steers(file) for file in link.files)


def _tests_fewer(
    task: MergeTask, commit: str, build: BuildResult, lost: str, links: Sequence[Link], options: MergeOptions
) -> errors.MergeGateFailed:
    names = tuple(link.agent.domain for link in links if _touches_tests(link))
    by = f"; {', '.join(names)} changed files of tests" if names else ""
    return errors.MergeGateFailed(
        number=task.wave.number,
        verdict=FEWER_TESTS,
        told=f"; {lost}{by}",
        culprits=names,
        path=str(build.steps[-1].log_path) if build.steps else "",
        remedy=f"`{_again(task, options)} --accept {FEWER_TESTS} --reason '…'` takes it",
        run_id=task.run.id,
        commit=commit[:12],
    )


def _again(task: MergeTask, options: MergeOptions) -> str:
    again = f"swarm merge {task.run.id}{' --publish' if options.publish else ''}"
    return again + (f" --drop {','.join(options.drop)}" if options.drop else "")


def _culprits(gate: _Gate, links: Sequence[Link]) -> list[Link]:
    """Return the links without which nothing is worse, found by halving; none when the base is worse by itself."""
    if gate.is_worse(()):
        return []
    left = list(links)
    found: list[Link] = []
    while left and gate.is_worse(left):
        low, high = 0, len(left)
        # The shortest beginning that is worse ends with a culprit; `low` links are not worse, `high` are.
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if gate.is_worse(left[:middle]) else (middle, high)
        found.append(left.pop(high - 1))
        task = gate.task
        stage_events.emit("merge_culprit", run_id=task.run.id, wave_id=task.wave.id, domain=found[-1].agent.domain)
    return found


def _gate_failed(
    task: MergeTask,
    commit: str,
    build: BuildResult,
    comparison: BaseComparison | None,
    culprits: Sequence[Link],
    options: MergeOptions,
) -> errors.MergeGateFailed:
    names = tuple(link.agent.domain for link in culprits)
    first = (*comparison.worse, *comparison.unclear) if comparison is not None else ()
    failed = sorted((step for step in build.steps if not step.passed), key=lambda step: step.name not in first[:1])
    bad = failed[0] if failed else (build.steps[-1] if build.steps else None)
    is_red = bad is not None and not bad.passed
    causes = [f"step {bad.name} ended {bad.status.value}"] if bad and is_red else []
    if names:
        causes.append(f"by the work of {', '.join(names)}")
    elif comparison is not None:
        causes.append("the target is red without the wave, too")
        if comparison.unclear and not comparison.worse:
            causes.append(f"{', '.join(comparison.unclear)} does not name what fails, which nobody can compare")
    causes += [bad.hint] if bad and bad.hint else []
    if not names and (lack := builds.lack_note(build)) is not None:
        causes.append(lack)
    return errors.MergeGateFailed(
        number=task.wave.number,
        verdict=build.verdict.value,
        told="".join(f"; {cause}" for cause in causes),
        culprits=names,
        path=str(bad.log_path) if bad is not None else "",
        remedy=_remedy(task, build, names, options),
        run_id=task.run.id,
        commit=commit[:12],
        last_lines=builds.last_lines(bad) if bad and is_red else (),
    )


def _remedy(task: MergeTask, build: BuildResult, culprits: Sequence[str], options: MergeOptions) -> str:
    run = task.run
    again = _again(task, options)
    if culprits and options.drop_culprits:
        again = f"swarm dispatch {run.id} {task.wave.phase} --isolate"
        return f"without them nothing is left to merge; `{again}` amends anew"
    if culprits:
        return f"`{again} --drop-culprits` leaves {', '.join(culprits)} out"
    if build.verdict in UNTESTED:
        return f"`{again} --accept no_tests --reason '…'` takes it without"
    fixed = "fix the target"
    if build.verdict is BuildVerdict.TOOL_MISSING:
        fixed = "install what the step runs, here or by `setup` under [verify] of swarm.toml"
        if NO_TESTS in options.accept:
            # The tests that nobody could run may be red.
            fixed = f"`--accept no_tests` takes a repository without tests, not one whose tests could not run: {fixed}"
    return f"{fixed}, or say in [verify] of swarm.toml what proves it; then `{again}`"
