"""From raw findings to located, identified reports; and what became of the lines of known findings."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from swarm import stage_events
from swarm.git.repository import LINK_MODE, SUBMODULE_MODE, TreeFile, contents
from swarm.git.runner import Git
from swarm.results.collect import Problem
from swarm.rules.anchors import Anchor, Claim, SourceText, no_anchor
from swarm.rules.anchors import locate_all as locate_lines
from swarm.rules.findings import Fate
from swarm.rules.fingerprints import Report, identified
from swarm.rules.matching import Known
from swarm.rules.ownership import UNASSIGNED, OwnershipMap
from swarm.rules.safe_paths import safe_path
from swarm.rules.suppressions import Suppression, suppressions_at
from swarm.store.agent_runs import AgentRun
from swarm.waves.collect.outputs import Intake, Told
from swarm.waves.places import fate_in, settled_fates
from swarm.waves.travel import Journey


class Placed(NamedTuple):
    """One told finding of one agent, with its path made safe; `None` for a finding of no file."""

    agent: AgentRun
    path: str | None
    told: Told


class Located(NamedTuple):
    """Every report of a wave by agent run, the fate of known findings by row, and the findings that were refused.

    `comments` are those that reject findings, by path and line of the findings; one that does not count is told
    among the refused to who reported there.
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
    """Read each file with a report, or with a known finding whose line changed, once; locate and judge there."""
    tracked = {file.path: file for file in files}
    placed, refused = _placed(intakes, tracked)
    anchors = [None if one.path is None else no_anchor(one.path) for one in placed]
    by_path: defaultdict[str, list[int]] = defaultdict(list)
    for at, one in enumerate(placed):
        if one.path in tracked and tracked[one.path].mode not in {LINK_MODE, SUBMODULE_MODE}:
            by_path[one.path].append(at)
    fates, uncertain = settled_fates(known, travels, tracked)
    expected = _expected(known, travels)
    comments: dict[tuple[str, int], tuple[Suppression, ...]] = {}
    wanted = sorted(by_path.keys() | uncertain.keys())
    for path, content in contents(git, [(path, tracked[path].blob) for path in wanted]):
        source = SourceText(path, content)
        here = by_path.get(path, ())
        claims = [_claim(placed[at]) for at in here]
        for at, anchor in zip(here, locate_lines(source, claims, expected.get(path)), strict=True):
            anchors[at] = anchor
        if source.is_marked:
            _note_comments(source, [(placed[at], anchors[at]) for at in here], comments, refused)
        for item in uncertain.get(path, ()):
            fates[item.row_id] = fate_in(source, item, travels[item.anchor_commit])
    reports = _reports(placed, anchors, owners)
    # Each agent's reports go as their successors come, so that they are not held twice.
    return Located({agent: identified(reports.pop(agent)) for agent in list(reports)}, fates, refused, comments)


def _note_comments(
    source: SourceText,
    told: Iterable[tuple[Placed, Anchor | None]],
    comments: dict[tuple[str, int], tuple[Suppression, ...]],
    refused: dict[int, list[Problem]],
) -> None:
    """Keep what the comments of a file say of the lines that were reported."""
    for one, anchor in told:
        if anchor is None or anchor.line is None:
            continue
        found = suppressions_at(source.lines, anchor.line)
        comments[source.path, anchor.line] = found
        for comment in found:
            problem = Problem("SUPPRESSION_INVALID", f"{source.path}:{comment.line}", comment.problem)
            problems = refused.setdefault(one.agent.id, [])
            if comment.problem and problem not in problems:
                problems.append(problem)
                stage_events.emit("suppression_invalid", file=source.path, line=comment.line, problem=comment.problem)


def _placed(
    intakes: Sequence[Intake], tracked: Mapping[str, TreeFile]
) -> tuple[list[Placed], dict[int, list[Problem]]]:
    links = [file.path for file in tracked.values() if file.mode == LINK_MODE]
    seen: dict[str, str] = {}
    placed: list[Placed] = []
    refused: defaultdict[int, list[Problem]] = defaultdict(list)
    for taken in intakes:
        if not taken.is_complete:
            continue
        for position, told in enumerate(taken.findings):
            named = told.file
            try:
                if named and named not in seen:
                    seen[named] = safe_path(named, tracked, links)
            except ValueError as error:
                list_name = "features" if told.kind == "feature" else "findings"
                place = f"$.{list_name}[{position}].file"
                refused[taken.agent.id].append(Problem("PATH_UNSAFE", place, f"'{str(named)[:120]}': {error}"))
                continue
            placed.append(Placed(taken.agent, seen[named] if named else None, told))
    return placed, refused


def _reports(
    placed: Sequence[Placed], anchors: Iterable[Anchor | None], owners: OwnershipMap
) -> dict[int, list[Report]]:
    """Return the reports of each agent run. A finding is the domain's that owns its file, else its reporter's."""
    paths = {one.path for one in placed if one.path is not None}
    owner_at = {path: owner.name if (owner := owners.owner_of(path)) else UNASSIGNED for path in paths}
    by_agent: defaultdict[int, list[Report]] = defaultdict(list)
    for one, anchor in zip(placed, anchors, strict=True):
        told = one.told
        report = Report(
            reported_id=told.id,
            severity=told.severity,
            category=told.category,
            rule_id=told.rule_id,
            description=told.description,
            recommendation=told.recommendation,
            symbol=told.symbol,
            column=told.column,
            domain=one.agent.domain if one.path is None else owner_at[one.path],
            agent_run_id=one.agent.id,
            anchor=anchor,
            kind=told.kind,
        )
        by_agent[one.agent.id].append(report)
    return by_agent


def _claim(one: Placed) -> Claim:
    told = one.told
    return Claim(told.line, told.quote, told.symbol, told.rule_id or told.category, one.agent.id)


def _expected(known: Iterable[Known], travels: Mapping[str, Journey]) -> dict[str, dict[str, set[int]]]:
    """Return, by path and rule, the lines where known findings stand now."""
    lines: defaultdict[str, defaultdict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for item in known:
        if item.anchor is None or item.anchor.line is None:
            continue
        travel = travels[item.anchor_commit].travel
        line = travel.lines(item.anchor.path).successor(item.anchor.line)
        if line is not None:
            lines[travel.path(item.anchor.path)][item.rule].add(line)
    return {path: dict(by_rule) for path, by_rule in lines.items()}
