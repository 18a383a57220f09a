"""Files that an analyzer of the table is given, and those of them that it read."""

import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm.rules.analysis import EVERY_RULE
from swarm.runtimes import data_config, reports
from swarm.runtimes.analyzer_table import AnalyzerRow
from swarm.runtimes.includes import Included
from swarm.runtimes.own_tree import inside
from swarm.runtimes.runtime import Job, StepResult
from swarm.runtimes.silencing import holding, names_one, silenced

# The log of a step that lists files.
LIST: Final = "list"
_LONGEST_SAID: Final = 300
_MOST_HEADERS: Final = 20
# Names of files with bytes that are no text: no argument can hold them.
_UNTELLABLE: Final = re.compile("[\U0010ff80-\U0010ffff]")


class Named(NamedTuple):
    """Files that an analyzer named: that it could not read, would read, and read; `None` where it names none.

    At those that `died` its process was ended, or crashed.
    Of those in `skipped` it read a part: they are no less looked at, and its silence about them says nothing.
    """

    broken: AbstractSet[str]
    skipped: AbstractSet[str] = frozenset()
    listed: AbstractSet[str] | None = None
    read: AbstractSet[str] | None = None
    died: AbstractSet[str] = frozenset()


def given_of(row: AnalyzerRow, job: Job) -> list[str]:
    """Return the files that the analyzer is given: an argument can name them, and they include nothing outside."""
    return _given(job, _included(row, job))


def _included(row: AnalyzerRow, job: Job) -> Included | None:
    return _included_in(job.attempt_folder, job.tree, tuple(job.files)) if row.includes else None


# Asked before a run and after: the files that the analyzer was given must be those that are judged.
@lru_cache(maxsize=2)
def _included_in(attempt_folder: Path, tree: Path, files: tuple[str, ...]) -> Included:
    del attempt_folder
    return Included(tree, files)


def _given(job: Job, included: Included | None) -> list[str]:
    outside = included.leading_outside() if included else frozenset[str]()
    return [file for file in job.files if file not in outside and not _UNTELLABLE.search(file)]


def analysis_of(row: AnalyzerRow, job: Job, named: Named) -> dict[str, Any]:
    """Return the document of the files that an analyzer read, and of those that it could not read."""
    included = _included(row, job)
    given = set(_given(job, included))
    broken = named.broken & given
    if included and named.broken:
        broken |= included.blinded(named.broken)
    # Each of them costs a walk over all that is included; a few say what to correct first.
    headers = sorted(named.broken - given)[:_MOST_HEADERS]
    through = {file: included.blinded([file]) for file in headers} if included else {}
    unended = set(named.died & given)
    unreadable = (set(job.files) - given) | broken
    read = set[str]() if named.broken and row.blocked else given - unreadable
    if named.listed is not None:
        read &= named.listed
    if named.read is not None:
        # An analyzer that names the files that it read passes over those that it cannot read.
        unreadable |= read - named.read
        unended |= read - named.read if row.done else set()
        read &= named.read
    configs = data_config.by_config(row, job.tree, given)
    quiet = silenced(job.tree, sorted(read), row.comments)
    # A comment can keep the analyzer from saying that it could not read the file.
    unreadable |= {file for file, names in quiet.items() if row.broken and names_one(names, row.broken)}
    read -= unreadable | named.skipped | holding(job.tree, sorted(read), row.skips)
    return {
        # Settings for some paths alone stand in a configuration.
        "roots": [{"root": "", "rules": [EVERY_RULE], "uniform": not any(configs)}],
        "suffixes": [],
        "read": sorted(read),
        "unread": sorted(set(job.files) - read),
        "unreadable": sorted(unreadable),
        "unended": sorted(unended),
        "through": {file: sorted(sources) for file, sources in through.items() if sources},
        "silenced": {file: names for file, names in quiet.items() if file in read},
    }


def named_of(
    row: AnalyzerRow,
    job: Job,
    results: Sequence[StepResult],
    broken: AbstractSet[str],
    reported: AbstractSet[str],
    died: AbstractSet[str],
) -> Named:
    """Return the files that the analyzer named itself: those that it could not read, would read, and read.

    `reported` are those of its findings: whatever it lists, it has read them.
    """
    listed: AbstractSet[str] | None = None
    read = None
    checks = [result for result in results if result.step.log != LIST]
    if row.lists:
        lists = "\n".join(r.stdout.decode("utf-8", "replace") for r in results if r.step.log == LIST)
        lines = (re.fullmatch(row.listed, line.strip()) for line in lists.splitlines())
        # A version that prints no list says nothing of what it would read.
        listed = {plain_name(job, line[1]) for line in lines if line is not None} if row.list_mark in lists else None
    elif row.report.files:
        named = (name for result in checks for name in reports.looked_at(result.stdout, row.report))
        listed = {plain_name(job, name) for name in named}
    elif row.report.read_count:
        # Which files it passed over is not known, but for a run that read none.
        read_any = (result.step.files for result in checks if reports.has_read_any(result.stdout, row.report))
        listed = {file for files in read_any for file in files}
    if row.read:
        read = _logged(job, row.read)
    elif row.done:
        read = done_of(row, job, checks)
    skipped = _logged(job, row.skipped) if row.skipped else frozenset[str]()
    return Named(broken, skipped, None if listed is None else listed | reported, read, died)


def done_of(row: AnalyzerRow, job: Job, checks: Iterable[StepResult]) -> set[str]:
    """Return the files that processes had done, as far as the analyzer names each at its end."""
    if not row.done:
        return set()
    outputs = (result.stdout.decode("utf-8", "surrogateescape") for result in checks)
    return {plain_name(job, found["file"]) for each in outputs for found in re.finditer(row.done, each, re.MULTILINE)}


def _logged(job: Job, pattern: str) -> set[str]:
    log = log_of_attempt(job, "stderr").decode("utf-8", "replace")
    return {plain_name(job, found["file"]) for found in re.finditer(pattern, log, re.MULTILINE)}


def plain_name(job: Job, named: str) -> str:
    """Return a file as the tree calls it; some tools put another `./` before the `./` that they are given."""
    while named.startswith("./"):
        named = named[2:]
    return inside(job.tree, named)


def log_of_attempt(job: Job, name: str) -> bytes:
    """Return a log of the attempt, empty where there is none."""
    try:
        return (job.attempt_folder / f"{name}.log").read_bytes()
    except OSError:
        return b""


def last_said(job: Job) -> str:
    """Return the last line that the analyzer wrote to stderr, else to stdout, as the reason of a failure."""
    # A compiler such as tsc writes its errors to stdout.
    logs = (log_of_attempt(job, name).decode("utf-8", "replace").strip().splitlines() for name in ("stderr", "stdout"))
    lines = next(filter(None, logs), [])
    return f": {lines[-1].strip()[:_LONGEST_SAID]}" if lines else ""
