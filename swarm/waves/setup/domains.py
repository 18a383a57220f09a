"""`domains`: show, change, freeze and explain the map of a run."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from swarm import errors
from swarm.git.repository import files_at
from swarm.git.runner import Git
from swarm.results.domains import DomainShown, DomainsResult, OverlapShown
from swarm.rules.domains import Domain, Ownership
from swarm.rules.ownership import UNASSIGNED, OwnershipMap
from swarm.rules.states import WaveStatus
from swarm.store import domains as domain_table
from swarm.store import ledger, runs, waves
from swarm.store.connection import Store
from swarm.store.domains import freeze_within
from swarm.store.ledger import Entry
from swarm.store.runs import Run
from swarm.waves.look.events import event_shown


class DomainChange(NamedTuple):
    """A change of a domain; `None` leaves a part as it is. `before` names the domain to stand in front of."""

    name: str
    globs: tuple[str, ...] | None = None
    ownership: Ownership | None = None
    description: str | None = None
    before: str | None = None


class MapRequest(NamedTuple):
    """Action on the map of a run, with what that action needs; `show` changes nothing.

    `subject` is the domain to remove or the path whose owner is asked for; `change` goes with add and edit, `reason`
    and `force` with unfreeze.
    """

    action: str
    subject: str = ""
    change: DomainChange | None = None
    reason: str = ""
    force: bool = False


MUTATIONS: Final = frozenset({"freeze", "unfreeze", "add", "edit", "remove"})


def domains(store: Store, run: Run, paths: Sequence[str], request: MapRequest) -> DomainsResult:
    """Show, change, freeze or explain the map of a run; `paths` are the files that the map divides."""
    match request:
        case MapRequest(action="freeze"):
            return freeze(store, run, paths)
        case MapRequest(action="unfreeze"):
            return unfreeze(store, run, paths, reason=request.reason, force=request.force)
        case MapRequest(action="add", change=DomainChange() as change):
            return add(store, run, paths, change)
        case MapRequest(action="edit", change=DomainChange() as change):
            return edit(store, run, paths, change)
        case MapRequest(action="remove"):
            return remove(store, run, paths, request.subject)
        case MapRequest(action="who"):
            return who_owns(store.conn, run, request.subject, paths)
        case _:
            # A table: these actions only read and take the same arguments.
            views = {"show": shown_map, "check": checked_map, "history": map_history}
            return views[request.action](store.conn, run, paths)


def tracked_paths(git: Git) -> list[str]:
    """Return the files of HEAD, which a wave dispatched now would look at."""
    return [file.path for file in files_at(git, "HEAD")]


def shown_map(conn: sqlite3.Connection, run: Run, paths: Sequence[str]) -> DomainsResult:
    """Return the map with the number of files of each domain."""
    domains = domain_table.domain_map(conn, run.id)
    owned, unowned = OwnershipMap(domains).divide(paths)
    shown = tuple(
        DomainShown(d.name, d.ownership, d.globs, d.description, run.map_frozen, len(owned[d.name])) for d in domains
    )
    return DomainsResult(run.id, run.map_frozen, shown, unowned=tuple(unowned))


def checked_map(conn: sqlite3.Connection, run: Run, paths: Sequence[str]) -> DomainsResult:
    """Return the map with its unowned files and its overlaps."""
    compiled = OwnershipMap(domain_table.domain_map(conn, run.id))
    overlaps = tuple(OverlapShown(*overlap) for overlap in compiled.overlaps(paths))
    return shown_map(conn, run, paths)._replace(overlaps=overlaps)


def who_owns(conn: sqlite3.Connection, run: Run, path: str, paths: Sequence[str]) -> DomainsResult:
    """Return the owner of a path, and the glob that matches it."""
    found = OwnershipMap(domain_table.domain_map(conn, run.id)).glob_that_owns(path)
    shown = shown_map(conn, run, paths)
    # A path that does not exist yet has an owner too: an agent may be about to create the file.
    warnings = () if path in set(paths) else (f"{path} is no file of HEAD; the map would give it so",)
    if found is None:
        return shown._replace(path=path, owner=UNASSIGNED, warnings=warnings)
    domain, glob = found
    return shown._replace(path=path, owner=domain.name, ownership=domain.ownership.value, glob=glob, warnings=warnings)


def map_history(conn: sqlite3.Connection, run: Run, paths: Sequence[str]) -> DomainsResult:
    """Return every change of the map, from the ledger."""
    events = tuple(event_shown(event) for event in ledger.events_of(conn, f"map:{run.id}"))
    return shown_map(conn, run, paths)._replace(events=events)


def freeze(store: Store, run: Run, paths: Sequence[str]) -> DomainsResult:
    """Freeze the map; a frozen map stays as it is. Raises DomainsEmpty."""
    with store.mutation() as conn:
        freeze_within(conn, run)
    return checked_map(store.conn, run._replace(map_frozen=True), paths)._replace(changed="frozen")


def unfreeze(store: Store, run: Run, paths: Sequence[str], *, reason: str, force: bool) -> DomainsResult:
    """Make the map a draft again. Raises DomainsWaveUnfinished for a wave in flight, or a failed wave without force."""
    with store.mutation() as conn:
        # Read inside the transaction: a dispatch may be recording its wave at this moment.
        wave = waves.newest(conn, run.id)
        if wave is not None and (
            wave.status is WaveStatus.DISPATCHED or (wave.status is WaveStatus.FAILED and not force)
        ):
            remedy = f"run `swarm launch {run.id}` if its agents have not run, then `swarm collect {run.id}`"
            if wave.status is WaveStatus.FAILED:
                again = f"swarm domains {run.id} --unfreeze --force --reason '…'"
                remedy = f"pass --force to leave the failed wave behind: `{again}`"
            raise errors.DomainsWaveUnfinished(
                number=wave.number, phase=wave.phase, status=wave.status, remedy=remedy, run_id=run.id
            )
        if runs.set_map_frozen(conn, run.id, frozen=False):
            entry = Entry(
                kind="map_unfrozen",
                subject=f"map:{run.id}",
                run_id=run.id,
                wave_id=None,
                from_state="frozen",
                to_state="draft",
                reason=reason,
            )
            ledger.append(conn, entry)
    return shown_map(store.conn, run._replace(map_frozen=False), paths)._replace(changed="unfrozen")


def add(store: Store, run: Run, paths: Sequence[str], change: DomainChange) -> DomainsResult:
    """Add a domain at the end, or before another. Raises DomainExists, DomainNotFound, DomainsFrozen."""
    new = Domain(change.name, change.ownership or Ownership.OWNED, change.globs or (), change.description or "")

    def added(domains: list[Domain]) -> list[Domain]:
        # Inside the transaction, in which the map is read: two processes may add the same name at once.
        if any(domain.name == change.name for domain in domains):
            raise errors.DomainExists(name=change.name, run_id=run.id)
        at = len(domains) if change.before is None else _position(domains, change.before)
        return [*domains[:at], new, *domains[at:]]

    result = _change(store, run, paths, added, Entry("domain_added", f"map:{run.id}", run.id, reason=new.name))
    return result._replace(changed=f"added {new.name}", warnings=_shadowed(store, run, paths, new))


def edit(store: Store, run: Run, paths: Sequence[str], change: DomainChange) -> DomainsResult:
    """Change a domain in its place, or move the domain before another. Raises DomainNotFound, DomainsFrozen."""

    def edited(domains: list[Domain]) -> list[Domain]:
        at = _position(domains, change.name)
        old = domains[at]
        new = Domain(
            old.name,
            change.ownership or old.ownership,
            change.globs or old.globs,
            old.description if change.description is None else change.description,
        )
        others = domains[:at] + domains[at + 1 :]
        if change.before is not None:
            # The position among the others, since the domain itself is out of the list by now.
            at = _position(others, change.before)
        return [*others[:at], new, *others[at:]]

    entry = Entry("domain_edited", f"map:{run.id}", run.id, reason=change.name)
    return _change(store, run, paths, edited, entry)._replace(changed=f"edited {change.name}")


def remove(store: Store, run: Run, paths: Sequence[str], name: str) -> DomainsResult:
    """Remove a domain; its files go to the next domain that matches them. Raises DomainNotFound, DomainsFrozen."""

    def removed(domains: list[Domain]) -> list[Domain]:
        at = _position(domains, name)
        return domains[:at] + domains[at + 1 :]

    entry = Entry("domain_removed", f"map:{run.id}", run.id, reason=name)
    return _change(store, run, paths, removed, entry)._replace(changed=f"removed {name}")


def _change(
    store: Store,
    run: Run,
    paths: Sequence[str],
    changed: Callable[[list[Domain]], list[Domain]],
    entry: Entry,
) -> DomainsResult:
    with store.mutation() as conn:
        now = runs.find(conn, run.id)
        # The frozen state is read in the same transaction that writes the map.
        if now is None or now.map_frozen:
            raise errors.DomainsFrozen(run_id=run.id)
        before = domain_table.domain_map(conn, run.id)
        after = changed(before)
        payload: dict[str, object] = {"before": domain_table.map_document(before)}
        domain_table.replace_map(conn, run.id, after, entry._replace(payload=payload))
    return shown_map(store.conn, run, paths)


def _position(domains: Sequence[Domain], name: str) -> int:
    for at, domain in enumerate(domains):
        if domain.name == name:
            return at
    raise errors.DomainNotFound(name=name, names=", ".join(domain.name for domain in domains) or "none")


def _shadowed(store: Store, run: Run, paths: Sequence[str], new: Domain) -> tuple[str, ...]:
    domains = domain_table.domain_map(store.conn, run.id)
    owned, _ = OwnershipMap(domains).divide(paths)
    # A domain that owns nothing is nearly always a mistake in the order.
    if owned[new.name]:
        return ()
    alone, _ = OwnershipMap([new]).divide(paths)
    if not alone[new.name]:
        return (f"{new.name} matches no tracked file",)
    compiled = OwnershipMap(domains)
    winner = next(compiled.owner_of(path) for path in alone[new.name])
    first = winner.name if winner else ""
    help_ = f"`swarm domains {run.id} --edit {new.name} --before {first}` would give them to it"
    return (f"{new.name} owns nothing: domains before it, {first} first, own all its files; {help_}",)
