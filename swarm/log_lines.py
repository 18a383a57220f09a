"""Lines of output that no CI system takes for a command.

GitHub's runner obeys a line of a log that begins, after blanks, with `::`, and `##[` wherever it stands; Azure
Pipelines obeys `##vso[`, TeamCity `##teamcity[`. A file name, a commit message or an agent's report could forge one.
"""

import re
from typing import Final

_COMMAND: Final = re.compile(r"##([A-Za-z]*)\[")
# A log viewer that strips colours would show the rest at the beginning of the line.
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")
# JSON may hold these raw, and some readers of logs end a line at them.
_ENDS_OF_LINES: Final = ("\x85", "\u2028", "\u2029")


def shown_lines(text: str) -> str:
    """Return text for people in which no line is a command of a CI system."""
    return "\n".join(map(_shown, text.split("\n")))


def _shown(line: str) -> str:
    if "##" in line:
        line = _COMMAND.sub(r"##\1\\[", line)
    if "::" in line and _COLOURS.sub("", line).lstrip().startswith("::"):
        return line.replace("::", "\\::", 1)
    return line


def exact(text: str) -> str:
    r"""Return a JSON or TOML text of the same values in which no line is a command: within strings `#` is `\u0023`."""
    if "##" in text:
        text = _COMMAND.sub(r"#\\u0023\1[", text)
    if text.isascii():
        return text
    for end in _ENDS_OF_LINES:
        text = text.replace(end, f"\\u{ord(end):04x}")
    return text
