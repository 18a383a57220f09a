"""The control plane: runs, domains, waves, agent runs, attempts, findings, and the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

PHASES = """'health-audit-a', 'health-audit-b', 'health-audit-c', 'stage-d-audit', 'feature-audit',
  'health-amend-a', 'health-amend-b', 'health-amend-c', 'stage-d-amend', 'feature-execute'"""
SEVERITIES = "'CRITICAL', 'HIGH', 'MEDIUM', 'LOW'"
OWNERSHIP = "'owned', 'bridge', 'shared', 'coordinator'"


def one_of(column: str, words: str) -> str:
    """Return a CHECK on the words, which are quoted and have commas between them.

    In the tables that take many rows at once: SQLite makes the set of an `IN` of three words anew for every row,
    which took half of the time of writing a finding. A chain of OR says the same.
    """
    return f"CHECK ({' OR '.join(f'{column} = {word}' for word in words.split(', '))})"


TABLES = (
    "CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    f"""CREATE TABLE runs (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE CHECK (id GLOB 'swarm-[0-9]*-[0-9a-f]*'),
  repo TEXT NOT NULL,
  local_path TEXT NOT NULL,
  commit_sha TEXT NOT NULL CHECK (length(commit_sha) IN (40, 64)),
  branch TEXT,
  save_point_tag TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('initializing', {PHASES}, 'test', 'treatment', 'complete', 'aborted')),
  timeout_seconds INTEGER NOT NULL CHECK (timeout_seconds > 0),
  map_frozen INTEGER NOT NULL DEFAULT 0 CHECK (map_frozen IN (0, 1)),
  created TEXT NOT NULL
) STRICT""",
    f"""CREATE TABLE domains (
  id INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id),
  position INTEGER NOT NULL,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64 AND name NOT GLOB '*[^A-Za-z0-9_-]*'),
  ownership TEXT NOT NULL CHECK (ownership IN ({OWNERSHIP})),
  globs TEXT NOT NULL CHECK (json_array_length(globs) > 0),
  description TEXT NOT NULL DEFAULT '',
  CONSTRAINT one_domain_of_a_name UNIQUE (run_id, name)
) STRICT""",
    """CREATE TABLE snapshots (
  id INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id),
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
  map TEXT NOT NULL CHECK (json_valid(map)),
  created TEXT NOT NULL,
  CONSTRAINT one_snapshot_of_a_map UNIQUE (run_id, sha256)
) STRICT""",
    f"""CREATE TABLE waves (
  id INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id),
  number INTEGER NOT NULL CHECK (number > 0),
  phase TEXT NOT NULL CHECK (phase IN ({PHASES})),
  status TEXT NOT NULL CHECK (
    status IN ('dispatched', 'collected', 'verified', 'advanced', 'failed', 'aborted_for_rewind')),
  snapshot_id INTEGER NOT NULL REFERENCES snapshots (id),
  dispatch_sha TEXT NOT NULL CHECK (length(dispatch_sha) IN (40, 64)),
  isolated INTEGER NOT NULL CHECK (isolated IN (0, 1)),
  shared_tree TEXT,
  runtime TEXT,
  runtime_version TEXT,
  runtime_config TEXT,
  sentinel TEXT NOT NULL CHECK (json_valid(sentinel)),
  ownership_probe_degraded INTEGER NOT NULL DEFAULT 0 CHECK (ownership_probe_degraded IN (0, 1)),
  violations TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(violations)),
  result TEXT CHECK (result IS NULL OR json_valid(result)),
  dispatched TEXT NOT NULL,
  ended TEXT,
  CONSTRAINT one_wave_of_a_number UNIQUE (run_id, number)
) STRICT""",
    "CREATE UNIQUE INDEX one_open_wave_per_run ON waves (run_id) WHERE status = 'dispatched'",
    """CREATE TABLE agent_runs (
  id INTEGER PRIMARY KEY,
  wave_id INTEGER NOT NULL REFERENCES waves (id),
  domain TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'dispatched', 'running', 'complete', 'failed', 'timed_out',
    'invalid_output', 'ownership_violation', 'aborted_for_rewind')),
  files INTEGER NOT NULL CHECK (files >= 0),
  prompt_path TEXT NOT NULL,
  prompt_sha256 TEXT NOT NULL,
  output_path TEXT NOT NULL,
  worktree_path TEXT,
  worktree_branch TEXT,
  analyzer TEXT,
  analysis TEXT CHECK (analysis IS NULL OR json_valid(analysis)),
  findings INTEGER,
  error TEXT,
  started TEXT,
  ended TEXT
) STRICT""",
    """CREATE UNIQUE INDEX one_working_agent_run_per_domain ON agent_runs (wave_id, domain)
  WHERE status IN ('pending', 'dispatched', 'running')""",
    """CREATE TABLE attempts (
  id INTEGER PRIMARY KEY,
  agent_run_id INTEGER NOT NULL REFERENCES agent_runs (id),
  ordinal INTEGER NOT NULL CHECK (ordinal > 0),
  parent_id INTEGER REFERENCES attempts (id),
  recovery_reason TEXT,
  runtime TEXT NOT NULL,
  runtime_version TEXT,
  isolation TEXT NOT NULL DEFAULT 'none',
  argv TEXT NOT NULL CHECK (json_valid(argv)),
  prompt_sha256 TEXT NOT NULL,
  host TEXT NOT NULL,
  supervisor_pid INTEGER NOT NULL,
  pid INTEGER,
  pid_start TEXT,
  created TEXT NOT NULL,
  spawned TEXT,
  first_output TEXT,
  last_progress TEXT,
  ended TEXT,
  duration_ms INTEGER,
  exit_code INTEGER,
  signal INTEGER,
  exit_class INTEGER CHECK (exit_class IN (0, 1, 2, 3, 127)),
  error_code TEXT,
  error_fragment TEXT CHECK (length(CAST(error_fragment AS BLOB)) <= 1000),
  outcome TEXT CHECK (outcome IN ('success', 'runtime_error', 'policy_rejected', 'not_started', 'timed_out',
    'stalled', 'killed', 'invalid_output', 'no_change')),
  stall_reason TEXT,
  record_path TEXT NOT NULL,
  CONSTRAINT one_attempt_of_an_ordinal UNIQUE (agent_run_id, ordinal),
  CONSTRAINT an_ended_attempt_has_an_outcome CHECK (
    (outcome IS NULL) = (ended IS NULL) AND (outcome IS NULL) = (exit_class IS NULL))
) STRICT""",
    "CREATE UNIQUE INDEX one_open_attempt_per_agent_run ON attempts (agent_run_id) WHERE outcome IS NULL",
    """CREATE TABLE artifacts (
  id INTEGER PRIMARY KEY,
  agent_run_id INTEGER NOT NULL REFERENCES agent_runs (id),
  kind TEXT NOT NULL CHECK (kind IN ('output')),
  path TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  body BLOB NOT NULL,
  created TEXT NOT NULL,
  CONSTRAINT one_output_per_agent_run UNIQUE (agent_run_id, kind)
) STRICT""",
    """CREATE TABLE file_claims (
  id INTEGER PRIMARY KEY,
  agent_run_id INTEGER NOT NULL REFERENCES agent_runs (id),
  path TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('create', 'edit', 'delete', 'rename')),
  observed INTEGER NOT NULL CHECK (observed IN (0, 1)),
  reported INTEGER NOT NULL CHECK (reported IN (0, 1)),
  owner TEXT,
  violation INTEGER NOT NULL CHECK (violation IN (0, 1)),
  CONSTRAINT one_claim_per_file UNIQUE (agent_run_id, path),
  CHECK (observed OR reported)
) STRICT""",
    f"""CREATE TABLE findings (
  id INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id),
  finding_id TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('defect', 'feature')),
  lens TEXT NOT NULL {one_of("lens", "'A', 'B', 'C', 'D', 'feature'")},
  severity TEXT NOT NULL {one_of("severity", SEVERITIES)},
  severity_note TEXT,
  category TEXT NOT NULL,
  rule_id TEXT,
  ordinal INTEGER NOT NULL,
  domain TEXT NOT NULL,
  file TEXT,
  line INTEGER,
  scope TEXT NOT NULL,
  symbol TEXT,
  quote TEXT NOT NULL,
  text_hash TEXT NOT NULL,
  occurrence INTEGER NOT NULL,
  occurrences INTEGER NOT NULL,
  context_hash TEXT NOT NULL,
  anchored TEXT NOT NULL {one_of("anchored", "'quote', 'line', 'none'")},
  anchor_commit TEXT NOT NULL,
  analyzer TEXT,
  description TEXT NOT NULL,
  recommendation TEXT,
  observation TEXT NOT NULL {one_of("observation", "'new', 'recurring', 'fixed', 'unverified'")},
  observation_reason TEXT,
  evidence TEXT {one_of("evidence", "'analyzer_rescan', 'anchor', 'confirmed', 'operator'")},
  decision TEXT NOT NULL DEFAULT 'open' {one_of("decision", "'open', 'approved', 'deferred', 'rejected'")},
  decision_reason TEXT,
  status TEXT NOT NULL GENERATED ALWAYS AS (
    CASE WHEN decision IN ('deferred', 'rejected') THEN decision
         WHEN observation = 'fixed' THEN observation
         WHEN decision = 'approved' THEN decision
         ELSE observation END) VIRTUAL,
  first_wave INTEGER NOT NULL,
  last_wave INTEGER NOT NULL,
  fixed_wave INTEGER,
  sightings INTEGER NOT NULL CHECK (sightings > 0),
  misses INTEGER NOT NULL DEFAULT 0,
  regressions INTEGER NOT NULL DEFAULT 0,
  recurred_while_closed INTEGER NOT NULL DEFAULT 0,
  matched_by TEXT NOT NULL {one_of("matched_by", "'new', 'fingerprint', 'alias', 'line_map', 'moved', 'anchor'")},
  match_note TEXT,
  CONSTRAINT one_finding_per_fingerprint UNIQUE (run_id, fingerprint),
  CONSTRAINT one_finding_per_id UNIQUE (run_id, finding_id),
  CHECK ((observation = 'fixed') = (evidence IS NOT NULL))
) STRICT""",
    """CREATE TABLE finding_aliases (
  run_id TEXT NOT NULL REFERENCES runs (id),
  fingerprint TEXT NOT NULL,
  finding INTEGER NOT NULL REFERENCES findings (id),
  wave INTEGER NOT NULL,
  PRIMARY KEY (run_id, fingerprint)
) STRICT, WITHOUT ROWID""",
    f"""CREATE TABLE sightings (
  id INTEGER PRIMARY KEY,
  finding INTEGER NOT NULL REFERENCES findings (id),
  wave_id INTEGER NOT NULL REFERENCES waves (id),
  agent_run_id INTEGER NOT NULL REFERENCES agent_runs (id),
  reported_id TEXT NOT NULL,
  severity TEXT NOT NULL {one_of("severity", SEVERITIES)},
  category TEXT NOT NULL,
  file TEXT,
  line INTEGER,
  quote TEXT NOT NULL,
  description TEXT NOT NULL,
  recommendation TEXT,
  matched_by TEXT NOT NULL,
  match_note TEXT
) STRICT""",
    """CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  ts TEXT NOT NULL,
  kind TEXT NOT NULL,
  run_id TEXT,
  wave_id INTEGER,
  subject TEXT NOT NULL,
  from_state TEXT,
  to_state TEXT,
  actor TEXT NOT NULL,
  reason TEXT,
  payload TEXT CHECK (payload IS NULL OR json_valid(payload)),
  correlation_id TEXT NOT NULL,
  hash TEXT NOT NULL CHECK (length(hash) = 64)
) STRICT""",
)

TRIGGERS = (
    """CREATE TRIGGER the_ledger_is_not_edited BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    """CREATE TRIGGER the_ledger_is_not_cut BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
)

# Each serves a query that exists; tests/store/test_plans.py holds them to it.
INDEXES = (
    ("agent_runs", ["wave_id", "domain", "id"], "agent_runs_of_a_wave"),
    ("findings", ["run_id", "status", "severity"], "findings_by_status"),
    ("sightings", ["finding"], "sightings_of_a_finding"),
    ("sightings", ["wave_id"], "sightings_of_a_wave"),
    ("events", ["subject", "seq"], "events_of_a_subject"),
    ("events", ["run_id", "seq"], "events_of_a_run"),
)


def apply(db: Database) -> None:
    for statement in TABLES + TRIGGERS:
        db.execute(statement)
    for table, columns, name in INDEXES:
        db.table(table).create_index(columns, index_name=name)
