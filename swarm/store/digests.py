"""Digests that the ledger holds for rows without an event of their own: evidence, sightings, fix claims."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from json.encoder import encode_basestring as _text
from typing import Final

from swarm.store.compact_json import Encoded, compact_row
from swarm.store.ledger import Entry, append
from swarm.store.sightings import Sighting

_KEPT: Final = (
    # Columns that have no event of their own; a column with an event is compared by `ledger verify` itself.
    "SELECT ownership_probe_degraded, violations, result FROM waves WHERE id = ?1",
    # An agent run without these columns is not collected; its row still changes without `seal`.
    (
        "SELECT id, analyzer, analysis, findings, work FROM agent_runs"
        " WHERE wave_id = ?1 AND (findings IS NOT NULL OR work IS NOT NULL) ORDER BY id"
    ),
    (
        # CROSS JOIN fixes the order of the tables: first the few agent runs of the wave, then their rows by index.
        "SELECT agent_run_id, kind, path, sha256, bytes FROM agent_runs"
        " CROSS JOIN artifacts ON agent_run_id = agent_runs.id WHERE wave_id = ?1 ORDER BY agent_run_id, kind"
    ),
    (
        "SELECT agent_run_id, path, kind, observed, reported, owner, violation FROM agent_runs"
        " CROSS JOIN file_claims ON agent_run_id = agent_runs.id WHERE wave_id = ?1 ORDER BY agent_run_id, path"
    ),
)

# Read after the others, and only where a wave has such rows: the digest of an older wave stays as it was.
_ADDED: Final = (
    (
        "SELECT tool, attempt, version, config, files, outcome, exit_class, document FROM analyses"
        " WHERE wave_id = ?1 ORDER BY tool, attempt"
    ),
)


def seal(conn: sqlite3.Connection, run_id: str, wave_id: int) -> None:
    """Write the digest over a wave's evidence into the ledger, at the end of a transaction that changed any."""
    payload: dict[str, object] = {"digest": digest(conn, wave_id)}
    append(conn, Entry("evidence_recorded", f"wave:{wave_id}", run_id, wave_id, payload=payload))


def seal_again(conn: sqlite3.Connection, run_id: str, wave_id: int) -> None:
    """Write the digest anew where a wave has one: agents that are launched again add to the evidence of its collect."""
    known = "SELECT 1 FROM events WHERE subject = ? AND kind = 'evidence_recorded' LIMIT 1"
    if conn.execute(known, (f"wave:{wave_id}",)).fetchone():
        seal(conn, run_id, wave_id)


def digest(conn: sqlite3.Connection, wave_id: int) -> str:
    """Return the SHA-256 over a wave's evidence: a line of compact JSON a row, an empty line after each table."""
    whole = hashlib.sha256()
    for statement in _KEPT:
        _feed(whole, conn.execute(statement, (wave_id,)))
        whole.update(b"\n")
    for statement in _ADDED:
        _feed(whole, conn.execute(statement, (wave_id,)))
    return whole.hexdigest()


# Parts of lines that are hashed together.
_PARTS: Final = 1000


class Digest:
    """Digest over a wave's sightings, which the ledger holds in place of an event for each sighting."""

    def __init__(self) -> None:
        # Fed as they come: the sightings of a wave of 100,000 findings are never in memory together.
        self.count = 0
        self._lines: list[bytes] = []
        self._whole = hashlib.sha256()
        # The words that many sightings share are encoded once.
        self._word = Encoded()

    def over(self, sightings: Iterable[Sighting]) -> Iterator[Sighting]:
        """Yield the sightings unchanged, and add each to the digest."""
        lines, word = self._lines, self._word
        for sighting in sightings:
            lines += _compact(sighting, word)
            if len(lines) >= _PARTS:
                self._feed()
            self.count += 1
            yield sighting

    def hex(self) -> str:
        """Return the SHA-256 over a line of compact JSON for each sighting."""
        self._feed()
        return self._whole.hexdigest()

    def _feed(self) -> None:
        """Hash the lines so far together: a call of the hash for each costs as much as the line."""
        self._whole.update(b"".join(self._lines))
        self._lines.clear()


