"""Builds that `swarm verify` runs: bounded, ended with their processes, kept from the checkout."""

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from swarm.runtimes.processes import start_of
from tests.cli.scenes.merge_team import STEP, Team
from tests.cli.scenes.merged import checkout, lasting, left_behind, tips
from tests.cli.scenes.processes import assert_ends, detaching, is_alive
from tests.cli.scenes.snapshots import everything_in
from tests.cli.scenes.verified import verified
from tests.cli.test_merge_gate import step
from tests.conftest import Repo, Swarm, Workspace
from tests.stage import Stage
from tests.sweeping import swept


@pytest.fixture
def merged(team: Team, amended: Team, stage: Stage) -> Team:
    """The same with both agents' work published to `main`; two findings are fixed, one is approved."""
    stage.bring("merged", lambda: team.merge("--publish"))
    return amended


def test_probing_runs_and_records_nothing(merged: Team) -> None:
    merged.prove_with(step("touch ran; echo 1 ran"))
    everything = everything_in(merged.repo.root)
    answer = verified(merged, "--probe-only")
    assert (answer.data["verdict"], answer.data["adapter"], answer.data["receiptId"]) == ("skip", "configured", None)
    assert [(item["name"], item["status"], item["exitCode"]) for item in answer.data["steps"]] == [
        ("check", "not run", None)
    ]
    assert answer.data["probes"] == {"configured": 100, "python": 40, "rust": 0, "go": 0, "node": 0}
    lines = merged.swarm("verify", "--probe-only").out.splitlines()
    assert "Adapter: configured (of configured 100, python 40)" in lines
    assert everything_in(merged.repo.root) == everything


def test_a_repository_elsewhere_is_proved_where_it_is(merged: Team, tmp_path: Path) -> None:
    """CI has a checkout of its own, and the control plane beside it or by `--db`."""
    clone = tmp_path / "ci" / "clone"
    merged.repo.git("clone", "-q", str(merged.repo.root), str(clone))
    merged.repo.root.rename(tmp_path / "moved")
    db = tmp_path / "moved/swarms/control-plane.db"
    before = everything_in(clone / "src")
    words = ("--db", db, "verify", merged.run, "--format", "json")
    here = merged.swarm(*words, cwd=clone)
    named = merged.swarm(*words, "--repo-path", clone, cwd=tmp_path)
    assert here.data["commitSha"] == named.data["commitSha"]
    assert (here.data["verdict"], here.data["claims"]["summary"]["verified"]) == ("pass", 2)
    assert everything_in(clone / "src") == before
    (tmp_path / "moved").rename(merged.repo.root)


def test_a_step_that_hangs_is_ended_with_its_whole_group(merged: Team, tmp_path: Path) -> None:
    script = f"sleep 600 & echo $! > {tmp_path}/pid; wait"
    merged.prove_with("[verify]\ntimeout_seconds = 1\n\n" + step(script))
    answer = verified(merged, exit=1)
    assert (answer.data["steps"][0]["status"], answer.data["verdict"]) == ("timed_out", "fail")
    assert not is_alive(int((tmp_path / "pid").read_text()))
    assert left_behind(merged) == []


