"""Use case `persist`: a run as an export and as a submission, and the submission ingested."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from swarm import errors
from swarm.evidence.records.export import run_export
from swarm.evidence.records.ingest import ingest
from swarm.evidence.records.run_submission import RunContext, submission_of
from swarm.evidence.records.submission import from_bytes
from swarm.files import hold_in_place, write_whole
from swarm.results.document import document_bytes
from swarm.results.ingest import IngestResult
from swarm.results.persist import IngestOutcome, PersistResult
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.workspace import Workspace

SUBMISSION: Final = "submission.json"


class IngestTo(NamedTuple):
    """The root that a submission is ingested to, and the words that name it in a command line."""

    root: Path
    words: str


def persist(
    store: Store,
    workspace: Workspace,
    run: Run,
    said: RunContext,
    environment: Mapping[str, str],
    *,
    to: IngestTo | None = None,
    dry_run: bool = False,
) -> PersistResult:
    """Write run-export.json and submission.json into the folder of a run; with `to`, ingest the submission.

    A dry-run writes nothing. What the ingest raises is part of the result. Raises WorkspaceNotWritable and LedOutside.
    """
    with store.snapshot() as conn:
        export = run_export(conn, run)
        submission = submission_of(conn, run, said, environment)
    folder = workspace.run_folder(run.id)
    export_file, submission_file = folder / "run-export.json", folder / SUBMISSION
    body = json.dumps(submission, ensure_ascii=False, indent=1) + "\n"
    if not dry_run:
        if folder.exists():
            hold_in_place(folder, workspace.folder)
        write_whole(export_file, document_bytes(export))
        write_whole(submission_file, body)
    outcome = None if to is None else _ingested(submission_file, body, to, environment, dry_run=dry_run)
    return PersistResult(
        run_id=run.id,
        repo=submission["repo"],
        dry_run=dry_run,
        export_path=str(export_file),
        submission_path=str(submission_file),
        submission_run_id=submission["run_id"],
        proposed=submission["overall_verdict"],
        ingest=outcome,
    )


def _ingested(file: Path, body: str, to: IngestTo, environment: Mapping[str, str], *, dry_run: bool) -> IngestOutcome:
    line = f"swarm ingest --provenance=stub --file {_quoted(file)}{to.words}"
    try:
        result = ingest(from_bytes(body.encode()), to.root, "stub", environment, verify_only=dry_run)
    except errors.SwarmError as error:
        return not_ingested(error, file, line)
    return IngestOutcome(
        ingested=result.is_recorded,
        reason=_reason(result),
        submission=str(file),
        reproduce=line,
        exit_code=result.exit_code,
        result=result,
    )


def not_ingested(error: errors.SwarmError, file: Path, line: str) -> IngestOutcome:
    """Return the outcome of an ingest that an error ended; the command line repeats it."""
    return IngestOutcome(
        ingested=False,
        reason=error.message,
        submission=str(file),
        reproduce=line,
        exit_code=error.exit_code,
        result=None,
    )


def _reason(result: IngestResult) -> str | None:
    if result.rejection_reasons:
        return "; ".join(result.rejection_reasons)
    if result.verify_only:
        return "dry-run; it would be accepted"
    return "another submission has the same run id" if result.same_as_recorded is False else None


def root_words(root: Path | None) -> str:
    """Return the words that name a root in a command line, empty where a plain call finds the same."""
    return "" if root is None else f" --root {_quoted(root)}"


def _quoted(path: Path) -> str:
    text = str(path)
    for character in '\\"$`':
        text = text.replace(character, "\\" + character)
    return f'"{text}"'
