"""Guards of calls and words: processes, git, SQL, JSON, names of refs and places, and the clock."""

import ast
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tests.conftest import Workspace
from tests.guards.source import (
    MODULES,
    PACKAGE,
    calls,
    docstrings,
    imports,
    nodes_of,
    room_of,
    shown,
)

PROCESSES = {"system", "popen", "execv", "execve", "execvp", "execl", "spawnv", "spawnl", "fork", "posix_spawn"}
STATEMENT = re.compile(
    r"\s*(?:SELECT|INSERT|UPDATE|DELETE|REPLACE|CREATE|ALTER|DROP|PRAGMA|SAVEPOINT|RELEASE|ROLLBACK|BEGIN|COMMIT)\b"
)


def test_git_is_run_by_its_own_room_alone() -> None:
    naming = {
        shown(module)
        for module in MODULES
        for node in nodes_of(module)
        if isinstance(node, ast.List | ast.Tuple)
        and node.elts
        and isinstance(first := node.elts[0], ast.Constant)
        and first.value == "git"
    }
    # A push goes out as its user's own, with the credentials and the transports that every other call is kept from.
    assert naming == {"git/runner.py", "git/user_view.py", "git/pull_request.py"}


RUNNER = {"run", "answer", "text", "stream"}


def test_the_arguments_of_git_are_built_by_its_own_room_alone() -> None:
    found = [
        (shown(module), call.lineno)
        for module in MODULES
        if room_of(shown(module)) != "git"
        for call in calls(module)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in RUNNER
        and any(isinstance(argument, ast.Constant | ast.JoinedStr | ast.Starred) for argument in call.args)
    ]
    assert found == []


NAMES_OF_REFS = "rules/ref_names.py"
NAMES_OF_PLACES = "workspace.py"
# SARIF's automation id is a path of words, and no ref.
OTHER_NAMES = {("show/sarif.py", "swarm/")}
OF_REFS = re.compile(r"refs/swarm\b|swarm/(?:$|[0-9a-f]{4,})")
OF_PLACES = re.compile(r"\.gone-|wave-$")


