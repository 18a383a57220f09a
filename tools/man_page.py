"""Manual page `swarm(1)`, made from the verbs, their options and the exit codes."""

import textwrap
from collections.abc import Iterator

import click

from swarm.cli.main import swarm as group
from swarm.cli.verbs import SECTIONS
from swarm.errors import CATALOGUE
from swarm.waves.look.explain import EXIT_CODES

_ENVIRONMENT = {
    "SWARM_DB": "The control plane, where --db is left out.",
    "SWARM_LOG": "Form of the stage events on stderr: ndjson, human or off.",
    "SWARM_TRUST": "Digest of the swarm.toml to trust, where --trust is left out.",
    "NO_COLOR, FORCE_COLOR, CLICOLOR": "Whether colour is used.",
}
_FILES = {
    "swarms/control-plane.db": "The control plane of a repository: runs, waves, findings, ledger.",
    "swarm.toml": "Settings of a repository.",
    "$XDG_CONFIG_HOME/swarm/swarm.toml": "Settings of the user, for all repositories.",
}


def man_page() -> str:
    """Return the page in the language of man(7)."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    context = click.Context(group, info_name="swarm")
    yield '.\\" Made from the code; `make generate` writes this page.'
    yield '.TH SWARM 1 "" "swarm" "User Commands"'
    yield from (".SH NAME", "swarm \\- a control plane for waves of coding agents over a git repository")
    yield from (".SH SYNOPSIS", ".B swarm", '.RI [ options ] " verb " [ arguments ]')
    yield ".SH DESCRIPTION"
    yield _text(group.help or "")
    yield ".PP"
    yield "`swarm help VERB` prints the part of a verb, `swarm help topics` lists the pages of the documentation, and"
    yield "`swarm explain CODE` prints the meaning of an error code."
    yield ".SH OPTIONS"
    yield from _options(group, context)
    for section, verbs in SECTIONS.items():
        yield f'.SH "{section.upper()}"'
        for name in verbs:
            command = group.get_command(context, name)
            assert command is not None, name  # noqa: S101 - the table names every verb
            yield from _verb(command, click.Context(command, info_name=name, parent=context))
    yield ".SH EXIT STATUS"
    for code, (title, remedy) in EXIT_CODES.items():
        yield from (".TP", f".B {code}", _text(f"{title}. {remedy}"))
    yield from _listed("ENVIRONMENT", _ENVIRONMENT)
    yield from _listed("FILES", _FILES)
    yield ".SH DIAGNOSTICS"
    yield _text("A failure prints its code, a message and the next step. The codes, each with when it occurs:")
    for code, kind in sorted(CATALOGUE.items()):
        yield from (".TP", f".B {_text(code)}", _text(kind.when))
    yield from (".SH SEE ALSO", ".BR git (1),", ".BR git\\-worktree (1)")


def _verb(command: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join(command.collect_usage_pieces(context))
    yield f'.SS "{_text(context.command_path)} {_text(usage)}"'
    for paragraph in (command.help or "").split("\n\n"):
        yield from (_text(paragraph), ".PP")
    yield from _options(command, context)
    if isinstance(command, click.Group):
        for name, inner in sorted(command.commands.items()):
            yield from _verb(inner, click.Context(inner, info_name=name, parent=context))


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Option) and (record := parameter.get_help_record(context)):
            yield from (".TP", f".B {_text(record[0])}", _text(record[1]))


def _listed(title: str, entries: dict[str, str]) -> Iterator[str]:
    yield f".SH {title}"
    for name, meaning in entries.items():
        yield from (".TP", f".B {_text(name)}", _text(meaning))


def _text(text: str) -> str:
    """Return text as a line of roff: nothing of it is a request, and dashes stay what a shell can read."""
    flat = " ".join(textwrap.dedent(text).split())
    escaped = flat.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    escaped = "".join(c if c.isascii() else f"\\[u{ord(c):04X}]" for c in escaped)
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
