"""Absolute paths in an agent's output: those of its own tree, as the paths that they are in the repository."""

from collections.abc import Iterable, Mapping, Sequence
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
    known: dict[str, str] = {}

    def own(name: str) -> str:
        if name not in known:
            known[name] = _relative(name, begins, root)
        return known[name]

    def item_with(item: Any) -> Any:
        is_named = isinstance(item, Mapping) and isinstance(item.get("file"), str)
        return {**item, "file": own(item["file"])} if is_named and own(item["file"]) != item["file"] else item

    changed = {name: [item_with(item) for item in output[name]] for name in _LISTS if output.get(name)}
    if output.get("files_changed"):
        changed["files_changed"] = [own(name) for name in output["files_changed"]]
    return {**output, **changed}


def _relative(name: str, begins: Iterable[tuple[Path, str | None]], root: Path) -> str:
    plain = name.removeprefix("./")
    for tree, begin in begins:
        path = f"{root}/{plain}" if begin is not None and plain.startswith(begin) else name
        if path_of_uri(path).startswith("/") and (found := inside(tree, path)) != path:
            return found
    return name
