"""Findings in the formats of other tools, on stdout or in a file."""

import json
from collections.abc import Iterable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from swarm import log_lines
from swarm.cli import stdout
from swarm.cli.call import Call
from swarm.cli.sarif import sarif_log

if TYPE_CHECKING:
    from swarm.results.findings import FindingShown, FindingsResult
    from swarm.store.connection import Store
    from swarm.store.runs import Run
    from swarm.waves.look.findings import Filters

# Named here too: the modules of the formats are imported only for a report.
FORMATS: Final = ("csv", "gitlab", "rdjson", "checkstyle", "junit", "github")
# Documents of `findings` that are written by other code, and what a file of each begins with.
_BEGINS: Final = {"sarif": '{"$schema"', "json": '{"ok"', "markdown": "# "}


def report(
    form: str, run: "Run", head: "FindingsResult", findings: Iterable["FindingShown"], listed: int
) -> Iterator[str]:
    """Yield findings in a format; `head` names the agents that did not complete, `listed` counts the findings."""
    from swarm.runtimes.analyzer_table import rule_url
    from swarm.show.formats.facts import FormatFacts
    from swarm.show.formats.table import FORMATS as TABLE
    from swarm.waves.look.sarif import root_file

    chosen = TABLE[form]
    facts = FormatFacts(listed, head.broken, cache(partial(root_file, run)), cache(rule_url))
    parts = chosen.parts(findings, facts)
    return map(log_lines.exact, parts) if chosen.is_json else parts


def sarif(store: "Store", run: "Run", filters: "Filters", new: frozenset[str] | None = None) -> Iterator[str]:
    """Yield the SARIF log of a run; `new` are the ids of the findings that are new against a baseline."""
    yield log_lines.exact(json.dumps(sarif_log(store, run, filters, new), ensure_ascii=False))
    yield "\n"


def put(call: Call, store: "Store", form: str, parts: Iterable[str], target: str | None) -> None:
    """Write the parts of a document to stdout, or whole to a file. Raises OutputNotWritable, WorkspaceNotWritable."""
    if target is None:
        for part in parts:
            stdout.put(part)
        return
    from swarm.files import write_stream

    file = call.folder / target
    refuse_file(file, store.path, form)
    write_stream(file, parts)


def refuse_file(file: Path, database: Path, form: str) -> None:
    """Refuse a place that holds anything but an older report of the same format. Raises OutputNotWritable."""
    from swarm.files import refuse_target
    from swarm.show.formats.table import FORMATS as TABLE

    refuse_target(file, database, begins=_BEGINS.get(form) or TABLE[form].begins)
