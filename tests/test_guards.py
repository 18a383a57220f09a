"""Guards of the source as a whole: the direction of imports, forbidden calls, the cost of a start."""

import ast
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import swarm
from swarm.cli.verbs import HELP
from tests.conftest import Workspace

PACKAGE = Path(swarm.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST = 300
# The catalogue of errors is one table, and reads as one.
MAY_BE_LONG = {"errors.py"}

# What each room may import of ours. Modules beside the rooms are listed by their own names.
PLAIN = {
    "__version__",
    "clock",
    "config",
    "documents",
    "errors",
    "stage_events",
    "locks",
    "owners",
    "search_path",
    "trust",
    "verify_config",
    "wave_marks",
    "failpoints",
    "files",
    "installed",
    "interruption",
    "log_lines",
    "scratch",
    "shipped",
    "workspace",
    "worktrees_config",
    "yaml_text",
}
MAY_IMPORT = {
    "cli": {
        "cli",
        "engine",
        "evidence",
        "mcp_server",
        "waves",
        "results",
        "show",
        "store",
        "git",
        "runtimes",
        "signing",
        "rules",
        *PLAIN,
    },
    "evidence": {"evidence", "waves", "results", "store", "signing", "rules", *PLAIN},
    "waves": {"waves", "results", "store", "git", "runtimes", "sarif", "builds", "engine", "signing", "rules", *PLAIN},
    "show": {"show", "results", "rules", "errors", "__version__"},
    "results": {"results", "rules"},
    "store": {"store", "rules", *PLAIN},
    "git": {"git", "rules", *PLAIN},
    "runtimes": {"runtimes", "sarif", "rules", *PLAIN},
    "sarif": {"sarif", "rules"},
    "signing": {"signing", "rules", *PLAIN},
    "engine": {"engine", "runtimes", "rules", *PLAIN},
    # It starts verbs as processes, and imports none.
    "mcp_server": {"mcp_server", *PLAIN},
    "builds": {"builds", "runtimes", "rules", *PLAIN},
    "rules": {"rules"},
    "__main__": {"cli"},
    **{name: PLAIN - {name} for name in PLAIN},
    # The keys of a sandbox are records of the policy's own rules.
    "config": {"rules", *PLAIN - {"config"}},
    "documents": {"rules", *PLAIN - {"documents"}},
    "verify_config": {"rules", *PLAIN - {"verify_config"}},
    "__init__": set(),
}
# The rooms of `waves/`, and modules beside them, that each of them imports; none imports a room above it in this table.
ROOMS_OF_WAVES: dict[str, set[str]] = {
    "hosts": {"worker", "launch", "lock", "trees"},
    "worker": {"launch", "trees"},
    "fix": {"dispatch", "launch", "collect", "prove", "recover", "review", "triage", "trees", "selection"},
    "audit": {
        *("setup", "dispatch", "launch", "collect", "look", "trees", "dispatched_here", "run_place", "moved_lines"),
        "selection",
        "read_files",
    },
    "attest": {"look", "ledger"},
    "export": set(),
    "named_filters": {"look"},
    "advance": {"look", "run_facts"},
    "triage": {"look", "review", "selection"},
    "setup": {"look", "trees", "dispatched_here"},
    "look": {"clean", "review", "run_facts", "selection", "dispatched_here", "watch"},
    "watch": {"launch"},
    "ledger": set(),
    "recover": {"dispatch", "collect", "launch", "lock", "review", "trees", "run_facts", "dispatched_here"},
    "doctor": {"clean", "prove", "launch", "trees", "run_place"},
    "clean": {"launch", "trees", "selection", "run_place", "dispatched_here"},
    "prove": {"trees", "places", "run_facts", "preprocessed"},
    "collect": {
        *("launch", "review", "trees", "places", "moved_lines", "lost_lines", "run_facts", "dispatched_here"),
        *("read_files", "preprocessed"),
    },
    "dispatch": {"lock", "review", "trees", "places", "dispatched_here"},
    "launch": {"lock", "review", "trees", "places"},
    "lock": set(),
    "review": {"places"},
    "trees": set(),
    "places": {"moved_lines", "lost_lines"},
    "preprocessed": {"moved_lines"},
    "lost_lines": {"moved_lines"},
    "moved_lines": set(),
    "run_facts": set(),
    "read_files": set(),
    "selection": {"run_place"},
    "run_place": set(),
    "dispatched_here": set(),
}
# What comes from outside, and the only modules that may ask for it.
OUTSIDE = {
    "click": {"cli/*"},
    "bracex": {"rules/globs.py"},
    "wcmatch": {"rules/globs.py"},
    "sqlite_utils": {"store/migrations.py"},
    "filelock": {"locks.py"},
    "jsonschema": {"documents.py"},
    "jsonschema_rs": {"documents.py"},
    "cryptography": {"signing/ed25519.py", "engine/authority.py"},
    "nats": {"engine/link.py"},
    "nkeys": {"engine/authority.py", "engine/messages.py"},
    "nacl": {"engine/messages.py"},
    "mcp": {"mcp_server/serve.py"},
    "mcp_types": {"mcp_server/serve.py"},
    "anyio": {"mcp_server/*"},
    "nono_py": {"runtimes/landlock_start.py"},
    "yaml": {"runtimes/agents/manifest.py", "yaml_text.py"},
}
# Parts of the standard library that only one room may touch.
RESERVED = {
    "subprocess": {"git/*", "runtimes/*", "builds/*", "engine/server.py", "mcp_server/calls.py"},
    "asyncio": {"runtimes/*", "waves/*", "engine/*"},
    "sqlite3": {"store/*", "waves/*", "evidence/*", "cli/*"},
    "pickle": set[str](),
    "marshal": set[str](),
    "shelve": set[str](),
    # Python has no call that drops capabilities, and none that takes over orphans.
    "ctypes": {"runtimes/landlock_start.py", "runtimes/keeper.py"},
    "multiprocessing": set[str](),
    "urllib.request": set[str](),
    # A single request, to the API that confirms where a submission comes from; spans, to an endpoint that a user names.
    "http": {"evidence/records/github_api.py", "waves/export/endpoint.py"},
}
PROCESSES = {"system", "popen", "execv", "execve", "execvp", "execl", "spawnv", "spawnl", "fork", "posix_spawn"}
STATEMENT = re.compile(
    r"\s*(?:SELECT|INSERT|UPDATE|DELETE|REPLACE|CREATE|ALTER|DROP|PRAGMA|SAVEPOINT|RELEASE|ROLLBACK|BEGIN|COMMIT)\b"
)


class Import(NamedTuple):
    """One import of a module, wherever in it."""

    by: str
    name: str


def shown(module: Path) -> str:
    return module.relative_to(PACKAGE).as_posix()


def tree_of(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


@cache
def imports() -> tuple[Import, ...]:
    return tuple(found for module in MODULES for found in imports_of(module))


def imports_of(module: Path) -> Iterator[Import]:
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            yield from (Import(shown(module), alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{shown(module)} imports relatively"
            yield from (Import(shown(module), f"{node.module}.{alias.name}") for alias in node.names)


def room_of(module: str) -> str:
    return module.partition("/")[0].removesuffix(".py")


def stands_in(module: str, places: set[str]) -> bool:
    return module in places or f"{room_of(module)}/*" in places


def test_imports_point_one_way() -> None:
    ours = [found for found in imports() if found.name.partition(".")[0] == "swarm"]
    assert len(ours) > 100
    assert [found for found in ours if found.name.split(".")[1] not in MAY_IMPORT[room_of(found.by)]] == []


def test_the_rooms_of_waves_import_only_rooms_below_them() -> None:
    arrows: dict[str, set[str]] = {room: set() for room in ROOMS_OF_WAVES}
    for found in imports():
        by = found.by.removesuffix(".py").split("/")
        name = found.name.split(".")
        if by[0] == "waves" and by[1] != "__init__" and name[:2] == ["swarm", "waves"] and name[2] != by[1]:
            arrows[by[1]].add(name[2])
    assert arrows == ROOMS_OF_WAVES
    order = list(ROOMS_OF_WAVES)
    upward = [(room, other) for room in order for other in arrows[room] if order.index(other) < order.index(room)]
    assert upward == []


def test_what_is_shown_is_shown_by_the_command_line_alone() -> None:
    by = {room_of(found.by) for found in imports() if found.name.startswith("swarm.show")}
    assert by == {"cli", "show"}


def test_what_comes_from_outside_is_asked_for_in_one_place() -> None:
    outside = [
        found
        for found in imports()
        if (top := found.name.partition(".")[0]) != "swarm" and top not in sys.stdlib_module_names
    ]
    assert {found.name.partition(".")[0] for found in outside} == OUTSIDE.keys()
    assert [found for found in outside if not stands_in(found.by, OUTSIDE[found.name.partition(".")[0]])] == []


def test_the_rules_are_pure() -> None:
    asked = {found.name.partition(".")[0] for found in imports() if room_of(found.by) == "rules"}
    assert (
        asked & {"os", "io", "pathlib", "time", "datetime", "random", "secrets", "sqlite3", "subprocess", "sys"}
        == set()
    )


def test_processes_are_started_and_the_database_is_opened_in_their_own_rooms() -> None:
    strays = [
        found
        for found in imports()
        for name, places in RESERVED.items()
        if f"{found.name}.".startswith(f"{name}.") and not stands_in(found.by, places)
    ]
    assert strays == []


def calls(module: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree_of(module)) if isinstance(node, ast.Call))


def test_git_is_run_by_its_own_room_alone() -> None:
    naming = {
        shown(module)
        for module in MODULES
        for node in ast.walk(tree_of(module))
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


def words_of(tree: ast.Module) -> Iterator[str]:
    """Yield the constants of a module that are no docstrings, and of its f-strings the beginnings."""
    found = docstrings(tree)
    formatted = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    later = {id(part) for node in formatted for part in node.values[1:]}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (found | later):
            yield node.value


def folders_joined(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        is_path = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
        if is_path and isinstance(node.right, ast.Constant) and node.right.value == "worktrees":
            yield node.right.value


def test_refs_and_places_are_named_in_one_module_each() -> None:
    found = set()
    for module in MODULES:
        name, tree = shown(module), tree_of(module)
        for word in words_of(tree):
            if (OF_REFS.match(word) and name != NAMES_OF_REFS) or (OF_PLACES.match(word) and name != NAMES_OF_PLACES):
                found.add((name, word))
        if name != NAMES_OF_PLACES:
            found |= {(name, word) for word in folders_joined(tree)}
            found |= {
                (name, "parents[]")
                for node in ast.walk(tree)
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


def docstrings(tree: ast.Module) -> set[int]:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, kinds) and node.body and isinstance(node.body[0], ast.Expr)
    }


def test_sql_stands_with_its_tables() -> None:
    found = []
    for module in MODULES:
        if room_of(shown(module)) == "store":
            continue
        tree = tree_of(module)
        expected = docstrings(tree)
        found += [
            (shown(module), node.value)
            for node in ast.walk(tree)
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
    "runtimes/landlock_start.py": "its own first argument, which the backend of Landlock writes",
    "documents.py": "schemas that the package ships, and output of agents",
    "runtimes/answer.py": "text that agents print",
    "runtimes/agents/stream.py": "lines of the streams of agents",
    "runtimes/journal.py": "events that a launch wrote, and an agent may have changed",
    "runtimes/ruff.py": "output of ruff",
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
    for node in ast.walk(tree_of(module)):
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
        for node in ast.walk(tree_of(module))
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


MOST_IMPORTS = 20
MOST_MODULES = 16
MOST_POSITIONAL = 6


def own_imports() -> dict[str, set[str]]:
    """Return, for each module, the modules of ours that it imports, wherever in it."""
    names = {f"swarm.{shown(module).removesuffix('.py').replace('/', '.')}": shown(module) for module in MODULES}
    found: dict[str, set[str]] = {name: set() for name in names.values()}
    for imported in imports():
        for name in (imported.name, imported.name.rpartition(".")[0]):
            if name in names:
                found[imported.by].add(names[name])
                break
    return found


def test_no_module_imports_more_than_a_reader_can_hold() -> None:
    assert {by: len(found) for by, found in own_imports().items() if len(found) > MOST_IMPORTS} == {}


def test_no_imports_go_in_a_circle() -> None:
    left = own_imports()
    while free := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in free:
            del left[name]
    assert sorted(left) == []


def test_no_room_of_the_waves_is_crowded() -> None:
    rooms: dict[str, int] = {}
    for module in MODULES:
        if module.parent.parent == PACKAGE / "waves" and module.name != "__init__.py":
            rooms[module.parent.name] = rooms.get(module.parent.name, 0) + 1
    assert len(rooms) > 10
    assert {room: count for room, count in rooms.items() if count > MOST_MODULES} == {}


def classes() -> Iterator[tuple[str, str]]:
    for module in MODULES:
        yield from ((node.name, shown(module)) for node in tree_of(module).body if isinstance(node, ast.ClassDef))


def test_no_two_classes_have_a_name_in_common() -> None:
    places: dict[str, list[str]] = {}
    for name, module in classes():
        places.setdefault(name, []).append(module)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_records_of_many_fields_are_made_by_keyword() -> None:
    records = {name for name, _ in classes()}
    found = [
        (shown(module), call.lineno)
        for module in MODULES
        for call in calls(module)
        if (call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")) in records
        and len(call.args) > MOST_POSITIONAL
    ]
    assert found == []


OPENING = re.compile(r"(?:What|Who|Which|That|How|Where|When)\b")


def test_the_docstring_of_a_module_names_the_thing() -> None:
    found = [shown(module) for module in MODULES if OPENING.match(ast.get_docstring(tree_of(module)) or "What")]
    assert found == []


def test_no_module_is_too_long_to_be_read() -> None:
    lines = {shown(module): len(module.read_text(encoding="utf-8").splitlines()) for module in MODULES}
    assert {name: count for name, count in lines.items() if count > LONGEST and name not in MAY_BE_LONG} == {}


# Use cases by another name than that of their verb, each with the reason.
USE_CASES = {
    # Five words for one act: a decision about findings is recorded.
    **dict.fromkeys(("approve", "defer", "reject", "reopen", "close"), ("triage",)),
    # The use case `triage` records decisions; the verb `triage` takes them over from a file.
    "triage": ("import_decisions",),
    # Four questions, which one look at the code answers.
    **dict.fromkeys(("verify-fixed", "verify-recurring", "verify-unverified", "verify-approved"), ("second_look",)),
    # An engine serves every control plane of its user: the room `engine/` holds it.
    "engine": (),
    # The server calls the other verbs: the room `mcp_server/` holds it.
    "mcp": (),
    # A verb with verbs of its own.
    "ledger": ("verify", "replay"),
    # Keys belong to a user and to no control plane: the room `signing/` holds them.
    "keys": (),
    "lessons": ("derive", "review", "synthesize", "advise", "export"),
    "records": ("records", "reindex", "portfolio"),
    # click writes the script from the command line itself.
    "completion": (),
    "help": (),
}
# Records in another module of results/ than that of their verb, each with the reason.
RECORDS = {
    **dict.fromkeys(("approve", "defer", "reject", "reopen", "close"), "triage"),
    **dict.fromkeys(("verify-fixed", "verify-recurring", "verify-unverified", "verify-approved"), "second_look"),
    # Both dispatch agents of a wave again, and return the same record.
    **dict.fromkeys(("resume", "redrive"), "redispatch"),
}


@pytest.mark.parametrize("verb", HELP)
def test_a_verb_has_its_command_its_use_case_and_its_records_by_its_name(verb: str) -> None:
    name = verb.replace("-", "_")
    assert (PACKAGE / "cli" / f"{name}.py").is_file()
    assert (PACKAGE / "results" / f"{RECORDS.get(verb, name)}.py").is_file()
    called = {found.name for found in imports() if found.by.startswith("cli/")}
    for use_case in USE_CASES.get(verb, (name,)):
        homes = [
            ".".join(("swarm", *module.relative_to(PACKAGE).with_suffix("").parts))
            for module in MODULES
            if shown(module).startswith(("waves/", "evidence/"))
            and module.stem == use_case
            and any(isinstance(node, ast.FunctionDef) and node.name == use_case for node in tree_of(module).body)
        ]
        imported = [home for home in homes if home in called or f"{home}.{use_case}" in called]
        assert imported, f"no module {use_case}.py of waves/ or evidence/ has a function {use_case} that cli/ calls"


def test_every_verb_has_its_module_of_tests() -> None:
    folder = Path(__file__).parent / "cli"
    missing = [verb for verb in HELP if not (folder / f"test_{verb.replace('-', '_')}.py").is_file()]
    assert missing == []


HEAVY = ["sqlite_utils", "jsonschema", "jsonschema_rs", "filelock", "rich", "asyncio", "importlib.metadata", "wcmatch"]
START = """
import json, sys
from swarm.cli.main import main
code = main(sys.argv[1:])
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""


def modules_of_a_start(*arguments: str, folder: Path) -> tuple[int, set[str]]:
    import json

    done = subprocess.run(
        [sys.executable, "-c", START, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    code, loaded = json.loads(done.stderr.splitlines()[-1])
    return code, set(loaded)


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("runs",), ("status",), ("runs", "--help")])
def test_a_start_loads_nothing_heavy(workspace: Workspace, arguments: tuple[str, ...]) -> None:
    code, loaded = modules_of_a_start(*arguments, folder=workspace.folder)
    assert code == 0
    assert {"swarm.cli.main", "click"} <= loaded
    assert [name for name in HEAVY if name in loaded] == []
    # git and the findings cost a start more than all that these verbs read.
    assert [name for name in loaded if name.startswith(("swarm.git.", "swarm.store.findings", "subprocess"))] == []


def test_help_loads_no_verb_and_no_database(tmp_path: Path) -> None:
    _, loaded = modules_of_a_start("--help", folder=tmp_path)
    ours = {name for name in loaded if name.startswith("swarm.")}
    assert ours <= {
        *(
            "swarm.cli",
            "swarm.cli.call",
            "swarm.cli.error_text",
            "swarm.cli.main",
            "swarm.cli.shared_options",
            "swarm.log_lines",
            "swarm.cli.group",
            "swarm.cli.verbs",
        ),
        *("swarm.clock", "swarm.errors", "swarm.stage_events", "swarm.interruption", "swarm.workspace"),
    }
    assert "sqlite3" not in loaded


def test_a_start_that_loads_something_heavy_is_seen(workspace: Workspace) -> None:
    code, loaded = modules_of_a_start("domains", "--unfreeze", "--reason", "to see it", folder=workspace.folder)
    assert (code, [name for name in HEAVY if name in loaded]) == (0, ["filelock"])


@pytest.mark.skipif(not (PACKAGE.parent / ".git").exists(), reason="an archive has no index of git")
def test_no_file_that_git_ignores_is_tracked() -> None:
    listed = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    done = subprocess.run(listed, cwd=PACKAGE.parent, capture_output=True, text=True, check=True)
    assert done.stdout == ""
