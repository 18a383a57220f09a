"""What the triage verbs share: which findings, who decides, until when, and how the outcome is told."""

import os
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from swarm import clock, errors
from swarm.cli.call import Call
from swarm.cli.options import Words, require_reason, run_argument, usage, verb
from swarm.results.triage import FindingDecided, TriageResult
from swarm.rules.decisions import LONGEST_AUTHOR, LONGEST_REASON, Action
from swarm.show import text
from swarm.show.escape import plain

if TYPE_CHECKING:
    from swarm.store.runs import Run
    from swarm.waves.triage.triage import Targets

_MOST_SHOWN: Final = 20
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

named_option = click.option("--run", "named", metavar="RUN", help="The run, where it is not the argument.")
ids_option = click.option("--ids", type=Words(), required=True, metavar="A,B", help="The findings; prefixes will do.")
reason_option = click.option("--reason", metavar="TEXT", help="Why; it is recorded and shown.")
evidence_option = click.option("--evidence", metavar="TEXT", help="What you looked at; it is recorded and shown.")


class Day(click.ParamType[str]):
    """A day that has not passed, `YYYY-MM-DD`."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the day as it was given."""
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
        """Return what `--help` shows."""
        del param, ctx
        return "YYYY-MM-DD"


expires_option = click.option("--expires", type=Day(), help="The last day (UTC) on which this holds.")


def one_run(argument: str | None, option: str | None, verb_name: str) -> str | None:
    """Return the run that is named as argument or as option."""
    if argument is not None and option is not None and argument != option:
        raise usage("the run is named twice", verb_name)
    return argument or option


def said(value: str | None, option: str, verb_name: str) -> str:
    """Return what must be said with an option. Raises CliUsage, and ReasonRequired for a reason that is missing."""
    if option == "--reason":
        value = require_reason(value, f"`swarm {verb_name}`")
    if value is None or not value.strip():
        raise usage(f"{option} is missing: say what you looked at", verb_name)
    return bounded(value, option, verb_name)


def bounded(value: str, option: str, verb_name: str) -> str:
    """Return a text that can be stored: of bounded length, without half characters."""
    kept = value.strip().encode("utf-8", "replace").decode()
    if len(kept) > LONGEST_REASON:
        raise usage(f"{option} has {len(kept):,} characters, of at most {LONGEST_REASON:,}", verb_name)
    return kept


def author(call: Call, run: "Run") -> str:
    """Return who decides: as git names them, else the user of the machine."""
    import getpass

    from swarm.git.author import author as named

    folder = Path(run.local_path)
    told = named(folder if folder.is_dir() else call.folder, os.environ)
    if told is None:
        try:
            told = getpass.getuser()
        except (KeyError, OSError):
            told = "unknown"
    return " ".join(told.encode("utf-8", "replace").decode().split())[:LONGEST_AUTHOR]


def decide(
    call: Call,
    action: Action,
    named: str | None,
    which: "Targets",
    *,
    reason: str | None,
    expires: str | None = None,
    evidence: str = "",
    verified_how: str | None = None,
) -> None:
    """Take one decision and show what it came to."""
    from swarm.waves.triage import triage

    with call.write() as store:
        run = call.run(store, named, tell=True)
        told = triage.Grounds(author(call, run), reason, expires, evidence, verified_how)
        result = triage.triage(store, run, action, which, told)
    call.answer(result, lambda: _lines(result))


def putting_aside(action: Action, help_: str) -> click.Command:
    """Return the verb that defers or rejects, which are one but for the word."""

    @verb(named=action.value)
    @run_argument
    @named_option
    @ids_option
    @reason_option
    @expires_option
    def command(
        call: Call,
        run: str | None,
        named: str | None,
        ids: tuple[str, ...],
        reason: str | None,
        expires: str | None,
    ) -> None:
        from swarm.waves.triage.triage import Targets

        told = said(reason, "--reason", action.value)
        decide(call, action, one_run(run, named, action.value), Targets(ids), reason=told, expires=expires)

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
        yield f"{text.counted(len(result.unchanged), 'finding')} {_were(len(result.unchanged))} so already."
        yield from finding_lines(result.unchanged)
    yield f"Next: {result.next_action}"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def finding_lines(findings: tuple[FindingDecided, ...]) -> Iterator[str]:
    """Yield one line a finding, of many the first few."""
    for finding in findings[:_MOST_SHOWN]:
        line = f":{finding.line}" if finding.line else ""
        place = plain(finding.file) + line if finding.file else "(no file)"
        step = finding.to if finding.from_ == finding.to else f"{finding.from_} → {finding.to}"
        yield f"  {finding.finding_id}  {text.severity(finding.severity)}  {place}  {step}"
    if len(findings) > _MOST_SHOWN:
        yield f"  … and {len(findings) - _MOST_SHOWN:,} more"
