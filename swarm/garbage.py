"""Garbage collection of the interpreter, put off while a command makes very many records."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collected_later() -> Iterator[None]:
    """Keep the interpreter from looking for reference cycles within the block.

    Records of findings make no cycles, and looking through those of 100,000 findings takes a second.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
