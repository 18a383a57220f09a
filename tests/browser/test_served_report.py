"""The served page in a browser, while a wave is under way."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.browser.chromium import PROGRAM, Tab, browser
from tests.cli.scenes.launched_agents import LONG, Agents
from tests.conftest import Repo, Swarm, Workspace

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium here; Debian's package is `chromium`"),
]
ASKED = (
    "performance.getEntriesByType('resource').map((one) => one.name.split('/').slice(4).join('/'))"
    ".filter((path) => path.startsWith('findings'))"
)
SERVE = [sys.executable, "-m", "swarm", "report", "--serve", "--json"]
CONNECTION = "document.getElementById('connection').textContent"
IS_LIVE = f"{CONNECTION} === 'Live'"
ROWS = "[...document.querySelectorAll('#rows tr[data-id]')].map((row) => row.querySelector('.what').textContent)"
AGENTS = (
    "[...document.querySelectorAll('#now tbody tr')].map((row) => row.innerText.split(/\\s+/).slice(0, 4).join(' '))"
)


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[Tab]:
    with browser(tmp_path / "profile") as opened:
        yield opened


@pytest.fixture
def server(workspace: Workspace, repo: Repo) -> Iterator[subprocess.Popen[str]]:
    assert workspace.db.exists()
    with subprocess.Popen(SERVE, cwd=repo.root, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def url_of(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    url: str = json.loads(server.stdout.readline())["data"]["url"]
    return url


def test_a_page_follows_a_wave_and_keeps_what_its_reader_did_with_it(
    tab: Tab, server: subprocess.Popen[str], swarm: Swarm, repo: Repo, workspace: Workspace, tmp_path: Path
) -> None:
    agents = Agents(repo, tmp_path)
    gate = agents.folder / "gate"
    report = "[{'id': '1', 'severity': 'HIGH', 'category': 'bug', 'description': 'Found by ' + os.environ['SWARM_DOMAIN'] + '.'}]"
    agents.play(
        f"gate = pathlib.Path({str(gate)!r})\nwhile not gate.exists(): time.sleep(0.01)\nwrite(findings={report})\n"
    )
    tab.size(1200, 900)
    tab.visit(url_of(server))
    tab.until(IS_LIVE)
    assert tab.value("document.getElementById('none').hidden") is False
    # A first wave by hand; then its reader folds a row open, filters, and goes down the page.
    swarm("dispatch", "health-audit-a", "--isolate")
    workspace.answer("code", {"severity": "HIGH", "description": "A default is shared."})
    workspace.answer("rest", {"severity": "LOW", "description": "Nothing is said."})
    swarm("collect")
    tab.until(f"{ROWS}.length === 2")
    tab.value("document.querySelector('.what').click(); document.querySelector('#severity input[value=HIGH]').click()")
    tab.value("document.querySelector('.lane').open = false; document.querySelector('.what').focus()")
    tab.value("document.getElementById('q').value = 'u'; scrollTo({top: 300, behavior: 'instant'})")
    tab.value("window.place = document.querySelector('#rows tr').getBoundingClientRect().top")
    launch = subprocess.Popen(
        [sys.executable, "-m", "swarm", "audit", "--runtime", "played"], cwd=repo.root, stdout=subprocess.DEVNULL
    )
    tab.until("document.querySelectorAll('#now [data-since]').length === 2")
    assert sorted(tab.value(AGENTS)) == ["code played ▶︎ running", "rest played ▶︎ running"]
    assert tab.value("document.querySelectorAll('.lane').length") == 2
    # Tokens and cost as the streams of the agents report them.
    (folder,) = (workspace.folder / workspace.run / "wave-2/code").glob("attempt-*")
    event = {"ts": "2026-01-01T00:00:00.000Z", "event": "usage", "tokens": 34_500, "cost_usd": 1.5}
    (folder / "events.jsonl").write_text(f"{json.dumps(event)}\n")
    tab.until("document.querySelector('#now').innerText.includes('34,500')")
    assert "1.50 USD" in tab.value("document.querySelector('#now').innerText")
    gate.touch()
    assert launch.wait(LONG) in {0, 1}
    tab.until(f"{ROWS}.some((text) => text.startsWith('Found by'))")
    tab.until("!document.querySelector('#now tbody')")
    assert tab.value(ROWS) == ["A default is shared.", "Found by code.", "Found by rest."]
    assert tab.value("[...document.querySelectorAll('.came .what')].map((what) => what.textContent)") == [
        "Found by code.",
        "Found by rest.",
    ]
    assert tab.value("document.querySelectorAll('#rows .detail').length") == 1
    assert tab.value("document.querySelector('#severity input:checked').value") == "HIGH"
    assert tab.value("document.getElementById('q').value") == "u"
    assert tab.value("document.activeElement.textContent") == "A default is shared."
    assert tab.value("[...document.querySelectorAll('.lane')].map((lane) => lane.open)") == [False, True]
    assert abs(tab.value("document.querySelector('#rows tr').getBoundingClientRect().top - window.place")) < 2
    # The findings came whole once, before there were any; then as steps.
    assert tab.value(ASKED)[0] == "findings/"
    assert all(re.fullmatch("findings/[0-9a-f]{16}", path) for path in tab.value(ASKED)[1:])
    # No refusal of the content security policy, and no error.
    assert tab.console == []
    if pictures := os.environ.get("PICTURES"):
        for width, scheme in ((1200, "light"), (1200, "dark"), (390, "light"), (390, "dark")):
            tab.size(width, 900, scheme)
            tab.screenshot(Path(pictures) / f"served-{width}-{scheme}.png")


def test_a_page_says_that_it_lost_its_server_and_its_control_plane(
    tab: Tab, server: subprocess.Popen[str], workspace: Workspace, repo: Repo
) -> None:
    url = url_of(server)
    tab.visit(url)
    tab.until(IS_LIVE)
    workspace.db.rename(aside := workspace.db.with_name("aside"))
    tab.until("document.getElementById('connection').textContent.startsWith('Not read: No control plane at')")
    aside.rename(workspace.db)
    tab.until(IS_LIVE)
    server.send_signal(signal.SIGTERM)
    assert server.wait(LONG) == 0
    tab.until(f"{CONNECTION}.startsWith('Ended: `swarm report --serve` shows the page at a new address. This was')")
    assert tab.value("document.querySelectorAll('.tile').length") == 5
    tab.size(390, 800)
    assert tab.value("document.getElementById('connection').getBoundingClientRect().left") >= 0


def test_a_page_of_a_killed_server_says_that_another_server_has_its_port(
    tab: Tab, server: subprocess.Popen[str], repo: Repo
) -> None:
    url = url_of(server)
    tab.visit(url)
    tab.until(IS_LIVE)
    server.kill()
    tab.until(f"{CONNECTION}.startsWith('Not connected; this was the state at ')")
    port = str(urlsplit(url).port)
    with subprocess.Popen([*SERVE, "--port", port], cwd=repo.root, stdout=subprocess.PIPE, text=True) as next_server:
        assert urlsplit(url_of(next_server)).path != urlsplit(url).path
        tab.until(f"{CONNECTION}.startsWith('Another server has this port now: open the address that ')")
        next_server.kill()


@pytest.mark.parametrize("width", [390, 1200])
def test_nothing_of_a_page_is_wider_than_its_window(tab: Tab, server: subprocess.Popen[str], width: int) -> None:
    tab.size(width, 800)
    tab.visit(url_of(server))
    tab.until(IS_LIVE)
    assert tab.value("document.documentElement.scrollWidth") <= width
