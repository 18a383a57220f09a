"""Records of `attempts`."""

from typing import Any, NamedTuple


class AttemptShown(NamedTuple):
    """A process that was launched for an agent. `worker` is the one that it ended on, `None` for this machine."""

    id: int
    ordinal: int
    runtime: str
    outcome: str | None
    exit_class: int | None
    exit_code: int | None
    duration_ms: int | None
    stall_reason: str | None
    error_code: str | None
    error_fragment: str | None
    record_path: str
    isolation: str
    isolation_reason: str | None
    policy: str | None
    worker: str | None = None


class AgentAttempts(NamedTuple):
    """An agent of a wave with its attempts, oldest first. Only the selected attempt, a success, feeds `collect`.

    `recovered_from` to `recovery_stall_reason` are of the newest attempt, where it goes on from a stalled or failed
    one: that one, why, the reason of the first stall, and the reason for which the newest attempt stalled itself.
    """

    domain: str
    agent_run_id: int
    status: str
    attempts: tuple[AttemptShown, ...]
    last_progress_at: str | None
    requested_attempt_id: int | None = None
    selected_attempt_id: int | None = None
    attempt_chain: tuple[int, ...] = ()
    recovered_from: int | None = None
    recovery_reason: str | None = None
    original_stall_reason: str | None = None
    recovery_stall_reason: str | None = None


class RecordChecked(NamedTuple):
    """The record file of an attempt held against the database: `same`, `different`, `missing` or `unreadable`."""

    attempt_id: int
    domain: str
    path: str
    state: str


class AttemptsResult(NamedTuple):
    """The agents of a wave with their attempts. `exit_class` is the gravest of the newest attempts.

    `launched` is 0: only `launch` starts processes. `record` is that of the attempt that is shown, as the database
    holds it; `checked` are the record files that were verified.
    """

    run_id: str
    wave_id: int
    wave_number: int
    launched: int
    exit_class: int
    agents: tuple[AgentAttempts, ...]
    next_action: str
    record: dict[str, Any] | None = None
    checked: tuple[RecordChecked, ...] = ()