def test_an_interrupt_ends_the_step_and_leaves_nothing(merged: Team, tmp_path: Path) -> None:
    merged.prove_with(step(f"mkfifo {tmp_path}/never; echo $$ > {tmp_path}/pid; exec cat {tmp_path}/never"))
    process = subprocess.Popen(
        [sys.executable, "-m", "swarm", "verify", merged.run],
        cwd=merged.repo.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 30
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    step_pid = int((tmp_path / "pid").read_text())
    assert start_of(step_pid) is not None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Interrupted. The same command goes on from here." in err
    assert not is_alive(step_pid)
    assert left_behind(merged) == []
    assert merged.rows("SELECT count(*) FROM verifications WHERE purpose = 'verify'") == [(0,)]


def test_the_code_under_test_cannot_use_the_control_plane(merged: Team, tmp_path: Path) -> None:
    swarm = f"{sys.executable} -m swarm"
    script = f"{swarm} approve --all > {tmp_path}/out 2>&1; cd {merged.repo.root}; {swarm} runs >> {tmp_path}/out 2>&1"
    merged.prove_with(step(f"{script}; echo 1 ran"))
    before = merged.rows("SELECT count(*) FROM events")
    verified(merged)
    text = [line for line in (tmp_path / "out").read_text().splitlines() if line.startswith("ERROR")]
    assert len(text) == 2
    assert all(line.startswith("ERROR [INSIDE_AGENT_WORKTREE]") for line in text)
    after = merged.rows("SELECT kind FROM events WHERE seq > ?", before[0][0])
    assert {kind for (kind,) in after} == {"verified", "receipt_made", "wave_moved"}


def test_a_process_that_leaves_its_session_does_not_outlive_the_build(merged: Team, tmp_path: Path) -> None:
    merged.prove_with(step(f"{detaching(tmp_path)}; echo 1 ran"))
    verified(merged)
    assert_ends(int((tmp_path / "gone").read_text()))


def test_a_request_to_end_ends_what_it_started_and_leaves_nothing(merged: Team, tmp_path: Path) -> None:
    merged.prove_with(step(f"{detaching(tmp_path)}; echo $$ > {tmp_path}/pid; sleep 600"))
    process = subprocess.Popen(
        [sys.executable, "-m", "swarm", "verify", merged.run],
        cwd=merged.repo.root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 30
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) != 0
    for name in ("pid", "gone"):
        assert_ends(int((tmp_path / name).read_text()))
    assert left_behind(merged) == []
    assert merged.rows("SELECT count(*) FROM verifications WHERE purpose = 'verify'") == [(0,)]


DISTURBING = {
    "a file of the checkout": ("echo x >> {root}/README.md", ("README.md",)),
    "a new file in the checkout": ("echo x > {root}/conftest.py", ("conftest.py",)),
    "a hook": ("mkdir -p {root}/.git/hooks; echo x > {root}/.git/hooks/post-commit", ("hooks/post-commit",)),
    "the configuration": ("git -C {root} config user.name x", ("config",)),
}


@pytest.mark.parametrize("what", swept(DISTURBING))
def test_a_build_that_writes_outside_of_its_tree_proves_nothing(team: Team, amended: Team, what: str) -> None:
    script, files = DISTURBING[what]
    team.prove_with(step(f"{script.format(root=team.repo.root)}; echo 1 ran"))
    before, refs = lasting(team), tips(team.repo)["main"]
    for words in (("merge", "--publish"), ("verify",)):
        for name in ("README.md", "conftest.py"):
            (team.repo.root / name).unlink(missing_ok=True)
        (team.repo.root / ".git/hooks/post-commit").unlink(missing_ok=True)
        team.repo.git("checkout", "-q", "--", "README.md")
        team.repo.git("config", "user.name", "nobody")
        error = team.swarm(*words, "--format", "json", exit=1).document["error"]
        assert (error["code"], tuple(error["files"])) == ("PROOF_DISTURBED", files)
    assert (lasting(team), tips(team.repo)["main"]) == (before, refs)
    assert team.integration not in tips(team.repo)
    assert left_behind(team) == []


def test_what_a_step_prints_is_free_of_secrets_and_bounded(merged: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_TOKEN", "hush-hush-hush")
    monkeypatch.setenv("OTHER", "not passed on")
    script = "echo $MY_API_TOKEN $OTHER ghp_" + "a" * 36 + "; head -c 100000 /dev/zero | tr '\\\\0' x; echo; echo 1 ran"
    merged.prove_with('[verify]\nenvironment = ["MY_API_TOKEN"]\n\n' + step(script))
    log = Path(verified(merged).data["steps"][0]["log"])
    ((steps,),) = merged.rows("SELECT steps FROM verifications WHERE purpose = 'verify'")
    (kept,) = json.loads(steps)
    for item in ((log / "stdout.log").read_text(), kept["stdout"]):
        assert "hush" not in item
        assert "ghp_a" not in item
        assert "not passed on" not in item
        assert item.endswith("1 ran\n")
    assert len((log / "stdout.log").read_bytes()) > 100_000
    assert len(kept["stdout"]) <= 8000


def test_what_a_build_writes_touches_neither_the_checkout_nor_the_commit(merged: Team) -> None:
    merged.prove_with(step("echo x > README.md; echo y > new.txt; git add -A; git commit -qm evil; echo 1 ran"))
    before, refs = checkout(merged.repo.root), tips(merged.repo)
    verified(merged)
    assert checkout(merged.repo.root) == before
    assert tips(merged.repo) == refs
    assert left_behind(merged) == []


def test_without_a_wave_the_code_alone_is_proved(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    (workspace.folder / "swarm.toml").write_text(STEP)
    answer = swarm("verify", "--format", "json")
    assert (answer.data["waveId"], answer.data["verdict"], answer.data["claims"]["summary"]["total"]) == (
        None,
        "pass",
        0,
    )
    assert "Nothing to look at again." in swarm("verify").out.splitlines()
    assert repo.head == answer.data["commitSha"]


def test_two_verifications_at_once_both_end(merged: Team, swarm_process: Swarm) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: swarm_process("verify", merged.run, "--format", "json"), range(2)))
    assert sorted(answer.data["verificationId"] for answer in both) == [2, 3]
    assert len({answer.data["steps"][0]["log"] for answer in both}) == 2
    assert left_behind(merged) == []
