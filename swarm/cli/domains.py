"""`swarm domains`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from swarm.cli.call import Call
from swarm.cli.options import repo_path_option, require_reason, run_argument, usage, verb
from swarm.results.domains import DomainsResult
from swarm.show import text
from swarm.show.escape import plain

if TYPE_CHECKING:
    from swarm.store.connection import Store
    from swarm.store.runs import Run

_MOST_FILES = 20


class _Asked(NamedTuple):
    freeze: bool
    unfreeze: bool
    add: str | None
    edit: str | None
    remove: str | None
    history: bool
    who: str | None
    check: bool

    def only(self) -> str | None:
        """Return the one thing that is asked for, `None` for just showing the map."""
        named = [name for name, value in self._asdict().items() if value not in {None, False}]
        if len(named) > 1:
            told = " and ".join(f"--{name}" for name in named)
            raise usage(f"{told} exclude each other", "domains")
        return named[0] if named else None


@verb()
@run_argument
@click.option("--freeze", is_flag=True, help="Freeze the map, so that a wave can be dispatched.")
@click.option("--unfreeze", is_flag=True, help="Make it a draft again; needs --reason.")
@click.option("--add", metavar="NAME", help="Add a domain; needs --globs.")
@click.option("--edit", metavar="NAME", help="Change a domain.")
@click.option("--remove", metavar="NAME", help="Remove a domain.")
@click.option("--history", is_flag=True, help="Tell every change of the map.")
@click.option("--who", metavar="PATH", help="Tell who owns a file, and which glob says so.")
@click.option("--check", is_flag=True, help="Tell the files that nobody owns, and overlaps and who wins.")
@click.option("--globs", metavar="JSON", help="With --add or --edit: a JSON array of globs.")
@click.option("--ownership", metavar="CLASS", help="With --add or --edit: owned, bridge, shared or coordinator.")
@click.option("--desc", metavar="TEXT", help="With --add or --edit: what the domain is.")
@click.option("--before", metavar="NAME", help="With --add or --edit: put it before this domain.")
@click.option("--reason", metavar="TEXT", help="With --unfreeze: why; it is recorded.")
@click.option("--force", is_flag=True, help="With --unfreeze: leave a failed wave behind.")
@repo_path_option
def command(  # noqa: PLR0913
    call: Call,
    run: str | None,
    globs: str | None,
    ownership: str | None,
    desc: str | None,
    before: str | None,
    reason: str | None,
    repo_path: Path | None,
    *,
    force: bool,
    **asked: object,
) -> None:
    """Show the map of RUN, or change, freeze or explain it.

    A file belongs to the first domain with a glob that matches it. A frozen map cannot be changed.
    """
    from swarm.git.runner import Git
    from swarm.waves.setup import domains
    from swarm.waves.setup.domain_files import checked_name, checked_ownership, parsed_globs

    wanted = _Asked(**asked)  # type: ignore[arg-type]
    action = wanted.only()
    changing = action in {"add", "edit"}
    if not changing and any(value is not None for value in (globs, ownership, desc, before)):
        raise usage("--globs, --ownership, --desc and --before go with --add or --edit", "domains")
    if (reason is not None or force) and action != "unfreeze":
        raise usage("--reason and --force go with --unfreeze", "domains")
    if action == "unfreeze":
        reason = require_reason(reason, "unfreezing the map")
    change = None
    if changing:
        if action == "add" and globs is None:
            raise usage("--add needs --globs", "domains")
        if action == "edit" and globs is ownership is desc is before is None:
            raise usage("--edit needs --globs, --ownership, --desc or --before", "domains")
        change = domains.Change(
            checked_name(wanted.add or "") if action == "add" else wanted.edit or "",
            None if globs is None else parsed_globs(globs),
            None if ownership is None else checked_ownership(ownership),
            desc,
            before,
        )
    mutates = action in {"freeze", "unfreeze", "add", "edit", "remove"}
    with call.write() if mutates else call.read() as store:
        selected = call.run_here(store, run, repo_path, tell=mutates)
        paths = domains.tracked_paths(Git(Path(selected.local_path)))
        result = _done(store, selected, paths, action, wanted, change, reason or "", force=force)
    call.answer(result, lambda: _lines(result, action))


def _done(
    store: "Store",
    run: "Run",
    paths: list[str],
    action: str | None,
    wanted: _Asked,
    change: object,
    reason: str,
    *,
    force: bool,
) -> DomainsResult:
    from swarm.waves.setup import domains

    match action:
        case "freeze":
            return domains.freeze(store, run, paths)
        case "unfreeze":
            return domains.unfreeze(store, run, paths, reason=reason, force=force)
        case "add" | "edit":
            if not isinstance(change, domains.Change):
                raise TypeError
            return (domains.add if action == "add" else domains.edit)(store, run, paths, change)
        case "remove":
            return domains.remove(store, run, paths, wanted.remove or "")
        case "history":
            return domains.map_history(store.conn, run, paths)
        case "who":
            return domains.who_owns(store.conn, run, wanted.who or "", paths)
        case "check":
            return domains.checked_map(store.conn, run, paths)
        case _:
            return domains.shown_map(store.conn, run, paths)


def _lines(result: DomainsResult, action: str | None) -> Iterator[str]:
    if action == "who":
        yield from _who(result)
        return
    if action == "history":
        for event in result.events or ():
            reason = f"  {plain(event.reason)}" if event.reason else ""
            yield f"{event.ts}  {event.kind}{reason}"
        return
    if result.changed:
        yield f"Map {plain(result.changed)}."
    yield f"Map of {result.run_id} ({'frozen' if result.frozen else 'draft'})"
    rows = [(d.name, d.ownership, f"{d.matched_files:,}", ", ".join(d.globs)) for d in result.domains]
    yield from text.table(rows, ("domain", "class", "files", "globs"))
    for warning in result.warnings:
        yield f"⚠ {plain(warning)}"
    if action in {"check", "freeze"}:
        yield from _listed("no domain owns", result.unowned or ())
        # That a catch-all matches too says nothing; the document lists these overlaps as well.
        catch_all = {domain.name for domain in result.domains if domain.globs == ("**",)}
        overlaps = [
            f"{overlap.file}: {', '.join(overlap.domains)}; {overlap.owner} wins"
            for overlap in result.overlaps or ()
            if len(set(overlap.domains) - catch_all) > 1
        ]
        yield from _listed("several domains match", overlaps)
    if not result.frozen:
        yield f"Next: swarm domains {result.run_id} --freeze"
    elif action == "freeze":
        yield f"Next: swarm dispatch {result.run_id} health-audit-a --isolate"


def _listed(what: str, lines: list[str] | tuple[str, ...]) -> Iterator[str]:
    yield f"{text.counted(len(lines), 'file')} {what}{':' if lines else '.'}"
    for line in lines[:_MOST_FILES]:
        yield f"  {plain(line)}"
    if len(lines) > _MOST_FILES:
        yield f"  … and {len(lines) - _MOST_FILES:,} more"


def _who(result: DomainsResult) -> Iterator[str]:
    path = plain(result.path or "")
    if result.ownership is None:
        yield f"{path}: unassigned; no glob matches"
    else:
        yield f"{path}: {result.owner} ({result.ownership}), by {plain(result.glob or '')}"
    for warning in result.warnings:
        yield f"⚠ {plain(warning)}"
