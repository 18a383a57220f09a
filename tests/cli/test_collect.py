"""`swarm collect`: what agents wrote, what they touched, and what becomes of the wave."""

import json
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.cli.scenes.snapshots import block_of, nothing_changes
from tests.cli.test_dispatch import left_over, rows, sound
from tests.conftest import Answer, Repo, Swarm, Workspace

ENDED = ("waveStatus", "agents", "violations", "findings")


def tree_of(workspace: Workspace, domain: str, wave: int = 1) -> Path:
    return workspace.folder / workspace.run / f"worktrees/w{wave}-{domain}"


def statuses(answer: Answer) -> dict[str, str]:
    return {agent["domain"]: agent["status"] for agent in answer.data["agents"]}


def violations(answer: Answer) -> list[tuple[str, str, str]]:
    return [(v["file"], v["agentDomain"], v["actualOwner"]) for v in answer.data["violations"]]


# --- a wave that goes well --------------------------------------------------------------------------------


def test_a_collected_wave_is_told_whole(swarm: Swarm, dispatched: Workspace) -> None:
    dispatched.answer("code", {"file": "src/app.py", "line": 5, "severity": "HIGH"}, {"file": "src/tool.py", "line": 1})
    dispatched.answer("rest")
    data = swarm("collect", "--format", "json").data
    run = dispatched.run
    assert data == {
        "runId": run,
        "waveId": 1,
        "waveNumber": 1,
        "phase": "health-audit-a",
        "waveStatus": "collected",
        "agents": [
            {
                "domain": name,
                "agentRunId": number,
                "status": "complete",
                "findingsCount": count,
                "errors": [],
                "violations": [],
                "divergence": None,
                "fixes": 0,
                "sharedEdits": [],
                "ignored": [],
            }
            for number, name, count in ((1, "code", 2), (2, "rest", 0))
        ],
        "findings": {"new": 2, "recurring": 0, "fixed": 0, "unverified": 0, "recurredWhileClosed": 0},
        "bySeverity": {"CRITICAL": 0, "HIGH": 1, "MEDIUM": 1, "LOW": 0},
        "violations": [],
        "ownershipProbeDegraded": False,
        "fixes": [],
        "skippedFixes": [],
        "requests": [],
        "summary": "Wave 1 (health-audit-a): 2 of 2 agents complete; 2 new, 0 recurring, 0 fixed, 0 unverified",
        "nextAction": f"swarm findings {run}",
    }


def test_the_text_begins_with_the_wave_and_ends_with_the_next_command(swarm: Swarm, dispatched: Workspace) -> None:
    dispatched.answer("code")
    dispatched.answer("rest")
    lines = swarm("collect").out.splitlines()
    assert lines[0] == "Wave 1 (health-audit-a): 2 of 2 agents complete; 0 new, 0 recurring, 0 fixed, 0 unverified"
    assert lines[-2:] == ["Wave status: collected", f"Next: swarm findings {dispatched.run}"]


def test_findings_without_violations_exit_0(swarm: Swarm, dispatched: Workspace) -> None:
    dispatched.answer("code", {"severity": "CRITICAL", "file": "src/app.py", "line": 5})
    dispatched.answer("rest")
    assert swarm("collect").exit == 0


def test_a_wave_is_collected_once(swarm: Swarm, collected: Workspace) -> None:
    assert swarm("collect", exit=1).code == "COLLECT_NO_WAVE"


def test_a_second_wave_knows_its_findings_again_and_a_mend_is_fixed_by_its_anchor(
    swarm: Swarm, repo: Repo, collected: Workspace
) -> None:
    source = (repo.root / "src/app.py").read_text()
    repo.commit({"src/app.py": "# a\n# b\n" + source})
    swarm("dispatch", "health-audit-a", "--isolate")
    collected.answer(
        "code", {"file": "src/app.py", "line": 7, "quote": "def load(path, seen=[]):", "symbol": "load"}, wave=2
    )
    collected.answer("rest", wave=2)
    again = swarm("collect", "--format", "json").data
    assert again["findings"] == {"new": 0, "recurring": 1, "fixed": 0, "unverified": 0, "recurredWhileClosed": 0}
    repo.commit({"src/app.py": source.replace("seen=[]", "seen=None")})
    swarm("dispatch", "health-audit-a", "--isolate")
    collected.answer("code", wave=3)
    collected.answer("rest", wave=3)
    mended = swarm("collect", "--format", "json").data
    assert mended["findings"] == {"new": 0, "recurring": 0, "fixed": 1, "unverified": 0, "recurredWhileClosed": 0}
    (finding,) = swarm("findings", "--status", "all", "--format", "json", exit=1).data["findings"]
    assert (finding["status"], finding["evidence"]) == ("fixed", "anchor")


