"""Measure how a Python tree is built: sizes, imports, comments and words, as a table with a column for each tree.

`python tools/measure_house.py PATH [PATH…]`, where PATH is a package or any folder of Python files. Only the syntax
is read: nothing of the measured code is imported or run.
"""

import ast
import io
import re
import statistics
import sys
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

WORDS = ("told", "one")
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
DOCUMENTED = (ast.Module, ast.ClassDef, *FUNCTION)
# A name is split at underscores and where a capital begins: `ToldAgain` and `told_again` hold the same words.
PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


@dataclass(frozen=True)
class Module:
    """Measures of a file: its size, its functions, the modules that its imports name, its prose."""

    name: str
    folder: str
    lines: int
    functions: list[int]
    parameters: list[int]
    import_statements: int
    imports: frozenset[str]
    comment_lines: int
    docstring_lines: int
    classes: int
    words: Counter[tuple[str, str]]


@dataclass(frozen=True)
class House:
    """The modules of a tree, and for each of them the other modules of the same tree that it imports."""

    title: str
    modules: list[Module]
    own: dict[str, frozenset[str]]


def measured(path: Path) -> House:
    """Read every Python file below a folder; files that are no Python of this interpreter are left out."""
    folder = path.resolve()
    root = folder
    while (root / "__init__.py").exists():
        root = root.parent
    read = (_module(file, root) for file in sorted(folder.rglob("*.py")))
    modules = [module for module in read if module is not None]
    known = {module.name for module in modules}
    own = {module.name: frozenset(_own(module, known)) for module in modules}
    return House(folder.name, modules, own)


def _module(file: Path, root: Path) -> Module | None:
    try:
        with tokenize.open(file) as opened:
            text = opened.read()
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return None
    parts = file.relative_to(root).with_suffix("").parts
    package = parts[:-1]
    nodes = list(ast.walk(tree))
    functions = [node for node in nodes if isinstance(node, FUNCTION)]
    comments = list(_comments(text))
    docstrings = list(_docstrings(nodes))
    texts = {
        "names": (" ".join(PART.findall(name)) for name in _bound_names(nodes)),
        "docstrings": (str(node.value) for node in docstrings),
        "comments": comments,
    }
    return Module(
        name=".".join(package if file.stem == "__init__" else parts),
        folder="/".join(package),
        lines=len(text.splitlines()),
        functions=[(node.end_lineno or node.lineno) - node.lineno + 1 for node in functions],
        parameters=[_parameters(node) for node in functions],
        import_statements=sum(isinstance(node, ast.Import | ast.ImportFrom) for node in _run_time_nodes(tree)),
        imports=frozenset(_imports(tree, package)),
        comment_lines=len(comments),
        docstring_lines=sum((node.end_lineno or node.lineno) - node.lineno + 1 for node in docstrings),
        classes=sum(isinstance(node, ast.ClassDef) for node in nodes),
        words=Counter(_words(texts)),
    )


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    found = node.args
    named = [*found.posonlyargs, *found.args, *found.kwonlyargs]
    starred = sum(argument is not None for argument in (found.vararg, found.kwarg))
    return starred + sum(argument.arg not in {"self", "cls"} for argument in named)


def _imports(tree: ast.Module, package: tuple[str, ...]) -> Iterator[str]:
    """Yield `a.b` for `import a.b`, and `a.b.c` for `from a.b import c`, where c may be a module or a name in it."""
    for node in _run_time_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _run_time_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a tree without those below `if TYPE_CHECKING:`, which never run."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _run_time_nodes(node)


def _own(module: Module, known: set[str]) -> Iterator[str]:
    for name in module.imports:
        target = name if name in known else name.rpartition(".")[0]
        if target in known and target != module.name:
            yield target


