"""Facts of a run for its gates and its assessment, read from the tables in a few small queries."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from swarm import errors
from swarm.rules import gates
from swarm.rules.assessment import AgentFacts, RunFacts, assess
from swarm.rules.domains import WHOLE_WAVE, Domain
from swarm.rules.phases import AMEND_PHASES
from swarm.rules.ref_names import head_ref
from swarm.rules.states import AgentRunStatus, WaveStatus
from swarm.store import agent_runs, attempts, file_claims, gate_counts, runs, waves
from swarm.store import domains as domain_table
from swarm.store.agent_runs import AgentRun
from swarm.store.attempts import Attempt
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.workspace import has_answer

if TYPE_CHECKING:
    # Imported at its use: most runs have no verification yet, and `status` must start quickly.
    from swarm.store.verifications import Verification

INTEGRATION = "/integration"
# Violations of the git folder begin like this, and no other can: git tracks no path below `.git`.
GIT_FOLDER = ".git/"


class RunState(NamedTuple):
    """Rows of a run as they were read, and the facts that follow from them.

    `judged` is the wave that the gates judge. `wave` and `agents` are those that work goes on with: a review in flight,
    else the judged wave. `review` is the newest wave where that is a review that has ended.
    """

    domains: list[Domain]
    wave: Wave | None
    agents: list[AgentRun]
    verification: "Verification | None"
    facts: RunFacts
    judged: Wave | None
    review: Wave | None


def run_state(conn: sqlite3.Connection, run: Run) -> RunState:
    """Read the rows and facts of a run. No file is opened; of an agent's output only its existence is checked."""
    domains = domain_table.domain_map(conn, run.id)
    newest_wave = waves.newest(conn, run.id)
    is_reviewing = newest_wave is not None and newest_wave.is_review and newest_wave.status is WaveStatus.DISPATCHED
    # A review in flight is what people wait for; the gates judge the wave before, whatever becomes of the review.
    judged = waves.newest_of_phase(conn, run.id)
    wave = newest_wave if is_reviewing else judged
    agents = agent_runs.current(conn, wave.id) if wave else []
    promoted = gate_counts.promoted_wave(conn, run.id)
    judged_agents = agent_runs.current(conn, judged.id) if judged and is_reviewing else agents
    newest, proof = _verified(conn, run, judged)
    is_unmerged, is_unpublished, is_apart = _published(conn, run, judged)
    by_agent = attempts.of_wave(conn, wave.id) if wave else {}
    facts = RunFacts(
        run_id=run.id,
        is_frozen=run.map_frozen,
        has_agents=any(domain.ownership.has_agent for domain in domains),
        is_isolated=judged.isolated if judged else False,
        agents=_agents(by_agent, agents),
        has_promotions=promoted > 0,
        is_unmerged=is_unmerged,
        is_unpublished=is_unpublished,
        is_apart=is_apart,
        is_git_changed=judged is not None and any(v.file.startswith(GIT_FOLDER) for v in judged.violations),
        is_reviewing=is_reviewing,
        engine=next((last.engine for *_, last in by_agent.values() if last.outcome is None and last.engine), ""),
        refused=_refused(conn, run, judged) if judged and is_unmerged else (),
        is_of_audit=judged is None and not run.map_frozen and runs.maker(conn, run.id) == "audit",
        checkout=run.local_path if (last := runs.newest(conn)) is not None and last.id == run.id else "",
        gates=gates.GateFacts(
            run.status,
            _wave(judged, judged_agents) if judged else None,
            file_claims.violations_after(conn, run.id, promoted, WHOLE_WAVE),
            proof,
            gate_counts.counts_by_lens(conn, run.id),
        ),
    )
    review = newest_wave if newest_wave is not None and newest_wave.is_review and not is_reviewing else None
    return RunState(
        domains=domains,
        wave=wave,
        agents=agents,
        verification=newest,
        facts=facts,
        judged=judged,
        review=review,
    )


def next_action(conn: sqlite3.Connection, run_id: str) -> str:
    """Return the next command that `status` names for an existing run."""
    run = runs.find(conn, run_id)
    if run is None:
        raise errors.RunNotFound(run_id=run_id)
    return assess(run_state(conn, run).facts)[2]