def test_silence_on_a_line_that_still_stands_is_no_fix(swarm: Swarm, collected: Workspace) -> None:
    swarm("dispatch", "health-audit-a", "--isolate")
    collected.answer("code", wave=2)
    collected.answer("rest", wave=2)
    assert swarm("collect", "--format", "json").data["findings"]["unverified"] == 1


def test_one_place_told_twice_is_one_finding_at_the_highest_severity(swarm: Swarm, dispatched: Workspace) -> None:
    place = {"file": "src/app.py", "line": 5, "quote": "def load(path, seen=[]):"}
    dispatched.answer("code", {**place, "severity": "LOW", "description": "One way."})
    dispatched.answer("rest", {**place, "severity": "HIGH", "description": "Another."})
    assert swarm("collect", "--format", "json").data["findings"]["new"] == 1
    (finding,) = swarm("findings", "--format", "json", exit=1).data["findings"]
    assert (finding["severity"], finding["domain"], finding["sightings"]) == ("HIGH", "code", 2)
    shown = swarm("show", finding["findingId"], "--format", "json").data["sightings"]
    assert [(s["domain"], s["description"]) for s in shown] == [("code", "One way."), ("rest", "Another.")]


def test_the_output_is_kept_as_it_was_read(swarm: Swarm, dispatched: Workspace) -> None:
    import hashlib

    dispatched.answer("code")
    dispatched.answer("rest")
    body = dispatched.output("code").read_bytes()
    swarm("collect")
    (kept,) = rows(dispatched.db, "SELECT path, sha256, bytes FROM artifacts WHERE agent_run_id = 1")
    assert kept == (str(dispatched.output("code")), hashlib.sha256(body).hexdigest(), len(body))


# --- outputs that cannot be used --------------------------------------------------------------------------


def _missing(file: Path, tmp: Path) -> None:
    del tmp
    shutil.rmtree(file.parent, ignore_errors=True)


def _folder(file: Path, tmp: Path) -> None:
    file.mkdir()


def _pipe(file: Path, tmp: Path) -> None:
    os.mkfifo(file)


def _link(file: Path, tmp: Path) -> None:
    target = tmp / "elsewhere.json"
    target.write_text('{"domain": "code", "stage": "A", "summary": "", "findings": []}')
    file.symlink_to(target)


def _dangling(file: Path, tmp: Path) -> None:
    file.symlink_to(tmp / "nothing")


def _device(file: Path, tmp: Path) -> None:
    file.symlink_to("/dev/zero")


def _huge(file: Path, tmp: Path) -> None:
    with file.open("wb") as stream:
        stream.truncate(50 * 1024 * 1024 + 1)


PLACES: dict[str, tuple[Callable[[Path, Path], None], str, str, str]] = {
    "missing": (_missing, "failed", "BOUNDED_JSON_READ_FAILED", "there is no output"),
    "a folder": (_folder, "invalid_output", "BOUNDED_JSON_READ_FAILED", "it is not a regular file"),
    "a pipe": (_pipe, "invalid_output", "BOUNDED_JSON_READ_FAILED", "it is not a regular file"),
    "a link": (_link, "invalid_output", "BOUNDED_JSON_READ_FAILED", "it is a symbolic link"),
    "a link to nothing": (_dangling, "invalid_output", "BOUNDED_JSON_READ_FAILED", "it is a symbolic link"),
    "a link to a device": (_device, "invalid_output", "BOUNDED_JSON_READ_FAILED", "it is a symbolic link"),
    "too large": (_huge, "invalid_output", "BOUNDED_JSON_SIZE_LIMIT", "52,428,801 bytes"),
}


@pytest.mark.parametrize("what", PLACES)
def test_what_lies_in_place_of_an_output_is_told_and_never_followed(
    swarm: Swarm, dispatched: Workspace, tmp_path: Path, what: str
) -> None:
    make, status, code, words = PLACES[what]
    file = dispatched.output("code")
    make(file, tmp_path)
    dispatched.answer("rest")
    answer = swarm("collect", "--format", "json", exit=1)
    assert statuses(answer) == {"code": status, "rest": "complete"}
    (problem,) = answer.data["agents"][0]["errors"]
    assert (problem["code"], problem["path"]) == (code, str(file))
    assert problem["message"].endswith(words)
    assert answer.data["waveStatus"] == "failed"
    run, named = dispatched.run, "--domain code:<corrected-output.json> --apply --reason '…'"
    helps = {"failed": f"swarm resume {run}", "invalid_output": f"swarm revalidate {run} {named}"}
    assert answer.data["nextAction"] == helps[status]


