"""Arguments and options that verbs share, and their types."""

import functools
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from pathlib import Path
from typing import Any, Final

import click

from swarm import errors
from swarm.cli import completions
from swarm.cli.call import Call
from swarm.cli.shared_options import shared_options, value_of
from swarm.rules.findings import SEVERITIES
from swarm.rules.phases import Phase

_DURATION: Final = re.compile(r"([0-9]+)([smh]?)", re.ASCII)
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600}
MOST_FINDINGS: Final = 10**18
LONGEST_NUMBER: Final = 1000
_MOST_DIGITS: Final = 9
TEXT_JSON: Final = ("text", "json")


class Duration(click.ParamType[int]):
    """Parameter type: `90`, `90s`, `30m` or `2h`, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the seconds."""
        found = _DURATION.fullmatch(str(value))
        if found is None or len(found[1]) > _MOST_DIGITS or not (seconds := int(found[1]) * _SECONDS[found[2]]):
            self.fail(f"'{errors.shortened(str(value))}' is no duration; write 90, 90s, 30m or 2h", param, ctx)
        return seconds


class Format(click.ParamType[str]):
    """Parameter type: an output format of a verb."""

    name = "format"

    def __init__(self, choices: tuple[str, ...]) -> None:
        self.choices = choices

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the format. Raises CliInvalidFormat."""
        del param, ctx
        if value not in self.choices:
            raise errors.CliInvalidFormat(received=str(value), choices=", ".join(self.choices))
        return str(value)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Return the form of the value for `--help`."""
        del param, ctx
        return f"[{'|'.join(self.choices)}]"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> completions.Items:
        """Return the formats."""
        del ctx, param
        return completions.words(self.choices, incomplete)


class Words(click.ParamType[tuple[str, ...]]):
    """Parameter type: words separated by commas."""

    name = "words"

    def __init__(
        self, allowed: tuple[str, ...] = (), *, upper: bool = False, offer: completions.Completer | None = None
    ) -> None:
        self.allowed = allowed
        self.upper = upper
        self.offer = offer

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Return the words, each of them allowed."""
        if isinstance(value, tuple):
            return value
        words = tuple(word.strip() for word in str(value).split(",") if word.strip())
        words = tuple(word.upper() for word in words) if self.upper else words
        strange = next((word for word in words if self.allowed and word not in self.allowed), None)
        if strange is not None or not words:
            self.fail(f"'{errors.shortened(str(value))}': choose from {', '.join(self.allowed)}", param, ctx)
        return words

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> completions.Items:
        """Return the words that the last word can become."""
        offer = self.offer or (lambda _ctx, _param, begun: completions.words(self.allowed, begun))
        return completions.listed(offer)(ctx, param, incomplete)


class Threshold(click.ParamType[int]):
    """Parameter type: a whole number of ASCII digits."""

    name = "n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number. Raises CliInvalidThreshold."""
        del param, ctx
        if isinstance(value, int):
            return value
        if not re.fullmatch(r"[0-9]+", str(value), re.ASCII):
            raise errors.CliInvalidThreshold(received=str(value))
        # A larger threshold means the same, and SQLite's integers end a little above this.
        return min(int(value), MOST_FINDINGS) if len(str(value)) < LONGEST_NUMBER else MOST_FINDINGS


def verb(
    *, formats: tuple[str, ...] = TEXT_JSON, default: str = "text", named: str | None = None
) -> Callable[[Callable[..., None]], click.Command]:
    """Make a function a verb: its first argument is the Call, and `--format` is added to its options."""

    def decorated(function: Callable[..., None]) -> click.Command:
        name = named or function.__module__.rpartition(".")[2].replace("_", "-")

        @functools.wraps(function)
        def called(form: str | None, **values: Any) -> None:
            form = _form(form, name)
            call = Call(name, value_of("db"), form or default, value_of("trust"))
            # A document was asked for in so many words, so only text is held back.
            with _silence() if value_of("quiet") and form is None else nullcontext():
                function(call, **values)

        with_format = click.option("--format", "form", type=Format(formats), default=None, help="Format of the output.")
        with_shared = shared_options(hidden=True)(with_format(called))
        return click.command(name, context_settings={"max_content_width": 100})(with_shared)

    return decorated


@contextmanager
def _silence() -> Iterator[None]:
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):  # noqa: PTH123
        yield


def _form(form: str | None, verb_name: str) -> str | None:
    """Return the format that `--format` or `--json` asks for. Raises CliUsage where they differ."""
    if not value_of("json"):
        return form
    if form not in {None, "json"}:
        raise usage(f"--json and --format {form} exclude each other", verb_name)
    return "json"


threshold_option = click.option(
    "--threshold", type=Threshold(), default=0, metavar="N", help="Number of findings that may offend; 0 by default."
)
run_argument = click.argument("run", metavar="[RUN]", required=False, shell_complete=completions.runs)
run_option = click.option(
    "--run", metavar="RUN", help="The run; by default the newest of this repository.", shell_complete=completions.runs
)


