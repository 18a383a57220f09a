"""Claims of an amend agent that changed everything but the defect: each is named for what it is."""

import pytest

from tests.cli.scenes.merge_team import STEP, Team
from tests.cli.scenes.second_look import audit, looked
from tests.conftest import Repo, Swarm, Workspace
from tests.sweeping import swept

REFORMATTED = "reformatted: nothing but comments, brackets or layout changed at"
REWRITTEN = "rewritten: nothing but names, comments or layout changed at"
MOVED_FILE = "moved_file: the same code stands at"
FIXED = "the line is gone or was rewritten"


def code(number: int, old: str = "", new: str = "") -> str:
    text = "import os\n\n\ndef run_{n}(cmd):\n    return os.shell_{n}(cmd, 1)\n".replace("{n}", str(number))
    return text.replace(old, new) if old else text


# By number: what the agent makes of `src/m<number>.py`, and what the claim about the file comes to.
EDITS: dict[int, tuple[dict[str, str | None], str]] = {
    0: ({"src/m0.py": code(0, "(cmd, 1)", "(cmd, 1)  # checked")}, f"{REFORMATTED} src/m0.py:5"),
    1: (
        {"src/m1.py": code(1, "return os.shell_1(cmd, 1)", "return (os.shell_1(cmd, 1))")},
        f"{REFORMATTED} src/m1.py:5",
    ),
    2: ({"src/m2.py": code(2, "cmd", "command")}, f"{REWRITTEN} src/m2.py:5"),
    3: ({"src/m3.py": code(3, "(cmd, 1)", "(\n        cmd,\n        1,\n    )")}, f"{REFORMATTED} src/m3.py:5"),
    4: ({"src/m4.py": "from src.n4 import run_4\n", "src/n4.py": code(4)}, f"{MOVED_FILE} src/n4.py:5"),
    5: ({"src/m5.py": None, "src/n5.py": code(5, "cmd", "c")}, f"{MOVED_FILE} src/n5.py:5"),
    6: (
        {"src/m6.py": code(6, "    return", "    if False:\n        return")},
        "moved: the same code stands at src/m6.py:6",
    ),
    7: ({"src/m7.py": "# checked\n" + code(7)}, "it stands unchanged at src/m7.py:6"),
    8: ({"src/m8.py": code(8, "(cmd, 1)", "(quote(cmd), 1)")}, FIXED),
}


@pytest.fixture
def team(swarm: Swarm, workspace: Workspace, repo: Repo) -> Team:
    """An agent reported a line in each of nine files; all are approved, and an amend wave is in flight."""
    repo.commit({f"src/m{n}.py": code(n) for n in EDITS})
    team = Team(swarm, repo, workspace)
    team.prove_with(STEP)
    quoted = [(f"src/m{n}.py", code(n).split("\n")[4]) for n in EDITS]
    team.dispatch("health-audit-a")
    workspace.answer("code", *({"file": file, "line": 5, "quote": quote} for file, quote in quoted))
    workspace.answer("rest")
    swarm("collect")
    swarm("approve", "--all")
    team.dispatch()
    return team


def test_each_forged_fix_is_named_for_what_it_is_and_the_real_one_is_believed(team: Team) -> None:
    files = {name: text for edits, _ in EDITS.values() for name, text in edits.items() if name.startswith("src/")}
    team.edit("code", files)
    ids = team.rows("SELECT finding_id FROM findings ORDER BY file")
    team.collect(code=tuple(found for (found,) in ids))
    assert team.merge("--publish").data["fixed"] == [ids[8][0]]
    answer = looked(team, "verify-fixed", exit=1)
    found = {row["finding_id"]: row["evidence"] for row in answer.data["findings"]}
    assert found == {ids[number][0]: words for number, (_, words) in EDITS.items()}
    # The next audit, in which nobody reports anything, proves none of them either.
    audit(team)
    assert team.rows("SELECT finding_id FROM findings WHERE status = 'fixed'") == [ids[8]]


@pytest.mark.parametrize("between", swept([{"README.md": "# Other\n"}, None]))
def test_a_file_that_was_deleted_and_comes_back_is_a_regression(team: Team, between: dict[str, str] | None) -> None:
    team.edit("code", {"src/m0.py": None})
    (first, *_) = team.rows("SELECT finding_id FROM findings ORDER BY file")
    team.collect(code=first)
    assert team.merge("--publish").data["fixed"] == list(first)
    if between:
        team.repo.commit(between)
    team.repo.commit({"docs/other.py": code(0, "cmd", "c")})
    answer = looked(team, "verify-fixed", exit=1)
    assert [(row["classification"], row["evidence"]) for row in answer.data["findings"]] == [
        ("regressed", f"it was seen gone, and is back; {MOVED_FILE} docs/other.py:5")
    ]


def test_code_in_a_file_of_data_is_no_place_where_a_defect_can_go(team: Team) -> None:
    team.edit("code", {"src/m0.py": None, "src/data.bin": b"\0\n" * 999 + code(0).encode()})
    (first, *_) = team.rows("SELECT finding_id FROM findings ORDER BY file")
    team.collect(code=first)
    assert team.merge("--publish").data["fixed"] == list(first)
