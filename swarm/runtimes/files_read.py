"""Files that an analyzer of the table is given, and those of them that it read."""

import re
from collections.abc import Set as AbstractSet
from typing import Any, Final, NamedTuple

from swarm.rules.analysis import EVERY_RULE
from swarm.runtimes import data_config
from swarm.runtimes.analyzer_table import AnalyzerRow
from swarm.runtimes.includes import Included
from swarm.runtimes.runtime import Job
from swarm.runtimes.silencing import holding, names_one, silenced

# Names of files with bytes that are no text: no argument can hold them.
_UNTELLABLE: Final = re.compile("[\U0010ff80-\U0010ffff]")


class Named(NamedTuple):
    """Files that an analyzer named: that it could not read, would read, and read; `None` where it names none.

    Of those in `skipped` it read a part: they are no less looked at, and its silence about them says nothing.
    """

    broken: AbstractSet[str]
    skipped: AbstractSet[str] = frozenset()
    listed: AbstractSet[str] | None = None
    read: AbstractSet[str] | None = None


def given_of(row: AnalyzerRow, job: Job) -> list[str]:
    """Return the files that the analyzer is given: an argument can name them, and they include nothing outside."""
    return _given(job, _included(row, job))


def _included(row: AnalyzerRow, job: Job) -> Included | None:
    return Included(job.tree, job.files) if row.includes else None


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
    unreadable = (set(job.files) - given) | broken
    read = set[str]() if named.broken and row.stops else given - unreadable
    if named.listed is not None:
        read &= named.listed
    if named.read is not None:
        # An analyzer that names the files that it read passes over those that it cannot read.
        unreadable |= read - named.read
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
        "silenced": {file: names for file, names in quiet.items() if file in read},
    }
