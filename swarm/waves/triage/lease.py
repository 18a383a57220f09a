"""`lease`: files of other domains that an agent may edit in one wave."""

import shlex
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from swarm import errors
from swarm.git.repository import LINK_MODE, files_at, repository_at
from swarm.results.lease import LeaseShown, LeasesResult
from swarm.rules.domains import Domain, Ownership
from swarm.rules.ownership import OwnershipMap
from swarm.rules.safe_paths import safe_path
from swarm.rules.steering import steers
from swarm.store import domains, leases, snapshots, waves
from swarm.store.connection import Store
from swarm.store.leases import Lease
from swarm.store.runs import Run


class _Scene(NamedTuple):
    """The wave of a lease: the wave in flight or the next, its map, and its commit if it was dispatched."""

    number: int
    domains: Sequence[Domain]
    commit: str | None


def list_leases(conn: sqlite3.Connection, run: Run) -> LeasesResult:
    """Return every lease of a run, oldest first."""
    scene = _scene(conn, run)
    owners = OwnershipMap(scene.domains)
    found = tuple(_shown(lease, owners) for lease in leases.of_run(conn, run.id))
    asked = next((lease for lease in found if lease.status == "requested" and lease.wave == scene.number), None)
    next_action = f"swarm status {run.id}"
    if asked is not None:
        words = f"--domain {asked.domain} --file {shlex.quote(asked.file)}"
        next_action = f"swarm lease grant {run.id} {words} --reason 'it needs it'"
    return LeasesResult(run.id, scene.number, changed=False, leases=found, next_action=next_action)


def lease(store: Store, run: Run, named: str, file: str, *, grant: bool, reason: str) -> LeasesResult:
    """Grant or deny a file to a domain, for the wave in flight or else the next wave.

    Raises DomainNotFound, PathUnsafe, LeaseNotApplicable, and StateConflict when a wave began or ended meanwhile.
    """
    scene = _scene(store.conn, run)
    owners = OwnershipMap(scene.domains)
    domain = next((domain for domain in scene.domains if domain.name == named), None)
    if domain is None:
        raise errors.DomainNotFound(name=named, names=", ".join(domain.name for domain in scene.domains))
    # Before the transaction, because git is asked for the files.
    path = _safe(run, scene, file)
    _refuse(run, domain, owners.owner_of(path), path)
    status = "granted" if grant else "denied"
    with store.mutation() as conn:
        if _scene(conn, run)[:2] != scene[:2]:
            raise errors.StateConflict(subject=f"Wave {scene.number}", expected="the one to lease for", run_id=run.id)
        # The same answer again is no change, and gets no event.
        before = [
            lease
            for lease in leases.of_run(conn, run.id, scene.number)
            if (lease.domain, lease.file, lease.status, lease.reason) == (named, path, status, reason)
        ]
        decided = before[0] if before else leases.decide(conn, run.id, scene.number, named, path, status, reason)
    return LeasesResult(run.id, scene.number, not before, (_shown(decided, owners),), f"swarm status {run.id}")


def _scene(conn: sqlite3.Connection, run: Run) -> _Scene:
    wave = waves.in_flight(conn, run.id)
    if wave is None:
        return _Scene(waves.next_number(conn, run.id), domains.domain_map(conn, run.id), None)
    return _Scene(wave.number, snapshots.map_of(conn, wave.snapshot_id), wave.dispatch_sha)


def _safe(run: Run, scene: _Scene, file: str) -> str:
    repository = repository_at(Path(run.local_path))
    tree = files_at(repository.git, scene.commit or repository.head)
    links = {entry.path for entry in tree if entry.mode == LINK_MODE}
    try:
        path = safe_path(file, {entry.path for entry in tree}, links)
    except ValueError as error:
        raise errors.PathUnsafe(received=file, problem=str(error)) from error
    # A lease is compared with whole paths, so a leased folder would permit nothing.
    if any(entry.path.startswith(f"{path}/") for entry in tree):
        raise errors.PathUnsafe(received=file, problem="it is a folder, and a lease is for one file")
    return path


def _refuse(run: Run, domain: Domain, owner: Domain | None, file: str) -> None:
    problem, remedy = "", "let its agent edit the file: no lease is needed"
    if not domain.ownership.has_agent:
        problem, remedy = "it has no agent", f"name a domain with an agent; `swarm domains {run.id}` lists them"
    elif steers(file):
        # Such a file needs a lease of its owner, too.
        return
    elif owner == domain:
        problem = "it owns the file"
    elif owner is not None and owner.ownership is Ownership.SHARED:
        problem = f"the file is shared by {owner.name}"
    if problem:
        raise errors.LeaseNotApplicable(file=file, domain=domain.name, problem=problem, remedy=remedy)


def _shown(lease: Lease, owners: OwnershipMap) -> LeaseShown:
    owner = owners.owner_of(lease.file)
    return LeaseShown(
        wave=lease.wave_number,
        domain=lease.domain,
        file=lease.file,
        status=lease.status,
        owner=owner.name if owner else None,
        request_reason=lease.request_reason,
        reason=lease.reason,
        decided=lease.decided,
    )
