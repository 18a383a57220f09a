"""Attempts run side by side in the foreground, until all have ended or a signal ends them."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from swarm import interruption
from swarm.runtimes import supervisor


def run_all(tasks: Sequence[Callable[[], Awaitable[None]]], at_once: int) -> None:
    """Run attempts, `at_once` of them at a time. Raises KeyboardInterrupt after it ended them for a signal."""

    async def everything() -> None:
        this = asyncio.current_task()
        # Handlers can only be set in the main thread, and not on every platform.
        with suppress(NotImplementedError, ValueError, RuntimeError):
            for number in (signal.SIGINT, signal.SIGTERM):
                # A signal that the caller ignores, as shells do for background jobs, stays ignored.
                if this is not None and signal.getsignal(number) is not signal.SIG_IGN:
                    asyncio.get_running_loop().add_signal_handler(number, this.cancel)
        await supervisor.run_queue(tasks, at_once=at_once)

    if not tasks:
        return
    try:
        # asyncio replaces the handlers, and the commands after the launch need their own again.
        with interruption.kept():
            asyncio.run(everything())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    except BaseExceptionGroup as group:
        # The error door shows a single error, and the first is the cause of the others' end.
        raise group.exceptions[0] from None
