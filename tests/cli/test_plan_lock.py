"""Plan locks: what is launched is what was dispatched, or a person says why it is not."""

import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from swarm.rules.attestations import signed_bytes
from swarm.rules.plan_lock import LOCK_TYPE, differences
from swarm.signing.ed25519 import is_signed
from tests.cli.scenes.launched_agents import OUTPUT, outcomes
from tests.cli.test_dispatch import rows
from tests.conftest import Answer, Repo, Swarm, Workspace

WHY = ("--reason", "a newer one")


class Locked:
    """A repository whose swarm.toml names two commands that answer, and waves that are dispatched with them."""

    def __init__(self, swarm: Swarm, repo: Repo, place: Workspace, folder: Path) -> None:
        self.swarm, self.repo, self.place = swarm, repo, place
        self.script = folder / "agent.py"
        self.script.write_text(OUTPUT + "write()\n")
        self.program = folder / "agent-version"
        self.version("1.0.0")
        self.configure()

    def version(self, number: str) -> None:
        """Make the program say another version of itself; each call of swarm would be a process of its own."""
        from swarm.runtimes import programs

        self.program.write_text(f"#!/bin/sh\necho {number}\n")
        self.program.chmod(0o755)
        programs.asked.cache_clear()

    def configure(self, more: str = "", **keys: str) -> None:
        argv = json.dumps([sys.executable, str(self.script)])
        tables = "".join(
            f'[runtimes.{name}]\nkind = "command"\nargv = {argv}\nversion_argv = ["{self.program}"]\n{keys.get(name, "")}'
            for name in ("first", "second")
        )
        (self.repo.root / "swarm.toml").write_text(tables + more)

    def dispatch(self, *words: str) -> Any:
        return self.swarm("dispatch", "health-audit-a", "--isolate", *words, "--format", "json").data

    def refused(self, *words: str, code: str = "MANIFEST_LOCK_MISMATCH") -> list[tuple[str, str, str]]:
        """Return what a refused launch says of the first agent: members, locked and now."""
        error = self.swarm("launch", *words, "--format", "json", exit=2).document["error"]
        assert error["code"] == code
        return [(c["member"], c["locked"], c["now"]) for c in error.get("changes", ()) if c["domain"] == "code"]

    def locks(self) -> list[Any]:
        return rows(self.place.db, "SELECT document, sha256, key_id, signature, reason FROM plan_locks ORDER BY id")


@pytest.fixture
def locked(swarm: Swarm, repo: Repo, workspace: Workspace, tmp_path: Path) -> Locked:
    return Locked(swarm, repo, workspace, tmp_path)


def ended(answer: Answer) -> set[str | None]:
    return {outcome for own in outcomes(answer).values() for outcome, _, _ in own}


def test_each_member_of_a_plan_is_held_and_a_reason_lets_another_pass(locked: Locked, swarm: Swarm) -> None:
    data = locked.dispatch("--runtime", "first")
    ((document, digest, key_id, _, _),) = locked.locks()
    plan = json.loads(document)["agents"][0]["plan"][0]
    assert (data["planLock"], data["signedBy"], key_id) == (digest, None, None)
    assert (plan["runtime"], plan["version"], plan["model"]) == ("first", "1.0.0", None)
    locked.version("2.0.0")
    assert locked.refused() == [("first.version", "1.0.0", "2.0.0")]
    locked.version("1.0.0")
    for edit, change in (
        ({"first": 'environment = ["TOKEN"]\n'}, ("first.settings.environment", "[]", '["TOKEN"]')),
        ({"first": "network = true\n"}, ("first.policy.network", "none", "true")),
        ({"first": 'hidden = ["/srv"]\n'}, ("first.policy.hidden", "[]", '["/srv"]')),
        ({"more": '[sandbox]\nbackend = "none"\nreason = "x"\n'}, ("first.policy.backend", "auto", "none")),
        ({"more": "[launch]\nattempts = 5\n"}, ("first.policy.attempts", "2", "5")),
        ({"more": "[launch]\ntimeout_seconds = 60\n"}, ("first.policy.timeoutSeconds", "1800", "60")),
        ({"more": "[sandbox.domains.code]\ncommit = true\n"}, ("first.policy.commit", "none", "true")),
    ):
        locked.configure(**edit)
        assert locked.refused() == [change]
    locked.configure()
    assert locked.refused("--runtime", "second") == [("runtime", "first", "second")]
    # What was refused left no attempt and no other lock behind.
    assert (rows(locked.place.db, "SELECT count(*) FROM attempts"), len(locked.locks())) == ([(0,)], 1)
    swarm("launch", "--relock", exit=1)
    answer = swarm("launch", "--runtime", "second", "--relock", *WHY, "--format", "json")
    assert ended(answer) == {"success"}
    assert [lock[4] for lock in locked.locks()] == [None, "a newer one"]
    (event,) = [e for e in swarm("events", "--format", "json").data["events"] if e["kind"] == "plan_locked"]
    assert (event["reason"], event["payload"]["changes"]) == (
        "a newer one",
        ["code: runtime was first, and is second", "rest: runtime was first, and is second"],
    )
    swarm("ledger", "replay", "--check")
    # Settings that decide nothing about a launch may change, and a wave whose agents are done needs no lock.
    locked.version("3.0.0")
    swarm("launch")


