"""Files that a filter of the user's changes on their way into git count as filtered, not as uncommitted changes."""

from pathlib import Path

import pytest

from tests.cli.scenes.merge_team import MENDED, Team
from tests.conftest import Repo, Swarm


@pytest.fixture
def filter_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The attributes file of a user who has a filter; it would fail if it were run."""
    file = tmp_path / "attributes"
    config = f'[core]\n\tattributesFile = {file}\n[filter "upper"]\n\tclean = false\n\trequired\n'
    (tmp_path / "gitconfig").write_text(config)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    return file


def test_a_filtered_file_keeps_neither_init_nor_dispatch_from_work(swarm: Swarm, repo: Repo, filter_of: Path) -> None:
    filter_of.write_text("*.html filter=upper\n")
    repo.write({"web/index.html": "<P>SMUDGED</P>\n"})
    run = swarm("init", ".", "--format", "json").data["runId"]
    data = swarm("dispatch", run, "health-audit-a", "--auto-freeze", "--dry-run", "--format", "json").data
    assert data["editedFilesNotSeen"] == 0
    assert data["warnings"] == ["filtered, so git cannot tell whether they are edited: web/index.html"]


def test_an_edit_a_staged_and_a_deleted_file_are_uncommitted_changes(swarm: Swarm, repo: Repo, filter_of: Path) -> None:
    filter_of.write_text("*.html filter=upper\nsrc/tool.py filter=unknown\n")
    repo.write({"src/tool.py": "x = 1\n", "README.md": "# Edited\n"})
    (repo.root / "web/index.html").unlink()
    answer = swarm("init", ".", exit=1)
    assert answer.code == "REPO_NOT_CLEAN"
    assert "has 3 tracked files with uncommitted changes: README.md, src/tool.py, web/index.html" in answer.err


def test_an_lfs_file_is_filtered_where_lfs_is_not_configured(swarm: Swarm, repo: Repo, filter_of: Path) -> None:
    filter_of.write_text("*.html filter=lfs\n")
    repo.write({"web/index.html": "<P>SMUDGED</P>\n"})
    swarm("init", ".")


def test_publishing_leaves_a_filtered_file_that_the_merge_does_not_change(
    team: Team, amended: Team, filter_of: Path
) -> None:
    filter_of.write_text("*.html filter=upper\n")
    team.repo.write({"web/index.html": "<P>SMUDGED</P>\n"})
    assert team.merge("--publish").data["published"]
    assert (team.repo.root / "web/index.html").read_text() == "<P>SMUDGED</P>\n"
    assert (team.repo.root / "src/app.py").read_text() == MENDED


def test_publishing_is_refused_where_the_merge_changes_a_filtered_file(
    team: Team, amended: Team, filter_of: Path
) -> None:
    filter_of.write_text("src/app.py filter=upper\n")
    team.repo.write({"src/app.py": "SMUDGED\n"})
    assert team.merge("--publish", exit=None).code == "PUBLISH_TARGET_DIRTY"
    assert (team.repo.root / "src/app.py").read_text() == "SMUDGED\n"
