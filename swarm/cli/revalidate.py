"""`swarm revalidate`."""

from collections.abc import Iterator
from pathlib import Path

from swarm.cli.call import Call
from swarm.cli.options import apply_option, outputs_named, outputs_option, repo_path_option, run_argument, verb
from swarm.cli.recovery_verbs import reason_option, why
from swarm.results.revalidate import RevalidateResult
from swarm.rules.phases import AMEND_PHASES, dispatched_phase
from swarm.rules.states import AgentRunStatus, WaveStatus
from swarm.show.escape import plain


@verb()
@run_argument
@outputs_option
@apply_option
@reason_option
@repo_path_option
def command(
    call: Call, run: str | None, named: tuple[str, ...], reason: str | None, repo_path: Path | None, *, apply: bool
) -> None:
    """Check corrected outputs of blocked agents of RUN's newest wave by the same rules as `collect`.

    An agent is complete when its output is valid and its worktree shows no violation; leases granted since count.
    When all agents are complete the wave is collected. Exit 1 while an output is invalid or the wave stays failed.
    Without --domain, changes of the git folder and of the checkout are shown, and --apply accepts them: --reason says
    who answers for them.
    """
    from swarm.waves.recover.revalidate import revalidate

    recorded = why(reason, "revalidating an output", apply=apply)
    paths = outputs_named(named, call.folder, "revalidate")
    with call.write() if apply else call.read() as store:
        selected = call.run_of_own_wave(store, call.run_with_trees(store, run, repo_path), "again")
        result = revalidate(store, call.workspace, selected, paths, apply=apply, reason=recorded)
    refused = any(agent.status != AgentRunStatus.COMPLETE for agent in result.agents)
    stays = bool(result.agents or result.wave_violations) and result.wave_status == WaveStatus.FAILED
    call.answer(result, lambda: _lines(result), int(refused or stays))


def _lines(result: RevalidateResult) -> Iterator[str]:
    yield result.summary
    for agent in result.agents:
        if agent.status == AgentRunStatus.COMPLETE:
            verb = "is" if result.applied else "would be"
            yield f"✓ {agent.domain} {verb} complete: {plain(agent.path)}"
        else:
            yield f"⊘ {agent.domain} stays {agent.status}: {plain(agent.path)}"
        for problem in agent.errors:
            yield f"  {plain(problem.code)}: {plain(problem.message)} ({plain(problem.path)})"
        for file in agent.violations:
            if dispatched_phase(result.phase) in AMEND_PHASES:
                yield f"  {plain(file)} is not its own; take it back in its worktree, or lease it"
            else:
                yield f"  {plain(file)} was touched, and an audit edits nothing; take it back in its worktree"
    yield from _outside(result)
    for fix in result.fixes:
        yield f"✓ {fix.finding_id} claimed by {fix.domain}: {plain(fix.evidence)}"
    for skip in result.skipped_fixes:
        yield f"⚠ {plain(skip.finding_id)} of {skip.domain} skipped ({skip.reason}): {plain(skip.told)}"
    if result.incomplete:
        yield f"Not complete: {', '.join(result.incomplete)}"
    yield f"Wave status: {result.wave_status}"
    yield f"Next: {result.next_action}"


def _outside(result: RevalidateResult) -> Iterator[str]:
    for change in result.accepted:
        verb = "accepted" if result.applied else "would be accepted by --apply"
        yield f"ℹ {plain(change.file)} {verb}" + (f": {plain(change.detail)}" if change.detail else "")  # noqa: RUF001
    for violation in result.wave_violations:
        yield f"⊘ {plain(violation.file)} was touched by nobody known; while it stands, the wave cannot be collected"
