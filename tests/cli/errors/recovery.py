"""Refusals of rewind and undo."""

from tests.cli.errors.refusal import Refusal, refused
from tests.cli.scenes.scene import Scene


@refused
def save_point_unknown(scene: Scene) -> Refusal:
    assert scene.workspace.run
    return Refusal(
        ("rewind", "HEAD"),
        """[SAVE_POINT_UNKNOWN]: No save point is called 'HEAD'
  Next: `swarm status --format json` shows a run's save point; another ref needs `--force-arbitrary-ref`""",
        {"received": "HEAD", "told": ""},
    )


@refused
def rewind_refused(scene: Scene) -> Refusal:
    run = scene.workspace.run
    scene.repo.git("checkout", "-q", "--detach")
    problem = f"HEAD is detached at {scene.repo.head[:12]}"
    remedy = "check out the branch that you mean, such as `git checkout main`"
    return Refusal(
        ("rewind", run, "--apply", "--reason", "wrong way"),
        f"""[REWIND_REFUSED]: The checkout cannot be rewound: {problem}
  Next: {remedy}
  Run: {run}""",
        {"problem": problem, "remedy": remedy, "runId": run},
    )


@refused
def rewind_not_clean(scene: Scene) -> Refusal:
    run, root = scene.workspace.run, scene.repo.root
    scene.repo.write({"README.md": "# In the works\n"})
    return Refusal(
        ("rewind", run, "--apply", "--reason", "wrong way"),
        f"""[REWIND_NOT_CLEAN]: {root} has 1 file that rewinding would overwrite: README.md
  Path: {root}
  Next: commit or stash them, or add `--force`, which saves them below refs/swarm/salvage/ first""",
        {"path": str(root), "count": 1, "files": "README.md"},
    )


@refused
def undo_refused(scene: Scene) -> Refusal:
    run, begin = scene.workspace.run, scene.repo.commit({"src/app.py": "x = 1\n"})
    scene.swarm("rewind", run, "--apply", "--reason", "wrong way")
    problem = f"branch main has moved on since, to {scene.repo.commit({'src/app.py': 'x = 2'})[:12]}"
    remedy = f"`git branch back {begin}` keeps it"
    return Refusal(
        ("undo", run, "--apply", "--reason", "back"),
        f"""[UNDO_REFUSED]: The last rewind cannot be undone: {problem}
  Next: {remedy}; nothing was changed
  Run: {run}""",
        {"verb": "rewind", "problem": problem, "remedy": remedy, "runId": run},
    )
