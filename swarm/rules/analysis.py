"""Lookups over an analysis of a wave: rules at a place, files that were read."""

from collections.abc import Mapping
from typing import Any


def indexed(analysis: dict[str, Any]) -> dict[str, Any]:
    """Return an analysis with its lists as sets, for many look-ups."""
    sets: dict[str, Any] = {key: frozenset(analysis[key]) for key in ("unread", "read") if key in analysis}
    roots = {root["root"]: frozenset(root["rules"]) for root in analysis.get("roots", ())}
    return {**analysis, **sets, "roots": roots} if analysis else {}


def rules_at(analysis: Mapping[str, Any], path: str | None) -> frozenset[str]:
    """Return the rules that were on for a file."""
    roots: Mapping[str, frozenset[str]] = analysis.get("roots", {})
    folders = [f"./{path}".rsplit("/", depth)[0] for depth in range(1, (path or "").count("/") + 2)]
    return next((roots[folder] for folder in [*folders, "./."] if folder in roots), roots.get("", frozenset()))


def was_read(analysis: Mapping[str, Any], path: str | None) -> bool:
    """Say whether an analyzer read a file."""
    if not analysis or path is None:
        return False
    if "read" in analysis:
        return path in analysis["read"]
    return path.endswith(tuple(analysis["suffixes"])) and path not in analysis["unread"]
