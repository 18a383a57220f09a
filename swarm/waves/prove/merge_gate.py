"""The gate of a merge: prove the merged commit, a red commit twice, and find the responsible agents by halving."""

import sqlite3
from collections.abc import Sequence
from typing import Final, NamedTuple

from swarm import errors, stage_events
from swarm.builds.adapter import BuildResult
from swarm.git.runner import Git
from swarm.results.verify import BuildShown
from swarm.rules.build_verdicts import BuildVerdict
from swarm.store import verifications
from swarm.store.runs import Run
from swarm.waves.prove import build as builds
from swarm.waves.prove.build import Prover
from swarm.waves.prove.merge_chain import Link, MergeTask, chained

NO_TESTS: Final = "no_tests"
_ACCEPTED: Final = (BuildVerdict.NO_TESTS, BuildVerdict.SKIP)


class MergeOptions(NamedTuple):
    """The options of a merge. `accept` lets a repository without tests pass, for a reason."""

    publish: bool = False
    target: str | None = None
    drop: tuple[str, ...] = ()
    drop_culprits: bool = False
    accept: str | None = None
    reason: str | None = None
    adapter: str | None = None


class ProvedMerge(NamedTuple):
    """A merged commit with its gate, `None` where an earlier call has proved the commit."""

    base: str
    commit: str
    links: tuple[Link, ...]
    gate: BuildShown | None
    build: BuildResult | None


def proved(
    conn: sqlite3.Connection,
    git: Git,
    task: MergeTask,
    prover: Prover,
    base: str,
    links: Sequence[Link],
    options: MergeOptions,
    *,
    holds_work: bool,
) -> ProvedMerge:
    """Merge and prove; where the build is red, find the culprits, and drop them if the options say so.

    `holds_work` says that the base holds work of the wave already, which stays where all the rest is dropped.
    """
    rest = list(links)
    commit = chained(git, task, base, rest)
    if _was_proved(conn, task.run, commit):
        return ProvedMerge(base, commit, tuple(rest), None, None)
    build, flaky = _built(prover, commit)
    culprits: list[Link] = []
    if builds.is_red(build) and rest:
        culprits = _culprits(git, task, prover, base, rest)
        if culprits and options.drop_culprits:
            rest = [link for link in rest if link not in culprits]
            if not rest and not holds_work:
                raise _gate_failed(task, build, culprits, options)
            commit = chained(git, task, base, rest)
            if _was_proved(conn, task.run, commit):
                return ProvedMerge(base, commit, tuple(rest), None, None)
            build, flaky = _built(prover, commit)
    accepted = None
    if build.verdict is not BuildVerdict.PASS:
        if options.accept != NO_TESTS or build.verdict not in _ACCEPTED:
            raise _gate_failed(task, build, culprits, options)
        accepted = build.verdict.value
    return ProvedMerge(base, commit, tuple(rest), builds.shown_gate(build, flaky=flaky, accepted=accepted), build)


def _was_proved(conn: sqlite3.Connection, run: Run, commit: str) -> bool:
    return any(known.commit_sha == commit and known.passed for known in verifications.verifications_of(conn, run.id))


def _built(prover: Prover, commit: str) -> tuple[BuildResult, bool]:
    """Return the build, and whether it was red only the first time."""
    build = prover.build(commit)
    if not builds.is_red(build):
        return build, False
    again = prover.build(commit)
    return again, not builds.is_red(again)


def _culprits(git: Git, task: MergeTask, prover: Prover, base: str, links: Sequence[Link]) -> list[Link]:
    """Return the links without which a red build is not red, found by halving; none when the base is red itself."""
    known = {chained(git, task, base, links): True}

    def red(some: Sequence[Link]) -> bool:
        commit = chained(git, task, base, some)
        if commit not in known:
            known[commit] = builds.is_red(_built(prover, commit)[0])
        return known[commit]

    if red(()):
        return []
    left = list(links)
    found: list[Link] = []
    while left and red(left):
        low, high = 0, len(left)
        # The shortest beginning that is red ends with a culprit; `low` links are green, `high` are red.
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if red(left[:middle]) else (middle, high)
        found.append(left.pop(high - 1))
        stage_events.emit("merge_culprit", run_id=task.run.id, wave_id=task.wave.id, domain=found[-1].agent.domain)
    return found


def _gate_failed(
    task: MergeTask, build: BuildResult, culprits: Sequence[Link], options: MergeOptions
) -> errors.MergeGateFailed:
    names = tuple(link.agent.domain for link in culprits)
    bad = next((step for step in build.steps if not step.passed), build.steps[-1] if build.steps else None)
    causes = [f"step {bad.name} ended {bad.status.value}"] if bad is not None and not bad.passed else []
    if names:
        causes.append(f"by the work of {', '.join(names)}")
    elif builds.is_red(build):
        causes.append("the target is red without the wave, too")
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
    )


def _remedy(task: MergeTask, build: BuildResult, culprits: Sequence[str], options: MergeOptions) -> str:
    run = task.run
    again = f"swarm merge {run.id}{' --publish' if options.publish else ''}"
    if options.drop:
        again += f" --drop {','.join(options.drop)}"
    if culprits and options.drop_culprits:
        again = f"swarm dispatch {run.id} {task.wave.phase} --isolate"
        return f"without them nothing is left to merge; `{again}` amends anew"
    if culprits:
        return f"`{again} --drop-culprits` leaves {', '.join(culprits)} out"
    if build.verdict in _ACCEPTED:
        return f"`{again} --accept no_tests --reason '…'` takes it without"
    return f"mend the target, or say in [verify] of swarm.toml what proves it; `swarm verify {run.id}` shows more"
