"""Effects of a wave's reports and of its silence on the findings of the run."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from swarm.results.collect import FindingCounts
from swarm.rules.decisions import CLOSED
from swarm.rules.findings import SEVERITY_RANK, Observation, highest
from swarm.rules.fingerprints import Report, shortest_free_id, unclaimed
from swarm.rules.known_findings import Match, MatchedBy
from swarm.rules.matching_by_tool import Key, key_of, match_by_tool
from swarm.rules.phases import LENSES
from swarm.rules.silence import SilenceVerdict
from swarm.store.findings import KnownFinding
from swarm.store.observations import NewFinding, NotSeen, Relocated, SeenAgain, SeenFurther
from swarm.store.sightings import Earlier
from swarm.store.waves import Wave
from swarm.waves.collect.sightings import Located
from swarm.waves.collect.silence import Looks, judge_silence, like_findings, relocated
from swarm.waves.moved_lines import Journey


class Moved(NamedTuple):
    """A change of a finding's observation, for the ledger."""

    row_id: int
    before: str
    after: str
    reason: str | None
    proof: dict[str, object] | None = None


class KnownReports(NamedTuple):
    """The reports of a known finding, by its row, and how they were matched to it."""

    row_id: int
    matched_by: str
    note: str
    reports: Sequence[Report]


class Reconciled(NamedTuple):
    """Everything that collect writes about findings.

    `new_reports` holds the reports of each finding in `new`, which has no row before the transaction.
    """

    new: list[NewFinding]
    new_reports: Sequence[Sequence[Report]]
    seen: list[SeenAgain]
    known_reports: Sequence[KnownReports]
    aliases: list[tuple[str, int]]
    not_seen: list[NotSeen]
    relocated: list[Relocated]
    moved: list[Moved]
    counts: FindingCounts
    attempted: int
    further: Sequence[SeenFurther] = ()


NOTHING = Reconciled(
    new=[],
    new_reports=(),
    seen=[],
    known_reports=(),
    aliases=[],
    not_seen=[],
    relocated=[],
    moved=[],
    counts=FindingCounts(0, 0, 0, 0, 0),
    attempted=0,
)


class _Pairing(NamedTuple):
    """The gravest of equal reports, matched to the known findings, which are given by row.

    `again` are matches with findings that an earlier collect of the same wave recorded. `new_reports` holds the equal
    reports of each in `fresh`; each match comes with its own.
    """

    by_row: Mapping[int, KnownFinding]
    matches: Sequence[Match]
    again: Sequence[tuple[Match, Sequence[Report]]]
    silent: Sequence[KnownFinding]
    fresh: Sequence[Report]
    new_reports: Sequence[Sequence[Report]]
    known_reports: Sequence[tuple[Match, Sequence[Report]]]


def reconcile(
    wave: Wave,
    looks: Looks,
    known: Sequence[KnownFinding],
    located: Located,
    travels: Mapping[str, Journey],
    earlier: Earlier,
) -> Reconciled:
    """Match the wave's reports to the known findings, and judge the findings that nobody reported.

    Sightings that an `earlier` collect of the wave recorded stay, and are counted with the rest.
    """
    paired = _paired(known, located, travels, earlier)
    # Silence is judged after matching: a finding that any agent reported is not silent.
    seen = [(found.report, paired.by_row[found.known.row_id].first_wave) for found in paired.matches]
    like = like_findings(paired.silent, paired.fresh, seen, located, travels)
    not_seen, verdicts = judge_silence(wave, looks, paired.silent, located, travels, like=like, counted=earlier.counted)
    counts = _counts(paired, verdicts)
    return Reconciled(
        new=_new(wave, paired),
        new_reports=paired.new_reports,
        seen=[_seen(wave, paired, found, len(reports)) for found, reports in paired.known_reports],
        # Without the matches: they hold the known findings, which need not be in memory beside the transaction.
        known_reports=[
            KnownReports(found.known.row_id, str(found.matched_by), found.note, reports)
            for found, reports in (*paired.known_reports, *paired.again)
        ],
        aliases=_aliases(paired.matches),
        not_seen=not_seen,
        relocated=relocated(wave, paired.silent, travels, located.claimed | looks.hidden.keys()),
        moved=[*_moves_of_seen(paired), *_moves_of_silent(wave, verdicts)],
        counts=_with_earlier(counts, wave, paired, earlier),
        attempted=len(paired.fresh) + len(paired.matches) + len(paired.again),
        further=[_further(wave, paired, found, len(reports)) for found, reports in paired.again],
    )