GOOD = {"domain": "code", "stage": "A", "summary": "Looked.", "findings": []}
ONE = {"id": "1", "severity": "LOW", "category": "bug", "description": "It is wrong."}
BODIES: dict[str, tuple[bytes, str, str]] = {
    "empty": (b"", "BOUNDED_JSON_PARSE_FAILED", "is not acceptable JSON: Expecting value: line 1 column 1 (char 0)"),
    "prose": (b"I found nothing.", "BOUNDED_JSON_PARSE_FAILED", "Expecting value: line 1 column 1 (char 0)"),
    "latin-1": (b'{"summary": "\xe9"}', "BOUNDED_JSON_PARSE_FAILED", "not UTF-8 at byte 13"),
    "NaN": (json.dumps(GOOD | {"x": float("nan")}).encode(), "BOUNDED_JSON_PARSE_FAILED", "NaN is no JSON number"),
    "a big integer": (json.dumps(GOOD | {"x": 2**63}).encode(), "BOUNDED_JSON_PARSE_FAILED", "does not fit in 64 bits"),
    "half a pair": (
        json.dumps(GOOD | {"summary": "\ud800"}).encode(),
        "BOUNDED_JSON_PARSE_FAILED",
        "it holds half a surrogate pair",
    ),
    "a list": (b"[]", "AGENT_OUTPUT_SCHEMA_INVALID", "$: [] is not of type 'object'"),
    "another domain": (
        json.dumps(GOOD | {"domain": "rest"}).encode(),
        "AGENT_OUTPUT_SCHEMA_INVALID",
        "$.domain: it says 'rest', and is the output of 'code'",
    ),
    "another stage": (
        json.dumps(GOOD | {"stage": "B"}).encode(),
        "AGENT_OUTPUT_SCHEMA_INVALID",
        "$.stage: it says 'B', and health-audit-a is stage 'A'",
    ),
    "a severity of its own": (
        json.dumps(GOOD | {"findings": [ONE, ONE | {"severity": "URGENT"}]}).encode(),
        "AGENT_OUTPUT_SCHEMA_INVALID",
        "$.findings[1].severity: 'URGENT' is not one of ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW']",
    ),
    "no description": (
        json.dumps(GOOD | {"findings": [{k: v for k, v in ONE.items() if k != "description"}]}).encode(),
        "AGENT_OUTPUT_SCHEMA_INVALID",
        "$.findings[0]: 'description' is a required property",
    ),
    "an amend output": (
        b'{"domain": "code", "summary": "", "fixes": [], "files_changed": []}',
        "AGENT_OUTPUT_SCHEMA_INVALID",
        "is a required property",
    ),
}


@pytest.mark.parametrize("what", BODIES)
def test_an_output_that_says_what_it_must_not_is_invalid_and_its_findings_do_not_count(
    swarm: Swarm, dispatched: Workspace, what: str
) -> None:
    body, code, words = BODIES[what]
    dispatched.output("code").write_bytes(body)
    dispatched.answer("rest")
    answer = swarm("collect", "--format", "json", exit=1)
    assert statuses(answer) == {"code": "invalid_output", "rest": "complete"}
    (problem,) = answer.data["agents"][0]["errors"]
    assert problem["code"] == code
    assert problem["message"].endswith(words)
    assert answer.data["findings"]["new"] == 0


def test_a_byte_order_mark_and_unknown_keys_are_taken(swarm: Swarm, dispatched: Workspace) -> None:
    body = json.dumps(GOOD | {"mood": "fine", "findings": [ONE | {"mood": "fine"}]}).encode()
    dispatched.output("code").write_bytes(b"\xef\xbb\xbf" + body)
    dispatched.answer("rest")
    assert swarm("collect", "--format", "json").data["findings"]["new"] == 1


