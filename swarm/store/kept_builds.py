"""Builds that `merge` has run, noted in `kv` by run, wave, tree and gate: what was proved once is not run again."""

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from swarm.store import forms, kv

_PREFIX: Final = "build:"
_RED: Final = "red-gate:"


class RedGate(NamedTuple):
    """Refusal of a wave's merge by its gate: the cause, the last lines of the step that failed, and what helps.

    The remedy is empty where an earlier version kept the refusal.
    """

    wave_id: int
    cause: str
    lines: tuple[str, ...]
    remedy: str = ""


def keep(conn: sqlite3.Connection, run_id: str, wave_id: int, name: str, build: Mapping[str, object]) -> None:
    """Keep a build under the name of its tree and gate, and forget the builds of other waves of the run."""
    of_run = f"{_PREFIX}{run_id}:"
    of_wave = f"{of_run}{wave_id}:"
    kv.remove(conn, [key for key in kv.keys_below(conn, of_run) if not key.startswith(of_wave)])
    kv.put(conn, of_wave + name, json.dumps(build))


def of_tree(conn: sqlite3.Connection, run_id: str, wave_id: int, tree: str) -> list[dict[str, Any]]:
    """Return the builds of a tree that are kept for a wave, under any gate."""
    texts = kv.values_below(conn, f"{_PREFIX}{run_id}:{wave_id}:{tree}:")
    return [forms.decoded("kv", "build", text, dict) for text in texts]


def kept(conn: sqlite3.Connection, run_id: str, wave_id: int, name: str) -> dict[str, Any] | None:
    """Return the build that is kept under a name, `None` where there is none."""
    text = kv.value_of(conn, f"{_PREFIX}{run_id}:{wave_id}:{name}")
    return None if text is None else forms.decoded("kv", "build", text, dict)


def keep_red(conn: sqlite3.Connection, run_id: str, red: RedGate) -> None:
    """Keep a refusal of the gate in the place of the last refusal of the run."""
    kv.put(conn, _RED + run_id, json.dumps(red))


def red_gate(conn: sqlite3.Connection, run_id: str) -> RedGate | None:
    """Return the last refusal of a run's gate, `None` where there was none."""
    text = kv.value_of(conn, _RED + run_id)
    return None if text is None else forms.made("kv", _red, text)


def _red(text: str) -> RedGate:
    wave_id, cause, lines, *remedy = json.loads(text)
    return RedGate(int(wave_id), str(cause), tuple(map(str, lines)), *map(str, remedy[:1]))
