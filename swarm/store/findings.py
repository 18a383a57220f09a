"""Table `findings`: reading. `observations` and `decisions` write the table."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from sys import intern
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from swarm.rules.analysis import source_of
from swarm.rules.findings import OPEN_STATUSES, SEVERITIES
from swarm.store import finding_aliases, forms, sightings

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
    tool: str | None = None


class Finding(NamedTuple):
    """A finding with the columns that users see, and the tool that its newest handed-in report names."""

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
    tool: str | None = None


# Columns that a prompt lists, as `_LISTED` names them, with `""` for no file and 0 for no line. A plain tuple: 100,000
# records with names take as long to make as a third of their reading.
Listed = tuple[int, str, str, str, str | None, str, str | None, str, int, str, str, str]


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


# The tool is a column of sightings; few runs have any.
_SHOWN: Final = f"{_columns(Finding._fields[:-1])}, NULL"
_LISTED: Final = (
    "id, finding_id, severity, category, rule_id, status, evidence, coalesce(file, ''), coalesce(line, 0), quote,"
    " description, domain"
)


def known_findings(
    conn: sqlite3.Connection, run_id: str, *, today: str, statuses: Sequence[str] = ()
) -> list[KnownFinding]:
    """Return the findings of a run, or those of some statuses, as matching and a second look need them.

    A decision that expired before `today` (YYYY-MM-DD) reads as open.
    """
    wanted, values = f"run_id = ?2 AND status IN ({', '.join('?' * len(statuses))})", statuses
    if not statuses:
        # The rows of a run lie together: to walk along them takes half as long as to find each from an index.
        wanted = "+run_id = ?2 AND id BETWEEN ?3 AND ?4"
        values = conn.execute("SELECT min(id), max(id) FROM findings WHERE run_id = ?", (run_id,)).fetchone()
    aliases = finding_aliases.of_run(conn, run_id)
    rows = conn.execute(
        "SELECT id, fingerprint, description, file, line, scope, quote, text_hash, occurrence, occurrences,"  # noqa: S608
        " context_hash, anchored, finding_id, recommendation, json_array(coalesce(rule_id, category),"
        " rule_id IS NOT NULL, ordinal, anchor_commit, severity, domain, lens, analyzer, observation,"
        # A decision holds to the end of its last day; collect withdraws an expired decision only when it writes.
        " CASE WHEN decision_expires < ?1 THEN 'open' ELSE decision END, evidence, first_wave, last_wave) FROM findings"
        f" WHERE {wanted} ORDER BY id",
        (today, run_id, *values),
    )
    return list(_known(rows, aliases, sightings.tools_by_finding(conn, run_id)))


class _Words(dict[str, tuple[Any, ...]]):
    """Words that many findings share, by the JSON of their columns: to read each column of each takes twice as long."""

    def __missing__(self, text: str) -> tuple[Any, ...]:
        rule, has_rule, ordinal, commit, *words = (intern(w) if isinstance(w, str) else w for w in json.loads(text))
        # It becomes an argument of git: `--output=FILE` would write a file.
        forms.hold("findings", "anchor_commit", forms.COMMIT, commit)
        self[text] = found = (rule, bool(has_rule), ordinal, commit, words, source_of(words[_ANALYZER], None))
        return found


# Place of the analyzer among the words behind the commit.
_ANALYZER: Final = 3


def _known(
    rows: Iterable[tuple[Any, ...]], aliases: Mapping[int, set[str]], tools: Mapping[int, str]
) -> Iterator[KnownFinding]:
    # Imported here: `status` imports this module and matches nothing.
    from swarm.rules.anchors import Anchor, Anchored
    from swarm.rules.known_findings import Known

    none: frozenset[str] = frozenset()
    # SQLite makes a string for every row; equal strings are shared, but for hashes, which nearly every line has alone.
    once = dict[Any, Any]().setdefault
    ways = {way.value: way for way in Anchored}
    words_of = _Words()
    for row in rows:
        row_id, fingerprint, description, file, line, scope, quote, text_hash, times, of, context, way, *rest = row
        finding_id, advice, shared = rest
        rule, has_rule, ordinal, commit, words, source = words_of[shared]
        anchor = None
        if file is not None:
            place = (once(file, file), line, once(scope, scope), once(quote, quote), text_hash, times, of, context)
            anchor = Anchor._make((*place, ways[way]))
        # Nearly no finding has an alias; a shared empty set saves an object for each of the others.
        own_aliases = frozenset(aliases[row_id]) if row_id in aliases else none
        tool = tools.get(row_id)
        if tool is not None:
            source = source_of(words[_ANALYZER], tool)
        # In the order of the fields: by keyword a record of so many takes three times as long.
        named = (row_id, fingerprint, own_aliases, rule, has_rule, ordinal, description, anchor, commit, source)
        yield KnownFinding._make((Known._make(named), finding_id, *words, once(advice, advice), tool))


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
    where, values = _where(run_id, selection)
    # The row id ends the order, or findings of the same line could change places between two calls.
    order = f"{_SEVERITY_ORDER}, file, line, findings.id"
    rows = conn.execute(f"SELECT {_SHOWN} FROM findings {where} ORDER BY {order}", values)  # noqa: S608
    tools, found = sightings.tools_by_finding(conn, run_id), map(_finding, rows)
    return (finding._replace(tool=tools.get(finding.row_id)) for finding in found) if tools else found


def listed(conn: sqlite3.Connection, run_id: str, selection: Selection) -> Iterator[Listed]:
    """Return nearly all findings of a run as they lie in the table, at a quarter of the cost of `select`."""
    where, values = _where(run_id, selection)
    # Along the rows of the run, which lie together: SQLite would find each from an index, and copy it to sort it.
    first, last = conn.execute("SELECT min(id), max(id) FROM findings WHERE run_id = ?", (run_id,)).fetchone()
    return conn.execute(
        f"SELECT {_LISTED} FROM findings {where.replace('findings.run_id', '+findings.run_id', 1)}"  # noqa: S608
        " AND findings.id BETWEEN ? AND ?",
        (*values, first, last),
    )


def as_listed(finding: Finding) -> Listed:
    """Return a finding as `listed` yields it."""
    place = (finding.file or "", finding.line or 0)
    words = (finding.category, finding.rule_id, finding.status, finding.evidence)
    texts = (finding.quote, finding.description, finding.domain)
    return (finding.row_id, finding.finding_id, finding.severity, *words, *place, *texts)


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
    found = _finding(row.fetchone())
    return found._replace(tool=sightings.tool_of_finding(conn, found.row_id))


def _finding(row: tuple[Any, ...]) -> Finding:
    finding = Finding._make(row)
    forms.hold_word("findings", "severity", SEVERITIES, finding.severity)
    return finding


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


def as_of(conn: sqlite3.Connection) -> tuple[int, str]:
    """Return number and hash of the last event in the ledger that can have changed findings or waves."""
    # Read from the end, past the agents at work, whose events touch no finding.
    row = conn.execute(
        "SELECT seq, hash FROM events WHERE subject NOT LIKE 'attempt:%' AND subject NOT LIKE 'agent_run:%'"
        " ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    return (int(row[0]), str(row[1])) if row else (0, "")
