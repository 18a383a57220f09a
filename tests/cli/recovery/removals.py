"""Cases of docs/recovery.md: work that should be removed, or brought back."""

import re
import shlex

from tests.cli.recovery.page import QUOTED, WHY, RowScene, row
from tests.cli.scenes.merge_team import MENDED
from tests.conftest import Answer


@row("Would remove")
def _(scene: RowScene) -> None:
    scene.amended.merge()
    scene.see("clean", exit=0)
    scene.call(0)
    assert not scene.amended.tree("code").exists()


@row("WORK_AT_RISK")
def _(scene: RowScene) -> None:
    team = scene.amended
    team.merge()
    team.edit("code", {"notes.txt": "mine\n"})
    scene.see("clean", exit=0)
    scene.call(0)
    scene.call(1)
    assert not team.tree("code").exists()
    assert team.file_at(f"refs/swarm/salvage/{team.run}/w2-code", "notes.txt") == "mine"


@row("swarm undo")
def _(scene: RowScene) -> None:
    scene.amended.merge()
    scene.see("clean", *WHY, exit=0)
    scene.call(0)
    scene.call(1)
    assert (scene.amended.tree("code") / "src/app.py").read_text() == MENDED


def published(scene: RowScene) -> str:
    """Publish a wave; return the save point before it."""
    scene.amended.merge("--publish")
    return scene.amended.run.replace("swarm-", "swarm-save-", 1)


@row("swarm-save-…")
def _(scene: RowScene) -> None:
    answer = scene.see("init", ".", exit=0)
    point = re.findall(r"swarm-save-\d+-[0-9a-f]+", answer.out)[0]
    start = scene.repo.head
    scene.repo.commit({"wrong.py": "x = 1\n"})
    scene.call(0, SAVE_POINT=point)
    scene.call(1, SAVE_POINT=point)
    assert (scene.repo.head, (scene.repo.root / "wrong.py").exists()) == (start, False)


@row("REWIND_NOT_CLEAN")
def _(scene: RowScene) -> None:
    point = published(scene)
    scene.repo.write({"src/app.py": "# mine\n"})
    scene.see("rewind", point, *WHY)
    scene.call(0, SAVE_POINT=point)
    assert scene.repo.git("status", "--porcelain") == ""
    assert scene.amended.file_at(f"refs/swarm/salvage/{scene.amended.run}/rewind", "src/app.py") == "# mine"


@row("REWIND_STATE_SPLIT")
def _(scene: RowScene) -> None:
    point = published(scene)
    lift = scene.refused_rows("UPDATE ON waves", "no room")
    scene.see("rewind", point, *WHY)
    lift()
    scene.call(0, SAVE_POINT=point)
    assert set(scene.sql("SELECT status FROM waves")) == {("aborted_for_rewind",)}


@row("A rewind that was begun is not finished")
def _(scene: RowScene) -> None:
    point = published(scene)
    run = scene.amended.run
    scene.process("rewind", point, *WHY, exit=-9, SWARM_FAILPOINT="commit.before:2")
    scene.see("rewind", point, exit=0)
    assessment = scene.swarm("status", "--format", "json").data["assessment"]
    assert assessment == {
        "state": "BLOCKED",
        "blockers": [f"`swarm rewind {point}` was begun and is not finished; `swarm undo {run}` takes it back"],
        "nextAction": f"swarm rewind {point} --apply --reason '…'",
    }
    checks = {check["id"]: check for check in scene.swarm("doctor", "--format", "json").data["checks"]}
    assert (checks["rewinds"]["status"], checks["rewinds"]["message"]) == (
        "warn",
        f"1 begun and not finished: `swarm rewind {point}`",
    )
    scene.call(0, SAVE_POINT=point)
    assert scene.swarm("status", "--format", "json").data["assessment"]["state"] == "NO WAVE"
    assert set(scene.sql("SELECT status FROM waves")) == {("aborted_for_rewind",)}
    assert scene.row.symptom not in scene.swarm("rewind", point).out


def next_line(answer: Answer) -> str:
    """Return the command of an error's `Next:` line."""
    line = next(line for line in answer.err.splitlines() if line.startswith("  Next: "))
    return next(word for word in QUOTED.findall(line) if word.startswith(("git ", "swarm ")))


@row("REWIND_REFUSED")
def _(scene: RowScene) -> None:
    point = published(scene)
    scene.repo.git("checkout", "-q", "--detach")
    _, *words = shlex.split(next_line(scene.see("rewind", point, *WHY)))
    scene.repo.git(*words)
    scene.swarm("rewind", point, *WHY)


@row("UNDO_REFUSED")
def _(scene: RowScene) -> None:
    scene.amended.merge()
    scene.swarm("clean", *WHY)
    scene.repo.git("branch", scene.amended.branch("code"), "main")
    _, *words = shlex.split(next_line(scene.see("undo", *WHY)).replace("…", "mine"))
    scene.repo.git(*words)
    scene.call(0)
    assert scene.amended.tree("code").is_dir()
