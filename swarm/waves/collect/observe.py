"""Outputs and worktrees of a wave's agents, and what they mean for the findings, observed without writing."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path

from swarm import errors
from swarm.clock import today
from swarm.git.repository import Repository, files_at
from swarm.store import agent_runs, artifacts, findings, ledger, sightings, snapshots
from swarm.store.waves import Wave
from swarm.waves.collect import outputs, watch
from swarm.waves.collect.observe_amend import observe_amend
from swarm.waves.collect.observed import Observed
from swarm.waves.collect.reconcile import NOTHING, reconcile
from swarm.waves.collect.sightings import locate_all, with_answers
from swarm.waves.collect.silence import looks_of
from swarm.waves.moved_lines import journeys
from swarm.waves.review.judge import ReviewOutput, judge_reviews
from swarm.workspace import Workspace


def observe(
    conn: sqlite3.Connection,
    workspace: Workspace,
    wave: Wave,
    repository: Repository,
    named: Mapping[str, Path],
    *,
    alone: bool = False,
    accepts: bool = False,
) -> Observed:
    """Observe the output and the worktree of every agent of a wave, and match its reports. Writes nothing.

    `alone` observes only the agents whose output is named; `accepts` takes changes outside of the worktrees as accepted
    by a person. Raises CollectUnknownDomain.
    """
    wave, accepted = watch.answered_for(wave, repository) if accepts else (wave, [])
    agents = agent_runs.current(conn, wave.id)
    domains = [agent.domain for agent in agents]
    if strange := next((name for name in named if name not in domains), None):
        raise errors.CollectUnknownDomain(name=strange, number=wave.number, names=", ".join(domains))
    # The map of the dispatch: the live map may have changed while the agents worked.
    owners = snapshots.owners_in(conn, wave.snapshot_id)
    folder = workspace.wave_folder(wave.run_id, wave.number)
    intakes = [
        outputs.take_in(
            agent, wave, repository.root, named.get(agent.domain), artifacts.recorded_output(conn, agent.id)
        )
        for agent in agents
        if agent.domain in named or not alone
    ]
    # At the wave's commit: HEAD may have moved while the agents worked.
    files = files_at(repository.git, wave.dispatch_sha)
    changed = watch.changed_handovers(conn, wave, [agent for agent in agents if agent.domain not in named])
    if not wave.is_audit:
        seen = observe_amend(conn, wave, repository, owners, files, folder, intakes)
        return seen._replace(accepted=tuple(accepted), violations=(*changed, *seen.violations))
    # Before any git call in a worktree: a changed git folder could make git run an agent's program there.
    outside = watch.watched(wave, repository)
    violations = [*changed, *outside.violations]
    if outside.may_probe:
        intakes = [outputs.probe(taken, repository, wave, folder, owners) for taken in intakes]
    # Git compares the tree while the findings are placed here.
    in_shared_tree = watch.begun_in_shared_tree(repository, wave, folder, owners, outside)
    of_agents = [violation for taken in intakes for violation in taken.violations]
    if wave.is_review:
        answers = [
            ReviewOutput(taken.agent, taken.path, taken.output.get("reviews", ()), taken.positions.get("reviews", ()))
            for taken in intakes
            if taken.is_complete
        ]
        judged = judge_reviews(conn, repository.git, wave, files, answers)
        return Observed(
            wave=wave,
            intakes=tuple(intakes),
            refused=judged.refused,
            violations=(*violations, *in_shared_tree(), *of_agents),
            is_degraded=False,
            reconciled=NOTHING,
            files=len(files),
            unaudited=0,
            notes=outside.notes,
            accepted=tuple(accepted),
            reviews=judged,
        )
    before = sightings.earlier(conn, wave.run_id, wave.id, wave.number)
    # What an earlier collect recorded of a domain that has failed since would count a second time.
    intakes = [
        taken._replace(findings=(), features=()) if taken.is_partial and taken.agent.id in before.reported else taken
        for taken in intakes
    ]
    # Before the findings are read: what is decided from here on is applied again inside the transaction.
    seq = ledger.head(conn)
    known = findings.known_findings(conn, wave.run_id, today=today())
    travels = journeys(repository.git, (item.known for item in known), wave.dispatch_sha)
    located = locate_all(
        repository.git, files, owners, intakes, [item.known for item in known], travels, wave.dispatch_sha
    )
    located = with_answers(conn, repository.git, wave.run_id, located, files, intakes, known, travels)
    looks = looks_of(conn, repository.git, wave, owners, intakes).hiding(repository.git, known, travels, files)
    reconciled = reconcile(wave, looks, known, located, travels, before)
    # Without a tree of its own, nothing shows who edited a file.
    is_degraded = not wave.isolated and wave.shared_tree is None
    return Observed(
        wave=wave,
        intakes=tuple(intakes),
        refused=located.refused,
        violations=(*violations, *in_shared_tree(), *of_agents),
        is_degraded=is_degraded,
        reconciled=reconciled,
        files=len(files),
        unaudited=looks.unaudited([file.path for file in files]),
        comments=located.comments,
        seq=seq,
        notes=outside.notes,
        accepted=tuple(accepted),
    )
