"""Record a merge: its row, the verification that proved it, and the fixes that it proves."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from swarm import errors
from swarm.git import refs
from swarm.rules.ref_names import own_commits_refs
from swarm.rules.sandbox_policy import NO_ISOLATION
from swarm.store import fix_claims, kept_builds, merges, observations, verifications
from swarm.store.connection import Store
from swarm.store.kept_builds import RedGate
from swarm.store.merges import NewMerge
from swarm.store.verifications import NewVerification
from swarm.waves.prove import build
from swarm.waves.prove.build import Prover
from swarm.waves.prove.merge_chain import Link, MergeTask
from swarm.waves.prove.merge_gate import MergeOptions, ProvedMerge
from swarm.waves.prove.proved_fixes import proved_at


class Merged(NamedTuple):
    """A merge that is published: its task, the branch, the proof, and the work of the wave.

    `links` is the work of every agent that was not dropped by name; `arrived` is the part of it that the target held
    before any merge of ours was recorded.
    """

    task: MergeTask
    options: MergeOptions
    ref: str
    proof: ProvedMerge
    links: tuple[Link, ...]
    arrived: tuple[Link, ...]

    def domains_inside(self) -> set[str]:
        """Return the domains whose work the merged commit contains."""
        git = self.task.repository.git
        return {link.agent.domain for link in self.links if link.is_in(git, self.proof.commit)}


def record_merge(store: Store, prover: Prover, merged: Merged) -> list[str]:
    """Record a merge, and return the ids of the findings that its commit proves fixed."""
    task, proof = merged.task, merged.proof
    row = _row(merged)
    _keep_own_commits(merged)
    # The commit also proves the work of an earlier merge of the wave.
    kept = [link.agent.domain for link in merged.links if link.agent.domain not in row.dropped]
    fixes = proved_at(store.conn, prover, proof.commit, task.wave.number, domains=kept)
    with store.mutation() as conn:
        if proof.gate is not None:
            made = verifications.add_verification(conn, _verification(merged))
            row = row._replace(verification_id=made.id)
        merges.add_merge(conn, task.run.id, row)
        fixes = fix_claims.still_claimed(conn, task.run.id, fixes)
        observations.prove(conn, task.run.id, task.wave.id, fixes)
        # Dropped work fixes nothing: a claim that stayed open would make every later verification offend.
        fix_claims.settle(conn, fix_claims.of_domains(conn, task.wave.id, row.dropped), "refuted")
    by_row = {claim.finding: claim.finding_id for claim in fix_claims.of_wave(store.conn, task.wave.id)}
    return sorted(by_row[fix.finding] for fix in fixes if fix.finding in by_row)


def _keep_own_commits(merged: Merged) -> None:
    """Give a ref to the agents' own commits: no merge contains them, and `clean` removes merged branches."""
    run, git = merged.task.run, merged.task.repository.git
    inside = merged.domains_inside()
    for link in merged.links:
        if link.agent.domain in inside and link.own != link.commit:
            refs.keep(git, f"{own_commits_refs(run.id)}{link.branch.rpartition('/')[2]}", link.own)


def _row(merged: Merged) -> NewMerge:
    task, proof, links = merged.task, merged.proof, merged.links
    inside = merged.domains_inside()
    is_first = merged.ref == task.target or not (proof.links or merged.arrived)
    return NewMerge(
        wave_id=task.wave.id,
        ref=merged.ref,
        base=proof.base,
        commit_sha=proof.commit,
        domains=tuple(
            link.agent.domain
            for link in links
            if link in proof.links or link in merged.arrived or (is_first and link.agent.domain in inside)
        ),
        dropped=tuple(sorted({link.agent.domain for link in links} - inside | set(merged.options.drop))),
        verification_id=None,
    )


def _verification(merged: Merged) -> NewVerification:
    task, proof = merged.task, merged.proof
    if proof.gate is None or proof.build is None:
        raise AssertionError
    gate = proof.gate
    isolation, why, policy = gate.isolation or NO_ISOLATION
    return NewVerification(
        run_id=task.run.id,
        wave_id=task.wave.id,
        phase=task.run.status,
        purpose="merge",
        commit_sha=proof.commit,
        verdict=gate.verdict,
        adapter=gate.adapter,
        steps=build.kept_steps(proof.build),
        test_count=gate.test_count,
        claims=None,
        threshold=None,
        exit_code=0,
        accepted=gate.accepted,
        reason=proof.reason,
        isolation=isolation,
        isolation_reason=why,
        policy=policy,
    )


@contextmanager
def refusal_kept(store: Store, task: MergeTask) -> Iterator[None]:
    """Keep why the gate refuses the merge in the block, for the prompts of the next try and for `status`."""
    try:
        yield
    except errors.MergeGateFailed as refused:
        with store.mutation() as conn:
            red = RedGate(task.wave.id, refused.message, refused.last_lines, refused.hint)
            kept_builds.keep_red(conn, task.run.id, red)
        raise
