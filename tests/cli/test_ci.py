"""The action for GitHub, the template for GitLab and the hook of pre-commit: their steps, run as scripts in clones."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.conftest import GIT, Repo

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
ONE = "import json\n\n\ndef load(path, seen=[]):\n    return seen\n"
TWO = ONE + "\n\ndef greet():\n    return f'hello {user}'\n"
NO_SETTINGS = {name: value for name, value in GIT.items() if name.startswith("GIT_CONFIG")}
INPUTS = {
    "SWARM_INPUT_PATH": ".",
    "SWARM_INPUT_BASELINE": "",
    "SWARM_INPUT_FAIL_ON": "new",
    "SWARM_INPUT_ANNOTATIONS": "true",
    "SWARM_INPUT_SUMMARY": "true",
    "SWARM_EVENT_BEFORE": "",
    "SWARM_DEFAULT_BRANCH": "",
}


class Runner(NamedTuple):
    """A fresh machine of a CI system: a checkout, and the files by which a step answers."""

    checkout: Path
    files: Path

    def run(self, *argv: str, exit_code: int = 0, **environment: str) -> str:
        own = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "SWARM_LOG": "off",
            "RUNNER_TEMP": f"{self.files}/temp",
            "GITHUB_ACTION_PATH": str(ROOT),
            **{name: f"{self.files}/{name}" for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH")},
        }
        done = subprocess.run(
            argv,
            cwd=self.checkout,
            # Without an author: a runner has none.
            env={**os.environ, **NO_SETTINGS, **own, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == exit_code, done.stdout + done.stderr
        return done.stdout

    def step(self, script: str, **environment: str) -> str:
        return self.run("bash", f"{ROOT}/ci/github/{script}.sh", **{**INPUTS, **environment})

    def outputs(self) -> dict[str, str]:
        file = self.files / "GITHUB_OUTPUT"
        found = dict(line.split("=", 1) for line in file.read_text().splitlines())
        file.unlink()
        return found


@pytest.fixture
def branch(repo: Repo) -> Repo:
    """A repository whose branch `feature` adds one finding to two of `main`."""
    repo.git("rm", "-q", "-r", ".")
    repo.commit({"app.py": ONE, "side/README.md": "# Side\n"})
    repo.git("switch", "-q", "-c", "feature")
    repo.commit({"app.py": TWO})
    return repo


@pytest.fixture
def runner(branch: Repo, tmp_path: Path) -> Runner:
    """A clone of depth 1 with a detached HEAD, as the checkout of a pull request is."""
    clone, files = tmp_path / "clone", tmp_path / "files"
    branch.git("clone", "-q", "--depth", "1", "--branch", "feature", branch.root.as_uri(), str(clone))
    (files / "temp").mkdir(parents=True)
    made = Runner(clone, files)
    made.run("git", "switch", "-q", "--detach")
    return made


def test_a_pull_request_fails_by_what_it_adds_and_its_fix_is_a_patch(runner: Runner) -> None:
    out = runner.step("audit", GITHUB_BASE_REF="main")
    (annotation,) = [line for line in out.splitlines() if line.startswith("::")]
    assert annotation.startswith("::error file=app.py,line=9,col=21,title=ruff F821 (F-")
    outputs = runner.outputs()
    assert (outputs["exit-code"], outputs["new"]) == ("1", "1")
    results = json.loads(Path(outputs["sarif"]).read_text())["runs"][0]["results"]
    assert [result["baselineState"] for result in results] == ["unchanged", "new", "unchanged"]
    assert (runner.files / "GITHUB_STEP_SUMMARY").read_text().startswith("# 1 new finding, 2 known\n")
    head = runner.run("git", "rev-parse", "HEAD")
    runner.step("fix", SWARM_INPUT_FIX="F401", SWARM_INPUT_ACCEPT_NO_TESTS="true")
    patch = Path(runner.outputs()["patch"])
    runner.run("git", "apply", str(patch))
    assert (runner.checkout / "app.py").read_text() == TWO.replace("import json\n", "")
    assert runner.run("git", "rev-parse", "HEAD") == head


@pytest.mark.sweep
def test_a_push_is_compared_with_the_commit_before_it_and_never_forgives_findings_alone(
    runner: Runner, branch: Repo
) -> None:
    before = branch.git("rev-parse", "main")
    # `never` reports, a summary and annotations that nobody wants are left out.
    quiet = {"SWARM_INPUT_ANNOTATIONS": "false", "SWARM_INPUT_SUMMARY": "false", "SWARM_INPUT_FAIL_ON": "never"}
    out = runner.step("audit", SWARM_EVENT_BEFORE=before, **quiet)
    assert f"Compared with commit {before[:12]}" in out
    assert "::error" not in out
    assert not (runner.files / "GITHUB_STEP_SUMMARY").exists()
    assert {name: value for name, value in runner.outputs().items() if name != "sarif"} == {
        "exit-code": "0",
        "new": "1",
    }
    # The first push of a branch, and the commit before a push with force that is nowhere any more.
    for gone in ("0" * 40, "1" * 40):
        out = runner.step("audit", SWARM_EVENT_BEFORE=gone)
        assert "::notice title=swarm audit::there is no commit to compare with: every finding counts as new\n" in out
        assert {**runner.outputs(), "sarif": ""} == {"exit-code": "1", "new": "3", "sarif": ""}
        # Of another branch than the default branch, what that has is not new.
        known = {"SWARM_DEFAULT_BRANCH": "main", "GITHUB_REF": "refs/heads/feature"}
        runner.step("audit", SWARM_EVENT_BEFORE=gone, **known)
        assert {**runner.outputs(), "sarif": ""} == {"exit-code": "1", "new": "1", "sarif": ""}
    # A folder without a file that an analyzer reads: nothing was looked at, and no option makes that green.
    runner.step("audit", SWARM_INPUT_PATH="side", SWARM_INPUT_FAIL_ON="never")
    assert runner.outputs() == {"exit-code": "2", "new": "", "sarif": ""}


@pytest.mark.sweep
def test_inputs_are_words_and_never_text_of_a_script(runner: Runner) -> None:
    evil = "$(touch evil)`touch evil`';touch evil;\"\n::set-output name=x::y"
    names = ("SWARM_INPUT_FAIL_ON", "SWARM_INPUT_BASELINE", "SWARM_EVENT_BEFORE", "GITHUB_BASE_REF")
    for name in (*names, "SWARM_DEFAULT_BRANCH"):
        runner.step("audit", **{name: evil})
        outputs = runner.outputs()
        assert outputs["exit-code"] == ("1" if name in {"SWARM_EVENT_BEFORE", "SWARM_DEFAULT_BRANCH"} else "2"), name
    runner.run("bash", f"{ROOT}/ci/github/audit.sh", exit_code=1, **{**INPUTS, "SWARM_INPUT_PATH": evil})
    runner.step("fix", SWARM_INPUT_FIX=evil, SWARM_INPUT_ACCEPT_NO_TESTS=evil)
    assert not [path for path in (runner.checkout, runner.files, ROOT) if (path / "evil").exists()]


def test_the_action_gives_its_inputs_to_scripts_by_the_environment_alone() -> None:
    steps = ACTION["runs"]["steps"]
    assert [step["run"] for step in steps if "${{" in step.get("run", "")] == []
    scripts = {name for step in steps for name in re.findall(r"ci/github/\w+\.sh", step.get("run", ""))}
    assert scripts == {file.relative_to(ROOT).as_posix() for file in (ROOT / "ci" / "github").iterdir()}
    used = set(re.findall(r"inputs\.([\w-]+)", (ROOT / "action.yml").read_text()))
    assert used == set(ACTION["inputs"])
    documented = re.findall(
        r"^\| `([\w-]+)` \| (?:`([^`]*)`)? *\|", (ROOT / "docs" / "ci.md").read_text(), re.MULTILINE
    )
    assert dict(documented) == {name: given["default"] for name, given in ACTION["inputs"].items()}
    assert all(given["default"] is not None and given["description"] for given in ACTION["inputs"].values())
    # Each action of others is a commit, which nobody can move.
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"]) for step in steps if "uses" in step)


def test_zizmor_and_shellcheck_find_nothing() -> None:
    programs = Path(sys.executable).parent
    for argv in (
        ("zizmor", "--offline", "--no-progress", "--no-config", "--persona=pedantic", "action.yml"),
        ("shellcheck", *map(str, sorted((ROOT / "ci" / "github").iterdir()))),
    ):
        done = subprocess.run(
            [str(programs / argv[0]), *argv[1:]], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_job_of_gitlab_compares_with_the_merge_base_and_writes_its_report(runner: Runner, branch: Repo) -> None:
    job = yaml.safe_load((ROOT / "ci" / "gitlab.yml").read_text())["swarm"]
    install, script = job["script"]
    assert install == 'python3 -m pip install --quiet "$SWARM_REQUIREMENT"'
    # GIT_DEPTH is 0: the job has the whole history.
    runner.run("git", "fetch", "-q", "--unshallow")
    before = branch.git("rev-parse", "main")
    given = {"SWARM_FAIL_ON": "new", "CI_MERGE_REQUEST_DIFF_BASE_SHA": before, "CI_COMMIT_BEFORE_SHA": "0" * 40}
    out = runner.run("sh", "-euc", script, exit_code=1, **given)
    assert "1 new, 2 known" in out
    report = runner.checkout / job["artifacts"]["reports"]["codequality"]
    issues = json.loads(report.read_text())
    assert [(issue["check_name"], issue["severity"]) for issue in issues] == [
        *(("B006", "critical"), ("F821", "critical"), ("F401", "minor"))
    ]
    # The fingerprints of another machine are the same: GitLab compares two reports by them alone.
    first = [issue["fingerprint"] for issue in issues]
    report.unlink()
    runner.run("git", "clean", "-fdxq")
    runner.run("sh", "-euc", script, exit_code=1, **{**given, "CI_MERGE_REQUEST_DIFF_BASE_SHA": ""})
    assert [issue["fingerprint"] for issue in json.loads(report.read_text())] == first


@pytest.mark.sweep
def test_the_hook_of_pre_commit_fails_a_push_by_what_it_adds(branch: Repo, tmp_path: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    branch.git("switch", "-q", "main")
    clone = tmp_path / "clone"
    branch.git("clone", "-q", branch.root.as_uri(), str(clone))
    user = Runner(clone, tmp_path)
    command = (*hook["entry"].split(), *hook["args"])
    user.run(*command)
    user.run("git", "switch", "-q", "-c", "mine", "origin/feature")
    assert "1 new, 2 known" in user.run(*command, exit_code=1)
