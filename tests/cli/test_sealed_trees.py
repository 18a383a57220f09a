"""Trees of amend agents are sealed: what others change after an attempt is not taken for the work of its agent."""

from pathlib import Path
from typing import Any

import pytest

from tests.cli.scenes.amend_wave import Amending, violations
from tests.cli.scenes.launched_agents import Agents
from tests.conftest import Repo, Swarm
from tests.sweeping import swept

# `code` is launched first and fixes its finding; `tests` does something to what `code` left.
WORK = """
tree = pathlib.Path(os.environ["SWARM_WORKTREE"])
mine = {"code": "src/app.py", "tests": "tests/test_app.py"}[os.environ["SWARM_DOMAIN"]]
(tree / mine).write_text((tree / mine).read_text() + "# by its agent\\n")
del_ = {"stage", "findings"}
body = {key: value for key, value in answer(fixes=[], files_changed=[mine]).items() if key not in del_}
pathlib.Path(os.environ["SWARM_OUTPUT_FILE"]).write_text(json.dumps(body))
theirs = tree.with_name("w2-code")
def git(*words):
    subprocess.run(["git", "-C", theirs, "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True,
                   stdout=subprocess.DEVNULL)
if os.environ["SWARM_DOMAIN"] == "tests":
    {act}
"""
APP = 'theirs / "src/app.py"'


@pytest.fixture
def launch(swarm: Swarm, repo: Repo, audited: Amending, tmp_path: Path) -> Any:
    """Launch an amend wave of two agents, of which the second does something more."""
    agents = Agents(repo, tmp_path)

    def launched(act: str = "pass") -> Amending:
        audited.approve("load", "assert")
        agents.play(WORK.replace("{act}", act), more="[launch]\njobs = 1\n")
        audited.dispatch("--isolate", "--runtime", "played")
        swarm("launch")
        return audited

    return launched


@pytest.mark.parametrize(
    ("act", "file"),
    swept(
        [
            (f'({APP}).write_text("import os\\n")', "src/app.py"),
            (f'({APP}).write_text("import os\\n"); os.utime({APP}, (1, 1))', "src/app.py"),
            ('(theirs / "src/more.py").write_text("x = 1\\n")', "src/more.py"),
            ('(theirs / "src/tool.py").unlink()', "src/tool.py"),
            ('os.rename(theirs / "src/tool.py", theirs / "src/tools.py")', "src/tool.py"),
            (f"({APP}).chmod(0o755)", "src/app.py"),
            (f'({APP}).unlink(); ({APP}).symlink_to("tool.py")', "src/app.py"),
            ('git("checkout", "-q", "HEAD", "--", "src/app.py")', "src/app.py"),
            ('git("rm", "-q", "--cached", "src/tool.py"); (theirs / "src/tool.py").unlink()', "src/tool.py"),
        ],
        first=2,
    ),
)
def test_what_a_sibling_changes_in_the_tree_of_an_ended_attempt_fails_the_wave(
    launch: Any, act: str, file: str
) -> None:
    data = launch(act).collect(exit=1)
    assert data["waveStatus"] == "failed"
    assert (file, "the wave", "code") in violations(data)
    (found,) = [violation for violation in data["violations"] if violation["file"] == file]
    assert found["detail"] == "changed after the attempt of code ended, while tests worked"


def test_the_work_of_each_attempt_is_collected_as_it_was_left(launch: Any) -> None:
    data = launch().collect()
    assert (data["waveStatus"], data["violations"], data["notes"]) == ("collected", [], [])


def test_what_a_person_edits_after_the_attempts_is_taken_and_named(launch: Any) -> None:
    amending = launch()
    amending.edit("code", "src/tool.py")
    data = amending.collect()
    assert (data["waveStatus"], data["violations"]) == ("collected", [])
    assert data["notes"] == ["code: changed after its attempt, while no agent worked: src/tool.py"]


def test_a_person_who_looked_at_the_edits_of_a_sibling_takes_them(launch: Any, swarm: Swarm) -> None:
    amending = launch(f'({APP}).write_text("import os\\n")')
    amending.collect(exit=1)
    swarm("revalidate", amending.run, "--apply", "--reason", "they are wanted")
    assert swarm("status", "--format", "json").data["waves"]["current"]["status"] == "collected"


def test_an_agent_that_is_launched_again_is_sealed_anew(launch: Any, swarm: Swarm) -> None:
    amending = launch()
    sealed = amending.sql("SELECT domain, tree FROM attempts JOIN agent_runs ON agent_runs.id = agent_run_id")
    assert [(domain, len(tree)) for domain, tree in sealed] == [("code", 40), ("tests", 40)]
    assert amending.repo.git("cat-file", "-t", sealed[0][1]) == "tree"
