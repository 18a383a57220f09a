"""The state that a command left, in a form to be compared: without times, process ids and hashes of them."""

import hashlib
import json
import os
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from soak.calls import git

TIMES = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z|\d{4}-\d\d-\d\dT\d{6}-\d{3}Z")
NUMBERS = re.compile(
    r'(duration_?[mM]s|pid|supervisor_?[pP]id|bytes)\\?": ?\d+|proof-\d+-[0-9a-z_]+|proofs/\d{4}-'
    r"|(?:verification|receipt)[-: ]\d+"
    r'|(hash|[a-z]+Sha256)\\?": ?\\?"[0-9a-f]{64}'
)
SAVE_POINT = re.compile(r"swarm-save-\d+")
# Columns that hold times, processes, or digests over such.
FLEETING = {
    *("ts", "created", "started", "ended", "dispatched", "decided", "spawned", "first_output", "last_progress"),
    *("duration_ms", "host", "supervisor_pid", "pid", "pid_start", "hash", "correlation_id", "sha256"),
    # The digest of a policy is over paths, which hold the id of the run.
    *("prompt_sha256", "sentinel", "policy"),
}
# What a second try may add to, and whose ids it may move.
TRIES = {"attempts", "analyses", "artifacts", "events", "sqlite_sequence"}
# Files of which it is enough that they are there: they hold times, digests of times, or what stat says.
NAMED_ALONE = (".lock", ".log", ".index", "events.jsonl", "record.json", "receipt.json", "receipt.md")
MEASURED = {
    "verifications": {"id"},
    "receipts": {"id", "verification_id", "body"},
    "promotions": {"receipt_id"},
    "merges": {"verification_id"},
}
OF_REPEATED_EVENTS = ("attempt", "launch", "repair")
OF_TRIES = ("/attempt-", "/launch.lock", "/proofs/0")
NOT_COMPARED = ("objects", "logs", "COMMIT_EDITMSG", "ORIG_HEAD", "FETCH_HEAD")


def state(root: Path, *, tries: bool = True) -> dict[str, Any]:
    """Return the whole of what stands in a repository: tables, refs, trees, files. `tries` takes the attempts in.

    Runs and commits have names of chance and time in them; their place and their files stand for them.
    """
    names = names_of(root)
    database = database_of(root)
    shown = {
        "tables": tables(database, tries=tries) if database else {},
        "refs": refs(root),
        "trees": worktrees(root),
        "files": files(root, names, tries=tries),
        "git folder": sorted(_names(root / ".git")),
        "temporary files": sorted(_below(root.parent / "tmp")),
    }
    found: dict[str, Any] = json.loads(renamed(json.dumps(shown), names))
    return found


def database_of(root: Path) -> Path | None:
    """Return the control plane of a repository, where it has one that is not empty."""
    database = root / "swarms" / "control-plane.db"
    return database if database.exists() and database.stat().st_size > 0 else None


def names_of(root: Path) -> dict[str, str]:
    """Return what stands for each run and commit."""
    commits = [line.split() for line in git(root, "log", "--all", "--format=%H %T").splitlines()]
    names = {commit: f"<commit of {tree}>" for commit, tree in commits}
    names |= {commit[:12]: f"<commit of {tree[:12]}>" for commit, tree in commits}
    if (database := database_of(root)) is not None:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as conn:
            runs = [run for (run,) in conn.execute("SELECT id FROM runs ORDER BY seq")]
        names |= {run: f"<run {number}>" for number, run in enumerate(runs)}
        names |= {run.rpartition("-")[2]: f"<hex {number}>" for number, run in enumerate(runs)}
    return names


def renamed(text: str, names: Mapping[str, str]) -> str:
    """Return a text with what stands for the names of runs and commits."""
    text = SAVE_POINT.sub("swarm-save-<t>", text)
    for name, stands_for in names.items():
        text = text.replace(name, stands_for)
    return text


