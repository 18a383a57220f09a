"""Commands that messages, hints and docstrings name: each is a command line that swarm takes."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import swarm as package
from swarm.cli.main import swarm

ROOT = Path(package.__file__).parent
_COMMAND = re.compile(r"`swarm(?: ((?:[^`]|\n)*?))?`")
# What stands for something else: `{field}`, `<word>`, `…`, and capitals such as RUN and `F-…`.
_PLACEHOLDER = re.compile(r"\{[^{}]*\}|<[^<>]*>|…")


def texts(module: Path) -> Iterator[str]:
    """Yield the texts of a module, with `…` in the place of each value that is filled in."""
    inner: set[int] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            inner |= {id(part) for part in node.values}
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node.value


def commands() -> list[tuple[str, str]]:
    """Return each command line with its module."""
    return sorted(
        {
            (module.relative_to(ROOT).as_posix(), " ".join((found[1] or "").split()))
            for module in ROOT.rglob("*.py")
            for text in texts(module)
            for found in _COMMAND.finditer(text)
        }
    )


def problem_of(line: str) -> str | None:
    """Return what click finds wrong with a command line, `None` for a command line that it takes."""
    words = shlex.split(_PLACEHOLDER.sub("x", line))
    context = click.Context(swarm, info_name="swarm")
    try:
        while isinstance(context.command, click.Group):
            _, words, _ = context.command.make_parser(context).parse_args(words)
            if not words or words[0] in {"VERB", "x"}:
                return None
            name, command, words = context.command.resolve_command(context, words)
            assert command is not None
            context = click.Context(command, info_name=name, parent=context)
        context.command.make_parser(context).parse_args(words)
    except click.UsageError as error:
        return error.format_message()
    return None


def test_every_command_that_a_message_names_is_taken() -> None:
    lines = commands()
    assert len(lines) > 100
    assert {(module, line): problem for module, line in lines if (problem := problem_of(line))} == {}


@pytest.mark.parametrize("line", ["stauts", "status --nothing", "close --ids", "lease gant"])
def test_a_command_that_swarm_does_not_take_is_found(line: str) -> None:
    assert problem_of(line) is not None
