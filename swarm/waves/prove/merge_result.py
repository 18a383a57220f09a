"""Results of a merge: the agents whose work the merge contains, or the reason why there was nothing to merge."""

from collections.abc import Sequence

from swarm.results.merge import MergedDomain, MergeResult
from swarm.store.agent_runs import AgentRun
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.prove.merge_record import Merged


def merge_result(merged: Merged, agents: Sequence[AgentRun], fixed: Sequence[str]) -> MergeResult:
    """Return the result of a merge that is published and recorded; `fixed` are the findings it proves fixed."""
    run, wave, proof = merged.task.run, merged.task.wave, merged.proof
    domains = _domains(merged, agents)
    count = sum(domain.state == "merged" for domain in domains)
    held = sum(domain.state in {"merged", "already"} for domain in domains)
    what = "merged" if count else "published"
    work = f"{count or held} of {len(domains)} agents' work"
    return MergeResult(
        run_id=run.id,
        wave_id=wave.id,
        wave_number=wave.number,
        phase=wave.phase,
        ref=merged.ref,
        base=proof.base,
        commit=proof.commit,
        published=merged.ref == merged.task.target,
        domains=domains,
        dropped=tuple(domain.domain for domain in domains if domain.state == "dropped"),
        gate=proof.gate,
        fixed=tuple(fixed),
        summary=f"Wave {wave.number} ({wave.phase}): {work} {what} at {merged.ref}",
        next_action=f"swarm verify {run.id}",
    )


def _domains(merged: Merged, agents: Sequence[AgentRun]) -> tuple[MergedDomain, ...]:
    inside = merged.domains_inside()
    by_domain = {link.agent.domain: link for link in merged.links}
    fresh = {link.agent.domain for link in merged.proof.links}
    domains = []
    for agent in agents:
        link = by_domain.get(agent.domain)
        if agent.domain in merged.options.drop or (link is not None and agent.domain not in inside):
            state = "dropped"
        elif link is None:
            state = "nothing"
        else:
            state = "merged" if agent.domain in fresh else "already"
        files = len(link.files) if link else 0
        domains.append(MergedDomain(agent.domain, agent.worktree_branch, link.commit if link else None, state, files))
    return tuple(domains)


def nothing_merged(run: Run, why: str, wave: Wave | None = None, dropped: tuple[str, ...] = ()) -> MergeResult:
    """Return the result of a merge without anything to merge."""
    return MergeResult(
        run_id=run.id,
        wave_id=wave.id if wave else None,
        wave_number=wave.number if wave else None,
        phase=wave.phase.value if wave else None,
        ref=None,
        base=None,
        commit=None,
        published=False,
        domains=(),
        dropped=dropped,
        gate=None,
        fixed=(),
        summary=f"Nothing to merge: {why}.",
        next_action=f"swarm status {run.id}",
    )