def _paired(
    known: Sequence[KnownFinding], located: Located, travels: Mapping[str, Journey], earlier: Earlier
) -> _Pairing:
    alike: defaultdict[Key, list[Report]] = defaultdict(list)
    for agent_run_id, reports in located.reports.items():
        # Reports of these agents were recorded by an earlier collect, and would count a second time.
        for report in reports if agent_run_id not in earlier.counted else ():
            alike[key_of(report)].append(report)
    # The gravest report represents all equal reports, so that no report lowers the severity.
    heads = [
        reports[0] if len(reports) == 1 else min(reports, key=lambda report: SEVERITY_RANK[report.severity])
        for reports in alike.values()
    ]
    by_row = {item.known.row_id: item for item in known}
    # Before the matching: a finding that this wave has seen must not match a second report and become two sightings.
    again, heads = _seen_before(heads, known, earlier)
    matches, silent, fresh = match_by_tool(
        ((item.analyzer, item.known) for item in known if item.known.row_id not in earlier.sighted),
        heads,
        {commit: journey.travel for commit, journey in travels.items()},
        located.elsewhere,
    )
    return _Pairing(
        by_row=by_row,
        matches=matches,
        again=[(found, alike[key_of(found.report)]) for found in again],
        silent=[by_row[item.row_id] for item in silent],
        fresh=fresh,
        new_reports=[alike[key_of(head)] for head in fresh],
        known_reports=[(found, alike[key_of(found.report)]) for found in matches],
    )


def _seen_before(
    heads: Sequence[Report], known: Sequence[KnownFinding], earlier: Earlier
) -> tuple[list[Match], list[Report]]:
    """Part the reports of findings that an earlier collect of the same wave recorded from the others."""
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


def _new(wave: Wave, paired: _Pairing) -> list[NewFinding]:
    # Fingerprints are unique in a run, and two equal lines can end up with the same fingerprint.
    taken = {item.known.fingerprint for item in paired.by_row.values()}
    # Of closed and fixed findings too: an id is never given twice in a run.
    taken_ids = {item.finding_id for item in paired.by_row.values()}
    lens, new = LENSES[wave.phase], []
    for head, reports in zip(paired.fresh, paired.new_reports, strict=True):
        fingerprint = unclaimed(head.fingerprint, taken)
        taken.add(fingerprint)
        named = (wave.run_id, shortest_free_id(fingerprint, taken_ids), fingerprint, lens, head)
        # In the order of the fields: by keyword a record of so many takes three times as long.
        new.append(NewFinding._make((*named, wave.dispatch_sha, head.analyzer, wave.number, len(reports))))
    return new


def _seen(wave: Wave, paired: _Pairing, found: Match, sightings: int) -> SeenAgain:
    item, head = paired.by_row[found.known.row_id], found.report
    # Severity only rises: an agent that plays a finding down must not open a gate.
    severity = highest(item.severity, head.severity)
    note = None
    if severity != item.severity:
        note = f"raised from {item.severity} to {severity} in wave {wave.number}"
    # An agent that sees it as well takes a finding from no analyzer.
    analyzer = head.analyzer or item.analyzer
    counts = (sightings, int(item.observation == Observation.FIXED), int(item.decision in CLOSED))
    named = (item.known.row_id, head, severity, note, wave.dispatch_sha, analyzer, wave.number)
    is_like_before = severity == item.severity and analyzer == item.analyzer and _is_like(item, head)
    # In the order of the fields, as above.
    return SeenAgain._make((*named, *counts, found.matched_by, found.note, is_like_before))


