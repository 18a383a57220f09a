"""`swarm domains`: showing, changing, freezing and explaining the map."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.scenes.snapshots import block_of, nothing_changes
from tests.conftest import Repo, Swarm, Workspace


@pytest.fixture
def draft(swarm: Swarm, workspace: Workspace) -> Workspace:
    """The map of `workspace`, unfrozen."""
    swarm("domains", "--unfreeze", "--reason", "to edit")
    return workspace


# --- showing ----------------------------------------------------------------------------------------------


def test_the_map_is_reported_with_how_many_files_each_domain_owns(swarm: Swarm, workspace: Workspace) -> None:
    data = swarm("domains", workspace.run, "--format", "json").data
    assert data["runId"] == workspace.run
    assert data["frozen"] is True
    assert data["domains"] == [
        {
            "name": name,
            "ownership": "owned",
            "globs": globs,
            "description": "",
            "frozen": True,
            "matchedFiles": files,
        }
        for name, globs, files in (("code", ["src/**"], 2), ("rest", ["**"], 3))
    ]


def test_the_text_ends_with_a_next_command_while_it_is_a_draft(swarm: Swarm, draft: Workspace) -> None:
    lines = swarm("domains").out.splitlines()
    assert lines[0] == f"Map of {draft.run} (draft)"
    assert lines[-1] == f"Next: swarm domains {draft.run} --freeze"


@pytest.mark.parametrize("action", [(), ("--check",), ("--who", "src/app.py"), ("--history",)])
def test_reading_changes_nothing(swarm: Swarm, repo: Repo, workspace: Workspace, action: tuple[str, ...]) -> None:
    with nothing_changes(repo.root):
        swarm("domains", *action)


def test_who_shows_the_owner_and_the_glob_that_says_so(swarm: Swarm, workspace: Workspace) -> None:
    data = swarm("domains", "--who", "src/app.py", "--format", "json").data
    assert [data[key] for key in ("path", "owner", "ownership", "glob")] == ["src/app.py", "code", "owned", "src/**"]
    assert swarm("domains", "--who", "README.md").out == "README.md: rest (owned), by **\n"


def test_who_of_a_file_that_no_glob_matches_is_unassigned(swarm: Swarm, draft: Workspace) -> None:
    swarm("domains", "--remove", "rest")
    data = swarm("domains", "--who", "README.md", "--format", "json").data
    assert [data[key] for key in ("owner", "ownership", "glob")] == ["unassigned", None, None]
    assert swarm("domains", "--who", "README.md").out == "README.md: unassigned; no glob matches\n"


def test_who_of_a_file_that_is_not_there_says_so(swarm: Swarm, workspace: Workspace) -> None:
    lines = swarm("domains", "--who", "src/new.py").out.splitlines()
    assert lines == [
        "src/new.py: code (owned), by src/**",
        "⚠ src/new.py is no file of HEAD; the map would give it so",
    ]


def test_check_shows_unowned_files_and_overlaps_and_who_wins(swarm: Swarm, draft: Workspace) -> None:
    swarm("domains", "--edit", "rest", "--globs", '["**/*.md", "src/tool.py"]')
    data = swarm("domains", "--check", "--format", "json").data
    assert data["unowned"] == ["tests/test_app.py", "web/index.html"]
    assert data["overlaps"] == [{"file": "src/tool.py", "domains": ["code", "rest"], "owner": "code"}]


def test_history_shows_every_change_in_order_with_its_reason(swarm: Swarm, draft: Workspace) -> None:
    swarm("domains", "--edit", "code", "--desc", "the program")
    events = swarm("domains", "--history", "--format", "json").data["events"]
    assert [(event["kind"], event["reason"]) for event in events][-3:] == [
        ("map_frozen", None),
        ("map_unfrozen", "to edit"),
        ("domain_edited", "code"),
    ]


def test_the_map_is_about_the_files_of_head(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    repo.commit({"src/more.py": "x = 1\n"})
    assert swarm("domains", "--format", "json").data["domains"][0]["matchedFiles"] == 3


# --- changing ---------------------------------------------------------------------------------------------


def test_a_domain_is_added_at_the_end_or_before_another(swarm: Swarm, draft: Workspace) -> None:
    swarm("domains", "--add", "last", "--globs", '["x/**"]')
    swarm(
        "domains", "--add", "web", "--globs", '["web/**"]', "--before", "rest", "--ownership", "bridge", "--desc", "UI"
    )
    domains = swarm("domains", "--format", "json").data["domains"]
    assert [domain["name"] for domain in domains] == ["code", "web", "rest", "last"]
    assert {key: domains[1][key] for key in ("ownership", "globs", "description", "matchedFiles")} == {
        "ownership": "bridge",
        "globs": ["web/**"],
        "description": "UI",
        "matchedFiles": 1,
    }


def test_adding_a_domain_that_owns_nothing_warns_with_the_command_that_helps(swarm: Swarm, draft: Workspace) -> None:
    warning = (
        "web owns nothing: domains before it, rest first, own all its files; "
        f"`swarm domains {draft.run} --edit web --before rest` would give them to it"
    )
    answer = swarm("domains", "--add", "web", "--globs", '["web/**"]', "--format", "json")
    assert answer.data["warnings"] == [warning]
    swarm("domains", draft.run, "--edit", "web", "--before", "rest")
    assert swarm("domains", "--who", "web/index.html", "--format", "json").data["owner"] == "web"


def test_adding_a_domain_that_matches_nothing_warns(swarm: Swarm, draft: Workspace) -> None:
    answer = swarm("domains", "--add", "none", "--globs", '["nowhere/**"]', "--format", "json")
    assert answer.data["warnings"] == ["none matches no tracked file"]


def test_an_edit_changes_what_it_names_alone(swarm: Swarm, draft: Workspace) -> None:
    swarm("domains", "--edit", "code", "--desc", "the program")
    swarm("domains", "--edit", "code", "--ownership", "shared")
    code = swarm("domains", "--format", "json").data["domains"][0]
    assert [code[key] for key in ("name", "globs", "ownership", "description")] == [
        "code",
        ["src/**"],
        "shared",
        "the program",
    ]


def test_a_domain_that_is_removed_leaves_its_files_to_the_next(swarm: Swarm, draft: Workspace) -> None:
    swarm("domains", "--remove", "code")
    assert swarm("domains", "--who", "src/app.py", "--format", "json").data["owner"] == "rest"


@pytest.mark.parametrize(
    "change", [("--add", "x", "--globs", '["x"]'), ("--edit", "code", "--desc", "x"), ("--remove", "code")]
)
def test_a_frozen_map_cannot_be_changed(
    swarm: Swarm, repo: Repo, workspace: Workspace, change: tuple[str, ...]
) -> None:
    with nothing_changes(repo.root):
        assert swarm("domains", *change, exit=1).code == "DOMAINS_FROZEN"


GLOBS: dict[str, str] = {
    "": "received an empty value",
    "  ": "received an empty value",
    "src/**": "'src/**' is not valid JSON",
    "['src/**']": "'['src/**']' is not valid JSON",
    '{"src": 1}': "received an object",
    '"src/**"': "received a string",
    "3": "received a number",
    "true": "received a boolean",
    "null": "received null",
    "[]": "received an empty array",
    '["src/**", 3]': "received an array with a number",
    '["src/**", null]': "received an array with null",
    '[["src/**"]]': "received an array with an array",
    '[{"a": 1}]': "received an array with an object",
    "[" * 100_000: "is not valid JSON",
}


@pytest.mark.parametrize("action", ["--add", "--edit"])
def test_globs_that_are_no_array_of_strings_are_refused_with_the_reason(
    swarm: Swarm, repo: Repo, draft: Workspace, action: str
) -> None:
    name = "new" if action == "--add" else "code"
    with nothing_changes(repo.root):
        for raw, reason in GLOBS.items():
            answer = swarm("domains", action, name, f"--globs={raw}", "--format", "json", exit=2)
            error = answer.document["error"]
            assert error["code"] == "CLI_INVALID_GLOBS_JSON"
            assert error["message"].startswith("--globs requires a JSON array of glob strings; ")
            assert error["message"].endswith(reason)
            assert len(error["received"]) <= 120


REFUSED_GLOBS = {
    "/etc/**": "it is absolute; paths are relative to the root of the repository",
    "../x": "it holds a `.` or `..` step, which no path of a repository has",
    "": "it is empty",
    "{a,b}{c,d}{e,f}{g,h}{i,j}{k,l}{m,n}{o,p}{q,r}": "its braces expand to more than 256 globs",
    "*(*(a))b": "can run away",
    "x" * 1025: "it is longer than 1024 characters",
}


def test_globs_that_could_do_harm_are_refused_when_they_are_added(swarm: Swarm, repo: Repo, draft: Workspace) -> None:
    with nothing_changes(repo.root):
        for glob, problem in REFUSED_GLOBS.items():
            answer = swarm("domains", "--add", "x", "--globs", json.dumps([glob]), "--format", "json", exit=1)
            error = answer.document["error"]
            assert error["code"] == "DOMAINS_INVALID_GLOB"
            assert error["problem"].endswith(problem)


def test_a_name_is_letters_digits_and_dashes(swarm: Swarm, repo: Repo, draft: Workspace) -> None:
    with nothing_changes(repo.root):
        for name in ("", "a b", "a/b", "..", "ä", "x" * 65, "a\nb"):
            answer = swarm("domains", f"--add={name}", "--globs", '["x"]', exit=1)
            assert answer.code == "DOMAINS_INVALID_NAME"
    swarm("domains", "--add", "aZ0_-" + "x" * 59, "--globs", '["x"]')


@pytest.mark.parametrize(
    "words",
    [
        ("--freeze", "--check"),
        ("--add", "x"),
        ("--edit", "code"),
        ("--globs", '["x"]'),
        ("--remove", "code", "--desc", "x"),
        ("--freeze", "--reason", "x"),
        ("--freeze", "--force"),
    ],
)
def test_options_that_do_not_go_together_are_a_usage_error(
    swarm: Swarm, repo: Repo, draft: Workspace, words: tuple[str, ...]
) -> None:
    with nothing_changes(repo.root):
        assert swarm("domains", *words, exit=2).code == "CLI_USAGE"


@pytest.mark.parametrize("action", ["--edit", "--remove"])
def test_a_domain_that_is_not_there_cannot_be_changed(swarm: Swarm, draft: Workspace, action: str) -> None:
    more = ("--desc", "x") if action == "--edit" else ()
    answer = swarm("domains", action, "kode", *more, exit=1)
    assert block_of(answer).splitlines() == [
        "ERROR [DOMAIN_NOT_FOUND]: The map has no domain 'kode'",
        "  Next: it has: code, rest",
    ]


def test_a_mutation_says_on_stderr_which_run_it_took(swarm: Swarm, draft: Workspace) -> None:
    answer = swarm("domains", "--freeze")
    assert [(event["stage"], event["runId"]) for event in answer.events] == [("run_selected", draft.run)]


# --- freezing ---------------------------------------------------------------------------------------------


def test_freeze_prints_overlaps_and_unowned_files_and_what_to_do_next(swarm: Swarm, draft: Workspace) -> None:
    swarm("domains", "--edit", "rest", "--globs", '["**/*.py"]')
    lines = swarm("domains", "--freeze").out.splitlines()
    assert lines[0] == "Map frozen."
    assert "2 files no domain owns:" in lines
    assert "  src/app.py: code, rest; code wins" in lines
    assert lines[-1] == f"Next: swarm dispatch {draft.run} health-audit-a --isolate"


def test_freezing_a_frozen_map_changes_nothing(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    before = swarm("events").out
    swarm("domains", "--freeze")
    assert swarm("events").out == before


def test_unfreezing_needs_a_reason_which_the_ledger_keeps(swarm: Swarm, workspace: Workspace) -> None:
    assert swarm("domains", "--unfreeze", exit=1).code == "REASON_REQUIRED"
    swarm("domains", "--unfreeze", "--reason", "  a better map ")
    last = json.loads(swarm("events").out.splitlines()[-1])
    assert [last[key] for key in ("kind", "from", "to", "reason")] == [
        "map_unfrozen",
        "frozen",
        "draft",
        "a better map",
    ]


def test_a_failed_wave_holds_the_map_until_it_is_left_behind(swarm: Swarm, dispatched: Workspace) -> None:
    swarm("collect", exit=1)
    answer = swarm("domains", "--unfreeze", "--reason", "a better map", exit=1)
    assert answer.code == "DOMAINS_WAVE_UNFINISHED"
    hint = f"`swarm domains {dispatched.run} --unfreeze --force --reason '…'`"
    assert block_of(answer).splitlines()[1] == f"  Next: pass --force to leave the failed wave behind: {hint}"
    swarm("domains", "--unfreeze", "--force", "--reason", "a better map")
    assert swarm("domains", "--format", "json").data["frozen"] is False


def test_force_does_not_unfreeze_while_a_wave_is_in_flight(swarm: Swarm, dispatched: Workspace) -> None:
    answer = swarm("domains", "--unfreeze", "--force", "--reason", "now", exit=1)
    assert answer.code == "DOMAINS_WAVE_UNFINISHED"


# --- where the map comes from -----------------------------------------------------------------------------

FILES = {
    "map.json": '[{"name": "all", "globs": ["**"], "ownership": "bridge", "description": "Everything"}]',
    "under.json": '{"domains": [{"name": "all", "globs": ["**"], "ownership": "bridge", "description": "Everything"}]}',
    "map.toml": '[[domains]]\nname = "all"\nglobs = ["**"]\nownership = "bridge"\ndescription = "Everything"\n',
}


@pytest.mark.parametrize("name", FILES)
def test_a_map_may_come_from_a_file(swarm: Swarm, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(FILES[name])
    swarm("init", ".", "--domains-from", str(tmp_path / name))
    (domain,) = swarm("domains", "--format", "json").data["domains"]
    assert [domain[key] for key in ("name", "globs", "ownership", "description")] == [
        "all",
        ["**"],
        "bridge",
        "Everything",
    ]


BAD_FILES: dict[str, tuple[Any, str]] = {
    "none.json": (None, "CONFIG_INVALID"),
    "prose.json": ("domains: all", "CONFIG_INVALID"),
    "list.json": ("[3]", "CONFIG_INVALID"),
    "twice.json": ('[{"name": "a", "globs": ["a"]}, {"name": "a", "globs": ["b"]}]', "CONFIG_INVALID"),
    "glob.json": ('[{"name": "a", "globs": ["/a"]}]', "DOMAINS_INVALID_GLOB"),
    "bad.toml": ("[[domains]\n", "CONFIG_INVALID"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_of_domains_makes_no_run_no_tag_and_no_database(
    swarm: Swarm, repo: Repo, tmp_path: Path, name: str
) -> None:
    body, code = BAD_FILES[name]
    if body is not None:
        (tmp_path / name).write_text(body)
    with nothing_changes(repo.root):
        assert swarm("init", ".", "--domains-from", str(tmp_path / name), exit=1).code == code
