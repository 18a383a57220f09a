"""The page of a run: whole in one file, harmless whatever agents write, the same for the same state, and it works."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from swarm.results.findings import SeverityCounts
from swarm.results.report import OpenAfter
from swarm.show.page import report
from swarm.show.page.burn_down import burn_down
from swarm.show.page.html import duration
from tests.conftest import Repo, Swarm, Workspace

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HOSTILE = "\u202egnp </script><img src=x onerror=alert(1)><!-- \x1b[2J zero\u200bwidth \u2028 & $style ${run}"
PARTS = Path(report.__file__).parent


class Parsed(HTMLParser):
    """A page as a browser reads it: its elements, and the text of its scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[tuple[str, str | None, str]] = []
        self.text: list[str] = []
        self._in: tuple[str, str | None] | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in {"script", "style"}:
            self._in = (tag, dict(attrs).get("type"))

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style"}:
            self._in = None

    def handle_data(self, data: str) -> None:
        if self._in is not None:
            self.raw.append((*self._in, data))
        else:
            self.text.append(data)

    @property
    def data(self) -> dict[str, Any]:
        """The findings."""
        (found,) = [text for _, kind, text in self.raw if kind == "application/json"]
        document: dict[str, Any] = json.loads(found)
        return document

    @property
    def policy(self) -> str:
        """The Content-Security-Policy."""
        (found,) = [a["content"] for tag, a in self.elements if tag == "meta" and "http-equiv" in a]
        assert found is not None
        return found


def texts_of(data: dict[str, Any]) -> list[list[str | int]]:
    """The rows with every number of a text replaced by that text, as page.js reads them."""
    known: list[str] = []
    rows = []
    for row in data["rows"]:
        line: list[str | int] = row[:7]
        for text in row[7:]:
            if isinstance(text, str):
                known.append(text)
            line.append(text if isinstance(text, str) else known[text])
        rows.append(line)
    return rows


@pytest.fixture
def reported(swarm: Swarm, repo: Repo, dispatched: Workspace) -> Workspace:
    """Two waves: the first with findings of every severity and hostile words, the second with an agent that failed."""
    dispatched.answer(
        "code",
        {"severity": "LOW", "file": "src/tool.py", "line": 1, "category": "quality", "description": "Two imports."},
        {"severity": "CRITICAL", "file": "src/tool.py", "line": 5, "category": "security", "description": HOSTILE},
        {"severity": "HIGH", "file": "src/app.py", "line": 5, "quote": "def load(path, seen=[]):"},
        {"severity": "HIGH", "file": "src/app.py", "line": 8, "description": "Two imports."},
    )
    dispatched.answer("rest", {"severity": "MEDIUM", "description": "Long " + "x" * 5000, "category": "docs"})
    swarm("collect")
    swarm("dispatch", "health-audit-a", "--isolate")
    dispatched.answer("code", {"file": "src/app.py", "line": 5, "quote": "def load(path, seen=[]):"}, wave=2)
    swarm("collect", exit=1)
    return dispatched


def page_of(swarm: Swarm, repo: Repo) -> str:
    swarm("report", "-o", "page.html")
    return (repo.root / "page.html").read_text(encoding="utf-8")


# --- what is in it ----------------------------------------------------------------------------------------


def test_every_finding_is_in_the_page_with_its_words(swarm: Swarm, repo: Repo, reported: Workspace) -> None:
    found = swarm("findings", "--status", "all", "--format", "json", exit=2).data["findings"]
    rows = texts_of(Parsed(page_of(swarm, repo)).data)
    assert [row[0] for row in rows] == [finding["findingId"] for finding in found]
    wanted = [(f["file"] or "", f["line"] or 0, f["ruleId"] or f["category"], f["domain"]) for f in found]
    assert [(row[7], row[3], row[8], row[9]) for row in rows] == wanted


def test_a_text_that_stands_in_many_findings_is_written_once(swarm: Swarm, repo: Repo, reported: Workspace) -> None:
    page = page_of(swarm, repo)
    (data,) = [text for _, kind, text in Parsed(page).raw if kind == "application/json"]
    assert data.count("Two imports.") == 1
    assert [row[10] for row in texts_of(json.loads(data))].count("Two imports.") == 2


def test_the_same_state_makes_the_same_page(swarm: Swarm, repo: Repo, reported: Workspace) -> None:
    assert page_of(swarm, repo) == page_of(swarm, repo)


def test_waves_agents_and_failures_are_reported_in_words(swarm: Swarm, repo: Repo, reported: Workspace) -> None:
    text = " ".join(" ".join(Parsed(page_of(swarm, repo)).text).split())
    assert "Wave 1 health-audit-a" in text
    assert "1 of 2 agents complete" in text
    assert "BOUNDED_JSON_READ_FAILED: there is no output" in text
    assert "5 findings in all; closed: none · 2 waves" in text