def _absolute_key(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return the word that names a key; a path counts from the folder of the caller, wherever it is read."""
    del ctx, param
    return os.path.abspath(Path(value).expanduser()) if value and os.sep in value else value  # noqa: PTH100


def key_option(help_: str, **more: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option `--sign` of a verb, which takes the name, the id or the file of a key."""
    return click.option("--sign", help=help_, callback=_absolute_key, shell_complete=completions.keys, **more)


# The last of both holds. As `git clean -n`, so that a plan can be asked for without knowing that it is the default.
apply_option = click.option(
    "--apply/--dry-run", " /-n", help="Carry the plan out; by default, and with -n, only show the plan."
)
jobs_option = click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1, 256),
    help="Number of agents that work at once; by default one for each core.",
)
audit_phase_option = click.option(
    "--phase",
    metavar="PHASE",
    default=Phase.HEALTH_AUDIT_A.value,
    help="An audit phase.",
    shell_complete=completions.audit_phases,
)


def runtime_option(help_: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option `--runtime` of a verb."""
    return click.option("--runtime", metavar="NAME", help=help_, shell_complete=completions.runtimes)


def _folder(ctx: click.Context, param: click.Parameter, value: Path) -> Path:
    del ctx, param
    if not value.is_dir():
        raise (errors.FileNoRepository if value.is_file() else errors.FolderNotFound)(path=str(value))
    return value


repo_argument = click.argument("repo", type=click.Path(path_type=Path), default=".", metavar="[REPO]", callback=_folder)
repo_path_option = click.option(
    "--repo-path",
    type=click.Path(path_type=Path),
    help="Place of the run's repository on this machine, if it moved.",
)
max_cost_option = click.option(
    "--max-cost", type=click.FloatRange(min=0), metavar="USD", help="Cap on what the run's agents cost."
)
allow_unmetered_option = click.option(
    "--allow-unmetered", is_flag=True, help="With --max-cost: also launch runtimes that report no cost."
)


def accept_option(fewer: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option `--accept` of a verb; `fewer` is the part of its help that says fewer than where."""
    return click.option(
        "--accept",
        type=click.Choice(["no_tests", "fewer_tests"]),
        multiple=True,
        help=f"Accept a repository without tests, or {fewer}; needs --reason.",
    )


outputs_option = click.option(
    "--domain",
    "named",
    multiple=True,
    metavar="NAME:PATH",
    help="Read a domain's output from PATH, JSON or .sarif; may be repeated.",
    shell_complete=completions.outputs,
)

bundles_option = click.option(
    "--bundle",
    "bundles",
    multiple=True,
    metavar="NAME:PATH",
    help="Take the work of an agent that ran on another machine from a git bundle; may be repeated.",
    shell_complete=completions.outputs,
)


def outputs_named(words: tuple[str, ...], folder: Path, verb_name: str, option: str = "--domain") -> dict[str, Path]:
    """Return the path of each domain's output or bundle; relative paths start at `folder`. Raises CliUsage."""
    paths: dict[str, Path] = {}
    for word in words:
        name, colon, path = word.partition(":")
        if not colon or not name or not path:
            raise usage(f"{option} takes NAME:PATH; got '{word}'", verb_name)
        if name in paths:
            raise usage(f"{option} {name} is given twice", verb_name)
        paths[name] = folder / path
    return paths


def require_reason(reason: str | None, action: str) -> str:
    """Return the reason. Raises ReasonRequired where it is missing or blank."""
    if reason is None or not reason.strip():
        raise errors.ReasonRequired(action=action)
    return reason.strip()


def accepting_reason(accept: tuple[str, ...], reason: str | None) -> str | None:
    """Return the reason of `--accept`, `None` where nothing is accepted. Raises ReasonRequired."""
    return require_reason(reason, f"accepting {' and '.join(accept)}") if accept else None


def usage(problem: str, verb_name: str) -> "errors.CliUsage":
    """Return a usage error of a verb."""
    return errors.CliUsage(problem=problem, command=f"swarm {verb_name}")


_FAIL_ON = ("new", *SEVERITIES)


class FailOn(click.ParamType[str]):
    """Parameter type: `new`, or a severity in any case."""

    name = "what"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return `new` or the severity in capitals."""
        word = str(value)
        found = "new" if word.lower() == "new" else word.upper()
        if found not in _FAIL_ON:
            self.fail(f"'{word}' is neither `new` nor a severity", param, ctx)
        return found

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> completions.Items:
        """Return `new` and the severities."""
        del ctx, param
        return completions.words(_FAIL_ON, incomplete)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Return the form of the value for `--help`."""
        del param, ctx
        return "new|SEVERITY"
