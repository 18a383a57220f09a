"""Options and output of the triage verbs: findings, author, last day, and result."""

import os
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from swarm import clock, errors
from swarm.cli import completions
from swarm.cli.call import Call
from swarm.cli.options import Words, require_reason, usage, verb
from swarm.results.triage import FindingDecided, TriageResult
from swarm.rules.decisions import LONGEST_AUTHOR, LONGEST_REASON, Action
from swarm.show import text
from swarm.show.escape import plain

if TYPE_CHECKING:
    from swarm.store.runs import Run

_MOST_SHOWN: Final = 20
_OR_ALL: Final = {Action.APPROVE: ", or --all of them"}
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

named_option = click.option(
    "--run",
    "named",
    metavar="RUN",
    help="The run, instead of the argument.",
    shell_complete=completions.runs,
)
reason_option = click.option("--reason", metavar="TEXT", help="Reason; recorded and shown.")
evidence_option = click.option("--evidence", metavar="TEXT", help="Evidence that you saw; recorded and shown.")


def findings_named(function: Callable[..., None]) -> Callable[..., None]:
    """Add `[RUN] [FINDING]…`, `--run` and `--ids` to a verb."""
    ids = click.option(
        "--ids",
        type=Words(offer=completions.findings),
        default=(),
        metavar="A,B",
        help="More findings, separated by commas.",
    )
    words = click.argument(
        "words",
        nargs=-1,
        metavar="[RUN] [FINDING]...",
        shell_complete=completions.runs_and_findings,
    )
    return words(named_option(ids(function)))


class Day(click.ParamType[str]):
    """A day, `YYYY-MM-DD`, that has not passed."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the day unchanged."""
        word = str(value)
        try:
            is_day = _DAY.fullmatch(word) is not None and bool(date.fromisoformat(word))
        except ValueError:
            is_day = False
        if not is_day:
            self.fail(f"'{errors.shortened(word)}' is no day; write YYYY-MM-DD", param, ctx)
        if word < clock.today():
            self.fail(f"{word} has passed already", param, ctx)
        return word

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Return the form of the value for `--help`."""
        del param, ctx
        return "YYYY-MM-DD"


expires_option = click.option("--expires", type=Day(), help="Last day (UTC) of the decision.")


def run_named_once(argument: str | None, option: str | None, verb_name: str) -> str | None:
    """Return the run that is named by the argument or by the option. Raises CliUsage when both name a run."""
    if argument is not None and option is not None and argument != option:
        raise usage("the run is named twice", verb_name)
    return argument or option


def required_text(value: str | None, option: str, verb_name: str) -> str:
    """Return the text of a required option. Raises ReasonRequired or CliUsage where it is missing."""
    if option == "--reason":
        value = require_reason(value, f"`swarm {verb_name}`")
    if value is None or not value.strip():
        raise usage(f"{option} is missing: say what you looked at", verb_name)
    return bounded(value, option, verb_name)


def bounded(value: str, option: str, verb_name: str) -> str:
    """Return a text that can be stored: of bounded length, without half characters. Raises CliUsage."""
    kept = value.strip().encode("utf-8", "replace").decode()
    if len(kept) > LONGEST_REASON:
        raise usage(f"{option} has {len(kept):,} characters, of at most {LONGEST_REASON:,}", verb_name)
    return kept


def author(call: Call, run: "Run") -> str:
    """Return the author of a decision about a run."""
    folder = Path(run.local_path)
    return author_in(folder if folder.is_dir() else call.folder)


def author_in(folder: Path) -> str:
    """Return the name in git's configuration of a folder, else the user of the machine."""
    import getpass

    from swarm.git.author import author as named

    name = named(folder, os.environ)
    if name is None:
        try:
            name = getpass.getuser()
        except (KeyError, OSError):
            name = "unknown"
    return " ".join(name.encode("utf-8", "replace").decode().split())[:LONGEST_AUTHOR]


