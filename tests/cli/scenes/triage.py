"""Three findings, with their statuses, rows and decisions."""

import json
import sqlite3
from typing import Any

from tests.conftest import Swarm, Workspace

LOAD = {"severity": "HIGH", "file": "src/app.py", "line": 5, "quote": "def load(path, seen=[]):", "symbol": "load"}
EVAL = {
    "severity": "CRITICAL",
    "file": "src/tool.py",
    "line": 5,
    "quote": "    return eval('1')",
    "category": "security",
    "rule_id": "S307",
}
DOCS = {"severity": "LOW", "category": "docs", "description": "Nothing says how to run it."}
EVIDENCE = ("--reason", "it is gone", "--evidence", "read the code")


def found(swarm: Swarm) -> dict[str, dict[str, Any]]:
    """Return every finding by what it is about."""
    listed = swarm("findings", "--status", "all", "--format", "json", exit=None).data["findings"]
    return {finding["ruleId"] or finding["category"]: finding for finding in listed}


def ids(swarm: Swarm, *about: str) -> str:
    return ",".join(found(swarm)[name]["findingId"] for name in about)


def statuses(swarm: Swarm) -> dict[str, str]:
    return {name: finding["status"] for name, finding in found(swarm).items()}


def wave(swarm: Swarm, workspace: Workspace, number: int, *code: dict[str, Any], rest: tuple[Any, ...] = ()) -> Any:
    """Dispatch and collect a further wave that reports these findings."""
    swarm("dispatch", "health-audit-a", "--isolate")
    workspace.answer("code", *code, wave=number)
    workspace.answer("rest", *rest, wave=number)
    return swarm("collect", "--format", "json").data


def decisions(workspace: Workspace) -> list[dict[str, Any]]:
    """Return the decisions of the ledger, oldest first."""
    with sqlite3.connect(workspace.db) as conn:
        rows = conn.execute(
            "SELECT from_state, to_state, reason, payload FROM events WHERE kind = 'finding_decided' ORDER BY seq"
        ).fetchall()
    conn.close()
    return [{"from": a, "to": b, "reason": c, **json.loads(d)} for a, b, c, d in rows]


def row(workspace: Workspace, finding_id: str, *columns: str) -> tuple[Any, ...]:
    with sqlite3.connect(workspace.db) as conn:
        (values,) = conn.execute(f"SELECT {', '.join(columns)} FROM findings WHERE finding_id = ?", (finding_id,))
    conn.close()
    return tuple(values)
