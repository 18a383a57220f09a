"""The user's view of files is read at dispatch and kept for the wave, whatever becomes of the settings meanwhile."""

import json
from pathlib import Path

import pytest

from tests.cli.scenes.amend_wave import Amending


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own configuration, before the wave is dispatched."""
    file, ignore = tmp_path / "gitconfig", tmp_path / "ignore"
    file.write_text(f"[core]\n\tautocrlf = input\n\tsafecrlf = false\n\texcludesFile = {ignore}\n")
    ignore.write_text("*.local\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(file))
    return file


def blob(amending: Amending, path: str) -> str:
    merged = amending.repo.git("for-each-ref", "--format=%(refname)", "refs/swarm/work/")
    return amending.repo.git("show", f"{merged.splitlines()[0]}:{path}")


def test_an_agent_that_edits_the_settings_of_git_changes_nothing(settings: Path, amending: Amending) -> None:
    amending.edit("code", "src/app.py", "one\r\ntwo\r\n")
    amending.edit("code", "src/notes.local", "kept out\n")
    amending.edit("code", "src/new.py", "x = 1\n")
    settings.write_text("[core]\n\tautocrlf = false\n\texcludesFile = /nowhere\n")
    (settings.parent / "ignore").write_text("*.py\n")
    amending.answer("code")
    data = amending.collect()
    assert {claim[1] for claim in amending.claims()} == {"src/app.py", "src/new.py"}
    assert (data["waveStatus"], blob(amending, "src/app.py")) == ("collected", "one\ntwo")


def test_an_ignore_file_emptied_in_place_hides_and_shows_nothing(settings: Path, amending: Amending) -> None:
    (settings.parent / "ignore").write_text("*\n")
    amending.edit("code", "tests/new.py", "x = 1\n")
    amending.answer("code")
    data = amending.collect(exit=1)
    assert [violation["file"] for violation in data["violations"]] == ["tests/new.py"]


def test_a_filter_that_is_configured_meanwhile_is_none_of_the_wave_s(settings: Path, amending: Amending) -> None:
    attributes = settings.parent / "attributes"
    attributes.write_text("*.py filter=late\n")
    settings.write_text(f'[core]\n\tattributesFile = {attributes}\n[filter "late"]\n\tclean = false\n')
    amending.edit("code", "src/new.py", "x = 1\n")
    amending.answer("code")
    assert amending.collect()["violations"] == []


def test_a_wave_that_keeps_no_view_is_seen_as_the_user_sees_now(settings: Path, amending: Amending) -> None:
    with amending.behind() as conn:
        (text,) = conn.execute("SELECT sentinel FROM waves WHERE number = 2").fetchone()
        older = {key: value for key, value in json.loads(text).items() if key != "view"}
        conn.execute("UPDATE waves SET sentinel = ? WHERE number = 2", (json.dumps(older),))
    (settings.parent / "ignore").write_text("")
    amending.edit("code", "src/notes.local", "shown\n")
    amending.answer("code")
    amending.collect()
    assert [claim[1] for claim in amending.claims()] == ["src/notes.local"]
