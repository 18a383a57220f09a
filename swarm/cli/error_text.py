"""Errors as text: the block on stderr, the usage line, the hint."""

import contextlib
import errno
import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import click

from swarm import errors, log_lines

if TYPE_CHECKING:
    from swarm.workspace import Workspace

INTERRUPTED: Final = 130
# Exit code 2 of these verbs means that the check could not run, which CI must not take for a failed check.
_CHECKS: Final = frozenset({"verify", "verify-fixed", "verify-recurring", "verify-unverified", "verify-approved"})
_NOT_JUDGED: Final = 2


_OF_DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS})


# Options before the verb whose next word is their value.
_WITH_VALUE: Final = ("--db", "--trust", "-C", "--color", "--format")
# Numbers by which systems and git tell failures apart: the words beside them say the same.
_NO_WORDS: Final = re.compile(r"\[Errno -?\d+\]|\bexited -?\d+")
_LINES: Final = (
    ("Run", "run_id"),
    ("Wave", "wave_id"),
    ("Agent run", "agent_run_id"),
    ("Findings attempted", "findings_attempted"),
)


def typed(arguments: Sequence[str], error: Exception) -> BaseException:
    """Return the error of the catalogue for an exception of git, SQLite or the disk; any other as it is."""
    import sqlite3

    from swarm.git.runner import GitError

    if isinstance(error, GitError):
        found: Exception = error.typed()
    elif isinstance(error, sqlite3.Error):
        from swarm.store.sqlite_errors import translated

        found = translated(error, _workspace(arguments).database)
    elif isinstance(error, UnicodeEncodeError) and any("\udc80" <= c <= "\udcff" for c in "".join(arguments)):
        found = errors.CliUsage(problem="an argument is not UTF-8", command="swarm")
    elif isinstance(error, OSError) and error.filename is not None:
        # When a copy fails for want of space, the second name is the file that was being written.
        name = error.filename2 if error.errno in _OF_DISK and error.filename2 is not None else error.filename
        path = os.fsdecode(name) if isinstance(name, str | bytes) else str(name)
        found = errors.WorkspaceNotWritable(path=path, problem=f"{path}: {error.strerror or error}")
    elif isinstance(error, OSError) and error.errno in _OF_DISK:
        # A write to an open file fails without a file name, so the workspace stands for it.
        folder = str(_workspace(arguments).folder)
        found = errors.WorkspaceNotWritable(path=folder, problem=error.strerror or str(error))
    else:
        return error
    if found is not error:
        found.__cause__ = error
    return found


def _workspace(arguments: Sequence[str]) -> "Workspace":
    from swarm.cli.call import Call

    return Call("", _option(arguments, "--db"), "text").workspace


def usage_error(arguments: Sequence[str], error: click.ClickException) -> "errors.SwarmError":
    """Return the error of the catalogue for a command line that click refused."""
    if isinstance(error, click.BadOptionUsage) and error.option_name == "--threshold":
        return errors.CliInvalidThreshold(received="")
    if isinstance(error, click.NoSuchOption):
        near = _resembling(error.option_name, error.possibilities or ())
        error = click.NoSuchOption(error.option_name, error.message, near, error.ctx)
    problem = error.format_message().rstrip(".")
    if isinstance(error, click.MissingParameter):
        # click lists the choices over several lines, which the block would show as escapes.
        problem = " ".join(problem.split())
    context = getattr(error, "ctx", None)
    # The parser of click knows no context where the value of an option is missing.
    path = context.command_path if context else " ".join(dict.fromkeys(("swarm", _verb(arguments))))
    return errors.CliUsage(problem=problem, command=path)


def _resembling(name: str, options: Sequence[str]) -> list[str]:
    """Return the options that resemble a name without its dashes: these alone make `--json` resemble `--since`."""
    from difflib import get_close_matches

    words = {option.lstrip("-"): option for option in options}
    return [words[word] for word in get_close_matches(name.lstrip("-"), words)]


def show_interrupt(arguments: Sequence[str]) -> int:
    """Show that the command was interrupted and return the exit code."""
    if _wants_json(arguments):
        problem = KeyboardInterrupt("interrupted; the same command goes on from here")
        _show_document(arguments, problem, INTERRUPTED)
    else:
        _write("Interrupted. The same command goes on from here.")
    return INTERRUPTED


def show_error(arguments: Sequence[str], error: BaseException) -> int:
    """Show an error as a document or as a block on stderr, and return the exit code."""
    code = _exit_code(arguments, error)
    if os.environ.get("SWARM_DEBUG") == "1":
        import traceback

        _write("".join(traceback.format_exception(error)).rstrip("\n"))
    if _wants_json(arguments):
        _show_document(arguments, error, code)
    else:
        show_block(error)
    return code


def show_block(error: BaseException) -> None:
    """Write the block of an error to stderr."""
    for line in error_block(error):
        _write(line)


def _exit_code(arguments: Sequence[str], error: BaseException) -> int:
    """Return the exit code of the catalogue, or 2 where a check could not run: 1 says that it ran and judged."""
    if _verb(arguments) == "ingest":
        return _NOT_JUDGED
    if not isinstance(error, errors.SwarmError):
        return 1
    unreadable = (errors.RepoNotFound, errors.RepoNotGit, errors.RepoUnborn, errors.GitFailed)
    return _NOT_JUDGED if _verb(arguments) in _CHECKS and isinstance(error, unreadable) else error.exit_code


def _show_document(arguments: Sequence[str], error: BaseException, code: int) -> None:
    import json

    from swarm.cli.call import failure, write_exact

    write_exact(json.dumps(failure(_verb(arguments), error, code), ensure_ascii=False))


def error_block(error: BaseException) -> Iterator[str]:
    """Yield the lines of an error; `plain` keeps a field from forging a line."""
    from swarm.show.escape import plain

    if not isinstance(error, errors.SwarmError):
        yield f"ERROR: {plain(str(error) or type(error).__name__)}"
        return
    yield f"ERROR [{error.code}]: {plain(error.message)}"
    path = error.fields.get("path") or error.fields.get("db_path")
    if path:
        yield f"  Path: {plain(str(path))}"
    if isinstance(error, errors.IngestFailed):
        yield f"  Submission: {plain(error.submission)}"
        yield f"  Reproduce: {plain(error.reproduce)}"
        yield f"  Exit code: {error.ingest_exit_code}"
    if isinstance(error, errors.MergeGateFailed):
        from swarm.show.build import marked_lines

        yield from marked_lines(error.last_lines)
    yield f"  Next: {plain(error.hint)}"
    if error.__cause__ is not None and _says_more(str(error.__cause__), f"{error.message} {path or ''} {error.hint}"):
        yield f"  Caused by: {plain(str(error.__cause__))}"
    for label, name in _LINES:
        if (value := error.fields.get(name)) is not None:
            yield f"  {label}: {plain(str(value))}"


def _says_more(cause: str, shown: str) -> bool:
    """Say whether the text of a cause has a word that the lines above do not have."""
    words = re.findall(r"\w+", _NO_WORDS.sub(" ", cause).casefold())
    return not set(re.findall(r"\w+", shown.casefold())).issuperset(words)


def _write(line: str) -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(log_lines.shown_lines(line) + "\n")
        sys.stderr.flush()


def _wants_json(arguments: Sequence[str]) -> bool:
    before_end = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in before_end or _option(arguments, "--format") == "json"


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
        if word in _WITH_VALUE:
            next(rest, None)
        elif not word.startswith("-"):
            return word
    return "swarm"
