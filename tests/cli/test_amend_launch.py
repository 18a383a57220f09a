"""`swarm launch` of an amend wave: ruff mends in the agents' own trees, and so does any command."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from swarm.runtimes import programs
from tests.cli.scenes.amend_wave import PHASE
from tests.cli.scenes.collected import tree_of
from tests.cli.scenes.launched_agents import CLOSED, JUDGED, OPENED
from tests.cli.scenes.snapshots import nothing_changes
from tests.cli.test_dispatch import rows
from tests.conftest import Answer, Repo, Swarm, Workspace
from tests.sweeping import swept

APP = "import os\nimport re\nimport sys\n\n\ndef load(x):\n    return x == None, sys.path\n"
UNSORTED = "import sys\nimport os\nimport re\nimport json\n\nprint(sys, json)\n"
SORTED = "import json\nimport sys\n\nprint(sys, json)\n"
AGENT = """
import json, os, pathlib
pathlib.Path("src/app.py").write_text("mended = 1\\n")
body = {"domain": os.environ["SWARM_DOMAIN"], "summary": "s", "fixes": [], "files_changed": ["src/app.py"]}
pathlib.Path(os.environ["SWARM_OUTPUT_FILE"]).write_text(json.dumps(body))
"""


@pytest.fixture
def ruffed(swarm: Swarm, repo: Repo, workspace: Workspace) -> Workspace:
    """A run whose audit by ruff was collected: two unused imports and a comparison in one file, one in another."""
    repo.commit({"src/app.py": APP, "src/tool.py": "import json\n", "tests/test_app.py": "import ast\n"})
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "ruff")
    swarm("launch")
    swarm("collect")
    return workspace


def ids(workspace: Workspace) -> dict[str, str]:
    """The ids of findings by file and what ruff says of them, in a word."""
    found = rows(workspace.db, "SELECT file, description, finding_id FROM findings")
    return {f"{file}:{description.split('`')[1]}": finding_id for file, description, finding_id in found}


def approve(swarm: Swarm, workspace: Workspace, *names: str) -> None:
    every = ids(workspace)
    swarm("approve", workspace.run, "--ids", ",".join(every[name] for name in names))


def amend(swarm: Swarm, *options: str) -> Any:
    swarm("dispatch", PHASE, "--isolate", *options)
    return swarm("launch", "--format", "json").data


def output(workspace: Workspace, domain: str = "code") -> dict[str, Any]:
    document: dict[str, Any] = json.loads(workspace.output(domain, 2).read_text())
    return document


def test_ruff_fixes_what_was_approved_in_the_agents_trees_and_nowhere_else(
    swarm: Swarm, repo: Repo, ruffed: Workspace
) -> None:
    approve(swarm, ruffed, "src/app.py:re", "tests/test_app.py:ast")
    before = repo.git("status", "--porcelain"), (repo.root / "src/app.py").read_text()
    data = amend(swarm, "--runtime", "ruff")
    assert (data["launched"], data["exitClass"]) == (2, 0)
    code, rest = tree_of(ruffed, "code", 2), tree_of(ruffed, "rest", 2)
    assert (code / "src/app.py").read_text() == APP.replace("import re\n", "")
    assert (code / "src/tool.py").read_text() == "import json\n"
    assert (rest / "tests/test_app.py").read_text() == ""
    assert (repo.git("status", "--porcelain"), (repo.root / "src/app.py").read_text()) == before
    name = ids(ruffed)["src/app.py:re"]
    found = output(ruffed)
    assert found.pop("summary").endswith(" mended 1 of 1 findings by its own fixes.")
    assert found == {
        "domain": "code",
        "fixes": [{"finding_id": name, "description": "Remove unused import: `re`", "file": "src/app.py"}],
        "files_changed": ["src/app.py"],
        "skipped": [],
    }
    collected = swarm("collect", "--format", "json").data
    assert [(fix["findingId"], fix["verifiedVia"]) for fix in collected["fixes"]] == [
        (name, "anchor"),
        (ids(ruffed)["tests/test_app.py:ast"], "anchor"),
    ]
    assert (collected["skippedFixes"], collected["waveStatus"]) == ([], "collected")
    assert [agent["divergence"] for agent in collected["agents"]] == [None, None]


@pytest.mark.parametrize("unsafe", [False, True])
def test_unsafe_fixes_are_made_where_the_configuration_says_so(
    swarm: Swarm, repo: Repo, ruffed: Workspace, *, unsafe: bool
) -> None:
    if unsafe:
        repo.commit({"swarm.toml": "[runtimes.ruff]\nunsafe_fixes = true\n"})
    approve(swarm, ruffed, "src/app.py:None")
    amend(swarm)
    mended = APP.replace("x == None", "x is None") if unsafe else APP
    assert (tree_of(ruffed, "code", 2) / "src/app.py").read_text() == mended
    why = "ruff's fix for E711 is unsafe; `unsafe_fixes` of [runtimes.ruff] would take it"
    assert output(ruffed)["skipped"] == (
        [] if unsafe else [{"finding_id": ids(ruffed)["src/app.py:None"], "reason": why}]
    )


def test_ruff_fixes_a_finding_where_it_is_now(swarm: Swarm, repo: Repo, ruffed: Workspace) -> None:
    repo.git("mv", "src/app.py", "src/moved.py")
    repo.commit({"src/moved.py": f"# one\n\n{APP}"})
    approve(swarm, ruffed, "src/app.py:re")
    amend(swarm)
    assert (tree_of(ruffed, "code", 2) / "src/moved.py").read_text() == f"# one\n\n{APP}".replace("import re\n", "")
    assert output(ruffed)["files_changed"] == ["src/moved.py"]


def test_what_ruff_does_not_report_any_more_is_reported_as_skipped(swarm: Swarm, repo: Repo, ruffed: Workspace) -> None:
    repo.commit({"src/app.py": APP.replace("import re\n", "import re  # noqa: F401\n")})
    approve(swarm, ruffed, "src/app.py:re")
    amend(swarm)
    assert output(ruffed)["skipped"] == [
        {"finding_id": ids(ruffed)["src/app.py:re"], "reason": "ruff does not report F401 there"}
    ]
    skipped = swarm("collect", "--format", "json").data["skippedFixes"]
    assert [(item["reason"], item["told"]) for item in skipped] == [
        ("skipped_by_agent", "ruff does not report F401 there")
    ]


def test_ruff_fixes_no_checkout_that_is_not_its_own(swarm: Swarm, repo: Repo, ruffed: Workspace) -> None:
    approve(swarm, ruffed, "src/app.py:re")
    swarm("dispatch", PHASE)
    with nothing_changes(repo.root):
        assert swarm("launch", exit=1).code == "LAUNCH_NEEDS_ISOLATION"


@pytest.mark.parametrize("point", swept([OPENED, JUDGED, CLOSED]))
def test_a_launch_that_was_killed_is_made_again_and_comes_to_the_same(
    swarm: Swarm, swarm_process: Swarm, repo: Repo, ruffed: Workspace, point: str
) -> None:
    # Its import is the only one that goes: what stands in its place afterwards is another one.
    approve(swarm, ruffed, "src/app.py:os")
    swarm("dispatch", PHASE, "--isolate")
    swarm_process("launch", "--jobs", "1", exit=-9, SWARM_FAILPOINT=point)
    data = swarm("launch", "--format", "json").data
    outcomes = [attempt["outcome"] for attempt in data["agents"][0]["attempts"]]
    assert outcomes == (["success"] if point == CLOSED else ["killed", "success"])
    assert (tree_of(ruffed, "code", 2) / "src/app.py").read_text() == APP.replace("import os\n", "")
    name = ids(ruffed)["src/app.py:os"]
    assert [fix["finding_id"] for fix in output(ruffed)["fixes"]] == [name]
    collected = swarm("collect", "--format", "json").data
    assert [(fix["findingId"], fix["verifiedVia"]) for fix in collected["fixes"]] == [(name, "anchor")]
    assert collected["agents"][0]["divergence"] is None


@pytest.fixture
def unsorted(swarm: Swarm, repo: Repo, workspace: Workspace) -> Workspace:
    """A run whose audit found an unsorted block of imports in a file, two of which are unused."""
    repo.commit({"ruff.toml": 'lint.select = ["F", "I"]\n', "src/app.py": UNSORTED})
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "ruff")
    swarm("launch")
    swarm("collect")
    return workspace


def approve_in_app(swarm: Swarm, workspace: Workspace, but: str = "") -> None:
    """Approve the findings of a file, except those whose description names a word."""
    found = rows(workspace.db, "SELECT finding_id, description FROM findings WHERE file = 'src/app.py'")
    chosen = [finding_id for finding_id, description in found if not but or but not in description]
    swarm("approve", workspace.run, "--ids", ",".join(chosen))


def test_fixes_that_collide_are_all_made_in_one_wave(swarm: Swarm, unsorted: Workspace) -> None:
    approve_in_app(swarm, unsorted)
    amend(swarm)
    assert (tree_of(unsorted, "code", 2) / "src/app.py").read_text() == SORTED
    collected = swarm("collect", "--format", "json").data
    # The first line of the block is still there, so a later check has to say whether the block is sorted.
    assert [fix["verifiedVia"] for fix in collected["fixes"]] == ["anchor", "anchor", "unverifiable"]
    assert (output(unsorted)["skipped"], collected["skippedFixes"]) == ([], [])


def test_an_import_that_nobody_approved_stays_in_the_block_that_is_sorted(swarm: Swarm, unsorted: Workspace) -> None:
    approve_in_app(swarm, unsorted, but="`re`")
    amend(swarm)
    kept = SORTED.replace("import sys", "import re\nimport sys")
    assert (tree_of(unsorted, "code", 2) / "src/app.py").read_text() == kept
    assert len(output(unsorted)["fixes"]) == 2


def test_fixes_of_a_launch_that_was_killed_between_their_rounds_are_made_again(
    swarm: Swarm, swarm_process: Swarm, unsorted: Workspace
) -> None:
    approve_in_app(swarm, unsorted)
    swarm("dispatch", PHASE, "--isolate")
    # The fourth commit names the process of the second check.
    swarm_process("launch", "--jobs", "1", exit=-9, SWARM_FAILPOINT=JUDGED)
    removed = UNSORTED.replace("import os\nimport re\n", "")
    assert (tree_of(unsorted, "code", 2) / "src/app.py").read_text() == removed
    swarm("launch")
    assert (tree_of(unsorted, "code", 2) / "src/app.py").read_text() == SORTED
    assert len(output(unsorted)["fixes"]) == 3


def play(swarm: Swarm, repo: Repo, tmp_path: Path, body: str, *options: str, exit: int = 0) -> Answer:  # noqa: A002
    script = tmp_path / "agent.py"
    script.write_text(body)
    argv = json.dumps([sys.executable, str(script)])
    repo.commit({"swarm.toml": f'[runtimes.played]\nkind = "command"\nargv = {argv}\n'})
    swarm("dispatch", PHASE, *options, "--runtime", "played")
    return swarm("launch", "--format", "json", exit=exit)


def test_a_command_amends_too_and_who_was_given_nothing_is_not_launched(
    swarm: Swarm, repo: Repo, ruffed: Workspace, tmp_path: Path
) -> None:
    approve(swarm, ruffed, "src/app.py:re")
    data = play(swarm, repo, tmp_path, AGENT, "--isolate").data
    assert [(agent["domain"], len(agent["attempts"])) for agent in data["agents"]] == [("code", 1), ("rest", 0)]
    collected = swarm("collect", "--format", "json").data
    assert (collected["waveStatus"], collected["agents"][0]["divergence"]) == ("collected", None)
    assert (repo.root / "src/app.py").read_text() == APP


def test_a_command_may_amend_in_the_checkout(swarm: Swarm, repo: Repo, ruffed: Workspace, tmp_path: Path) -> None:
    approve(swarm, ruffed, "src/app.py:re")
    play(swarm, repo, tmp_path, AGENT)
    assert (repo.root / "src/app.py").read_text() == "mended = 1\n"
    collected = swarm("collect", "--format", "json").data
    assert (collected["waveStatus"], collected["ownershipProbeDegraded"]) == ("collected", True)


# --- shellcheck ------------------------------------------------------------------------------------------

SHELL = "#!/bin/sh\ncd $1\nfor f in `ls`; do\n\techo $f $HOME\ndone\n"


@pytest.mark.skipif(programs.bundled("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_fixes_what_was_approved_and_nothing_else(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    repo.commit({"src/run.sh": SHELL})
    swarm("audit", ".", "--runtime", "shellcheck", exit=1)
    found = rows(workspace.db, "SELECT finding_id FROM findings WHERE rule_id = 'SC2086' AND line = 4 AND ordinal = 1")
    listing = rows(workspace.db, "SELECT finding_id FROM findings WHERE rule_id = 'SC2045'")
    swarm("approve", workspace.run, "--ids", ",".join(one for (one,) in [*found, *listing]))
    amend(swarm, "--runtime", "shellcheck")
    written = output(workspace)
    assert [fix["finding_id"] for fix in written["fixes"]] == [found[0][0]]
    assert [skipped["reason"] for skipped in written["skipped"]] == ["shellcheck has no fix for SC2045 here"]
    tree = workspace.folder / workspace.run / "worktrees/w2-code"
    assert (tree / "src/run.sh").read_text() == SHELL.replace("$f $HOME", '$f "$HOME"')
    assert swarm("collect", "--format", "json").data["waveStatus"] == "collected"


@pytest.mark.skipif(programs.bundled("shellcheck") is None, reason="shellcheck is not installed")
@pytest.mark.parametrize("named", [(), ("--runtime", "ruff,shellcheck")], ids=["none named", "both named"])
def test_each_finding_is_fixed_by_the_tool_that_reports_it(
    swarm: Swarm, repo: Repo, workspace: Workspace, named: tuple[str, ...]
) -> None:
    files = {"src/run.sh": SHELL, "src/app.py": "import os\n", "src/Dockerfile": "FROM debian:12\nWORKDIR app\n"}
    repo.commit(files)
    tools = "ruff,shellcheck" + (",hadolint" if programs.bundled("hadolint") else "")
    swarm("audit", ".", "--runtime", tools, exit=1)
    places = rows(workspace.db, "SELECT file || ':' || line || ':' || rule_id, finding_id FROM findings")
    found = dict(places)
    wanted = ["src/app.py:1:F401", "src/run.sh:2:SC2086"]
    wanted += ["src/Dockerfile:2:DL3000"] if "hadolint" in tools else []
    swarm("approve", workspace.run, "--ids", ",".join(found[place] for place in wanted))
    swarm("dispatch", PHASE, "--isolate", *named)
    data = swarm("launch", "--format", "json").data
    assert [attempt["runtime"] for agent in data["agents"] for attempt in agent["attempts"]] == ["ruff,shellcheck"]
    written = output(workspace)
    assert {fix["finding_id"] for fix in written["fixes"]} == {found[place] for place in wanted[:2]}
    why = "hadolint is not among the runtimes of this wave" if named else "hadolint has no fixer"
    skipped = [each["reason"] for each in written["skipped"]]
    assert skipped == [f"{why}; name an agent: --runtime"] * len(wanted[2:])
    tree = workspace.folder / workspace.run / "worktrees/w2-code"
    assert (tree / "src/run.sh").read_text() == SHELL.replace("cd $1", 'cd "$1"')
    assert (tree / "src/app.py").read_text() == ""
    assert swarm("collect", "--format", "json").data["waveStatus"] == "collected"


def test_an_analyzer_fixes_no_file_that_decides_how_work_is_proved_without_a_lease(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    repo.git("rm", "-q", "-r", "src")
    repo.commit({"tests/conftest.py": "import os\n", "tests/test_app.py": "import ast\n"})
    swarm("audit", ".", "--runtime", "ruff", exit=1)
    approve(swarm, workspace, "tests/conftest.py:os", "tests/test_app.py:ast")
    amend(swarm, "--runtime", "ruff")
    written = output(workspace, "rest")
    assert [fix["file"] for fix in written["fixes"]] == ["tests/test_app.py"]
    why = "its file decides how work is proved, and needs a lease (`swarm lease grant`)"
    assert [each["reason"] for each in written["skipped"]] == [why]
    assert swarm("collect", "--format", "json").data["waveStatus"] == "collected"


def test_a_finding_of_an_agent_is_left_to_an_agent(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    place = {"file": "src/app.py", "line": 5, "description": "A hole."}
    swarm("dispatch", "health-audit-a", "--isolate")
    workspace.answer("code", place)
    workspace.answer("rest")
    swarm("collect")
    swarm("approve", "--all")
    swarm("dispatch", PHASE, "--isolate")
    swarm("launch")
    assert [each["reason"] for each in output(workspace)["skipped"]] == [
        "no analyzer reported it; name an agent: --runtime"
    ]