class Asked(NamedTuple):
    """Findings that a command line asks for: `[RUN] [FINDING]…`, `--run`, `--ids`, or all that filters leave."""

    words: tuple[str, ...] = ()
    run: str | None = None
    ids: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    every: bool = False
    confirmed: bool = False


def decide(
    call: Call,
    action: Action,
    asked: Asked,
    *,
    reason: str | None,
    expires: str | None = None,
    evidence: str = "",
    verified_how: str | None = None,
) -> None:
    """Record a decision and show its result."""
    from swarm.waves.selection import split_run_and_findings
    from swarm.waves.triage import triage

    with call.write() as store:
        named, found = split_run_and_findings(store.conn, asked.words, asked.run, call.folder)
        ids = (*asked.ids, *found)
        if asked.every == bool(ids):
            raise usage(f"name findings: `swarm {action.value} F-…`{_OR_ALL.get(action, '')}", action.value)
        run = call.run(store, named, tell=True)
        grounds = triage.Grounds(author(call, run), reason, expires, evidence, verified_how)
        targets = triage.Targets(ids, asked.severities, asked.rules, asked.confirmed)
        result = triage.triage(store, run, action, targets, grounds)
    call.answer(result, lambda: _lines(result))


def deferring_verb(action: Action, help_: str) -> click.Command:
    """Return the verb `defer` or `reject`: both take the same options."""

    @verb(named=action.value)
    @findings_named
    @reason_option
    @expires_option
    def command(
        call: Call,
        words: tuple[str, ...],
        named: str | None,
        ids: tuple[str, ...],
        reason: str | None,
        expires: str | None,
    ) -> None:
        why = required_text(reason, "--reason", action.value)
        decide(call, action, Asked(words, named, ids), reason=why, expires=expires)

    command.help = help_
    return command


_DONE: Final[dict[str, str]] = {
    "approve": "Approved",
    "defer": "Deferred",
    "reject": "Rejected",
    "reopen": "Reopened",
    "close": "Closed",
}


def _lines(result: TriageResult) -> Iterator[str]:
    if not result.changed and not result.unchanged:
        yield f"No finding fits: nothing is {_DONE[result.action].lower()}."
    if result.changed:
        yield f"{_DONE[result.action]} {text.counted(len(result.changed), 'finding')}."
        yield from finding_lines(result.changed)
    if result.unchanged:
        yield f"{text.counted(len(result.unchanged), 'finding')} {text.were(len(result.unchanged))} so already."
        yield from finding_lines(result.unchanged)
    if result.refuted:
        ids = ",".join(result.refuted[:_MOST_SHOWN])
        more = f" and {len(result.refuted) - _MOST_SHOWN:,} more" if len(result.refuted) > _MOST_SHOWN else ""
        count = text.counted(len(result.refuted), "refuted finding")
        yield f"⚠ {count} left out: {ids}{more}; `swarm reject` closes them, and --ids approves what it names"
    for cause in result.same_cause[:_MOST_SHOWN]:
        others = ", ".join(cause.others[:_MOST_SHOWN]) + (", …" if len(cause.others) > _MOST_SHOWN else "")
        yield f"⚠ {cause.finding_id} has its cause in common with {others}, not approved"
    yield f"Next: {result.next_action}"


def finding_lines(findings: tuple[FindingDecided, ...]) -> Iterator[str]:
    """Yield a line for each finding; of a long list, only the first."""
    for finding in findings[:_MOST_SHOWN]:
        line = f":{finding.line}" if finding.line else ""
        place = plain(finding.file) + line if finding.file else "(no file)"
        step = finding.to if finding.from_ == finding.to else f"{finding.from_} → {finding.to}"
        yield f"  {finding.finding_id}  {text.severity(finding.severity)}  {place}  {step}"
    if len(findings) > _MOST_SHOWN:
        yield f"  … and {len(findings) - _MOST_SHOWN:,} more"
