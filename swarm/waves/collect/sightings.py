"""Reports located in the files of the wave's commit and identified; fates of the lines of known findings."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from itertools import repeat
from sys import intern
from typing import Any, Final, NamedTuple

from swarm import stage_events
from swarm.git.repository import LINK_MODE, TreeFile, contents
from swarm.git.runner import Git
from swarm.results.collect import Problem
from swarm.rules.anchors import LONGEST_TEXT, Anchor, SourceText, folded, no_anchor
from swarm.rules.findings import Fate
from swarm.rules.fingerprints import Report, identified
from swarm.rules.known_findings import Known
from swarm.rules.locations import ReportedPlace
from swarm.rules.locations import locate_all as locate_lines
from swarm.rules.ownership import UNASSIGNED, OwnershipMap
from swarm.rules.safe_paths import safe_path
from swarm.rules.silence import Confirmation
from swarm.rules.standing_code import Standing
from swarm.rules.suppressions import Suppression, suppressions_at
from swarm.store import fix_claims
from swarm.store.findings import KnownFinding
from swarm.waves.collect.outputs import Intake, report_of
from swarm.waves.lost_lines import standing_at
from swarm.waves.moved_lines import Journey
from swarm.waves.places import fates_in, settled_fates

_LOST: Final = frozenset({Fate.REMOVED, Fate.FILE_REMOVED})
_NO_QUOTE: Final = "without a quote of the line that shows it"


class Located(NamedTuple):
    """Every report of a wave by agent run, the fate of known findings by row, and the findings that were refused.

    `comments` are suppressing comments, by path and line of the findings. An invalid comment is among the problems of
    each agent that reported there. `elsewhere` is the place, by row, of lost lines whose code still stands;
    `confirmed` are answers that a finding is gone, by row and domain; `claimed` are rows that a fix is claimed for.
    """

    reports: dict[int, list[Report]]
    fates: dict[int, Fate]
    refused: dict[int, list[Problem]]
    comments: dict[tuple[str, int], tuple[Suppression, ...]]
    elsewhere: Mapping[int, Standing] = {}
    confirmed: Mapping[tuple[int, str], Confirmation] = {}
    claimed: AbstractSet[int] = frozenset()


class _Named(NamedTuple):
    """Items of an output that name one file, or none: the place of each among its reports, its kind and its facts.

    An item is a finding (`defect`) or a feature. `taken` holds none of them.
    """

    taken: Intake
    items: list[tuple[int, str, Mapping[str, Any]]]


def locate_all(
    git: Git,
    files: Sequence[TreeFile],
    owners: OwnershipMap,
    intakes: list[Intake],
    known: Sequence[Known],
    travels: Mapping[str, Journey],
    commit: str,
) -> Located:
    """Locate all reports, and judge the lines of known findings; each file is read a single time.

    The findings and features leave `intakes`: both forms of 100,000 would double the peak of memory.
    """
    tracked = {file.path: file for file in files}
    by_path, counts, refused = _with_safe_paths(intakes, tracked)
    intakes[:] = [taken._replace(findings=(), features=()) for taken in intakes]
    reports = _Reports(counts, owners)
    fates, uncertain, expected = settled_fates(known, travels, tracked)
    comments: dict[tuple[str, int], tuple[Suppression, ...]] = {}
    # A link or a submodule has no lines: its content is the path of another place.
    readable = {path for path in by_path if path in tracked and tracked[path].is_file}
    # A single batch in a fixed order: a git process for each file would take minutes on a large repository.
    wanted = sorted(readable | uncertain.keys())
    for path, content in contents(git, [(path, tracked[path].blob) for path in wanted]):
        source = SourceText(path, content)
        for named in by_path.pop(path, ()):
            anchors = locate_lines(source, _claims(named), expected.get(path))
            reports.make(named, path, anchors)
            if source.is_marked:
                _note_comments(source, named.taken.agent.id, anchors, comments, refused)
        fates |= fates_in(source, uncertain.get(path, ()), travels)
    # Nearly every line stands: the fates alone are looked at, and the findings where one is lost.
    lost = {row for row, fate in fates.items() if fate in _LOST}
    gone = [item for item in known if item.row_id in lost] if lost else []
    elsewhere = standing_at(git, gone, travels, tracked, commit)
    fates |= {row: standing.fate for row, standing in elsewhere.items()}
    return Located(reports.identified(by_path), fates, refused, comments, elsewhere)


def _note_comments(
    source: SourceText,
    agent_run_id: int,
    anchors: Iterable[Anchor],
    comments: dict[tuple[str, int], tuple[Suppression, ...]],
    refused: dict[int, list[Problem]],
) -> None:
    """Collect the suppressing comments at the lines of a file that an agent run reported."""
    refused_at: set[int] = set()
    for line in (anchor.line for anchor in anchors if anchor.line is not None):
        place = source.path, line
        # A line is read a single time, however many reports name it.
        if place not in comments:
            comments[place] = suppressions_at(source.lines, line)
        for comment in comments[place]:
            if comment.problem and comment.line not in refused_at:
                refused_at.add(comment.line)
                problem = Problem("SUPPRESSION_INVALID", f"{source.path}:{comment.line}", comment.problem)
                refused.setdefault(agent_run_id, []).append(problem)
                stage_events.emit("suppression_invalid", file=source.path, line=comment.line, problem=comment.problem)


def _with_safe_paths(
    intakes: Sequence[Intake], tracked: Mapping[str, TreeFile]
) -> tuple[dict[str | None, list[_Named]], dict[int, int], dict[int, list[Problem]]]:
    """Return the items whose file is a safe path, by path, and by agent run their number and the others' problems."""
    links = {file.path for file in tracked.values() if file.mode == LINK_MODE}
    # Agents name the same files again and again, and the check of a path is not cheap.
    safe: dict[str | None, str | None] = {None: None}
    by_path: defaultdict[str | None, list[_Named]] = defaultdict(list)
    counts: dict[int, int] = {}
    refused: defaultdict[int, list[Problem]] = defaultdict(list)
    for taken in filter(lambda taken: taken.counts, intakes):
        own: dict[str | None, list[tuple[int, str, Mapping[str, Any]]]] = {}
        count = 0
        bare = taken._replace(findings=(), features=())
        for kind, name, items in (("defect", "findings", taken.findings), ("feature", "features", taken.features)):
            for position, facts in enumerate(items):
                named = facts.get("file") or None
                try:
                    if named not in safe:
                        # Interned, since the JSON parser makes every string anew.
                        safe[named] = intern(safe_path(str(named), tracked, links))
                except ValueError as error:
                    at = taken.positions.get(name, range(len(items)))[position]
                    problem = f"'{str(named)[:120]}': {error}"
                    refused[taken.agent.id].append(Problem("PATH_UNSAFE", f"$.{name}[{at}].file", problem))
                    continue
                path = safe[named]
                if path not in own:
                    own[path] = []
                    by_path[path].append(_Named(bare, own[path]))
                own[path].append((count, kind, facts))
                count += 1
        counts[taken.agent.id] = count
    return dict(by_path), counts, refused


