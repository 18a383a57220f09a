"""Errors as text: the block on stderr, the usage line, the hint with the call as it was typed."""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import click

from swarm import errors

if TYPE_CHECKING:
    from swarm.workspace import Workspace

INTERRUPTED: Final = 130


_OF_DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS})


_LINES: Final = (
    ("Run", "run_id"),
    ("Wave", "wave_id"),
    ("Agent run", "agent_run_id"),
    ("Findings attempted", "findings_attempted"),
)


def _known(arguments: Sequence[str], error: Exception) -> BaseException:
    """Translate what a library raised and nobody on the way did."""
    import sqlite3

    from swarm.git.runner import GitError

    if isinstance(error, GitError):
        typed: Exception = error.typed()
    elif isinstance(error, sqlite3.Error):
        from swarm.store.sqlite_errors import translated

        typed = translated(error, _workspace(arguments).database)
    elif isinstance(error, UnicodeEncodeError) and any("\udc80" <= c <= "\udcff" for c in "".join(arguments)):
        typed = errors.CliUsage(problem="an argument is not UTF-8", command="swarm")
    elif isinstance(error, OSError) and error.filename is not None:
        # Of a copy the second is the one that could not be written.
        name = error.filename2 if error.errno in _OF_DISK and error.filename2 is not None else error.filename
        path = os.fsdecode(name) if isinstance(name, str | bytes) else str(name)
        typed = errors.WorkspaceNotWritable(path=path, problem=f"{path}: {error.strerror or error}")
    elif isinstance(error, OSError) and error.errno in _OF_DISK:
        # What an open file says when it is written to; it does not say which file it is.
        folder = str(_workspace(arguments).folder)
        typed = errors.WorkspaceNotWritable(path=folder, problem=error.strerror or str(error))
    else:
        return error
    if typed is not error:
        typed.__cause__ = error
    return typed


def _workspace(arguments: Sequence[str]) -> "Workspace":
    from swarm.cli.call import Call

    return Call("", _option(arguments, "--db"), "text").workspace


def _usage(error: click.ClickException) -> errors.SwarmError:
    if isinstance(error, click.BadOptionUsage) and error.option_name == "--threshold":
        return errors.CliInvalidThreshold(received="")
    context = getattr(error, "ctx", None)
    problem = error.format_message().rstrip(".")
    return errors.CliUsage(problem=problem, command=context.command_path if context else "swarm")


def _interrupted(arguments: Sequence[str]) -> int:
    if _wants_json(arguments):
        problem = KeyboardInterrupt("interrupted; the same command goes on from here")
        _tell_failure(arguments, problem, INTERRUPTED)
    else:
        _say("Interrupted. The same command goes on from here.")
    return INTERRUPTED


def _refused(arguments: Sequence[str], error: BaseException) -> int:
    code = error.exit_code if isinstance(error, errors.SwarmError) else 1
    if os.environ.get("SWARM_DEBUG") == "1":
        import traceback

        _say("".join(traceback.format_exception(error)).rstrip("\n"))
    if _wants_json(arguments):
        _tell_failure(arguments, error, code)
    else:
        for line in error_block(error):
            _say(line)
    return code


def _tell_failure(arguments: Sequence[str], error: BaseException, code: int) -> None:
    import json

    from swarm.cli.call import failure, write

    write(json.dumps(failure(_verb(arguments), error, code), ensure_ascii=False))


def error_block(error: BaseException) -> Iterator[str]:
    """Yield the lines that tell an error; what its fields hold can forge none of them."""
    from swarm.show.escape import plain

    if not isinstance(error, errors.SwarmError):
        yield f"ERROR: {plain(str(error) or type(error).__name__)}"
        return
    yield f"ERROR [{error.code}]: {plain(error.message)}"
    path = error.fields.get("path") or error.fields.get("db_path")
    if path:
        yield f"  Path: {plain(str(path))}"
    yield f"  Next: {plain(error.hint)}"
    if error.__cause__ is not None:
        yield f"  Caused by: {plain(str(error.__cause__))}"
    for label, name in _LINES:
        if (value := error.fields.get(name)) is not None:
            yield f"  {label}: {plain(str(value))}"


def _say(line: str) -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def _wants_json(arguments: Sequence[str]) -> bool:
    return _option(arguments, "--format") == "json"


def _option(arguments: Sequence[str], name: str) -> str | None:
    found = None
    for position, word in enumerate(arguments):
        if word == "--":
            break
        if word == name and position + 1 < len(arguments):
            found = arguments[position + 1]
        elif word.startswith(f"{name}="):
            found = word.partition("=")[2]
    return found


def _verb(arguments: Sequence[str]) -> str:
    rest = iter(arguments)
    for word in rest:
        if word == "--db":
            next(rest, None)
        elif not word.startswith("-"):
            return word
    return "swarm"
