"""Use case of the `verify-*` verbs: check the findings of a question a second time, and write a delta file."""

import json
import sqlite3
from pathlib import Path
from typing import Final

from swarm import errors, stage_events
from swarm.config import Config
from swarm.files import write_whole
from swarm.git.repository import repository_at
from swarm.results.second_look import Delta
from swarm.store import waves
from swarm.store.runs import Run
from swarm.waves.prove.build import Prover
from swarm.waves.prove.check_findings import Question, check_findings
from swarm.waves.prove.commit_to_prove import commit_to_prove
from swarm.workspace import Workspace

_SCHEMAS: Final = {
    Question.FIXED: "verify-fixed-delta/v2",
    Question.RECURRING: "verify-recurring-delta/v1",
    Question.UNVERIFIED: "verify-unverified-delta/v1",
    Question.APPROVED: "verify-approved-delta/v1",
}


def second_look(
    conn: sqlite3.Connection,
    workspace: Workspace,
    run: Run,
    config: Config,
    question: Question,
    *,
    threshold: int,
    revision: str | None,
) -> Delta:
    """Return a second look at the findings of a question. Raises RepoNotFound and errors of git."""
    repository = repository_at(Path(run.local_path))
    commit = commit_to_prove(conn, run, repository, revision)
    check = check_findings(conn, Prover(repository, workspace, run, config, None), commit, question)
    wave = waves.newest_ended(conn, run.id)
    return Delta(
        schema=_SCHEMAS[question],
        run_id=run.id,
        wave_number=wave.number if wave else None,
        commit_sha=commit,
        summary=check.summary,
        threshold=threshold,
        threshold_exceeded=len(check.offending) > threshold,
        exit_code=check.exit_code(threshold),
        findings=check.rows,
    )


def write_delta(
    workspace: Workspace, run: Run, question: Question, document: object, number: int | None
) -> Path | None:
    """Write a delta file and return its path; `None` where it cannot be written, which does not fail the verb."""
    file = workspace.run_folder(run.id) / f"{question.value}-{number or 0}.json"
    try:
        write_whole(file, json.dumps(document, ensure_ascii=False, indent=1) + "\n")
    except errors.WorkspaceNotWritable as error:
        stage_events.emit("delta_not_written", run_id=run.id, code=error.code, path=str(file))
        return None
    return file
