"""Looking at what a wave's agents wrote and did, and what it means for the findings, before anything is written."""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from swarm import errors
from swarm.git.repository import Repository, TreeFile, files_at
from swarm.results.collect import LeaseRequest, Problem, ViolationShown
from swarm.rules.ownership import OwnershipMap
from swarm.rules.phases import is_audit
from swarm.rules.suppressions import Suppression
from swarm.store import agent_runs, artifacts, assignments, findings, leases, ledger, sightings, snapshots
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.collect import outputs, watch
from swarm.waves.collect.fixes import Fixes, judge_fixes
from swarm.waves.collect.outputs import Intake
from swarm.waves.collect.ownership import Court
from swarm.waves.collect.reconcile import NOTHING, Reconciled, reconcile
from swarm.waves.collect.sightings import locate_all
from swarm.waves.travel import journeys
from swarm.workspace import Workspace


class Observed(NamedTuple):
    """All that the slow part found out, before the transaction. `fixes` and `requests` are an amend wave's.

    `seq` is where the ledger ended before the findings of an audit were read; `leased` are the leases by which an
    amend wave was judged.
    """

    wave: Wave
    intakes: tuple[Intake, ...]
    refused: Mapping[int, Sequence[Problem]]
    violations: tuple[ViolationShown, ...]
    is_degraded: bool
    reconciled: Reconciled
    files: int
    unaudited: int
    fixes: Fixes = Fixes((), (), ())
    requests: tuple[LeaseRequest, ...] = ()
    comments: Mapping[tuple[str, int], Sequence[Suppression]] = {}
    seq: int = 0
    leased: Mapping[str, set[str]] | None = None


def observe(
    conn: sqlite3.Connection,
    workspace: Workspace,
    run: Run,
    wave: Wave,
    repository: Repository,
    named: Mapping[str, Path],
    *,
    alone: bool = False,
) -> Observed:
    """Look at the output and the tree of every agent of a wave, and at what that means. Writes nothing.

    `alone` looks at those agents only whose output is named. Raises CollectUnknownDomain.
    """
    agents = agent_runs.current(conn, wave.id)
    domains = [agent.domain for agent in agents]
    if strange := next((name for name in named if name not in domains), None):
        raise errors.CollectUnknownDomain(name=strange, number=wave.number, names=", ".join(domains))
    owners = OwnershipMap(snapshots.map_of(conn, wave.snapshot_id))
    folder = workspace.wave_folder(run.id, wave.number)
    intakes = [
        outputs.take_in(agent, wave, named.get(agent.domain), artifacts.recorded_output(conn, agent.id))
        for agent in agents
        if agent.domain in named or not alone
    ]
    files = files_at(repository.git, wave.dispatch_sha)
    if not is_audit(wave.phase):
        return _observe_amend(conn, run, wave, repository, owners, files, folder, intakes)
    violations, may_probe = watch.watched(run, wave, repository)
    if may_probe:
        intakes = [outputs.probe(taken, repository, wave, folder, owners) for taken in intakes]
        violations += watch.shared_tree_violations(repository, wave, folder, owners)
    violations += [violation for taken in intakes for violation in taken.violations]
    seq = ledger.head(conn)
    known = findings.known_findings(conn, run.id)
    travels = journeys(repository.git, (item.known for item in known), wave.dispatch_sha)
    located = locate_all(repository.git, files, owners, intakes, [item.known for item in known], travels)
    # `located` holds the reports now: two copies of 100,000 would double the peak of memory.
    intakes = [taken._replace(reports=()) for taken in intakes]
    taken_ids = findings.taken_ids(conn, run.id)
    before = sightings.earlier(conn, run.id, wave.id, wave.number)
    reconciled = reconcile(wave, owners, intakes, known, located, travels, taken_ids, before)
    is_degraded = not wave.isolated and wave.shared_tree is None
    return Observed(
        wave=wave,
        intakes=tuple(intakes),
        refused=located.refused,
        violations=tuple(violations),
        is_degraded=is_degraded,
        reconciled=reconciled,
        files=len(files),
        unaudited=watch.unaudited(files, owners, intakes),
        comments=located.comments,
        seq=seq,
    )


def _observe_amend(
    conn: sqlite3.Connection,
    run: Run,
    wave: Wave,
    repository: Repository,
    owners: OwnershipMap,
    files: Sequence[TreeFile],
    folder: Path,
    intakes: list[Intake],
) -> Observed:
    """Observe a wave that changes code: nothing is matched and no silence judged; fixes are looked at."""
    violations, may_probe = watch.watched(run, wave, repository)
    given = assignments.assigned(conn, wave.id)
    leased = leases.holding(conn, run.id, wave.number)
    court = Court(repository, wave, folder, owners, files=files, leased=leased, assigned=given)
    if may_probe:
        intakes = court.judge_all(intakes)
    violations += [violation for taken in intakes for violation in taken.violations]
    known = findings.known_findings(conn, run.id)
    fixes = judge_fixes(repository.git, wave, owners, intakes, known, given)
    refused = {taken.agent.id: () for taken in intakes}
    is_degraded = not wave.isolated
    return Observed(
        wave=wave,
        intakes=tuple(intakes),
        refused=refused,
        violations=tuple(violations),
        is_degraded=is_degraded,
        reconciled=NOTHING,
        files=len(files),
        unaudited=0,
        fixes=fixes,
        requests=tuple(court.requests(intakes)),
        leased=leased,
    )