def test_an_error_that_is_kept_is_at_most_512_characters_and_cannot_forge_lines(
    swarm: Swarm, dispatched: Workspace
) -> None:
    dispatched.output("code").write_text(json.dumps({**GOOD, "domain": "x" * 64, "stage": "A"}))
    dispatched.output("rest").write_text(json.dumps({**GOOD, "domain": "rest", "stage": "\n⊘ forged\x1b[2J" * 99}))
    lines = swarm("collect", exit=1).out.splitlines()
    assert [line for line in lines if line.startswith("⊘")] == []
    assert not any("\x1b" in line for line in lines)
    kept = rows(
        dispatched.db, "SELECT length(error) <= 512, error LIKE 'AGENT_OUTPUT_SCHEMA_INVALID: %' FROM agent_runs"
    )
    assert kept == [(1, 1), (1, 1)]


# --- paths ------------------------------------------------------------------------------------------------

UNSAFE = {
    "/etc/passwd": "it is absolute",
    "C:\\Windows\\system.ini": "it is absolute",
    "\\\\host\\share": "it is absolute",
    "src/../../out": "it climbs out of the repository",
    "src\\..\\..\\out": "it climbs out of the repository",
    ".git/config": "it leads into .git",
    "src/.GIT/hooks": "it leads into .git",
    "src/a\nb.py": "it holds control characters and is no path of the commit",
    "./": "it is empty",
    "out/escape.txt": "it leads through a symbolic link",
}


def test_every_unsafe_path_is_refused_for_its_finding_alone(
    swarm: Swarm, repo: Repo, workspace: Workspace, tmp_path: Path
) -> None:
    (repo.root / "out").symlink_to(tmp_path)
    repo.commit(message="a link out")
    swarm("dispatch", "health-audit-a", "--isolate")
    workspace.answer("code", *({"file": path} for path in UNSAFE), {"file": "./src\\app.py", "line": 5})
    workspace.answer("rest")
    answer = swarm("collect", "--format", "json")
    told = [(problem["code"], problem["path"], problem["message"]) for problem in answer.data["agents"][0]["errors"]]
    assert told == [
        ("PATH_UNSAFE", f"$.findings[{number}].file", f"'{path}': {why}")
        for number, (path, why) in enumerate(UNSAFE.items())
    ]
    (finding,) = swarm("findings", "--format", "json", exit=1).data["findings"]
    assert (finding["file"], finding["line"], answer.data["waveStatus"]) == ("src/app.py", 5, "collected")


