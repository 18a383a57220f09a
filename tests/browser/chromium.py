"""Chromium without a window, driven over its pipe by the DevTools protocol."""

import base64
import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
    "--remote-debugging-pipe",
)


class Tab:
    """A page in the browser. What it writes to its console is kept."""

    def __init__(self, send: int, receive: int) -> None:
        self._send, self._receive = send, receive
        self._rest = b""
        self._number = 0
        self._is_loaded = False
        self._session: dict[str, str] = {}
        self.console: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._session = {"sessionId": session}
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters, **self._session}
        os.write(self._send, json.dumps(message).encode() + b"\0")
        while True:
            found = self._message()
            if found.get("id") == self._number:
                assert "result" in found, found
                result: dict[str, Any] = found["result"]
                return result

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = os.read(self._receive, 1 << 16)
            assert piece, "the browser has ended"
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(line)
        self._is_loaded |= found.get("method") == "Page.loadEventFired"
        if found.get("method") in {"Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"}:
            self.console.append(json.dumps(found["params"]))
        return found

    def visit(self, url: str) -> None:
        """Go to an address, and wait until its page is loaded."""
        self._is_loaded = False
        self.call("Page.navigate", url=url)
        while not self._is_loaded:
            self._message()

    def value(self, script: str) -> Any:
        """Return the value of a script in the page; a promise is awaited."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, condition: str) -> None:
        """Wait until a condition holds in the page, looked at each time that it was painted."""
        self.value(
            f"new Promise((done) => {{ const look = () => ({condition}) ? done(1) : requestAnimationFrame(look); look(); }})"
        )

    def size(self, width: int, height: int, scheme: str = "light") -> None:
        """Give the page a size in pixels and a colour scheme."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def screenshot(self, file: Path) -> None:
        """Write a picture of what is in view."""
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


def _with_pipes(read: int, write: int) -> Callable[[], None]:
    def dup() -> None:
        # The browser reads its commands from descriptor 3 and answers on 4; `read` or `write` may be one of these.
        other = os.dup(write)
        os.dup2(read, 3)
        os.dup2(other, 4)

    return dup


@contextlib.contextmanager
def browser(profile: Path) -> Iterator[Tab]:
    """Start a browser with an empty profile, and end it afterwards."""
    commands, send = os.pipe()
    receive, answers = os.pipe()
    for descriptor in (commands, send, receive, answers):
        # Above 4, so that none is in the place of another.
        assert descriptor > 4, "too few descriptors are open"
    with subprocess.Popen(
        [PROGRAM or "", *_FLAGS, f"--user-data-dir={profile}"],
        preexec_fn=_with_pipes(commands, answers),  # noqa: PLW1509 - no thread of this process holds a lock here
        close_fds=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(commands)
        os.close(answers)
        try:
            yield Tab(send, receive)
        finally:
            process.kill()
            os.close(send)
            os.close(receive)