def _agents(by_agent: Mapping[int, Sequence[Attempt]], agents: list[AgentRun]) -> tuple[AgentFacts, ...]:
    succeeded = {
        agent_run_id for agent_run_id, own in by_agent.items() if any(attempt.outcome == "success" for attempt in own)
    }
    return tuple(
        AgentFacts(a.domain, a.status, a.id in succeeded or has_answer(a.output_path, a.worktree_path), a.error)
        for a in agents
    )


def _wave(wave: Wave, agents: list[AgentRun]) -> gates.WaveFacts:
    incomplete = tuple(agent.domain for agent in agents if agent.status is not AgentRunStatus.COMPLETE)
    dropped = tuple(map(errors.shortened, wave.result.dropped)) if wave.result else ()
    return gates.WaveFacts(wave.number, wave.phase, wave.status, incomplete, dropped, wave.is_of_uncommitted)


def _verified(
    conn: sqlite3.Connection, run: Run, wave: Wave | None
) -> "tuple[Verification | None, gates.VerificationFacts | None]":
    """Return the newest verification of a run, and the proof of its phase: made in the phase, or of its wave."""
    # A cheap question first: without a verification the import below is saved.
    if not gate_counts.has_verifications(conn, run.id):
        return None, None
    from swarm.store import verifications

    newest = verifications.newest_verification(conn, run.id)
    # These phases have no wave, so a verification belongs to the phase.
    if run.status in gates.WAVELESS:
        found, subject = verifications.newest_verification(conn, run.id, phase=run.status), f"run:{run.id}"
    elif wave is not None and wave.phase in AMEND_PHASES:
        found, subject = verifications.newest_verification(conn, run.id, wave_id=wave.id), f"wave:{wave.id}"
    else:
        return newest, None
    if found is None:
        return newest, None
    claims = found.claims
    facts = gates.VerificationFacts(
        found.verdict,
        found.passed,
        gate_counts.is_outdated(conn, found, subject),
        has_fewer_tests=found.has_fewer_tests,
        offending=(claims.offending or 0) if claims else 0,
        unverifiable=(claims.unverifiable or 0) if claims else 0,
    )
    return newest, facts


def _published(conn: sqlite3.Connection, run: Run, wave: Wave | None) -> tuple[bool, bool, bool]:
    """Say whether an amend wave's work is unmerged, unpublished after its promotion, and on no branch but ours."""
    if wave is None or wave.phase not in AMEND_PHASES or not wave.isolated:
        return False, False, False
    from swarm.store import merges as merges_table

    merges = merges_table.merges_of(conn, wave.id)
    refs = [merge.ref for merge in merges]
    # Merged to the integration branch alone: the target has none of the work yet.
    is_apart = bool(refs) and all(ref.endswith(INTEGRATION) for ref in refs)
    if wave.status is WaveStatus.ADVANCED:
        return False, is_apart and not _is_home(run, merges[-1].commit_sha), is_apart
    is_ended = wave.status in {WaveStatus.COLLECTED, WaveStatus.VERIFIED}
    return is_ended and not refs and file_claims.has_changes(conn, wave.id), False, is_apart


def _refused(conn: sqlite3.Connection, run: Run, wave: Wave) -> tuple[str, ...]:
    """Return why the gate refused the merge of a wave, and what helps; nothing where it did not."""
    from swarm.store import kept_builds

    red = kept_builds.red_gate(conn, run.id)
    return (red.cause, red.remedy) if red is not None and red.wave_id == wave.id and red.remedy else ()


def _is_home(run: Run, commit: str) -> bool:
    """Say whether the branch that the run began on has a commit: a person may merge the integration branch by hand."""
    from pathlib import Path

    from swarm.git import history
    from swarm.git.runner import Git, GitError

    git = Git(Path(run.local_path))
    try:
        return history.is_ancestor(git, commit, head_ref(run.branch) if run.branch else "HEAD")
    # `status` must answer also where the repository is missing.
    except (GitError, errors.SwarmError, OSError):
        return False