def test_a_path_with_control_characters_is_safe_when_the_commit_has_it(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    name = "src/a\nb\x1b[2J.py"
    repo.commit({name: "x = 1\n"})
    swarm("dispatch", "health-audit-a", "--isolate")
    workspace.answer("code", {"file": name, "line": 1, "quote": "x = 1"})
    workspace.answer("rest")
    assert swarm("collect", "--format", "json").data["agents"][0]["errors"] == []
    text = swarm("findings", "--format", "text", exit=1).out
    assert text.startswith("src/a\\nb\\x1b[2J.py:1  ")


# --- an audit touches nothing -----------------------------------------------------------------------------


def _edit(tree: Path, repo: Repo) -> None:
    (tree / "src/app.py").write_text("# mended\n")


def _add(tree: Path, repo: Repo) -> None:
    (tree / "src/new.py").write_text("x = 1\n")


def _delete(tree: Path, repo: Repo) -> None:
    (tree / "src/app.py").unlink()


def _commit(tree: Path, repo: Repo) -> None:
    _edit(tree, repo)
    repo.git("commit", "-q", "-am", "mended", cwd=tree)


def _commit_and_restore(tree: Path, repo: Repo) -> None:
    _commit(tree, repo)
    repo.git("checkout", "-q", "HEAD~1", "--", ".", cwd=tree)


def _rename(tree: Path, repo: Repo) -> None:
    repo.git("mv", "src/app.py", "src/moved.py", cwd=tree)
    repo.git("commit", "-q", "-m", "moved", cwd=tree)


def _mode(tree: Path, repo: Repo) -> None:
    (tree / "src/app.py").chmod(0o755)


def _replace_by_link(tree: Path, repo: Repo) -> None:
    (tree / "src/app.py").unlink()
    (tree / "src/app.py").symlink_to("/etc/hostname")


def _assume_unchanged(tree: Path, repo: Repo) -> None:
    repo.git("update-index", "--assume-unchanged", "src/app.py", cwd=tree)
    _edit(tree, repo)


def _skip_worktree(tree: Path, repo: Repo) -> None:
    repo.git("update-index", "--skip-worktree", "src/app.py", cwd=tree)
    _edit(tree, repo)


def _same_size_and_time(tree: Path, repo: Repo) -> None:
    file = tree / "src/app.py"
    facts, body = file.stat(), file.read_bytes()
    file.write_bytes(body.replace(b"import os", b"import re"))
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def _staged(tree: Path, repo: Repo) -> None:
    _edit(tree, repo)
    repo.git("add", "-A", cwd=tree)
    (tree / "src/app.py").write_bytes((repo.root / "src/app.py").read_bytes())


TOUCHES: dict[str, tuple[Callable[[Path, Repo], None], list[str]]] = {
    "edits a file": (_edit, ["src/app.py"]),
    "adds a file": (_add, ["src/new.py"]),
    "deletes a file": (_delete, ["src/app.py"]),
    "commits": (_commit, ["src/app.py"]),
    "commits and restores its tree": (_commit_and_restore, ["src/app.py"]),
    "renames": (_rename, ["src/app.py", "src/moved.py"]),
    "changes a mode": (_mode, ["src/app.py"]),
    "makes a file a link": (_replace_by_link, ["src/app.py"]),
    "hides an edit as assumed unchanged": (_assume_unchanged, ["src/app.py"]),
    "hides an edit behind skip-worktree": (_skip_worktree, ["src/app.py"]),
    "hides an edit behind an equal time and size": (_same_size_and_time, ["src/app.py"]),
}


@pytest.mark.parametrize("what", TOUCHES)
def test_an_audit_agent_that_touches_its_tree_is_a_violation_and_its_work_stays(
    swarm: Swarm, repo: Repo, dispatched: Workspace, what: str
) -> None:
    touch, files = TOUCHES[what]
    tree = tree_of(dispatched, "code")
    touch(tree, repo)
    dispatched.answer("code", {"file": "src/app.py", "line": 5})
    dispatched.answer("rest")
    with nothing_changes(tree):
        answer = swarm("collect", "--format", "json", exit=1)
    assert statuses(answer) == {"code": "ownership_violation", "rest": "complete"}
    owner = [(file, "code", "code") for file in files]
    assert violations(answer) == owner
    assert answer.data["agents"][0]["violations"] == files
    assert (answer.data["waveStatus"], answer.data["findings"]["new"]) == ("failed", 0)
    claims = rows(dispatched.db, "SELECT path, observed, violation FROM file_claims ORDER BY path")
    assert claims == [(file, 1, 1) for file in files]
    status = swarm("status", "--format", "json").data
    assert (status["violations"], status["assessment"]["state"]) == (len(files), "BLOCKED")


def test_a_violation_of_an_audit_is_told_in_the_text(swarm: Swarm, dispatched: Workspace) -> None:
    (tree_of(dispatched, "code") / "README.md").write_text("# mine\n")
    dispatched.answer("code")
    dispatched.answer("rest")
    lines = swarm("collect", exit=1).out.splitlines()
    assert "⊘ README.md was touched by code; an audit edits nothing" in lines
    assert "Wave status: failed" in lines


def test_files_that_git_ignores_are_no_violation(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    repo.commit({".gitignore": "__pycache__/\n"})
    swarm("dispatch", "health-audit-a", "--isolate")
    cache = tree_of(workspace, "code") / "src/__pycache__"
    cache.mkdir()
    (cache / "app.pyc").write_bytes(b"x")
    workspace.answer("code")
    workspace.answer("rest")
    assert swarm("collect", "--format", "json").data["waveStatus"] == "collected"


def test_a_tree_that_is_gone_is_a_violation(swarm: Swarm, dispatched: Workspace) -> None:
    shutil.rmtree(tree_of(dispatched, "code"))
    dispatched.answer("code")
    dispatched.answer("rest")
    answer = swarm("collect", "--format", "json", exit=1)
    assert statuses(answer)["code"] == "ownership_violation"
    assert [problem["code"] for problem in answer.data["agents"][0]["errors"]] == ["WORKTREE_GONE"]


def test_a_git_file_that_leads_elsewhere_is_not_believed(
    swarm: Swarm, repo: Repo, dispatched: Workspace, tmp_path: Path
) -> None:
    decoy = tmp_path / "decoy"
    decoy.mkdir()
    repo.git("init", "-q", str(decoy))
    tree = tree_of(dispatched, "code")
    (tree / ".git").write_text(f"gitdir: {decoy}/.git\n")
    (tree / "src/app.py").write_text("# hidden\n")
    dispatched.answer("code")
    dispatched.answer("rest")
    answer = swarm("collect", "--format", "json", exit=1)
    assert ("src/app.py", "code", "code") in violations(answer)


# --- what all trees share ---------------------------------------------------------------------------------


def _hook(repo: Repo, tree: Path) -> str:
    hook = repo.root / ".git/hooks/post-checkout"
    hook.write_text("#!/bin/sh\ntouch ran\n")
    hook.chmod(0o755)
    return ".git/hooks/post-checkout"


def _config(repo: Repo, tree: Path) -> str:
    repo.git("config", "core.fsmonitor", "touch ran", cwd=tree)
    return ".git/config"


def _attributes(repo: Repo, tree: Path) -> str:
    (repo.root / ".git/info/attributes").write_text("* filter=evil\n")
    return ".git/info/attributes"


def _save_point(repo: Repo, tree: Path) -> str:
    (tag,) = repo.git("tag", "--list", "swarm-save-*").split()
    other = repo.git("commit-tree", "-m", "other", "HEAD^{tree}", cwd=tree)
    repo.git("update-ref", f"refs/tags/{tag}", other, cwd=tree)
    return f".git/refs/tags/{tag}"


def _alternates(repo: Repo, tree: Path) -> str:
    (repo.root / ".git/objects/info/alternates").write_text("/elsewhere\n")
    return ".git/objects/info/alternates"


@pytest.mark.parametrize("plant", [_hook, _config, _attributes, _save_point, _alternates])
def test_a_changed_git_folder_is_a_violation_of_the_wave_and_nothing_planted_runs(
    swarm: Swarm, repo: Repo, dispatched: Workspace, plant: Callable[[Repo, Path], str]
) -> None:
    name = plant(repo, tree_of(dispatched, "code"))
    dispatched.answer("code", {"file": "src/app.py", "line": 5})
    dispatched.answer("rest")
    answer = swarm("collect", "--format", "json", exit=1)
    assert violations(answer) == [(name, "the wave", "coordinator")]
    assert answer.data["waveStatus"] == "failed"
    assert list(repo.root.rglob("ran")) == []
    assert swarm("status", "--format", "json").data["violations"] == 1


@pytest.mark.parametrize("what", ["edited", "untracked"])
def test_a_change_of_the_primary_checkout_that_no_one_dispatched_is_a_violation(
    swarm: Swarm, repo: Repo, dispatched: Workspace, what: str
) -> None:
    name = {"edited": "src/app.py", "untracked": "src/planted.py"}[what]
    repo.write({name: "# planted\n"})
    dispatched.answer("code")
    dispatched.answer("rest")
    answer = swarm("collect", "--format", "json", exit=1)
    assert violations(answer) == [(name, "the wave", "primary checkout")]


def test_dirt_that_was_there_at_dispatch_is_nobodys_offence(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    repo.write({"src/app.py": "# in the works\n", "notes.txt": "mine\n"})
    swarm("dispatch", "health-audit-a", "--isolate")
    workspace.answer("code")
    workspace.answer("rest")
    assert swarm("collect", "--format", "json").data["violations"] == []


def test_a_commit_of_the_coordinator_is_nobodys_offence(swarm: Swarm, repo: Repo, dispatched: Workspace) -> None:
    repo.commit({"src/app.py": "# mended by hand\n"})
    dispatched.answer("code")
    dispatched.answer("rest")
    assert swarm("collect", "--format", "json").data["violations"] == []


def test_without_isolate_the_probe_is_degraded_and_says_so(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    swarm("dispatch", "health-audit-a")
    repo.write({"src/app.py": "# who did this?\n"})
    workspace.answer("code")
    workspace.answer("rest")
    answer = swarm("collect", "--format", "json")
    assert (answer.data["ownershipProbeDegraded"], answer.data["violations"]) == (True, [])
    assert [event["stage"] for event in answer.events if event["stage"] == "ownership_probe_degraded"] != []
    assert swarm("status", "--format", "json").data["waves"]["current"]["ownershipProbeDegraded"] is True


# --- outputs that are named -------------------------------------------------------------------------------


def test_an_output_may_be_named_from_the_working_folder(
    swarm: Swarm, repo: Repo, dispatched: Workspace, tmp_path: Path
) -> None:
    dispatched.answer("code", {"file": "src/app.py", "line": 5})
    dispatched.answer("rest")
    dispatched.output("code").rename(tmp_path / "by hand:1.json")
    answer = swarm("collect", dispatched.run, "--domain", "code:../by hand:1.json", "--format", "json")
    assert (answer.data["waveStatus"], answer.data["findings"]["new"]) == ("collected", 1)


@pytest.mark.parametrize("word", ["code", "code:", ":x.json", ""])
def test_a_named_output_needs_a_name_and_a_path(swarm: Swarm, dispatched: Workspace, word: str) -> None:
    answer = swarm("collect", "--domain", word, exit=1)
    assert block_of(answer).splitlines()[0] == f"ERROR [CLI_USAGE]: --domain takes NAME:PATH; got '{word}'"


def test_a_domain_is_named_once(swarm: Swarm, dispatched: Workspace) -> None:
    answer = swarm("collect", "--domain", "code:a", "--domain", "code:b", exit=1)
    assert block_of(answer).splitlines()[0] == "ERROR [CLI_USAGE]: --domain code is given twice"


SARIF = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {
                "driver": {
                    "name": "lint",
                    "version": "1.2",
                    "rules": [
                        {"id": "SEC1", "properties": {"tags": ["security"], "security-severity": "9.1"}},
                        {"id": "STY1", "defaultConfiguration": {"level": "note"}},
                    ],
                }
            },
            "results": [
                {
                    "ruleId": "SEC1",
                    "message": {"text": "eval is evil"},
                    "locations": [
                        {
                            "physicalLocation": {
                                "artifactLocation": {"uri": "src/tool.py"},
                                "region": {"startLine": 5, "snippet": {"text": "    return eval('1')"}},
                            }
                        }
                    ],
                },
                {
                    "ruleId": "STY1",
                    "message": {"text": "two imports"},
                    "locations": [
                        {"physicalLocation": {"artifactLocation": {"uri": "src/tool.py"}, "region": {"startLine": 1}}}
                    ],
                },
                {"ruleId": "STY1", "message": {"text": "silenced"}, "suppressions": [{"kind": "inSource"}]},
                {"ruleId": "STY1", "message": {"text": "gone"}, "baselineState": "absent"},
            ],
        }
    ],
}


def test_a_domains_output_may_be_sarif_of_any_tool(swarm: Swarm, dispatched: Workspace, tmp_path: Path) -> None:
    report = tmp_path / "lint.sarif"
    report.write_text(json.dumps(SARIF))
    dispatched.answer("rest")
    swarm("collect", "--domain", f"code:{report}")
    found = swarm("findings", "--format", "json", exit=1).data["findings"]
    keys = ("ruleId", "severity", "category", "file", "line", "quote", "description", "anchored")
    assert [tuple(finding[key] for key in keys) for finding in found] == [
        ("SEC1", "CRITICAL", "security", "src/tool.py", 5, "return eval('1')", "eval is evil", "quote"),
        ("STY1", "LOW", "quality", "src/tool.py", 1, "import json, re", "two imports", "line"),
    ]


NO_SARIF = {
    "{}": "it is no SARIF log: it has no runs",
    "[]": "it is no SARIF log: it has no runs",
    '{"runs": 3}': "it is no SARIF log: it has no runs",
    '{"runs": [3]}': "it is no SARIF log: $.runs[0] has no tool",
    '{"runs": [{"results": []}]}': "it is no SARIF log: $.runs[0] has no tool",
}


@pytest.mark.parametrize("body", NO_SARIF)
def test_sarif_that_is_none_is_invalid_output(swarm: Swarm, dispatched: Workspace, tmp_path: Path, body: str) -> None:
    report = tmp_path / "lint.sarif"
    report.write_text(body)
    dispatched.answer("rest")
    answer = swarm("collect", "--domain", f"code:{report}", "--format", "json", exit=1)
    assert answer.data["agents"][0]["status"] == "invalid_output"
    assert answer.data["agents"][0]["errors"] == [
        {"code": "AGENT_OUTPUT_SCHEMA_INVALID", "path": str(report), "message": f"{report} {NO_SARIF[body]}"}
    ]


def test_sarif_with_parts_of_the_wrong_kind_is_taken_for_what_it_says(
    swarm: Swarm, dispatched: Workspace, tmp_path: Path
) -> None:
    odd: list[Any] = [3, "text", None, [], {}, True]
    results = [{"ruleId": "X", "message": value, "locations": value, "level": value} for value in odd]
    results += [{"ruleId": "X", "locations": [{"physicalLocation": value}]} for value in odd]
    results += [{"ruleId": "X", "locations": [{"physicalLocation": {"region": value}}]} for value in odd]
    results += [
        {"ruleId": "X", "locations": [{"physicalLocation": {"region": {"startLine": 1, "startColumn": value}}}]}
        for value in odd
    ]
    rules = [{"id": value, "properties": value} for value in odd]
    rules += [{"id": "X", "properties": {"tags": value, "security-severity": value}} for value in odd]
    driver = {"name": "odd", "rules": rules}
    report = tmp_path / "odd.sarif"
    report.write_text(json.dumps({"runs": [{"tool": {"driver": driver}, "results": results + odd}]}))
    dispatched.answer("rest")
    agent = swarm("collect", "--domain", f"code:{report}", "--format", "json").data["agents"][0]
    assert (agent["status"], agent["findingsCount"]) == ("complete", len(results) + 1)


# --- races and crashes ------------------------------------------------------------------------------------


def test_of_two_collects_at_once_one_wins(swarm_process: Swarm, dispatched: Workspace) -> None:
    dispatched.answer("code", {"file": "src/app.py", "line": 5})
    dispatched.answer("rest")
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: swarm_process("collect", dispatched.run, exit=None), range(2)))
    assert sorted(answer.exit for answer in both) == [0, 1]
    assert next(answer for answer in both if answer.exit).code in {
        "COLLECT_NO_WAVE",
        "LAUNCH_IN_PROGRESS",
        "STATE_CONFLICT",
    }
    assert rows(dispatched.db, "SELECT count(*) FROM sightings") == [(1,)]


