"""Declared elements of source files, and which of them persist from a release to the next.

Python by `ast`, other languages by braces and the form of a declaration: nothing here is code under test. An element
persists when its qualified name does, or when another name has the same body in place of it.
"""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

# Characters of a body without white space, below which two definitions can have it by chance.
SHORTEST_BODY: Final = 40
_HIDDEN: Final = re.compile(
    r"""(?P<kept>//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`
    |(?<=[=(,:&|!?])\s*/(?![/*])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/)""",
    re.VERBOSE | re.DOTALL,
)
_ANNOTATION: Final = re.compile(r"@(?!interface\b)[\w.]+(?:\s*\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))?")
_TYPE: Final = re.compile(r"(?:^|\s)(?:class|interface|enum|record|struct|namespace)\s+(\w+)")
_CALLABLE: Final = re.compile(r"(?:^|[\s*&>])(\w+)\s*\(")
_TAKEN: Final = re.compile(r"\b(?:if|for|while|switch|catch|do|else|return|try|new|throw|function|synchronized)\b")
_FUNCTION: Final = re.compile(r"\bfunction\s*\*?\s*(\w+)\s*[<(]|\b(?:const|let|var)\s+(\w+)\s*=[^=]*=>\s*$")
_SCRIPTED: Final = re.compile(r"^(?:export\s+)?(?:const|let|var)\s+(\w+)")
_DECLARED: Final = re.compile(r"^[A-Za-z_][\w.]*(?:\s*<.*>)?[\w\s.<>\[\],?&*]*?[\s*>\]](\w+)(?:\s*\[[^\]]*\])*\s*$")
_NO_TYPE: Final = re.compile(
    r"^(?:return|throw|new|package|import|goto|break|continue|else|delete|typedef|extern|case|yield|assert|export|await)\b"
)
_EACH: Final = re.compile(r"\bfor\s*\(\s*(?:final\s+)?[\w.<>\[\],? ]+\s(\w+)\s*:")
_SCRIPTS: Final = (".js", ".ts")


class Element(NamedTuple):
    """A declaration. `line` has its name, `first` its first token, which can be an annotation; both count from 1.

    `head` is the declaration without its body, `body` the body; both without white space. `last` is the line where
    the statement or the body ends.
    """

    path: str
    kind: str
    name: str
    line: int
    first: int
    body: str
    head: str = ""
    last: int = 0

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.name


class Open(NamedTuple):
    """A definition whose brace is open: where it is, and the depth of round brackets around it."""

    kind: str
    name: str
    parens: int
    at: int
    element: int | None


def elements_of(path: str, text: str) -> list[Element]:
    """Return the elements of a file; an overloaded name has its parameters with it, one that repeats is left out."""
    try:
        found = list(_python(path, text)) if path.endswith(".py") else _braced(path, text)
    except SyntaxError:
        return []
    counts = Counter(element.key for element in found)
    named = [
        element if counts[element.key] == 1 else element._replace(name=f"{element.name}({_parameters(element)})")
        for element in found
    ]
    counts = Counter(element.key for element in named)
    return [element for element in named if counts[element.key] == 1]


def _parameters(element: Element) -> str:
    return element.head.partition("(")[2].rpartition(")")[0] if element.kind == "method" else ""


class Truth(NamedTuple):
    """What became of elements: pairs of new and old, the old that are gone, and the new that came; others are unclear."""

    pairs: Mapping[Element, Element]
    gone: frozenset[Element]
    fresh: frozenset[Element]


def truth_between(old: Sequence[Element], new: Sequence[Element]) -> Truth:
    """Return what became of the elements of a release in the next one."""
    pairs: dict[Element, Element] = {}
    for trait in (_own_path, _any_path, _renamed, _moved):
        known = set(pairs.values())
        left = [element for element in old if element not in known], [e for e in new if e not in pairs]
        by_name = {element: before.name for element, before in pairs.items()}
        outer = {(element.path, element.name): name for element, name in by_name.items()}
        pairs |= _paired(*left, trait, outer)
    known = set(pairs.values())
    gone = [element for element in old if element not in known]
    fresh = [element for element in new if element not in pairs]
    # An overload whose parameters changed, or a renamed variable with another value, may be either.
    last_old, last_new = (Counter(_last(e) for e in side) for side in (old, new))
    bodies = Counter(e.body for e in gone if e.body), Counter(e.body for e in fresh if e.body)
    return Truth(
        pairs,
        frozenset(e for e in gone if not last_new[_last(e)] and not bodies[1][e.body]),
        frozenset(e for e in fresh if not last_old[_last(e)] and not bodies[0][e.body]),
    )


