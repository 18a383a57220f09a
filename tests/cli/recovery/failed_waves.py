"""Cases of docs/recovery.md: waves that failed."""

import os
import shutil
import signal
from pathlib import Path

from tests.cli.recovery.page import WHY, RowScene, row
from tests.cli.scenes.failed_wave import FOUND, Wave


def failed(scene: RowScene) -> Wave:
    place = scene.dispatched
    place.answer("code", FOUND)
    scene.swarm("collect", exit=1)
    return Wave(scene.swarm, scene.repo, place)


@row("WAVE FAILED")
def _(scene: RowScene) -> None:
    wave = failed(scene)
    scene.see("status", exit=0)
    for at in range(4):
        scene.call(at)
    assert wave.wave() == "collected"


@row("Out of time")
def _(scene: RowScene) -> None:
    place = scene.dispatched
    place.answer("rest")
    scene.sql("UPDATE agent_runs SET status = 'running', started = '2001-01-01T00:00:00.000Z' WHERE domain = 'code'")
    scene.see("resume", exit=0)
    for at in range(3):
        scene.call(at)
    assert scene.sql("SELECT domain, status FROM agent_runs ORDER BY id") == [
        ("code", "timed_out"),
        ("rest", "complete"),
        ("code", "complete"),
    ]


@row("Next: swarm resume")
def _(scene: RowScene) -> None:
    scene.dispatched  # noqa: B018
    scene.repo.write({"swarms/swarm.toml": '[runtimes.poor]\nkind = "command"\nargv = ["false"]\n'})
    scene.see("launch", "--runtime", "poor", exit=3)
    scene.call(0)
    scene.swarm("launch", "--runtime", "ruff")
    scene.swarm("collect")
    assert scene.sql("SELECT status FROM waves") == [("collected",)]


@row("is invalid_output")
def _(scene: RowScene) -> None:
    place = scene.dispatched
    place.answer("code", FOUND)
    place.answer("rest")
    good = place.output("code").read_text()
    place.output("code").write_text("{")
    scene.swarm("collect", exit=1)
    scene.see("status", exit=0)
    mended = scene.tmp / "mended.json"
    mended.write_text(good)
    scene.call(0, NAME="code", FILE=str(mended))
    assert scene.sql("SELECT status FROM waves") == [("collected",)]


@row("is ownership_violation")
def _(scene: RowScene) -> None:
    scene.amending.edit("code", "tests/test_app.py")
    scene.amending.collect(exit=1)
    scene.see("status", exit=0)
    scene.call(0, WAVE="2")
    scene.call(1, WAVE="2")
    newest = scene.sql("SELECT status, output_path FROM agent_runs WHERE domain = 'code' ORDER BY id DESC")[0]
    assert newest[0] == "dispatched"
    scene.amending.answer("code")
    shutil.copy(scene.amending.place.output("code", 2), str(newest[1]))
    scene.swarm("collect")
    # As the page says of a violation that was put right, after a redrive nothing of it is in the way.
    assert scene.swarm("status", "--format", "json").data["violations"] == 0


@row("touched that should not have been")
def _(scene: RowScene) -> None:
    place = scene.dispatched
    for domain in ("code", "rest"):
        place.answer(domain)
    scene.repo.write({"src/stray.py": "x = 1\n"})
    scene.swarm("collect", exit=1)
    scene.see("status", exit=0)
    (scene.repo.root / "src/stray.py").unlink()
    scene.call(0)
    assert scene.sql("SELECT status FROM waves") == [("collected",)]


@row("1 file was touched that should not have been")
def _(scene: RowScene) -> None:
    place = scene.dispatched
    tree = Path(str(scene.sql("SELECT worktree_path FROM agent_runs WHERE domain = 'code'")[0][0]))
    (tree / "src/app.py").write_text("# edited\n")
    for domain in ("code", "rest"):
        place.answer(domain)
    scene.swarm("collect", exit=1)
    scene.repo.git("checkout", "-q", "--", ".", cwd=tree)
    scene.swarm("revalidate", "--domain", f"code:{place.output('code')}", *WHY)
    assert scene.sql("SELECT status FROM waves") == [("collected",)]
    scene.see("status", exit=0)
    scene.call(0)
    assert scene.sql("SELECT status FROM runs") == [("health-audit-b",)]


@row("WAVE_GIT_FOLDER_CHANGED")
def _(scene: RowScene) -> None:
    wave = failed(scene)
    scene.repo.git("config", "core.hooksPath", "elsewhere")
    scene.see("resume")
    scene.repo.git("config", "--unset", "core.hooksPath")
    scene.swarm("resume")
    scene.repo.git("config", "core.hooksPath", "elsewhere")
    scene.call(0)
    scene.swarm("resume", *WHY)
    assert wave.wave() == "dispatched"


@row("Interrupted")
def _(scene: RowScene) -> None:
    place = scene.workspace
    words = ("dispatch", "health-audit-a", "--isolate")
    scene.process(*words, exit=-9, SWARM_FAILPOINT="git.worktree.after:2")
    folder = scene.tmp / "bin"
    folder.mkdir()
    expected = f'#!/bin/sh\nkill -{signal.SIGINT.value} "$PPID"\nexec "{shutil.which("git")}" "$@"\n'
    (folder / "git").write_text(expected)
    (folder / "git").chmod(0o755)
    answer = scene.process(*words, exit=130, PATH=f"{folder}:{os.environ['PATH']}")
    assert scene.row.symptom in answer.err
    scene.seen = True
    scene.process(*words)
    assert len(list((place.folder / place.run / "worktrees").iterdir())) == 2
    assert scene.doctor() == {}
