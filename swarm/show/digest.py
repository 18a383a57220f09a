"""Digest of findings as text: grouped by file on a terminal, a line for each finding in a pipe."""

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final, NamedTuple

from swarm.results.findings import FindingShown, FindingsResult
from swarm.rules.findings import SEVERITY_RANK
from swarm.show import text
from swarm.show.escape import plain
from swarm.show.reviews import objection, state_with_review

# A terminal shows a screen; everything else is a command away.
ON_TERMINAL: Final = 20
# Findings that a screen is chosen from: 100,000 take seconds to read.
_MOST_READ_AHEAD: Final = 500
# Findings of a rule in a file that come before others of their severity.
_MOST_ALIKE: Final = 4
_FIXABLE: Final = "fixable"
_LONGEST_RULE: Final = 32
_MOST_RULES: Final = 5
_SHORTEST_MESSAGE: Final = 20
_GAP: Final = "  "
_OPEN: Final = {"new", "recurring", "approved"}


class NewAndKnown(NamedTuple):
    """Findings that the filters keep: the new ones, those of them that their tool can fix, and the known ones.

    `fix` is the command that fixes the fixable ones.
    """

    new: int
    fixable: int
    known: int
    fix: str = ""


class Listing(NamedTuple):
    """The findings that a digest lists. `new` come first; `known` are empty where the digest only counts them.

    `of_all` is the number of open findings without the filters, where there are filters. `rest` is the command that
    lists everything that the filters keep.
    """

    new: Iterable[FindingShown]
    known: Iterable[FindingShown]
    tally: NewAndKnown
    rest: str
    is_for_terminal: bool
    of_all: int | None = None


def fix_command(rules: Sequence[str], run: str | None = None) -> str:
    """Return the command that fixes the findings of some rules, in the newest run where none is named."""
    words = ["swarm", "fix", *([run] if run else [])]
    # A long list of rules would hide the counts that it stands in.
    named = ["--rule", shlex.quote(",".join(rules))] if len(rules) <= _MOST_RULES else ["--all"]
    return " ".join([*words, *named]) if rules else ""


def lines(result: FindingsResult, listing: Listing) -> Iterator[str]:
    """Yield a digest: the listed findings, the counts, and the domains that were not checked."""
    listed = 0
    states = chain(
        ((f, state_with_review(f, new_state(f))) for f in listing.new),
        ((f, state_with_review(f, known_state(f))) for f in listing.known),
    )
    if listing.is_for_terminal:
        shown = list(states)
        listed = len(shown)
        # Where nothing is listed there is no column whose width could be asked for.
        yield from _by_file(shown) if shown else ()
    else:
        for finding, state in states:
            listed += 1
            yield _line(finding, state)
    if listed:
        yield ""
    yield from _groups(result)
    yield from _counts(result, listing, listed)
    for broken in result.broken:
        yield f"⚠ {plain(broken.domain)} was not looked at: {plain(broken.error)}"
    if result.suppressed:
        suppressed = text.counted(result.suppressed, "finding")
        yield f"{suppressed} suppressed (`--status deferred,rejected` lists them)."
    if result.unaudited:
        yield f"{text.counted(result.unaudited, 'tracked file')} no agent looked at."


def first_screen(found: Iterable[FindingShown]) -> list[FindingShown]:
    """Return the findings that a terminal shows first, gravest first, in their order.

    Among those of a severity, the fifth and later findings of a rule in a file give way to others: a single file could
    fill the screen with the same sentence.
    """
    ahead = list(islice(found, _MOST_READ_AHEAD))
    alike: Counter[tuple[str, str | None, str]] = Counter()
    rank: list[tuple[int, bool]] = []
    for finding in ahead:
        kind = finding.severity, finding.file, finding.rule_id or finding.category
        alike[kind] += 1
        rank.append((SEVERITY_RANK[finding.severity], alike[kind] > _MOST_ALIKE))
    chosen = sorted(range(len(ahead)), key=rank.__getitem__)[:ON_TERMINAL]
    return [ahead[place] for place in sorted(chosen)]


def new_state(finding: FindingShown) -> str:
    """Return the state of a finding that is new against what its listing compares with."""
    # A second audit of a commit sees what is new again: both words, since the document has both.
    if finding.status in {"recurring", "unverified"}:
        return f"new, {finding.status}"
    # A decision, or a fix, says more about a finding than that it is new.
    return finding.status


def known_state(finding: FindingShown) -> str:
    """Return the state of a finding that is known to what its listing compares with."""
    # A finding that its own wave saw first can be known to the baseline.
    return "known" if finding.status == "new" else finding.status


