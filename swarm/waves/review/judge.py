"""Verdicts of reviewers: those that count, each with the line that its quote names in the commit."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from swarm import errors
from swarm.clock import today
from swarm.git.repository import TreeFile, contents
from swarm.git.runner import Git
from swarm.results.collect import Problem
from swarm.rules.anchors import SourceText, folded
from swarm.rules.decisions import CLOSED
from swarm.rules.findings import Observation
from swarm.rules.reviews import BY_HAND, Agent, ReviewVerdict
from swarm.rules.safe_paths import safe_path
from swarm.rules.suppressions import without_comment
from swarm.store import assignments, attempts, findings, reviews
from swarm.store.agent_runs import AgentRun
from swarm.store.findings import KnownFinding
from swarm.store.reviews import NewReview
from swarm.store.waves import Wave
from swarm.waves.places import Place, places_at

LONGEST_PROSE: Final = 4000
_MOST_LINES: Final = 10
_MOST_PLACES: Final = 1000


class ReviewOutput(NamedTuple):
    """The output of a reviewer: the file, its verdicts, and their positions in the file where items were refused."""

    agent: AgentRun
    path: str
    verdicts: Sequence[Mapping[str, Any]]
    positions: Sequence[int]


class _ReviewerAnswer(NamedTuple):
    agent_run_id: int
    domain: str
    reviewer: Agent
    asked: frozenset[int]
    output: ReviewOutput


class Reviews(NamedTuple):
    """The verdicts that count, the refused ones by agent run, and the ids of findings without a verdict by domain."""

    taken: tuple[NewReview, ...] = ()
    refused: Mapping[int, Sequence[Problem]] = {}
    unanswered: Mapping[str, Sequence[str]] = {}

    @property
    def summary(self) -> str:
        """The number of verdicts of each kind, and of findings without a verdict."""
        counts = Counter(review.verdict for review in self.taken)
        left = sum(map(len, self.unanswered.values()))
        parts = [f"{counts[verdict]} {verdict}" for verdict in ReviewVerdict]
        return ", ".join([*parts, *([f"{left} without a verdict"] if left else [])])


class _GivenVerdict(NamedTuple):
    by: _ReviewerAnswer
    path: str
    item: KnownFinding
    verdict: str
    quote: str
    file: str | None
    reason: str
    same_cause: tuple[int, ...]


def judge_reviews(
    conn: sqlite3.Connection, git: Git, wave: Wave, files: Sequence[TreeFile], outputs: Sequence[ReviewOutput]
) -> Reviews:
    """Accept verdicts about findings that the agent was asked about, whose quote stands in the wave's commit."""
    answers = list(_answers(conn, wave, outputs))
    known = findings.known_findings(conn, wave.run_id, today=today())
    rows = {row for answer in answers for row in answer.asked}
    places = places_at(git, [item.known for item in known if item.known.row_id in rows], wave.dispatch_sha)
    judge = _VerdictJudge(known, places)
    said = [verdict for answer in answers for verdict in judge.sifted(answer)]
    lines = dict(_quoted(git, files, said, places))
    reporters = reviews.reporters(conn, wave.run_id)
    taken = []
    for each in said:
        row, line = each.item.known.row_id, lines.get((each.by.agent_run_id, each.item.known.row_id))
        if line is None and each.verdict != ReviewVerdict.UNKNOWN:
            judge.refuse(each.by, each.path, f"{each.item.finding_id}: its quote is no line of {each.file}")
            continue
        taken.append(_row(wave, each, line, reporters.get(row, set())))
    return Reviews(tuple(taken), judge.refused, judge.unanswered(answers, {review.finding for review in taken}))


def _answers(conn: sqlite3.Connection, wave: Wave, outputs: Iterable[ReviewOutput]) -> Iterator[_ReviewerAnswer]:
    asked, tries = assignments.assigned(conn, wave.id), attempts.of_wave(conn, wave.id)
    for output in outputs:
        agent = output.agent
        own = tries.get(agent.id, [])
        # An output that a person hands in is the work of nobody that this machine ran.
        is_launched = bool(own) and own[-1].outcome == "success" and output.path == agent.output_path
        reviewer = Agent(own[-1].runtime, own[-1].session.get("modelAsked")) if is_launched else Agent(BY_HAND)
        yield _ReviewerAnswer(agent.id, agent.domain, reviewer, frozenset(asked.get(agent.id, ())), output)


def _row(wave: Wave, said: _GivenVerdict, line: int | None, reporters: set[Agent]) -> NewReview:
    return NewReview(
        wave_id=wave.id,
        agent_run_id=said.by.agent_run_id,
        finding=said.item.known.row_id,
        verdict=said.verdict,
        file=said.file if line else None,
        line=line,
        quote=said.quote.strip()[:LONGEST_PROSE] if line else "",
        reason=said.reason,
        reviewer=said.by.reviewer.runtime,
        is_independent=_is_independent(said.by.reviewer, reporters),
        same_cause=said.same_cause,
    )


def _is_independent(reviewer: Agent, said: set[Agent]) -> bool | None:
    """Say whether a reviewer is none of the reporters; `None` where either of them is no runtime of ours."""
    return None if reviewer.runtime == BY_HAND or not said else not any(map(reviewer.may_be, said))