class _Reports:
    """Reports of each agent run, in the order of the outputs and of their items; `counts` says how many of each."""

    def __init__(self, counts: Mapping[int, int], owners: OwnershipMap) -> None:
        self._made: dict[int, list[Report | None]] = {agent: [None] * count for agent, count in counts.items()}

        def owner_of(path: str) -> str:
            return owner.name if (owner := owners.owner_of(path)) else UNASSIGNED

        self._owner_of = cache(owner_of)

    def make(self, named: _Named, path: str | None, anchors: Iterable[Anchor | None]) -> None:
        """Make the reports of items at their places. A finding belongs to the domain that owns its file."""
        taken, items = named
        domain = taken.agent.domain if path is None else self._owner_of(path)
        made = self._made[taken.agent.id]
        for (at, kind, facts), anchor in zip(items, anchors, strict=False):
            made[at] = report_of(taken, kind, facts, domain, anchor)
        # The facts of 100,000 items beside their reports would double the peak of memory.
        items.clear()

    def identified(self, left: Mapping[str | None, Sequence[_Named]]) -> dict[int, list[Report]]:
        """Return the reports of each agent run, with their identities. The items that are left have no place."""
        for path, here in left.items():
            nowhere = None if path is None else no_anchor(path)
            for named in here:
                self.make(named, path, repeat(nowhere))
        return {agent: identified([report for report in self._made.pop(agent) if report]) for agent in [*self._made]}


