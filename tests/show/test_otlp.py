"""Waves and attempts as OTLP traces: the JSON encoding, the names of the conventions, the same spans each time."""

import json
from typing import Any

from swarm.results.export import AttemptSpan, WaveSpan
from swarm.show.otlp import BEGINS, requests

AGENT = AttemptSpan(
    attempt_id=7,
    after=None,
    agent_run_id=3,
    domain="code",
    runtime="claude",
    version="2.1.197",
    is_agent=True,
    started="2026-01-02T03:04:05.678Z",
    ended="2026-01-02T03:04:06.001Z",
    ordinal=1,
    outcome="success",
    error=None,
    exit_code=0,
    stall_reason=None,
    isolation="bwrap",
    session_id="s-1",
    model="claude-x",
    model_asked=None,
    tokens_in=10,
    tokens_out=2**40,
    turns=3,
    tools=4,
    cost_usd=0.25,
)
FAILED = AGENT._replace(attempt_id=8, after=7, outcome="stalled", error="STALLED", ended="2026-01-01T00:00:00.000Z")
TOOL = AGENT._replace(attempt_id=9, runtime="ruff", is_agent=False)
WAVE = WaveSpan(
    run_id="swarm-1-ab",
    repo="org/name",
    wave_id=5,
    number=2,
    phase="health-audit-a",
    status="collected",
    is_review=False,
    started="2026-01-02T03:04:05.000Z",
    ended="2026-01-02T03:05:00.000Z",
    attempts=(AGENT, FAILED, TOOL),
)


def spans_of(*texts: str) -> list[dict[str, Any]]:
    return [span for text in texts for span in json.loads(text)["resourceSpans"][0]["scopeSpans"][0]["spans"]]


def attributes(holder: dict[str, Any]) -> dict[str, Any]:
    return {item["key"]: next(iter(item["value"].values())) for item in holder["attributes"]}


def test_a_wave_is_a_trace_with_agents_as_agents_and_analyzers_as_tools() -> None:
    (text,) = requests([WAVE])
    assert text.startswith(BEGINS)
    assert attributes(json.loads(text)["resourceSpans"][0]["resource"])["swarm.repository"] == "org/name"
    root, agent, failed, tool = spans_of(text)
    names = ["invoke_workflow health-audit-a", "invoke_agent code", "invoke_agent code", "execute_tool ruff"]
    assert [span["name"] for span in (root, agent, failed, tool)] == names
    assert {span["traceId"] for span in (root, agent, failed, tool)} == {root["traceId"]}
    assert (len(root["traceId"]), len(root["spanId"]), "parentSpanId" in root) == (32, 16, False)
    assert {span["parentSpanId"] for span in (agent, failed, tool)} == {root["spanId"]}
    assert (agent["startTimeUnixNano"], agent["endTimeUnixNano"]) == ("1767323045678000000", "1767323046001000000")
    # A clock that was set back: the span ends when it begins.
    assert failed["endTimeUnixNano"] == failed["startTimeUnixNano"]
    assert failed["status"] == {"code": 2, "message": "STALLED"}
    assert failed["links"] == [{"traceId": root["traceId"], "spanId": agent["spanId"]}]
    assert {key: value for key, value in attributes(agent).items() if key.startswith("gen_ai.")} == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.agent.id": "3",
        "gen_ai.agent.name": "code",
        "gen_ai.conversation.id": "s-1",
        "gen_ai.response.model": "claude-x",
        "gen_ai.usage.input_tokens": "10",
        "gen_ai.usage.output_tokens": str(2**40),
    }
    # A number of 64 bits is a string there, a cost is a number.
    cost = next(item["value"] for item in agent["attributes"] if item["key"] == "swarm.cost.usd")
    assert cost == {"doubleValue": 0.25}
    assert attributes(tool)["gen_ai.tool.name"] == "ruff"
    assert "swarm.cost.usd" not in attributes(tool)


def test_a_second_export_brings_the_same_spans_and_a_large_wave_comes_in_parts() -> None:
    many = WAVE._replace(attempts=tuple(AGENT._replace(attempt_id=number) for number in range(1200)))
    texts = list(requests([many]))
    assert texts == list(requests([many]))
    assert [len(spans_of(text)) for text in texts] == [500, 500, 201]
    assert len({span["spanId"] for span in spans_of(*texts)}) == 1201
    assert spans_of(*requests([WAVE._replace(wave_id=6)]))[0]["traceId"] != spans_of(texts[0])[0]["traceId"]
    assert list(requests([])) == []
