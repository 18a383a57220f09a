"""JSON of reports as tools leave it: in any encoding of a shell, among warnings and colours, several in a file."""

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from swarm import errors
from swarm.documents import explained, parse_bounded

# The mark of UTF-32 begins with that of UTF-16.
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    # JSON begins with a character of ASCII, so its second byte is none.
    (b"{\0", "utf-16-le"),
    (b"[\0", "utf-16-le"),
    (b"\0{", "utf-16-be"),
    (b"\0[", "utf-16-be"),
)
_PACKED: Final = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"(\xb5/\xfd": "zstd"}
# JSON has no control characters, so that it loses nothing with these.
_ESCAPES: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]|\x08")
# Words in brackets, such as `[WARNING]` and `[1/3]`, are no JSON.
_BEGINNING: Final = re.compile(r'(?:^|(?<=[\r\n]))[ \t\ufeff]*(?=(?:\{\s*["}]|\[\s*[\[{"\]]))')
_MOST: Final = 10_000
# Only finds where a document ends: the strict reading follows.
_LENIENT: Final = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)


def in_utf8(body: bytes) -> bytes:
    """Return a report in UTF-16, which PowerShell makes of the output of a tool, or UTF-32, in UTF-8; others as is."""
    encoding = next((name for mark, name in _MARKS if body.startswith(mark)), None)
    try:
        return body if encoding is None else body.decode(encoding).encode()
    except UnicodeError:
        return body


def packed_as(body: bytes) -> str | None:
    """Return the name of the format that a file is compressed with, `None` for any other file."""
    return next((name for mark, name in _PACKED.items() if body.startswith(mark)), None)


def reports_in(body: bytes, shown: str, is_report: Callable[[Any], bool]) -> list[Any]:
    """Return the reports that a tool printed, in their order; without a report, the JSON values that it printed.

    Raises BoundedJsonSizeLimit, and BoundedJsonParseFailed where it printed no JSON, or JSON that cannot be read.
    """
    try:
        return [parse_bounded(body, shown)]
    except errors.BoundedJsonParseFailed as error:
        if not isinstance(error.__cause__, json.JSONDecodeError):
            raise
        values = list(_values(_ESCAPES.sub("", body.decode("utf-8-sig")), shown))
        if not values:
            raise
    return [value for value in values if is_report(value)] or values


def _values(text: str, shown: str) -> Iterator[Any]:
    """Yield the JSON values that begin a line. What begins as JSON and is none may be a report that was cut off."""
    at = 0
    for _ in range(_MOST):
        if (begin := _BEGINNING.search(text, at)) is None:
            return
        try:
            at = _LENIENT.raw_decode(text, begin.end())[1]
        except json.JSONDecodeError as error:
            raise errors.BoundedJsonParseFailed(path=shown, problem=explained(error)) from error
        except RecursionError as error:
            raise errors.BoundedJsonSizeLimit(path=shown, problem="it is nested too deep") from error
        yield parse_bounded(text[begin.end() : at].encode(), shown)
    raise errors.BoundedJsonSizeLimit(path=shown, problem=f"more than {_MOST:,} JSON values")
