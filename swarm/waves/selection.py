"""Selection of the run, the wave and the repository that a command means."""

import re
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from swarm import errors
from swarm.rules.findings import id_prefix
from swarm.store import runs, waves
from swarm.store.runs import Run
from swarm.store.waves import Wave

LATEST: Final = "latest"
_MOST_SHOWN: Final = 5
_LARGEST: Final = 2**63 - 1

if TYPE_CHECKING:
    from swarm.store.findings import Finding


def is_wave_number(word: str) -> bool:
    """Say whether a word is a whole number, which is never a run."""
    return re.fullmatch(r"[0-9]+", word, re.ASCII) is not None


def wave_number(word: str) -> int:
    """Return the number of a word, at most SQLite's largest: no wave has a larger number."""
    # Compared by length: a number of a million digits must not reach `int`.
    digits = word.lstrip("0") or "0"
    return int(digits) if len(digits) < len(str(_LARGEST)) else _LARGEST


def select_run(conn: sqlite3.Connection, named: str | None, folder: Path) -> Run:
    """Return the run that a word means: an id, a unique prefix of the id or of its hex, `latest`, or nothing.

    Nothing means the newest run of the repository around `folder`, by its path, else by its history, else the newest.
    Raises RunNotFound and RunAmbiguous.
    """
    if named is None:
        run = runs.newest_around(conn, folder) or _by_history(conn, folder) or runs.newest(conn)
    elif named == LATEST:
        run = runs.newest(conn)
    else:
        run = runs.find(conn, named) or _by_prefix(conn, named)
    if run is None and named is not None and named[:2].upper() == "F-" and id_prefix(named):
        raise errors.RunIsFinding(run_id=named)
    if run is None:
        raise errors.RunNotFound(run_id=named or LATEST)
    return run


def _by_history(conn: sqlite3.Connection, folder: Path) -> Run | None:
    from swarm.waves.run_place import run_by_history

    return run_by_history(conn, folder)


def _by_prefix(conn: sqlite3.Connection, prefix: str) -> Run | None:
    # A number always means a wave, also where a run's hex begins with these digits.
    if not prefix or is_wave_number(prefix):
        return None
    found = runs.beginning_with(conn, prefix)
    if len(found) > 1:
        shown = ", ".join(run.id for run in found[:_MOST_SHOWN]) + (", …" if len(found) > _MOST_SHOWN else "")
        raise errors.RunAmbiguous(received=prefix, count=len(found), matches=shown)
    return found[0] if found else None


def split_run_and_wave(words: tuple[str, ...]) -> tuple[str | None, int | None]:
    """Read `[RUN] [WAVE]`: a whole number is the wave, and anything else the run."""
    run = next((word for word in words if not is_wave_number(word)), None)
    wave = next((wave_number(word) for word in words if is_wave_number(word)), None)
    return run, wave


def select_wave(conn: sqlite3.Connection, run: Run, number: int | None) -> Wave:
    """Return a run's wave of this number, or its newest wave. Raises WaveNotFound."""
    wave = waves.newest(conn, run.id) if number is None else waves.numbered(conn, run.id, number)
    if wave is None:
        raise errors.WaveNotFound(run_id=run.id, number=number)
    return wave


def finding_named(conn: sqlite3.Connection, run: Run, named: str) -> "Finding":
    """Return the finding of an id or unique prefix. Raises FindingNotFound, FindingAmbiguous."""
    from swarm.store import findings

    (found,) = finding_ids(conn, run, [named])
    return findings.with_id(conn, run.id, found)


def finding_ids(conn: sqlite3.Connection, run: Run, words: Iterable[str]) -> list[str]:
    """Return the ids that words mean, each once: an id or a unique prefix, in any case, with or without `F-`.

    Raises FindingNotFound with every unknown word, and FindingAmbiguous.
    """
    found = {word: _beginning_with(conn, run, word) for word in words}
    if unknown := [word for word, ids in found.items() if not ids]:
        raise errors.FindingNotFound(run_id=run.id, finding_id=", ".join(unknown))
    for word, ids in found.items():
        if len(ids) > 1:
            shown = ", ".join(ids[:_MOST_SHOWN]) + (", …" if len(ids) > _MOST_SHOWN else "")
            raise errors.FindingAmbiguous(run_id=run.id, received=word, matches=shown, first=ids[0])
    return list(dict.fromkeys(id_ for ids in found.values() for id_ in ids))


def _beginning_with(conn: sqlite3.Connection, run: Run, word: str) -> list[str]:
    from swarm.store import finding_names

    prefix = id_prefix(word)
    return [] if prefix is None else finding_names.ids_beginning(conn, run.id, prefix, _MOST_SHOWN + 1)


def split_run_and_findings(
    conn: sqlite3.Connection, words: tuple[str, ...], option: str | None, folder: Path
) -> tuple[str | None, tuple[str, ...]]:
    """Read `[RUN] [FINDING]…`: the first word is the run if it cannot be a finding's id, or if no finding has it.

    A word can hold several ids with commas between them. `option` is a run that was named otherwise. Raises CliUsage
    for a word that means both a run and a finding, and for a run that is named twice.
    """
    words = tuple(part for word in words for part in word.split(",") if part)
    if not words or words[0][:2].lower() == "f-":
        return option, words
    first, rest = words[0], words[1:]
    if id_prefix(first) is None:
        if option not in {None, first}:
            raise errors.CliUsage(problem="the run is named twice")
        return first, rest
    if option is not None:
        return option, words
    is_finding = bool(_beginning_with(conn, select_run(conn, None, folder), first))
    is_run = not is_wave_number(first) and bool(runs.beginning_with(conn, first))
    if is_finding and is_run:
        problem = f"'{first}' begins the id of a run and of a finding; write F-{first}, or --run {first}"
        raise errors.CliUsage(problem=problem)
    return (first, rest) if is_run else (None, words)