def words_of(module: Path) -> Iterator[str]:
    """Yield the constants of a module that are no docstrings, and of its f-strings the beginnings."""
    formatted = [node for node in nodes_of(module) if isinstance(node, ast.JoinedStr)]
    left_out = docstrings(module) | {id(part) for node in formatted for part in node.values[1:]}
    for node in nodes_of(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out:
            yield node.value


def folders_joined(module: Path) -> Iterator[str]:
    for node in nodes_of(module):
        is_path = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
        if is_path and isinstance(node.right, ast.Constant) and node.right.value == "worktrees":
            yield node.right.value


def test_refs_and_places_are_named_in_one_module_each() -> None:
    found = set()
    for module in MODULES:
        name = shown(module)
        for word in words_of(module):
            if (OF_REFS.match(word) and name != NAMES_OF_REFS) or (OF_PLACES.match(word) and name != NAMES_OF_PLACES):
                found.add((name, word))
        if name != NAMES_OF_PLACES:
            found |= {(name, word) for word in folders_joined(module)}
            found |= {
                (name, "parents[]")
                for node in nodes_of(module)
                if isinstance(node, ast.Subscript) and getattr(node.value, "attr", "") == "parents"
            }
    assert found == OTHER_NAMES


def test_there_is_no_shell_no_evaluation_and_no_other_way_to_a_process() -> None:
    found = []
    for module in MODULES:
        for call in calls(module):
            named = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
            is_os = isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") == "os"
            if isinstance(call.func, ast.Name) and named in {"eval", "exec", "__import__"}:
                found.append((shown(module), named))
            if named == "create_subprocess_shell" or (is_os and named in PROCESSES):
                found.append((shown(module), named))
            if any(keyword.arg == "shell" for keyword in call.keywords):
                found.append((shown(module), "shell="))
    # The process that restricted itself becomes the program: a child would be another process than the recorded one.
    # A keeper is a process of its own, and starts the program as a shell would.
    assert found == [
        ("runtimes/keeper.py", "fork"),
        ("runtimes/keeper.py", "execve"),
        ("runtimes/landlock_start.py", "execv"),
    ]


def test_sql_stands_with_its_tables() -> None:
    found = []
    for module in MODULES:
        if room_of(shown(module)) == "store":
            continue
        expected = docstrings(module)
        found += [
            (shown(module), node.value)
            for node in nodes_of(module)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in expected
            and STATEMENT.match(node.value)
        ]
        found += [
            (shown(module), call.func.attr)
            for call in calls(module)
            if isinstance(call.func, ast.Attribute) and call.func.attr in {"execute", "executemany", "executescript"}
        ]
    assert found == []


# Modules that read JSON from outside the control plane; every other JSON text is a column, which store/ decodes.
READS_JSON = {
    "mcp_server/calls.py": "documents and events of verbs, which are processes of their own",
    "builds/project_files.py": "package.json of the repository",
    "builds/go_events.py": "events that go writes",
    "builds/run_report.py": "reports of test runners, and the names of tests beside the logs of a build",
    "runtimes/landlock_start.py": "its own first argument, which the backend of Landlock writes",
    "runtimes/watchdog.py": "its own input, which the supervisor beside it writes",
    "documents.py": "schemas that the package ships, and output of agents",
    "runtimes/answer.py": "text that agents print",
    "runtimes/agents/stream.py": "lines of the streams of agents",
    "runtimes/journal.py": "events that a launch wrote, and an agent may have changed",
    "runtimes/report_text.py": "output of tools, to find where each value ends",
    "runtimes/ruff_results.py": "output of ruff",
    "runtimes/ruff_rules.py": "a rule as ruff prints it",
    "rules/notebooks.py": "texts of a notebook",
    "waves/setup/domain_files.py": "`--globs` of the command line",
}


def test_json_of_the_database_is_decoded_by_the_store_alone() -> None:
    decoders = {"load", "loads", "JSONDecoder"}
    found = {
        shown(module)
        for module in MODULES
        for call in calls(module)
        if isinstance(call.func, ast.Attribute)
        and getattr(call.func.value, "id", "") == "json"
        and call.func.attr in decoders
    }
    by_name = {f.by for f in imports() if f.name.startswith("json.") and f.name.rpartition(".")[2] in decoders}
    assert {name for name in found | by_name if room_of(name) != "store"} == READS_JSON.keys()


WRITES = re.compile(r"\b(?:INSERT(?: OR \w+)? INTO|REPLACE INTO|UPDATE(?! SET\b)|DELETE FROM)\s+(\w+)")
# Tables that a module of another name writes, with the reason.
WRITTEN_BY = {
    "findings": {"observations", "decisions"},  # A finding has two sides: waves observe it, people decide about it.
    "events": {"ledger"},  # Users read the table as the ledger: `swarm ledger`, error texts, the page.
}


def sql_texts(module: Path) -> Iterator[str]:
    """Yield the string constants of a module, each f-string as the text around its fields."""
    for node in nodes_of(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_each_table_is_written_by_the_module_of_its_name(workspace: Workspace) -> None:
    with closing(sqlite3.connect(workspace.db)) as conn:
        tables = {name for (name,) in conn.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    store = [module for module in MODULES if room_of(shown(module)) == "store"]
    assert {table for table in tables if not (PACKAGE / "store" / f"{table}.py").exists()} == {"events"}
    writers: dict[str, set[str]] = {table: set() for table in tables}
    for module in store:
        for text in sql_texts(module):
            for table in WRITES.findall(text):
                writers[table].add(module.stem)
    assert writers == {table: WRITTEN_BY.get(table, {table}) for table in tables}


def test_no_migration_is_run_as_a_script() -> None:
    # `executescript` commits the transaction that is open.
    files = [*MODULES, *sorted((PACKAGE.parent / "migrations").glob("*.py"))]
    assert [file.name for file in files if "executescript" in file.read_text(encoding="utf-8")] == []


def test_no_bare_handler_swallows_everything_but_the_one_door() -> None:
    found = {
        shown(module)
        for module in MODULES
        for node in nodes_of(module)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception"))
    }
    # A rule of lessons that throws must not cost the findings of the other rules and records, and a validator that
    # crashes on a submission must leave a record of that.
    assert found == {"cli/main.py", "evidence/lessons/derive.py", "evidence/records/validators.py"}


def test_the_clock_is_read_at_the_edge() -> None:
    found = {
        shown(module)
        for module in MODULES
        for call in calls(module)
        if isinstance(call.func, ast.Attribute)
        and (getattr(call.func.value, "id", ""), call.func.attr) in {("time", "time"), ("datetime", "now")}
    }
    assert found == {"clock.py"}
