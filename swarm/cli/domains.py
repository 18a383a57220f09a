"""`swarm domains`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from swarm.cli import completions
from swarm.cli.call import Call
from swarm.cli.options import repo_path_option, require_reason, run_argument, usage, verb
from swarm.results.domains import DomainsResult
from swarm.show import text
from swarm.show.escape import plain

if TYPE_CHECKING:
    from swarm.waves.setup.domains import DomainChange

_MOST_FILES = 20
_ACTIONS = ("freeze", "unfreeze", "add", "edit", "remove", "history", "who", "check")


@verb()
@run_argument
@click.option("--freeze", is_flag=True, help="Freeze the map, so that a wave can be dispatched.")
@click.option("--unfreeze", is_flag=True, help="Make the map a draft again; needs --reason.")
@click.option("--add", metavar="NAME", help="Add a domain; needs --globs.")
@click.option("--edit", metavar="NAME", help="Change a domain.", shell_complete=completions.domains)
@click.option("--remove", metavar="NAME", help="Remove a domain.", shell_complete=completions.domains)
@click.option("--history", is_flag=True, help="List every change of the map.")
@click.option("--who", metavar="PATH", help="Show the owner of a file and the glob that matches it.")
@click.option("--check", is_flag=True, help="List files without an owner, and files that several domains match.")
@click.option("--globs", metavar="JSON", help="With --add or --edit: a JSON array of globs.")
@click.option("--ownership", metavar="CLASS", help="With --add or --edit: owned, bridge, shared or coordinator.")
@click.option("--desc", metavar="TEXT", help="With --add or --edit: a description.")
@click.option(
    "--before",
    metavar="NAME",
    help="With --add or --edit: put the domain before this domain.",
    shell_complete=completions.domains,
)
@click.option("--reason", metavar="TEXT", help="With --unfreeze: the reason; recorded.")
@click.option("--force", is_flag=True, help="With --unfreeze: give up a failed wave.")
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
    **actions: str | bool | None,
) -> None:
    """Show the map of RUN, or change, freeze or explain it.

    A file belongs to the first domain with a glob that matches it. A frozen map cannot be changed.
    """
    from swarm.git.runner import Git
    from swarm.waves.setup import domains

    action, value = _only(actions)
    change = _change(action, str(value), globs, ownership, desc, before)
    if (reason is not None or force) and action != "unfreeze":
        raise usage("--reason and --force go with --unfreeze", "domains")
    why = require_reason(reason, "unfreezing the map") if action == "unfreeze" else ""
    request = domains.MapRequest(action, str(value), change, why, force)
    mutates = action in domains.MUTATIONS
    with call.write() if mutates else call.read() as store:
        selected = call.run_here(store, run, repo_path, tell=mutates)
        paths = domains.tracked_paths(Git(Path(selected.local_path)))
        result = domains.domains(store, selected, paths, request)
    call.answer(result, lambda: _lines(result, action))


def _only(actions: Mapping[str, str | bool | None]) -> tuple[str, str | bool | None]:
    """Return the option that names the action, with its value, or `show`. Raises CliUsage for two actions."""
    given = [(name, actions[name]) for name in _ACTIONS if actions[name] not in {None, False}]
    if len(given) > 1:
        names = " and ".join(f"--{name}" for name, _ in given)
        raise usage(f"{names} exclude each other", "domains")
    return given[0] if given else ("show", None)


def _change(
    action: str, name: str, globs: str | None, ownership: str | None, desc: str | None, before: str | None
) -> "DomainChange | None":
    from swarm.waves.setup.domain_files import checked_name, checked_ownership, parsed_globs
    from swarm.waves.setup.domains import DomainChange

    is_empty = globs is ownership is desc is before is None
    if action not in {"add", "edit"}:
        if not is_empty:
            raise usage("--globs, --ownership, --desc and --before go with --add or --edit", "domains")
        return None
    if action == "add" and globs is None:
        raise usage("--add needs --globs", "domains")
    if is_empty:
        raise usage("--edit needs --globs, --ownership, --desc or --before", "domains")
    return DomainChange(
        checked_name(name) if action == "add" else name,
        None if globs is None else parsed_globs(globs),
        None if ownership is None else checked_ownership(ownership),
        desc,
        before,
    )


def _lines(result: DomainsResult, action: str) -> Iterator[str]:
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
        # Every file overlaps with a catch-all, so the text leaves these overlaps out; the document has them.
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
