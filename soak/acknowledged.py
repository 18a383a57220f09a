"""Rows that an answer acknowledges: they must be in the database from then on."""

from collections.abc import Callable
from typing import NamedTuple

from soak.calls import Answer

_EVENT = "SELECT 1 FROM events WHERE reason = ?"


class Written(NamedTuple):
    """Rows that an answer says are there: a query, and how many rows it must find."""

    what: str
    query: str
    values: tuple[object, ...]
    count: int = 1


def acknowledged(answer: Answer, token: str) -> list[Written]:
    """Return what must be in the file after an answer; `token` is the reason that was given."""
    found = _TOLD.get(answer.argv[0])
    return found(answer, token) if found is not None and answer.is_done else []


def _decided(answer: Answer, token: str) -> list[Written]:
    return [Written(answer.argv[0], _EVENT, (token,), len(answer.data["changed"]))]


def _leased(answer: Answer, token: str) -> list[Written]:
    return [Written("lease", f"{_EVENT} AND kind = 'lease_decided'", (token,))] if answer.data["changed"] else []


def _dispatched(answer: Answer, _: str) -> list[Written]:
    data = answer.data
    row = (data["waveId"], data["runId"], data["waveNumber"])
    agents = [(agent["agentRunId"], data["waveId"]) for agent in data["agents"]]
    return [
        Written("wave", "SELECT 1 FROM waves WHERE id = ? AND run_id = ? AND number = ?", row),
        *(Written("agent run", "SELECT 1 FROM agent_runs WHERE id = ? AND wave_id = ?", agent) for agent in agents),
    ]


def _launched(answer: Answer, _: str) -> list[Written]:
    attempts = (attempt for agent in answer.data["agents"] for attempt in agent["attempts"])
    ended = [(attempt["id"], attempt["outcome"]) for attempt in attempts if attempt["outcome"] is not None]
    return [Written("attempt", "SELECT 1 FROM attempts WHERE id = ? AND outcome = ?", item) for item in ended]


def _merged(answer: Answer, _: str) -> list[Written]:
    row = tuple(answer.data[name] for name in ("waveId", "commit", "ref"))
    where = "SELECT 1 FROM merges WHERE wave_id = ? AND commit_sha = ? AND ref = ?"
    return [Written("merge", where, row)] if answer.data["commit"] else []


def _verified(answer: Answer, _: str) -> list[Written]:
    return [Written("verify", "SELECT 1 FROM receipts WHERE id = ?", (answer.data["receiptId"],))]


def _advanced(answer: Answer, _: str) -> list[Written]:
    row = tuple(answer.data[name] for name in ("runId", "fromPhase", "toPhase"))
    where = "SELECT 1 FROM promotions WHERE run_id = ? AND from_phase = ? AND to_phase = ?"
    return [Written("advance", where, row)] if answer.data["promoted"] else []


def _cleaned(answer: Answer, token: str) -> list[Written]:
    is_done = answer.data["applied"] and answer.data["removable"]
    return [Written("clean", f"{_EVENT} AND kind = 'cleaned'", (token,))] if is_done else []


def _resumed(answer: Answer, token: str) -> list[Written]:
    return [Written("resume", f"{_EVENT} AND kind = 'wave_taken_up'", (token,))] if answer.data["applied"] else []


def _made(answer: Answer, _: str) -> list[Written]:
    return [Written("run", "SELECT 1 FROM runs WHERE id = ?", (answer.data["runId"],))]


def _set(answer: Answer, _: str) -> list[Written]:
    if "--set-timeout" not in answer.argv:
        return []
    seconds = answer.argv[answer.argv.index("--set-timeout") + 1]
    where = "SELECT 1 FROM events WHERE kind = 'run_timeout_set' AND to_state = ?"
    return [Written("time-out", where, (f"{seconds}s",))]


def _mapped(answer: Answer, token: str) -> list[Written]:
    if "--unfreeze" in answer.argv and answer.data["changed"]:
        return [Written("map", _EVENT, (token,))]
    return [Written("domain", "SELECT 1 FROM domains WHERE name = ?", (token,))] if "--add" in answer.argv else []


_TOLD: dict[str, Callable[[Answer, str], list[Written]]] = {
    **dict.fromkeys(("approve", "defer", "reject", "reopen", "close"), _decided),
    "lease": _leased,
    "dispatch": _dispatched,
    "launch": _launched,
    "merge": _merged,
    "verify": _verified,
    "advance": _advanced,
    "clean": _cleaned,
    "resume": _resumed,
    "init": _made,
    "runs": _set,
    "domains": _mapped,
}
