"""The site of the documentation: what its check finds in built pages, and the site itself."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.site import problems

ROOT = Path(__file__).parent.parent.parent
NAVIGATION = '<nav class="md-nav md-nav--primary"><a href="index.html">Start</a><a href="a.html#top">A</a></nav>'


def built(site: Path, **pages: str) -> list[str]:
    for name, body in pages.items():
        (site / f"{name}.html").write_text(f"<body>{NAVIGATION}{body}</body>", encoding="utf-8")
    return problems(site)


def test_pages_that_link_each_other_and_fetch_their_own_files_have_no_problem(tmp_path: Path) -> None:
    (tmp_path / "own.css").write_text("body { background: url('own.png') } /* https://example.org */")
    body = '<link href="own.css" rel="stylesheet"><a href="a.html#b">b</a><a href="https://example.org/">elsewhere</a>'
    assert (
        built(tmp_path, index=body, a='<h2 id="b">B</h2><a href="#b">b</a>', **{"404": '<a href="/a.html">A</a>'}) == []
    )


def test_each_problem_of_a_page_is_named(tmp_path: Path) -> None:
    (tmp_path / "foreign.css").write_text(
        "@import 'https://fonts.example.org/a.css'; p { background: url(//b.example/c) }"
    )
    body = (
        '<a href="unlisted.html">unlisted</a><a href="gone.html">gone</a><a href="a.html#gone">gone</a>'
        '<script src="https://cdn.example.org/x.js"></script>'
    )
    assert built(tmp_path, index=body, a="", unlisted='<img src="gone.png">') == [
        "index.html links gone.html, which is not there",
        "index.html links a.html#gone, which is not there",
        "unlisted.html links gone.png, which is not there",
        "unlisted.html is not in the navigation: add it to `nav` of zensical.toml",
        "index.html fetches https://cdn.example.org/x.js from another host",
        "foreign.css fetches https://fonts.example.org/a.css from another host",
        "foreign.css fetches //b.example/c from another host",
    ]


@pytest.mark.sweep
def test_the_site_builds_without_a_problem() -> None:
    done = subprocess.run([sys.executable, ROOT / "tools" / "site.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith("/site/index.html")
