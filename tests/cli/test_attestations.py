"""Attestations: a signed receipt, and what of it still holds when a part was changed."""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from swarm import __version__, documents
from swarm.store import ledger
from swarm.waves.attest.examine import AtHand, examine
from tests.cli.errors.refusal import raises
from tests.cli.scenes.coordinator import Coordinator
from tests.cli.scenes.documents import valid
from tests.cli.scenes.snapshots import nothing_changes
from tests.cli.test_ledger import behind, edit
from tests.conftest import Repo, Swarm, Workspace

NAME = "receipt.intoto.jsonl"
PAGE = Path(__file__).parents[2] / "docs" / "attestations.md"


class Signed:
    """A verified wave whose receipt was signed into a folder outside of the repository, with a SARIF log and a record."""

    def __init__(self, run: Coordinator, folder: Path) -> None:
        self.run, self.folder, self.file = run, folder, folder / NAME
        self.key = valid(run.swarm("keys", "new", "release", "--format", "json"), "keys", 0)["keys"][0]
        folder.mkdir()
        (folder / "findings.sarif").write_text('{"version": "2.1.0", "runs": []}\n')
        (folder / "run-1.json").write_text('{"run_id": "1"}\n')
        files = ("--sarif", str(folder / "findings.sarif"), "--record", str(folder / "run-1.json"))
        answer = run.swarm("receipt", "--sign", "release", "--output", str(folder), *files, "--format", "json")
        self.account = valid(answer, "receipt", 0)

    @property
    def statement(self) -> Any:
        return json.loads(base64.b64decode(json.loads(self.file.read_bytes())["payload"]))

    def checked(self, *words: str, exit: int, cwd: Path | None = None) -> list[tuple[str, str, str]]:  # noqa: A002
        """Return part, name and state of each part, of those that are not as they were signed with the reason."""
        answer = self.run.swarm("receipt", "verify", str(self.file), *words, "--format", "json", exit=exit, cwd=cwd)
        parts = valid(answer, "receipt", exit)["parts"]
        return [(one["part"], one["name"], one["state"]) for one in parts]

    def broken(self) -> dict[str, str]:
        """Return the parts that do not hold, with the reason."""
        answer = self.run.swarm("receipt", "verify", str(self.file), "--format", "json", exit=1)
        return {one["part"]: one["detail"] for one in answer.data["parts"] if one["state"] == "broken"}


@pytest.fixture
def proved(swarm: Swarm, repo: Repo, workspace: Workspace) -> Coordinator:
    run = Coordinator(swarm, repo, workspace)
    run.audit("health-audit-a", {"description": "It is wrong."})
    run.verify()
    return run


@pytest.fixture
def signed(proved: Coordinator, tmp_path: Path) -> Signed:
    return Signed(proved, tmp_path / "evidence")


def events(signed: Signed) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = signed.run.swarm("events", "--format", "json").data["events"]
    return found


