"""What a wave's reports and its silence mean for the findings of the run."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from swarm.results.collect import FindingCounts
from swarm.rules.anchors import Anchor, Anchored
from swarm.rules.findings import SEVERITY_RANK, Decision, Observation, highest
from swarm.rules.fingerprints import Report, shortest_free_id, unclaimed
from swarm.rules.matching import Match, MatchedBy, match
from swarm.rules.ownership import OwnershipMap
from swarm.rules.phases import LENSES
from swarm.rules.silence import Verdict
from swarm.store.findings import KnownFinding
from swarm.store.observations import NewFinding, NotSeen, Relocated, SeenAgain, SeenFurther
from swarm.store.sightings import Earlier, Sighting
from swarm.store.waves import Wave
from swarm.waves.collect.outputs import Intake
from swarm.waves.collect.sightings import Located
from swarm.waves.collect.silence import judge_silence, relocated
from swarm.waves.travel import Journey

_CLOSED = (Decision.DEFERRED, Decision.REJECTED)


class Moved(NamedTuple):
    """A change of what is observed of a finding, for the ledger."""

    row_id: int
    before: str
    after: str
    reason: str | None
    proof: dict[str, object] | None = None


class Reconciled(NamedTuple):
    """Everything that collect writes about findings. New findings' sightings name them by their place in `new`."""

    new: list[NewFinding]
    new_sightings: list[Sighting]
    seen: list[SeenAgain]
    sightings: list[Sighting]
    aliases: list[tuple[str, int]]
    not_seen: list[NotSeen]
    relocated: list[Relocated]
    moved: list[Moved]
    counts: FindingCounts
    attempted: int
    further: Sequence[SeenFurther] = ()


NOTHING = Reconciled(
    new=[],
    new_sightings=[],
    seen=[],
    sightings=[],
    aliases=[],
    not_seen=[],
    relocated=[],
    moved=[],
    counts=FindingCounts(0, 0, 0, 0, 0),
    attempted=0,
)


def reconcile(
    wave: Wave,
    owners: OwnershipMap,
    intakes: Sequence[Intake],
    known: Sequence[KnownFinding],
    located: Located,
    travels: Mapping[str, Journey],
    taken_ids: set[str],
    earlier: Earlier,
) -> Reconciled:
    """Match the wave's reports to the known findings, and judge those that nobody reported.

    What an `earlier` collect of the wave recorded stays, and is counted with the rest.
    """
    told: defaultdict[str, list[Report]] = defaultdict(list)
    for agent_run_id, reports in located.reports.items():
        for report in reports if agent_run_id not in earlier.counted else ():
            told[report.fingerprint].append(report)
    heads = [min(alike, key=lambda report: SEVERITY_RANK[report.severity]) for alike in told.values()]
    by_row = {item.known.row_id: item for item in known}
    again, heads = _seen_before(heads, known, earlier)
    matches, silent, fresh = match(
        [item.known for item in known if item.known.row_id not in earlier.sighted],
        heads,
        {commit: journey.travel for commit, journey in travels.items()},
    )
    analyzers = {taken.agent.id: taken.agent.analyzer for taken in intakes}
    taken = {item.known.fingerprint for item in known}
    new = [_new(wave, told[report.fingerprint], report, analyzers, taken_ids, taken) for report in fresh]
    new_sightings = [
        _sighting(at, wave, report, "new", None) for at, head in enumerate(fresh) for report in told[head.fingerprint]
    ]
    seen = [_seen(wave, by_row[found.known.row_id], found, told, analyzers) for found in matches]
    sightings = [
        _sighting(found.known.row_id, wave, report, found.matched_by, found.note)
        for found in (*matches, *again)
        for report in told[found.report.fingerprint]
    ]
    further = [
        SeenFurther(
            highest(by_row[found.known.row_id].severity, found.report.severity),
            len(told[found.report.fingerprint]),
            wave.number,
            found.known.row_id,
        )
        for found in again
    ]
    aliases = [
        (found.report.fingerprint, found.known.row_id)
        for found in matches
        if found.report.fingerprint not in {found.known.fingerprint, *found.known.aliases}
    ]
    silent_known = [by_row[item.row_id] for item in silent]
    not_seen, verdicts = judge_silence(wave, owners, intakes, silent_known, located, travels, earlier.counted)
    moved = [
        *_moves_of_seen(matches, by_row),
        *(
            Moved(item.known.row_id, item.observation, verdict.observation, verdict.reason, _proof(wave, verdict))
            for item, verdict in verdicts
            if item.observation != verdict.observation
        ),
    ]
    moved_lines = relocated(wave, silent_known, travels)
    counts = _with_earlier(_counts(len(new), matches, by_row, verdicts), wave, matches, by_row, earlier)
    attempted = len(heads) + len(again)
    return Reconciled(
        new=new,
        new_sightings=new_sightings,
        seen=seen,
        sightings=sightings,
        aliases=aliases,
        not_seen=not_seen,
        relocated=moved_lines,
        moved=moved,
        counts=counts,
        attempted=attempted,
        further=further,
    )


def _seen_before(
    heads: Sequence[Report], known: Sequence[KnownFinding], earlier: Earlier
) -> tuple[list[Match], list[Report]]:
    """Part off the reports of what an earlier collect of the same wave has recorded from another agent."""
    names = {
        name: item.known
        for item in known
        if item.known.row_id in earlier.sighted
        for name in (*item.known.aliases, item.known.fingerprint)
    }
    note = "the same fingerprint, in the same wave"
    again = [
        Match(names[head.fingerprint], head, MatchedBy.FINGERPRINT, note) for head in heads if head.fingerprint in names
    ]
    return again, [head for head in heads if head.fingerprint not in names]


