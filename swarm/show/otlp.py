"""Waves and attempts as traces: OTLP in its JSON encoding, by OpenTelemetry's conventions for generative AI.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding: ids are hexadecimal, 64-bit numbers are strings, enums
are numbers. The encoding is written here: an SDK makes spans of what happens now, with ids of its own, and these ended.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from swarm import __version__
from swarm.results.export import AttemptSpan, WaveSpan

BEGINS: Final = '{"resourceSpans": ['
_MOST_SPANS: Final = 500
_INTERNAL: Final = 1
_CLIENT: Final = 3
_OK: Final = 1
_FAILED: Final = 2
# Names that the conventions give to providers, by the runtime; of others the runtime itself is named.
_PROVIDERS: Final = {
    **dict.fromkeys(("claude", "claude-agent-acp"), "anthropic"),
    **dict.fromkeys(("codex", "codex-acp"), "openai"),
    "gemini": "gcp.gemini",
}


def requests(waves: Iterable[WaveSpan]) -> Iterator[str]:
    """Yield the traces of waves, at most some hundred spans in each JSON text."""
    for wave in waves:
        spans = [_root(wave), *(_attempt(wave, attempt) for attempt in wave.attempts)]
        for start in range(0, len(spans), _MOST_SPANS):
            yield json.dumps(_request(wave, spans[start : start + _MOST_SPANS]), ensure_ascii=False)


def _request(wave: WaveSpan, spans: list[dict[str, Any]]) -> dict[str, Any]:
    resource = {"service.name": "swarm", "service.version": __version__, "swarm.repository": wave.repo}
    scope = {"scope": {"name": "swarm", "version": __version__}, "spans": spans}
    return {"resourceSpans": [{"resource": {"attributes": _attributes(resource)}, "scopeSpans": [scope]}]}


def _root(wave: WaveSpan) -> dict[str, Any]:
    name = f"{wave.phase}{' review' if wave.is_review else ''}"
    attributes = {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": name,
        "swarm.run.id": wave.run_id,
        "swarm.wave.number": wave.number,
        "swarm.wave.status": wave.status,
    }
    return {
        **_span(wave, _span_id(wave, "wave"), f"invoke_workflow {name}", wave.started, wave.ended, attributes),
        "kind": _INTERNAL,
        "status": {"code": _FAILED} if wave.status == "failed" else {},
    }


def _attempt(wave: WaveSpan, attempt: AttemptSpan) -> dict[str, Any]:
    own = _of_agent(attempt) if attempt.is_agent else _of_tool(attempt)
    attributes = {
        **own,
        "error.type": attempt.error,
        "swarm.run.id": wave.run_id,
        "swarm.wave.number": wave.number,
        "swarm.domain": attempt.domain,
        "swarm.attempt.id": attempt.attempt_id,
        "swarm.attempt.ordinal": attempt.ordinal,
        "swarm.attempt.outcome": attempt.outcome,
        "swarm.runtime": attempt.runtime,
        "swarm.runtime.version": attempt.version,
        "swarm.sandbox": attempt.isolation,
        "swarm.stall": attempt.stall_reason,
        "process.exit.code": attempt.exit_code,
    }
    name = f"{own['gen_ai.operation.name']} {attempt.domain if attempt.is_agent else attempt.runtime}"
    span = _span(wave, _span_id(wave, attempt.attempt_id), name, attempt.started, attempt.ended, attributes)
    return {
        **span,
        "parentSpanId": _span_id(wave, "wave"),
        "kind": _CLIENT if attempt.is_agent else _INTERNAL,
        "status": {"code": _OK} if attempt.error is None else {"code": _FAILED, "message": attempt.error},
        # The attempt that this one goes on from.
        **({"links": [_link(wave, attempt.after)]} if attempt.after is not None else {}),
    }


def _of_agent(attempt: AttemptSpan) -> dict[str, Any]:
    return {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": _PROVIDERS.get(attempt.runtime, attempt.runtime),
        "gen_ai.agent.id": str(attempt.agent_run_id),
        "gen_ai.agent.name": attempt.domain,
        "gen_ai.conversation.id": attempt.session_id,
        "gen_ai.request.model": attempt.model_asked,
        "gen_ai.response.model": attempt.model,
        "gen_ai.usage.input_tokens": attempt.tokens_in,
        "gen_ai.usage.output_tokens": attempt.tokens_out,
        "swarm.turns": attempt.turns,
        "swarm.tools": attempt.tools,
        "swarm.cost.usd": attempt.cost_usd,
    }


def _of_tool(attempt: AttemptSpan) -> dict[str, Any]:
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": attempt.runtime,
        "gen_ai.tool.type": "extension",
    }


def _span(
    wave: WaveSpan, span_id: str, name: str, started: str, ended: str, attributes: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "traceId": _trace_id(wave),
        "spanId": span_id,
        "name": name,
        "startTimeUnixNano": _nanoseconds(started),
        # A clock that was set back between would make a span end before it began.
        "endTimeUnixNano": _nanoseconds(max(started, ended)),
        "attributes": _attributes(attributes),
    }


def _link(wave: WaveSpan, attempt_id: int) -> dict[str, str]:
    return {"traceId": _trace_id(wave), "spanId": _span_id(wave, attempt_id)}


# Made from what a span is about, and not by chance: a second export brings the same spans, and no second copy of them.
def _trace_id(wave: WaveSpan) -> str:
    return _digest(wave, "trace")[:32]


def _span_id(wave: WaveSpan, of: object) -> str:
    return _digest(wave, of)[:16]


def _digest(wave: WaveSpan, of: object) -> str:
    return hashlib.sha256(f"swarm {wave.run_id} {wave.wave_id} {of}".encode()).hexdigest()


def _nanoseconds(moment: str) -> str:
    # Whole milliseconds: a float of nanoseconds would not be exact.
    return f"{round(datetime.fromisoformat(moment).timestamp() * 1000)}000000"


def _attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in values.items() if value is not None]


def _value(value: object) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case _:
            return {"stringValue": str(value)}
