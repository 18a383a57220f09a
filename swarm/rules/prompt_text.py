"""Text of others inside of a prompt: names between backticks, and lines of JSON in a fence."""

import re
from collections.abc import Sequence


def inline(text: str) -> str:
    """Make a name safe inside backticks on a line."""
    # A path with a backtick or a line break could end the code span and speak to the agent.
    return "".join(c if c.isprintable() and c != "`" else "?" for c in text)


def fenced(words: str, lines: Sequence[str]) -> str:
    """Return lines of JSON in a fence that none of them can close, behind words that say what they are."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    marks = "`" * max(3, longest + 1)
    body = "\n".join(lines)
    return f"{words}\n\n{marks}json\n{body}\n{marks}"


def clipped(text: str, most: int) -> str:
    """Return a text of records as a single line of at most `most` characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: most * 4]).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
