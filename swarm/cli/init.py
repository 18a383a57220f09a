"""`swarm init`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from swarm import errors
from swarm.cli.call import Call
from swarm.cli.options import Duration, repo_argument, verb
from swarm.results.init import InitResult
from swarm.show import text
from swarm.show.escape import plain

if TYPE_CHECKING:
    from swarm.git.repository import Repository

_MOST_UNMATCHED = 10


@verb()
@repo_argument
@click.option("--repo", "repo_name", metavar="ORG/NAME", help="Name of the repository; by default that of its folder.")
@click.option(
    "--domains-from",
    metavar="auto|codeowners|FILE",
    help="Source of the map: a draft made from the file names, the CODEOWNERS of the commit, or a JSON or TOML list"
    " of domains.",
)
@click.option(
    "--config",
    "with_config",
    is_flag=True,
    help="Also write and trust a swarm.toml with the tools found here.",
)
@click.option("--new", "beside", is_flag=True, help="Make a run even where the repository has an open one.")
@click.option("--timeout", type=Duration(), help="Time after which a working agent counts as stale; 30m by default.")
def command(
    call: Call,
    repo: Path,
    repo_name: str | None,
    domains_from: str | None,
    timeout: int | None,
    *,
    with_config: bool,
    beside: bool,
) -> None:
    """Make a run of the clean repository around REPO: a save-point tag at HEAD and a draft of the domains.

    Untracked files do not count as changes. A missing database is made. Where the repository has an open run, that run
    is shown and stays as it is; with options that say how a run is made, the command is refused.
    """
    from swarm.waves.setup.config_file import hold_to_no_config
    from swarm.waves.setup.init import DEFAULT_TIMEOUT_SECONDS, clean_repository, init, mapped, open_run

    repository = clean_repository(repo)
    if with_config:
        hold_to_no_config(repository)
    # Read before the database is made, so that a bad file leaves nothing behind.
    mapping = mapped(repository, domains_from or "auto")
    with call.write(create=True) as store:
        try:
            result = init(
                store,
                call.workspace,
                repository,
                repo_name=repo_name,
                mapping=mapping,
                timeout_seconds=timeout or DEFAULT_TIMEOUT_SECONDS,
                beside=beside,
            )
        except errors.RunOpen:
            first = open_run(store.conn, repository)
            # What was asked for is there already, unless it was asked for in another form.
            if first is None or any(option is not None for option in (repo_name, domains_from, timeout)):
                raise
            result = first
    if with_config:
        result = result._replace(config=_config_written(repository))
    call.answer(result, lambda: _lines(result))


def _config_written(repository: "Repository") -> str:
    from swarm.show.config_file import config_text
    from swarm.waves.setup.config_file import tools_found, write_config

    return str(write_config(repository, config_text(tools_found(repository))))


def _lines(result: InitResult) -> Iterator[str]:
    if result.created:
        yield f"Run created: {result.run_id}"
    else:
        yield f"Run open already: {result.run_id}; `swarm init --new` makes a second"
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
    if result.config:
        yield f"Configuration written and trusted: {plain(result.config)}"
    yield f"Next: {result.next_action}"


def _globs(globs: tuple[str, ...]) -> str:
    shown = ", ".join(globs[:3])
    return shown if len(globs) <= 3 else f"{shown}, … {len(globs) - 3} more"  # noqa: PLR2004
