"""From raw findings to located, identified reports; and what became of the lines of known findings."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from swarm.git.repository import LINK_MODE, SUBMODULE_MODE, TreeFile, contents
from swarm.git.runner import Git
from swarm.rules.anchors import Anchor, SourceText, locate, no_anchor
from swarm.rules.classification import Fate
from swarm.rules.identity import Report, identified
from swarm.rules.matching import Known
from swarm.rules.ownership import UNASSIGNED, OwnershipMap
from swarm.rules.paths import safe_path
from swarm.waves.intake import Intake, raw_findings
from swarm.waves.results import Problem
from swarm.waves.travel import Journey


class Raw(NamedTuple):
    """One finding of one output with its path made safe."""

    agent: int
    position: int
    path: str | None
    finding: Mapping[str, Any]


class Located(NamedTuple):
    """Every report of a wave by agent run, the fate of known findings by row, and the findings that were refused."""

    reports: dict[int, list[Report]]
    fates: dict[int, Fate]
    refused: dict[int, list[Problem]]


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
    raws, refused = _safe(intakes, tracked)
    by_path: defaultdict[str, list[Raw]] = defaultdict(list)
    anchors: dict[tuple[int, int], Anchor | None] = {}
    for raw in raws:
        anchors[raw.agent, raw.position] = None if raw.path is None else no_anchor(raw.path)
        if raw.path is not None and raw.path in tracked and tracked[raw.path].mode not in {LINK_MODE, SUBMODULE_MODE}:
            by_path[raw.path].append(raw)
    fates, uncertain = _settled_fates(known, travels, tracked)
    wanted = sorted(by_path.keys() | uncertain.keys())
    blobs = ((path, tracked[path].blob) for path in wanted)
    for path, content in contents(git, blobs):
        source = SourceText(path, content)
        for raw in by_path.get(path, ()):
            anchors[raw.agent, raw.position] = _located(source, raw.finding)
        for item in uncertain.get(path, ()):
            fates[item.row_id] = _fate_in(source, item, travels[item.anchor_commit])
    by_agent: defaultdict[int, list[Report]] = defaultdict(list)
    for raw in raws:
        report = _report(raw, anchors[raw.agent, raw.position], intakes[raw.agent], owners)
        by_agent[report.agent_run_id].append(report)
    return Located({agent: identified(own) for agent, own in by_agent.items()}, fates, refused)


def _safe(intakes: Sequence[Intake], tracked: Mapping[str, TreeFile]) -> tuple[list[Raw], dict[int, list[Problem]]]:
    links = [file.path for file in tracked.values() if file.mode == LINK_MODE]
    seen: dict[str, str] = {}
    raws: list[Raw] = []
    refused: defaultdict[int, list[Problem]] = defaultdict(list)
    for at, taken in enumerate(intakes):
        if not taken.is_complete:
            continue
        for position, finding in enumerate(raw_findings(taken.output)):
            named = finding.get("file")
            try:
                if named and named not in seen:
                    seen[named] = safe_path(named, tracked, links)
            except ValueError as error:
                list_name = "features" if finding.get("kind") == "feature" else "findings"
                place = f"$.{list_name}[{position}].file"
                refused[taken.agent.id].append(Problem("PATH_UNSAFE", place, f"'{str(named)[:120]}': {error}"))
                continue
            raws.append(Raw(at, position, seen[named] if named else None, finding))
    return raws, refused


def _located(source: SourceText, finding: Mapping[str, Any]) -> Anchor:
    return locate(source, finding.get("line"), finding.get("quote"), finding.get("symbol"))


def _report(raw: Raw, anchor: Anchor | None, taken: Intake, owners: OwnershipMap) -> Report:
    finding = raw.finding
    domain = taken.agent.domain
    if raw.path is not None:
        owner = owners.owner_of(raw.path)
        domain = owner.name if owner else UNASSIGNED
    return Report(
        finding["id"],
        finding["severity"],
        finding["category"],
        finding.get("rule_id"),
        finding["description"],
        finding.get("recommendation") or None,
        finding.get("symbol"),
        finding.get("column") or 0,
        domain,
        taken.agent.id,
        anchor,
        finding.get("kind", "defect"),
    )


def _settled_fates(
    known: Iterable[Known], travels: Mapping[str, Journey], tracked: Mapping[str, TreeFile]
) -> tuple[dict[int, Fate], dict[str, list[Known]]]:
    """Return the fates that git's map alone tells, and by path the findings whose file must be read."""
    fates: dict[int, Fate] = {}
    uncertain: defaultdict[str, list[Known]] = defaultdict(list)
    for item in known:
        anchor, journey = item.anchor, travels[item.anchor_commit]
        if anchor is None:
            fates[item.row_id] = Fate.UNKNOWN
            continue
        path = journey.travel.path(anchor.path)
        if anchor.path in journey.gone or path not in tracked:
            fates[item.row_id] = Fate.FILE_GONE
        elif anchor.line is None:
            fates[item.row_id] = Fate.UNKNOWN
        elif journey.travel.lines(anchor.path).successor(anchor.line) is not None:
            fates[item.row_id] = Fate.STANDS
        elif tracked[path].mode in {LINK_MODE, SUBMODULE_MODE}:
            fates[item.row_id] = Fate.UNKNOWN
        else:
            uncertain[path].append(item)
    return fates, uncertain


def _fate_in(source: SourceText, known: Known, journey: Journey) -> Fate:
    """Say whether a line without a successor stands elsewhere among the new lines of its file."""
    anchor = known.anchor
    if anchor is None:
        return Fate.UNKNOWN
    if not journey.is_known:
        return Fate.MOVED if source.places_of(anchor.text) else Fate.UNKNOWN
    places = source.places_of(anchor.text)
    if not places:
        return Fate.GONE
    added = set(journey.travel.lines(anchor.path).added_lines())
    return Fate.MOVED if any(place in added for place in places) else Fate.GONE
