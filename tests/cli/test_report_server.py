"""`swarm report --serve`: the page and its changes, for who knows its address, and for nobody else."""

import asyncio
import contextlib
import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from swarm.page_server.answers import Findings, Shown, in_a_file
from swarm.page_server.requests import Address, RequestRefused, place_of, request_of
from swarm.page_server.server import PageServer
from tests.cli.scenes.documents import valid
from tests.cli.scenes.launched_agents import LONG, eventually
from tests.conftest import Answer, Repo, Swarm, Workspace

HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "connection": "close",
}


class Served:
    """A server of the page, and requests to it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        self.document = json.loads(process.stdout.readline())
        url = urlsplit(self.document["data"]["url"])
        self.port, self.folder = url.port or 0, url.path

    def ask(
        self, path: str = "", method: str = "GET", body: str | None = None, **headers: str
    ) -> http.client.HTTPResponse:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONG)) as connection:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path if path.startswith("/") else self.folder + path, body, named)
            answer = connection.getresponse()
            answer.whole = b"" if path == "changes" else answer.read()  # type: ignore[attr-defined]
            return answer

    def raw(self, content: bytes) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=LONG)
        connection.sendall(content)
        return connection

    def changes(self, last: str = "") -> Iterator[dict[str, str | None]]:
        """Yield the events of the page, each with its id."""
        head = f"GET {self.folder}changes HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nLast-Event-ID: {last}\r\n\r\n"
        with self.raw(head.encode()) as connection, connection.makefile("r", encoding="utf-8") as lines:
            found = {}
            for line in lines:
                name, _, value = line.rstrip("\n").partition(": ")
                found[name] = value
                if not line.strip() and "data" in found:
                    yield {"event": found["event"], "id": found["id"], **json.loads(found.pop("data"))}


@pytest.fixture
def serve(repo: Repo) -> Iterator[Callable[..., Served]]:
    """Serve the page of the newest run; the server is killed when the test ends."""
    with contextlib.ExitStack() as started:

        def start(*words: str, **environment: str) -> Served:
            process = subprocess.Popen(
                [sys.executable, "-m", "swarm", "report", "--serve", "--json", *words],
                cwd=repo.root,
                env={**os.environ, **environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            started.enter_context(process)
            started.callback(process.kill)
            return Served(process)

        yield start


def body_of(answer: http.client.HTTPResponse) -> bytes:
    found: bytes = answer.whole  # type: ignore[attr-defined]
    return found


def test_the_page_follows_the_run_for_who_knows_its_address(
    swarm: Swarm, dispatched: Workspace, serve: Callable[..., Served]
) -> None:
    served = serve()
    assert served.document["data"] == {
        "runId": dispatched.run,
        "url": f"http://127.0.0.1:{served.port}{served.folder}",
        "port": served.port,
    }
    assert valid(Answer(0, json.dumps(served.document) + "\n", ""), "report", 0) == served.document["data"]
    page = served.ask()
    policy = page.headers["content-security-policy"]
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert {name: page.headers[name] for name in HEADERS} == HEADERS
    assert {"default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'"} <= set(policy.split("; "))
    assert policy.removesuffix("; frame-ancestors 'none'") in body_of(page).decode()
    assert json.loads(body_of(served.ask("findings")))["rows"] == []
    changes = served.changes()
    first = next(changes)
    dispatched.answer("code", {"file": "src/app.py", "line": 5, "quote": "def load(path, seen=[]):"})
    dispatched.answer("rest")
    swarm("collect")
    # A launch or a wave may be seen between two commits, so several events can come.
    second = next(change for change in changes if change["findings"] != first["findings"])
    whole = served.ask("findings/" + "0" * 16)
    (row,) = json.loads(body_of(whole))["rows"]
    assert (row[7], whole.headers["etag"]) == ("src/app.py", f'"{second["findings"]}"')
    # Who has the findings of a moment ago gets what came and went since then, and the name of what it has now.
    swarm("defer", row[0], "--reason", "later")
    third = next(change for change in changes if change["findings"] != second["findings"])
    step = served.ask(f"findings/{second['findings']}")
    (deferred,) = json.loads(body_of(step))["steps"]
    assert (deferred["gone"], deferred["at"], deferred["rows"][0][0]) == ([0, 1], [0, 1], row[0])
    assert (deferred["total"], step.headers["etag"]) == (1, f'"{third["findings"]}"')
    # A page that was away hears of what it missed, and of nothing that it knows.
    assert next(served.changes(str(first["id"]))) | {"id": ""} == next(served.changes()) | {"id": ""}
    dispatched.db.rename(aside := dispatched.db.with_name("aside"))
    lost = next(change for change in changes if change["problem"])
    assert str(lost["problem"]).startswith("No control plane at ")
    assert (lost["shell"], lost["findings"]) == (next(served.changes())["shell"], third["findings"])
    assert served.ask().status == HTTPStatus.OK
    aside.rename(dispatched.db)
    assert next(changes)["problem"] is None
    # It ends at once, though a page is open, and tells the page.
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(LONG) == 0
    assert [change["event"] for change in changes] == ["over"]
    assert served.process.stderr is not None
    assert served.process.stderr.read() == ""


def test_nobody_else_gets_anything(workspace: Workspace, serve: Callable[..., Served]) -> None:
    served = serve()
    assert workspace.db.exists()
    token = served.folder.strip("/")
    other = f"127.0.0.1:{served.port + 1}"
    asked = {
        "another token": served.ask(f"/{token[:-1]}!/"),
        "a part of the token": served.ask(f"/{token[:-1]}/"),
        "no token": served.ask("/"),
        "a file": served.ask("../../swarm.toml"),
        "a file, escaped": served.ask("%2e%2e/swarms/control-plane.db"),
        "another name": served.ask("", Host="evil.example"),
        "another port": served.ask("", Host=other),
        "another site": served.ask("", Origin="http://evil.example"),
        "a page of another server here": served.ask("findings", Origin=f"http://{other}"),
        "a frame of another site": served.ask(
            "", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="iframe"
        ),
        "a request of another site": served.ask("findings", Sec_Fetch_Site="same-site", Sec_Fetch_Mode="cors"),
        "a write": served.ask("", "POST", "a=b"),
        "a write of nothing": served.ask("", "DELETE"),
        "an option": served.ask("", "OPTIONS"),
    }
    assert {name: answer.status for name, answer in asked.items()} == {
        **dict.fromkeys(("another token", "a part of the token", "no token", "a file", "a file, escaped"), 404),
        **dict.fromkeys(("another name", "another port"), 421),
        **dict.fromkeys(("another site", "a page of another server here", "a frame of another site"), 403),
        "a request of another site": 403,
        "a write": 413,
        "a write of nothing": 405,
        "an option": 405,
    }
    for answer in asked.values():
        assert body_of(answer).decode() == f"{HTTPStatus(answer.status).phrase}\n"
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert "access-control-allow-origin" not in answer.headers
    head = served.ask("findings", "HEAD")
    assert (head.status, body_of(head), int(head.headers["content-length"]) > 100) == (200, b"", True)
    # A link that somebody clicks, and the file that --open opens.
    visit = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}
    assert served.ask("", **visit).status == HTTPStatus.OK


def test_clients_that_flood_or_stall_keep_nobody_out(workspace: Workspace, serve: Callable[..., Served]) -> None:
    served = serve()
    assert workspace.db.exists()
    with contextlib.ExitStack() as opened:
        giant = opened.enter_context(served.raw(b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000))
        assert giant.recv(65536).startswith(b"HTTP/1.1 431 ")
        idle = [opened.enter_context(served.raw(b"" if number % 2 else b"GET / HT")) for number in range(200)]
        assert served.ask().status == HTTPStatus.OK
        # The oldest made room.
        idle[0].settimeout(LONG)
        assert idle[0].recv(1) == b""
        # Pages that are open are bounded, and told so.
        streams = [opened.enter_context(contextlib.closing(served.changes())) for _ in range(16)]
        assert {str(next(stream)["problem"]) for stream in streams} == {"None"}
        assert served.ask("changes").status == HTTPStatus.SERVICE_UNAVAILABLE
        # A reader that takes nothing is no reason to wait at the end.
        opened.enter_context(
            served.raw(f"GET {served.folder} HTTP/1.1\r\nHost: localhost:{served.port}\r\n\r\n".encode())
        )
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(LONG) == 0


@pytest.mark.sweep
def test_a_request_that_does_not_end_is_let_go_at_its_deadline(
    workspace: Workspace, serve: Callable[..., Served]
) -> None:
    served = serve()
    assert workspace.db.exists()
    with served.raw(b"GET / HTTP/1.1\r\nHost: ") as connection:
        assert connection.recv(1) == b""


def test_a_browser_is_sent_there_by_a_file_that_only_its_user_can_read(
    workspace: Workspace, serve: Callable[..., Served], tmp_path: Path
) -> None:
    note = tmp_path / "opened"
    served = serve("--open", BROWSER=f"{sys.executable} -c \"import sys; open('{note}', 'w').write(sys.argv[1])\" %s")
    file = workspace.folder / workspace.run / "report-open.html"
    assert eventually(lambda: note.exists() and note.read_text() == file.as_uri())
    assert f"url={served.document['data']['url']}" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(LONG) == 0
    assert not file.exists()


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("-o", "page.html", "--serve"),
        ("-o", "page.html", "--port", "4711"),
        ("-o", "page.html", "--open"),
        ("--serve", "-q"),
        ("--serve", "--port", "0"),
        ("--serve", "--port", "65536"),
    ],
)
def test_a_call_that_names_no_page_or_two_is_refused(
    swarm: Swarm, workspace: Workspace, words: tuple[str, ...]
) -> None:
    assert swarm("report", *words, exit=2).code == "CLI_USAGE"


def test_a_page_of_any_size_comes_whole_from_its_file() -> None:
    page = in_a_file("text/html", map(str, range(200_000)))

    problems: list[object] = []

    async def read() -> bytes:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: problems.append(context))
        server, over = PageServer("default-src 'none'", Shown(page, Findings(page))), loop.create_future()
        ready = asyncio.Event()
        serving = asyncio.create_task(server.serve(0, lambda _: ready.set(), over))
        await ready.wait()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.address.port)
        head = f"GET /{server.address.token}/ HTTP/1.1\r\nHost: localhost:{server.address.port}\r\n\r\n"
        writer.write(head.encode())
        whole = await reader.read()
        writer.close()
        over.set_result(None)
        await serving
        return whole

    assert asyncio.run(read()).endswith(b"\r\n\r\n" + "".join(map(str, range(200_000))).encode())
    assert problems == []


LINE = b"GET /token/ HTTP/1.1\r\n"
HOST = b"Host: 127.0.0.1:80\r\n"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (LINE + HOST, None),
        (b"GET /token/?a=b HTTP/1.0\r\nhost:LOCALHOST:80 \r\n", None),
        (LINE, 421),
        (LINE + HOST + HOST, 400),
        (LINE + HOST + b" folded\r\n", 400),
        (LINE + HOST + b"a b: c\r\n", 400),
        (LINE + HOST + b"a: \0\r\n", 400),
        (LINE + HOST + b"a : b\r\n", 400),
        (LINE + HOST + b"a:" + b" " * 8000 + b"\0\r\n", 400),
        (LINE + HOST + b" " * 8000 + b"\r\n", 400),
        (LINE + HOST + b"a" * 8000 + b"\r\n", 400),
        (b"GET /" + b"?" * 8000 + b"\xff HTTP/1.1\r\n" + HOST, 400),
        (LINE + HOST + b"a\r\n", 400),
        (LINE + HOST + b"Transfer-Encoding: chunked\r\n", 413),
        (LINE + HOST + b"Content-Length: 1\r\n", 413),
        (LINE + HOST + b"Content-Length: 0\r\n", None),
        (b"GET http://127.0.0.1:80/token/ HTTP/1.1\r\n" + HOST, 400),
        (b"GET /token/ HTTP/2\r\n" + HOST, 400),
        (b"GET /token/\r\n" + HOST, 400),
        (b"GET  /token/ HTTP/1.1\r\n" + HOST, 400),
        (b"GET /token HTTP/1.1\r\n" + HOST, 404),
        (b"GET //token/ HTTP/1.1\r\n" + HOST, 404),
        (b"GET /token/\xff HTTP/1.1\r\n" + HOST, 400),
        (b"GET /t%6fken/ HTTP/1.1\r\n" + HOST, 404),
        (b"\x16\x03\x01\x02\x00\r\n", 400),
    ],
)
def test_a_request_is_read_strictly(head: bytes, status: int | None) -> None:
    refusal = pytest.raises(RequestRefused) if status else contextlib.nullcontext()
    with refusal as refused:
        assert place_of(request_of(head + b"\r\n"), Address(80, "token")) == ""
    assert (refused.value.status if refused else None) == status