def test_the_page_opens_with_findings_then_coverage_and_the_waves_follow(
    swarm: Swarm, repo: Repo, reported: Workspace
) -> None:
    page = Parsed(page_of(swarm, repo))
    sections = [attributes["id"] for tag, attributes in page.elements if tag == "section"]
    links = [attributes["href"] for tag, attributes in page.elements if tag == "a"]
    assert sections == ["findings", "coverage", "burn-down", "timeline", "gates"]
    assert [link for link in links if link in {f"#{name}" for name in sections}][1:] == [f"#{s}" for s in sections]


def test_the_coverage_names_who_looked_at_the_newest_commit_and_what_nobody_looked_at(
    swarm: Swarm, repo: Repo, reported: Workspace
) -> None:
    # Without the marks that make an icon a text.
    text = " ".join(" ".join(Parsed(page_of(swarm, repo)).text).split()).replace("\ufe0e", "")
    seen = text.partition("Coverage Wave 2")[2].partition(" Burn-down")[0]
    assert seen == (
        f" (health-audit-a) looked at commit {repo.head[:12]} . ✓ complete code (an agent) 2 files"
        " ✕ failed rest (an agent) 3 files to read, none counts BOUNDED_JSON_READ_FAILED: there is no output"
        " Nobody looked at 3 of 5 files"
    )
    assert f"commit {repo.head[:12]} run " in text.partition(" Coverage")[0]


