"""Records of `persist`, and the document of run-export.json."""

from typing import NamedTuple

from swarm.results.advance import PromotionShown
from swarm.results.ingest import IngestResult
from swarm.results.receipt import ReceiptVerification, WaveReceipt


class ExportedFinding(NamedTuple):
    """A finding as the run left it."""

    finding_id: str
    fingerprint: str
    severity: str
    category: str
    rule_id: str | None
    status: str
    file: str | None
    line: int | None
    symbol: str | None
    quote: str
    description: str
    recommendation: str | None
    domain: str
    first_seen_wave: int
    last_seen_wave: int


class RunExport(NamedTuple):
    """A run as run-export.json holds it: its waves, verifications, promotions and findings, and its last event."""

    schema: str
    run_id: str
    repo: str
    commit_sha: str
    branch: str | None
    status: str
    created: str
    waves: tuple[WaveReceipt, ...]
    verifications: tuple[ReceiptVerification, ...]
    promotions: tuple[PromotionShown, ...]
    findings: tuple[ExportedFinding, ...]
    ledger_seq: int | None
    ledger_hash: str | None


class IngestOutcome(NamedTuple):
    """Outcome of `--ingest`. `reproduce` is the command line that ingests the same submission again."""

    ingested: bool
    reason: str | None
    submission: str
    reproduce: str
    exit_code: int
    result: IngestResult | None


class PersistResult(NamedTuple):
    """The files of a run, and the verdict that its submission proposes. `ingest` is null without `--ingest`."""

    run_id: str
    repo: str
    dry_run: bool
    export_path: str
    submission_path: str
    submission_run_id: str
    proposed: str
    ingest: IngestOutcome | None
