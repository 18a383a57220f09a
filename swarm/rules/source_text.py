"""Text of a source file: UTF-8, or what its byte order mark says."""

import codecs
from typing import Final

# The mark of UTF-32 begins with that of UTF-16.
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def source_text(content: bytes) -> str:
    """Return the text of a source file without its mark; bytes that are no text become U+FFFD."""
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8-sig")
    return content.decode(encoding, "replace")
