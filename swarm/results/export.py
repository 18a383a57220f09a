"""Records of `export`."""

from typing import NamedTuple


class AttemptSpan(NamedTuple):
    """A process that ended, as a span; times are ISO-8601. `is_agent` is false for an analyzer."""

    attempt_id: int
    after: int | None
    agent_run_id: int
    domain: str
    runtime: str
    version: str | None
    is_agent: bool
    started: str
    ended: str
    ordinal: int
    outcome: str
    error: str | None
    exit_code: int | None
    stall_reason: str | None
    isolation: str
    session_id: str | None
    model: str | None
    model_asked: str | None
    tokens_in: int | None
    tokens_out: int | None
    turns: int | None
    tools: int | None
    cost_usd: float | None


class WaveSpan(NamedTuple):
    """A wave as the root of its own trace, with its attempts that ended."""

    run_id: str
    repo: str
    wave_id: int
    number: int
    phase: str
    status: str
    is_review: bool
    started: str
    ended: str
    attempts: tuple[AttemptSpan, ...]


class ExportResult(NamedTuple):
    """Spans that were written. `still_open` counts attempts that have not ended, which a later export holds.

    `rejected` counts spans that an endpoint did not take, with its reason.
    """

    run_id: str
    target: str
    waves: int
    attempts: int
    still_open: int
    rejected: int = 0
    reason: str | None = None
