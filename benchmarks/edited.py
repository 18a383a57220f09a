"""Whether findings on declarations keep their identity where the line of the declaration was edited.

A report for each declared element of each changed file, with a rule for each kind of element, before and after each
release. An element persists as `elements.py` says; only elements whose line changed, or whose file did, are counted.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple, Protocol

from elements import Element, Truth, elements_of, truth_between

from swarm.git.repository import contents, files_at
from swarm.git.runner import Git
from swarm.rules.anchors import SourceText
from swarm.rules.findings import Fate
from swarm.rules.fingerprints import Report, identified
from swarm.rules.known_findings import Known, known_of
from swarm.rules.locations import ReportedPlace, locate_all
from swarm.rules.matching import match
from swarm.rules.standing_code import Standing
from swarm.waves.lost_lines import standing_at
from swarm.waves.moved_lines import journeys
from swarm.waves.places import fates_in, settled_fates

KEPT_GOAL: Final = 92.0
WRONG_GOAL: Final = 0.3


class Commit(Protocol):
    """A release that is a commit."""

    commit: str
    files: dict[str, bytes]

    def source(self, path: str) -> SourceText: ...


def _told(element: Element, text: str) -> str:
    del text
    return f"a {element.kind} is declared here"


def _counted(element: Element, text: str) -> str:
    """Return a message as tools of metrics write it: with numbers that every edit near by changes."""
    name = element.name.partition("(")[0].rpartition(".")[2]
    return f"'{name}' at line {element.line} has {len(element.body)} characters of {len(text)} ({element.last - 1})"


class Form(NamedTuple):
    """A form of reports: a quote of the line or none, which line of the declaration, how far off, and the message."""

    name: str
    quotes: bool
    line: Callable[[Element], int] = lambda element: element.line
    farthest: int = 0
    message: Callable[[Element, str], str] = _told


FORMS: Final = (
    Form("declarations, quoted", quotes=True),
    Form("declarations, line only", quotes=False),
    Form("declarations, first line", quotes=False, line=lambda element: element.first),
    Form("declarations, last line", quotes=False, line=lambda element: element.last),
    Form("declarations, off by five", quotes=True, farthest=5),
    Form("declarations, numbers in messages", quotes=False, message=_counted),
)


class Tally(NamedTuple):
    """Counts over a history."""

    edited: int = 0
    kept: int = 0
    wrong: int = 0
    collapsed: int = 0
    matched: int = 0

    def plus(self, other: "Tally") -> "Tally":
        return Tally(*(ours + theirs for ours, theirs in zip(self, other, strict=True)))


def measured(git: Git, releases: Sequence[Commit], form: Form, *, show: bool = False) -> Tally:
    """Return the counts over all pairs of successive releases."""
    total = Tally()
    for old, new in pairwise(releases):
        total = total.plus(_compared(git, old, new, form, show=show))
    return total


def figure(history: str, form: Form, tally: Tally) -> dict[str, Any]:
    return {
        "bench": "identity",
        "history": history,
        "reporter": form.name,
        "kept_percent": round(100 * tally.kept / max(1, tally.edited), 2),
        "wrongly_merged_percent": round(100 * tally.wrong / max(1, tally.matched), 2),
        "edited": tally.edited,
        "wrong": tally.wrong,
        "collapsed": tally.collapsed,
        "goal": {"kept_percent": KEPT_GOAL, "wrongly_merged_percent": WRONG_GOAL},
    }


def _compared(git: Git, old: Commit, new: Commit, form: Form, *, show: bool) -> Tally:
    before, after = (list(_elements(this, other)) for this, other in ((old, new), (new, old)))
    truth = truth_between(before, after)
    ours, theirs = identified(_reports(old, before, form)), identified(_reports(new, after, form))
    known = [known_of(at, report, old.commit) for at, report in enumerate(ours)]
    heads: dict[str, Report] = {report.fingerprint: report for report in reversed(theirs)}
    travels = journeys(git, known, new.commit)
    given: dict[Element, Element] = {}
    ways: dict[Element, str] = {}
    found, _, _ = match(
        known,
        list(heads.values()),
        {commit: journey.travel for commit, journey in travels.items()},
        _standing(git, known, travels, new.commit),
    )
    for one in found:
        given[after[int(one.report.reported_id)]] = before[one.known.row_id]
        ways[after[int(one.report.reported_id)]] = one.matched_by
    edited = {e: was for e, was in truth.pairs.items() if _is_edited(old, was, new, e, form)}
    kept = {element for element, was in edited.items() if given.get(element) == was}
    wrong = {element for element, was in given.items() if _is_wrong(truth, element, was)}
    if show:
        for element in edited.keys() - kept:
            was = edited[element]
            print(f"LOST {was.kind} {was.path}:{was.line} {was.name} -> {element.path}:{element.line}")
            print(f"  - {_text(old, was, form)}\n  + {_text(new, element, form)}")
            if element in given:
                print(f"  instead of {given[element].name}")
        for element in wrong:
            was = given[element]
            print(
                f"WRONG {ways[element]} {was.kind} {was.path}:{was.line} {was.name} -> {element.path}:{element.line} {element.name}"
            )
            print(f"  - {_text(old, was, form)}\n  + {_text(new, element, form)}")
    return Tally(len(edited), len(kept), len(wrong), len(theirs) - len(heads), len(given))


def _elements(this: Commit, other: Commit) -> Iterator[Element]:
    for path, content in sorted(this.files.items()):
        if other.files.get(path) != content:
            yield from elements_of(path, content.decode("utf-8-sig", "replace"))


def _text(release: Commit, element: Element, form: Form) -> str:
    return release.source(element.path).folded[form.line(element) - 1]


def _off(release: Commit, element: Element, form: Form) -> int:
    """Return the line that a reporter names who miscounts, otherwise in each release."""
    draw = random.Random(f"{release.commit} {element.path} {element.name}").randint(-form.farthest, form.farthest)
    return min(max(1, form.line(element) + draw), len(release.source(element.path).lines))


def _reports(release: Commit, elements: Sequence[Element], form: Form) -> list[Report]:
    by_path: defaultdict[str, list[int]] = defaultdict(list)
    for at, element in enumerate(elements):
        by_path[element.path].append(at)
    reports: dict[int, Report] = {}
    for path, numbers in by_path.items():
        here = [elements[at] for at in numbers]
        texts = [_text(release, element, form) if form.quotes else None for element in here]
        claims = [
            ReportedPlace(_off(release, element, form), text, None, element.kind, 1)
            for element, text in zip(here, texts, strict=True)
        ]
        for at, anchor in zip(numbers, locate_all(release.source(path), claims), strict=True):
            kind = elements[at].kind
            reports[at] = Report(
                reported_id=str(at),
                severity="LOW",
                category="quality",
                rule_id=kind,
                description=form.message(elements[at], release.source(path).text),
                recommendation=None,
                symbol=None,
                column=0,
                domain="all",
                agent_run_id=1,
                anchor=anchor,
            )
    return [reports[at] for at in range(len(elements))]


def _standing(git: Git, known: Sequence[Known], travels: Any, until: str) -> Mapping[int, Standing]:
    """Return the places of lost lines whose code stands, as collect finds them."""
    tracked = {file.path: file for file in files_at(git, until)}
    fates, uncertain, _ = settled_fates(known, travels, tracked)
    for path, content in contents(git, [(path, tracked[path].blob) for path in sorted(uncertain)]):
        fates |= fates_in(SourceText(path, content), uncertain[path], travels)
    gone = [item for item in known if fates.get(item.row_id) in {Fate.REMOVED, Fate.FILE_REMOVED}]
    return standing_at(git, gone, travels, tracked, until)


def _is_edited(old: Commit, was: Element, new: Commit, now: Element, form: Form) -> bool:
    return was.path != now.path or _text(old, was, form) != _text(new, now, form)


def _is_wrong(truth: Truth, element: Element, was: Element) -> bool:
    """Say whether two elements that got the same finding are known to be different."""
    if truth.pairs.get(element) == was:
        return False
    return element in truth.pairs or was in set(truth.pairs.values()) or (was in truth.gone and element in truth.fresh)