def test_a_signed_receipt_is_a_statement_about_commit_files_verification_and_ledger(signed: Signed) -> None:
    body = signed.file.read_bytes()
    envelope = json.loads(body)
    receipt = signed.folder / "receipt.json"
    assert json.loads(receipt.read_bytes()) == signed.run.swarm("receipt", "--format", "json").data
    digests = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in (receipt, signed.folder / "findings.sarif", signed.folder / "run-1.json")
    }
    every = events(signed)
    lock = next(event["payload"]["planLock"] for event in every if event["kind"] == "wave_dispatched")
    control_plane = every[0]["hash"][:32]
    name = f"urn:swarm-control-plane:{signed.run.place.run}:verification:1"
    log = json.loads(signed.run.swarm("findings", "--format", "sarif", exit=1).out)
    assert [run["properties"] for run in log["runs"]] == [{"verification": name}]
    submitted = Path(signed.run.swarm("persist", "--format", "json").data["submissionPath"])
    assert json.loads(submitted.read_text())["source"]["run_url"] == name
    assert signed.statement == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": "repo", "digest": {"gitCommit": signed.run.repo.head}},
            *({"name": file, "digest": {"sha256": digest}} for file, digest in digests.items()),
        ],
        "predicateType": "urn:swarm-control-plane:verification:v1",
        "predicate": {
            "id": name,
            "runId": signed.run.place.run,
            "waveNumber": 1,
            "phase": "health-audit-a",
            "verdict": "pass",
            "exitCode": 0,
            "steps": [{"name": "pytest", "passed": True, "exitCode": 0}],
            "testCount": 12,
            "claims": {
                **dict.fromkeys(("total", "verified", "regressed", "claimedButStillPresent", "drifted", "broken")),
                "unverifiable": None,
                "verifiedViaDistribution": {},
                "offending": 0,
            },
            "threshold": 0,
            "accepted": None,
            "reason": None,
            "adapter": "python",
            "gateCommit": signed.run.repo.head,
            "sandboxBackend": None,
            "planLock": {"sha256": lock, "keyId": None},
            "toolVersions": {"swarm": __version__},
            "files": {"receipt": "receipt.json", "sarif": "findings.sarif", "record": "run-1.json"},
            "ledger": {"controlPlaneId": control_plane, "length": len(every), "head": every[-1]["hash"]},
        },
    }
    assert documents.check(signed.statement, "attestation") is None
    assert (envelope["payloadType"], envelope["signatures"][0]["keyid"]) == (
        "application/vnd.in-toto+json",
        signed.key["id"],
    )
    assert body == (json.dumps(envelope, sort_keys=True, separators=(",", ":")) + "\n").encode()
    assert signed.account == {
        "runId": signed.run.place.run,
        "waveNumber": 1,
        "commitSha": signed.run.repo.head,
        "verdict": "pass",
        "verification": name,
        "receiptSha256": digests["receipt.json"],
        "ledgerLength": len(every),
        "ledgerHead": every[-1]["hash"],
        "keyName": "release",
        "keyId": signed.key["id"],
        "path": str(signed.file),
        "receiptPath": str(receipt),
        "nextAction": f"swarm receipt verify {signed.file}",
    }


def test_each_part_is_told_apart_here_and_elsewhere(signed: Signed, tmp_path: Path) -> None:
    key, commit, length = f"key {signed.key['id']}", f"commit {signed.run.repo.head[:12]}", len(events(signed))
    files = [("subject", "receipt.json", "holds"), ("subject", "findings.sarif", "holds")]
    record = ("record", "run-1.json", "holds")
    pem = tmp_path / "home" / "release.pub"
    pem.write_text(signed.key["publicKeyPem"])
    with nothing_changes(tmp_path):
        assert signed.checked(exit=0) == [
            *(("signature", key, "holds"), ("subject", commit, "holds"), *files),
            *(("ledger", f"{length} events", "holds"), record),
        ]
        elsewhere = [
            *(("signature", key, "holds"), ("subject", commit, "not_checked"), *files),
            *(("ledger", f"{length} events", "not_checked"), record),
        ]
        # A stranger has the files and the public key, in either form, and nothing else.
        for public in (signed.key["publicKey"], signed.key["publicKey"].upper(), str(pem)):
            assert signed.checked("--key", public, exit=0, cwd=signed.folder) == elsewhere
    db = ("--db", str(signed.run.place.db))
    assert signed.checked(*db, exit=0, cwd=signed.folder)[4] == ("ledger", f"{length} events", "holds")


def test_without_a_known_key_nothing_is_proved(signed: Signed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "of-a-stranger"))
    answer = signed.run.swarm("receipt", "verify", str(signed.file), exit=2)
    assert answer.out.splitlines()[-2:] == [
        "⊘ Nothing is proved: the signature could not be checked.",
        f"Next: swarm receipt verify {signed.file} --key HEX, with the public key of who signed",
    ]
    # A broken part is an answer all the same.
    (signed.folder / "receipt.json").write_text("{}\n")
    assert signed.checked(exit=1)[2] == ("subject", "receipt.json", "broken")


