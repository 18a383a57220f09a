"""`[worktrees] setup` and ports: run before agents are launched, nobody's work, and a reason where it fails."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.scenes.launched_agents import LONG, Agents, attempts, eventually, outcomes
from tests.cli.scenes.merge_team import STEP, Team
from tests.conftest import Answer, Repo, Swarm, Workspace
from tests.sweeping import swept

Launched = Callable[..., Answer]
# A new file, a changed file of the commit, an ignored folder: as an installer leaves them.
MAKES = "mkdir -p gen node_modules; echo made > gen/new.txt; echo more >> web/index.html; echo x > node_modules/x.js"


def setup(script: str, more: str = "") -> str:
    return f'[worktrees]\nsetup = ["sh", "-c", {json.dumps(script)}]\n{more}'


def trees(workspace: Workspace, wave: int = 1) -> list[Path]:
    return [workspace.folder / workspace.run / "worktrees" / f"w{wave}-{name}" for name in ("code", "rest")]


def test_a_set_up_runs_in_each_tree_before_its_agent_and_what_it_makes_is_nobodys_work(
    launched: Launched, swarm: Swarm, workspace: Workspace
) -> None:
    reads = "made = pathlib.Path('gen/new.txt')\nwrite(summary=made.read_text())\nmade.write_text('changed')\n"
    answer = launched(reads, more=setup(f"{MAKES}; echo $SWARM_DOMAIN"))
    assert outcomes(answer) == {"code": [("success", 0, 0)], "rest": [("success", 0, 0)]}
    folder = workspace.folder / workspace.run / "wave-1"
    logs = [(folder / name / "attempt-1/setup/stdout.log").read_text() for name in ("code", "rest")]
    assert logs == ["code\n", "rest\n"]
    assert [json.loads(workspace.output(name).read_text())["summary"] for name in ("code", "rest")] == ["made\n"] * 2
    data = swarm("collect", "--format", "json").data
    assert (data["waveStatus"], data["violations"]) == ("collected", [])
    states = {item["name"]: item["state"] for item in swarm("clean", "--format", "json").data["removable"]}
    assert states == {"w1-code": "as_dispatched", "w1-rest": "as_dispatched"}


def test_of_what_a_set_up_makes_only_a_later_edit_of_a_file_of_the_commit_is_work(team: Team, agents: Agents) -> None:
    ids = team.ids()
    body = {"domain": "rest", "summary": "s", "fixes": [{"finding_id": ids["# A project"], "description": "d"}]}
    agents.play(
        f"if os.environ['SWARM_DOMAIN'] == 'rest':\n"
        f"    pathlib.Path('README.md').write_text(pathlib.Path('README.md').read_text() + 'by the agent\\n')\n"
        f"    subprocess.run(['git', 'add', '-A'], check=True)\n"
        f"    pathlib.Path(os.environ['SWARM_OUTPUT_FILE']).write_text(json.dumps({body | {'files_changed': []}!r}))\n"
        f"else:\n"
        f"    write(fixes=[], files_changed=[])\n",
        more=setup(f"{MAKES}; echo set-up >> README.md; rm web/index.html; echo a > src/new.py") + STEP,
    )
    played = (team.repo.root / "swarm.toml").read_text()
    (team.repo.root / "swarm.toml").unlink()
    team.prove_with(played)
    team.dispatch()
    team.swarm("launch", team.run, "--runtime", "played")
    team.swarm("collect", team.run)
    assert team.rows("SELECT path, kind, owner FROM file_claims ORDER BY path") == [("README.md", "edit", "rest")]
    team.merge()
    assert team.repo.git("diff", "--name-status", "main", team.integration) == "M\tREADME.md"
    assert team.file_at(team.integration, "README.md") == "# A project\nset-up\nby the agent"


@pytest.mark.parametrize(
    ("script", "exit_class", "words"),
    swept(
        [
            ("echo no registry >&2; exit 9", 3, ["ended with exit code 9", "no registry"]),
            ("sleep 600", 3, ["did not end within 1 s"]),
            ("for n in $(seq 1 1001); do echo > made$n; done", 3, ["left 1,001 files that git does not ignore"]),
        ]
    ),
    ids=["fails", "hangs", "floods"],
)
def test_an_agent_whose_tree_cannot_be_set_up_is_not_launched_and_says_why(
    launched: Launched,
    agents: Agents,
    swarm: Swarm,
    workspace: Workspace,
    script: str,
    exit_class: int,
    words: list[str],
) -> None:
    seen = agents.folder / "seen"
    body = f"pathlib.Path({str(seen)!r}).write_text('x')\nwrite()"
    only_code = f'if [ "$SWARM_DOMAIN" = code ]; then {script}; fi'
    answer = launched(body, exit=exit_class, more=setup(only_code, "timeout_seconds = 1\n"))
    code, rest = (own[0] for own in attempts(answer).values())
    shown = (code["outcome"], code["exitClass"], code["errorCode"], rest["outcome"])
    assert shown == ("not_started", exit_class, "WORKTREE_SETUP_FAILED", "success")
    logs = workspace.folder / workspace.run / "wave-1/code/attempt-1/setup"
    for word in words:
        assert word in code["errorFragment"]
    assert ("1,001" in words[0]) != (f"its output is in {logs}" in code["errorFragment"])
    assert seen.read_text() == "x"
    assert answer.data["nextAction"] == f"swarm resume {workspace.run}"
    swarm("resume", "--apply", "--reason", "the registry is back")
    again = swarm("attempts", "--format", "json").data
    assert [agent["status"] for agent in again["agents"]] == ["dispatched", "running"]


def test_a_set_up_whose_program_is_missing_ends_with_the_class_of_a_missing_program(launched: Launched) -> None:
    answer = launched("write()", exit=127, more='[worktrees]\nsetup = [["no-such-installer", "ci"]]\n')
    assert outcomes(answer) == {"code": [("not_started", 127, None)], "rest": [("not_started", 127, None)]}


def test_a_set_up_is_not_repeated_for_a_second_attempt(agents: Agents, swarm: Swarm, workspace: Workspace) -> None:
    count = agents.folder / "count"
    agents.play("write()", more=setup(f"echo x >> {count}.$SWARM_DOMAIN"))
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "played")
    for _ in range(2):
        swarm("launch")
    assert [(agents.folder / f"count.{name}").read_text() for name in ("code", "rest")] == ["x\n", "x\n"]


def test_agents_that_run_at_once_have_blocks_of_ports_of_their_own(
    launched: Launched, workspace: Workspace, agents: Agents
) -> None:
    # Each waits until the other has begun, so that both hold their block.
    body = f"""
