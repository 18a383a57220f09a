"""A verb as a process of its own: bounded answer, progress by its stage events, and an end when the call is cancelled.

A process of its own keeps what a verb assumes (a call of its own, a stderr, signals), and its end frees everything.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple, cast

import anyio
from anyio.abc import ByteReceiveStream, Process

_MOST_BYTES: Final = 32 * 1024 * 1024
_LONGEST_EVENT: Final = 65_536
# A verb that is interrupted ends its agents and writes what they did, each within its own grace.
_GRACE_SECONDS: Final = 30.0


class VerbAnswer(NamedTuple):
    """The exit code of a verb and its document; `None` where it printed none, or one above the bound."""

    code: int
    document: dict[str, Any] | None


async def called(words: Sequence[str], on_event: Callable[[str], Awaitable[None]]) -> VerbAnswer:
    """Run a verb in the folder of this process, and return its answer; each stage event goes to `on_event`."""
    process = await anyio.open_process(
        # `-P`: without it `-m` imports first from the folder of this process, which is a repository of anybody.
        [sys.executable, "-P", "-m", "swarm", *words],
        stdin=subprocess.DEVNULL,
        env={**os.environ, "SWARM_LOG": "ndjson"},
        start_new_session=True,
    )
    answer = bytearray()
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(_keep, cast("ByteReceiveStream", process.stdout), answer)
            group.start_soon(_report, cast("ByteReceiveStream", process.stderr), on_event)
            code = await process.wait()
    except BaseException:
        with anyio.CancelScope(shield=True):
            await _end(process)
        raise
    return VerbAnswer(code, _document(bytes(answer)))


async def _keep(stream: ByteReceiveStream, answer: bytearray) -> None:
    async for piece in stream:
        # One byte above the bound is enough to know that the answer is too long.
        answer += piece[: _MOST_BYTES + 1 - len(answer)]


async def _report(stream: ByteReceiveStream, on_event: Callable[[str], Awaitable[None]]) -> None:
    rest = b""
    async for piece in stream:
        *lines, rest = (rest + piece).split(b"\n")
        rest = rest[-_LONGEST_EVENT:]
        for line in lines:
            if stage := _stage(line):
                await on_event(stage)


def _stage(line: bytes) -> str | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    if not isinstance(event, dict) or not isinstance(event.get("stage"), str):
        return None
    named = " ".join(str(event[key]) for key in ("domain", "runtime", "state", "outcome") if event.get(key))
    return f"{event['stage']} {named}".strip()


def _document(answer: bytes) -> dict[str, Any] | None:
    if len(answer) > _MOST_BYTES:
        return None
    try:
        document = json.loads(answer)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


async def _end(process: Process) -> None:
    """Interrupt a verb as Ctrl-C does, and kill its group if it does not end."""
    if process.returncode is None:
        _signal(process, signal.SIGINT)
        with anyio.move_on_after(_GRACE_SECONDS):
            await process.wait()
    _signal(process, signal.SIGKILL)
    await process.wait()


def _signal(process: Process, number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return
