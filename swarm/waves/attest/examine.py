"""Examination of an attestation: signature, subjects, ledger and record, each with what it rests on.

A part that is not at hand is not checked, and says so. Without a signature that holds, a statement proves nothing: what
it says then only agrees with what lies beside it.
"""

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm import __version__, errors
from swarm.documents import check, parse_bounded
from swarm.git.repository import holds_commit, repository_at
from swarm.git.runner import Git
from swarm.results.document import document_bytes
from swarm.results.receipt import CheckedPart, ReceiptCheck
from swarm.rules.attestations import PAYLOAD_TYPE, Envelope, Subject, subjects_of
from swarm.signing.envelopes import opened, own_public_key, signature_problem
from swarm.store import ledger, runs, waves
from swarm.waves.attest.attest import digest_of
from swarm.waves.ledger.verify import broken
from swarm.waves.look.receipt import receipt

HOLDS: Final = "holds"
BROKEN: Final = "broken"
NOT_CHECKED: Final = "not_checked"
PARTS: Final = ("signature", "subject", "ledger", "record")


class AtHand(NamedTuple):
    """Measures of an attestation: a public key, files by name, a control plane, a repository.

    `problem` says why a control plane that is there cannot be read; `is_named` says that the caller named it.
    """

    public: bytes | None
    files: Mapping[str, Path]
    conn: sqlite3.Connection | None = None
    git: Git | None = None
    is_named: bool = False
    problem: str | None = None


def examine(file: Path, at_hand: AtHand) -> ReceiptCheck:
    """Examine the attestation of a file. Raises FileNotFound where there is no file to read."""
    found = opened(file)
    envelope = found.envelope
    document, problem = _statement(envelope)
    parts = [_signature(envelope, found.problem, at_hand.public)]
    if document is None:
        # A signature over something else, made for another use, proves nothing about a wave.
        state, why = (BROKEN, problem) if problem else (NOT_CHECKED, "there is no statement")
        parts += [CheckedPart(part, "", state, why) for part in PARTS[1:]]
    else:
        parts += [*_subjects(document, file, at_hand), _ledger(document, at_hand), _record(document, file, at_hand)]
    predicate = document["predicate"] if document else {}
    states = {part.state for part in parts}
    is_signed = parts[0].state == HOLDS
    return ReceiptCheck(
        file=str(file),
        state=BROKEN if BROKEN in states else HOLDS if is_signed else NOT_CHECKED,
        key_id=envelope.key_id if envelope else None,
        run_id=predicate.get("runId"),
        wave_number=predicate.get("waveNumber"),
        commit_sha=_commit(document),
        verdict=predicate.get("verdict"),
        parts=tuple(parts),
    )


def repository_here(folder: Path) -> Git | None:
    """Return git in the repository around a folder, `None` where there is none that swarm can use."""
    try:
        return repository_at(folder).git
    except errors.SwarmError:
        return None


def _statement(envelope: Envelope | None) -> tuple[Mapping[str, Any] | None, str | None]:
    """Return the statement of an envelope, or the reason why it is none of ours."""
    if envelope is None:
        return None, None
    if envelope.payload_type != PAYLOAD_TYPE:
        return None, f"what was signed is no statement, but {errors.shortened(envelope.payload_type)}"
    try:
        document = parse_bounded(envelope.payload, "the statement")
    except (errors.BoundedJsonParseFailed, errors.BoundedJsonSizeLimit) as error:
        return None, f"the statement cannot be read: {error.problem}"
    if problem := check(document, "attestation"):
        return None, f"the statement has another form: {problem}"
    return document, None


def _commit(document: Mapping[str, Any] | None) -> str | None:
    found = subjects_of(document) if document else ()
    return next((subject.digest for subject in found if subject.algorithm == "gitCommit"), None)


def _file_of(document: Mapping[str, Any], role: str) -> Subject | None:
    """Return the subject that is the file of a role."""
    named = document["predicate"]["files"].get(role)
    return next((each for each in subjects_of(document) if each.algorithm == "sha256" and each.name == named), None)


def _signature(envelope: Envelope | None, problem: str | None, public: bytes | None) -> CheckedPart:
    name = f"key {envelope.key_id}" if envelope else ""
    if envelope is None or problem is not None:
        return CheckedPart("signature", name, BROKEN, problem or "")
    # A key of the user's own is trusted as such; the id in the envelope only says which one to take.
    known = public if public is not None else own_public_key(envelope)
    if known is None:
        return CheckedPart("signature", name, NOT_CHECKED, "it is no key of yours; give the public key with --key")
    wrong = signature_problem(envelope, known)
    whose = "the given key" if public is not None else "your own key"
    return CheckedPart("signature", name, *((BROKEN, wrong) if wrong else (HOLDS, f"made with {whose}")))


def _subjects(document: Mapping[str, Any], file: Path, at_hand: AtHand) -> Iterator[CheckedPart]:
    record = _file_of(document, "record")
    for subject in subjects_of(document):
        if subject.algorithm == "gitCommit":
            yield _commit_part(subject, at_hand.git)
        elif subject != record:
            yield _file_part("subject", subject, file, at_hand)


