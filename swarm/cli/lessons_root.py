"""Place of records and lessons, and the option that names it."""

from pathlib import Path

import click

from swarm.cli.call import Call

root_option = click.option(
    "--root",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of records and lessons; by default that of the workspace.",
)


def lessons_root(call: Call, named: Path | None) -> Path:
    """Return the root of records and lessons. Raises InsideAgentWorktree, OwnedByAnotherUser."""
    # An agent that accepts its own lessons would write the prompts of the next wave.
    call.hold_to_own_workspace()
    return call.folder / named if named is not None else call.workspace.folder
