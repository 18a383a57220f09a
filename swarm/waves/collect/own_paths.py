"""Absolute paths in an agent's output: those of its own tree, as the paths that they are in the repository."""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from swarm.runtimes.own_tree import inside, path_of_uri
from swarm.store.agent_runs import AgentRun
from swarm.store.waves import Wave

_LISTS: Final = ("findings", "features", "fixes", "requests", "reviews")


def own_trees(agent: AgentRun, wave: Wave, root: Path) -> tuple[Path, ...]:
    """Return the trees whose absolute paths an agent may name: its own, or without isolation the shared ones."""
    if agent.worktree_path is not None:
        return (Path(agent.worktree_path),)
    if wave.isolated:
        return ()
    return (*([Path(wave.shared_tree)] if wave.shared_tree else []), root)


def with_own_paths(output: dict[str, Any], trees: Sequence[Path], root: Path) -> dict[str, Any]:
    """Return an output in which each path in one of the trees is relative to that tree; `root` is the checkout.

    Every other path stays, and is judged as it is written.
    """
    # The worktrees lie in the checkout, so an agent may name its files from there.
    begins = [
        (tree, f"{tree.relative_to(root)}/" if tree != root and tree.is_relative_to(root) else None) for tree in trees
    ]
    own = cache(lambda name: _relative(name, begins, root))

    def item_with(item: Any) -> Any:
        named = _file_of(item)
        return item if named is None or own(named) == named else {**item, "file": own(named)}

    # Asked of each name first: thousands of findings share a file, and nearly no output names a path of its tree.
    strange = {
        name: items
        for name in _LISTS
        if (items := output.get(name))
        and any(own(named) != named for named in set(map(_file_of, items)) if named is not None)
    }
    changed = {name: [item_with(item) for item in items] for name, items in strange.items()}
    if output.get("files_changed"):
        changed["files_changed"] = [own(name) for name in output["files_changed"]]
    return {**output, **changed}


def _file_of(item: Any) -> str | None:
    named = item.get("file") if isinstance(item, dict) else None
    return named if isinstance(named, str) else None


def _relative(name: str, begins: Iterable[tuple[Path, str | None]], root: Path) -> str:
    plain = name.removeprefix("./")
    for tree, begin in begins:
        path = f"{root}/{plain}" if begin is not None and plain.startswith(begin) else name
        if path_of_uri(path).startswith("/") and (found := inside(tree, path)) != path:
            return found
    return name
