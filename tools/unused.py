"""Names that nothing uses, found by vulture in swarm/, soak/, benchmarks/ and tools/; `make lint` fails on each."""

import sys
from pathlib import Path
from typing import Final

from vulture import Vulture

ROOT: Final = Path(__file__).parents[1]
SOURCES: Final = ("swarm", "soak", "benchmarks", "tools")
LEAST_CONFIDENCE: Final = 60
# Fields of these are keys of JSON documents, which are written whole.
DOCUMENTS: Final = (
    "swarm/results/",
    "swarm/errors/",
    "swarm/rules/record_forms.py",
    "swarm/rules/lessons/lesson.py",
)
# Each name that is used in a way that vulture does not see, with that way.
ALLOWED: Final = {
    "convert": "click calls it on a parameter type",
    "get_metavar": "click calls it on a parameter type",
    "list_commands": "click calls it on a group",
    "format_commands": "click calls it on a group",
    "format_epilog": "click calls it on a group",
    "__getattr__": "Python calls it for a name that a module does not have",
    "__init_subclass__": "Python calls it for each error class, which enters the class in the catalogue",
    "SarifResultRefused": "collect lists its code beside a result that does not count; nothing raises it",
    "ToolReportedFailure": "collect lists its code beside a failure that a log reports; nothing raises it",
    "SuppressionInvalid": "collect lists its code beside a comment that does not count; nothing raises it",
    "WorkAtRisk": "the report of clean has its code as its state; nothing raises it",
    "WAVE_COLLECTED": "a gate is made from its name in a promotion of the database",
    "AGENTS_COMPLETE": "a gate is made from its name in a promotion of the database",
    "RUN_STATUSES": "tests hold the gates to every status of a run",
    "ignore": "a field of the kept view, which is written to the database and compared whole",
    "compressed": "a column of artifacts: the record is inserted whole",
    "verified_via_distribution": "a key of the claims of a verification, which are written whole",
    "ignore_aliases": "PyYAML calls it on a dumper",
    "handle_starttag": "the parser of HTML calls it for each element",
    "handle_endtag": "the parser of HTML calls it for each element",
    "_leave": "soak/walks.py calls it by the name of the act",
    "_prune": "soak/walks.py calls it by the name of the act",
    "tempdir": "the standard library reads tempfile.tempdir",
    "create_index": "released migrations call it on a table",
    "row_factory": "sqlite3 reads it from a connection",
    "CustomBuildHook": "hatchling finds it in the file that pyproject.toml names",
    "initialize": "hatchling calls it before a build",
    "finalize": "hatchling calls it after a build",
    **dict.fromkeys(
        (
            *("pytest_collectreport", "pytest_collection_finish", "pytest_runtest_logstart"),
            *("pytest_runtest_logreport", "pytest_runtest_logfinish", "pytest_keyboard_interrupt"),
        ),
        "pytest calls it on a plugin",
    ),
    "check_hash_based_pycs": "the import system reads it from _imp",
    "resultclass": "unittest reads it from a runner",
    "comment_lines": "a column of the table that tools/measure_house.py prints from the fields of its record",
    "docstring_lines": "a column of the table that tools/measure_house.py prints from the fields of its record",
}


def main() -> int:
    """Print each unused name, and each entry of the allow-list that is needed no more; return the exit code."""
    vulture = Vulture()
    vulture.scavenge([str(ROOT / source) for source in SOURCES])
    unused = vulture.get_unused_code(min_confidence=LEAST_CONFIDENCE)
    found = 0
    for item in unused:
        file = Path(item.filename).relative_to(ROOT).as_posix()
        is_key = item.typ == "variable" and file.startswith(DOCUMENTS)
        if item.name not in ALLOWED and not is_key:
            print(f"{file}:{item.first_lineno}: nothing uses the {item.typ} {item.name}")
            found += 1
    for name in sorted(ALLOWED.keys() - {item.name for item in unused}):
        print(f"tools/unused.py: {name} is used by now, so it needs no entry")
        found += 1
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
