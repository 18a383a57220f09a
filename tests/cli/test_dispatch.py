"""`swarm dispatch`: what must hold, what is made, and what a second one or a crash leaves."""

import sqlite3
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from swarm import documents
from tests.cli.scenes.snapshots import block_of, everything_in, nothing_changes
from tests.conftest import Repo, Swarm, Workspace

PHASE = "health-audit-a"


def rows(db: Path, statement: str, *values: object) -> list[Any]:
    with sqlite3.connect(db) as conn:
        found = conn.execute(statement, values).fetchall()
    conn.close()
    return found


def branches(repo: Repo) -> list[str]:
    return repo.git("for-each-ref", "--format=%(refname:short)", "refs/heads/swarm").split()


def trees(repo: Repo) -> list[str]:
    listed = repo.git("worktree", "list", "--porcelain").splitlines()
    return [line.removeprefix("worktree ") for line in listed if line.startswith("worktree ")][1:]


# --- what must hold ---------------------------------------------------------------------------------------


def test_the_phase_is_checked_before_there_is_a_database(swarm: Swarm, repo: Repo) -> None:
    answer = swarm("dispatch", "nonsense", exit=1)
    assert answer.code == "DISPATCH_INVALID_PHASE"
    (event,) = answer.events
    assert (event["stage"], event["runId"], event["phase"]) == ("dispatch_precondition_failed", None, "nonsense")
    assert not (repo.root / "swarms").exists()


@pytest.mark.parametrize("phase", ["test", "treatment", "complete", "HEALTH-AUDIT-A", "health-audit-a "])
def test_only_the_ten_phases_are_dispatched(swarm: Swarm, workspace: Workspace, phase: str) -> None:
    assert swarm("dispatch", workspace.run, phase, exit=1).code == "DISPATCH_INVALID_PHASE"


def test_one_word_is_always_the_phase(swarm: Swarm, workspace: Workspace) -> None:
    assert swarm("dispatch", workspace.run, exit=1).code == "DISPATCH_INVALID_PHASE"