own = pathlib.Path({str(agents.folder)!r})
(own / os.environ["SWARM_DOMAIN"]).write_text(os.environ["SWARM_PORT_BASE"])
while not all((own / name).exists() for name in ("code", "rest")):
    time.sleep(0.01)
write(summary=os.environ["SWARM_PORT_BASE"])
"""
    launched(body, "--jobs", "2", more="[worktrees]\nport_base = 31000\n")
    ports = sorted(int((agents.folder / name).read_text()) for name in ("code", "rest"))
    assert all(port >= 31000 and port % 10 == 0 for port in ports)
    assert ports[1] - ports[0] >= 10


def test_a_person_has_set_up_and_ports_while_a_runtime_waits_for_the_answers(
    swarm: Swarm, repo: Repo, workspace: Workspace, background: Callable[..., subprocess.Popen[str]]
) -> None:
    page = (Path(__file__).parents[2] / "docs/waves.md").read_text()
    (table,) = re.findall(r"^\[runtimes\.by-hand\]\n.*?(?=^```)", page, re.DOTALL | re.MULTILINE)
    (repo.root / "swarm.toml").write_text(setup(MAKES, table))
    swarm("dispatch", "health-audit-a", "--isolate")
    launch = background("launch", "--runtime", "by-hand", "--timeout", "8h", "--jobs", "2")
    ports = [tree / ".swarm/ports" for tree in trees(workspace)]
    assert eventually(lambda: all(file.exists() and file.read_text() for file in ports))
    assert len({int(file.read_text()) for file in ports}) == 2
    for name, tree in zip(("code", "rest"), trees(workspace), strict=True):
        assert (tree / "gen/new.txt").read_text() == "made\n"
        answer = {"domain": name, "stage": "A", "summary": "Looked.", "findings": []}
        (tree / ".swarm/output.json").write_text(json.dumps(answer))
    launch.communicate(timeout=LONG)
    assert launch.returncode == 0
    assert swarm("collect", "--format", "json").data["waveStatus"] == "collected"


def test_secrets_of_copied_files_are_masked_in_the_logs_of_the_set_up_and_of_the_agent(
    launched: Launched, repo: Repo, workspace: Workspace
) -> None:
    repo.write({".env": 'export DB_PASSWORD="corr\\"ect horse"\nSERVICE_KEY=battery-staple\nNAME=plain-value\n'})
    repo.write({".worktreeinclude": ".env\n"})
    body = "print('the battery-staple and plain-value', json.dumps({'a': 'battery-staple'}))\nwrite()"
    launched(body, more=setup("echo battery-staple; echo plain-value"))
    folder = workspace.folder / workspace.run / "wave-1/code/attempt-1"
    assert (folder / "setup/stdout.log").read_text() == "[redacted]\nplain-value\n"
    assert (folder / "stdout.log").read_text() == 'the [redacted] and plain-value {"a": "[redacted]"}\n'


def test_a_set_up_that_nobody_trusts_is_not_run_and_its_agents_are_not_launched(
    swarm: Swarm, repo: Repo, agents: Agents, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    agents.play("write()", more=setup("true"))
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "played")
    monkeypatch.setenv("SWARM_TRUST", "0")
    assert swarm("launch", exit=2).code == "CONFIG_UNTRUSTED"
    parts = swarm("trust", "--check", "--format", "json", exit=None).data["parts"]
    assert sorted(parts) == ["runtimes.played", "worktrees.setup"]
