"""Reports located in the files of the wave's commit and identified; fates of the lines of known findings."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from swarm import stage_events
from swarm.git.repository import LINK_MODE, SUBMODULE_MODE, TreeFile, contents
from swarm.git.runner import Git
from swarm.results.collect import Problem
from swarm.rules.anchors import Anchor, SourceText, no_anchor
from swarm.rules.findings import Fate
from swarm.rules.fingerprints import Report, identified
from swarm.rules.known_findings import Known
from swarm.rules.locations import ReportedPlace
from swarm.rules.locations import locate_all as locate_lines
from swarm.rules.ownership import UNASSIGNED, OwnershipMap
from swarm.rules.safe_paths import safe_path
from swarm.rules.suppressions import Suppression, suppressions_at
from swarm.waves.collect.outputs import Intake
from swarm.waves.moved_lines import Journey
from swarm.waves.places import fates_in, settled_fates


class Located(NamedTuple):
    """Every report of a wave by agent run, the fate of known findings by row, and the findings that were refused.

    `comments` are suppressing comments, by path and line of the findings. An invalid comment is among the problems of
    each agent that reported there.
    """

    reports: dict[int, list[Report]]
    fates: dict[int, Fate]
    refused: dict[int, list[Problem]]
    comments: dict[tuple[str, int], tuple[Suppression, ...]]


def locate_all(
    git: Git,
    files: Sequence[TreeFile],
    owners: OwnershipMap,
    intakes: Sequence[Intake],
    known: Sequence[Known],
    travels: Mapping[str, Journey],
) -> Located:
    """Locate all reports, and judge the lines of known findings; each file is read a single time."""
    tracked = {file.path: file for file in files}
    reports, refused = _with_safe_paths(intakes, tracked)
    anchors = [None if report.file is None else no_anchor(report.file) for report in reports]
    by_path: defaultdict[str, list[int]] = defaultdict(list)
    for at, report in enumerate(reports):
        # A link or a submodule has no lines: its content is the path of another place.
        if report.file in tracked and tracked[report.file].mode not in {LINK_MODE, SUBMODULE_MODE}:
            by_path[report.file].append(at)
    fates, uncertain = settled_fates(known, travels, tracked)
    expected = _expected(known, travels)
    comments: dict[tuple[str, int], tuple[Suppression, ...]] = {}
    # A single batch in a fixed order: a git process for each file would take minutes on a large repository.
    wanted = sorted(by_path.keys() | uncertain.keys())
    for path, content in contents(git, [(path, tracked[path].blob) for path in wanted]):
        source = SourceText(path, content)
        here = by_path.get(path, ())
        claims = [_claim(reports[at]) for at in here]
        for at, anchor in zip(here, locate_lines(source, claims, expected.get(path)), strict=True):
            anchors[at] = anchor
        if source.is_marked:
            _note_comments(source, [(reports[at], anchors[at]) for at in here], comments, refused)
        fates |= fates_in(source, uncertain.get(path, ()), travels)
    by_agent = _by_agent(reports, anchors, owners)
    # `pop` frees the reports of an agent as soon as their successors are made.
    return Located({agent: identified(by_agent.pop(agent)) for agent in list(by_agent)}, fates, refused, comments)


def _note_comments(
    source: SourceText,
    located: Iterable[tuple[Report, Anchor | None]],
    comments: dict[tuple[str, int], tuple[Suppression, ...]],
    refused: dict[int, list[Problem]],
) -> None:
    """Collect the suppressing comments at the reported lines of a file."""
    refused_at: set[tuple[int, int]] = set()
    for report, anchor in located:
        if anchor is None or anchor.line is None:
            continue
        place = source.path, anchor.line
        # A line is read a single time, however many reports name it.
        if place not in comments:
            comments[place] = suppressions_at(source.lines, anchor.line)
        for comment in comments[place]:
            if comment.problem and (report.agent_run_id, comment.line) not in refused_at:
                refused_at.add((report.agent_run_id, comment.line))
                problem = Problem("SUPPRESSION_INVALID", f"{source.path}:{comment.line}", comment.problem)
                refused.setdefault(report.agent_run_id, []).append(problem)
                stage_events.emit("suppression_invalid", file=source.path, line=comment.line, problem=comment.problem)


def _with_safe_paths(
    intakes: Sequence[Intake], tracked: Mapping[str, TreeFile]
) -> tuple[list[Report], dict[int, list[Problem]]]:
    """Return the reports whose file is a safe path, and by agent run the problems of the others."""
    links = {file.path for file in tracked.values() if file.mode == LINK_MODE}
    # Agents name the same files again and again, and the check of a path is not cheap.
    safe: dict[str | None, str | None] = {None: None}
    reports: list[Report] = []
    refused: defaultdict[int, list[Problem]] = defaultdict(list)
    for taken in intakes:
        for position, report in enumerate(taken.reports if taken.is_complete else ()):
            named = report.file
            try:
                if named is not None and named not in safe:
                    safe[named] = safe_path(named, tracked, links)
            except ValueError as error:
                list_name = "features" if report.kind == "feature" else "findings"
                place = f"$.{list_name}[{position}].file"
                refused[taken.agent.id].append(Problem("PATH_UNSAFE", place, f"'{str(named)[:120]}': {error}"))
                continue
            reports.append(report if safe[named] == named else report._replace(file=safe[named]))
    return reports, refused


def _by_agent(
    reports: Iterable[Report], anchors: Iterable[Anchor | None], owners: OwnershipMap
) -> dict[int, list[Report]]:
    """Return the located reports of each agent run. A finding belongs to the domain that owns its file."""
    # Owners by path for the same reason: thousands of reports share a file.
    owner_at: dict[str, str] = {}
    by_agent: defaultdict[int, list[Report]] = defaultdict(list)
    for report, anchor in zip(reports, anchors, strict=True):
        domain, path = report.domain, report.file
        if path is not None:
            if path not in owner_at:
                owner_at[path] = owner.name if (owner := owners.owner_of(path)) else UNASSIGNED
            domain = owner_at[path]
        # The anchor holds the line's text: the quote would be a second copy.
        by_agent[report.agent_run_id].append(report._replace(domain=domain, anchor=anchor, quote=None))
    return by_agent


def _claim(report: Report) -> ReportedPlace:
    return ReportedPlace(report.line, report.quote, report.symbol, report.rule, report.agent_run_id)


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
