"""The source of swarm as its guards read it: modules, their trees, their imports, calls and classes."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import swarm

PACKAGE = Path(swarm.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
CATALOGUE = "errors/__init__.py"


class Import(NamedTuple):
    """One import of a module, wherever in it."""

    by: str
    name: str


def shown(module: Path) -> str:
    return module.relative_to(PACKAGE).as_posix()


@cache
def tree_of(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


@cache
def nodes_of(module: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree_of(module)))


@cache
def imports() -> tuple[Import, ...]:
    return tuple(found for module in MODULES for found in imports_of(module))


def imports_of(module: Path) -> Iterator[Import]:
    for node in nodes_of(module):
        if isinstance(node, ast.Import):
            yield from (Import(shown(module), alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{shown(module)} imports relatively"
            yield from (Import(shown(module), f"{node.module}.{alias.name}") for alias in node.names)


def room_of(module: str) -> str:
    return module.partition("/")[0].removesuffix(".py")


def stands_in(module: str, places: set[str]) -> bool:
    return module in places or f"{room_of(module)}/*" in places


def calls(module: Path) -> Iterator[ast.Call]:
    return (node for node in nodes_of(module) if isinstance(node, ast.Call))


def docstrings(module: Path) -> set[int]:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        id(node.body[0].value)
        for node in nodes_of(module)
        if isinstance(node, kinds) and node.body and isinstance(node.body[0], ast.Expr)
    }


def imported_as(module: Path) -> str:
    return ".".join(("swarm", *module.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


def own_imports() -> dict[str, set[str]]:
    """Return, for each module, the modules of ours that it imports, wherever in it."""
    names = {imported_as(module): shown(module) for module in MODULES}
    found: dict[str, set[str]] = {name: set() for name in names.values()}
    for imported in imports():
        for name in (imported.name, imported.name.rpartition(".")[0]):
            if name in names:
                found[imported.by].add(names[name])
                break
    return found


def classes() -> Iterator[tuple[str, str]]:
    for module in MODULES:
        yield from ((node.name, shown(module)) for node in tree_of(module).body if isinstance(node, ast.ClassDef))
