"""Cases of docs/recovery.md: locks, processes and their leftovers."""

import shutil
import subprocess

from swarm.git import runner
from swarm.store import writers
from swarm.waves.trees.worktrees import WORKTREE_LOCK
from tests.cli.recovery.page import RowScene, row
from tests.cli.scenes.processes import LAUNCHER, assert_ends
from tests.cli.scenes.scene import end, holder_of_the_lock


@row("CONTROL_PLANE_BUSY")
def _(scene: RowScene) -> None:
    scene.workspace  # noqa: B018
    words = ("domains", "--unfreeze", "--reason", "a look")
    holder = holder_of_the_lock(scene.db.with_name("control-plane.db.lock"), "4711 collect")
    with scene.monkeypatch.context() as patched:
        patched.setattr(writers, "WAIT_SECONDS", 0.05)
        scene.see(*words)
    end(holder)
    scene.swarm(*words)


@row("LAUNCH_IN_PROGRESS")
def _(scene: RowScene) -> None:
    place = scene.dispatched
    folder = place.folder / place.run / "wave-1"
    folder.mkdir(exist_ok=True)
    holder = holder_of_the_lock(folder / "launch.lock", "4711 launch")
    scene.see("launch", "--runtime", "ruff")
    scene.call(0)
    assert scene.swarm("status", "--format", "json").data["assessment"] == {
        "state": "IN PROGRESS",
        "blockers": ["process 4711 is at work on the wave"],
        "nextAction": f"swarm attempts {place.run}",
    }
    scene.swarm("attempts", place.run)
    end(holder)
    scene.swarm("launch", "--runtime", "ruff")


@row("GIT_LOCKED")
def _(scene: RowScene) -> None:
    scene.amended.merge()
    scene.monkeypatch.setattr(runner, "_PAUSES", ())
    lock = scene.repo.root / ".git/index.lock"
    lock.touch()
    answer = scene.see("merge", "--publish")
    assert str(lock) in answer.err
    # Whose it is, nobody knows.
    scene.call(0)
    assert lock.exists()
    scene.call(1, LOCK=str(lock))
    scene.swarm("merge", "--publish")


@row("left behind when it was killed")
def _(scene: RowScene) -> None:
    scene.dispatched  # noqa: B018
    (scene.repo.root / ".git" / WORKTREE_LOCK).write_text(f"{scene.fixture('dead_pid')} dispatch\n")
    lock = scene.repo.root / ".git/worktrees/w1-code/index.lock"
    lock.write_bytes(b"")
    scene.see("doctor", exit=0)
    scene.call(0)
    scene.call(1)
    assert (lock.exists(), scene.doctor()) == (False, {})


@row("keeps git from writing there")
def _(scene: RowScene) -> None:
    scene.dispatched  # noqa: B018
    lock = scene.repo.root / ".git/index.lock"
    lock.write_bytes(b"")
    answer = scene.see("doctor", exit=0)
    assert str(lock) in answer.out
    scene.call(0, LOCK=str(lock))
    assert scene.doctor() == {}


@row("whose supervisor is dead")
def _(scene: RowScene) -> None:
    place = scene.dispatched
    script = scene.tmp / "agent"
    mark, pid = scene.tmp / "mark", scene.tmp / "pid"
    # Kills its supervisor, once, and lives on.
    script.write_text(
        f'#!/bin/sh\nmkdir "{mark}" 2>/dev/null || exit 1\necho $$ > "{pid}"\n{LAUNCHER}\n'
        'kill -9 "$launcher"\nexec sleep 60\n'
    )
    script.chmod(0o755)
    scene.repo.write({"swarms/swarm.toml": f'[runtimes.bad]\nkind = "command"\nargv = ["{script}"]\n'})
    for at in range(2):
        scene.process("launch", "--runtime", "bad", "--jobs", "1", exit=-9)
        scene.see("doctor", exit=0)
        scene.call(at, exit=None)
        assert_ends(int(pid.read_text()))
        mark.rmdir()
    assert "attempts" not in scene.doctor()
    assert (place.folder / place.run).is_dir()


@row("ISOLATION_FAILED")
def _(scene: RowScene) -> None:
    place = scene.workspace
    words = ("dispatch", "health-audit-a", "--isolate")
    scene.process(*words, exit=-9, SWARM_FAILPOINT="commit.before")
    tree = place.folder / place.run / "worktrees/w1-code"
    (tree / "notes.txt").write_text("mine\n")
    scene.see(*words)
    scene.call(0)
    scene.call(1)
    assert scene.repo.git("show", f"refs/swarm/salvage/{place.run}/w1-code:notes.txt") == "mine"
    scene.swarm(*words)


@row("of no agent")
def _(scene: RowScene) -> None:
    scene.workspace  # noqa: B018
    words = ("dispatch", "health-audit-a", "--isolate")
    scene.process(*words, exit=-9, SWARM_FAILPOINT="commit.before")
    scene.see("doctor", exit=0)
    scene.call(0)
    assert scene.doctor() == {}
    scene.process(*words, exit=-9, SWARM_FAILPOINT="commit.before")
    scene.swarm(*words)
    assert scene.doctor() == {}


