"""Outputs as a hostile or a broken agent writes them, each with what it is refused for."""

from typing import NamedTuple


class Hostile(NamedTuple):
    """A body, the code it is refused with, and the problem that is told, where that is in our words."""

    name: str
    body: bytes
    code: str
    problem: str | None


SIZE, PARSE = "BOUNDED_JSON_SIZE_LIMIT", "BOUNDED_JSON_PARSE_FAILED"
TOO_DEEP = "more than 64 levels of nesting"
SYNTAX = None  # told in the parser's own words, with line and column
HALF = "it holds half a surrogate pair"

CORPUS = [
    Hostile("too deep in arrays", b"[" * 65 + b"]" * 65, SIZE, TOO_DEEP),
    Hostile("too deep in objects", b'{"a":' * 65 + b"1" + b"}" * 65, SIZE, TOO_DEEP),
    Hostile("endlessly deep", b"[" * 1_000_000, SIZE, TOO_DEEP),
    Hostile("endlessly deep and closed", b"[" * 500_000 + b"]" * 500_000, SIZE, TOO_DEEP),
    Hostile("deep behind a string of escapes", b'["\\\\", ' + b"[" * 64 + b"]" * 65, SIZE, TOO_DEEP),
    Hostile("deep behind an escaped quote", b'["\\"[", ' + b"[" * 64 + b"]" * 65, SIZE, TOO_DEEP),
    Hostile("empty", b"", PARSE, SYNTAX),
    Hostile("blank", b" \n\t", PARSE, SYNTAX),
    Hostile(
        "truncated in an object",
        b'{"domain": "code", ',
        PARSE,
        SYNTAX,
    ),
    Hostile("truncated in a string", b'{"domain": "co', PARSE, SYNTAX),
    Hostile("truncated in an escape", b'["\\u00', PARSE, SYNTAX),
    Hostile("truncated in a character", '["é'.encode()[:-1], PARSE, "not UTF-8 at byte 2"),
    Hostile("two documents", b"{}{}", PARSE, SYNTAX),
    Hostile("prose around it", b'Here it is: {"domain": "code"}', PARSE, SYNTAX),
    Hostile("a fence around it", b"```json\n{}\n```", PARSE, SYNTAX),
    Hostile("a comment", b"{} // done", PARSE, SYNTAX),
    Hostile("a comma too many", b"[1,]", PARSE, SYNTAX),
    Hostile(
        "single quotes",
        b"{'a': 1}",
        PARSE,
        SYNTAX,
    ),
    Hostile(
        "a control character in a string",
        b'["a\x00b"]',
        PARSE,
        SYNTAX,
    ),
    Hostile("duplicate keys", b'{"a": 1, "b": 2, "a": 3}', PARSE, "the key 'a' stands twice in one object"),
    Hostile("duplicate keys by escape", b'{"a": 1, "\\u0061": 3}', PARSE, "the key 'a' stands twice in one object"),
    Hostile("duplicate keys deep inside", b'[{"x": {"": 1, "": 3}}]', PARSE, "the key '' stands twice in one object"),
    Hostile(
        "a long duplicate key",
        b'{"%s": 1, "%s": 2}' % (b"k" * 5000, b"k" * 5000),
        PARSE,
        f"the key '{'k' * 117}...' stands twice in one object",
    ),
    Hostile(
        "a duplicate key of half a pair",
        b'{"\\ud800": 1, "\\ud800": 2}',
        PARSE,
        "the key '\\ud800' stands twice in one object",
    ),
    Hostile("NaN", b'{"line": NaN}', PARSE, "NaN is no JSON number"),
    Hostile("Infinity", b"[Infinity]", PARSE, "Infinity is no JSON number"),
    Hostile("-Infinity", b"[-Infinity]", PARSE, "-Infinity is no JSON number"),
    Hostile("a number too large", b"[1e999]", PARSE, "the number 1e999 is too large"),
    Hostile("a number too small", b"[-1e999]", PARSE, "the number -1e999 is too large"),
    Hostile(
        "2 to the 63rd", b"[9223372036854775808]", PARSE, "the integer 9223372036854775808 does not fit in 64 bits"
    ),
    Hostile(
        "below -2 to the 63rd",
        b"[-9223372036854775809]",
        PARSE,
        "the integer -9223372036854775809 does not fit in 64 bits",
    ),
    Hostile(
        "a million digits", b"[" + b"9" * 1_000_000 + b"]", PARSE, f"the integer {'9' * 117}... does not fit in 64 bits"
    ),
    Hostile("a leading zero", b"[01]", PARSE, SYNTAX),
    Hostile("half a surrogate pair", b'["\\ud800"]', PARSE, HALF),
    Hostile("the other half", b'["\\uDFFF"]', PARSE, HALF),
    Hostile("a pair the wrong way round", b'["\\udc00\\ud800"]', PARSE, HALF),
    Hostile("half a pair in a key", b'{"\\udabc": 1}', PARSE, HALF),
    Hostile("half a pair in bytes", b'["\xed\xa0\x80"]', PARSE, "not UTF-8 at byte 2"),
    Hostile("Latin-1", b'["caf\xe9"]', PARSE, "not UTF-8 at byte 5"),
    Hostile("overlong UTF-8", b'["\xc0\xaf"]', PARSE, "not UTF-8 at byte 2"),
    Hostile("UTF-16", '{"a": 1}'.encode("utf-16"), PARSE, "not UTF-8 at byte 0"),
    Hostile(
        "UTF-16 without a mark",
        '{"a": 1}'.encode("utf-16-le"),
        PARSE,
        SYNTAX,
    ),
    Hostile("UTF-32", '{"a": 1}'.encode("utf-32"), PARSE, "not UTF-8 at byte 0"),
    Hostile(
        "two byte order marks",
        b"\xef\xbb\xbf\xef\xbb\xbf{}",
        PARSE,
        SYNTAX,
    ),
    Hostile(
        "a byte order mark inside",
        b"{\xef\xbb\xbf}",
        PARSE,
        SYNTAX,
    ),
    Hostile("an archive", b"\x1f\x8b\x08\x00" + b"\x00" * 100, PARSE, "not UTF-8 at byte 1"),
    Hostile("zeros", b"\x00" * 100, PARSE, SYNTAX),
]
