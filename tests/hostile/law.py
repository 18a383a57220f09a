"""The law of hostile input: refused with a code or accepted, and nothing executed, left, forged or written outside."""

import json
import os
import re
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from swarm.errors import CATALOGUE
from tests.conftest import Answer, Repo, Swarm

# The file that every command hidden in a text or a name would make.
CANARY: Final = "PWNED"
# What a terminal obeys, what hides, and what turns a line around. Not taken from the code that is under test.
_RAW: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u115f\u1160\u3164\uffa0]"
)
_TAGS: Final = re.compile("[\U000e0000-\U000e0fff]")


def raw_in(text: str) -> list[str]:
    """Return the characters of a text that no terminal form may hold."""
    return sorted({*_RAW.findall(text), *_TAGS.findall(text)})


# A line of a log that GitHub's runner, Azure Pipelines or TeamCity obeys; blanks and colours before it do not count.
_COMMAND: Final = re.compile(r"(?:\s|\x1b\[[0-9;]*m)*::|.*##[A-Za-z]*\[")


def commands_in(text: str) -> list[str]:
    """Return the lines of an output that a CI system would obey."""
    return [line for line in text.splitlines() if _COMMAND.match(line)]


def assert_lawful(answer: Answer, *, form: str = "text") -> None:
    """Hold one answer: a known exit, a typed refusal or none, and nothing raw in what is shown."""
    if form in {"json", "sarif"}:
        document = json.loads(answer.out, parse_constant=_no_constant)
        answer.out.encode()
        assert form == "sarif" or document["ok"] or document["error"]["code"] in CATALOGUE, answer.out
    elif form == "ndjson":
        assert all(isinstance(json.loads(line), dict) for line in answer.out.splitlines())
    else:
        assert raw_in(answer.out) == [], answer.out
    assert raw_in(answer.err) == [], answer.err
    assert commands_in(answer.out + "\n" + answer.err) == [], answer
    assert "Traceback" not in answer.err
    assert answer.exit in {0, 1, 2, 3, 127}
    refused = [line for line in answer.err.splitlines() if line.startswith("ERROR")]
    assert len(refused) <= 1
    if refused:
        # An error that no one typed is a bug.
        assert answer.code in CATALOGUE, answer.err


def _no_constant(constant: str) -> None:
    """Refuse NaN and Infinity in a document."""
    raise AssertionError(f"{constant} is no JSON")


def assert_whole(swarm: Swarm, db: Path) -> None:
    """Hold the control plane: SQLite finds it sound, and the ledger is unbroken and says what the tables say."""
    with sqlite3.connect(f"{db.as_uri()}?mode=ro", uri=True) as conn:
        found = conn.execute("PRAGMA integrity_check").fetchall(), conn.execute("PRAGMA foreign_key_check").fetchall()
    conn.close()
    assert found == ([("ok",)], [])
    swarm("--db", db, "ledger", "verify")
    swarm("--db", db, "ledger", "replay", "--check")


def assert_nothing_happened(root: Path) -> None:
    """Hold what is below a test's folder: no hidden command ran, and no process of it is left."""
    assert [str(file) for file in root.rglob(CANARY)] == []
    assert (left := processes_of(root)) == [], left


def processes_of(root: Path) -> list[str]:
    """Return the processes that work below a folder or have it in their environment, where the system tells them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        if int(folder.name) == os.getpid():
            continue
        try:
            place = (folder / "cwd").readlink()
            shown = (folder / "environ").read_bytes()
            state = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state not in {"Z", "X"} and (place.is_relative_to(root) or str(root).encode() in shown):
            found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found


def checkout(repo: Repo) -> Mapping[str, Any]:
    """Return all that a primary checkout is: HEAD, branch, refs that are not ours, index and files."""
    # We look as carefully as swarm does: what an agent configured must not be run by us.
    plain = ("-c", "core.fsmonitor=false", "--no-replace-objects")
    status = repo.git(*plain, "status", "--porcelain", "-z", "--untracked-files=all").split("\0")
    refs = repo.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return {
        "head": repo.git("rev-parse", "HEAD", "--symbolic-full-name", "HEAD"),
        "refs": [ref for ref in refs if not ref.startswith(("refs/heads/swarm/", "refs/swarm/", "refs/tags/swarm-"))],
        "status": [statu for statu in status if not statu.startswith("?? swarms/")],
        "config": (repo.root / ".git/config").read_bytes(),
        "hooks": files_below([repo.root / ".git/hooks"]),
        "files": files_below(item for item in repo.root.iterdir() if item.name not in {".git", "swarms"}),
    }


def files_below(roots: Iterable[Path]) -> dict[str, bytes]:
    """Return the bytes, or the link, of everything below some folders."""
    found = {}
    for root in roots:
        for file in [root, *root.rglob("*")]:
            if file.is_symlink():
                found[str(file)] = os.fsencode(file.readlink())
            elif file.is_file():
                found[str(file)] = file.read_bytes()
    return found
