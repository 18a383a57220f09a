"""Parts of a log that were refused, and failures that the tool itself reports."""

from collections.abc import Collection
from typing import Final, NamedTuple

MOST_LISTED: Final = 500
MOST_FILES: Final = 20_000
RESULT_REFUSED: Final = "SARIF_RESULT_REFUSED"
TOOL_FAILED: Final = "TOOL_REPORTED_FAILURE"
PATH_UNSAFE: Final = "PATH_UNSAFE"
ANY_FILE: Final = ""
CODES: Final = frozenset({RESULT_REFUSED, TOOL_FAILED, PATH_UNSAFE})
_LONGEST: Final = 400


class RefusedPart(NamedTuple):
    """A part of a log, by its JSON path, and why it does not count.

    `files` are the files about which silence proves nothing for its sake; ANY_FILE stands for all of them.
    """

    code: str
    path: str
    message: str
    files: tuple[str, ...] = ()


class Refused(Exception):
    """A result that cannot be taken; the path is relative to the result, and `file` is the file of its place."""

    def __init__(self, path: str, message: str, code: str = RESULT_REFUSED, file: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.file = file or ANY_FILE
        self.path = path
        self.message = message


class Problems:
    """Collects the refused parts: the first are listed, and all of them are counted."""

    def __init__(self) -> None:
        self._listed: list[RefusedPart] = []
        self._unlisted = 0

    def add(self, code: str, path: str, message: str, files: Collection[str] = (ANY_FILE,)) -> None:
        """Add a part; silence about its files proves nothing."""
        if len(self._listed) < MOST_LISTED:
            self._listed.append(RefusedPart(code, path, shortened(message), tuple(sorted(files))))
        else:
            self._unlisted += 1

    def listed(self) -> list[RefusedPart]:
        """Return the parts; where there are too many, the last says how many more there are."""
        more = f"{self._unlisted:,} more parts of the log are refused"
        return [*self._listed, *([RefusedPart(RESULT_REFUSED, "$.runs", more, (ANY_FILE,))] if self._unlisted else [])]


def shortened(text: str) -> str:
    """Return the beginning of a text that somebody else chose."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
