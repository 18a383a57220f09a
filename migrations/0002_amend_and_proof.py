"""What decides, amends and proves: decisions with their author, leases, claimed fixes, merges, proofs, promotions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database

# A decision knows who took it, when, where it came from and until when it holds; a fix, in which commit it was seen.
COLUMNS = (
    ("findings", "decision_source TEXT CHECK (decision_source IN ('coordinator', 'imported', 'inline'))"),
    ("findings", "decided_by TEXT"),
    ("findings", "decided TEXT"),
    ("findings", "decision_expires TEXT"),
    ("findings", "verified_how TEXT CHECK (verified_how IN ('independent', 'self_attested', 'operator_evidence'))"),
    ("findings", "evidence_note TEXT"),
    ("findings", "fixed_commit TEXT"),
    # The tree object of an amend agent's work, as it was judged by collect: what is merged is this and nothing else.
    ("agent_runs", "work TEXT"),
)

TABLES = (
    """CREATE TABLE pending_decisions (
  run_id TEXT NOT NULL REFERENCES runs (id),
  fingerprint TEXT NOT NULL,
  decision TEXT NOT NULL CHECK (decision IN ('approved', 'deferred', 'rejected')),
  reason TEXT NOT NULL,
  author TEXT NOT NULL,
  expires TEXT,
  PRIMARY KEY (run_id, fingerprint)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE leases (
  id INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id),
  wave_number INTEGER NOT NULL CHECK (wave_number > 0),
  domain TEXT NOT NULL,
  file TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('requested', 'granted', 'denied')),
  request_reason TEXT,
  reason TEXT,
  created TEXT NOT NULL,
  decided TEXT,
  CONSTRAINT one_lease_of_a_file_per_domain_and_wave UNIQUE (run_id, wave_number, domain, file),
  CHECK ((status = 'requested') = (decided IS NULL)),
  CHECK (status = 'requested' OR reason IS NOT NULL)
) STRICT""",
    """CREATE TABLE assignments (
  agent_run_id INTEGER NOT NULL REFERENCES agent_runs (id),
  finding INTEGER NOT NULL REFERENCES findings (id),
  PRIMARY KEY (agent_run_id, finding)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE fix_claims (
  id INTEGER PRIMARY KEY,
  wave_id INTEGER NOT NULL REFERENCES waves (id),
  agent_run_id INTEGER NOT NULL REFERENCES agent_runs (id),
  finding INTEGER NOT NULL REFERENCES findings (id),
  description TEXT NOT NULL,
  file TEXT,
  verified_via TEXT NOT NULL CHECK (verified_via IN ('anchor', 'cross_ref', 'unverifiable')),
  evidence TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('claimed', 'fixed', 'refuted')),
  CONSTRAINT one_claim_per_finding UNIQUE (agent_run_id, finding)
) STRICT""",
    """CREATE TABLE merges (
  id INTEGER PRIMARY KEY,
  wave_id INTEGER NOT NULL REFERENCES waves (id),
  ref TEXT NOT NULL,
  base TEXT NOT NULL,
  commit_sha TEXT NOT NULL,
  domains TEXT NOT NULL CHECK (json_valid(domains)),
  dropped TEXT NOT NULL CHECK (json_valid(dropped)),
  verification_id INTEGER REFERENCES verifications (id),
  created TEXT NOT NULL,
  CONSTRAINT one_merge_per_ref_and_commit UNIQUE (wave_id, ref, commit_sha)
) STRICT""",
    """CREATE TABLE verifications (
  id INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id),
  wave_id INTEGER REFERENCES waves (id),
  phase TEXT NOT NULL,
  purpose TEXT NOT NULL CHECK (purpose IN ('verify', 'merge')),
  commit_sha TEXT NOT NULL,
  verdict TEXT NOT NULL CHECK (
    verdict IN ('pass', 'fail', 'skip', 'no_tests', 'tool_missing', 'unmeasured_tests')),
  adapter TEXT,
  steps TEXT NOT NULL CHECK (json_valid(steps)),
  test_count INTEGER,
  claims TEXT CHECK (claims IS NULL OR json_valid(claims)),
  threshold INTEGER,
  exit_code INTEGER NOT NULL CHECK (exit_code IN (0, 1, 2)),
  accepted TEXT,
  reason TEXT,
  created TEXT NOT NULL,
  CHECK ((accepted IS NULL) = (reason IS NULL))
) STRICT""",
    """CREATE TABLE receipts (
  id INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id),
  wave_id INTEGER REFERENCES waves (id),
  verification_id INTEGER REFERENCES verifications (id),
  kind TEXT NOT NULL CHECK (kind IN ('wave', 'verification')),
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
  body TEXT NOT NULL CHECK (json_valid(body)),
  created TEXT NOT NULL,
  CHECK ((kind = 'verification') = (verification_id IS NOT NULL))
) STRICT""",
    """CREATE TABLE promotions (
  id INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id),
  wave_id INTEGER REFERENCES waves (id),
  from_phase TEXT NOT NULL,
  to_phase TEXT NOT NULL,
  gates TEXT NOT NULL CHECK (json_valid(gates)),
  overridden TEXT NOT NULL CHECK (json_valid(overridden)),
  reason TEXT,
  receipt_id INTEGER REFERENCES receipts (id),
  created TEXT NOT NULL,
  CHECK (overridden = '[]' OR reason IS NOT NULL)
) STRICT""",
)

INDEXES = (
    # With the lens in it the gates are answered from the index alone, over 100,000 findings, too.
    ("findings", ["run_id", "status", "severity", "lens"], "findings_by_status"),
    ("fix_claims", ["finding"], "claims_of_a_finding"),
    ("fix_claims", ["wave_id"], "claims_of_a_wave"),
    ("merges", ["wave_id"], "merges_of_a_wave"),
    ("verifications", ["run_id", "id"], "verifications_of_a_run"),
    ("promotions", ["run_id", "id"], "promotions_of_a_run"),
)


def apply(db: Database) -> None:
    for table, column in COLUMNS:
        db.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
    for statement in TABLES:
        db.execute(statement)
    db.execute("DROP INDEX findings_by_status")
    for table, columns, name in INDEXES:
        db.table(table).create_index(columns, index_name=name)
