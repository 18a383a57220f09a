"""Trust: the sandbox of attempts and verifications. Findings: runs of analyzers, matches of edited lines, reviews.

Agents: what a coding agent reported of its session, and what it cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

COLUMNS = (
    # The backend is in `isolation` since the first version; NULL where an older build launched the attempt.
    ("attempts", "isolation_reason TEXT"),
    ("attempts", "policy TEXT"),
    # The tree object that an amend agent left; NULL where there was none to seal.
    ("attempts", "tree TEXT"),
    # The session, models, turns, tools, tokens and denials that an agent reported; NULL where its runtime reports none.
    ("attempts", "session TEXT CHECK (session IS NULL OR json_valid(session))"),
    ("attempts", "cost_microusd INTEGER CHECK (cost_microusd >= 0)"),
    # The way an attempt was recovered from, or goes on from an earlier one.
    ("attempts", "recovery TEXT CHECK (recovery IS NULL OR json_valid(recovery))"),
    # NULL where no step ran, or an older build ran them.
    ("verifications", "isolation TEXT"),
    ("verifications", "isolation_reason TEXT"),
    ("verifications", "policy TEXT"),
    # NULL where an older build recorded the finding, or where its reporter named no column.
    ("findings", "column INTEGER"),
    # Whether the tool that reports it can fix it.
    ("findings", "fixable INTEGER"),
    # The tool that a handed-in report names; NULL where an agent reports, or an analyzer that was launched.
    ("sightings", "tool TEXT CHECK (length(tool) BETWEEN 1 AND 100)"),
    # Whether the agents of the wave review known findings; an audit reports new ones.
    ("waves", "review INTEGER NOT NULL DEFAULT 0 CHECK (review IN (0, 1))"),
    # Whether the wave looked at a commit of uncommitted files, which no branch holds.
    ("waves", "uncommitted INTEGER NOT NULL DEFAULT 0 CHECK (uncommitted IN (0, 1))"),
    # The lessons at the top of the wave's prompts; NULL where its dispatch did not ask for advice.
    ("waves", "advice TEXT CHECK (advice IS NULL OR json_valid(advice))"),
)

_MATCHED = "matched_by = 'line_map' OR matched_by = 'moved'"
_MATCHED_EDITED = f"{_MATCHED} OR matched_by = 'rewritten' OR matched_by = 'reformatted' OR matched_by = 'moved_file'"


def _as_chain(column: str, words: str) -> tuple[str, str]:
    """Return an `IN` of words, and the chain of OR that says the same; the words have commas between them."""
    return f"{column} IN ({words})", " OR ".join(f"{column} = {word}" for word in words.split(", "))


# SQLite makes the set of an `IN` anew for every row: a sixth of the time of writing a finding.
_CHAINS = (
    _as_chain("decision_source", "'coordinator', 'imported', 'inline'"),
    _as_chain("verified_how", "'independent', 'self_attested', 'operator_evidence'"),
)

# As indexes and not as parts of the table: a constraint cannot be left out while very many rows are written.
_UNIQUE = (
    ("  CONSTRAINT one_finding_per_fingerprint UNIQUE (run_id, fingerprint),\n", ""),
    ("  CONSTRAINT one_finding_per_id UNIQUE (run_id, finding_id),\n", ""),
)
# The run last: what differs comes first in a comparison, and a query by the run alone is left to `findings_by_status`.
UNIQUE_INDEXES = (
    "CREATE UNIQUE INDEX one_finding_per_fingerprint ON findings (fingerprint, run_id)",
    "CREATE UNIQUE INDEX one_finding_per_id ON findings (finding_id, run_id)",
)

ANALYSES = """CREATE TABLE analyses (
  id INTEGER PRIMARY KEY,
  wave_id INTEGER NOT NULL REFERENCES waves (id),
  tool TEXT NOT NULL CHECK (length(tool) BETWEEN 1 AND 64),
  attempt INTEGER NOT NULL CHECK (attempt > 0),
  version TEXT,
  config TEXT NOT NULL,
  argv TEXT NOT NULL CHECK (json_valid(argv)),
  files INTEGER NOT NULL CHECK (files >= 0),
  isolation TEXT NOT NULL,
  isolation_reason TEXT,
  policy TEXT,
  outcome TEXT NOT NULL CHECK (outcome IN ('success', 'runtime_error', 'not_started', 'timed_out', 'invalid_output')),
  exit_class INTEGER NOT NULL CHECK (exit_class IN (0, 1, 2, 3, 127)),
  exit_code INTEGER,
  error_code TEXT,
  error_fragment TEXT CHECK (length(CAST(error_fragment AS BLOB)) <= 1000),
  duration_ms INTEGER,
  document TEXT CHECK (document IS NULL OR json_valid(document)),
  CONSTRAINT one_analysis_of_an_attempt UNIQUE (wave_id, tool, attempt),
  CONSTRAINT only_a_success_says_what_was_read CHECK (document IS NULL OR outcome = 'success')
) STRICT"""

REVIEWS = """CREATE TABLE reviews (
  id INTEGER PRIMARY KEY,
  wave_id INTEGER NOT NULL REFERENCES waves (id),
  agent_run_id INTEGER NOT NULL REFERENCES agent_runs (id),
  finding INTEGER NOT NULL REFERENCES findings (id),
  verdict TEXT NOT NULL CHECK (verdict IN ('confirmed', 'refuted', 'unknown')),
  file TEXT,
  line INTEGER,
  quote TEXT NOT NULL,
  reason TEXT NOT NULL,
  reviewer TEXT NOT NULL,
  is_independent INTEGER CHECK (is_independent IN (0, 1)),
  same_cause TEXT NOT NULL CHECK (json_valid(same_cause)),
  CONSTRAINT one_verdict_per_wave_and_finding UNIQUE (wave_id, finding),
  CONSTRAINT only_unknown_needs_no_quote CHECK (verdict = 'unknown' OR line IS NOT NULL)
) STRICT"""


# A sighting whose words are those of its finding has none of its own; the line and the rest are always its own.
_WORDS = ("file", "quote", "description", "recommendation")
_OWN_WORDS = (("quote TEXT NOT NULL", "quote TEXT"), ("description TEXT NOT NULL", "description TEXT"))
_OLD_WORDS = ", ".join(f"{name} = OLD.{name}" for name in _WORDS)
# Before the words of a finding change, its earlier sightings take them over, whatever statement changes them.
SIGHTINGS_KEEP_WORDS = f"""CREATE TRIGGER sightings_keep_their_words BEFORE UPDATE OF {", ".join(_WORDS)} ON findings
WHEN {" OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in _WORDS)}
BEGIN UPDATE sightings SET {_OLD_WORDS} WHERE finding = OLD.id AND description IS NULL; END"""  # noqa: S608


PERMISSIONS = """CREATE TABLE permissions (
  id INTEGER PRIMARY KEY,
  attempt_id INTEGER NOT NULL REFERENCES attempts (id),
  request TEXT NOT NULL CHECK (length(request) BETWEEN 1 AND 400),
  kind TEXT NOT NULL,
  target TEXT NOT NULL,
  tool TEXT NOT NULL,
  relation TEXT NOT NULL CHECK (relation IN ('inside', 'outside', 'unknown')),
  recommended TEXT NOT NULL CHECK (recommended IN ('once', 'always', 'reject')),
  asked TEXT NOT NULL,
  reply TEXT CHECK (reply IN ('once', 'always', 'reject')),
  replied TEXT,
  ended TEXT,
  CONSTRAINT one_request_of_an_attempt UNIQUE (attempt_id, request),
  CONSTRAINT a_reply_has_its_time CHECK ((reply IS NULL) = (replied IS NULL))
) STRICT"""


# How the agents of a wave are to be launched; each lock stays, and the newest counts.
PLAN_LOCKS = """CREATE TABLE plan_locks (
  id INTEGER PRIMARY KEY,
  wave_id INTEGER NOT NULL REFERENCES waves (id),
  document TEXT NOT NULL CHECK (json_valid(document)),
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
  key_id TEXT,
  signature TEXT,
  reason TEXT,
  created TEXT NOT NULL,
  CONSTRAINT a_signature_names_its_key CHECK ((key_id IS NULL) = (signature IS NULL))
) STRICT"""


def apply(db: Database) -> None:
    _rebuild(db, "findings", (_MATCHED, _MATCHED_EDITED), *_CHAINS, *_UNIQUE)
    for statement in UNIQUE_INDEXES:
        db.execute(statement)
    _rebuild(db, "sightings", *_OWN_WORDS)
    db.execute(SIGHTINGS_KEEP_WORDS)
    db.execute(ANALYSES)
    db.execute(REVIEWS)
    db.execute(PERMISSIONS)
    db.execute(PLAN_LOCKS)
    db.execute("CREATE INDEX plan_locks_by_wave ON plan_locks (wave_id, id)")
    for table, column in COLUMNS:
        db.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
    # Only of the rows that have a tool: the sightings of launched analyzers are too many to be entered for nothing.
    db.execute("CREATE INDEX sightings_of_a_tool ON sightings (wave_id) WHERE tool IS NOT NULL")


def _rebuild(db: Database, table: str, *changes: tuple[str, str]) -> None:
    """Make a table anew with other conditions, which SQLite cannot alter; its rows and indexes stay."""
    rows = db.execute("SELECT type, sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL", [table]).fetchall()
    (text,) = [sql for kind, sql in rows if kind == "table"]
    # Without the generated columns, which no statement can write.
    columns = ", ".join(row[1] for row in db.execute(f"PRAGMA table_info({table})"))
    for old, new in ((f"TABLE {table} (", f"TABLE {table}_3 ("), *changes):
        text = text.replace(old, new, 1)
    db.execute(text)
    db.execute(f"INSERT INTO {table}_3 ({columns}) SELECT {columns} FROM {table}")  # noqa: S608
    db.execute(f"DROP TABLE {table}")
    db.execute(f"ALTER TABLE {table}_3 RENAME TO {table}")
    for kind, sql in rows:
        if kind == "index":
            db.execute(sql)
