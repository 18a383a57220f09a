"""Entry point: the `swarm` command, and the place where every error becomes an exit code."""

import contextlib
import contextvars
import gc
import os
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

import click

from swarm import errors, interruption
from swarm.cli import stdout
from swarm.cli.error_text import show_block, show_error, show_interrupt, typed, usage_error
from swarm.cli.group import SwarmGroup, Verbs
from swarm.cli.shared_options import shared_options

# Young objects before the interpreter looks for cycles among them, and such looks before it looks at older objects too.
GARBAGE_THRESHOLDS: Final = (500_000, 100, 1000)


@click.command(
    cls=SwarmGroup,
    commands=Verbs(),
    invoke_without_command=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@shared_options(hidden=False)
def swarm() -> None:
    """Run waves of coding agents over a git repository and track what they find."""


def run() -> NoReturn:
    """Run the command line of this process and exit."""
    interruption.listen()
    # A verb makes almost no garbage before it ends, and collection costs a tenth of a small verb and a fifth of a
    # large one: each look at all records of 100,000 findings takes half a second.
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    code = main(sys.argv[1:])
    with contextlib.suppress(AttributeError, OSError, ValueError):
        sys.stderr.flush()
    # Every file and connection is closed by now, and stdout is flushed. To free all memory first, as the end of the
    # interpreter does, takes another tenth of a small verb.
    os._exit(code)


def main(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code. No exception leaves this function."""
    if sys.stdout is None:
        # The caller closed stdout: do the work and drop the output.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        # Options such as --color hold for this call alone.
        code = contextvars.copy_context().run(_called, arguments)
        stdout.flush()
    except BrokenPipeError:
        _drop_output()
        return 1
    except errors.StdoutNotWritable as error:
        _drop_output()
        # On stderr in JSON mode too: the document has nowhere to go.
        show_block(error)
        return error.exit_code
    return code


def _drop_output() -> None:
    """Lead stdout nowhere; without this the interpreter reports the failed flush at exit."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _called(arguments: Sequence[str]) -> int:
    try:
        swarm.main(list(arguments), prog_name="swarm", standalone_mode=False)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except click.exceptions.Exit as end:
        return end.exit_code
    except (KeyboardInterrupt, click.Abort):
        return show_interrupt(arguments)
    except click.exceptions.NoArgsIsHelpError as error:
        from swarm.cli.call import write

        write(error.format_message())
        return 0
    except click.ClickException as error:
        return show_error(arguments, usage_error(arguments, error))
    except (BrokenPipeError, errors.StdoutNotWritable):
        raise
    except errors.SwarmError as error:
        return show_error(arguments, error)
    except Exception as error:  # noqa: BLE001 - the only place where a bug may surface
        return show_error(arguments, typed(arguments, error))
    return 0
