"""Attestation of a wave: the statement about its receipt, its commit and its ledger, signed with a key of the user."""

import hashlib
import shlex
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm import __version__, errors
from swarm.results.document import document
from swarm.results.receipt import SignedReceipt
from swarm.rules.attestations import (
    PAYLOAD_TYPE,
    Envelope,
    Subject,
    control_plane_id,
    statement,
    verification_name,
)
from swarm.signing.envelopes import sealed
from swarm.signing.keys import SigningKey
from swarm.store import ledger, plan_locks, verifications
from swarm.store.runs import Run
from swarm.store.verifications import ClaimCounts, Verification
from swarm.store.waves import Wave
from swarm.waves.ledger.verify import broken
from swarm.workspace import Workspace

RECEIPT: Final = "receipt.json"
ENVELOPE: Final = "receipt.intoto.jsonl"


class Signing(NamedTuple):
    """A request to sign: the key, the other files of the verification by their role, and the folder to write to.

    The roles are `sarif` and `record`; without a folder the files go to one of the run.
    """

    key: SigningKey
    files: Mapping[str, Path]
    folder: Path | None


def attest(
    conn: sqlite3.Connection, workspace: Workspace, run: Run, wave: Wave, receipt: bytes, signing: Signing
) -> tuple[Envelope, SignedReceipt]:
    """Return the signed statement about a wave, and its account. `receipt` are the bytes of receipt.json.

    To be called in a snapshot, so that receipt and ledger are of the same moment. Raises LedgerBroken, because a
    signature would lend a broken ledger its name; CliUsage and FileNotFound for files that cannot be subjects.
    """
    if (link := ledger.examine(conn).broken) is not None:
        raise broken(link)
    made = verifications.newest_verification(conn, run.id, wave_id=wave.id)
    control_plane, length = control_plane_id(ledger.hash_at(conn, 1) or ""), ledger.head(conn)
    commit = made.commit_sha if made else wave.dispatch_sha
    digest = hashlib.sha256(receipt).hexdigest()
    lock = plan_locks.newest(conn, wave.id)
    folder = signing.folder or workspace.attestation_folder(run.id, wave.number, digest)
    signed = SignedReceipt(
        run_id=run.id,
        wave_number=wave.number,
        commit_sha=commit,
        verdict=made.verdict if made else None,
        verification=verification_name(run.id, made.id) if made else None,
        receipt_sha256=digest,
        ledger_length=length,
        ledger_head=ledger.hash_at(conn, length) or "",
        key_name=signing.key.name,
        key_id=signing.key.id,
        path=str(folder / ENVELOPE),
        receipt_path=str(folder / RECEIPT),
        next_action=f"swarm receipt verify {shlex.quote(str(folder / ENVELOPE))}",
    )
    predicate: dict[str, Any] = {
        "id": signed.verification,
        "runId": run.id,
        "waveNumber": wave.number,
        "phase": wave.phase,
        **_proof(made),
        "planLock": None if lock is None else {"sha256": lock.sha256, "keyId": lock.key_id},
        "toolVersions": dict(_tools(wave)),
        "files": _names(signing.files),
        "ledger": {"controlPlaneId": control_plane, "length": length, "head": signed.ledger_head},
    }
    subjects = [
        Subject(run.repo, "gitCommit", commit),
        Subject(RECEIPT, "sha256", digest),
        *(Subject(file.name, "sha256", digest_of(file)) for file in signing.files.values()),
    ]
    return sealed(PAYLOAD_TYPE, statement(subjects, predicate), signing.key), signed


def _names(files: Mapping[str, Path]) -> dict[str, str]:
    """Return the names of the signed files by their role. Raises CliUsage where two have the same."""
    named = {"receipt": RECEIPT, **{role: file.name for role, file in files.items()}}
    # Names go into the statement, where half a surrogate pair is no JSON and a line end is no name.
    if len(set(named.values())) != len(named) or not all(name.isprintable() for name in named.values()):
        problem = f"the files to sign need different, printable names; they have {', '.join(named.values())}"
        raise errors.CliUsage(problem=problem, command="swarm receipt")
    return named


def _proof(made: Verification | None) -> dict[str, Any]:
    """Return the part of a predicate about the newest verification of a wave; all null where there is none."""
    return {
        "verdict": made and made.verdict,
        "exitCode": made and made.exit_code,
        "steps": [{"name": s.name, "passed": s.passed, "exitCode": s.exit_code} for s in made.steps] if made else [],
        "testCount": made and made.test_count,
        "claims": document(made.claims or ClaimCounts()) if made else None,
        "threshold": made and made.threshold,
        "accepted": made and made.accepted,
        "reason": made and made.reason,
        "adapter": made and made.adapter,
        "gateCommit": made and made.commit_sha,
        "sandboxBackend": made and made.isolation,
    }


def _tools(wave: Wave) -> Iterator[tuple[str, str]]:
    yield "swarm", __version__
    names, versions = (wave.runtime or "").split(","), (wave.runtime_version or "").split(",")
    # A wave without a version has a single empty text, for any number of runtimes.
    yield from ((name, version) for name, version in zip(names, versions, strict=False) if version)


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file. Raises FileNotFound."""
    if file.exists() and not file.is_file():
        # A pipe in its place would never end.
        raise errors.FileNotFound(path=str(file), problem="it is not a regular file")
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise errors.FileNotFound(path=str(file), problem=error.strerror or str(error)) from error
