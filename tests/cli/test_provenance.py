"""`ingest --provenance`: submissions taken on trust outside of CI, and confirmed by the API of GitHub."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from swarm.evidence.records import github_api
from tests.cli.scenes.snapshots import nothing_changes
from tests.cli.scenes.submissions import SHA, SUBMISSION, Archive, submission

TOKEN = "ghs_a-token-of-the-test"
RUN = {
    "id": 123,
    "status": "completed",
    "conclusion": "success",
    "head_sha": SHA,
    "head_branch": "main",
    "run_attempt": 1,
    "name": "Dogfood",
    "path": ".github/workflows/dogfood.yml@refs/heads/main",
    "html_url": "https://github.com/org/repo/actions/runs/123",
    "repository": {"full_name": "Org/Repo"},
}
Answered = Callable[[BaseHTTPRequestHandler], None]


def answering(status: int, body: bytes, **headers: str) -> Answered:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@contextmanager
def github(answer: Answered, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str | None]]]:
    """Play the API on the loopback interface; yield the requests, each with the token that came with it."""
    asked: list[tuple[str, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers.get("Authorization")))
            # The client goes away from an answer that is too long or too late.
            with suppress(OSError):
                answer(self)

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{server.server_port}/api/v3/")
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def told(archive: Archive, run: dict[str, Any], what: Any, monkeypatch: pytest.MonkeyPatch, exit: int = 0) -> Any:  # noqa: A002
    with github(answering(200, json.dumps(run).encode()), monkeypatch):
        return archive.ingest(what, "--provenance", "github", exit=exit).data


def test_a_workflow_run_that_github_knows_confirms_a_submission(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    # In CI this is the only provenance.
    monkeypatch.setenv("CI", "true")
    with github(answering(200, json.dumps(RUN).encode()), monkeypatch) as asked:
        answer = archive.ingest(SUBMISSION, "--provenance", "github")
    assert (answer.data["status"], answer.data["provenanceConfirmed"]) == ("accepted", True)
    assert asked == [("/api/v3/repos/org/repo/actions/runs/123", f"Bearer {TOKEN}")]
    written = "".join(file.read_text() for file in archive.root.rglob("*") if file.is_file())
    assert TOKEN not in answer.out + answer.err + written


@pytest.mark.parametrize(
    ("run", "made", "problem"),
    [
        ({"status": "in_progress"}, {}, "the workflow run is not completed"),
        ({"head_sha": "b" * 40}, {}, "the workflow run is of another commit"),
        ({"repository": {"full_name": "org/other"}}, {}, "the workflow run belongs to another repository"),
        ({"repository": None}, {}, "the workflow run belongs to another repository"),
        ({"id": 124}, {}, "the workflow run has another id"),
        ({"head_branch": "fork"}, {}, "the workflow run is of another branch"),
        ({"html_url": "https://github.com/org/repo/actions/runs/9"}, {}, "the workflow run has another address"),
        ({"path": ".github/workflows/lint.yml"}, {}, "the workflow run is of another workflow"),
        ({}, {"attempt": 2}, "the workflow run has no such attempt"),
        ({}, {"provider": "gitlab"}, "source.provider is 'gitlab', and GitHub knows its own runs alone"),
        ({}, {"provider_run_id": "12x"}, "source.provider_run_id is no number of a workflow run"),
    ],
)
def test_a_submission_that_says_other_than_github_is_rejected(
    archive: Archive, run: dict[str, Any], made: dict[str, Any], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = SUBMISSION["source"] | made
    data = told(archive, RUN | run, submission(source=source), monkeypatch, exit=1)
    assert data["rejectionReasons"] == [f"provenance: {problem}"]
    assert (data["verified"], data["provenanceConfirmed"]) == ("fail", False)


def test_a_run_that_github_does_not_know_is_rejected_and_one_that_failed_lowers_the_verdict(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    with github(answering(404, b"{}"), monkeypatch):
        data = archive.ingest(SUBMISSION, "--provenance", "github", exit=1).data
    assert data["rejectionReasons"] == ["provenance: GitHub knows no workflow run 123 of org/repo"]
    data = told(archive, RUN | {"conclusion": "failure"}, SUBMISSION, monkeypatch)
    assert (data["status"], data["verified"]) == ("accepted", "fail")
    assert data["downgradeReasons"] == ["provenance: the workflow run ended 'failure'"]
    strange = {"conclusion": {"a": []}, "name": ["x"], "run_attempt": "x", "head_branch": "main"}
    data = told(archive, RUN | strange, submission(run_id="run-2"), monkeypatch)
    assert data["downgradeReasons"] == ["provenance: the workflow run ended {'a': []}"]


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"[" * 65_536)


def drip(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(b"{")
    handler.wfile.flush()
    handler.rfile.read(1)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (answering(302, b"", Location="http://127.0.0.1:9/stolen"), "it answered with status 302"),
        (answering(403, b"{}"), "it answered with status 403"),
        (answering(500, b"{}"), "it answered with status 500"),
        (answering(200, b"<html>"), "its answer is no JSON: Expecting value: line 1 column 1 (char 0)"),
        (answering(200, b"[" * 100_000), "its answer is no JSON: more than 64 levels of nesting"),
        (answering(200, b"[]"), "its answer is no JSON object"),
        (endless, "its answer is longer than 1,048,576 bytes"),
        (drip, "no whole answer came within 30 s"),
        (lambda handler: handler.wfile.write(b"no HTTP\r\n"), "no HTTP\r\n"),
    ],
)
def test_an_api_that_says_nothing_usable_leaves_a_submission_unjudged(
    archive: Archive, answer: Answered, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if answer is drip:
        monkeypatch.setattr(github_api, "SECONDS", 0.2)
    monkeypatch.setenv("GH_TOKEN", TOKEN)
    with github(answer, monkeypatch) as asked, nothing_changes(archive.root):
        found = archive.ingest(SUBMISSION, "--provenance", "github", exit=2)
    error = found.document["error"]
    assert (error["code"], error["problem"], len(asked)) == ("PROVENANCE_UNREACHABLE", problem, 1)
    assert TOKEN not in found.out + found.err


@pytest.mark.parametrize(
    "base",
    [
        "http://github.example",
        "ftp://github.example",
        "https://a:b@github.example",
        "https://",
        "https://x:99999999",
        "x",
    ],
)
def test_a_token_is_sent_to_no_address_at_which_others_could_read_it(
    archive: Archive, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("GITHUB_API_URL", base)
    with nothing_changes(archive.root):
        error = archive.ingest(SUBMISSION, "--provenance", "github", exit=2).document["error"]
    assert error["code"] == "PROVENANCE_UNREACHABLE"


def test_a_token_with_a_line_break_is_not_sent(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "a\r\nX-Other: b")
    with github(answering(200, b"{}"), monkeypatch) as asked:
        found = archive.ingest(SUBMISSION, "--provenance", "github", exit=2)
    assert (asked, "X-Other" in found.out) == ([], False)