def _last(element: Element) -> str:
    return element.name.partition("(")[0].rpartition(".")[2]


def _own_path(element: Element, name: str) -> tuple[str, ...] | None:
    return element.path, element.kind, name


def _any_path(element: Element, name: str) -> tuple[str, ...] | None:
    return (element.kind, name) if name.count(".") > 1 or element.kind == "class" else None


def _renamed(element: Element, name: str) -> tuple[str, ...] | None:
    """Identify an element by everything but its name: where it is, and its body, or its declaration."""
    around = name.partition("(")[0].rpartition(".")[0]
    if element.kind in {"method", "class"}:
        return (around, element.kind, element.body) if len(element.body) >= SHORTEST_BODY else None
    return around, element.kind, re.sub(rf"\b{re.escape(_last(element))}\b", "", element.head)


def _moved(element: Element, _name: str) -> tuple[str, ...] | None:
    return (element.kind, element.head, element.body) if len(element.body) >= SHORTEST_BODY else None


def _paired(
    old: Iterable[Element],
    new: Iterable[Element],
    trait: Callable[[Element, str], tuple[str, ...] | None],
    outer: Mapping[tuple[str, str], str],
) -> dict[Element, Element]:
    olds: defaultdict[tuple[str, ...], list[Element]] = defaultdict(list)
    news: defaultdict[tuple[str, ...], list[Element]] = defaultdict(list)
    for element in old:
        if key := trait(element, element.name):
            olds[key].append(element)
    for element in new:
        # Named as its old surroundings: a renamed class renames everything inside.
        around, _, last = element.name.rpartition(".")
        if key := trait(element, f"{outer.get((element.path, around), around)}.{last}"):
            news[key].append(element)
    return {news[key][0]: found[0] for key, found in olds.items() if len(found) == len(news.get(key, ())) == 1}


def _python(path: str, text: str) -> Iterator[Element]:
    tree = ast.parse(text)
    lines = text.split("\n")

    def walk(nodes: Sequence[ast.stmt], outer: str) -> Iterator[Element]:
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{outer}.{node.name}"
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                body = "".join("".join(lines[node.body[0].lineno - 1 : node.end_lineno]).split())
                kind = "class" if isinstance(node, ast.ClassDef) else "method"
                head = "".join("".join(lines[node.lineno - 1 : node.body[0].lineno - 1]).split())
                yield Element(path, kind, name, node.lineno, first, body, head, node.end_lineno or node.lineno)
                yield from walk(node.body, name)
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                if isinstance(target, ast.Name):
                    head = "".join("".join(lines[node.lineno - 1 : node.end_lineno]).split())
                    last = node.end_lineno or node.lineno
                    yield Element(path, "variable", f"{outer}.{target.id}", node.lineno, node.lineno, "", head, last)
            elif isinstance(node, ast.If | ast.For | ast.While | ast.With | ast.Try):
                for part in ("body", "orelse", "finalbody"):
                    yield from walk(getattr(node, part, []), outer)

    yield from walk(tree.body, "")


def _masked(path: str, text: str) -> str:
    """Return a text with blanks in place of its comments, strings and lines of a preprocessor."""
    text = _HIDDEN.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    if not path.endswith((".c", ".h")):
        return text
    kept, skipping, continued = [], [False], False
    for line in text.split("\n"):
        word = re.match(r"\s*#\s*(\w+)", line)
        if word and word[1].startswith("if"):
            skipping.append(skipping[-1])
        elif word and word[1] in {"else", "elif"}:
            skipping[-1] = True
        elif word and word[1] == "endif" and len(skipping) > 1:
            skipping.pop()
        kept.append("" if word or continued or skipping[-1] else line)
        continued = bool(word or continued) and line.endswith("\\")
    return "\n".join(kept)


