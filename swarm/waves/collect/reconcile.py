"""Effects of a wave's reports and of its silence on the findings of the run."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Final, NamedTuple

from swarm.results.collect import FindingCounts
from swarm.rules.decisions import CLOSED
from swarm.rules.findings import SEVERITY_RANK, Observation, highest
from swarm.rules.fingerprints import Report, shortest_free_id, unclaimed
from swarm.rules.known_findings import Match, MatchedBy
from swarm.rules.matching_by_tool import Key, key_of, match_by_name, match_by_tool
from swarm.rules.phases import LENSES
from swarm.rules.silence import SilenceVerdict
from swarm.store.findings import KnownFinding
from swarm.store.observations import NewFinding, NotSeen, Relocated, SeenAgain, SeenFurther
from swarm.store.sightings import Earlier
from swarm.store.waves import Wave
from swarm.waves.collect.sightings import Located
from swarm.waves.collect.silence import Looks, Moved, judge_silence, like_findings, moves_of_silent, relocated
from swarm.waves.moved_lines import Journey

# Observations from which findings recur by a single event of their wave; a fixed finding has its own: a regression.
MOVED_TOGETHER: Final = (Observation.NEW, Observation.UNVERIFIED)
# Python before 3.12 calls a function for each reading of a member of an enum.
_FIXED: Final = Observation.FIXED
# As plain texts: SQLite adapts a value of any other type at ten times the cost.
_PLAIN: Final = {way: str(way) for way in MatchedBy}


class KnownReports(NamedTuple):
    """The reports of a known finding, by its row, and how they were matched to it."""

    row_id: int
    matched_by: str
    note: str
    reports: Sequence[Report]


class Reconciled(NamedTuple):
    """Everything that collect writes about findings.

    `new_reports` holds the reports of each finding in `new`, which has no row before the transaction. `recurred` holds
    the rows, by the observation before, of the findings that the wave saw again and that were not fixed. `seen_further`
    holds reports of known findings that change no observation.
    """

    new: list[NewFinding]
    new_reports: Sequence[Sequence[Report]]
    seen: list[SeenAgain]
    seen_further: Sequence[KnownReports]
    aliases: list[tuple[str, int]]
    not_seen: list[NotSeen]
    relocated: list[Relocated]
    moved: list[Moved]
    recurred: Mapping[str, Sequence[int]]
    counts: FindingCounts
    attempted: int
    further: Sequence[SeenFurther] = ()


NOTHING = Reconciled(
    new=[],
    new_reports=(),
    seen=[],
    seen_further=(),
    aliases=[],
    not_seen=[],
    relocated=[],
    moved=[],
    recurred={},
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
    known_reports: Sequence[tuple[Match, KnownFinding, Sequence[Report]]]


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
    seen = ((found.report, item.first_wave) for found, item, _ in paired.known_reports)
    like = like_findings(paired.silent, paired.fresh, seen, located, travels)
    not_seen, verdicts = judge_silence(wave, looks, paired.silent, located, travels, like=like, counted=earlier.counted)
    counts = _counts(paired, verdicts)
    return Reconciled(
        new=_new(wave, paired),
        new_reports=paired.new_reports,
        # Without the matches: they hold the known findings, which need not be in memory beside the transaction.
        seen=[
            _seen(wave, item, found, reports, came_back=_is_back(item, looks.unmerged))
            for found, item, reports in paired.known_reports
        ],
        seen_further=[
            KnownReports(found.known.row_id, found.matched_by, found.note, reports) for found, reports in paired.again
        ],
        aliases=_aliases(paired.matches),
        not_seen=not_seen,
        relocated=relocated(wave, paired.silent, travels, located.claimed | looks.hidden.keys()),
        moved=[*_moves_of_fixed(paired, looks.unmerged), *moves_of_silent(wave, verdicts)],
        recurred=_recurred(paired),
        counts=_with_earlier(counts, wave, paired, earlier),
        attempted=len(paired.fresh) + len(paired.matches) + len(paired.again),
        further=[_further(wave, paired, found, len(reports)) for found, reports in paired.again],
    )


def _paired(
    known: Sequence[KnownFinding], located: Located, travels: Mapping[str, Journey], earlier: Earlier
) -> _Pairing:
    # Reports of these agents were recorded by an earlier collect, and would count a second time.
    heads, equal_to = _heads(reports for agent, reports in located.reports.items() if agent not in earlier.counted)
    by_row = {item.known.row_id: item for item in known}
    # Before the matching: a finding that this wave has seen must not match a second report and become two sightings.
    again, heads = _seen_before(heads, known, earlier)
    matches, silent, fresh = match_by_tool(
        (item.known for item in known if item.known.row_id not in earlier.sighted),
        heads,
        {commit: journey.travel for commit, journey in travels.items()},
        located.elsewhere,
    )
    return _Pairing(
        by_row=by_row,
        matches=matches,
        again=[(found, equal_to(found.report)) for found in again],
        silent=[by_row[item.row_id] for item in silent],
        fresh=fresh,
        new_reports=[equal_to(head) for head in fresh],
        known_reports=[(found, by_row[found.known.row_id], equal_to(found.report)) for found in matches],
    )


def _heads(outputs: Iterable[Sequence[Report]]) -> tuple[list[Report], Callable[[Report], Sequence[Report]]]:
    """Return the gravest of equal reports, and a function from such a head to all reports that equal it."""
    first: dict[Key, Report] = {}
    several: dict[Key, list[Report]] = {}
    for report in chain.from_iterable(outputs):
        if (other := first.setdefault(key := key_of(report), report)) is not report:
            several.setdefault(key, [other]).append(report)
    # The gravest report represents all equal reports, so that no report lowers the severity.
    first |= {key: min(equal, key=lambda report: SEVERITY_RANK[report.severity]) for key, equal in several.items()}
    # By the object, since nearly every report is alone and needs no second look at its key.
    groups = {id(first[key]): equal for key, equal in several.items()}
    return list(first.values()), lambda head: groups.get(id(head)) or (head,)


def _seen_before(
    heads: Sequence[Report], known: Sequence[KnownFinding], earlier: Earlier
) -> tuple[list[Match], list[Report]]:
    """Part the reports of findings that an earlier collect of the same wave recorded from the others."""
    if not earlier.sighted:
        return [], list(heads)
    names = {
        name: item.known
        for item in known
        if item.known.row_id in earlier.sighted
        for name in (*item.known.aliases, item.known.fingerprint)
    }
    return match_by_name(names, heads, "the same fingerprint, in the same wave")


def _new(wave: Wave, paired: _Pairing) -> list[NewFinding]:
    if not paired.fresh:
        return []
    # Fingerprints are unique in a run, and two equal lines can end up with the same fingerprint.
    taken = {item.known.fingerprint for item in paired.by_row.values()}
    # Of closed and fixed findings too: an id is never given twice in a run.
    taken_ids = {item.finding_id for item in paired.by_row.values()}
    lens, new = LENSES[wave.phase], []
    for head, reports in zip(paired.fresh, paired.new_reports, strict=True):
        fingerprint = unclaimed(head.fingerprint, taken) if head.fingerprint in taken else head.fingerprint
        taken.add(fingerprint)
        named = (wave.run_id, shortest_free_id(fingerprint, taken_ids), fingerprint, lens, head)
        # In the order of the fields: by keyword a record of so many takes three times as long.
        new.append(NewFinding._make((*named, wave.dispatch_sha, head.analyzer, wave.number, len(reports))))
    return new


def _is_back(item: KnownFinding, unmerged: Collection[int]) -> bool:
    return item.observation == _FIXED and item.known.row_id not in unmerged


def _seen(wave: Wave, item: KnownFinding, found: Match, reports: Sequence[Report], *, came_back: bool) -> SeenAgain:
    known, head, matched_by, match_note = found
    severity, note = item.severity, None
    # Severity only rises: an agent that plays a finding down must not open a gate.
    if head.severity != item.severity and (severity := highest(item.severity, head.severity)) != item.severity:
        note = f"raised from {item.severity} to {severity} in wave {wave.number}"
    # An agent that sees it as well takes a finding from no analyzer.
    analyzer = head.analyzer or item.analyzer
    counts = (int(came_back), int(item.decision in CLOSED))
    named = (_apart(known.row_id), head, reports, severity, note, wave.dispatch_sha, analyzer, wave.number)
    is_like_before = severity == item.severity and analyzer == item.analyzer and _is_like(item, head)
    # In the order of the fields, as above.
    return SeenAgain._make((*named, *counts, _PLAIN[matched_by], match_note, is_like_before))


def _is_like(item: KnownFinding, head: Report) -> bool:
    """Say whether a report has the owner, the words and the place of a known finding, but for the line."""
    was, now = item.known.anchor, head.anchor
    if was is None or now is None:
        return False
    # The line is the second field of a place.
    is_there = was[2:] == now[2:] and was.path == now.path
    words = (head.description, head.recommendation, head.domain)
    return is_there and words == (item.known.description, item.recommendation, item.domain)


def _further(wave: Wave, paired: _Pairing, found: Match, sightings: int) -> SeenFurther:
    severity = highest(paired.by_row[found.known.row_id].severity, found.report.severity)
    return SeenFurther(severity, sightings, wave.number, found.known.row_id)


def _aliases(matches: Sequence[Match]) -> list[tuple[str, int]]:
    """Return the fingerprints that name a known finding from now on."""
    return [
        (name, known.row_id)
        for known, report, _, _ in matches
        # The next report under this fingerprint is then found at once, without the line map.
        if (name := report.fingerprint) != known.fingerprint and name not in known.aliases
    ]


def _apart(row_id: int) -> int:
    """Return a row's id as another object: a single id that stays would keep the memory of thousands of findings."""
    return row_id + 0


def _recurred(paired: _Pairing) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {before: [] for before in MOVED_TOGETHER}
    for _, item, _ in paired.known_reports:
        if (moved := rows.get(item.observation)) is not None:
            moved.append(_apart(item.known.row_id))
    return rows


def _moves_of_fixed(paired: _Pairing, unmerged: Collection[int]) -> Iterable[Moved]:
    for found, item, _ in paired.known_reports:
        if item.observation == _FIXED:
            proof: dict[str, object] | None = None if _is_back(item, unmerged) else {"unmerged": True}
            yield Moved(item.known.row_id, item.observation, Observation.RECURRING, found.note, proof)


def _counts(paired: _Pairing, verdicts: Sequence[tuple[KnownFinding, SilenceVerdict]]) -> FindingCounts:
    # A closed finding that is seen again is counted apart, and opens nothing.
    closed = sum(item.decision in CLOSED for _, item, _ in paired.known_reports)
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
