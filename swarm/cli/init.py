"""`swarm init`."""

from collections.abc import Iterator
from pathlib import Path

import click

from swarm.cli.call import Call
from swarm.cli.options import Duration, repo_argument, verb
from swarm.results.init import InitResult
from swarm.show import text
from swarm.show.escape import plain

_MOST_UNMATCHED = 10


@verb()
@repo_argument
@click.option("--repo", "repo_name", metavar="ORG/NAME", help="Name of the repository; by default that of its folder.")
@click.option(
    "--domains-from",
    metavar="auto|codeowners|FILE",
    default="auto",
    help="Source of the map: a draft made from the file names, the CODEOWNERS of the commit, or a JSON or TOML list"
    " of domains.",
)
@click.option("--timeout", type=Duration(), default="30m", help="Time after which a working agent counts as stale.")
def command(call: Call, repo: Path, repo_name: str | None, domains_from: str, timeout: int) -> None:
    """Make a run of the clean repository around REPO: a save-point tag at HEAD and a draft of the domains.

    Untracked files do not count as changes. A missing database is made.
    """
    from swarm.waves.setup.init import clean_repository, init, mapped

    repository = clean_repository(repo)
    # Read before the database is made, so that a bad file leaves nothing behind.
    mapping = mapped(repository, domains_from)
    with call.write(create=True) as store:
        result = init(
            store,
            call.workspace,
            repository,
            repo_name=repo_name,
            mapping=mapping,
            timeout_seconds=timeout,
        )
    call.answer(result, lambda: _lines(result))


def _lines(result: InitResult) -> Iterator[str]:
    yield f"Run created: {result.run_id}"
    yield f"Repository: {plain(result.repo)} at {plain(result.local_path)}"
    yield f"Commit: {result.commit_sha} ({plain(result.branch or 'detached HEAD')})"
    yield f"Save point: {result.save_point_tag}"
    yield ""
    rows = [(d.name, d.ownership, f"{d.matched_files:,}", _globs(d.globs)) for d in result.domains]
    yield from text.table(rows, ("domain", "class", "files", "globs"))
    if result.unmatched:
        yield ""
        yield f"{text.counted(len(result.unmatched), 'file')} no domain owns:"
        for path in result.unmatched[:_MOST_UNMATCHED]:
            yield f"  {plain(path)}"
        if len(result.unmatched) > _MOST_UNMATCHED:
            yield f"  … and {len(result.unmatched) - _MOST_UNMATCHED:,} more"
    yield ""
    yield f"Next: {result.next_action}"


def _globs(globs: tuple[str, ...]) -> str:
    shown = ", ".join(globs[:3])
    return shown if len(globs) <= 3 else f"{shown}, … {len(globs) - 3} more"  # noqa: PLR2004