def _braced(path: str, text: str) -> list[Element]:
    reader = _Reader(path, text)
    for at, sign in enumerate(reader.code):
        match sign:
            case "(" | ")":
                reader.parens = max(0, reader.parens + (1 if sign == "(" else -1))
            case "{":
                reader.open(at)
            case "}":
                reader.close(at)
            case ";" if not reader.parens:
                reader.end(at)
            case _:
                pass
    return reader.found


class _Reader:
    """A reader of declarations, from one brace or semicolon to the next."""

    def __init__(self, path: str, text: str) -> None:
        self.path, self.raw, self.code = path, text, _masked(path, text)
        self.found: list[Element] = []
        self.parens = 0
        self._start = 0
        self._stack = [Open("file", "", 0, 0, None)]

    def open(self, at: int) -> None:
        head = _without_annotations(self.code[self._start : at])
        around = self._stack[-1]
        kind, name = _opened(self.path, around.kind, head, self.parens)
        element = None
        if name:
            element = self._add("class" if kind == "class" else "method", name, head)
        elif declared := _declaration(self.path, head) if "=" in head else _EACH.search(head):
            self._add("variable" if around.kind == "body" else "attribute", declared[1], head)
        self._stack.append(Open(kind, f"{around.name}.{name}" if name else around.name, self.parens, at, element))
        self.parens, self._start = 0, at + 1

    def close(self, at: int) -> None:
        closed = self._stack.pop() if len(self._stack) > 1 else self._stack[0]
        if closed.element is not None:
            body = "".join(self.code[closed.at : at].split())
            self.found[closed.element] = self.found[closed.element]._replace(body=body, last=self._line(at))
        self.parens, self._start = closed.parens, at + 1

    def end(self, at: int) -> None:
        head = _without_annotations(self.code[self._start : at])
        if declared := _declaration(self.path, head):
            self._add("variable" if self._stack[-1].kind == "body" else "attribute", declared[1], head)
        self._start = at + 1

    def _add(self, kind: str, name: str, head: str) -> int:
        named = next((found.start() for found in re.finditer(rf"\b{re.escape(name)}\b", head)), 0)
        first = self._start + len(head) - len(head.lstrip())
        written = "".join(self.raw[first : self._start + len(head)].split())
        line, begin, last = (self._line(at) for at in (self._start + named, first, self._start + len(head)))
        self.found.append(Element(self.path, kind, f"{self._stack[-1].name}.{name}", line, begin, "", written, last))
        return len(self.found) - 1

    def _line(self, at: int) -> int:
        return self.code.count("\n", 0, at) + 1


def _without_annotations(head: str) -> str:
    return _ANNOTATION.sub(lambda found: re.sub(r"[^\n]", "\x01", found[0]), head)


def _opened(path: str, around: str, head: str, parens: int) -> tuple[str, str]:
    """Return the kind of the definition that a brace opens, and its name; `""` where it has none."""
    bare = head.replace("\x01", " ").strip()
    if parens:
        return ("class" if re.search(r"\bnew\s+[\w.<>, ]+\([^)]*\)\s*$", bare) else "body"), ""
    if "(" not in bare and "=" not in bare and (named := _TYPE.search(bare)):
        return "class", named[1]
    if path.endswith(_SCRIPTS) and (scripted := _FUNCTION.search(bare)):
        return "body", scripted[1] or scripted[2] or ""
    is_member = around == "class" or (around == "file" and not path.endswith((*_SCRIPTS, ".java")))
    is_member = is_member and "=" not in bare.partition("(")[0]
    if is_member and (called := _CALLABLE.search(bare)) and not _TAKEN.search(bare[: called.end()]):
        return "body", called[1]
    if around == "class" and "=" not in bare and re.match(r"^(?:static)?$", bare):
        return "body", ""
    return ("class" if re.search(r"\bnew\s+[\w.<>, ]+\([^)]*\)\s*$", bare) else "body"), ""


def _declaration(path: str, head: str) -> re.Match[str] | None:
    bare = head.replace("\x01", " ")
    before = re.split(r"(?<![=!<>])=(?!=)", bare, maxsplit=1)[0]
    text = " ".join(before.split())
    if not text or _NO_TYPE.match(text):
        return None
    if path.endswith(_SCRIPTS):
        return _SCRIPTED.match(text)
    return None if "(" in text else _DECLARED.match(text)
