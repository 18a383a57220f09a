"""Files that a minifier or a compiler wrote, by their text: nobody fixes a finding in such a file."""

from typing import Final

# Bytes of a file that are looked at: enough to see the code behind a long licence.
MOST_LOOKED_AT: Final = 1 << 16
# A shorter file has few findings, and may be a line of data in a file that somebody writes.
_SHORTEST_FILE: Final = 4096
# Minifiers that break lines do so at 500 bytes or more; few people write a line of half of that.
_LONG_LINE: Final = 250
_LEAST_SHARE: Final = 0.8
# A licence and a comment about the build stand above minified code.
_MOST_SHORT_LINES: Final = 30


def is_minified(text: bytes) -> bool:
    """Say whether the beginning of a file is that of minified code: long lines, and few others.

    A long line alone is none: people embed pictures and tables in files that they write.
    """
    if len(text) < _SHORTEST_FILE:
        return False
    lines = text.split(b"\n")
    lengths = [len(line) for line in lines if len(line) > _LONG_LINE]
    short = len(lines) - len(lengths)
    return sum(lengths) >= _LEAST_SHARE * len(text) and short <= _MOST_SHORT_LINES + len(lengths)