def test_preconditions_are_checked_in_their_order(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    """Everything is wrong at first; each reported cause is fixed, and the next is reported."""
    run = workspace.run
    swarm("domains", "--unfreeze", "--reason", "to edit")
    swarm("domains", "--remove", "code")
    swarm("domains", "--remove", "rest")

    def refusal(named: str = run, phase: str = "health-amend-a") -> str | None:
        return swarm("dispatch", named, phase, "--isolate", exit=1).code

    assert refusal("swarm-1-ffffffff", "health-amend-z") == "DISPATCH_INVALID_PHASE"
    assert refusal("swarm-1-ffffffff") == "DISPATCH_RUN_NOT_FOUND"
    assert refusal() == "DISPATCH_NO_DOMAINS"
    swarm("domains", "--add", "all", "--globs", '["**"]', "--ownership", "shared")
    assert refusal() == "DISPATCH_DOMAINS_NOT_FROZEN"
    swarm("domains", "--freeze")
    assert refusal() == "DISPATCH_NO_AGENT_DOMAINS"
    swarm("domains", "--unfreeze", "--reason", "to edit")
    swarm("domains", "--edit", "all", "--ownership", "owned")
    swarm("domains", "--freeze")
    swarm("dispatch", PHASE)
    assert refusal() == "DISPATCH_WAVE_IN_FLIGHT"
    swarm("collect", exit=1)
    branch = f"swarm/{run.rpartition('-')[2]}/w2-all"
    repo.git("branch", branch, repo.git("commit-tree", "-m", "other work", "HEAD^{tree}"))
    assert refusal() == "DISPATCH_NOTHING_APPROVED"
    assert refusal(phase=PHASE) == "ISOLATION_FAILED"


def test_a_failed_wave_does_not_block_the_next(swarm: Swarm, dispatched: Workspace) -> None:
    swarm("collect", exit=1)
    assert swarm("dispatch", PHASE, "--format", "json").data["waveNumber"] == 2


def test_a_bad_phase_freezes_no_map(swarm: Swarm, workspace: Workspace) -> None:
    swarm("domains", "--unfreeze", "--reason", "to edit")
    swarm("dispatch", workspace.run, "nonsense", "--auto-freeze", exit=1)
    assert swarm("domains", "--format", "json").data["frozen"] is False


def test_auto_freeze_freezes_a_draft_and_the_ledger_says_so(swarm: Swarm, workspace: Workspace) -> None:
    swarm("domains", "--unfreeze", "--reason", "to edit")
    swarm("dispatch", PHASE, "--auto-freeze")
    assert swarm("domains", "--format", "json").data["frozen"] is True
    history = swarm("domains", "--history", "--format", "json").data["events"]
    assert [event["kind"] for event in history][-2:] == ["map_unfrozen", "map_frozen"]


def test_a_refused_dispatch_with_auto_freeze_leaves_the_draft(swarm: Swarm, workspace: Workspace, repo: Repo) -> None:
    swarm("domains", "--unfreeze", "--reason", "to edit")
    branch = f"swarm/{workspace.run.rpartition('-')[2]}/w1-code"
    repo.git("branch", branch, repo.git("commit-tree", "-m", "other work", "HEAD^{tree}"))
    assert swarm("dispatch", PHASE, "--isolate", "--auto-freeze", exit=1).code == "ISOLATION_FAILED"
    assert swarm("domains", "--format", "json").data["frozen"] is False


# --- what is made -----------------------------------------------------------------------------------------


def test_an_isolated_wave_gives_each_agent_a_tree_on_a_branch_of_its_own(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    data = swarm("dispatch", PHASE, "--isolate", "--format", "json").data
    run, folder = workspace.run, workspace.folder / workspace.run
    run_hex = run.rpartition("-")[2]
    assert data == {
        "runId": run,
        "waveId": 1,
        "waveNumber": 1,
        "phase": PHASE,
        "isolated": True,
        "sparse": False,
        "dryRun": False,
        "dispatchSha": repo.head,
        "snapshotId": 1,
        "runtime": None,
        "promptDir": str(folder / "wave-1"),
        "agents": [
            {
                "agentRunId": number,
                "domain": name,
                "promptPath": str(folder / f"wave-1/{name}.md"),
                "outputPath": str(folder / f"worktrees/w1-{name}/.swarm/output.json"),
                "worktreePath": str(folder / f"worktrees/w1-{name}"),
                "worktreeBranch": f"swarm/{run_hex}/w1-{name}",
                "files": files,
                "findings": 0,
                "checkedOut": None,
            }
            for number, name, files in ((1, "code", 2), (2, "rest", 3))
        ],
        "unrouted": [],
        "editedFilesNotSeen": 0,
        "included": [],
        "warnings": [],
        "nextAction": f"swarm launch {run}",
        "review": False,
        "advice": None,
        "planLock": rows(workspace.db, "SELECT sha256 FROM plan_locks")[0][0],
        "signedBy": None,
    }
    assert branches(repo) == [f"swarm/{run_hex}/w1-code", f"swarm/{run_hex}/w1-rest"]
    for agent in data["agents"]:
        tree = Path(agent["worktreePath"])
        assert repo.git("rev-parse", "HEAD", cwd=tree) == repo.head
        assert repo.git("symbolic-ref", "--short", "HEAD", cwd=tree) == agent["worktreeBranch"]
        assert repo.git("status", "--porcelain", cwd=tree) == ""
    assert repo.git("status", "--porcelain") == ""
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_first_line_of_the_text_says_which_wave(swarm: Swarm, workspace: Workspace) -> None:
    lines = swarm("dispatch", PHASE, "--isolate").out.splitlines()
    assert lines[0] == f"Wave 1 dispatched ({PHASE})"
    assert lines[-1] == f"Next: swarm launch {workspace.run}"


def test_without_isolate_agents_work_in_the_checkout_and_no_tree_is_made(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    data = swarm("dispatch", PHASE, "--format", "json").data
    assert {(agent["worktreePath"], agent["worktreeBranch"]) for agent in data["agents"]} == {(None, None)}
    assert (trees(repo), branches(repo)) == ([], [])


def test_an_analyzers_wave_shares_one_detached_tree(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    data = swarm("dispatch", PHASE, "--isolate", "--runtime", "ruff", "--format", "json").data
    shared = workspace.folder / workspace.run / "worktrees/w1.shared"
    assert {agent["worktreePath"] for agent in data["agents"]} == {str(shared)}
    assert {agent["worktreeBranch"] for agent in data["agents"]} == {None}
    assert (trees(repo), branches(repo)) == ([str(shared)], [])
    assert data["runtime"] == "ruff"


def test_domains_without_an_agent_get_none(swarm: Swarm, workspace: Workspace) -> None:
    swarm("domains", "--unfreeze", "--reason", "to edit")
    swarm("domains", "--edit", "rest", "--ownership", "shared")
    swarm("domains", "--add", "bridge", "--globs", '["web/**"]', "--ownership", "bridge", "--before", "rest")
    data = swarm("dispatch", PHASE, "--auto-freeze", "--format", "json").data
    assert [agent["domain"] for agent in data["agents"]] == ["code", "bridge"]


def test_a_prompt_shows_phase_place_files_and_schema_and_is_the_one_recorded(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    import hashlib

    data = swarm("dispatch", PHASE, "--isolate", "--format", "json").data
    code = data["agents"][0]
    text = Path(code["promptPath"]).read_text(encoding="utf-8")
    for part in (PHASE, repo.head, code["worktreePath"], code["outputPath"], "- `src/**`", '"stage"', workspace.run):
        assert part in text
    (recorded,) = rows(workspace.db, "SELECT prompt_sha256 FROM agent_runs WHERE domain = 'code'")
    assert recorded == (hashlib.sha256(text.encode()).hexdigest(),)
    assert len(text.encode()) <= 60 * 1024
    example = text.partition("```json")[2].partition("```")[0]
    assert documents.check(documents.parse_bounded(example.encode(), "the example"), "agent-output", "audit") is None


def test_a_second_prompt_shows_what_is_known_of_its_own_domain(swarm: Swarm, collected: Workspace) -> None:
    data = swarm("dispatch", "health-audit-a", "--isolate", "--format", "json").data
    assert [(agent["domain"], agent["findings"]) for agent in data["agents"]] == [("code", 1), ("rest", 0)]
    code, rest = (Path(agent["promptPath"]).read_text() for agent in data["agents"])
    assert "def load(path, seen=[]):" in code
    assert "def load(path, seen=[]):" not in rest


def test_another_lens_is_not_given_findings_that_are_not_its_own(swarm: Swarm, collected: Workspace) -> None:
    data = swarm("dispatch", "health-audit-b", "--isolate", "--format", "json").data
    assert [agent["findings"] for agent in data["agents"]] == [0, 0]


def test_what_does_not_fit_a_prompt_goes_to_a_file_beside_it(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    repo.write({"swarm.toml": "[prompts]\nmax_bytes = 16384\n"})
    swarm("dispatch", PHASE, "--isolate")
    prose = "It is wrong in a way that takes many words to tell. " * 7
    workspace.answer(
        "code", *({"file": "src/app.py", "symbol": f"s{n}", "description": f"{n} {prose}"} for n in range(60))
    )
    workspace.answer("rest")
    swarm("collect")
    data = swarm("dispatch", PHASE, "--isolate", "--format", "json").data
    code = data["agents"][0]
    prompt = Path(code["promptPath"]).read_text()
    whole = documents.parse_bounded((Path(code["outputPath"]).parent / "findings.json").read_bytes(), "findings")
    assert len(prompt.encode()) <= 16384
    assert 0 < code["findings"] < len(whole)
    assert f"{len(whole) - code['findings']} more do not fit here" in prompt


def test_a_wave_looks_at_head_and_says_how_many_edits_it_did_not_see(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    repo.write({"src/app.py": "# edited\n", "src/untracked.py": "x = 1\n"})
    answer = swarm("dispatch", PHASE, "--isolate", "--format", "json")
    assert answer.data["editedFilesNotSeen"] == 1
    tree = Path(answer.data["agents"][0]["worktreePath"])
    assert (tree / "src/app.py").read_text() != "# edited\n"
    assert not (tree / "src/untracked.py").exists()


def test_a_phase_out_of_order_is_dispatched_with_a_warning(swarm: Swarm, workspace: Workspace) -> None:
    data = swarm("dispatch", "stage-d-audit", "--format", "json").data
    assert data["warnings"] == ["stage-d-audit is out of order: the run is in initializing"]
    assert swarm("status", "--format", "json").data["run"]["status"] == "stage-d-audit"


def test_the_snapshot_stays_what_it_was_when_the_map_changes_later(swarm: Swarm, collected: Workspace) -> None:
    swarm("domains", "--unfreeze", "--reason", "to edit")
    swarm("domains", "--remove", "rest")
    second = swarm("dispatch", PHASE, "--auto-freeze", "--format", "json").data
    assert second["snapshotId"] == 2
    kept = rows(collected.db, "SELECT map FROM snapshots ORDER BY id")
    names = [[domain["name"] for domain in documents.parse_bounded(text.encode(), "map")] for (text,) in kept]
    assert names == [["code", "rest"], ["code"]]


def test_the_same_map_is_kept_once(swarm: Swarm, collected: Workspace) -> None:
    assert swarm("dispatch", PHASE, "--format", "json").data["snapshotId"] == 1


def test_dispatch_writes_its_rows_in_one_transaction_with_the_ledger(swarm: Swarm, dispatched: Workspace) -> None:
    found = rows(dispatched.db, "SELECT kind, subject, from_state, to_state FROM events WHERE wave_id = 1 ORDER BY seq")
    assert found == [
        ("wave_dispatched", "wave:1", None, "dispatched"),
        ("agent_run_dispatched", "agent_run:1", None, "dispatched"),
        ("agent_run_dispatched", "agent_run:2", None, "dispatched"),
    ]


# --- dry-run ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [("--isolate",), (), ("--isolate", "--runtime", "ruff"), ("--isolate", "--auto-freeze")]
)
def test_a_dry_run_writes_no_row_no_file_and_no_ref(
    swarm: Swarm, repo: Repo, workspace: Workspace, options: tuple[str, ...]
) -> None:
    if "--auto-freeze" in options:
        swarm("domains", "--unfreeze", "--reason", "to edit")
    with nothing_changes(repo.root):
        data = swarm("dispatch", PHASE, "--dry-run", *options, "--format", "json").data
    assert (data["dryRun"], data["waveId"], data["snapshotId"], data["waveNumber"]) == (True, None, None, 1)
    assert [(agent["domain"], agent["agentRunId"]) for agent in data["agents"]] == [("code", None), ("rest", None)]
    assert swarm("dispatch", PHASE, "--dry-run", *options).out.startswith(f"Wave 1 would be dispatched ({PHASE})\n")


def test_the_command_that_a_dry_run_names_does_it(swarm: Swarm, workspace: Workspace) -> None:
    planned = swarm("dispatch", PHASE, "--dry-run", "--isolate", "--format", "json").data
    assert planned["nextAction"] == f"swarm dispatch {workspace.run} {PHASE} --isolate"
    made = swarm(*planned["nextAction"].split()[1:], "--format", "json").data
    paths = ("domain", "promptPath", "worktreePath", "worktreeBranch", "files")
    assert [[agent[key] for key in paths] for agent in made["agents"]] == [
        [agent[key] for key in paths] for agent in planned["agents"]
    ]


def test_a_dry_run_refuses_what_a_dispatch_refuses(swarm: Swarm, dispatched: Workspace) -> None:
    assert swarm("dispatch", PHASE, "--dry-run", exit=1).code == "DISPATCH_WAVE_IN_FLIGHT"


# --- trees and branches that are in the way ---------------------------------------------------------------


def place_of(workspace: Workspace, domain: str) -> tuple[Path, str]:
    tree = workspace.folder / workspace.run / f"worktrees/w1-{domain}"
    return tree, f"swarm/{workspace.run.rpartition('-')[2]}/w1-{domain}"


def test_a_clean_tree_at_its_base_is_reused(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    tree, branch = place_of(workspace, "code")
    repo.git("worktree", "add", "-q", "-b", branch, str(tree))
    born = (tree / ".git").stat().st_ino
    swarm("dispatch", PHASE, "--isolate")
    assert (tree / ".git").stat().st_ino == born
    assert len(trees(repo)) == 2


def test_a_branch_at_its_base_without_a_tree_is_reused(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    tree, branch = place_of(workspace, "code")
    repo.git("branch", branch)
    swarm("dispatch", PHASE, "--isolate")
    assert repo.git("symbolic-ref", "--short", "HEAD", cwd=tree) == branch


@pytest.mark.parametrize("dirt", ["edited", "untracked", "committed", "other branch"])
def test_a_tree_that_holds_something_is_not_touched(swarm: Swarm, repo: Repo, workspace: Workspace, dirt: str) -> None:
    tree, branch = place_of(workspace, "rest")
    repo.git("worktree", "add", "-q", "-b", branch, str(tree))
    if dirt == "edited":
        (tree / "README.md").write_text("# mine\n")
    elif dirt == "untracked":
        (tree / "notes.txt").write_text("mine\n")
    elif dirt == "committed":
        repo.git("commit", "-q", "--allow-empty", "-m", "mine", cwd=tree)
    else:
        repo.git("switch", "-q", "-c", "elsewhere", cwd=tree)
    with nothing_changes(repo.root):
        answer = swarm("dispatch", PHASE, "--isolate", exit=1)
    assert answer.code == "ISOLATION_FAILED"
    assert "for domain=rest: " in block_of(answer).splitlines()[0]
    assert trees(repo) == [str(tree)]
    assert rows(workspace.db, "SELECT * FROM waves") == []


def test_a_folder_that_is_no_worktree_is_not_touched(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    tree, _ = place_of(workspace, "code")
    tree.mkdir(parents=True)
    (tree / "notes.txt").write_text("mine\n")
    with nothing_changes(repo.root):
        assert swarm("dispatch", PHASE, "--isolate", exit=1).code == "ISOLATION_FAILED"


def test_a_failure_takes_back_what_this_call_made_and_only_that(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    swarm("domains", "--unfreeze", "--reason", "to edit")
    for number in range(5):
        swarm("domains", "--add", f"d{number}", "--globs", f'["d{number}/**"]', "--before", "rest")
    swarm("domains", "--freeze")
    _, kept = place_of(workspace, "code")
    _, other = place_of(workspace, "d1")
    repo.git("branch", kept)
    repo.git("branch", other, repo.git("commit-tree", "-m", "other work", "HEAD^{tree}"))
    with nothing_changes(repo.root):
        answer = swarm("dispatch", PHASE, "--isolate", exit=1)
    assert answer.code == "ISOLATION_FAILED"
    assert branches(repo) == [kept, other]
    assert trees(repo) == []


# --- races and crashes ------------------------------------------------------------------------------------


def test_of_two_dispatches_at_once_one_makes_the_wave_and_one_is_refused(
    swarm_process: Swarm, repo: Repo, workspace: Workspace
) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = list(
            pool.map(lambda _: swarm_process("dispatch", workspace.run, PHASE, "--isolate", exit=None), range(2))
        )
    assert sorted(answer.exit for answer in both) == [0, 1]
    loser = next(answer for answer in both if answer.exit)
    assert loser.code == "DISPATCH_WAVE_IN_FLIGHT"
    assert rows(workspace.db, "SELECT number, status FROM waves") == [(1, "dispatched")]
    assert rows(workspace.db, "SELECT domain FROM agent_runs ORDER BY id") == [("code",), ("rest",)]
    assert len(trees(repo)) == len(branches(repo)) == 2


def test_two_runs_of_one_repository_dispatch_at_once_without_harm(
    swarm: Swarm, swarm_process: Swarm, repo: Repo, workspace: Workspace
) -> None:
    other = swarm("init", ".", "--new", "--format", "json").data["runId"]
    swarm("domains", other, "--freeze")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda run: swarm_process("dispatch", run, PHASE, "--isolate"), (workspace.run, other)))
    assert rows(workspace.db, "SELECT run_id, number FROM waves ORDER BY run_id") == sorted(
        [(workspace.run, 1), (other, 1)]
    )
    assert repo.git("worktree", "list", "--porcelain").count("prunable") == 0


def left_over(folder: Path) -> list[str]:
    """Return half-written files below a folder."""
    return [name for name in everything_in(folder) if name.endswith((".tmp", "-journal"))]


def sound(swarm: Swarm) -> bool:
    """Say whether the doctor finds database, ledger and attempts sound."""
    checks = {check["id"]: check["status"] for check in swarm("doctor", "--format", "json").data["checks"]}
    return (checks["integrity"], checks["ledger"], checks["attempts"]) == ("pass",) * 3


def test_a_tree_that_was_left_half_checked_out_is_finished(
    swarm: Swarm, swarm_process: Swarm, repo: Repo, workspace: Workspace
) -> None:
    swarm_process("dispatch", PHASE, "--isolate", exit=-9, SWARM_FAILPOINT="git.reset.before")
    tree, _ = place_of(workspace, "code")
    (tree / "src").mkdir()
    (tree / "src/app.py").write_bytes((repo.root / "src/app.py").read_bytes())
    swarm("dispatch", PHASE, "--isolate")
    assert repo.git("status", "--porcelain", cwd=tree) == ""


def test_a_half_made_tree_that_holds_something_is_not_touched(
    swarm: Swarm, swarm_process: Swarm, workspace: Workspace, repo: Repo
) -> None:
    swarm_process("dispatch", PHASE, "--isolate", exit=-9, SWARM_FAILPOINT="git.reset.before")
    tree, _ = place_of(workspace, "code")
    (tree / "notes.txt").write_text("mine\n")
    with nothing_changes(tree):
        assert swarm("dispatch", PHASE, "--isolate", exit=1).code == "ISOLATION_FAILED"


def test_hooks_of_the_repository_do_not_run(swarm: Swarm, repo: Repo, workspace: Workspace, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        hook = repo.root / ".git/hooks" / name
        hook.write_text(f"#!/bin/sh\necho {name} >>{ran}\n")
        hook.chmod(0o755)
    swarm("dispatch", PHASE, "--isolate")
    assert not ran.exists()


def test_a_repository_in_a_strange_place_is_dispatched(swarm: Swarm, repo: Repo, tmp_path: Path) -> None:
    place = tmp_path / "a b'c\"d;$(e)"
    subprocess.run(["git", "clone", "-q", str(repo.root), str(place)], check=True)
    swarm("init", ".", cwd=place)
    data = swarm("dispatch", PHASE, "--isolate", "--auto-freeze", "--format", "json", cwd=place).data
    assert all(Path(agent["worktreePath"]).is_dir() for agent in data["agents"])


def test_a_detached_head_is_dispatched(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    repo.git("checkout", "-q", "--detach")
    assert swarm("dispatch", PHASE, "--isolate", "--format", "json").data["dispatchSha"] == repo.head