def _claims(named: _Named) -> list[ReportedPlace]:
    agent = named.taken.agent.id
    claims = []
    for _, _, facts in named.items:
        line, rule = facts.get("line"), facts.get("rule_id") or facts["category"]
        # A JSON Schema integer may be written 3.0.
        line = None if line is None else int(line)
        # In the order of the fields: by keyword a record of so many takes three times as long.
        said = (facts.get("quote"), facts.get("symbol"), rule, agent, facts["description"])
        claims.append(ReportedPlace._make((line, *said)))
    return claims


class _Answer(NamedTuple):
    key: tuple[int, str]
    item: KnownFinding
    file: str
    quote: str
    own: str


def with_answers(
    conn: sqlite3.Connection,
    git: Git,
    run_id: str,
    located: Located,
    files: Sequence[TreeFile],
    intakes: Iterable[Intake],
    known: Iterable[KnownFinding],
    travels: Mapping[str, Journey],
) -> Located:
    """Add the claimed findings, and the answers of complete agents that a finding is gone. Raises GitError.

    An answer counts with a quote of a line that the commit has, in the finding's file or in a file that its fix
    names, where that file has changed since the finding was seen: a word without a change cannot have fixed anything.
    """
    claims = fix_claims.of_run(conn, run_id)
    named: defaultdict[int, set[str]] = defaultdict(set)
    for claim in claims:
        if claim.file is not None:
            named[claim.finding].add(claim.file)
    answers = list(_answers(intakes, known, travels))
    found = {}
    quoted: defaultdict[str, list[_Answer]] = defaultdict(list)
    for answer in answers:
        problem = _problem(answer, named[answer.item.known.row_id], travels)
        found[answer.key] = Confirmation(answer.file, answer.quote, problem)
        if not problem:
            quoted[answer.file].append(answer)
    blobs = [(file.path, file.blob) for file in files if file.path in quoted]
    for path, content in contents(git, sorted(blobs)):
        source = SourceText(path, content)
        for answer in quoted.pop(path):
            if not source.places_of(folded(answer.quote)):
                found[answer.key] = found[answer.key]._replace(problem=f"its quote is no line of {path}")
    for answer in (answer for rest in quoted.values() for answer in rest):
        found[answer.key] = found[answer.key]._replace(problem=f"the commit has no {answer.file}")
    claimed = frozenset(claim.finding for claim in claims if claim.outcome == "claimed")
    return located._replace(confirmed=found, claimed=claimed)


def _answers(
    intakes: Iterable[Intake], known: Iterable[KnownFinding], travels: Mapping[str, Journey]
) -> Iterator[_Answer]:
    complete = (taken for taken in intakes if taken.is_complete)
    every = [(taken.agent.domain, listed) for taken in complete for listed in taken.output.get("confirmed", ())]
    # Most outputs confirm nothing, and need no index of 100,000 known findings.
    by_id = {item.finding_id.upper(): item for item in known} if every else {}
    for domain, listed in every:
        said: Mapping[str, Any] = {"finding_id": listed} if isinstance(listed, str) else listed
        item = by_id.get(said["finding_id"].upper())
        if item is None or item.known.anchor is None:
            continue
        own = travels[item.known.anchor_commit].travel.path(item.known.anchor.path)
        quote = str(said.get("quote") or "")[:LONGEST_TEXT]
        yield _Answer((item.known.row_id, domain), item, _safe(said.get("file")) or own, quote, own)


def _problem(answer: _Answer, named: Iterable[str], travels: Mapping[str, Journey]) -> str:
    """Return why an answer does not count, `""` where only its quote is left to be checked."""
    known = answer.item.known
    journey = travels[known.anchor_commit]
    if not folded(answer.quote):
        return _NO_QUOTE
    if known.anchor is not None and folded(answer.quote) == known.anchor.text and answer.file == answer.own:
        return "its quote is the line of the finding"
    if answer.file not in {answer.own, *named}:
        return f"{answer.file} is neither its file nor a file that its fix names"
    if journey.is_known and answer.file not in {change.new_path for change in journey.changes}:
        return f"{answer.file} has not changed since it was seen"
    return ""


def _safe(named: str | None) -> str | None:
    try:
        return safe_path(named, (), frozenset()) if named else None
    except ValueError:
        return None
