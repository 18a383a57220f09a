"""Reports in JUnit's XML: code under test may have written them, so anything but a whole, plain report is none."""

import os
from pathlib import Path

import pytest

from swarm.builds import junit_report
from swarm.builds.junit_report import tests_in as ran_in

CASE = '<testcase name="t"/>'
WHOLE = f'<?xml version="1.0"?><testsuites><testsuite>{CASE}{CASE}</testsuite></testsuites>'


def test_test_cases_are_counted(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(WHOLE)
    assert ran_in(report) == 2


@pytest.mark.parametrize(
    "content",
    [
        "",
        "90 passed in 0.10s",
        WHOLE[:-5],
        f'<!DOCTYPE a [<!ENTITY b "bb">]>{WHOLE}',
        f"<testsuite>{CASE}&b;</testsuite>",
        WHOLE.encode("utf-16"),
        b"<testsuite>\xff</testsuite>",
    ],
)
def test_what_is_no_whole_report_counts_nothing(tmp_path: Path, content: str | bytes) -> None:
    report = tmp_path / "report.xml"
    report.write_bytes(content.encode() if isinstance(content, str) else content)
    assert ran_in(report) is None


def test_a_link_a_pipe_a_folder_and_a_giant_are_no_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = tmp_path / "report.xml"
    report.write_text(WHOLE)
    (tmp_path / "link").symlink_to(report)
    os.mkfifo(tmp_path / "pipe")
    assert [ran_in(tmp_path / name) for name in ("link", "pipe", ".", "none")] == [None] * 4
    monkeypatch.setattr(junit_report, "MOST_BYTES", len(WHOLE) - 1)
    assert ran_in(report) is None
