"""Whole screen of a terminal: text that is drawn anew in its place, and keys that need no Enter."""

import os
import select
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final, Self

from swarm.show import text

_ENTER: Final = "\x1b[?1049h\x1b[?25l"
_LEAVE: Final = "\x1b[?25h\x1b[?1049l"
_SIZE: Final = (text.DEFAULT_WIDTH, 24)


class Screen:
    """The alternate screen of the terminal; the screen before comes back at the end, and while swarm is suspended."""

    def __init__(self) -> None:
        self.foot = ""
        self._lines: Callable[[], Iterable[str]] = tuple
        self._size = shutil.get_terminal_size(_SIZE)
        self._input = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None
        self._modes: list[Any] = []

    def __enter__(self) -> Self:
        self._take()
        signal.signal(signal.SIGTSTP, self._suspend)
        return self

    def __exit__(self, *_raised: object) -> None:
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        self._give_back()

    def draw(self, lines: Callable[[], Iterable[str]]) -> None:
        """Draw lines in the place of those before; `lines` is called again where the terminal changes its size."""
        self._lines, self._size = lines, shutil.get_terminal_size(_SIZE)
        room, rows = self._size
        shown = [part for line in lines() for part in text.pieces(text.harmless(line), max(room, 1))]
        if len(shown) > (most := max(rows - 2, 1)):
            shown = [*shown[: most - 1], f"… {text.counted(len(shown) - most + 1, 'more line')}"]
        ended = [text.fitted(line, room) + "\x1b[K\n" for line in (*shown, "")]
        _write("".join(("\x1b[H", *ended, text.fitted(self.foot, room), "\x1b[J")))

    def pause(self, seconds: float) -> bool:
        """Wait, and return False where the user pressed q or closed the terminal."""
        if self._size != shutil.get_terminal_size(_SIZE):
            self.draw(self._lines)
        ready = select.select([] if self._input is None else [self._input], [], [], seconds)[0]
        if not ready:
            return True
        pressed = os.read(ready[0], 64)
        return bool(pressed) and b"q" not in pressed.lower()

    def _take(self) -> None:
        if self._input is not None:
            self._modes = termios.tcgetattr(self._input)
            # Ctrl-C and Ctrl-Z stay signals; only the wait for Enter and the echo end.
            tty.setcbreak(self._input, termios.TCSANOW)
        _write(_ENTER)

    def _give_back(self) -> None:
        _write(_LEAVE)
        if self._input is not None:
            with suppress(termios.error):
                termios.tcsetattr(self._input, termios.TCSANOW, self._modes)

    def _suspend(self, number: int, frame: object) -> None:
        del frame
        self._give_back()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        # Here the process stood still until its user called it back.
        signal.signal(number, self._suspend)
        self._take()
        self.draw(self._lines)


def _write(words: str) -> None:
    body = words.encode(sys.stdout.encoding, "backslashreplace")
    # Past the buffer of stdout, which refuses a second write while a suspended one is under way.
    while body:
        body = body[os.write(sys.stdout.fileno(), body) :]
