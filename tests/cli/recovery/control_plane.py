"""Cases of docs/recovery.md: the database."""

import resource
import shlex
import shutil
import sqlite3
from pathlib import Path

from tests.cli.recovery.page import QUOTED, RowScene, row


def kept(scene: RowScene) -> Path:
    """Make a backup, as an upgrade does."""
    scene.collected  # noqa: B018
    folder = scene.db.parent / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    copy = folder / "control-plane-v1-20260101T000000Z.db"
    shutil.copy2(scene.db, copy)
    return copy


def restored(scene: RowScene, copy: Path, at: int = 0) -> None:
    damaged = scene.db.read_bytes()
    scene.call(at, DATABASE=str(scene.db))
    assert scene.db.with_name(f"{scene.db.name}.damaged").read_bytes() == damaged
    brought_back(scene, copy, at + 1)


def brought_back(scene: RowScene, copy: Path, at: int = 0) -> None:
    scene.call(at, BACKUP=str(copy), DATABASE=str(scene.db))
    assert scene.swarm("findings", exit=1).out.count("src/app.py") == 1


@row("CONTROL_PLANE_CORRUPT")
def _(scene: RowScene) -> None:
    copy = kept(scene)
    scene.db.write_bytes(b"no database at all; " * 1000)
    assert f"`mv {scene.db} {scene.db}.damaged && cp {copy} {scene.db}`" in scene.see("status").err
    restored(scene, copy)
    scene.call(2)


@row("CONTROL_PLANE_SCHEMA_CORRUPT")
def _(scene: RowScene) -> None:
    copy = kept(scene)
    scene.sql("UPDATE kv SET value = 'none' WHERE key = 'schema_version'")
    assert str(copy.parent) in scene.see("status").err
    restored(scene, copy)
    scene.call(2)


@row("CONTROL_PLANE_SCHEMA_TOO_NEW")
def _(scene: RowScene) -> None:
    copy = kept(scene)
    scene.sql("UPDATE kv SET value = '999' WHERE key = 'schema_version'")
    before = scene.db.read_bytes()
    scene.see("status")
    answer = scene.call(0, BACKUP=str(copy))
    assert answer is not None
    assert "collected" in answer.out
    assert scene.db.read_bytes() == before


@row("CONTROL_PLANE_READ_ONLY")
def _(scene: RowScene) -> None:
    scene.collected  # noqa: B018
    lock = scene.db.with_name("control-plane.db.lock")
    lock.unlink()
    # In its place, what cannot be opened for writing by root either.
    lock.mkdir()
    words = ("domains", "--unfreeze", "--reason", "a look")
    scene.see(*words)
    scene.call(0)
    lock.rmdir()
    scene.swarm(*words)


@row("CONTROL_PLANE_WRITE_FAILED")
def _(scene: RowScene) -> None:
    scene.workspace  # noqa: B018
    scene.swarm("domains", "--unfreeze", "--reason", "to edit")
    words = ("domains", "--edit", "code", "--desc", "long " * 20_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (scene.db.stat().st_size, hard))
    try:
        scene.see(*words)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    scene.swarm("ledger", "replay", "--check")
    scene.swarm(*words)


@row("WORKSPACE_NOT_WRITABLE")
def _(scene: RowScene) -> None:
    in_the_way = scene.workspace.folder / scene.workspace.run
    in_the_way.write_text("a file where the run's folder goes")
    words = ("dispatch", "health-audit-a")
    assert str(in_the_way) in scene.see(*words).err
    in_the_way.unlink()
    scene.swarm(*words)


@row("CONTROL_PLANE_MISSING")
def _(scene: RowScene) -> None:
    copy = kept(scene)
    elsewhere = scene.tmp / "control-plane.db"
    scene.db.rename(elsewhere)
    scene.see("status")
    scene.call(1, PATH=str(elsewhere))
    brought_back(scene, copy)


@row("LEDGER_BROKEN")
def _(scene: RowScene) -> None:
    copy = kept(scene)
    with sqlite3.connect(scene.db) as conn:
        for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            conn.execute(f"DROP TRIGGER {name}")
        conn.execute("UPDATE events SET reason = 'another' WHERE seq = 2")
    conn.close()
    scene.see("ledger", "verify")
    answer = scene.call(0, exit=1)
    assert answer is not None
    assert str(copy) in answer.out
    restored(scene, copy, at=1)
    scene.call(3)


@row("between the ledger and the tables:")
def _(scene: RowScene) -> None:
    copy = kept(scene)
    scene.sql("UPDATE findings SET decision = 'rejected'")
    scene.see("ledger", "replay", "--check")
    # It goes on working, and nothing of it is mended.
    scene.swarm("status")
    scene.see("ledger", "replay", "--check")
    restored(scene, copy)
    scene.call(2)


@row("INTEGRATION_MOVED")
def _(scene: RowScene) -> None:
    team = scene.amended
    team.merge()
    scene.repo.git("branch", "-f", team.integration, scene.repo.git("commit-tree", "-m", "x", "HEAD^{tree}"))
    line = scene.see("verify").err
    _, *words = shlex.split(next(word for word in QUOTED.findall(line) if word.startswith("git update-ref")))
    scene.repo.git(*words)
    scene.swarm("verify")
