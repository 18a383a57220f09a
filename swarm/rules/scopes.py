"""The enclosing definition of each line of a source file."""

import re
from collections.abc import Sequence
from typing import Final

MODULE: Final = ""
PYTHON_SUFFIXES: Final = (".py", ".pyi", ".pyw")
# Every repetition is possessive: a hostile line costs time in proportion to its length.
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
        (?:(?:function\b\s*+\*?+|class\b)\s*+(?P<own>(?!extends\b)[\w$]++)?+
        |\([^)]*+\)\s*+(?::[^=]++)?+=>|\w++\s*+=>)""",
    re.VERBOSE,
)
_EXPORTED: Final = frozenset({"module.exports", "exports", "module.exports.default", "exports.default"})
_IMPL: Final = re.compile(r"impl\b([^{]*+)")
_METHOD_HEAD: Final = re.compile(r"[\w$<>\[\],.*&:~\s]++")
_METHOD_NAME: Final = re.compile(r"(?<![\w$~:.])[\w$~:]++$")
_NO_METHOD: Final = re.compile(
    r"(?:if|for|while|switch|catch|return|else|do|try|match|with|throw|new|await|yield|foreach|unless|until|loop)\b"
)
_ONLY_BRACKETS: Final = re.compile(r"[\s{}()\[\];,]*+")
# Lines that C writes at the margin inside of a function (preprocessor, labels); they end no definition.
_MARGINAL: Final = re.compile(
    r"#\s*+(?:if|ifdef|ifndef|elif|else|endif|define|undef|pragma|include|error|warning)\b"
    r"|(?!(?:else|try|finally|default)\b)[A-Za-z_]\w*+\s*+:\s*+(?://.*+|/\*.*+)?$"
)
_PYTHON_DEFINITION: Final = re.compile(r"(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)")
_STRING_OR_COMMENT: Final = re.compile(r'"""|\'\'\'|"|\'|#[^\n]*+')
_BODIES: Final = {
    quote: re.compile(body, re.DOTALL)
    for quote, body in (
        ('"""', r'(?:[^"\\]++|\\.|"(?!""))*+'),
        ("'''", r"(?:[^'\\]++|\\.|'(?!''))*+"),
        ('"', r'(?:[^"\\\n]++|\\.)*+'),
        ("'", r"(?:[^'\\\n]++|\\.)*+"),
    )
}
_LONGEST: Final = 400
# Characters of a scope: where definitions nest, every line repeats the names of all definitions around it.
_LONGEST_SCOPE: Final = 1000
_TAB: Final = 8
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"()[]{}\n"))


def scopes_of(path: str, text: str, lines: Sequence[str]) -> list[str]:
    """Return the dotted name of the definition around each line, `""` at the top level.

    Python by its grammar; other languages by indentation and the form of a definition.
    """
    # Not `ast`: a file that does not parse, or of a newer Python, has scopes too.
    if path.endswith(PYTHON_SUFFIXES):
        return _python_scopes(text, len(lines))
    return _indented_scopes(lines)


def _python_scopes(text: str, count: int) -> list[str]:
    """Return the scopes that `ast` finds, four times faster; a test compares both over the standard library.

    Strings and comments are taken out first. Then a definition begins at `def` or `class`, and ends before the
    next logical line that is not indented deeper.
    """
    scopes: list[str] = []
    open_definitions: list[tuple[int, str]] = []
    depth, continued, here, last = 0, False, MODULE, -1
    # A line that begins with these blanks is inside the innermost open definition.
    inside = ""
    hollowed = _hollowed(text)
    # Of the whole text at once: six counts for each line took half of the time.
    brackets = hollowed.encode("ascii", "replace").translate(None, _NO_BRACKETS).split(b"\n")
    for number, line in enumerate(hollowed.split("\n")[:count]):
        code = line.strip()
        if not code:
            continued = continued and depth > 0
            continue
        # The first letters of a definition are those of `async`, `class` and `def`: most lines need neither a measure
        # nor a search.
        if depth == 0 and not continued and (code[0] in "acd" or not line.startswith(inside)):
            definition = _PYTHON_DEFINITION.match(code)
            indent = _indent(line)
            if open_definitions and open_definitions[-1][0] >= indent:
                # Blank lines and comments after a definition are not part of it.
                scopes += [here] * (last + 1 - len(scopes))
                while open_definitions and open_definitions[-1][0] >= indent:
                    open_definitions.pop()
                here = _innermost(open_definitions)
            if definition:
                scopes += [here] * (number - len(scopes))
                here = _nested(open_definitions, definition[1])
                open_definitions.append((indent, here))
            inside = " " * (open_definitions[-1][0] + 1) if open_definitions else ""
        last = number
        if (of_line := brackets[number]) and of_line != b"()":
            opening = len(of_line.translate(None, b")]}"))
            # A stray closing bracket must not keep the rest of the file at a negative depth.
            depth = max(0, depth + 2 * opening - len(of_line))
        continued = code.endswith("\\")
    scopes += [here] * (last + 1 - len(scopes))
    return scopes + [MODULE] * (count - len(scopes))