@row("and work may be in it")
def _(scene: RowScene) -> None:
    place = scene.workspace
    scene.process("dispatch", "health-audit-a", "--isolate", exit=-9, SWARM_FAILPOINT="commit.before")
    tree = place.folder / place.run / "worktrees/w1-code"
    (tree / "notes.txt").write_text("mine\n")
    scene.see("doctor", exit=0)
    scene.call(0)
    scene.call(1)
    assert (tree.exists(), scene.doctor()) == (False, {})
    assert scene.repo.git("show", f"refs/swarm/salvage/{place.run}/w1-code:notes.txt") == "mine"


@row("whose process is dead")
def _(scene: RowScene) -> None:
    place = scene.collected
    tree = place.folder / place.run / "worktrees" / f"proof-{scene.fixture('dead_pid')}-0123456789ab"
    scene.repo.git("worktree", "add", "-q", "--detach", str(tree))
    scene.see("doctor", exit=0)
    scene.call(0)
    assert (tree.exists(), scene.doctor()) == (False, {})


@row("whose folder is gone")
def _(scene: RowScene) -> None:
    place = scene.collected
    shutil.rmtree(place.folder / place.run / "worktrees/w1-rest")
    scene.see("doctor", exit=0)
    scene.call(0)
    assert "w1-rest" not in scene.repo.git("worktree", "list")


@row("whose writer is dead")
def _(scene: RowScene) -> None:
    place = scene.collected
    half = place.folder / f".receipt.json.{scene.fixture('dead_pid')}-abc.tmp"
    half.write_text("half")
    scene.see("doctor", exit=0)
    scene.call(0)
    assert (half.exists(), scene.doctor()) == (False, {})


@row("their rights")
def _(scene: RowScene) -> None:
    scene.collected.db.chmod(0o664)
    scene.see("doctor", exit=0)
    scene.call(0)
    assert (scene.db.stat().st_mode & 0o777, scene.doctor()) == (0o600, {})


@row("a repository that is not here")
def _(scene: RowScene) -> None:
    scene.workspace  # noqa: B018
    moved = scene.move()
    scene.see("doctor", exit=0, cwd=moved)
    scene.call(0, PHASE="health-audit-a", PATH=str(moved), cwd=moved)
    # Where it is now, it is found by itself.
    scene.swarm("launch", "--runtime", "ruff", cwd=moved)
    scene.swarm("collect", cwd=moved)
    moved.rename(scene.repo.root)


@row("RUN_ELSEWHERE")
def _(scene: RowScene) -> None:
    scene.dispatched  # noqa: B018
    copy = scene.repo.root.with_name("copy")
    shutil.copytree(scene.repo.root, copy, symlinks=True)
    scene.see("collect", cwd=copy)
    scene.call(0, cwd=copy)
    scene.swarm("dispatch", "health-audit-a", "--auto-freeze", cwd=copy)


@row("beside the branch")
def _(scene: RowScene) -> None:
    scene.workspace  # noqa: B018
    words = ("dispatch", "health-audit-a", "--isolate")
    scene.repo.git("branch", "swarm")
    scene.see(*words)
    scene.repo.git("branch", "-m", "swarm", "mine")
    scene.swarm(*words)


@row("this partial clone lacks")
def _(scene: RowScene) -> None:
    scene.workspace  # noqa: B018
    clone = scene.repo.root.with_name("clone")
    scene.repo.git("config", "uploadpack.allowFilter", "true")
    scene.repo.git("clone", "-q", "--sparse", "--filter=blob:none", f"file://{scene.repo.root}", str(clone))
    answer = scene.see("audit", ".", cwd=clone)
    assert "--isolate" not in answer.err
    subprocess.run(["sh", "-c", answer.err.partition("`")[2].partition("`")[0]], check=True, capture_output=True)
    scene.swarm("audit", ".", exit=1, cwd=clone)


@row("WORKSPACE_MOVED")
def _(scene: RowScene) -> None:
    scene.dispatched  # noqa: B018
    moved = scene.move()
    scene.see("launch", "--runtime", "ruff", cwd=moved)
    moved.rename(scene.repo.root)
    scene.swarm("launch", "--runtime", "ruff")
    scene.move()
    scene.see("collect", cwd=moved)
    scene.call(0, NEW=str(moved), OLD=str(scene.repo.root), cwd=moved)
    scene.swarm("collect", cwd=moved)
    assert scene.sql("SELECT status FROM waves") == [("collected",)]


@row("WAVE_FROM_ELSEWHERE")
def _(scene: RowScene) -> None:
    place = scene.dispatched
    scene.monkeypatch.delenv("SWARM_TRUST")
    scene.monkeypatch.setenv("XDG_STATE_HOME", str(scene.tmp / "new"))
    scene.see("launch", exit=2)
    scene.call(0)
    # Beside the wave, in a run of its own; `init` makes another.
    scene.call(2, exit=1)
    scene.call(3)
    scene.call(1, RUN=place.run)
    scene.swarm("launch", place.run, "--runtime", "ruff")
    scene.swarm("collect", place.run)
