"""Use case `ingest`: a submission is judged, kept as a record, and entered in the indexes."""

from collections.abc import Mapping
from pathlib import Path

from swarm import errors, stage_events
from swarm.evidence.records import indexes
from swarm.evidence.records.archive import KeptRecord, read_record
from swarm.evidence.records.judge import judged
from swarm.evidence.records.keep import Kept, hold_to_schema, keep, known, lock_of, submitted
from swarm.evidence.records.provenance import refuse_stub_in_ci
from swarm.evidence.records.submission import RawSubmission
from swarm.evidence.records.validators import is_fault
from swarm.failpoints import failpoint
from swarm.files import make_folder
from swarm.results.ingest import IngestResult
from swarm.rules.record_forms import AnyRecord, Provenance


def ingest(
    raw: RawSubmission, root: Path, source: Provenance, environment: Mapping[str, str], *, verify_only: bool = False
) -> IngestResult:
    """Judge a submission and keep its record; with `verify_only` write nothing.

    Raises ProvenanceStubRefused, ProvenanceUnreachable, RecordsBusy, RecordCorrupt, RecordValidationError, LedOutside
    and WorkspaceNotWritable.
    """
    refuse_stub_in_ci(source, environment)
    stage_events.emit("dispatch_received", run_id=raw.run_id, repo=raw.repo, bytes=len(raw.body), provenance=source)
    stage_events.emit("context_loaded", root=str(root))
    record = judged(raw, root, source, environment)
    hold_to_schema(record)
    verdict, verification = record["overall_verdict"], record["verification"]
    status, reasons = verification["status"], verification["rejection_reasons"]
    stage_events.emit("verify_complete", run_id=raw.run_id, status=status, verified=verdict["verified"])
    if status == "rejected":
        stage_events.emit("rejected_pre_persist", run_id=raw.run_id, reasons=reasons)
    if verify_only:
        stage_events.emit("verify_only_complete", run_id=raw.run_id, status=status)
        return _result(root, record, None)
    make_folder(root)
    with lock_of(root, "ingest"):
        return _result(root, record, _kept(root, record))


def _kept(root: Path, record: AnyRecord) -> Kept:
    """Write a record, unless it is known, and bring the indexes up to date."""
    is_rejected = record["verification"]["status"] == "rejected"
    is_behind = indexes.is_marked(root)
    kept = known(root, record)
    if kept is None:
        if not is_rejected:
            indexes.mark_change(root)
        try:
            kept = keep(root, record)
            failpoint("record.kept")
        except errors.DuplicateRunIdError as error:
            kept = Kept(error.path, is_new=False, earlier=read_record(root, error.path))
    stage_events.emit("persist_complete", run_id=record["run_id"], path=kept.path, is_new=kept.is_new)
    if not is_rejected and (kept.is_new or indexes.is_marked(root)):
        # A mark of a writer that died says that another record is missing in them.
        failing = None if is_behind or not kept.is_new else indexes.add_to_indexes(root, KeptRecord(kept.path, record))
        if failing is None:
            failing = indexes.rebuild(root).failing
        stage_events.emit("rebuild_indexes_complete", run_id=record["run_id"], failing=failing)
    return kept


def _result(root: Path, record: AnyRecord, kept: Kept | None) -> IngestResult:
    is_duplicate = kept is not None and not kept.is_new and record["verification"]["status"] == "accepted"
    earlier = kept.earlier.document if is_duplicate and kept is not None and kept.earlier is not None else None
    # Of a duplicate the answer rests on the record that is there, which may have been judged by another policy.
    shown = earlier or record
    verdict, verification = shown["overall_verdict"], shown["verification"]
    reasons = tuple(verification["rejection_reasons"])
    return IngestResult(
        status="duplicate" if is_duplicate else verification["status"],
        run_id=record["run_id"],
        repo=record["repo"],
        root=str(root),
        path=None if kept is None else kept.path,
        proposed=verdict["proposed"],
        verified=verdict["verified"],
        downgraded=verdict["downgraded"],
        downgrade_reasons=tuple(verdict.get("downgrade_reasons", ())),
        provenance=verification.get("provenance", "stub"),
        provenance_confirmed=verification["provenance_confirmed"],
        policy_version=shown["policy_version"],
        rejection_reasons=reasons,
        policy_warnings=tuple(verification.get("policy_warnings", ())),
        same_as_recorded=None if not is_duplicate else earlier is not None and submitted(earlier) == submitted(record),
        verify_only=kept is None,
        is_fault=any(map(is_fault, reasons)),
    )
