"""`swarm export`: attempts as OpenTelemetry spans, in a file and at an endpoint of this machine."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.cli.scenes.documents import valid
from tests.conftest import Repo, Swarm


class Collector:
    """An OTLP endpoint that keeps what it is sent, and answers as it is told to."""

    def __init__(self) -> None:
        self.status, self.body = 200, b"{}"
        self.heard: list[tuple[str, dict[str, str], Any]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                collector.heard.append((self.path, dict(self.headers), json.loads(sent)))
                self.send_response(collector.status)
                # A redirect is not followed: it would carry the headers to another host.
                self.send_header("Location", f"{collector.url}/elsewhere")
                self.end_headers()
                self.wfile.write(collector.body)

            def log_message(self, *words: object) -> None:
                del words

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def test_the_spans_of_a_run_are_written_to_a_file_and_sent_to_an_endpoint(
    swarm: Swarm, repo: Repo, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    swarm("audit", ".", exit=1)
    run = swarm("runs", "--json").data[0]["id"]
    for _ in range(2):
        out = swarm("export", "--otel", "spans.jsonl").out
    assert out.splitlines()[0] == f"Spans of {run}: 1 wave, 5 attempts"
    (line,) = (repo.root / "spans.jsonl").read_text().splitlines()
    spans = json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert [span["name"] for span in spans] == ["invoke_workflow health-audit-a", *["execute_tool ruff"] * 5]
    # No argument of a process, no prompt and no path of this machine.
    assert str(repo.root) not in line
    assert swarm("export", "1", "--otel", "README.md", exit=1).code == "OUTPUT_NOT_WRITABLE"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20secret, x-team=a")
    data = valid(swarm("export", "--otel", collector.url, "--json"), "export", 0)
    assert data == {
        "runId": run,
        "target": f"{collector.url}/v1/traces",
        "waves": 1,
        "attempts": 5,
        "stillOpen": 0,
        "rejected": 0,
        "reason": None,
    }
    ((path, headers, sent),) = collector.heard
    assert (path, sent) == ("/v1/traces", json.loads(line))
    assert (headers["authorization"], headers["x-team"], headers["Content-Type"]) == (
        *("Bearer secret", "a"),
        "application/json",
    )
    collector.body = b'{"partialSuccess": {"rejectedSpans": "2", "errorMessage": "too\\u001b[2J old"}}'
    out = swarm("export", "--otel", f"{collector.url}/own/path", exit=1).out
    assert out.splitlines()[1:] == [
        "⊘ 2 spans not taken by the endpoint: too\\x1b[2J old",
        f"{collector.url}/own/path",
    ]
    collector.status, collector.body = 307, b"not json"
    answer = swarm("export", "--otel", collector.url, exit=1)
    assert (answer.code, len(collector.heard)) == ("EXPORT_REFUSED", 3)
    assert "secret" not in answer.err + answer.out
    collector.status = 204
    assert swarm("export", "--otel", collector.url).out


def test_a_wave_in_flight_is_left_out(swarm: Swarm, repo: Repo) -> None:
    swarm("audit", ".", exit=1)
    swarm("dispatch", "health-audit-a")
    swarm("launch", "--runtime", "ruff")
    answer = swarm("export", "--otel", "spans.jsonl")
    assert answer.out.splitlines()[:2] == [
        f"Spans of {swarm('runs', '--json').data[0]['id']}: 1 wave, 5 attempts",
        "5 attempts of waves in flight left out",
    ]
    assert swarm("export", "2", "--otel", "none.jsonl").out.splitlines()[0].endswith("0 waves, 0 attempts")
    assert swarm("export", "9", "--otel", "none.jsonl", exit=1).code == "WAVE_NOT_FOUND"


@pytest.mark.parametrize(
    ("target", "headers", "problem"),
    [
        ("http://user:secret@127.0.0.1:9/", "", "credentials of an endpoint belong into OTEL_EXPORTER_OTLP_HEADERS"),
        ("http://127.0.0.1:9/?token=secret", "", "credentials of an endpoint belong into OTEL_EXPORTER_OTLP_HEADERS"),
        ("http://", "", "the address names no host"),
        ("http://127.0.0.1:99999/", "", "Port out of range 0-65535"),
        ("http://127.0.0.1:9/a\r\nX: y", "", "--otel"),
        ("grpc://127.0.0.1:4317", "", "--otel takes a file, http:// or https://; got 'grpc://127.0.0.1:4317'"),
        ("http://127.0.0.1:9", "secret", "OTEL_EXPORTER_OTLP_HEADERS is not of the form name=value,name=value"),
        ("http://127.0.0.1:9", "a=secret%0d%0ab: c", "OTEL_EXPORTER_OTLP_HEADERS is not of the form"),
    ],
)
def test_an_address_or_a_header_that_cannot_be_sent_is_refused_without_its_secret(
    swarm: Swarm, monkeypatch: pytest.MonkeyPatch, target: str, headers: str, problem: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", headers)
    answer = swarm("export", "--otel", target, exit=2)
    assert answer.code == "CLI_USAGE"
    assert problem in answer.err
    assert "secret" not in answer.err
