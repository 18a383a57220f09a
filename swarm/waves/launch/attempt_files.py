"""The files of an attempt: `record.json` and `events.jsonl`."""

import json
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from swarm.files import is_in_place, write_whole
from swarm.runtimes import journal
from swarm.runtimes.redaction import Redactor
from swarm.runtimes.runtime import StepResult
from swarm.store import attempts
from swarm.store.attempts import Attempt, Ending
from swarm.workspace import workspace_above

NAME: Final = "record.json"
PATCH: Final = "diff.patch"
ARTIFACTS: Final = (NAME, "stdout.log", "stderr.log", journal.NAME, PATCH)
_MOST_PATCH_BYTES: Final = 8 * 1024 * 1024
SCHEMA: Final = "swarm.attempt-record/v1"


def is_in_place_of_attempt(folder: Path) -> bool:
    """Say whether an attempt's folder is where launch made it: an agent may put a link there, or above it."""
    return is_in_place(folder, workspace_above(folder.parent))


def write(file: Path, conn: sqlite3.Connection, attempt_id: int) -> None:
    """Write the record of an attempt, as the database holds it; `schemas/attempt-record.schema.json` is its form."""
    # From the database, never from memory: a record that is written again must equal the first.
    attempt = attempts.find(conn, attempt_id)
    if attempt is not None and is_in_place_of_attempt(file.parent):
        write_whole(file, json.dumps(record_of(attempt), indent=1, ensure_ascii=False) + "\n")


def record_of(attempt: Attempt) -> dict[str, Any]:
    """Return the record of an attempt, as the database holds it."""
    started, _, boot = (attempt.pid_start or "").partition(" ")
    return {
        "schema": SCHEMA,
        # The class of the end; `result.raw_exit_code` is the program's own code.
        "exit_code": attempt.exit_class,
        "outcome": attempt.outcome,
        "duration_ms": attempt.duration_ms,
        "attempt_id": attempt.id,
        "agent_run_id": attempt.agent_run_id,
        "ordinal": attempt.ordinal,
        "lineage": {"parent": attempt.parent_id},
        "plan": {
            "runtime": attempt.runtime,
            "version": attempt.runtime_version,
            "argv": list(attempt.argv),
        },
        "isolation": {
            "backend": attempt.isolation,
            "reason": attempt.isolation_reason,
            "policy": attempt.policy,
        },
        "process": {
            "pid": attempt.pid,
            "started": started or None,
            "boot": boot or None,
            "host": attempt.host,
            "spawned": attempt.spawned,
            "first_output": attempt.first_output,
            "last_progress": attempt.last_progress,
            "ended": attempt.ended,
        },
        "result": {
            "raw_exit_code": attempt.exit_code,
            "signal": attempt.signal,
            "exit_class": attempt.exit_class,
            "error_code": attempt.error_code,
            "error_fragment": attempt.error_fragment,
        },
        "stall_reason": attempt.stall_reason,
        "session": attempt.session or None,
        "cost_usd": None if attempt.cost_microusd is None else attempt.cost_microusd / 1_000_000,
        "recovery": attempt.recovery or None,
    }


def write_patch(folder: Path, patch: bytes) -> None:
    """Write the changes that an attempt made in its tree, up to a bound and without secrets."""
    if patch and is_in_place_of_attempt(folder):
        text = patch[:_MOST_PATCH_BYTES].decode("utf-8", "surrogateescape")
        write_whole(folder / PATCH, Redactor(os.environ).clean(text))


def write_events(folder: Path, ending: Ending, steps: Sequence[StepResult] = ()) -> None:
    """Write the attempt's own events, one JSON object a line: after those of its agent's stream, where there is one."""
    if not is_in_place_of_attempt(folder):
        return
    file = folder / journal.NAME
    has_journal = file.is_file() and not file.is_symlink()
    events: list[dict[str, object]] = []
    if ending.spawned and not has_journal:
        events.append({"ts": ending.spawned, "event": "spawned"})
    if ending.first_output and not has_journal:
        events.append({"ts": ending.first_output, "event": "first_output"})
    events += [
        {
            "ts": ending.last_progress,
            "event": "step_ended",
            "log": result.step.log,
            "exit_code": result.exit_code,
        }
        for result in steps
    ]
    events.append({"ts": ending.last_progress, "event": "ended", "outcome": ending.outcome})
    body = "".join(json.dumps(event) + "\n" for event in events)
    # Written whole, as a file that others read must be; the bound of a journal bounds what is read.
    before = file.read_text(encoding="utf-8", errors="replace") if has_journal else ""
    write_whole(file, before + body)