def test_an_empty_run_has_a_page(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    page = page_of(swarm, repo)
    assert "No wave has been dispatched yet." in page
    assert "No audit has ended yet: nobody looked at anything." in page
    assert "Nothing was promoted, verified or merged yet." in page
    assert Parsed(page).data["rows"] == []


def test_without_scripts_the_gravest_are_listed(swarm: Swarm, repo: Repo, reported: Workspace) -> None:
    inside = page_of(swarm, repo).partition("<noscript>")[2].partition("</noscript>")[0]
    assert "the first 5 of 5 findings" in inside
    assert inside.count("<tr>") == 6


# --- harmless ---------------------------------------------------------------------------------------------


def test_what_agents_write_is_never_markup(swarm: Swarm, repo: Repo, reported: Workspace) -> None:
    page = page_of(swarm, repo)
    parsed = Parsed(page)
    assert [tag for tag, _ in parsed.elements].count("script") == 2
    assert not any(tag == "img" or any(name.startswith("on") for name in a) for tag, a in parsed.elements)
    assert [row for row in texts_of(parsed.data) if "</script><img src=x onerror=alert(1)><!--" in str(row[10])]
    assert not set("\u202e\u200b\u2028\x1b") & set(page)
    (data,) = [text for _, kind, text in parsed.raw if kind == "application/json"]
    assert not set("<>&") & set(data)


def test_a_huge_text_is_cut(swarm: Swarm, repo: Repo, reported: Workspace) -> None:
    longest = max((str(row[10]) for row in texts_of(Parsed(page_of(swarm, repo)).data)), key=len)
    assert longest == "Long " + "x" * 994 + "…"


def test_the_page_may_run_its_own_script_and_style_and_ask_for_nothing(
    swarm: Swarm, repo: Repo, reported: Workspace
) -> None:
    parsed = Parsed(page_of(swarm, repo))
    policy = dict(part.strip().split(" ", 1) for part in parsed.policy.split(";"))
    digests = {
        tag: f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for tag, kind, text in parsed.raw
        if kind is None
    }
    assert policy == {
        "default-src": "'none'",
        "style-src": digests["style"],
        "script-src": digests["script"],
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    links = [a[name] or "" for _, a in parsed.elements for name in ("href", "src", "action") if name in a]
    assert links
    assert [link for link in links if not link.startswith(("#", "data:"))] == []
    assert [tag for tag, a in parsed.elements if "style" in a] == []


def test_text_enters_the_page_as_text_alone() -> None:
    script = (PARTS / "page.js").read_text(encoding="utf-8")
    ways = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|Function\(|DOMParser|fetch|XMLHttp|import\("
    assert re.findall(ways, script) == []


# --- to be looked at --------------------------------------------------------------------------------------


def colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_the_contrast_that_wcag_aa_asks_for(scheme: str) -> None:
    light, _, rest = (PARTS / "page.css").read_text(encoding="utf-8").partition("@media (prefers-color-scheme: dark)")
    kept = colours(light) | (colours(rest.partition("\n}\n")[0]) if scheme == "dark" else {})
    tones = ("critical", "high", "medium", "low", "good", "warn", "bad", "quiet")
    pairs = [(text, on) for text in ("text", "muted", "accent") for on in ("ground", "surface", "raised")]
    pairs += [(tone, on) for tone in tones for on in (f"{tone}-tint", "surface", "raised")]
    pairs += [("text", f"{tone}-tint") for tone in tones] + [("muted", "quiet-tint")]
    assert [pair for pair in pairs if contrast(kept[pair[0]], kept[pair[1]]) < 4.5] == []
    drawn = [("strong-line", "surface"), *((f"{tone}-fill", "surface") for tone in ("good", "bad", "quiet"))]
    assert [pair for pair in drawn if contrast(kept[pair[0]], kept[pair[1]]) < 3] == []


def test_the_chart_has_every_number_as_a_table_too() -> None:
    history = (
        OpenAfter(1, "health-audit-a", SeverityCounts(1, 2, 30, 4), derived=True),
        OpenAfter(2, "health-amend-a", SeverityCounts(0, 0, 1000, 4), derived=False),
        OpenAfter(None, None, SeverityCounts(0, 0, 1, 4), derived=False),
    )
    parsed = Parsed(burn_down(history))
    text = " ".join(parsed.text)
    for numbers in ("1 2 30 4 37", "0 0 1,000 4 1,004 +967", "0 0 1 4 5 -999"):
        assert numbers in " ".join(text.split())
    assert "* Waves from before open findings were recorded" in text
    assert [a["aria-labelledby"] for tag, a in parsed.elements if a.get("role") == "img"] == ["burn-title burn-desc"]
    assert "after wave 2: 1,004 open (+967): 0 CRITICAL, 0 HIGH, 1,000 MEDIUM, 4 LOW" in text


@pytest.mark.parametrize("history", [(), (OpenAfter(1, "health-audit-a", SeverityCounts(0, 0, 0, 0), derived=False),)])
def test_a_chart_of_nothing_is_drawn(history: tuple[OpenAfter, ...]) -> None:
    assert "nan" not in burn_down(history)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (0.25, "250 ms"),
        (42, "42 s"),
        (59.7, "1 min"),
        (754, "12 min 34 s"),
        (7200, "2 h"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_length_of_time_is_reported_in_its_two_largest_units(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


# --- in a browser -----------------------------------------------------------------------------------------


class Browsed:
    """A page in a browser: its document after the scripts ran, and the console."""

    def __init__(self, page: Path, fragment: str, profile: Path) -> None:
        flags = [
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
            *("--disable-background-networking", "--disable-component-update", "--enable-logging=stderr"),
            *("--disable-dev-shm-usage", f"--user-data-dir={profile}", "--virtual-time-budget=4000", "--dump-dom"),
        ]
        done = subprocess.run(
            [CHROMIUM or "", *flags, page.as_uri() + fragment], capture_output=True, text=True, check=True, timeout=90
        )
        self.parsed = Parsed(done.stdout)
        self.dom = done.stdout
        self.console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]

    @property
    def rows(self) -> list[str]:
        """The text of each row of the table of findings."""
        body = self.dom.partition('id="rows"')[2].partition("</tbody>")[0]
        return [" ".join(Parsed(row).text) for row in body.split("<tr")[1:]]


in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")


@in_a_browser
def test_a_browser_shows_the_open_findings_and_complains_of_nothing(
    swarm: Swarm, repo: Repo, reported: Workspace, tmp_path: Path
) -> None:
    page_of(swarm, repo)
    seen = Browsed(repo.root / "page.html", "", tmp_path / "profile")
    assert seen.console == []
    assert len(seen.rows) == 5
    assert "CRITICAL" in seen.rows[0]
    assert "</script><img src=x onerror=alert(1)>" in seen.rows[0].replace("&lt;", "<").replace("&gt;", ">")
    assert "5 of 5 that match, of 5 in all" in " ".join(seen.parsed.text)


@in_a_browser
def test_a_link_filters_the_findings(swarm: Swarm, repo: Repo, reported: Workspace, tmp_path: Path) -> None:
    page_of(swarm, repo)
    seen = Browsed(repo.root / "page.html", "#severity=high,low&q=two%20imports", tmp_path / "profile")
    assert seen.console == []
    assert ["HIGH" in row for row in seen.rows] == [True, False]
    assert all("Two imports." in row for row in seen.rows)


@in_a_browser
def test_a_browser_refuses_what_the_page_does_not_name(
    swarm: Swarm, repo: Repo, reported: Workspace, tmp_path: Path
) -> None:
    added = '<img src="https://example.invalid/a.png"><script>document.body.id = "taken"</script></body>'
    planted = tmp_path / "planted.html"
    planted.write_text(page_of(swarm, repo).replace("</body>", added), encoding="utf-8")
    seen = Browsed(planted, "", tmp_path / "profile")
    assert len([line for line in seen.console if "Content Security Policy" in line]) == 2
    assert 'id="taken"' not in seen.dom
