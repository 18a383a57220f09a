"""`swarm keys`: a user's signing keys, each a file that nobody else can read."""

import hashlib
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.cli.scenes.documents import valid
from tests.cli.scenes.snapshots import nothing_changes
from tests.conftest import Repo, Swarm


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / ".config" / "swarm" / "keys"


def test_keys_are_made_listed_and_shown_and_never_replaced(swarm: Swarm, repo: Repo, folder: Path) -> None:
    assert swarm("keys", "list").out == f"You have no key in {folder}.\nNext: swarm keys new\n"
    first = valid(swarm("keys", "new", "--format", "json"), "keys", 0)
    (key,) = first["keys"]
    file = folder / "default.pem"
    assert (first["folder"], key["name"], key["path"]) == (str(folder), "default", str(file))
    assert key["id"] == hashlib.sha256(bytes.fromhex(key["publicKey"])).hexdigest()[:16]
    assert [stat.S_IMODE(place.stat().st_mode) for place in (folder, file)] == [0o700, 0o600]
    private = file.read_bytes()
    swarm("keys", "new", "default", exit=1)
    assert file.read_bytes() == private
    release = swarm("keys", "new", "release")
    assert release.out.splitlines()[0] == f"Made {folder / 'release.pem'}"
    with nothing_changes(repo.root.parent):
        listed = valid(swarm("keys", "list", "--format", "json"), "keys", 0)
        assert [(each["name"], each["problem"]) for each in listed["keys"]] == [("default", None), ("release", None)]
        shown = valid(swarm("keys", "show", "default", "--format", "json"), "keys", 0)
        assert shown == first | {"nextAction": "swarm receipt --sign default"}
        # By its id and by its file, too.
        assert swarm("keys", "show", key["id"], "--format", "json").data == shown
        assert swarm("keys", "show", str(file), "--format", "json").data == shown
        assert swarm("keys", "show", "default", "--pem").out == key["publicKeyPem"]
        # The private key is shown nowhere.
        secret = private.decode().splitlines()[1]
        assert secret not in swarm("keys", "show", "default").out + release.out + str(shown)


def test_without_a_name_the_only_key_is_shown(swarm: Swarm) -> None:
    answer = swarm("keys", "show", exit=1)
    assert answer.err.splitlines()[0] == "ERROR [KEY_NOT_FOUND]: No key to sign with: this user has none"
    swarm("keys", "new", "release")
    assert swarm("keys", "show").out.startswith("Key: release, id ")
    swarm("keys", "new")
    answer = swarm("keys", "show", exit=1)
    problem = "there are several, so name one of default, release"
    assert answer.err.splitlines()[0] == f"ERROR [KEY_NOT_FOUND]: No key to sign with: {problem}"


def test_a_key_that_cannot_be_used_is_listed_with_the_reason(swarm: Swarm, folder: Path) -> None:
    path = Path(swarm("keys", "new", "--format", "json").data["keys"][0]["path"])
    (folder / "damaged.pem").write_text("half of a key\n")
    (folder / "linked.pem").symlink_to(path)
    path.chmod(0o640)
    (folder / "damaged.pem").chmod(0o600)
    listed = valid(swarm("keys", "list", "--format", "json"), "keys", 0)["keys"]
    assert [(key["name"], key["id"], key["problem"].partition("signing key: ")[2]) for key in listed] == [
        ("damaged", None, "it holds no private key in PEM form without a passphrase"),
        ("default", None, "other users can use it"),
        ("linked", None, "it is a symbolic link"),
    ]


@pytest.mark.parametrize("name", ["../out", "a/b", ".hidden", "", "x" * 65, "two words", "-x"])
def test_a_name_that_is_no_file_name_makes_no_key(swarm: Swarm, tmp_path: Path, name: str) -> None:
    with nothing_changes(tmp_path):
        assert swarm("keys", "new", "--", name, exit=2).code == "KEY_UNUSABLE"


def test_a_key_of_another_kind_is_refused(swarm: Swarm, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the keys of this test")
    for kind, problem in (("ed448", "its key is not of the kind ed25519"), ("ed25519", "")):
        file = tmp_path / f"{kind}.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", kind, "-out", file], check=True, capture_output=True)
        file.chmod(0o600)
        answer = swarm("keys", "show", str(file), exit=None)
        assert (answer.exit, problem in answer.err) == ((2, True) if problem else (0, True))


def test_an_agent_can_use_no_key(swarm: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    swarm("keys", "new")
    monkeypatch.setenv("SWARM_ATTEMPT", "1")
    for words in (("new", "mine"), ("list",), ("show",)):
        assert swarm("keys", *words, exit=None).code == "INSIDE_AGENT_WORKTREE"
