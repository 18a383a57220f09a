"""Build the site of the documentation into `site/`, and check what was built.

zensical refuses links and anchors that lead nowhere. The rest is checked in the pages themselves: each page is in the
navigation, each link of the navigation and of the theme leads to a file, and nothing is fetched from another host.
"""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parent.parent
# Elements whose address a browser fetches by itself, and the attribute that holds it.
FETCHED = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "video": "src"}
_CSS_ADDRESS = re.compile(r"(?:url\(|@import)\s*[\"']?\s*((?:https?:)?//[^\"')\s]+)")
_NOT_LINKED = {"404.html", "index.html"}


class Page(NamedTuple):
    """What a page of the site refers to."""

    links: list[str]
    navigation: list[str]
    fetched: list[str]
    anchors: set[str]


class _Reader(HTMLParser):
    """Collects the references of one page."""

    def __init__(self) -> None:
        super().__init__()
        self.page = Page([], [], [], set())
        # How many elements `nav` are open, from that of the navigation on: chapters of it are elements of their own.
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if anchor := values.get("id") or values.get("name"):
            self.page.anchors.add(anchor)
        if tag == "nav" and (self._depth or "md-nav--primary" in values.get("class", "")):
            self._depth += 1
        if tag == "a" and "href" in values:
            self.page.links.append(values["href"])
            if self._depth:
                self.page.navigation.append(values["href"])
        if address := values.get(FETCHED.get(tag, "")):
            self.page.fetched.append(address)

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag == "nav" and self._depth > 0


def problems(site: Path) -> list[str]:
    """Return what is wrong with a site that was built, a line for each problem."""
    pages = {file: _read(file) for file in sorted(site.rglob("*.html"))}
    found = [problem for file, page in pages.items() for problem in _dead_links(site, file, page, pages)]
    reached = {_target(site, site / "index.html", link)[0] for link in pages[site / "index.html"].navigation}
    found += [
        f"{file.relative_to(site)} is not in the navigation: add it to `nav` of zensical.toml"
        for file in pages
        if file not in reached | {site / name for name in _NOT_LINKED}
    ]
    for file, page in pages.items():
        found += [_foreign(site, file, address) for address in page.fetched if urlsplit(address).netloc]
    for file in sorted(site.rglob("*.css")):
        found += [_foreign(site, file, address) for address in _CSS_ADDRESS.findall(file.read_text(encoding="utf-8"))]
    return found


def _read(file: Path) -> Page:
    reader = _Reader()
    reader.feed(file.read_text(encoding="utf-8"))
    return reader.page


def _dead_links(site: Path, file: Path, page: Page, pages: dict[Path, Page]) -> list[str]:
    dead = []
    for link in dict.fromkeys([*page.links, *page.fetched]):
        if urlsplit(link).scheme or urlsplit(link).netloc:
            continue
        target, anchor = _target(site, file, link)
        # The top of a page has an anchor in every browser.
        if not target.is_file() or (anchor and target in pages and anchor not in pages[target].anchors | {"top"}):
            dead.append(f"{file.relative_to(site)} links {link}, which is not there")
    return dead


def _target(site: Path, file: Path, link: str) -> tuple[Path, str]:
    """Return the file and the anchor that a link of a page leads to."""
    parts = urlsplit(link)
    path = unquote(parts.path)
    # The page of a missing address can be shown at any depth, so its links begin at the root.
    folder = site if path.startswith("/") else file.parent
    target = (folder / path.lstrip("/")).resolve() if path not in {"", "."} else file
    return (target / "index.html" if target.is_dir() else target), unquote(parts.fragment)


def _foreign(site: Path, file: Path, address: str) -> str:
    return f"{file.relative_to(site)} fetches {address} from another host"


def main() -> int:
    """Build, check, and say where the site is."""
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if built.returncode:
        # What zensical found stands before the trace of its own exception, in colours also where nobody sees them.
        print(re.sub(r"\x1b\[[0-9;]*m", "", built.stderr).partition("Traceback (most recent")[0], file=sys.stderr)
        return built.returncode
    site = ROOT / "site"
    found = problems(site)
    for problem in found:
        print(problem)
    if not found:
        print(f"{len(list(site.rglob('*.html')))} pages: {site / 'index.html'}")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