def _by_file(states: Sequence[tuple[FindingShown, str]]) -> Iterator[str]:
    """Yield findings under the name of their file, in columns that fit the terminal."""
    groups: dict[str | None, list[tuple[FindingShown, str]]] = {}
    for finding, state in states:
        groups.setdefault(finding.file, []).append((finding, state))
    columns = _Columns.of([finding for finding, _ in states], [state for _, state in states])
    for number, (file, own) in enumerate(groups.items()):
        if number:
            yield ""
        yield plain(file) if file is not None else "(no file)"
        for finding, state in own:
            yield columns.row(finding, state)
            if note := _note(finding):
                yield " " * 4 + text.fitted(note, text.width() - 4)


class _Columns(NamedTuple):
    """Widths of the columns of all listed findings; the message takes what is left of the terminal."""

    line: int
    column: int
    severity: int
    rule: int
    message: int
    fixable: int
    finding_id: int

    @classmethod
    def of(cls, findings: Sequence[FindingShown], states: Sequence[str]) -> "_Columns":
        line = max(len(str(f.line or "")) for f in findings)
        column = max(len(str(f.column)) + 1 if f.line and f.column else 0 for f in findings)
        severity = max(len(f.severity) for f in findings)
        rule = max(text.columns(_rule(f)) for f in findings)
        fixable = len(_FIXABLE) if any(f.fixable for f in findings) else 0
        finding_id = max(len(f.finding_id) for f in findings)
        others = [line + column, severity, rule, fixable, finding_id, max(map(len, states))]
        left = text.width() - sum(len(_GAP) + size for size in others if size) - len(_GAP)
        message = max(text.columns(plain(f.description)) for f in findings)
        return cls(line, column, severity, rule, min(message, max(left, _SHORTEST_MESSAGE)), fixable, finding_id)

    def row(self, finding: FindingShown, state: str) -> str:
        """Return a finding as a row under the name of its file."""
        column = f":{finding.column}" if finding.line and finding.column else ""
        cells = [
            f"{finding.line or '':>{self.line}}{column:<{self.column}}",
            text.coloured(finding.severity, self.severity),
            text.padded(_rule(finding), self.rule),
            text.padded(text.fitted(plain(finding.description), self.message), self.message),
            *([f"{_FIXABLE if finding.fixable else '':<{self.fixable}}"] if self.fixable else []),
            f"{finding.finding_id:<{self.finding_id}}",
            state,
        ]
        return _GAP + _GAP.join(cells)


def _line(finding: FindingShown, state: str) -> str:
    """Return a finding as a line that says everything by itself, for programs and `grep`."""
    cells = [
        text.place(finding),
        text.severity(finding.severity),
        plain(finding.rule_id or finding.category),
        plain(finding.description),
        *([_FIXABLE] if finding.fixable else []),
        finding.finding_id,
        state,
    ]
    note = _note(finding)
    return _GAP.join(cells) + (f" ({note})" if note else "")


def _rule(finding: FindingShown) -> str:
    return text.fitted(plain(finding.rule_id or finding.category), _LONGEST_RULE)


def _note(finding: FindingShown) -> str:
    """Return why a finding is not open or not proved, who decided about it, and who refutes it."""
    reason = plain(finding.reason) if finding.reason and finding.status not in _OPEN else ""
    return "; ".join(filter(None, (reason, text.decision(finding), objection(finding))))


def _groups(result: FindingsResult) -> Iterator[str]:
    if result.groups is not None:
        yield from text.table([[f"{count:,}", name] for name, count in result.groups.items()], ("count", "group"))
        yield ""


def _counts(result: FindingsResult, listing: Listing, listed: int) -> Iterator[str]:
    tally = listing.tally
    if not result.total:
        yield text.totals(result, listing.of_all)
        return
    all_listed = listed >= result.total or result.groups is not None
    hidden = tally.new - listed
    if hidden > 0 and result.groups is None:
        yield f"… and {hidden:,} more new: `{listing.rest}`"
    fixable = f" ({tally.fixable:,} {_FIXABLE}{f': {tally.fix}' if tally.fix else ''})" if tally.fixable else ""
    more = "" if all_listed or not tally.known else " (--all)"
    known = f", {tally.known:,} known{more}" if tally.known else ""
    yield f"{tally.new:,} new{fixable}{known}"
    if result.refused:
        yield f"⚠ {text.refused(result.refused)}"
    # On a terminal the findings themselves say how grave they are; a script reads this line.
    if not listing.is_for_terminal or result.groups is not None:
        yield text.totals(result)
