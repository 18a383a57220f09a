"""Group of verbs: imports a verb when it is called, and makes `--help` from the table alone."""

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import TYPE_CHECKING

import click

from swarm import errors
from swarm.cli.verbs import EPILOG, HELP, NEAR_MISSES, SECTIONS

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Verbs(MutableMapping[str, click.Command]):
    """Mapping of verbs to commands that imports the module of a verb on access."""

    def __getitem__(self, name: str) -> click.Command:
        if name not in HELP:
            raise KeyError(name)
        command: click.Command = import_module(f"swarm.cli.{name.replace('-', '_')}").command
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(HELP)

    def __len__(self) -> int:
        return len(HELP)

    def __contains__(self, name: object) -> bool:
        return name in HELP

    def __setitem__(self, name: str, command: click.Command) -> None:
        raise TypeError("the table of verbs is fixed")

    def __delitem__(self, name: str) -> None:
        raise TypeError("the table of verbs is fixed")


class SwarmGroup(click.Group):
    """The `swarm` command."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of the table."""
        del ctx
        return list(HELP)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the verb; the verb of another tool is refused with the name that it has here."""
        word = args[0].lower()
        meant = word if word in HELP else NEAR_MISSES.get(word)
        if meant is not None and args[0] not in HELP:
            ctx.fail(f"No such command '{errors.shortened(args[0])}'. Did you mean '{meant}'?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs by section, without an import."""
        del ctx
        for section, verbs in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl(list(verbs.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write where to find more help."""
        del ctx
        formatter.write_paragraph()
        formatter.write_text(EPILOG)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Complete a verb from the table."""
        from click.shell_completion import CompletionItem

        found = [CompletionItem(name, help=line) for name, line in HELP.items() if name.startswith(incomplete)]
        return found + click.Command.shell_complete(self, ctx, incomplete)