def _commit_part(subject: Subject, git: Git | None) -> CheckedPart:
    name = f"commit {subject.digest[:12]}"
    if git is None:
        return CheckedPart("subject", name, NOT_CHECKED, "there is no repository here")
    if not holds_commit(git, subject.digest):
        return CheckedPart("subject", name, NOT_CHECKED, "the repository here does not have it")
    return CheckedPart("subject", name, HOLDS, "the repository here has it")


def _file_part(part: str, subject: Subject, file: Path, at_hand: AtHand) -> CheckedPart:
    """Hold a file to its digest: one that the caller named, else the file of the name beside the envelope."""
    # Only the name: a subject of another tool can be a path, which would lead out of the folder.
    place = at_hand.files.get(subject.name, file.parent / Path(subject.name).name)
    try:
        found = digest_of(place)
    except errors.FileNotFound:
        return CheckedPart(part, subject.name, NOT_CHECKED, "the file is not here; name it with --file")
    if found != subject.digest:
        problem = f"{place} was changed: its SHA-256 is {found}, and {subject.digest} was signed"
        return CheckedPart(part, subject.name, BROKEN, problem)
    return CheckedPart(part, subject.name, HOLDS, "the file is the signed one, byte for byte")


def _record(document: Mapping[str, Any], file: Path, at_hand: AtHand) -> CheckedPart:
    subject = _file_of(document, "record")
    if subject is None:
        return CheckedPart("record", "", NOT_CHECKED, "none was signed")
    return _file_part("record", subject, file, at_hand)


def _ledger(document: Mapping[str, Any], at_hand: AtHand) -> CheckedPart:
    """Hold the ledger to its signed length and head: the chain alone shows neither a cut tail nor a whole rewrite."""
    predicate = document["predicate"]
    signed, run_id = predicate["ledger"], predicate["runId"]
    name = f"{signed['length']:,} events"
    conn = at_hand.conn
    if at_hand.problem is not None:
        return CheckedPart("ledger", name, BROKEN, at_hand.problem)
    if conn is None:
        return CheckedPart("ledger", name, NOT_CHECKED, "there is no control plane here; name it with --db")
    try:
        # By its first event, too: a run that was deleted behind swarm's back makes it no other control plane.
        is_first = (ledger.hash_at(conn, 1) or "").startswith(signed["controlPlaneId"])
        is_here = is_first or runs.find(conn, run_id) is not None
        problem = (_ledger_problem(conn, signed) or _tables_problem(conn, document)) if is_here else None
        since = ledger.head(conn) - signed["length"]
    # A damaged page or row is an answer of this part, and the other parts still count.
    except (sqlite3.Error, errors.SwarmError) as error:
        return CheckedPart("ledger", name, BROKEN, f"it cannot be read: {error}")
    if not is_here:
        other = f"the control plane here is another: it has no run {run_id}"
        return CheckedPart("ledger", name, BROKEN if at_hand.is_named else NOT_CHECKED, other)
    if problem is not None:
        return CheckedPart("ledger", name, BROKEN, problem)
    after = f"with {since:,} newer events behind it" if since else "as its last event"
    return CheckedPart("ledger", name, HOLDS, f"every link holds, and the signed head is in it, {after}")


def _ledger_problem(conn: sqlite3.Connection, signed: Mapping[str, Any]) -> str | None:
    chain = ledger.examine(conn)
    if chain.broken is not None:
        error = broken(chain.broken)
        return f"it was edited at event {error.seq}: {error.problem}"
    if chain.events < signed["length"]:
        return f"its end was cut off: it has {chain.events:,} events, and {signed['length']:,} were signed"
    first = ledger.hash_at(conn, 1) or ""
    if not first.startswith(signed["controlPlaneId"]):
        return "it was written anew from its first event on, or is that of another control plane"
    if ledger.hash_at(conn, signed["length"]) != signed["head"]:
        return f"it was written anew: event {signed['length']:,} has another hash than the signed head"
    return None


def _tables_problem(conn: sqlite3.Connection, document: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the tables, which give the signed receipt until the run has another event.

    A receipt of another version of swarm can differ for its form alone, and is not compared.
    """
    predicate = document["predicate"]
    length, run_id = predicate["ledger"]["length"], predicate["runId"]
    has_moved_on = next(ledger.events_after(conn, length, run_id), None) is not None
    if has_moved_on or predicate["toolVersions"].get("swarm") != __version__:
        return None
    run = runs.find(conn, run_id)
    wave = waves.numbered(conn, run_id, predicate["waveNumber"])
    signed = _file_of(document, "receipt")
    if run is None or wave is None or signed is None:
        return f"it has no wave {predicate['waveNumber']}, which was signed"
    if hashlib.sha256(document_bytes(receipt(conn, run, wave))).hexdigest() != signed.digest:
        return "its tables were edited: they give another receipt than the signed one, and no event says why"
    return None
