"""`swarm records list`, `show`, `reindex` and `portfolio`."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from swarm import errors
from swarm.cli.call import Call
from swarm.cli.options import usage, verb
from swarm.cli.records_options import records_root, root_option
from swarm.cli.shared_options import shared_options
from swarm.results.records import CorruptRecord, Portfolio, RecordsListed, RecordWhole, Reindexed
from swarm.rules.record_places import UNKNOWN_REPO, repo_problem
from swarm.show import text
from swarm.show.escape import plain

_LISTED = 20
repo_option = click.option("--repo", metavar="ORG/NAME", help="Only records of this repository.")


@click.group(context_settings={"max_content_width": 100})
@shared_options(hidden=True)
def command() -> None:
    """List and show records of runs, make their indexes anew, and show how fresh they are."""


@verb(named="records")
@repo_option
@click.option(
    "--status",
    type=click.Choice(["accepted", "rejected", "all"]),
    default="accepted",
    help="Which records to list; accepted by default.",
)
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="List at most N records, the newest first.")
@root_option
def list_(call: Call, repo: str | None, status: str, limit: int | None, root: Path | None) -> None:
    """List records, the newest first, and the files among them that are corrupt."""
    from swarm.evidence.records.records import records

    result = records(_there(call, root), _named(repo), status, limit)
    call.answer(result, lambda: _listed(result))


@verb(named="records")
@click.argument("named", metavar="RUN_ID|PATH")
@repo_option
@root_option
def show(call: Call, named: str, repo: str | None, root: Path | None) -> None:
    """Print a record as its file has it."""
    from swarm.evidence.records.records import whole_record

    result = whole_record(_there(call, root), named, _named(repo))
    call.answer(result, lambda: _whole(result))


@verb(named="records")
@root_option
def reindex(call: Call, root: Path | None) -> None:
    """Make the indexes anew of every accepted record; corrupt files are listed and left where they are."""
    from swarm.evidence.records.reindex import reindex as rebuilt

    result = rebuilt(_there(call, root))
    call.answer(result, lambda: _reindexed(result))


@verb(named="records")
@root_option
def portfolio(call: Call, root: Path | None) -> None:
    """Show every repository with a record or a policy: what is recorded of it, and how fresh that is."""
    from swarm.evidence.records.portfolio import portfolio as every

    result = every(_there(call, root))
    call.answer(result, lambda: _portfolio(result))


command.add_command(list_, "list")
command.add_command(show, "show")
command.add_command(reindex, "reindex")
command.add_command(portfolio, "portfolio")


def _there(call: Call, named: Path | None) -> Path:
    """Return the root of the records, which must be there for a look. Raises FolderNotFound."""
    root = records_root(call, named)
    if named is not None and not root.is_dir():
        raise errors.FolderNotFound(path=str(root))
    return root


def _named(repo: str | None) -> str | None:
    if repo is not None and repo != UNKNOWN_REPO and (problem := repo_problem(repo)):
        raise usage(f"--repo '{errors.shortened(repo)}': {problem}", "records")
    return repo


def _listed(result: RecordsListed) -> Iterator[str]:
    if not result.records:
        yield f"No records below {plain(result.root)}."
    else:
        rows = [
            (
                one.run_id,
                one.repo,
                one.status,
                one.verified,
                ", ".join(one.surfaces),
                one.finished_at or one.verified_at,
            )
            for one in result.records
        ]
        yield from text.table(rows, ("run", "repository", "status", "verdict", "surfaces", "finished"))
        if len(result.records) < result.total:
            yield f"… and {result.total - len(result.records):,} more"
    yield from _corrupt(result.corrupt)


def _whole(result: RecordWhole) -> Iterator[str]:
    # Escaped, so that nothing of a stranger's words is taken for a command of the terminal.
    yield from json.dumps(result.record, indent=1).splitlines()


def _reindexed(result: Reindexed) -> Iterator[str]:
    yield f"{text.counted(result.records, 'record')} of {_counted_repos(result.repos)}"
    yield f"Failing: {result.failing:,}; stale: {result.stale:,}; corrupt: {len(result.corrupt):,}"
    yield from _corrupt(result.corrupt)


def _portfolio(result: Portfolio) -> Iterator[str]:
    rows = [
        (
            repo.repo,
            one.surface,
            one.freshness + (" (due)" if one.is_due else ""),
            one.verified or "",
            "" if one.age_days is None else f"{one.age_days:g} of {one.max_age_days} days",
            f"{len(one.required_scenarios) - len(one.missing_scenarios)} of {len(one.required_scenarios)}",
        )
        for repo in result.repos
        for one in repo.surfaces
    ]
    if rows:
        yield from text.table(rows, ("repository", "surface", "freshness", "verdict", "age", "scenarios"))
    found = result.coverage
    yield (
        f"{_counted_repos(len(result.repos))}: {found.surfaces_recorded} of {found.surfaces_expected} surfaces and "
        f"{found.scenarios_recorded} of {found.scenarios_required} required scenarios are recorded"
    )
    yield "; ".join(f"{state}: {count:,}" for state, count in result.freshness.items())
    for repo in result.repos:
        if repo.policy_problem is not None:
            yield f"⊘ {repo.repo} is held to no policy: {plain(repo.policy_problem)}"
    yield from _corrupt(result.corrupt)


def _counted_repos(count: int) -> str:
    return text.counted(count, "repository", "repositories")


def _corrupt(found: Iterable[CorruptRecord]) -> Iterator[str]:
    files = list(found)
    for one in files[:_LISTED]:
        yield f"⊘ corrupt: {plain(one.path)}: {plain(one.problem)}"
    if len(files) > _LISTED:
        yield f"… and {len(files) - _LISTED:,} more corrupt files"
