"""The sessions of the documentation are what swarm prints: each page is played from top to bottom.

`RECORD=FOLDER pytest tests/test_sessions.py` plays them in FOLDER, such as /home/ann, and writes what was printed into
the pages.
"""

import os
import shutil
from pathlib import Path

import pytest

from swarm.runtimes import sandbox
from tests.conftest import GIT, Swarm
from tests.session import Session, steady

DOCS = Path(__file__).parent.parent / "docs"
PAGES = [DOCS / "index.md", *sorted((DOCS / "tutorials").glob("*.md"))]
# What these walk through has tests of its own that are no sweep.
LONG = {"audit-in-ci", "recover"}
RECORD = os.environ.get("RECORD")
SANDBOXES = dict(sandbox.BACKENDS)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a reader with a terminal of a common width, who trusts a configuration himself."""
    monkeypatch.setattr("swarm.show.text.is_terminal", lambda: True)
    monkeypatch.setattr("swarm.show.text.width", lambda: 88)
    monkeypatch.delenv("SWARM_TRUST")
    if RECORD:
        # A reader has a sandbox. Tests go without, so that they take the same steps on every machine.
        monkeypatch.delenv("SWARM_SANDBOX")
        for name, works in SANDBOXES.items():
            monkeypatch.setitem(sandbox.BACKENDS, name, works)
    home = Path(RECORD) if RECORD else tmp_path / "ann"
    for name, value in {**GIT, "HOME": str(home), "NO_COLOR": "1", "SWARM_LOG": "off"}.items():
        monkeypatch.setenv(name, value)
    return home


@pytest.mark.parametrize(
    "page", [pytest.param(page, id=page.stem, marks=[pytest.mark.sweep] * (page.stem in LONG)) for page in PAGES]
)
def test_the_session_of_a_page_is_what_swarm_prints(page: Path, swarm: Swarm, home: Path) -> None:
    shop = home / "shop"
    # Fails where the folder is there: it may be somebody's.
    shop.mkdir(parents=True)
    written = page.read_text(encoding="utf-8")
    played = Session(shop, swarm).play(written)
    if RECORD:
        page.write_text(played, encoding="utf-8")
        shutil.rmtree(shop)
    else:
        assert steady(played, home) == steady(written, home)
