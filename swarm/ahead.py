"""Work of other programs, begun ahead of the need for its result: it goes on while this process does."""

from collections.abc import Callable
from contextvars import copy_context
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def begun(call: Callable[[], T]) -> Callable[[], T]:
    """Begin a call in a thread, and return a function that waits for its result and returns or raises it."""
    ends: list[Callable[[], T]] = []

    def run() -> None:
        try:
            answer = call()
        except BaseException as error:  # noqa: BLE001 - raised again where the result is wanted
            failure = error

            def fail() -> T:
                raise failure

            ends.append(fail)
        else:
            ends.append(lambda: answer)

    # With the options of this call of the command line, such as --color.
    # A daemon: a command that fails before it wants the result does not wait for the other program.
    thread = Thread(target=copy_context().run, args=(run,), daemon=True)
    thread.start()

    def answered() -> T:
        thread.join()
        return ends[0]()

    return answered