def _hollowed(text: str) -> str:
    """Return a Python text without its strings and comments; a quotation mark that nothing closes stays."""
    parts: list[str] = []
    done = at = 0
    # Where the search for a closing quote ended in vain, by quote: no such string before that place is closed, and
    # a search from each of its quotes would cost the square of the length.
    open_until = dict.fromkeys(_BODIES, 0)
    while found := _STRING_OR_COMMENT.search(text, at):
        begin, quote = found.start(), found[0]
        if quote[0] == "#":
            parts.append(text[done:begin])
            done = at = found.end()
            continue
        if begin < open_until[quote]:
            quote = quote[0]
        if begin < open_until[quote]:
            at = begin + 1
            continue
        end = _BODIES[quote].match(text, begin + len(quote)).end()  # type: ignore[union-attr]  # matches the empty text too
        if not text.startswith(quote, end):
            open_until[quote] = end if len(quote) == 1 else len(text)
            continue
        # Keep the line breaks of a string, behind an open bracket: its lines belong to the line where it begins.
        parts += [text[done:begin], "(", "\n" * text.count("\n", begin, end), ")"]
        done = at = end + len(quote)
    return "".join([*parts, text[done:]])


def _innermost(opened: Sequence[tuple[int, str]]) -> str:
    return opened[-1][1] if opened else MODULE


def _nested(opened: Sequence[tuple[int, str]], name: str) -> str:
    """Return the scope of a definition below the open definitions: the outer scope, where its own would be too long."""
    outer = _innermost(opened)
    scope = f"{outer}.{name}" if outer else name
    return scope if len(scope) <= _LONGEST_SCOPE else outer


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
            # A line at the margin of a definition, or left of it, ends the definition.
            while stack and stack[-1][0] >= indent:
                stack.pop()
            # A minified line is no definition that a person would name, and would only cost time.
            heads[indent] = text if len(text) <= _LONGEST else ""
            name = _definition(heads[indent])
        if name:
            stack.append((indent, _nested(stack, name)))
        scopes.append(_innermost(stack))
    return scopes


def _opens_body(text: str) -> bool:
    return text.endswith("{") and (text[0] == ")" or text == "{")


def _definition(text: str) -> str | None:
    """Return the name of the definition that a line begins; a comment and a declaration have no body, so no name."""
    if text.startswith("* ") or (text.endswith(";") and "{" not in text):
        return None
    bare = text[_MODIFIERS.match(text).end() :]  # type: ignore[union-attr]  # matches the empty text too
    if found := _NAMED.match(bare):
        return found[1].rstrip(":")
    if found := _BOUND.match(bare):
        return bound_name(found[1].rstrip(":"), found["own"])
    if found := _IMPL.match(bare):
        return _implemented(found[1])
    return _method(bare)


def bound_name(target: str, own: str | None) -> str:
    """Return the name of a function or class that is assigned: a target that exports it says nothing about it.

    `module.exports = function load(` is the same `load` as `export default function load(`.
    """
    if target in _EXPORTED:
        return own or target
    return target.removeprefix("module.exports.").removeprefix("exports.")


def _implemented(rest: str) -> str | None:
    """Return the subject of a Rust `impl`: `Display for Money` of `<T> Display for Money where T: Clone`."""
    # Type parameters can nest, which no regular expression follows.
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
    if "\t" not in line:
        return len(line) - len(line.lstrip(" "))
    blanks = line[: len(line) - len(line.lstrip(" \t"))]
    return len(blanks.expandtabs(_TAB))