FOUND = "SELECT finding_id, fingerprint, file, line, status, sightings FROM findings ORDER BY finding_id"


def test_a_collect_that_died_before_its_commit_has_written_nothing_and_is_done_again(
    swarm: Swarm, swarm_process: Swarm, dispatched: Workspace
) -> None:
    dispatched.answer("code", {"file": "src/app.py", "line": 5})
    dispatched.answer("rest")
    swarm_process("collect", exit=-9, SWARM_FAILPOINT="commit.before")
    assert (
        rows(dispatched.db, "SELECT status FROM waves UNION ALL SELECT status FROM agent_runs") == [("dispatched",)] * 3
    )
    assert rows(dispatched.db, "SELECT * FROM artifacts") == []
    assert swarm("collect", "--format", "json").data["findings"]["new"] == 1
    assert len(rows(dispatched.db, FOUND)) == 1
    assert left_over(dispatched.folder) == []
    assert sound(swarm)


def test_the_database_is_for_this_user_alone(workspace: Workspace) -> None:
    assert stat.S_IMODE(workspace.db.stat().st_mode) == 0o600


def test_an_unknown_column_of_a_trigger_is_no_traceback(swarm: Swarm, dispatched: Workspace) -> None:
    with sqlite3.connect(dispatched.db) as conn:
        conn.execute("CREATE TRIGGER bad BEFORE INSERT ON artifacts BEGIN SELECT RAISE(ABORT, 'not now'); END")
    conn.close()
    dispatched.answer("code")
    dispatched.answer("rest")
    answer = swarm("collect", exit=1)
    assert block_of(answer).splitlines()[0] == "ERROR: not now"
    assert rows(dispatched.db, "SELECT status FROM agent_runs") == [("dispatched",), ("dispatched",)]


def test_an_equal_line_added_above_a_known_finding_is_a_new_finding_of_its_own(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    repo.commit({"src/t.py": "def f():\n    a = 1\n    go()\n    b = 2\n"})
    swarm("dispatch", "health-audit-a", "--isolate")
    workspace.answer("code", {"file": "src/t.py", "line": 3, "quote": "    go()"})
    workspace.answer("rest")
    swarm("collect")
    repo.commit({"src/t.py": "def f():\n    go()\n    a = 1\n    go()\n    b = 2\n"})
    swarm("dispatch", "health-audit-a", "--isolate")
    both = ({"file": "src/t.py", "line": line, "quote": "    go()"} for line in (2, 4))
    workspace.answer("code", *both, wave=2)
    workspace.answer("rest", wave=2)
    counts = swarm("collect", "--format", "json").data["findings"]
    assert counts == {"new": 1, "recurring": 1, "fixed": 0, "unverified": 0, "recurredWhileClosed": 0}
    assert rows(workspace.db, "SELECT line, status FROM findings ORDER BY id") == [(4, "recurring"), (2, "new")]