def _is_like(item: KnownFinding, head: Report) -> bool:
    """Say whether a report has the owner, the words and the place of a known finding, but for the line."""
    was, now = item.known.anchor, head.anchor
    if was is None or now is None:
        return False
    # The line is the second field of a place.
    is_there = was.path == now.path and was[2:] == now[2:]
    return (
        is_there
        and head.description == item.known.description
        and head.recommendation == item.recommendation
        and head.domain == item.domain
    )


def _further(wave: Wave, paired: _Pairing, found: Match, sightings: int) -> SeenFurther:
    severity = highest(paired.by_row[found.known.row_id].severity, found.report.severity)
    return SeenFurther(severity, sightings, wave.number, found.known.row_id)


def _aliases(matches: Sequence[Match]) -> list[tuple[str, int]]:
    """Return the fingerprints that name a known finding from now on."""
    return [
        (found.report.fingerprint, found.known.row_id)
        for found in matches
        # The next report under this fingerprint is then found at once, without the line map.
        if found.report.fingerprint != found.known.fingerprint and found.report.fingerprint not in found.known.aliases
    ]


def _moves_of_seen(paired: _Pairing) -> Iterable[Moved]:
    for found in paired.matches:
        before = paired.by_row[found.known.row_id].observation
        if before != Observation.RECURRING:
            yield Moved(found.known.row_id, before, Observation.RECURRING, found.note)


def _moves_of_silent(wave: Wave, verdicts: Sequence[tuple[KnownFinding, SilenceVerdict]]) -> Iterable[Moved]:
    for item, verdict in verdicts:
        # Evidence in place of a person's word is a change as well.
        if item.observation != verdict.observation or item.evidence != verdict.evidence:
            proof = _proof(wave, verdict)
            yield Moved(item.known.row_id, item.observation, verdict.observation, verdict.reason, proof)


def _proof(wave: Wave, verdict: SilenceVerdict) -> dict[str, object] | None:
    """Return the evidence on which a finding is fixed, and the commit in which collect looked for its line."""
    return None if verdict.evidence is None else {"evidence": verdict.evidence, "commit": wave.dispatch_sha}


def _counts(paired: _Pairing, verdicts: Sequence[tuple[KnownFinding, SilenceVerdict]]) -> FindingCounts:
    # A closed finding that is seen again is counted apart, and opens nothing.
    closed = sum(paired.by_row[found.known.row_id].decision in CLOSED for found in paired.matches)
    judged = [
        verdict.observation
        for item, verdict in verdicts
        if item.decision not in CLOSED and item.observation != Observation.FIXED
    ]
    return FindingCounts(
        new=len(paired.fresh),
        recurring=len(paired.matches) - closed,
        fixed=judged.count(Observation.FIXED),
        unverified=judged.count(Observation.UNVERIFIED),
        recurred_while_closed=closed,
    )


def _with_earlier(counts: FindingCounts, wave: Wave, paired: _Pairing, earlier: Earlier) -> FindingCounts:
    """Return the counts of the whole wave: those of this collect and of earlier ones."""
    first_seen = sum(first == wave.number for first in earlier.sighted.values())
    others = [paired.by_row[row] for row, first in earlier.sighted.items() if first != wave.number]
    closed = sum(item.decision in CLOSED for item in others)
    # An agent collected later can report what an earlier collect found fixed.
    fixed = earlier.fixed - {found.known.row_id for found in paired.matches}
    return FindingCounts(
        new=counts.new + first_seen,
        recurring=counts.recurring + len(others) - closed,
        fixed=counts.fixed + len(fixed),
        unverified=counts.unverified,
        recurred_while_closed=counts.recurred_while_closed + closed,
    )