def test_a_signature_of_another_key_does_not_hold(signed: Signed) -> None:
    other = signed.run.swarm("keys", "new", "other", "--format", "json").data["keys"][0]
    answer = signed.run.swarm("receipt", "verify", str(signed.file), "--key", other["publicKey"], exit=1)
    assert f"it names the key {signed.key['id']}, and this one is {other['id']}" in answer.out
    envelope = json.loads(signed.file.read_text())
    for named, problem in (
        (other["id"], f"the signature of the key {other['id']} does not fit: what it signed was changed, or it was"),
        ("0" * 16, f"it names the key {'0' * 16}, and this one is {signed.key['id']}"),
    ):
        envelope["signatures"][0]["keyid"] = named
        signed.file.write_text(json.dumps(envelope, sort_keys=True, separators=(",", ":")) + "\n")
        assert signed.broken() == {"signature": problem}


def test_a_changed_byte_of_a_file_or_of_the_envelope_is_found_in_its_part(signed: Signed) -> None:
    for file, part in (("receipt.json", "subject"), ("findings.sarif", "subject"), ("run-1.json", "record")):
        place = signed.folder / file
        kept = place.read_bytes()
        changed = bytearray(kept)
        changed[len(kept) // 2] ^= 1
        place.write_bytes(changed)
        (broken,) = signed.broken().items()
        assert (broken[0], broken[1].partition(":")[0]) == (part, f"{place} was changed")
        place.write_bytes(kept)
    # Neither a pipe, which would never end, nor a missing file is an answer.
    (signed.folder / "findings.sarif").unlink()
    os.mkfifo(signed.folder / "findings.sarif")
    assert ("subject", "findings.sarif", "not_checked") in signed.checked(exit=0)
    body = signed.file.read_bytes()
    assert examine(signed.file, at_hand(signed)).state == "holds"
    _hold_to_bytes(signed, range(0, len(body), 41))


def at_hand(signed: Signed) -> AtHand:
    return AtHand(bytes.fromhex(signed.key["publicKey"]), {})


@pytest.mark.sweep
def test_each_changed_byte_of_the_envelope_is_found_in_the_signature(signed: Signed) -> None:
    _hold_to_bytes(signed, range(len(signed.file.read_bytes())))


def _hold_to_bytes(signed: Signed, places: range) -> None:
    body = signed.file.read_bytes()
    for at in places:
        for other in (body[at] ^ 1, 0x20, 0x41):
            if other != body[at]:
                signed.file.write_bytes(body[:at] + bytes([other]) + body[at + 1 :])
                assert examine(signed.file, at_hand(signed)).parts[0].state == "broken", (at, other)


NO_ENVELOPES = (
    b"",
    b"[]",
    b"{}",
    b"\xff",
    b"[" * 10_000,
    b'{"payload":"e30=","payloadType":"x","signatures":[]}',
    b'{"payload":"?","payloadType":"x","signatures":[{"keyid":"0123456789abcdef","sig":""}]}',
    b'{"payload":1,"payloadType":"x","signatures":[{"keyid":"0123456789abcdef","sig":""}]}',
    b'{"payload":"","payloadType":"x","signatures":[{"keyid":"../../release","sig":""}]}',
)


def resigned(signed: Signed, payload: bytes, payload_type: str) -> None:
    """Sign another payload with the same key."""
    from swarm.signing.envelopes import sealed
    from swarm.signing.keys import read

    signed.file.write_text(sealed(payload_type, payload, read(Path(signed.key["path"]))).text)


def test_what_is_no_envelope_or_was_signed_for_another_use_proves_nothing(signed: Signed) -> None:
    for body in NO_ENVELOPES:
        signed.file.write_bytes(body)
        assert signed.broken()["signature"].startswith("the file is no envelope: ")
    ours = "application/vnd.in-toto+json"
    for payload, payload_type, words in (
        (b"{}", "text/plain", "what was signed is no statement, but text/plain"),
        (b"{", ours, "the statement cannot be read: "),
        (b'{"_type": "https://in-toto.io/Statement/v1"}', ours, "the statement has another form"),
    ):
        resigned(signed, payload, payload_type)
        answer = signed.run.swarm("receipt", "verify", str(signed.file), "--format", "json", exit=1)
        first, *rest = answer.data["parts"]
        assert (first["state"], {part["state"] for part in rest}) == ("holds", {"broken"})
        assert {part["detail"].startswith(words) for part in rest} == {True}


def written_anew(db: Path, seq: int) -> None:
    """Change an event and compute all hashes again, as who knows the form of the ledger can."""
    with behind(db) as conn:
        previous = ledger.GENESIS
        for event in list(ledger.events_after(conn, 0)):
            row = event[:-1] if event.seq != seq else event._replace(ts="2020-01-01T00:00:00.000Z")[:-1]
            previous = ledger.chain_hash(previous, row)
            conn.execute("UPDATE events SET ts = ?, hash = ? WHERE seq = ?", (row[1], previous, event.seq))


def test_a_ledger_that_was_edited_cut_or_written_anew_is_found_and_a_run_may_go_on(signed: Signed) -> None:
    db, length = signed.run.place.db, len(events(signed))
    kept = db.read_bytes()
    edit(db, "UPDATE events SET actor = 'nobody' WHERE seq = 2")
    assert signed.broken()["ledger"].startswith("it was edited at event 2: ")
    db.write_bytes(kept)
    edit(db, "DELETE FROM events WHERE seq > ?", length - 2)
    assert signed.broken() == {"ledger": f"its end was cut off: it has {length - 2} events, and {length} were signed"}
    for seq, words in ((1, "from its first event on"), (3, "has another hash than the signed head")):
        db.write_bytes(kept)
        written_anew(db, seq)
        # The chain alone is sound.
        signed.run.swarm("ledger", "verify")
        assert words in signed.broken()["ledger"]
    db.write_bytes(kept)
    edit(db, "UPDATE verifications SET test_count = 99")
    assert signed.broken() == {
        "ledger": "its tables were edited: they give another receipt than the signed one, and no event says why"
    }
    db.write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    assert signed.broken().keys() == {"ledger"}
    db.write_bytes(kept)
    # A lawful change of the run gives another receipt, with events that say why.
    signed.run.swarm("advance", signed.run.place.run, exit=None)
    assert [one[2] for one in signed.checked(exit=0) if one[0] == "ledger"] == ["holds"]


def test_another_control_plane_counts_only_where_it_is_named(signed: Signed, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(signed.run.repo.root, other, ignore=shutil.ignore_patterns("swarms"))
    signed.run.swarm("init", ".", cwd=other)
    length = len(events(signed))
    assert ("ledger", f"{length} events", "not_checked") in signed.checked(exit=0, cwd=other)
    db = other / "swarms" / "control-plane.db"
    assert ("ledger", f"{length} events", "broken") in signed.checked("--db", str(db), exit=1)


def test_a_wave_without_a_verification_can_be_signed_and_says_so(swarm: Swarm, dispatched: Workspace) -> None:
    swarm("keys", "new")
    lines = swarm("receipt", "--sign").out.splitlines()
    assert lines[1].endswith(", no verification of this wave")
    file = Path(lines[4].removeprefix("Attestation: "))
    assert (file.name, file.is_relative_to(dispatched.folder / dispatched.run)) == (NAME, True)
    again = swarm("receipt", "--sign", "default").out.splitlines()
    assert again == lines
    assert (
        swarm("receipt", "verify", str(file)).out.splitlines()[-1] == "✓ Signed, and all that could be checked holds."
    )


def test_an_attestation_is_never_replaced_by_another(signed: Signed) -> None:
    kept = signed.file.read_bytes()
    signed.run.swarm("keys", "new", "other")
    again = ("receipt", "--sign", "other", "--output", str(signed.folder))
    assert signed.run.swarm(*again, exit=1).code == "OUTPUT_NOT_WRITABLE"
    assert signed.file.read_bytes() == kept


def test_a_broken_ledger_is_not_signed(proved: Coordinator) -> None:
    proved.swarm("keys", "new")
    edit(proved.place.db, "UPDATE events SET actor = 'nobody' WHERE seq = 2")
    assert proved.swarm("receipt", "--sign", exit=1).code == "LEDGER_BROKEN"


@raises("PUBKEY_MALFORMED")
def test_what_is_no_public_key_is_refused(signed: Signed) -> None:
    for word in ("12", "z" * 64, "no-such-file", "receipt.json"):
        answer = signed.run.swarm("receipt", "verify", str(signed.file), "--key", word, exit=2, cwd=signed.folder)
        first, *rest = answer.err.splitlines()
        assert first.startswith(f"ERROR [PUBKEY_MALFORMED]: '{word}' is no public key: ")
        assert rest[0] == "  Next: give 64 hexadecimal digits or a PEM file; `swarm keys show` prints both"


def test_words_that_do_not_go_together_are_refused(swarm: Swarm, workspace: Workspace, tmp_path: Path) -> None:
    swarm("keys", "new")
    other = tmp_path / "receipt.json"
    other.write_text("{}\n")
    for words in (
        ("verify",),
        ("verify", "one", "two"),
        ("verify", "one", "--sign"),
        ("--key", "12"),
        ("--sarif", str(other)),
    ):
        assert swarm("receipt", *words, exit=2).code == "CLI_USAGE"
    assert swarm("receipt", "verify", "nowhere", exit=1).code == "FILE_NOT_FOUND"


def test_files_that_cannot_be_subjects_are_refused(proved: Coordinator, tmp_path: Path) -> None:
    proved.swarm("keys", "new")
    same = tmp_path / "receipt.json"
    same.write_text("{}\n")
    assert proved.swarm("receipt", "--sign", "default", "--sarif", str(same), exit=2).code == "CLI_USAGE"
    missing = str(tmp_path / "missing.sarif")
    assert proved.swarm("receipt", "--sign", "default", "--sarif", missing, exit=1).code == "FILE_NOT_FOUND"


def test_the_session_of_the_docs_is_what_swarm_prints(proved: Coordinator) -> None:
    (shown,) = re.findall(r"\$ swarm receipt verify [^\n]*\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    proved.swarm("keys", "new", "release")
    proved.swarm("receipt", "--sign", "release", "--output", "evidence")

    def alike(text: str) -> str:
        # Ids and counts of the same length, so that the columns are as wide.
        text = re.sub(r"swarm-\d+-[0-9a-f]+", "RUN", text)
        return re.sub(r"\b(?=[0-9a-f]*\d)[0-9a-f]{2,}\b", lambda found: "0" * len(found[0]), text)

    assert alike(proved.swarm("receipt", "verify", f"evidence/{NAME}").out) == alike(shown)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_the_lines_of_the_docs_verify_a_signature_with_openssl_alone(signed: Signed) -> None:
    (lines,) = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (signed.folder / "release.pub").write_text(signed.key["publicKeyPem"])

    def run() -> Mapping[str, Any]:
        done = subprocess.run(["sh", "-e", "-c", lines], cwd=signed.folder, capture_output=True, text=True, check=False)
        return {"exit": done.returncode, "out": done.stdout.splitlines()[:1]}

    assert run() == {"exit": 0, "out": ["Signature Verified Successfully"]}
    envelope = json.loads(signed.file.read_text())
    changed = base64.b64decode(envelope["payload"]).replace(b'"pass"', b'"fail"')
    envelope["payload"] = base64.b64encode(changed).decode()
    signed.file.write_text(json.dumps(envelope, sort_keys=True, separators=(",", ":")) + "\n")
    assert run()["exit"] != 0
