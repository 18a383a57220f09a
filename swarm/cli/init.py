"""`swarm init`."""

import shlex
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from swarm import errors
from swarm.cli.call import Call
from swarm.cli.options import Duration, repo_argument, verb
from swarm.results.init import InitResult, Instructions
from swarm.show import text
from swarm.show.escape import plain
from swarm.show.instructions import CLIENTS, agents_text, skill_text

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
@click.option(
    "--agents",
    "with_agents",
    is_flag=True,
    help="Also write instructions for coding agents: a skill, and a block of AGENTS.md.",
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
    with_agents: bool,
    beside: bool,
) -> None:
    """Make a run of the clean repository around REPO: a save-point tag at HEAD and a draft of the domains.

    Untracked files do not count as changes. A missing database is made. Where the repository has an open run, that run
    is shown and stays as it is; with options that say how a run is made, the command is refused.

    With --agents, a skill (in .claude/skills and in .agents/skills) and a block of AGENTS.md say how a coding agent
    uses swarm. Your own text in AGENTS.md stays; a later call renews what swarm wrote and nobody has edited.
    """
    from swarm.waves.setup import instructions
    from swarm.waves.setup.config_file import hold_to_no_config
    from swarm.waves.setup.init import DEFAULT_TIMEOUT_SECONDS, clean_repository, init, mapped, open_run

    # Instructions of the last call that are not committed yet do not stand in the way of the next call.
    repository = clean_repository(repo, instructions.FILES if with_agents else ())
    if with_config:
        hold_to_no_config(repository)
    if with_agents:
        instructions.plan_instructions(repository, skill_text(), agents_text())
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
    if with_agents:
        written = instructions.write_instructions(repository, skill_text(), agents_text())
        result = result._replace(agents=Instructions(written, CLIENTS))
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
    if result.agents:
        yield from _instructions(result.agents, Path(result.local_path))
    yield f"Next: {result.next_action}"


def _instructions(written: Instructions, root: Path) -> Iterator[str]:
    """Yield each file with its change, the block of AGENTS.md as it stands there, and the entries for `swarm mcp`."""
    for file in written.files:
        lines = file.text.splitlines()
        yield f"{file.path}: {file.change}, {text.counted(len(lines), 'line')}"
        if file.path == "AGENTS.md" and file.change != "unchanged":
            yield from (f"  {line}".rstrip() for line in lines)
    if changed := [file.path for file in written.files if file.change != "unchanged" and not file.ignored]:
        place = "" if root == Path.cwd() else f" -C {shlex.quote(str(root))}"
        yield f"Commit them: git{plain(place)} add {' '.join(changed)}"
    if ignored := [file.path for file in written.files if file.ignored]:
        yield f"Ignored by git, so for you alone: {', '.join(ignored)}"
    yield "To give a coding agent the commands as tools, add `swarm mcp` to its configuration:"
    adding = [(each.client, each.command or f"{each.file}: {each.entry}") for each in written.clients]
    yield from text.table(adding, ("agent", "command, or file and entry"))
    if find_spec("mcp") is None:
        missing = errors.McpUnavailable()
        yield f"⚠ {missing.message}: {missing.hint}"
    yield "aider has no tools; `aider --read AGENTS.md` shows the block to its model"
    yield ""


def _globs(globs: tuple[str, ...]) -> str:
    shown = ", ".join(globs[:3])
    return shown if len(globs) <= 3 else f"{shown}, … {len(globs) - 3} more"  # noqa: PLR2004