def test_a_chain_is_locked_with_its_later_entries_and_what_was_left_open_is_not(locked: Locked, swarm: Swarm) -> None:
    locked.configure('[chains]\nevery = ["first", "second"]\n')
    locked.dispatch()
    locked.configure('[chains]\nevery = ["first"]\n')
    assert locked.refused() == [("runtime", "first,second", "first")]
    locked.configure('[chains]\nevery = ["first", "second"]\n', second='environment = ["TOKEN"]\n')
    assert locked.refused() == [("second.settings.environment", "[]", '["TOKEN"]')]
    locked.configure()
    assert locked.refused() == [("runtime", "first,second", "none")]
    # The dispatch named no runtime, so that the launch may.
    assert ended(swarm("launch", "--runtime", "second", "--format", "json")) == {"success"}


def test_a_wave_by_hand_leaves_the_runtime_to_its_launch(locked: Locked, swarm: Swarm) -> None:
    locked.dispatch()
    ((document, *_),) = locked.locks()
    assert [(agent["by"], agent["plan"]) for agent in json.loads(document)["agents"]] == [(None, [])] * 2
    locked.configure(first='environment = ["TOKEN"]\n')
    assert ended(swarm("launch", "--runtime", "first", "--format", "json")) == {"success"}


def test_agents_that_are_dispatched_again_have_a_lock_of_their_own(locked: Locked, swarm: Swarm) -> None:
    locked.script.write_text("raise SystemExit(1)\n")
    locked.dispatch("--runtime", "first")
    swarm("launch", exit=3)
    locked.script.write_text(OUTPUT + "write()\n")
    locked.version("2.0.0")
    locked.configure(first='environment = ["TOKEN"]\n')
    swarm("resume", "--apply", "--reason", "mended")
    first, second = (json.loads(lock[0])["agents"] for lock in locked.locks())
    assert [agent["promptSha256"] for agent in first] != [agent["promptSha256"] for agent in second]
    locked.configure()
    assert locked.refused() == [("first.settings.environment", '["TOKEN"]', "[]")]
    locked.configure(first='environment = ["TOKEN"]\n')
    assert ended(swarm("launch", "--format", "json")) == {"success"}


def test_verbs_that_plan_anew_go_on_with_a_wave_and_record_what_changed(locked: Locked, swarm: Swarm) -> None:
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "first", "--auto-freeze")
    locked.version("2.0.0")
    swarm("audit", ".", exit=None)
    assert [lock[4] for lock in locked.locks()] == [None, "swarm audit was called again"]
    # An unsigned wave that their user's settings would refuse is signed by them.
    made = swarm("keys", "new", "--format", "json").data["keys"][0]
    locked.dispatch("--runtime", "first")
    own = Path(made["path"]).parents[1] / "swarm.toml"
    own.write_text(f'[launch]\nrequire_signed = "{made["publicKey"]}"\nsign_with = "default"\n')
    swarm("audit", ".", exit=0)
    assert [lock[2] for lock in locked.locks()][2:] == [None, made["id"]]


