"""Results of ruff's processes: its reports, and the files that it has to check a second time."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from swarm.runtimes.notebook_rows import at_lines_of_files
from swarm.runtimes.runtime import StepResult, UnusableOutput
from swarm.runtimes.silencing import holding

# The log of the settings of a root, with which the results of that root begin.
SETTINGS: Final = "settings-"
# Rules by which ruff says that it could not read a file.
UNREADABLE: Final = ("invalid-syntax", "E902", "E999")
# Comments that turn rules off name "noqa", or ruff itself.
_COMMENT: Final = "(?i)noqa|ruff"


def reports_of(stdout: bytes, tree: Path) -> list[dict[str, Any]]:
    """Return the reports that ruff printed, at lines of files. Raises UnusableOutput."""
    try:
        found = json.loads(stdout)
    except ValueError as error:
        raise UnusableOutput(f"ruff did not print JSON: {error}") from error
    if not isinstance(found, list):
        raise UnusableOutput("ruff did not print a list")
    at_lines_of_files(tree, found)
    return found


def key_of(report: dict[str, Any]) -> tuple[object, ...]:
    """Return what two reports of the same defect have in common."""
    place = report["location"]
    return report["filename"], report["code"], place["row"], place["column"], report["message"]


def is_unreadable(report: dict[str, Any]) -> bool:
    """Say whether a report is that ruff could not read a file."""
    return report["code"] is None or report["code"] in UNREADABLE


def with_first_error(reports: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return reports without the errors that follow the first error of a file that ruff could not read.

    The parser reports every place where it tries to go on: a shell script with the name of a Python file has dozens.
    """
    found, broken = [], set()
    for report in reports:
        if is_unreadable(report):
            if report["filename"] in broken:
                continue
            broken.add(report["filename"])
        found.append(report)
    return found


def list_commented(tree: Path, files: Sequence[str], target: Path, results: Sequence[StepResult]) -> bool:
    """Write a list of the files whose comments may turn rules off, and say whether there is any such file.

    Of all others a check without comments says the same as the check.
    """
    del results
    # In the JSON of a notebook each letter of a comment may be escaped.
    held = holding(tree, files, _COMMENT)
    commented = [file for file in files if file in held or file.endswith(".ipynb")]
    target.write_text("".join(f"./{file}\n" for file in commented), encoding="utf-8")
    return bool(commented)


def by_root(results: Sequence[StepResult]) -> list[list[StepResult]]:
    """Return the results of each root: settings, files, check, and the check without comments where there are any."""
    groups: list[list[StepResult]] = []
    for result in results:
        if result.step.log.startswith(SETTINGS):
            groups.append([])
        groups[-1].append(result)
    return groups