def _comments(text: str) -> Iterator[str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return (token.string for token in tokens if token.type == tokenize.COMMENT)


def _docstrings(nodes: Iterable[ast.AST]) -> Iterator[ast.Constant]:
    for node in nodes:
        if isinstance(node, DOCUMENTED) and node.body and isinstance(first := node.body[0], ast.Expr):
            value = first.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value


def _bound_names(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name


def _words(texts: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, str]]:
    for place, parts in texts.items():
        for part in parts:
            yield from ((word, place) for word in re.findall(r"[a-z]+", part.lower()) if word in WORDS)


def circles(own: dict[str, frozenset[str]]) -> list[set[str]]:
    """Return the groups of modules that reach each other by imports (strongly connected, two modules or more)."""
    reached = {name: _reach(name, own) for name in own}
    left = set(own)
    found = []
    for name in own:
        group = {other for other in reached[name] & left if name in reached[other]}
        if len(group) > 1:
            found.append(group)
            left -= group
    return found


def _reach(start: str, own: dict[str, frozenset[str]]) -> set[str]:
    """Return every module that a module imports, directly or through others; itself only through a circle."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        new = own.get(waiting.pop(), frozenset()) - seen
        seen |= new
        waiting += new
    return seen


def rows(house: House) -> dict[str, str]:
    """Return the measures of a tree by their names, as the table shows them."""
    modules = house.modules
    lines = [module.lines for module in modules]
    functions = [count for module in modules for count in module.functions]
    parameters = [count for module in modules for count in module.parameters]
    imports = [module.import_statements for module in modules]
    fan_out = [len(found) for found in house.own.values()]
    folders = Counter(module.folder for module in modules)
    (folder, files), *_ = folders.most_common(1) or [("", 0)]
    return {
        "modules / lines": f"{len(modules):,} / {sum(lines):,}",
        "module lines: median, p90, max": _spread(lines),
        "function lines: median, p90, max": _spread(functions),
        "parameters: mean, p90": f"{_mean(parameters):.1f}, {_p90(parameters)}",
        "import statements: median, p90": f"{_median(imports)}, {_p90(imports)}",
        "own fan-out: mean, p90, max": f"{_mean(fan_out):.1f}, {_p90(fan_out)}, {max(fan_out, default=0)}",
        "comment / docstring lines": f"{_share(modules, 'comment_lines')} / {_share(modules, 'docstring_lines')}",
        "classes a module": f"{_mean([module.classes for module in modules]):.2f}",
        "largest flat folder": f"{files} ({folder or '.'})",
        "import circles": str(len(circles(house.own))),
        **{f"`{word}` in names, docstrings, comments": _stands(word, modules) for word in WORDS},
    }


def _stands(word: str, modules: Sequence[Module]) -> str:
    places = ("names", "docstrings", "comments")
    return ", ".join(str(sum(module.words[word, place] for module in modules)) for place in places)


def _share(modules: Sequence[Module], measure: str) -> str:
    total = sum(module.lines for module in modules)
    return f"{100 * sum(getattr(module, measure) for module in modules) / max(total, 1):.1f} %"


def _spread(values: Sequence[int]) -> str:
    return f"{_median(values)}, {_p90(values)}, {max(values, default=0)}"


def _mean(values: Sequence[int]) -> float:
    return statistics.fmean(values) if values else 0.0


def _median(values: Sequence[int]) -> int:
    return round(statistics.median(values)) if values else 0


def _p90(values: Sequence[int]) -> int:
    """Return the smallest value that nine of ten do not exceed."""
    return sorted(values)[-(-9 * len(values) // 10) - 1] if values else 0


def table(houses: Sequence[House]) -> str:
    """Return the measures as a Markdown table, a column for each tree."""
    columns = [rows(house) for house in houses]
    head = ["", *(house.title for house in houses)]
    body = [[name, *(column[name] for column in columns)] for name in columns[0]]
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(paths: Sequence[str]) -> int:
    """Print the table, or the usage with exit code 2 where a path is no folder."""
    wrong = [path for path in paths if not Path(path).is_dir()]
    if not paths or wrong:
        print("usage: python tools/measure_house.py PATH [PATH…]", file=sys.stderr)
        for path in wrong:
            print(f"no folder: {path}", file=sys.stderr)
        return 2
    print(table([measured(Path(path)) for path in paths]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