class _VerdictJudge:
    """Holds verdicts to the findings that their reviewer was asked about; `refused` are the reasons by agent run."""

    def __init__(self, known: Sequence[KnownFinding], places: Mapping[int, Place]) -> None:
        # Agents copy ids by hand, so case does not count.
        self._by_id = {item.finding_id.upper(): item for item in known}
        self._names = {item.known.row_id: item.finding_id for item in known}
        self._places = places
        self.refused: dict[int, list[Problem]] = {}

    def refuse(self, answer: _ReviewerAnswer, path: str, problem: str) -> None:
        """Note why a verdict, or a part of it, does not count."""
        found = Problem(errors.AgentItemInvalid.code, path, problem)
        self.refused.setdefault(answer.agent_run_id, []).append(found)

    def sifted(self, answer: _ReviewerAnswer) -> Iterator[_GivenVerdict]:
        """Yield the verdicts of an answer that may count once their quotes are found."""
        seen = set[int]()
        positions = answer.output.positions
        for at, said in enumerate(answer.output.verdicts):
            path = f"$.reviews[{positions[at] if positions else at}]"
            item = self._by_id.get(said["finding_id"].upper())
            quote, file = str(said.get("quote") or ""), self._file(said, item)
            if problem := _problem(said, item, answer.asked, seen, quote, file):
                self.refuse(answer, path, f"{errors.shortened(said['finding_id'])}: {problem}")
            elif item is not None:
                seen.add(item.known.row_id)
                yield _GivenVerdict(
                    by=answer,
                    path=path,
                    item=item,
                    verdict=said["verdict"],
                    quote=quote,
                    file=file,
                    reason=said["reason"][:LONGEST_PROSE],
                    same_cause=tuple(self._links(answer, path, item, said)),
                )

    def unanswered(self, answers: Sequence[_ReviewerAnswer], taken: set[int]) -> dict[str, list[str]]:
        """Return, by domain, the ids of findings that were asked about and have no verdict."""
        left = {answer.domain: [self._names[row] for row in sorted(answer.asked - taken)] for answer in answers}
        return {domain: ids for domain, ids in left.items() if ids}

    def _file(self, said: Mapping[str, Any], item: KnownFinding | None) -> str | None:
        place = self._places.get(item.known.row_id) if item is not None else None
        try:
            return safe_path(said["file"], (), frozenset()) if said.get("file") else place and place.path
        except ValueError:
            return None

    def _links(self, answer: _ReviewerAnswer, path: str, item: KnownFinding, said: Mapping[str, Any]) -> Iterator[int]:
        """Yield the findings that share the cause: those that the same reviewer was asked about, and that are open."""
        # Without a defect there is no cause to share.
        named = (said.get("same_cause") or ()) if said["verdict"] != ReviewVerdict.REFUTED else ()
        for name in dict.fromkeys(named):
            other = self._by_id.get(name.upper())
            if other is None or other.known.row_id not in answer.asked:
                self.refuse(answer, f"{path}.same_cause", f"{errors.shortened(name)} is not among its findings")
            elif other.observation == Observation.FIXED or other.decision in CLOSED:
                self.refuse(answer, f"{path}.same_cause", f"{other.finding_id} is closed")
            elif other is not item:
                yield other.known.row_id


def _problem(
    said: Mapping[str, Any],
    item: KnownFinding | None,
    asked: frozenset[int],
    seen: set[int],
    quote: str,
    file: str | None,
) -> str:
    if item is None:
        return "there is no such finding"
    if item.known.row_id not in asked:
        return "the agent was not asked about it"
    if item.known.row_id in seen:
        return "a second verdict; the first counts"
    if said["verdict"] == ReviewVerdict.UNKNOWN:
        return ""
    if file is None:
        return "its quote needs a file of the commit"
    # A lone bracket stands in every file, and shows nothing.
    return "" if any(c.isalnum() for c in quote) else "a verdict needs the line that shows it as its quote"


def _quoted(
    git: Git, files: Sequence[TreeFile], said: Sequence[_GivenVerdict], places: Mapping[int, Place]
) -> Iterator[tuple[tuple[int, int], int]]:
    """Yield, by agent run and finding, the line of the commit where each quote stands."""
    by_file: defaultdict[str, list[_GivenVerdict]] = defaultdict(list)
    for each in said:
        if each.file is not None and each.quote.strip():
            by_file[each.file].append(each)
    blobs = [(file.path, file.blob) for file in files if file.is_file and file.path in by_file]
    for path, content in contents(git, blobs):
        source = SourceText(path, content)
        for each in by_file[path]:
            row = each.item.known.row_id
            place = places.get(row)
            near = place.line if place is not None and place.path == path else None
            if (line := _line_of(source, each.quote, near or 1)) is not None:
                yield (each.by.agent_run_id, row), line


def _line_of(source: SourceText, quote: str, near: int) -> int | None:
    """Return the line where a quote begins, the nearest to a line; white space between words does not count."""
    # Without a suppressing comment, as the lines of the source are compared.
    wanted = [folded(without_comment(line)) for line in quote.strip().split("\n")[:_MOST_LINES]]
    # Bounded: a quote of a blank line and a file of blank lines would cost their product.
    starts = islice(source.places_of(wanted[0]), _MOST_PLACES)
    found = [start for start in starts if source.folded[start - 1 : start - 1 + len(wanted)] == wanted]
    return min(found, key=lambda start: (abs(start - near), start), default=None)