def tables(database: Path, *, tries: bool) -> dict[str, list[Any]]:
    """Return every table's rows, and the ledger as the changes that it tells."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as conn:
        conn.row_factory = sqlite3.Row
        names = [name for (name,) in conn.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        found = {name: _rows(conn, name, tries=tries) for name in names if name not in TRIES}
        if tries:
            found |= {name: _rows(conn, name, tries=tries) for name in ("attempts", "analyses") if name in names}
        if "events" in names:
            found["events"] = _events(conn, tries=tries)
    return found


def _rows(conn: sqlite3.Connection, name: str, *, tries: bool) -> list[str]:
    rows = conn.execute(f'SELECT * FROM "{name}"').fetchall()
    # A call that was repeated after it was done measured twice: the measurement counts once.
    left_out = FLEETING if tries else FLEETING | MEASURED.get(name, set())
    found = [json.dumps({key: plain(row[key]) for key in row.keys() if key not in left_out}) for row in rows]  # noqa: SIM118
    return sorted(found) if tries or name not in MEASURED else sorted(set(found))


def _events(conn: sqlite3.Connection, *, tries: bool) -> list[str]:
    columns = "kind, run_id, wave_id, subject, from_state, to_state, actor, reason"
    found = [json.dumps([plain(cell) for cell in row]) for row in conn.execute(f"SELECT {columns} FROM events")]
    if tries:
        return sorted(found)
    return sorted({line for line in found if not any(word in line for word in OF_REPEATED_EVENTS)})


def plain(cell: object) -> object:
    """Return a cell without its times."""
    if isinstance(cell, bytes):
        return hashlib.sha256(cell).hexdigest()
    if not isinstance(cell, str):
        return cell
    return NUMBERS.sub("<n>", TIMES.sub("<t>", cell))


def refs(root: Path) -> dict[str, str]:
    """Return the files that every ref leads to, as a tree's name, and where HEAD stands."""
    # A tree itself, the tree of a commit, or that of the commit which a tag names.
    tree = "%(if:equals=tree)%(objecttype)%(then)%(objectname)%(else)%(tree)%(*tree)%(end)"
    listed = git(root, "for-each-ref", f"--format=%(refname) {tree}").splitlines()
    found = dict(line.split() for line in listed)
    return {"HEAD": git(root, "symbolic-ref", "-q", "HEAD", expect=(0, 1)), **found}


def worktrees(root: Path) -> dict[str, str]:
    """Return every worktree with its branch, its index and what differs in it."""
    found = {}
    for block in git(root, "worktree", "list", "--porcelain").strip().split("\n\n"):
        lines = dict(line.partition(" ")[::2] for line in block.splitlines())
        place = Path(lines["worktree"])
        branch = lines.get("branch", "detached")
        if not place.is_dir():
            found[str(place)] = f"{branch} is gone"
            continue
        status = git(root, "-C", str(place), "status", "--porcelain=v1", "-uall", "--ignored=no")
        found[str(place)] = f"{branch}\n{status}\n{git(root, '-C', str(place), 'ls-files', '-s', '-v')}"
    return found


def files(root: Path, names: dict[str, str], *, tries: bool) -> dict[str, str]:
    """Return every file of the checkout and of the workspace, with a digest of what it says apart from times."""
    found = {}
    for name in _below(root):
        if name.startswith((".git/", "swarms/control-plane.db")) or "/.git/" in name:
            continue
        if not tries and any(part in name for part in OF_TRIES):
            continue
        place = root / name
        if place.is_symlink():
            found[name] = f"link to {place.readlink()}"
        elif place.is_dir() or name.endswith(NAMED_ALONE) or "/proofs/" in name:
            found[str(plain(name))] = "there"
        else:
            body = str(plain(place.read_text("utf-8", "replace")))
            found[str(plain(name))] = hashlib.sha256(renamed(body, names).encode()).hexdigest()[:16]
    return found


def _below(folder: Path) -> list[str]:
    found = []
    for place, inner, names in os.walk(folder):
        here = Path(place).relative_to(folder)
        found += [str(here / name) for name in names]
        found += [f"{here / name}/" for name in inner if not os.listdir(Path(place) / name)]  # noqa: PTH208
    return sorted(found)


def _names(folder: Path) -> list[str]:
    return [name for name in _below(folder) if not name.startswith(NOT_COMPARED) and "/logs/" not in name]


def differences(one: object, other: object, where: str = "") -> list[str]:
    """Return where two states part, in a line each."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted({*one, *other}, key=str)
        return [line for key in keys for line in differences(one.get(key), other.get(key), f"{where}/{key}")]
    if isinstance(one, list) and isinstance(other, list):
        missing = [item for item in one if item not in other]
        more = [item for item in other if item not in one]
        lines = [f"{where}: not there: {item}" for item in missing] + [f"{where}: too much: {item}" for item in more]
        if not lines and len(one) != len(other):
            lines = [f"{where}: {len(one)} and {len(other)}"]
        return lines
    return [] if one == other else [f"{where}: {one!r} and then {other!r}"]