def _new(
    wave: Wave,
    alike: Sequence[Report],
    head: Report,
    analyzers: Mapping[int, str | None],
    taken_ids: set[str],
    taken: set[str],
) -> NewFinding:
    place = _place(head.anchor)
    fingerprint = unclaimed(head.fingerprint, taken)
    taken.add(fingerprint)
    return NewFinding(
        run_id=wave.run_id,
        finding_id=shortest_free_id(fingerprint, taken_ids),
        fingerprint=fingerprint,
        kind=head.kind,
        lens=LENSES[wave.phase],
        severity=head.severity,
        severity_note=None,
        category=head.category,
        rule_id=head.rule_id,
        ordinal=head.ordinal,
        domain=head.domain,
        file=place.path or None,
        line=place.line,
        scope=place.scope,
        symbol=head.symbol,
        quote=place.text,
        text_hash=place.text_hash,
        occurrence=place.occurrence,
        occurrences=place.occurrences,
        context_hash=place.context_hash,
        anchored=place.anchored,
        anchor_commit=wave.dispatch_sha,
        analyzer=analyzers.get(head.agent_run_id),
        description=head.description,
        recommendation=head.recommendation,
        first_wave=wave.number,
        last_wave=wave.number,
        sightings=len(alike),
    )


def _seen(
    wave: Wave,
    item: KnownFinding,
    found: Match,
    told: Mapping[str, Sequence[Report]],
    analyzers: Mapping[int, str | None],
) -> SeenAgain:
    head, place = found.report, _place(found.report.anchor)
    severity = highest(item.severity, head.severity)
    note = None
    if severity != item.severity:
        note = f"raised from {item.severity} to {severity} in wave {wave.number}"
    return SeenAgain(
        severity=severity,
        severity_note=note,
        domain=head.domain,
        file=place.path or None,
        line=place.line,
        scope=place.scope,
        symbol=head.symbol,
        quote=place.text,
        text_hash=place.text_hash,
        occurrence=place.occurrence,
        occurrences=place.occurrences,
        context_hash=place.context_hash,
        anchored=place.anchored,
        anchor_commit=wave.dispatch_sha,
        analyzer=analyzers.get(head.agent_run_id),
        description=head.description,
        recommendation=head.recommendation,
        last_wave=wave.number,
        sightings=len(told[head.fingerprint]),
        regressions=int(item.observation == Observation.FIXED),
        recurred_while_closed=int(item.decision in _CLOSED),
        matched_by=found.matched_by,
        match_note=found.note,
        id=item.known.row_id,
    )


def _sighting(finding: int, wave: Wave, report: Report, matched_by: str, note: str | None) -> Sighting:
    place = _place(report.anchor)
    return Sighting(
        finding=finding,
        wave_id=wave.id,
        agent_run_id=report.agent_run_id,
        reported_id=report.reported_id,
        severity=report.severity,
        category=report.category,
        file=place.path or None,
        line=place.line,
        quote=place.text,
        description=report.description,
        recommendation=report.recommendation,
        matched_by=matched_by,
        match_note=note,
    )


_NOWHERE = Anchor(
    path="",
    line=None,
    scope="",
    text="",
    text_hash="",
    occurrence=0,
    occurrences=0,
    context_hash="",
    anchored=Anchored.NONE,
)


def _place(anchor: Anchor | None) -> Anchor:
    return anchor or _NOWHERE


def _proof(wave: Wave, verdict: Verdict) -> dict[str, object] | None:
    """Return on what evidence a finding is fixed, and in which commit it was looked for."""
    return None if verdict.evidence is None else {"evidence": verdict.evidence, "commit": wave.dispatch_sha}


def _moves_of_seen(matches: Iterable[Match], by_row: Mapping[int, KnownFinding]) -> Iterable[Moved]:
    for found in matches:
        before = by_row[found.known.row_id].observation
        if before != Observation.RECURRING:
            yield Moved(found.known.row_id, before, Observation.RECURRING, found.note)


def _counts(
    new: int,
    matches: Sequence[Match],
    by_row: Mapping[int, KnownFinding],
    verdicts: Sequence[tuple[KnownFinding, Verdict]],
) -> FindingCounts:
    closed = sum(by_row[found.known.row_id].decision in _CLOSED for found in matches)
    judged = [verdict.observation for item, verdict in verdicts if item.decision not in _CLOSED]
    return FindingCounts(
        new,
        len(matches) - closed,
        judged.count(Observation.FIXED),
        judged.count(Observation.UNVERIFIED),
        closed,
    )


def _with_earlier(
    counts: FindingCounts,
    wave: Wave,
    matches: Sequence[Match],
    by_row: Mapping[int, KnownFinding],
    earlier: Earlier,
) -> FindingCounts:
    """Return the counts of the whole wave, of which an earlier collect recorded a part."""
    first_seen = sum(first == wave.number for first in earlier.sighted.values())
    others = [by_row[row] for row, first in earlier.sighted.items() if first != wave.number]
    closed = sum(item.decision in _CLOSED for item in others)
    fixed = earlier.fixed - {found.known.row_id for found in matches}
    return FindingCounts(
        counts.new + first_seen,
        counts.recurring + len(others) - closed,
        counts.fixed + len(fixed),
        counts.unverified,
        counts.recurred_while_closed + closed,
    )
