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
_BLOCK_COMMENT: Final = r"/\*(?:[^*]|\*(?!/))*+(?:\*/)?+"
_HASH_COMMENT: Final = r"\#[^\n]*+"
# A shell reads `${#name}` and `a#b` as code: there a comment begins a word.
_SPACED_HASH_COMMENT: Final = r"(?<![^\s;&|()])\#[^\n]*+"
_DASH_COMMENT: Final = r"--[^\n]*+"
_MARKUP_COMMENT: Final = r"<!--(?:[^-]|-(?!->))*+(?:-->)?+"
_HASHED: Final = frozenset(["ex", "exs", "jl", "nim", "pm", "ps1", "py", "pyi", "pyw", "pyx", "r", "rb"])
_HASHED_DATA: Final = frozenset(["cfg", "conf", "ini", "properties", "yaml", "yml"])
_WORDS_OF_SHELL_LIKE: Final = "bash cmake containerfile dockerfile justfile ksh make makefile mk pl sh tcl zsh"
_SHELL_LIKE: Final = frozenset(_WORDS_OF_SHELL_LIKE.split())
_DASHED: Final = frozenset(["adb", "ads", "elm", "hs", "lua", "sql"])
_MARKUP: Final = frozenset(["html", "htm", "svg", "xml", "xhtml"])
_PROSE: Final = frozenset(["adoc", "license", "markdown", "md", "notice", "readme", "rst", "tex", "txt"])
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


class Language(NamedTuple):
    """A kind of file as it is read: its tokens, and whether a variable is declared in it, with its type before it."""

    pattern: re.Pattern[str]
    has_names: bool = True
    has_types: bool = False


def _pattern(*comments: str) -> re.Pattern[str]:
    return re.compile(rf"(?P<comment>{'|'.join(comments)})|{_STRINGS}|{_REST}", re.VERBOSE | re.DOTALL)


_PROSE_PATTERN: Final = re.compile(
    rf"(?P<comment>{_MARKUP_COMMENT})|(?P<word>[^\W\d]\w*+)|(?P<number>\d[\w.]*+)|(?P<mark>\S)"
)
_C: Final = Language(_pattern(_C_COMMENT), has_types=True)
_SHELL: Final = Language(_pattern(_SPACED_HASH_COMMENT))
_LANGUAGES: Final = (
    (_PROSE, Language(_PROSE_PATTERN, has_names=False)),
    (_HASHED_DATA, Language(_SHELL.pattern, has_names=False)),
    ({"toml"}, Language(_pattern(_HASH_COMMENT), has_names=False)),
    (_HASHED, Language(_pattern(_HASH_COMMENT))),
    (_SHELL_LIKE, _SHELL),
    (_DASHED, Language(_pattern(_DASH_COMMENT, _BLOCK_COMMENT))),
    (_MARKUP, Language(_pattern(_MARKUP_COMMENT, _C_COMMENT), has_names=False)),
    ({"vue"}, Language(_pattern(_MARKUP_COMMENT, _C_COMMENT))),
    ({"php"}, Language(_pattern(_C_COMMENT, _HASH_COMMENT), has_types=True)),
    ({"css"}, Language(_pattern(_BLOCK_COMMENT), has_names=False)),
    ({"csv", "json", "tsv"}, Language(_C.pattern, has_names=False)),
)


def language_of(path: str, text: str) -> Language:
    """Return the language of a file, by its name and its first line; where nothing says it, a language like C."""
    suffix = path.rpartition("/")[2].lower().rpartition(".")[2]
    found = next((language for suffixes, language in _LANGUAGES if suffix in suffixes), None)
    return found or (_SHELL if text.startswith("#!") else _C)


def tokens_of(path: str, text: str) -> list[Token]:
    """Return the tokens of a text; the name of its file decides how comments begin.

    Strings lose their kind of quotation marks, and strings that follow each other are joined, so that neither a
    formatter nor a line break inside a long string changes them.
    """
    return list(_joined(_scanned(language_of(path, text).pattern, text, 1)))


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
            case "mark":
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
