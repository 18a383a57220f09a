"""Prompts of agents: length, order, what they say of the repository, and why an earlier try did not do."""

import json
from pathlib import Path

import pytest

from tests.cli.scenes.amend_wave import Amending
from tests.cli.scenes.failed_wave import FOUND, WHY
from tests.cli.scenes.merge_team import Team
from tests.conftest import Repo, Swarm, Workspace

MAP = [
    {"name": "tests", "globs": ["**/tests/**", "**/*_test.py"]},
    {"name": "web", "globs": ["web/**"], "ownership": "shared"},
    {"name": "code", "globs": ["src/**"]},
    {"name": "docs", "globs": ["**"]},
]


@pytest.fixture
def prompts(request: pytest.FixtureRequest, swarm: Swarm, repo: Repo, tmp_path: Path) -> dict[str, str]:
    """The prompts of a wave over a repository with many files, by domain."""
    many = {f"src/package/module_number_{number:03}.py": "x = 1\n" for number in range(200)}
    notes = dict.fromkeys(("AGENTS.md", "CONTRIBUTING.md", "src/CLAUDE.md", "src/other/GEMINI.md"), "Be kind.\n")
    repo.commit({**many, **notes, ".cursorrules": "Be brief.\n", "src/package/tests/one.py": "y = 1\n"})
    file = tmp_path / "map.json"
    file.write_text(json.dumps(MAP))
    swarm("init", ".", "--domains-from", file)
    phase = getattr(request, "param", "health-audit-a")
    data = swarm("dispatch", phase, "--isolate", "--auto-freeze", "--format", "json").data
    return {agent["domain"]: Path(agent["promptPath"]).read_text(encoding="utf-8") for agent in data["agents"]}


@pytest.mark.parametrize("prompts", ["health-audit-a", "feature-audit"], indirect=True)
def test_a_prompt_without_findings_is_short_and_its_schema_comes_last(prompts: dict[str, str]) -> None:
    for text in prompts.values():
        assert len(text.encode()) < 8 * 1024
        headings = [line for line in text.splitlines() if line.startswith("## ")]
        assert headings[-3:] in (
            ["## How to answer", "## Known findings", "## Your answer"],
            ["## How to answer", "## Known wishes", "## Your answer"],
        )
        json.loads(text.rpartition("```json")[2].partition("```")[0])


def test_the_repositorys_instructions_are_named_for_the_domains_that_they_hold_for(prompts: dict[str, str]) -> None:
    lines = {name: next(li for li in text.splitlines() if "contributors" in li) for name, text in prompts.items()}
    for_all = "`.cursorrules`, `AGENTS.md`, `CONTRIBUTING.md`"
    begin, end = "- Read first what the repository asks of its contributors: ", ". This prompt wins where they differ."
    assert lines == {
        "tests": f"{begin}{for_all}, `src/CLAUDE.md`{end}",
        "code": f"{begin}{for_all}, `src/CLAUDE.md`, `src/other/GEMINI.md`{end}",
        "docs": f"{begin}{for_all}{end}",
    }
    assert "Be kind." not in "".join(prompts.values())


def test_a_prompt_lists_the_files_of_its_domain_up_to_a_bound(prompts: dict[str, str]) -> None:
    assert "Its files: `src/package/tests/one.py`, `tests/test_app.py`.\n" in prompts["tests"]
    (line,) = [line for line in prompts["code"].splitlines() if line.startswith("Its files: ")]
    names = line.count("`") // 2
    assert line.startswith("Its files: `src/CLAUDE.md`, `src/app.py`, `src/other/GEMINI.md`, `src/package/module_")
    assert line.endswith(f" and {204 - names} more.")
    assert 600 < len(line) < 800


def test_a_prompt_names_the_domains_that_win_where_globs_overlap(prompts: dict[str, str]) -> None:
    begin = "The first domain of the map whose globs match a file owns it. These come before yours:"
    tests, web, code = "- `tests`: `**/tests/**`, `**/*_test.py`", "- `web`: `web/**`", "- `code`: `src/**`"
    found = {
        name: text[text.index(begin) :].partition("\n\n")[0].splitlines()[1:] if begin in text else []
        for name, text in prompts.items()
    }
    assert found == {"tests": [], "code": [tests], "docs": [tests, web, code]}


def test_an_amend_prompt_says_that_only_a_change_of_meaning_counts_and_that_nobody_need_commit(
    amending: Amending,
) -> None:
    text = (amending.place.folder / amending.run / "wave-2/code.md").read_text()
    for part in (
        "- You need not commit, and usually cannot: the git folder is read-only.",
        "2. Only a change of what the code does counts as a fix.",
        "## How to answer",
    ):
        assert part in text
    assert "another try" not in text


def test_the_next_wave_is_shown_what_the_gate_said_until_its_work_is_merged(team: Team, amended: Team) -> None:
    red = team.rows("SELECT count(*) FROM waves")
    step = (
        '[[verify.steps]]\nname = "check"\nkind = "check"\nargv = ["sh", "-c", "echo \'```\'; echo E-42 >&2; exit 1"]\n'
    )
    green = step.replace("exit 1", "true")
    team.prove_with(step)
    team.merge(exit=1)
    team.dispatch()
    text = (team.place.folder / team.run / "wave-3/code.md").read_text()
    assert red == [(2,)]
    assert "\n## Why this is another try\nThe work of an earlier wave was refused by the build." in text
    assert '\n"E-42"\n' in text
    assert text.index('"E-42"') < text.index("## What to fix")
    assert "step check ended failed" in text
    team.edit("code", {"src/app.py": "x = 1\n"}, wave=3)
    team.collect(wave=3)
    team.prove_with(green)
    team.merge("--accept", "no_tests", "--reason", "a step is enough here")
    team.dispatch()
    assert "another try" not in (team.place.folder / team.run / "wave-4/code.md").read_text()


def test_an_agent_that_is_dispatched_again_is_shown_how_the_one_before_it_ended(
    swarm: Swarm, dispatched: Workspace
) -> None:
    dispatched.answer("code", FOUND)
    swarm("collect", exit=1)
    (again,) = swarm("resume", *WHY, "--format", "json").data["redispatched"]
    text = Path(again["promptPath"]).read_text()
    assert "\n## Why this is another try\nAn agent had this task before you and failed." in text
    assert "there is no output" in text
