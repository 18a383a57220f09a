"""Table `findings`: reading. `observations` and `decisions` write the table."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from swarm.rules.findings import OPEN_STATUSES, SEVERITIES
from swarm.store import finding_aliases, forms

if TYPE_CHECKING:
    from swarm.rules.known_findings import Known

# Severities do not sort by their letters.
_SEVERITY_ORDER: Final = "CASE severity WHEN 'CRITICAL' THEN 0 WHEN 'HIGH' THEN 1 WHEN 'MEDIUM' THEN 2 ELSE 3 END"


class KnownFinding(NamedTuple):
    """A finding with the columns that matching compares and that silence is judged by."""

    known: "Known"
    finding_id: str
    severity: str
    domain: str
    lens: str
    analyzer: str | None
    observation: str
    decision: str
    evidence: str | None = None
    first_wave: int = 0
    last_wave: int = 0
    recommendation: str | None = None


class Finding(NamedTuple):
    """A finding with the columns that users see."""

    row_id: int
    finding_id: str
    fingerprint: str
    kind: str
    lens: str
    severity: str
    severity_note: str | None
    category: str
    rule_id: str | None
    status: str
    observation: str
    observation_reason: str | None
    evidence: str | None
    decision: str
    decision_reason: str | None
    file: str | None
    line: int | None
    scope: str
    symbol: str | None
    quote: str
    description: str
    recommendation: str | None
    domain: str
    first_wave: int
    last_wave: int
    anchored: str
    anchor_commit: str
    matched_by: str
    match_note: str | None
    sightings: int
    misses: int
    regressions: int
    recurred_while_closed: int
    fixed_wave: int | None
    decision_source: str | None
    decided_by: str | None
    decision_expires: str | None
    verified_how: str | None
    evidence_note: str | None
    fixed_commit: str | None
    analyzer: str | None
    column: int | None
    fixable: int | None


class Listed(NamedTuple):
    """A finding with the columns that a prompt lists."""

    row_id: int
    finding_id: str
    severity: str
    category: str
    rule_id: str | None
    status: str
    evidence: str | None
    file: str | None
    line: int | None
    quote: str
    description: str
    domain: str


class Selection(NamedTuple):
    """Filter of findings. Empty tuples mean no filter; `wave_id` keeps those that this wave saw or reviewed."""

    statuses: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    wave_id: int | None = None
    lenses: tuple[str, ...] = ()


def _columns(fields: Iterable[str]) -> str:
    # Made from the fields, so that columns and fields cannot fall out of step.
    return ", ".join("findings.id" if name == "row_id" else f"findings.{name}" for name in fields)


_SHOWN: Final = _columns(Finding._fields)


def known_findings(
    conn: sqlite3.Connection, run_id: str, *, today: str, statuses: Sequence[str] = ()
) -> list[KnownFinding]:
    """Return the findings of a run, or those of some statuses, as matching and a second look need them.

    A decision that expired before `today` (YYYY-MM-DD) reads as open.
    """
    wanted = f" AND status IN ({', '.join('?' * len(statuses))})" if statuses else ""
    aliases = finding_aliases.of_run(conn, run_id)
    rows = conn.execute(
        "SELECT id, fingerprint, coalesce(rule_id, category), rule_id IS NOT NULL, ordinal, description,"  # noqa: S608
        " anchor_commit, file, line, scope, quote, text_hash, occurrence, occurrences, context_hash, anchored,"
        " finding_id, severity, domain, lens, analyzer, observation,"
        # A decision holds to the end of its last day; collect withdraws an expired decision only when it writes.
        " CASE WHEN decision_expires < ? THEN 'open' ELSE decision END, evidence, first_wave, last_wave,"
        " recommendation FROM findings"
        f" WHERE run_id = ?{wanted} ORDER BY id",
        (today, run_id, *statuses),
    )
    return list(_known(rows, aliases))


def _known(rows: Iterable[tuple[Any, ...]], aliases: Mapping[int, set[str]]) -> Iterator[KnownFinding]:
    # Imported here: `status` imports this module and matches nothing.
    from swarm.rules.anchors import Anchor, Anchored
    from swarm.rules.known_findings import Known

    none: frozenset[str] = frozenset()
    # SQLite makes a string for every row; equal strings are shared, or 100,000 findings would not fit in memory.
    once = dict[Any, Any]().setdefault
    ways = {way.value: way for way in Anchored}
    held: set[str] = set()
    for row in rows:
        row_id, fingerprint, rule, has_rule, ordinal, description, commit, file = row[:8]
        # Once for each commit, since it becomes an argument of git: `--output=FILE` would write a file.
        if commit not in held:
            forms.hold("findings", "anchor_commit", forms.COMMIT, commit)
            held.add(commit)
        line, scope, quote, text_hash, occurrence, occurrences, context_hash, anchored = row[8:16]
        finding_id, *words = row[16:]
        anchor = None
        if file is not None:
            place = (once(file, file), line, once(scope, scope), quote, text_hash)
            anchor = Anchor(*place, occurrence, occurrences, context_hash, ways[anchored])
        # Nearly no finding has an alias; a shared empty set saves an object for each of the others.
        own_aliases = frozenset(aliases[row_id]) if row_id in aliases else none
        named = (row_id, fingerprint, own_aliases, once(rule, rule), bool(has_rule), ordinal)
        # In the order of the fields: by keyword a record of so many takes three times as long.
        known = Known._make((*named, description, anchor, once(commit, commit)))
        yield KnownFinding._make((known, finding_id, *map(once, words, words)))


def counts_by(conn: sqlite3.Connection, run_id: str) -> dict[tuple[str, str], int]:
    """Return the number of findings of a run by (status, severity)."""
    rows = conn.execute(
        "SELECT status, severity, count(*) FROM findings WHERE run_id = ? GROUP BY status, severity",
        (run_id,),
    )
    return {(status, severity): count for status, severity, count in rows}


def approved_by_lens(conn: sqlite3.Connection, run_id: str) -> dict[str, int]:
    """Return the number of approved findings of a run by lens."""
    rows = conn.execute(
        "SELECT lens, count(*) FROM findings WHERE run_id = ? AND status = 'approved' GROUP BY lens", (run_id,)
    )
    return dict(rows.fetchall())


def select(conn: sqlite3.Connection, run_id: str, selection: Selection) -> Iterator[Finding]:
    """Return findings, gravest first, then by file, line and id, read row by row as the caller iterates."""
    return map(_finding, _selected(conn, _SHOWN, run_id, selection))


def listed(conn: sqlite3.Connection, run_id: str, selection: Selection) -> Iterator[Listed]:
    """Return findings as `select` does, at a third of its cost for many."""
    return map(Listed._make, _selected(conn, _columns(Listed._fields), run_id, selection))


def _selected(conn: sqlite3.Connection, columns: str, run_id: str, selection: Selection) -> sqlite3.Cursor:
    where, values = _where(run_id, selection)
    # The row id ends the order, or findings of the same line could change places between two calls.
    order = f"{_SEVERITY_ORDER}, file, line, findings.id"
    return conn.execute(f"SELECT {columns} FROM findings {where} ORDER BY {order}", values)  # noqa: S608


def counted(
    conn: sqlite3.Connection, run_id: str, selection: Selection, new_since: int
) -> list[tuple[str, str, int, int, int]]:
    """Return by severity and rule how many findings there are, are new, and are both new and fixable.

    `new_since` is the first wave whose findings are new.
    """
    where, values = _where(run_id, selection)
    return conn.execute(
        "SELECT severity, coalesce(rule_id, category), count(*), sum(first_wave >= ?),"  # noqa: S608
        f" sum(first_wave >= ? AND fixable IS 1) FROM findings {where} GROUP BY 1, 2",
        (new_since, new_since, *values),
    ).fetchall()


def with_id(conn: sqlite3.Connection, run_id: str, finding_id: str) -> Finding:
    """Return the finding of a known id."""
    row = conn.execute(f"SELECT {_SHOWN} FROM findings WHERE run_id = ? AND finding_id = ?", (run_id, finding_id))  # noqa: S608
    return _finding(row.fetchone())


def _finding(row: tuple[Any, ...]) -> Finding:
    finding = Finding._make(row)
    forms.hold_word("findings", "severity", SEVERITIES, finding.severity)
    return finding


class OfRule(NamedTuple):
    """A rule as the newest of its findings has it, with the number of its findings and of those that are open."""

    rule: str
    description: str
    recommendation: str | None
    analyzer: str | None
    total: int
    still_open: int


def of_rule(conn: sqlite3.Connection, run_id: str, rule: str) -> OfRule | None:
    """Return what a run knows of a rule, in any case; `None` where no finding has it."""
    row = conn.execute(
        "SELECT rule_id, description, recommendation, analyzer, count(*),"
        " sum(status IN ('new', 'recurring', 'unverified')),"
        # SQLite takes the other columns from the row of the maximum.
        " max(last_wave) FROM findings WHERE run_id = ? AND rule_id = ? COLLATE NOCASE HAVING count(*) > 0",
        (run_id, rule),
    ).fetchone()
    return None if row is None else OfRule(*row[:-1])


def _where(run_id: str, selection: Selection) -> tuple[str, list[object]]:
    conditions, values = ["findings.run_id = ?"], [run_id]  # type: tuple[list[str], list[object]]
    columns = (
        ("status", selection.statuses),
        ("severity", selection.severities if set(selection.severities) != set(SEVERITIES) else ()),
        ("domain", selection.domains),
        ("coalesce(rule_id, category)", selection.rules),
        ("lens", selection.lenses),
    )
    for column, wanted in columns:
        if wanted:
            conditions.append(f"{column} IN ({', '.join('?' * len(wanted))})")
            values += wanted
    if selection.wave_id is not None:
        # Sightings, not `last_wave`: a later wave may have seen the finding too. A review has verdicts instead.
        conditions.append(
            "findings.id IN (SELECT finding FROM sightings WHERE wave_id = ?"
            " UNION ALL SELECT finding FROM reviews WHERE wave_id = ?)"
        )
        values += [selection.wave_id, selection.wave_id]
    return "WHERE " + " AND ".join(conditions), values


def open_by_severity(conn: sqlite3.Connection, run_id: str) -> dict[str, int]:
    """Return how many open findings of each severity a run has."""
    counts = counts_by(conn, run_id)
    return {
        severity: sum(n for (status, grade), n in counts.items() if grade == severity and status in OPEN_STATUSES)
        for severity in SEVERITIES
    }