def test_a_lock_of_another_wave_does_not_count(locked: Locked, swarm: Swarm) -> None:
    locked.dispatch("--runtime", "first")
    swarm("launch")
    swarm("collect")
    locked.dispatch("--runtime", "first")
    ((first, *_), (second, *_)) = locked.locks()
    documents = [json.loads(text) for text in (first, second)]
    documents[0]["agents"] = documents[1]["agents"][:1]
    assert [change.shown for change in differences(*documents, is_named=True)] == [
        "the wave: waveNumber was 1, and is 2",
        "rest: agent was no part of the wave, and is a part of it",
    ]


def test_a_lock_that_was_edited_in_the_database_is_refused(locked: Locked) -> None:
    locked.dispatch("--runtime", "first")
    ((document, digest, *_),) = locked.locks()
    with sqlite3.connect(locked.place.db) as conn:
        conn.execute("UPDATE plan_locks SET document = ?", (document.replace("1.0.0", "2.0.0"),))
    locked.version("2.0.0")
    error = locked.swarm("launch", "--format", "json", exit=2).document["error"]
    assert [(c["domain"], c["member"], c["locked"]) for c in error["changes"]] == [("the wave", "lock", digest)]


def test_a_demanded_signature_is_that_of_the_dispatch_of_the_settings_or_of_a_new_lock(
    locked: Locked, swarm: Swarm, tmp_path: Path
) -> None:
    made = swarm("keys", "new", "release", "--format", "json").data["keys"][0]
    other = swarm("keys", "new", "other", "--format", "json").data["keys"][0]
    pem = tmp_path / "release.pub"
    pem.write_text(made["publicKeyPem"])
    locked.configure(f'[launch]\nrequire_signed = "{pem}"\n')
    # By its id, and by the path of its file from where the caller stands.
    path = os.path.relpath(other["path"], locked.repo.root)
    assert locked.dispatch("--runtime", "first", "--dry-run", "--sign", other["id"])["signedBy"] is None
    swarm("dispatch", "health-audit-a", "--dry-run", "--sign", "nobody", exit=1)
    assert locked.dispatch("--runtime", "first", "--sign", path)["signedBy"] == other["id"]
    locked.refused(code="LOCK_SIG_INVALID")
    swarm("launch", "--sign", "release", exit=2)
    assert ended(swarm("launch", "--relock", "--sign", "release", *WHY, "--format", "json")) == {"success"}
    *_, (document, _, key_id, signature, _) = locked.locks()
    signed = signed_bytes(LOCK_TYPE, document.encode())
    assert key_id == made["id"]
    assert is_signed(bytes.fromhex(made["publicKey"]), signed, bytes.fromhex(signature))
    swarm("collect")
    # With the key in the settings, every dispatch of every verb is signed.
    locked.configure(f'[launch]\nrequire_signed = "{made["publicKey"]}"\nsign_with = "release"\n')
    assert locked.dispatch("--runtime", "first")["signedBy"] == made["id"]
    assert ended(swarm("launch", "--format", "json")) == {"success"}
    swarm("collect")
    # A signature that was moved to another lock does not count.
    locked.dispatch("--runtime", "second")
    with sqlite3.connect(locked.place.db) as conn:
        conn.execute("UPDATE plan_locks SET signature = ?", (signature,))
    locked.refused(code="LOCK_SIG_INVALID")
    locked.configure('[launch]\nrequire_signed = "no key"\n')
    locked.refused(code="PUBKEY_MALFORMED")


def test_a_repository_cannot_replace_the_key_that_its_user_demands(
    locked: Locked, swarm: Swarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = swarm("keys", "new", "release", "--format", "json").data["keys"][0]
    own = tmp_path / "home" / ".config" / "swarm" / "swarm.toml"
    own.write_text(f'[launch]\nrequire_signed = "{made["publicKey"]}"\n')
    monkeypatch.delenv("SWARM_TRUST")
    (locked.repo.root / "swarm.toml").write_text(f'[launch]\nrequire_signed = "{"0" * 64}"\n')
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "ruff")
    error = swarm("launch", "--format", "json", exit=2).document["error"]
    assert (error["code"], error["keyId"]) == ("LOCK_NOT_SIGNED", made["id"])
