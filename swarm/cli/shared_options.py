"""Options that stand before a verb or after it: place, database, output, loudness."""

import os
from collections.abc import Callable
from typing import Any, Final

import click

from swarm import errors, stage_events

_PREFIX: Final = "swarm."


def value_of(name: str) -> Any:
    """Return the value of a shared option, wherever it stood in the command line; `None` where it was left out."""
    return click.get_current_context().meta.get(_PREFIX + name)


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    # The contexts of the group and of its verb share `meta`, so the later of two values wins.
    if value:
        ctx.meta[f"{_PREFIX}{param.name}"] = value


def _enter(ctx: click.Context, param: click.Parameter, folders: tuple[str, ...]) -> None:
    for folder in folders:
        try:
            # Relative to the folder before it, as `git -C` does.
            os.chdir(folder)
        except OSError as error:
            raise click.BadParameter(f"{errors.shortened(folder)}: {error.strerror}", ctx, param) from error
    _keep(ctx, param, folders)


def _log(ctx: click.Context, param: click.Parameter, form: str | None) -> None:
    if form:
        stage_events.ASKED.set(form)
        _keep(ctx, param, form)


def _paint(ctx: click.Context, param: click.Parameter, when: str | None) -> None:
    del ctx, param
    if when:
        from swarm.show.colour import COLOUR

        COLOUR.set(when)


def _version(ctx: click.Context, param: click.Parameter, is_asked: bool) -> None:  # noqa: FBT001
    del param
    if is_asked and not ctx.resilient_parsing:
        from swarm.installed import version_line

        click.echo(version_line())
        ctx.exit()


# Names, the function that takes the value, and the settings of each option.
_OPTIONS: Final[tuple[tuple[tuple[str, ...], Callable[..., None], dict[str, Any]], ...]] = (
    (("--db",), _keep, {"metavar": "PATH", "help": "The control plane; else SWARM_DB, else the nearest one upward."}),
    (
        ("--trust",),
        _keep,
        {"metavar": "DIGEST", "help": "Digest of a swarm.toml to trust; else SWARM_TRUST, else its record."},
    ),
    (
        ("-C", "folders"),
        _enter,
        # Eager, so that the other options and arguments are read in that folder.
        {"metavar": "DIR", "multiple": True, "is_eager": True, "help": "Work as if swarm had been started in DIR."},
    ),
    (("--json",), _keep, {"is_flag": True, "help": "The same as --format json."}),
    (
        ("-q", "--quiet"),
        _log,
        {"flag_value": "off", "help": "Print errors only, and a document that --format asks for."},
    ),
    (("-v", "--verbose"), _log, {"flag_value": "human", "help": "Report each step on stderr, also in a pipe."}),
    (
        ("--color",),
        _paint,
        {
            "type": click.Choice(["auto", "always", "never"]),
            "help": "When to use colour; auto: on a terminal, unless NO_COLOR is set.",
        },
    ),
    (("--no-color",), _paint, {"flag_value": "never", "help": "The same as --color never."}),
)
_Function = Callable[..., Any]


def shared_options(*, hidden: bool) -> Callable[[_Function], _Function]:
    """Add the shared options to a command; the help of a verb does not repeat them."""

    def decorated(function: _Function) -> _Function:
        version = click.option(
            "-V",
            "--version",
            is_flag=True,
            is_eager=True,
            callback=_version,
            expose_value=False,
            hidden=hidden,
            help="Show the version and the commit, and exit.",
        )
        function = version(function)
        for names, taken, settings in reversed(_OPTIONS):
            option = click.option(*names, callback=taken, expose_value=False, hidden=hidden, **settings)
            function = option(function)
        return function

    return decorated
