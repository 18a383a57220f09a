"""The enclosing definition of each line of a source file."""

import ast
import re
import warnings
from collections.abc import Sequence
from typing import Final

MODULE: Final = ""
PYTHON_SUFFIXES: Final = (".py", ".pyi", ".pyw")
# Every repetition is possessive: a hostile line costs no more than its length.
_MODIFIERS: Final = re.compile(
    r"""\s*+(?:(?:export|default|declare|public|private|protected|internal|static|final|abstract|async|unsafe|inline
        |virtual|override|open|sealed|data|partial|pub(?:\([^)]*+\))?|extern(?:\s++"[^"]*+")?|const(?=\s++fn\b))\s++)*+""",
    re.VERBOSE,
)
_NAMED: Final = re.compile(
    r"""(?:def|class|interface|struct|enum|trait|module|mod|namespace|object|protocol|type|union|fn|fun|sub
        |function\*?+|func)\s++(?:\([^)]*+\)\s*+)?+(?:self\.)?+([\w$:.]++)""",
    re.VERBOSE,
)
_BOUND: Final = re.compile(
    r"""(?:(?:const|let|var)\s++)?+([\w$.]++)\s*+(?::[^=]++)?+[=:]\s*+(?:async\b\s*+)?+
        (?:function\b|\([^)]*+\)\s*+(?::[^=]++)?+=>|\w++\s*+=>)""",
    re.VERBOSE,
)
_IMPL: Final = re.compile(r"impl\b([^{]*+)")
_METHOD_HEAD: Final = re.compile(r"[\w$<>\[\],.*&:~\s]++")
_METHOD_NAME: Final = re.compile(r"(?<![\w$~:.])[\w$~:]++$")
_NO_METHOD: Final = re.compile(
    r"(?:if|for|while|switch|catch|return|else|do|try|match|with|throw|new|await|yield|foreach|unless|until|loop)\b"
)
_ONLY_BRACKETS: Final = re.compile(r"[\s{}()\[\];,]*+")
# What C writes at the margin inside of a function: the preprocessor's lines, and labels.
_MARGINAL: Final = re.compile(
    r"#\s*+(?:if|ifdef|ifndef|elif|else|endif|define|undef|pragma|include|error|warning)\b"
    r"|(?!(?:else|try|finally|default)\b)[A-Za-z_]\w*+\s*+:\s*+(?://.*+|/\*.*+)?$"
)
_LONGEST: Final = 400
_TAB: Final = 8


def scopes_of(path: str, text: str, lines: Sequence[str]) -> list[str]:
    """Return the dotted name of the definition around each line, `""` at the top level.

    Python by its grammar, where it parses; all else by indentation and the look of a definition.
    """
    if path.endswith(PYTHON_SUFFIXES):
        scopes = _python_scopes(text, len(lines))
        if scopes is not None:
            return scopes
    return _indented_scopes(lines)


def _python_scopes(text: str, count: int) -> list[str] | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    scopes = [MODULE] * count
    pending: list[tuple[ast.stmt, str]] = [(statement, MODULE) for statement in reversed(tree.body)]
    while pending:
        statement, outer = pending.pop()
        inner = outer
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = f"{outer}.{statement.name}" if outer else statement.name
            end = statement.end_lineno or statement.lineno
            scopes[statement.lineno - 1 : end] = [inner] * (min(end, count) - statement.lineno + 1)
        pending.extend((child, inner) for child in reversed(_blocks(statement)))
    return scopes


def _blocks(statement: ast.stmt) -> list[ast.stmt]:
    body: list[ast.stmt] = []
    for field in ("body", "orelse", "finalbody"):
        body += getattr(statement, field, [])
    for branch in (*getattr(statement, "handlers", []), *getattr(statement, "cases", [])):
        body += branch.body
    return body


def _indented_scopes(lines: Sequence[str]) -> list[str]:
    scopes: list[str] = []
    stack: list[tuple[int, str]] = []
    heads: dict[int, str] = {}
    for line in lines:
        text = line.strip()
        indent = _indent(line)
        name = None
        if _opens_body(text):
            # The body of what began some lines above, at the same indentation: `int area(` … `)`, `{`.
            if not stack or stack[-1][0] < indent:
                name = _method(f"{heads.get(indent, '')} {{")
        elif text and not _ONLY_BRACKETS.fullmatch(text) and not _MARGINAL.match(text):
            while stack and stack[-1][0] >= indent:
                stack.pop()
            heads[indent] = text if len(text) <= _LONGEST else ""
            name = _definition(heads[indent])
        if name:
            stack.append((indent, f"{stack[-1][1]}.{name}" if stack else name))
        scopes.append(stack[-1][1] if stack else MODULE)
    return scopes


def _opens_body(text: str) -> bool:
    return text.endswith("{") and (text[0] == ")" or text == "{")


def _definition(text: str) -> str | None:
    """Return the name of what a line begins to define: something with an inside, so no comment and no declaration."""
    if text.startswith("* ") or (text.endswith(";") and "{" not in text):
        return None
    bare = text[_MODIFIERS.match(text).end() :]  # type: ignore[union-attr]  # it matches the empty text
    if found := _NAMED.match(bare) or _BOUND.match(bare):
        return found[1].rstrip(":")
    if found := _IMPL.match(bare):
        return _implemented(found[1])
    return _method(bare)


def _implemented(rest: str) -> str | None:
    """Return what a Rust `impl` is for: `Display for Money` of `<T> Display for Money where T: Clone`."""
    start, depth = 0, 0
    if rest.startswith("<"):
        for start, character in enumerate(rest, 1):  # noqa: B007  # read after the loop
            depth += (character == "<") - (character == ">")
            if not depth:
                break
    return " ".join(rest[start:].partition(" where ")[0].split()) or None


def _method(text: str) -> str | None:
    """Return the name of a function that is written without a keyword: `static int area(int a) {`."""
    head, bracket, rest = text.partition("(")
    if not bracket or not rest.endswith("{") or ";" in rest or not _METHOD_HEAD.fullmatch(head):
        return None
    name = _METHOD_NAME.search(head.rstrip())
    if name is None or _NO_METHOD.match(head):
        return None
    return name[0].strip(":") or None


def _indent(line: str) -> int:
    width = 0
    for character in line:
        if character == " ":
            width += 1
        elif character == "\t":
            width += _TAB - width % _TAB
        else:
            break
    return width
