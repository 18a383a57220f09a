"""The enclosing definition of each line of a source file."""

import ast
import re
import warnings
from collections.abc import Sequence
from typing import Final

MODULE: Final = ""
PYTHON_SUFFIXES: Final = (".py", ".pyi", ".pyw")
_DEFINITIONS: Final = re.compile(
    r"""\s*
    (?:(?:export|default|declare|public|private|protected|internal|static|final|abstract|async|pub(?:\([^)]*\))?
        |unsafe|extern(?:\s+"[^"]*")?|const(?=\s+fn)|inline|virtual|override|open|sealed|data|partial)\s+)*
    (?:
        (?:def|class|interface|struct|enum|trait|module|mod|namespace|object|protocol|type|union|fn|fun|sub
            |function\*?|func)\s+(?:\([^)]*\)\s*)?(?:self\.)?(?P<named>[\w$:.]+)
      | impl(?:<[^{]*?>)?\s+(?P<impl>[^{]+?)\s*(?:\{|where\b|$)
      | (?:const|let|var)\s+(?P<bound>[\w$]+)\s*(?::[^=]+)?=\s*(?:async\s*)?
        (?:function\b|\([^)]*\)\s*(?::[^=]+)?=>|\w+\s*=>)
      | (?!(?:if|for|while|switch|catch|return|else|do|try|match|with|throw|new|await|yield)\b)
        (?:[\w$<>\[\],.*&:~]+\s+)*[*&]*(?P<method>[\w$:~]+)\s*\([^;]*\)?\s*(?::\s*[^;{]+|->\s*[^;{]+|const|noexcept|throws\s[^;{]+)?\s*\{\s*$
    )""",
    re.VERBOSE,
)
_ONLY_BRACKETS: Final = re.compile(r"[\s{}()\[\];,]*")
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
    for line in lines:
        indent = _indent(line)
        if not _ONLY_BRACKETS.fullmatch(line):
            while stack and stack[-1][0] >= indent:
                stack.pop()
            if len(line) <= 400 and (definition := _DEFINITIONS.match(line)):  # noqa: PLR2004
                outer = stack[-1][1] if stack else MODULE
                name = " ".join(next(part for part in definition.groups() if part).split())
                stack.append((indent, f"{outer}.{name}" if outer else name))
        scopes.append(stack[-1][1] if stack else MODULE)
    return scopes


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
