"""Walks of a new user, each on a fresh clone with an empty home: terminal, GitHub, GitLab, MCP client, pre-commit.

`python benchmarks/walks.py terminal mcp` takes those named, without words all. Each walk prints one JSON line with the
seconds of its stages; a stage whose answer is not as the documentation says ends the script. The clone is of HEAD. What
pip installs comes from its registry or its cache, so the first run on a machine is slower.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml
from measure import environment, folder

ROOT = Path(__file__).parent.parent
APP = "import json\n\n\ndef load(path, seen=[]):\n    seen.append(path)\n    return seen\n"
WORSE = APP + '\n\ndef greet():\n    return f"hello {user}"\n'
# Without a package beside Python: a user who has none of pytest can follow the walk too.
TEST = """\
import unittest

from app import load


class TestLoad(unittest.TestCase):
    def test_load(self):
        self.assertEqual(load("x"), ["x"])
"""
PERSON = ("-c", "user.name=A Person", "-c", "user.email=person@example.invalid")


class Walk:
    """A user with an empty home, a clone of this project and a repository of their own; the clock of each stage."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.seconds: dict[str, float] = {}
        self.home, self.source, self.project = place / "home", place / "swarm", place / "project"
        self.home.mkdir()
        # A real Python and no shim of pyenv: its files lie in the home of whoever measures, which is no home here.
        self.path = f"{sys.base_prefix}/bin{os.pathsep}{os.environ['PATH']}"
        self.run("git", "clone", "-q", ROOT, self.source, cwd=place)
        self.project.mkdir()
        self.git("init", "-q", "-b", "main")
        self.commit({"app.py": APP, "test_app.py": TEST})

    def run(
        self, *argv: str | Path, cwd: Path | None = None, exit_code: int = 0, stdin: str = "", **variables: str
    ) -> str:
        """Run a program and return what it printed; end where it exits with another code."""
        # Neither the settings of whoever measures, nor the virtual environment of this script.
        own = {"HOME": str(self.home), "PATH": self.path, "PIP_CACHE_DIR": str(Path("~/.cache/pip").expanduser())}
        inherited = {name: value for name, value in environment().items() if name not in {"VIRTUAL_ENV", "SWARM_TRUST"}}
        done = subprocess.run(
            [str(word) for word in argv],
            cwd=cwd or self.project,
            env={**inherited, **own, **variables},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != exit_code:
            words = " ".join(map(str, argv))
            raise SystemExit(f"exit {done.returncode}, not {exit_code}: {words}\n{done.stdout}{done.stderr}")
        return done.stdout

    def git(self, *words: str | Path) -> str:
        return self.run("git", *PERSON, *words)

    def commit(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (self.project / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-qm", "change")

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - began, 1)

    def install(self, extras: str) -> None:
        """Install the clone as README.md says, into an environment of its own, and put it on PATH."""
        with self.stage("install"):
            self.run(sys.executable, "-m", "venv", self.place / "env")
            self.run(self.place / "env/bin/python", "-m", "pip", "install", "--quiet", f"{self.source}[{extras}]")
        self.path = f"{self.place}/env/bin{os.pathsep}{self.path}"

    def holds(self, what: str, is_right: object) -> None:
        if not is_right:
            raise SystemExit(f"{what} is not as it should be")


def terminal(walk: Walk) -> None:
    """By README.md: install, audit, fix a rule, take the fix."""
    walk.install("analyzers")
    with walk.stage("first finding"):
        found = walk.run("swarm", "audit", ".", exit_code=1)
        walk.holds("the audit", "2 new (1 fixable: swarm fix --rule F401)" in found)
    with walk.stage("first fix"):
        walk.run("swarm", "fix", "--rule", "F401", "--dry-run")
        walk.run("swarm", "fix", "--rule", "F401")
        walk.run("swarm", "fix", "--publish")
        walk.holds("the fix", (walk.project / "app.py").read_text() == APP.replace("import json\n", ""))


def github(walk: Walk) -> None:
    """The steps of action.yml as a runner takes them, on a checkout of depth 1, for a pull request that adds a finding."""
    walk.git("switch", "-q", "-c", "feature")
    walk.commit({"app.py": WORSE})
    checkout, files = walk.place / "checkout", walk.place / "files"
    walk.run("git", "clone", "-q", "--depth", "1", "--branch", "feature", walk.project.as_uri(), checkout)
    (files / "temp").mkdir(parents=True)
    action = yaml.safe_load((walk.source / "action.yml").read_text())
    given = {f"inputs.{name}": each["default"] for name, each in action["inputs"].items()} | {"inputs.fix": "F401"}
    variables = {
        "GITHUB_ACTION_PATH": str(walk.source),
        "GITHUB_BASE_REF": "main",
        "RUNNER_TEMP": f"{files}/temp",
        **{name: f"{files}/{name}" for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH")},
    }
    for step in action["runs"]["steps"]:
        if "run" not in step:
            continue
        own = {name: _filled(value, given) for name, value in step["env"].items()}
        expected = 1 if step["name"] == "Gate" else 0
        with walk.stage(step["name"]):
            walk.run("bash", "-e", "-c", step["run"], cwd=checkout, exit_code=expected, **variables, **own)
        given |= _outputs(files / "GITHUB_OUTPUT", step.get("id", ""))
        if (added := files / "GITHUB_PATH").exists():
            walk.path = f"{added.read_text().strip()}{os.pathsep}{walk.path}"
            added.unlink()
    walk.holds("the number of new findings", given["steps.audit.outputs.new"] == "1")
    walk.holds("the patch", "-import json" in Path(given["steps.fix.outputs.patch"]).read_text())
    walk.holds("the summary", (files / "GITHUB_STEP_SUMMARY").read_text().startswith("# 1 new finding, 2 known"))


def _filled(value: str, given: Mapping[str, str]) -> str:
    """Return the value of a variable with the expressions of the action's inputs and outputs in place."""
    return re.sub(r"\$\{\{ (.*?) \}\}", lambda found: given.get(found[1], ""), value)


def _outputs(file: Path, step: str) -> dict[str, str]:
    lines = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return {f"steps.{step}.outputs.{name}": value for name, value in (line.split("=", 1) for line in lines)}


def gitlab(walk: Walk) -> None:
    """The script of ci/gitlab.yml, for a merge request that adds a finding."""
    base = walk.git("rev-parse", "HEAD").strip()
    walk.commit({"app.py": WORSE})
    job = yaml.safe_load((walk.source / "ci/gitlab.yml").read_text())["swarm"]
    # The image of the job brings a Python where pip may install.
    walk.run(sys.executable, "-m", "venv", walk.place / "env")
    walk.path = f"{walk.place}/env/bin{os.pathsep}{walk.path}"
    variables = {**job["variables"], "SWARM_REQUIREMENT": f"{walk.source}[analyzers]"}
    variables["CI_MERGE_REQUEST_DIFF_BASE_SHA"] = base
    install, script = job["script"]
    with walk.stage("install"):
        walk.run("sh", "-euc", install, **variables)
    with walk.stage("audit"):
        walk.run("sh", "-euc", script, exit_code=1, **variables)
    report = json.loads((walk.project / job["artifacts"]["reports"]["codequality"]).read_text())
    walk.holds("the report", [issue["check_name"] for issue in report] == ["B006", "F821", "F401"])


def mcp(walk: Walk) -> None:
    """A client of the protocol, from `swarm init --agents` and an entry of a configuration to a verified finding."""
    walk.install("analyzers,mcp")
    with walk.stage("instructions"):
        entry = json.loads(walk.run("swarm", "init", "--agents", "--json"))["data"]["agents"]["clients"][0]["entry"]
        walk.commit({})
    server = json.loads(entry)["mcpServers"]["swarm"]
    script = walk.place / "client.py"
    script.write_text(CLIENT)
    words = (server["command"], *server["args"])
    walk.seconds |= json.loads(walk.run(walk.place / "env/bin/python", script, json.dumps(words)))
    shown = json.loads(walk.run("swarm", "findings", "--status", "fixed", "--json", exit_code=1))["data"]["findings"]
    walk.holds("the finding", [finding["ruleId"] for finding in shown] == ["F401"])


CLIENT = """
import json, os, sys, time
import anyio
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

command, *words = json.loads(sys.argv[1])
took = {}
began = time.perf_counter()

def passed(stage):
    took[stage] = round(time.perf_counter() - began - sum(took.values()), 1)

async def main():
    server = StdioServerParameters(command=command, args=words, env=dict(os.environ))
    async with Client(stdio_client(server)) as client:
        async def call(tool, **given):
            answer = (await client.call_tool(tool, given)).structured_content
            assert answer["ok"], answer
            return answer["data"]
        await client.list_tools()
        passed("tools listed")
        await call("audit")
        (finding,) = (await call("findings", rule="F401"))["findings"]
        passed("first finding")
        ids = [finding["findingId"]]
        await call("approve", findings=ids)
        await call("fix", findings=ids, dry_run=True)
        await call("fix", findings=ids)
        passed("first fix")
        assert (await call("verify"))["verdict"] == "pass"
        passed("verify")

anyio.run(main)
print(json.dumps(took))
"""


def hook(walk: Walk) -> None:
    """The hook of pre-commit: a push that adds a finding is stopped, one that removes it is not."""
    remote = walk.place / "remote.git"
    walk.git("clone", "-q", "--bare", walk.project, remote)
    walk.git("remote", "add", "origin", remote)
    walk.git("fetch", "-q")
    # As the hint of BASELINE_NOT_FOUND says: only a clone knows the default branch of its remote.
    walk.git("remote", "set-head", "origin", "--auto")
    revision = walk.run("git", "rev-parse", "HEAD", cwd=walk.source).strip()
    config = {"repos": [{"repo": str(walk.source), "rev": revision, "hooks": [{"id": "swarm-audit"}]}]}
    with walk.stage("install"):
        walk.run(sys.executable, "-m", "venv", walk.place / "env")
        walk.run(walk.place / "env/bin/python", "-m", "pip", "install", "--quiet", "pre-commit")
        walk.path = f"{walk.place}/env/bin{os.pathsep}{walk.path}"
        walk.commit({".pre-commit-config.yaml": yaml.safe_dump(config)})
        walk.run("pre-commit", "install", "--install-hooks", "--hook-type", "pre-push")
    with walk.stage("clean push"):
        walk.git("push", "-q", "origin", "main")
    walk.commit({"app.py": WORSE})
    with walk.stage("stopped push"):
        walk.run("git", "push", "-q", "origin", "main", exit_code=1)
    walk.commit({"app.py": APP, "notes.txt": "nothing that an analyzer reads\n"})
    with walk.stage("push of the fix"):
        walk.git("push", "-q", "origin", "main")
    pushed = walk.run("git", "--git-dir", remote, "rev-parse", "main")
    walk.holds("the remote", pushed == walk.git("rev-parse", "HEAD"))


WALKS: Mapping[str, Callable[[Walk], None]] = {
    "terminal": terminal,
    "github": github,
    "gitlab": gitlab,
    "mcp": mcp,
    "pre-commit": hook,
}


def main(words: list[str]) -> int:
    if strange := sorted(set(words) - WALKS.keys()):
        print(f"no walk is called {', '.join(strange)}; there are {', '.join(WALKS)}", file=sys.stderr)
        return 2
    for name in words or WALKS:
        with folder() as place:
            walk = Walk(place)
            WALKS[name](walk)
            total = round(sum(walk.seconds.values()), 1)
            print(json.dumps({"walk": name, "unit": "s", "stages": walk.seconds, "total": total}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
