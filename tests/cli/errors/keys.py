"""Refusals of signing keys: names in use, missing and unusable keys, folders that are no place for them."""

import sys

from swarm.installed import install_command
from tests.cli.errors.refusal import Refusal, refused
from tests.cli.scenes.scene import Scene


@refused
def key_exists(scene: Scene) -> Refusal:
    path = scene.swarm("keys", "new", "--format", "json").data["keys"][0]["path"]
    return Refusal(
        ("keys", "new", "default"),
        f"""[KEY_EXISTS]: There is a key of the name default, and no key is ever replaced
  Path: {path}
  Next: choose another name; `swarm keys list` lists those that are there""",
        {"name": "default", "path": path},
    )


@refused
def key_not_found(scene: Scene) -> Refusal:
    problem = "this user has none of the name or id 'release'"
    return Refusal(
        ("keys", "show", "release"),
        f"""[KEY_NOT_FOUND]: No key to sign with: {problem}
  Next: `swarm keys list` lists your keys; `swarm keys new` makes one""",
        {"received": "release", "problem": problem},
    )


@refused
def key_unusable(scene: Scene) -> Refusal:
    file = scene.tmp / "open.pem"
    file.write_text("-----BEGIN PRIVATE KEY-----\n")
    file.chmod(0o644)
    problem, remedy = "other users can use it", f"make another; this key may be known, and `chmod 600 {file}` keeps it"
    return Refusal(
        ("keys", "show", str(file)),
        f"""[KEY_UNUSABLE]: {file} cannot be used as a signing key: {problem}
  Path: {file}
  Next: {remedy}""",
        {"path": str(file), "problem": problem, "remedy": remedy},
        exit=2,
    )


@refused
def key_inside_repository(scene: Scene) -> Refusal:
    root = scene.repo.root
    scene.monkeypatch.setenv("XDG_CONFIG_HOME", str(root / "config"))
    folder = root / "config" / "swarm" / "keys"
    return Refusal(
        ("keys", "new"),
        f"""[KEY_INSIDE_REPOSITORY]: Signing keys would lie inside of the repository {root}, and go along with its commits \
and copies
  Path: {folder}
  Next: set XDG_CONFIG_HOME to a folder of yours outside of any repository""",
        {"path": str(folder), "root": str(root)},
        exit=2,
    )


@refused
def signing_unavailable(scene: Scene) -> Refusal:
    # `None` makes an import fail as that of a missing package does.
    scene.monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives", None)
    cause = "import of cryptography.hazmat.primitives halted; None in sys.modules"
    remedy = install_command("[signing]")
    return Refusal(
        ("keys", "new"),
        f"""[SIGNING_UNAVAILABLE]: Signatures need the package `cryptography`, which is not installed
  Next: {remedy}
  Caused by: {cause}""",
        {"cause": cause},
        exit=2,
    )
