"""Guards of the rooms: which imports which, and what comes from outside."""

import sys

from tests.guards.source import CATALOGUE, MODULES, imports, own_imports, room_of, shown, stands_in

# What each room may import of ours. Modules beside the rooms are listed by their own names.
PLAIN = {
    "ahead",
    "__version__",
    "clock",
    "config",
    "documents",
    "engines_config",
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
        "page_server",
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
    # It shows what it is given, and reads neither the control plane nor the repository.
    "page_server": {"page_server", *PLAIN},
    "builds": {"builds", "runtimes", "rules", *PLAIN},
    "rules": {"rules"},
    "__main__": {"cli"},
    **{name: PLAIN - {name} for name in PLAIN},
    # The hint of a missing extra is a command of the installer of this swarm.
    "errors": {"errors", "installed"},
    # The keys of a sandbox are records of the policy's own rules.
    "config": {"rules", *PLAIN - {"config"}},
    "documents": {"rules", *PLAIN - {"documents"}},
    "verify_config": {"rules", *PLAIN - {"verify_config"}},
    "__init__": set(),
}
# The rooms of `waves/`, and modules beside them, that each of them imports; none imports a room above it in this table.
ROOMS_OF_WAVES: dict[str, set[str]] = {
    "hosts": {"worker", "launch", "lock", "trees"},
    "worker": {"launch", "lock", "trees"},
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
        "unmerged_fixes",
        *("read_files", "preprocessed"),
    },
    "dispatch": {"lock", "review", "trees", "places", "dispatched_here"},
    "launch": {"lock", "review", "trees", "places"},
    "lock": set(),
    "review": {"places"},
    "trees": set(),
    "unmerged_fixes": set(),
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
    "jsonschema": {"documents.py"},
    "jsonschema_rs": {"documents.py"},
    "cryptography": {"signing/ed25519.py", "engine/authority.py"},
    "nats": {"engine/link.py", "engine/pull.py"},
    "nkeys": {"engine/authority.py", "engine/messages.py"},
    "nacl": {"engine/messages.py"},
    "mcp": {"mcp_server/serve.py"},
    "mcp_types": {"mcp_server/serve.py"},
    "anyio": {"mcp_server/*"},
    "nono_py": {"runtimes/landlock_start.py"},
    # The project's own, in the project's own interpreter.
    "pytest": {"builds/report_hook.py"},
    "yaml": {"runtimes/agents/manifest.py", "yaml_text.py"},
}
# Parts of the standard library that only one room may touch.
RESERVED = {
    "subprocess": {"git/*", "runtimes/*", "builds/*", "engine/server.py", "mcp_server/calls.py"},
    "asyncio": {"runtimes/*", "waves/*", "engine/*", "page_server/*"},
    "sqlite3": {"store/*", "waves/*", "evidence/*", "cli/*"},
    "pickle": set[str](),
    "marshal": set[str](),
    "shelve": set[str](),
    # Python has no call that drops capabilities, and none that takes over orphans.
    "ctypes": {"runtimes/landlock_start.py", "runtimes/keeper.py"},
    "multiprocessing": set[str](),
    "urllib.request": set[str](),
    # A single request, to the API that confirms where a submission comes from; spans, to an endpoint that a user names;
    # the words of statuses.
    "http": {"evidence/records/github_api.py", "waves/export/endpoint.py", "page_server/*"},
}


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


def test_an_error_stands_in_a_chapter_and_is_imported_from_the_catalogue() -> None:
    chapters = {shown(module) for module in MODULES if room_of(shown(module)) == "errors"} - {CATALOGUE}
    assert own_imports()[CATALOGUE] == chapters
    importers = {by for by, found in own_imports().items() if found & chapters}
    assert {room_of(by) for by in importers} == {"errors"}


def test_no_imports_go_in_a_circle() -> None:
    left = own_imports()
    while free := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in free:
            del left[name]
    assert sorted(left) == []
