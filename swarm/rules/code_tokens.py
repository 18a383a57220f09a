"""Tokens of source text in any language: words, strings, numbers and operators, without comments and white space."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

WORD: Final = "word"
STRING: Final = "string"
SIGN: Final = "sign"
BRACKET: Final = "bracket"
# Signs that a formatter adds or drops; brackets are kept apart, because they show where parameters stand.
_IGNORED: Final = ";\\"
_C_COMMENT: Final = r"//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?+"
_HASH_COMMENT: Final = r"\#[^\n]*+"
_DASH_COMMENT: Final = r"--[^\n]*+"
_MARKUP_COMMENT: Final = r"<!--(?:[^-]|-(?!->))*+(?:-->)?+"
_WORDS_OF_HASHED: Final = (
    "bash cfg cmake conf dockerfile ex exs jl ksh make mk nim pl pm ps1 py pyi pyw pyx r rb sh tcl toml yaml yml zsh"
)
_HASHED: Final = frozenset(_WORDS_OF_HASHED.split())
_DASHED: Final = frozenset(["adb", "ads", "elm", "hs", "lua", "sql"])
_MARKUP: Final = frozenset(["html", "htm", "md", "svg", "vue", "xml", "xhtml"])
# Possessive repetitions: a hostile file costs time in proportion to its length. An open string ends with its line.
_STRINGS: Final = r"""(?P<string>(?P<prefix>\b(?i:[rbfut]{1,2})(?=["']))?+(?:
      \"\"\"(?:[^"\\]|\\.|"(?!""))*+(?:\"\"\")?+
    | '''(?:[^'\\]|\\.|'(?!''))*+(?:''')?+
    | "(?:[^"\\\n]|\\.)*+"?+
    | '(?:[^'\\\n]|\\.)*+'?+
    | `(?:[^`\\]|\\.)*+`?+))"""
_REST: Final = r"""(?P<word>[^\W\d]\w*+)|(?P<number>\d[\w.]*+)|(?P<bracket>[()\[\]{}])
    |(?P<sign>->|=>|::|:=|[=!<>+*/|&%^-]=|&&|\|\||\S)"""
_QUOTES: Final = "\"'`"
_HOLE: Final = re.compile(r"\$?\{([^{}]*+)\}")


class Token(NamedTuple):
    """A token and its line, counted from 1. `kind` is a constant of this module; a number is a string."""

    text: str
    kind: str
    line: int


def _pattern(*comments: str) -> re.Pattern[str]:
    return re.compile(rf"(?P<comment>{'|'.join(comments)})|{_STRINGS}|{_REST}", re.VERBOSE | re.DOTALL)


_PATTERNS: Final = {
    "hash": _pattern(_HASH_COMMENT),
    "dash": _pattern(_DASH_COMMENT, r"/\*(?:[^*]|\*(?!/))*+(?:\*/)?+"),
    "markup": _pattern(_MARKUP_COMMENT, _C_COMMENT),
    "php": _pattern(_C_COMMENT, _HASH_COMMENT),
    "c": _pattern(_C_COMMENT),
}


def tokens_of(path: str, text: str) -> list[Token]:
    """Return the tokens of a text; the name of its file decides how comments begin.

    Strings lose their kind of quotation marks, and strings that follow each other are joined, so that neither a
    formatter nor a line break inside a long string changes them.
    """
    return list(_joined(_scanned(_pattern_for(path), text, 1)))


def _pattern_for(path: str) -> re.Pattern[str]:
    suffix = path.rpartition("/")[2].lower().rpartition(".")[2]
    for kind, suffixes in (("hash", _HASHED), ("dash", _DASHED), ("markup", _MARKUP), ("php", {"php"})):
        if suffix in suffixes:
            return _PATTERNS[kind]
    return _PATTERNS["c"]


def _scanned(pattern: re.Pattern[str], text: str, line: int) -> list[Token]:
    found: list[Token] = []
    at = 0
    for match in pattern.finditer(text):
        # Counted from token to token: a count from the start for each token would be quadratic.
        line += text.count("\n", at, match.start())
        at = match.start()
        match match.lastgroup:
            case "word" | "bracket":
                found.append(Token(match[0], WORD if match.lastgroup == "word" else BRACKET, line))
            case "number":
                found.append(Token(match[0], STRING, line))
            case "sign" if match[0] not in _IGNORED:
                found.append(Token(match[0], SIGN, line))
            case "string":
                found += _string(pattern, match[0], (match["prefix"] or "").lower(), line)
    return found


def _string(pattern: re.Pattern[str], written: str, prefix: str, line: int) -> list[Token]:
    quoted = written[len(prefix) :]
    marks = quoted[:3] if quoted[:3] in {'"""', "'''"} else quoted[:1]
    body = quoted[len(marks) :].removesuffix(marks)
    kind = "".join(sorted(prefix.replace("u", "")))
    if "r" in kind and "\\" not in body:
        kind = kind.replace("r", "")
    for quote in _QUOTES:
        body = body.replace(f"\\{quote}", quote)
    if "f" not in kind and marks != "`":
        return [Token(f'{kind}"{body}', STRING, line)]
    # The code inside a format string is code: a renamed variable there must be recognised as renamed.
    found = []
    for number, piece in enumerate(_HOLE.split(body)):
        found += _scanned(pattern, piece, line) if number % 2 else [Token(f'{kind}"{piece}', STRING, line)]
        line += piece.count("\n")
    return found


def _joined(tokens: Sequence[Token]) -> Iterator[Token]:
    # Groups instead of repeated concatenation, which would be quadratic for a long chain of strings.
    for is_plain, group in groupby(tokens, lambda token: token.kind == STRING and token.text[:1] == '"'):
        if not is_plain:
            yield from group
            continue
        chain = list(group)
        yield Token('"' + "".join(token.text[1:] for token in chain), STRING, chain[0].line)
