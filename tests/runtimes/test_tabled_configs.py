"""Configurations of the analyzers of the table: which one holds, and which are refused."""

from pathlib import Path

import pytest

from swarm.config import Config
from swarm.runtimes import data_config
from swarm.runtimes.runtime import UnusableOutput
from swarm.runtimes.tabled import Tabled
from tests.runtimes.rows import ROWS, job_of


def test_the_nearest_configuration_holds_and_none_is_searched_outside(tree: Path) -> None:
    (tree / "sub/deep").mkdir(parents=True)
    (tree / "sub/.shellcheckrc").write_text("disable=SC2086\n")
    (tree.parent / ".shellcheckrc").write_text("disable=all\n")
    steps = Tabled(ROWS["shellcheck"], Config()).steps(job_of(tree, "a.sh", "sub/b.sh", "sub/deep/c.sh"))
    assert [step.argv[3:] for step in steps] == [
        ("--norc", "--", "./a.sh"),
        ("--rcfile=./sub/.shellcheckrc", "--", "./sub/b.sh", "./sub/deep/c.sh"),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"extends": ["../../secret.json"]}', ".oxlintrc.json leads outside of the repository by its `extends`"),
        ('{"extends": ["/etc/passwd"]}', ".oxlintrc.json leads outside of the repository by its `extends`"),
        ('{"extends": ["./base.json"]}', "base.json names programs by its `jsPlugins`"),
        ('{"extends": ["a\\u0000b"]}', ".oxlintrc.json leads outside of the repository by its `extends`"),
        ('{"jsPlugins": ["./p.js"]}', ".oxlintrc.json names programs by its `jsPlugins`"),
        ('{ // why\n "jsPlugins": ["./p.js"], /* so */ }', ".oxlintrc.json names programs by its `jsPlugins`"),
        (
            '{"overrides": [{}, {"jsPlugins": ["./p.js"]}]}',
            ".oxlintrc.json names programs by its `overrides.jsPlugins`",
        ),
        ("{'jsPlugins': ['./p.js']}", ".oxlintrc.json cannot be read as JSON"),
    ],
)
def test_a_configuration_that_leads_outside_or_runs_a_program_is_refused(tree: Path, text: str, problem: str) -> None:
    (tree / ".oxlintrc.json").write_text(text)
    (tree / "base.json").write_text('{"jsPlugins": ["./p.js"]}')
    tool, job = Tabled(ROWS["oxlint"], Config()), job_of(tree, "a.js")
    assert tool.steps(job) == []
    with pytest.raises(UnusableOutput) as refused:
        tool.product(job, [])
    assert str(refused.value) == f"{problem}; oxlint was not run"


def test_a_configuration_that_is_a_link_to_itself_is_left_to_the_analyzer(tree: Path) -> None:
    (tree / ".oxlintrc.json").symlink_to(".oxlintrc.json")
    steps = Tabled(ROWS["oxlint"], Config()).steps(job_of(tree, "a.js"))
    assert ["--config=./.oxlintrc.json" in step.argv for step in steps] == [True, True]


@pytest.mark.parametrize("line", ["source-path=/etc", ' source-path = "../.." # why', "disable=SC2086\nsource-path=.."])
def test_a_folder_of_sourced_scripts_outside_of_the_repository_is_refused(tree: Path, line: str) -> None:
    (tree / ".shellcheckrc").write_text(f"{line}\n")
    tool, job = Tabled(ROWS["shellcheck"], Config()), job_of(tree, "a.sh")
    with pytest.raises(UnusableOutput) as refused:
        tool.product(job, [])
    problem = ".shellcheckrc leads outside of the repository by its `source-path`"
    assert (tool.steps(job), str(refused.value)) == ([], f"{problem}; shellcheck was not run")
    (tree / ".shellcheckrc").write_text("source-path=SCRIPTDIR\nsource-path=lib\nexternal-sources=true\n")
    assert len(tool.steps(job)) == 1


def test_a_configuration_that_is_a_link_to_a_file_outside_is_refused(tree: Path) -> None:
    (tree.parent / "netrc").write_text("secret")
    (tree / ".hadolint.yaml").symlink_to(tree.parent / "netrc")
    assert Tabled(ROWS["hadolint"], Config()).steps(job_of(tree, "Dockerfile")) == []


def test_the_digest_of_a_configuration_covers_what_it_extends(tree: Path) -> None:
    row, names = ROWS["oxlint"], [".oxlintrc.json", "base.json"]
    (tree / ".oxlintrc.json").write_text('{"extends": ["./base.json"]}')
    (tree / "base.json").write_text('{"extends": ["./base.json"]}')
    before = data_config.digest(row, tree, names)
    (tree / "base.json").write_text('{"rules": {"no-debugger": "off"}}')
    assert data_config.digest(row, tree, names) != before
