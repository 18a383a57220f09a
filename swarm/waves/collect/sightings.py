"""Reports located in the files of the wave's commit and identified; fates of the lines of known findings."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
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


class _Said(NamedTuple):
    """A finding (`defect`) or a feature of an output, with its file as a safe path."""

    taken: Intake
    kind: str
    facts: Mapping[str, Any]
    path: str | None


def locate_all(
    git: Git,
    files: Sequence[TreeFile],
    owners: OwnershipMap,
    intakes: Sequence[Intake],
    known: Sequence[Known],
    travels: Mapping[str, Journey],
    commit: str,
) -> Located:
    """Locate all reports, and judge the lines of known findings; each file is read a single time."""
    tracked = {file.path: file for file in files}
    said, refused = _with_safe_paths(intakes, tracked)
    anchors: list[Anchor | None] = [None] * len(said)
    by_path: dict[str, list[int]] = defaultdict(list)
    for at, (*_, path) in enumerate(said):
        if path is not None:
            by_path[path].append(at)
    # A link or a submodule has no lines: its content is the path of another place.
    by_path = {path: here for path, here in by_path.items() if path in tracked and tracked[path].is_file}
    fates, uncertain = settled_fates(known, travels, tracked)
    expected = _expected(known, travels)
    comments: dict[tuple[str, int], tuple[Suppression, ...]] = {}
    # A single batch in a fixed order: a git process for each file would take minutes on a large repository.
    wanted = sorted(by_path.keys() | uncertain.keys())
    for path, content in contents(git, [(path, tracked[path].blob) for path in wanted]):
        source = SourceText(path, content)
        here = by_path.get(path, ())
        claims = [_claim(said[at]) for at in here]
        for at, anchor in zip(here, locate_lines(source, claims, expected.get(path)), strict=True):
            anchors[at] = anchor
        if source.is_marked:
            _note_comments(source, [(said[at].taken.agent.id, anchors[at]) for at in here], comments, refused)
        fates |= fates_in(source, uncertain.get(path, ()), travels)
    gone = [item for item in known if fates.get(item.row_id) in {Fate.REMOVED, Fate.FILE_REMOVED}]
    elsewhere = standing_at(git, gone, travels, tracked, commit)
    fates |= {row: standing.fate for row, standing in elsewhere.items()}
    return Located(_reports(said, anchors, owners), fates, refused, comments, elsewhere)


def _note_comments(
    source: SourceText,
    located: Iterable[tuple[int, Anchor | None]],
    comments: dict[tuple[str, int], tuple[Suppression, ...]],
    refused: dict[int, list[Problem]],
) -> None:
    """Collect the suppressing comments at the reported lines of a file; each line comes with the agent run."""
    refused_at: set[tuple[int, int]] = set()
    for agent_run_id, anchor in located:
        if anchor is None or anchor.line is None:
            continue
        place = source.path, anchor.line
        # A line is read a single time, however many reports name it.
        if place not in comments:
            comments[place] = suppressions_at(source.lines, anchor.line)
        for comment in comments[place]:
            if comment.problem and (agent_run_id, comment.line) not in refused_at:
                refused_at.add((agent_run_id, comment.line))
                problem = Problem("SUPPRESSION_INVALID", f"{source.path}:{comment.line}", comment.problem)
                refused.setdefault(agent_run_id, []).append(problem)
                stage_events.emit("suppression_invalid", file=source.path, line=comment.line, problem=comment.problem)


def _with_safe_paths(
    intakes: Sequence[Intake], tracked: Mapping[str, TreeFile]
) -> tuple[list[_Said], dict[int, list[Problem]]]:
    """Return the items whose file is a safe path, and by agent run the problems of the others."""
    links = {file.path for file in tracked.values() if file.mode == LINK_MODE}
    # Agents name the same files again and again, and the check of a path is not cheap.
    safe: dict[str | None, str | None] = {None: None}
    said: list[_Said] = []
    refused: defaultdict[int, list[Problem]] = defaultdict(list)
    for taken in filter(lambda taken: taken.counts, intakes):
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
                said.append(_Said(taken, kind, facts, safe[named]))
    return said, refused


def _reports(said: Sequence[_Said], anchors: Iterable[Anchor | None], owners: OwnershipMap) -> dict[int, list[Report]]:
    """Return the reports of each agent run at their places. A finding belongs to the domain that owns its file."""
    # Owners by path for the same reason: thousands of reports share a file.
    owner_at: dict[str, str] = {}
    by_agent: defaultdict[int, list[Report]] = defaultdict(list)
    for (taken, kind, facts, path), anchor in zip(said, anchors, strict=True):
        domain = taken.agent.domain
        if path is not None:
            if path not in owner_at:
                owner_at[path] = owner.name if (owner := owners.owner_of(path)) else UNASSIGNED
            domain = owner_at[path]
        place = anchor if anchor is not None or path is None else no_anchor(path)
        by_agent[taken.agent.id].append(report_of(taken, kind, facts, domain, place))
    return {agent: identified(by_agent.pop(agent)) for agent in list(by_agent)}


def _claim(said: _Said) -> ReportedPlace:
    facts = said.facts
    line, rule = facts.get("line"), facts.get("rule_id") or facts["category"]
    # A JSON Schema integer may be written 3.0.
    line = None if line is None else int(line)
    return ReportedPlace(line, facts.get("quote"), facts.get("symbol"), rule, said.taken.agent.id)


def _expected(known: Iterable[Known], travels: Mapping[str, Journey]) -> dict[str, dict[str, set[int]]]:
    """Return, by path and rule, the lines of known findings at the wave's commit."""
    lines: defaultdict[str, defaultdict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for item in known:
        if item.anchor is None or item.anchor.line is None:
            continue
        travel = travels[item.anchor_commit].travel
        line = travel.lines(item.anchor.path).successor(item.anchor.line)
        # A line that did not survive expects nothing.
        if line is not None:
            lines[travel.path(item.anchor.path)][item.rule].add(line)
    return {path: dict(by_rule) for path, by_rule in lines.items()}


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
    by_id = {item.finding_id.upper(): item for item in known}
    for taken in intakes:
        for listed in taken.output.get("confirmed", ()) if taken.is_complete else ():
            said: Mapping[str, Any] = {"finding_id": listed} if isinstance(listed, str) else listed
            item = by_id.get(said["finding_id"].upper())
            if item is None or item.known.anchor is None:
                continue
            own = travels[item.known.anchor_commit].travel.path(item.known.anchor.path)
            quote = str(said.get("quote") or "")[:LONGEST_TEXT]
            yield _Answer((item.known.row_id, taken.agent.domain), item, _safe(said.get("file")) or own, quote, own)


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
