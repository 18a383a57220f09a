"""Every dry-run is a pure read: the repository, its git folder and the workspace are not touched, byte for byte."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.scenes.failed_wave import FOUND
from tests.cli.scenes.scene import Scene
from tests.conftest import Repo

pytestmark = pytest.mark.sweep

WHY = ("--apply", "--reason", "a wrong way")


Words = tuple[str, ...]


def stale(repo: Repo) -> None:
    """Make every file of the checkout look newer than git's index of it."""
    for name in repo.git("ls-files", "-z").split("\0"):
        file = repo.root / name
        if name and file.is_file():
            os.utime(file, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns + 10**9))


def dispatch(scene: Scene) -> list[Words]:
    scene.amending.swarm("lease", "grant", "--domain", "code", "--file", "lib/api.py", "--reason", "it calls it")
    for domain in ("code", "tests", "api"):
        scene.amending.answer(domain)
    scene.swarm("collect")
    amend = ("dispatch", "health-amend-a", "--dry-run")
    return [(*amend, "--isolate"), (*amend, "--isolate", "--sparse"), ("dispatch", "health-audit-a", "--dry-run")]


def failed(scene: Scene) -> list[Words]:
    scene.dispatched.answer("code", FOUND)
    (scene.dispatched.folder / scene.dispatched.run / "worktrees/w1-rest/README.md").write_text("half a thought\n")
    scene.swarm("collect", exit=1)
    return [("resume",), ("redrive", "1"), ("advance", "--check-only"), ("status",)]


def blocked(scene: Scene) -> list[Words]:
    """An amend agent whose answer is broken, and whose tree has work that no object of the repository holds yet."""
    amending = scene.amending
    amending.mend()
    amending.place.output("code", 2).write_text("{")
    amending.collect(exit=1)
    amending.edit("code", "src/app.py")
    amending.edit("code", "src/new.py")
    amending.answer("code", "load", files=("src/app.py", "src/new.py"))
    path = amending.place.output("code", 2)
    return [("revalidate", "--domain", f"code:{path}"), ("resume",), ("redrive", "2")]


def to_clean(scene: Scene) -> list[Words]:
    scene.amended.merge("--publish")
    scene.amended.edit("code", {"src/more.py": "x = 1\n", "src/app.py": "# other\n"})
    (scene.amended.tree("rest") / "README.md").write_text("staged\n")
    scene.repo.git("add", "-A", cwd=scene.amended.tree("rest"))
    return [("clean",), ("clean", "--force"), ("advance", "--check-only"), ("verify", "--probe-only")]


def to_rewind(scene: Scene) -> list[Words]:
    scene.amended.merge("--publish")
    scene.repo.write({"src/tool.py": "# mine\n", "web/new.html": "<p>\n"})
    scene.repo.git("add", "src/tool.py")
    return [("rewind", scene.amended.run, "--force")]


def rewound(scene: Scene) -> list[Words]:
    scene.amended.merge("--publish")
    scene.swarm("rewind", scene.amended.run, *WHY)
    return [("undo",), ("rewind", scene.amended.run)]


def cleaned(scene: Scene) -> list[Words]:
    scene.amended.merge()
    scene.amended.edit("code", {"src/more.py": "x = 1\n"})
    scene.swarm("clean", "--force", *WHY)
    return [("undo",), ("clean",)]


def stranded(scene: Scene) -> list[Words]:
    """A worktree of nobody, a file that was half written, and rights that others have."""
    folder = scene.dispatched.folder / scene.dispatched.run
    scene.repo.git("worktree", "add", "-q", "--detach", str(folder / "worktrees/w7-code"))
    (folder / "wave-1/code.md").chmod(0o644)
    folder.chmod(0o755)
    return [("doctor",), ("doctor", "--fix")]


@pytest.mark.usefixtures("repo")
@pytest.mark.parametrize("make", [dispatch, failed, blocked, to_clean, to_rewind, rewound, cleaned, stranded])
def test_a_dry_run_touches_nothing(
    make: Callable[[Scene], list[Words]],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(request)
    asked = make(scene)
    stale(scene.repo)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    for words in asked:
        before = whole(scene.repo.root)
        answer = scene.swarm(*words, exit=None)
        after = whole(scene.repo.root)
        assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == set(), words
        assert answer.code is None, words
        assert list(scratch.iterdir()) == []


def whole(folder: Path) -> dict[str, tuple[object, ...]]:
    """Return all that there is below a folder, locks too: content, rights, and when it was last written."""
    found: dict[str, tuple[object, ...]] = {}
    for place in [folder, *sorted(folder.rglob("*"))]:
        facts = place.lstat()
        content = place.read_bytes() if stat.S_ISREG(facts.st_mode) else b""
        found[str(place.relative_to(folder))] = (facts.st_mode, facts.st_mtime_ns, facts.st_ino, content)
    return found
