"""`export`: the waves and attempts of a run as spans, in a file or sent to an endpoint."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from swarm import errors
from swarm.files import refuse_target, write_stream
from swarm.results.export import AttemptSpan, ExportResult, WaveSpan
from swarm.runtimes.analyzer_table import table
from swarm.store import agent_runs, attempts, waves
from swarm.store.attempts import Attempt
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.export.endpoint import Endpoint, send

# Makes the texts of spans; a file of them begins with the second.
Form = tuple[Callable[[Iterable[WaveSpan]], Iterator[str]], str]


def export(store: Store, run: Run, number: int | None, target: Path | Endpoint, form: Form) -> ExportResult:
    """Write the spans of a run, or of one wave, to a file, a JSON text on each line, or send them to an endpoint.

    Raises WaveNotFound, OutputNotWritable, ExportUnreachable, ExportRefused.
    """
    requests, begins = form
    if isinstance(target, Path):
        refuse_target(target, store.path, begins=begins)
    with store.snapshot() as conn:
        found = _waves(conn, run, number)
        spans, still_open = [], 0
        for wave in found:
            own, unfinished = _span_of(conn, run, wave)
            still_open += unfinished
            spans += [own] if own is not None else []
    texts = list(requests(spans))
    rejected, reason = 0, None
    if isinstance(target, Path):
        write_stream(target, (f"{text}\n" for text in texts))
    else:
        for text in texts:
            refused, said = send(target, text)
            rejected, reason = rejected + refused, reason or said
    return ExportResult(
        run_id=run.id,
        target=str(target) if isinstance(target, Path) else target.shown,
        waves=len(spans),
        attempts=sum(len(wave.attempts) for wave in spans),
        still_open=still_open,
        rejected=rejected,
        reason=reason,
    )


def _waves(conn: sqlite3.Connection, run: Run, number: int | None) -> list[Wave]:
    if number is None:
        return waves.all_of(conn, run.id)
    wave = waves.numbered(conn, run.id, number)
    if wave is None:
        raise errors.WaveNotFound(run_id=run.id, number=number)
    return [wave]


def _span_of(conn: sqlite3.Connection, run: Run, wave: Wave) -> tuple[WaveSpan | None, int]:
    """Return a wave with its attempts that ended, `None` while the wave is in flight, and the number of open ones."""
    every = [attempt for own in attempts.of_wave(conn, wave.id).values() for attempt in own]
    if wave.ended is None:
        # The root of a trace has an end, and half a trace would never be made whole.
        return None, len(every)
    domains = {agent.id: agent.domain for agent in agent_runs.all_of(conn, wave.id)}
    ended = [_attempt_span(domains[attempt.agent_run_id], attempt) for attempt in every if attempt.ended]
    span = WaveSpan(
        run_id=run.id,
        repo=run.repo,
        wave_id=wave.id,
        number=wave.number,
        phase=wave.phase.value,
        status=wave.status.value,
        is_review=wave.is_review,
        started=wave.dispatched,
        ended=wave.ended,
        attempts=tuple(ended),
    )
    return span, len(every) - len(ended)


def _attempt_span(domain: str, attempt: Attempt) -> AttemptSpan:
    session = attempt.session
    # Neither the command line nor the last words: both may hold what its user would not send to another machine.
    return AttemptSpan(
        attempt_id=attempt.id,
        after=attempt.parent_id,
        agent_run_id=attempt.agent_run_id,
        domain=domain,
        runtime=attempt.runtime,
        version=attempt.runtime_version,
        is_agent=bool(session) or not _is_analyzer(attempt.runtime),
        started=attempt.spawned or attempt.created,
        ended=attempt.ended or attempt.created,
        ordinal=attempt.ordinal,
        outcome=attempt.outcome or "",
        error=None if attempt.outcome == "success" else attempt.error_code or attempt.outcome,
        exit_code=attempt.exit_code,
        stall_reason=attempt.stall_reason,
        isolation=attempt.isolation,
        session_id=session.get("sessionId"),
        model=session.get("modelAnswered"),
        model_asked=session.get("modelAsked"),
        tokens_in=session.get("tokensIn"),
        tokens_out=session.get("tokensOut"),
        turns=session.get("turns"),
        tools=session.get("tools"),
        cost_usd=None if attempt.cost_microusd is None else attempt.cost_microusd / 1_000_000,
    )


def _is_analyzer(runtime: str) -> bool:
    return {"ruff", *table().rows}.issuperset(runtime.split(","))
