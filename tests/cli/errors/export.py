"""Refusals of export: endpoints that cannot be reached, or take nothing."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from tests.cli.errors.refusal import Refusal, refused
from tests.cli.scenes.scene import Scene


@refused
def export_unreachable(scene: Scene) -> Refusal:
    run = scene.collected.run
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}/v1/traces"
    return Refusal(
        ("export", run, "--otel", f"http://127.0.0.1:{port}"),
        f"""[EXPORT_UNREACHABLE]: {url} could not be reached: [Errno 111] Connection refused
  Next: check that an endpoint of OTLP over HTTP listens there; `--otel FILE` writes the spans to a file""",
        {"url": url, "problem": "[Errno 111] Connection refused", "cause": "[Errno 111] Connection refused"},
    )


class _Busy(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(401)
        self.end_headers()

    def log_message(self, *words: object) -> None:
        del words


@refused
def export_refused(scene: Scene) -> Refusal:
    run = scene.collected.run
    server = HTTPServer(("127.0.0.1", 0), _Busy)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    scene.finally_(lambda: (server.shutdown(), thread.join(), server.server_close()))
    url = f"http://127.0.0.1:{server.server_port}/v1/traces"
    return Refusal(
        ("export", run, "--otel", url),
        f"""[EXPORT_REFUSED]: {url} answered with status 401, and took no span
  Next: check its path and the headers of OTEL_EXPORTER_OTLP_HEADERS; a second export brings the same spans again""",
        {"url": url, "status": 401},
    )