def _compact(sighting: Sighting, word: Encoded) -> tuple[bytes, ...]:
    """Return the parts of a line of what `compact_row` makes of a sighting in half of its time, by its columns."""
    finding, wave, agent, reported, severity, category, file, line, quote, description, advice, by, note, tool = (
        sighting
    )
    try:
        said = (
            f"[{finding},{wave},{agent},{_text(reported)},{word[severity]},{word[category]}"
            f",{word[file]},{'null' if line is None else line}"
            f",{_text(quote)},{_text(description)},{'null' if advice is None else _text(advice)}"
        )
        # Apart, since a note has an arrow: in one text with it, every character would take two bytes.
        matched = f",{word[by]},{'null' if note is None else _text(note)}"
        # Sightings without a tool have the digest that versions without this column gave them.
        return said.encode(), f"{matched}{'' if tool is None else f',{word[tool]}'}]\n".encode()
    except TypeError:
        # A sighting of a finding that somebody deleted has no words.
        return (f"{compact_row(sighting if tool is not None else sighting[:-1])}\n".encode(),)


def _feed(whole: "hashlib._Hash", rows: Iterable[Sequence[object]]) -> None:
    for row in rows:
        whole.update(compact_row(row).encode() + b"\n")


def _over(rows: Iterable[Sequence[object]]) -> str:
    whole = hashlib.sha256()
    _feed(whole, rows)
    return whole.hexdigest()


def fix_claims_digest(conn: sqlite3.Connection, wave_id: int) -> str:
    """Return the SHA-256 over a line of compact JSON for each fix claim of a wave, without its outcome."""
    rows = conn.execute(
        # Without the outcome, which changes when a commit proves the claim; that change has its own event.
        "SELECT id, agent_run_id, finding, description, file, verified_via, evidence FROM fix_claims"
        " WHERE wave_id = ? ORDER BY id",
        (wave_id,),
    )
    return _over(rows)


def reviews_digest(conn: sqlite3.Connection, wave_id: int) -> str:
    """Return the SHA-256 over a line of compact JSON for each verdict of a wave."""
    rows = conn.execute(
        "SELECT agent_run_id, finding, verdict, file, line, quote, reason, reviewer, is_independent, same_cause"
        " FROM reviews WHERE wave_id = ? ORDER BY id",
        (wave_id,),
    )
    return _over(rows)


def completed_hash(conn: sqlite3.Connection, wave_id: int) -> str:
    """Return the SHA-256 over the completed agent runs of a wave: their rows, their evidence and their events."""
    whole = hashlib.sha256()
    # `redrive` compares this hash before and after, which proves that completed rows stayed byte-identical.
    done = "SELECT id FROM agent_runs WHERE wave_id = ?1 AND status = 'complete'"
    for statement in (
        (
            "SELECT id, wave_id, domain, status, files, prompt_path, prompt_sha256, output_path, worktree_path,"
            " worktree_branch, analyzer, analysis, findings, error, started, ended, work"
            " FROM agent_runs WHERE wave_id = ?1 AND status = 'complete' ORDER BY id"
        ),
        (
            "SELECT id, agent_run_id, kind, path, sha256, bytes, created"  # noqa: S608
            f" FROM artifacts WHERE agent_run_id IN ({done}) ORDER BY id"
        ),
        (
            "SELECT id, agent_run_id, path, kind, observed, reported, owner, violation"  # noqa: S608
            f" FROM file_claims WHERE agent_run_id IN ({done}) ORDER BY id"
        ),
        (
            "SELECT id, wave_id, agent_run_id, finding, description, file, verified_via, evidence, outcome"  # noqa: S608
            f" FROM fix_claims WHERE agent_run_id IN ({done}) ORDER BY id"
        ),
        f"SELECT seq, hash FROM events WHERE subject IN (SELECT 'agent_run:' || id FROM ({done})) ORDER BY seq",  # noqa: S608
    ):
        for row in conn.execute(statement, (wave_id,)):
            whole.update(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        whole.update(b"\n")
    return whole.hexdigest()
