"""Refusals of repositories, of git and of worktrees."""

import os
import shutil
import subprocess
from pathlib import Path

from swarm.git import runner
from tests.cli.errors.refusal import Refusal, refused
from tests.cli.scenes.scene import Scene

# --- runs, repositories, domains -------------------------------------------------------------------------


@refused
def repo_not_found(scene: Scene) -> Refusal:
    gone = scene.tmp / "gone"
    return Refusal(
        ("init", str(gone)),
        f"""[REPO_NOT_FOUND]: No repository at {gone}
  Path: {gone}
  Next: check the path; REPO is a folder of a git checkout, by default the one that you are in""",
        {"path": str(gone)},
    )


@refused
def repo_not_git(scene: Scene) -> Refusal:
    folder = scene.tmp / "plain"
    folder.mkdir()
    cause = _git_says(folder)
    return Refusal(
        ("init", str(folder)),
        f"""[REPO_NOT_GIT]: {folder} is not inside a git work tree
  Path: {folder}
  Next: pass a folder of a git checkout, or make one: `git init && git add -A && git commit -m start`
  Caused by: {cause}""",
        {"path": str(folder), "cause": cause},
    )


@refused
def repo_unborn(scene: Scene) -> Refusal:
    folder = scene.tmp / "unborn"
    folder.mkdir()
    scene.repo.git("init", "-q", str(folder))
    (folder / "app.py").touch()
    return Refusal(
        ("init", str(folder)),
        f"""[REPO_UNBORN]: {folder} has no commit yet
  Path: {folder}
  Next: commit something first: `git add -A && git commit -m start`""",
        {"path": str(folder)},
    )


@refused
def repo_not_clean(scene: Scene) -> Refusal:
    scene.repo.write({"src/app.py": "# edited\n", "src/new.py": "# not tracked\n"})
    root = scene.repo.root
    return Refusal(
        ("init", "."),
        f"""[REPO_NOT_CLEAN]: {root} has 1 tracked file with uncommitted changes: src/app.py
  Path: {root}
  Next: commit or stash them, then repeat the command; untracked files do not matter""",
        {"path": str(root), "count": 1, "files": "src/app.py"},
    )


@refused
def git_locked(scene: Scene) -> Refusal:
    team = scene.amended
    scene.monkeypatch.setattr(runner, "_PAUSES", ())
    lock = scene.repo.root / ".git/index.lock"
    lock.touch()
    # Only where a file looks touched has git to write its index before it goes on.
    os.utime(scene.repo.root / "README.md", (1, 1))
    problem = (
        f"fatal: Unable to create '{lock}': File exists. Another git process seems to be running in this repository, "
        "e.g. an editor opened by 'git commit'. Please make sure all processes are terminated then try again. If it "
        "still fails, a git process may have crashed in this repository earlier: remove the file manually to continue."
    )
    team.swarm("merge", team.run)
    return Refusal(
        ("merge", team.run, "--publish"),
        f"""[GIT_LOCKED]: git update-index was kept out by a lock: {lock}
  Path: {lock}
  Next: wait for the git process that works there; if none does, a git was killed: `swarm doctor --fix` removes the lock \
if swarm had started that git, else remove the file by hand; then repeat the command
  Caused by: git update-index exited 128: {problem}""",
        {
            "verb": "update-index",
            "path": str(lock),
            "cause": f"git update-index exited 128: {problem}",
        },
    )


@refused
def workspace_moved(scene: Scene) -> Refusal:
    run, root = scene.dispatched.run, scene.repo.root
    moved = root.with_name("moved")
    root.rename(moved)
    was, now = (folder / "swarms" / run for folder in (root, moved))
    return Refusal(
        ("collect", run),
        f"""[WORKSPACE_MOVED]: The files of run {run} were made at {was}, and now are at {now}
  Path: {was}
  Next: move the folder back, or link its previous place to the new one: `ln -s '{moved}' '{root}'`; then repeat \
the command
  Run: {run}""",
        {"path": str(was), "now": str(now), "old": str(root), "new": str(moved), "runId": run},
        cwd=moved,
    )


@refused
def run_elsewhere(scene: Scene) -> Refusal:
    run, root = scene.dispatched.run, scene.repo.root
    copy = scene.tmp / "copy"
    shutil.copytree(root, copy, symlinks=True)
    return Refusal(
        ("collect", run),
        f"""[RUN_ELSEWHERE]: This is {copy}, and {root} has wave 1 in flight of run {run}; nothing was changed
  Path: {root}
  Next: repeat the command in {root}; to work in this folder instead, begin a run of its own: `swarm init {copy}`
  Run: {run}""",
        {"here": str(copy), "path": str(root), "why": "has wave 1 in flight", "runId": run},
        cwd=copy,
    )


@refused
def git_failed(scene: Scene) -> Refusal:
    run, root = scene.workspace.run, scene.repo.root
    tree = scene.repo.git("rev-parse", "HEAD^{tree}")
    (root / ".git/objects" / tree[:2] / tree[2:]).unlink()
    return Refusal(
        ("dispatch", run, "health-audit-a", "--isolate"),
        f"""[GIT_FAILED]: git ls-tree failed: fatal: not a tree object
  Path: {root}
  Next: run the same git command in {root} to see more; `swarm doctor` checks git and the repository""",
        {
            "verb": "ls-tree",
            "problem": "fatal: not a tree object",
            "path": str(root),
            "cause": "git ls-tree exited 128: fatal: not a tree object",
        },
    )


@refused
def git_missing(scene: Scene) -> Refusal:
    empty = scene.tmp / "no-programs"
    empty.mkdir()
    scene.repo.head  # noqa: B018
    scene.monkeypatch.setenv("PATH", str(empty))
    cause = "[Errno 2] No such file or directory: 'git'"
    return Refusal(
        ("init", "."),
        f"""[GIT_MISSING]: git was not found on PATH
  Next: install git 2.38 or newer
  Caused by: {cause}""",
        {"cause": cause},
    )


@refused
def inside_agent_worktree(scene: Scene) -> Refusal:
    wave = scene.dispatched
    tree = wave.folder / wave.run / "worktrees/w1-code/src"
    return Refusal(
        ("collect",),
        f"""[INSIDE_AGENT_WORKTREE]: An agent cannot use the control plane that watches it ({tree})
  Path: {tree}
  Next: write your answer to the output file that your prompt names; a coordinator runs swarm outside of the worktree""",
        {"path": str(tree)},
        cwd=tree,
    )


# --- what the cases are made with ------------------------------------------------------------------------


def _git_says(folder: Path) -> str:
    done = subprocess.run(["git", "rev-parse"], cwd=folder, capture_output=True, text=True, check=False, env={})
    return f"git rev-parse exited 128: {' '.join(done.stderr.split())}"


@refused
def audit_nothing_to_look_at(scene: Scene) -> Refusal:
    scene.repo.git("rm", "-q", "-r", ".")
    scene.repo.commit({"app.go": "x\n"})
    remedy = (
        "`swarm runtimes` lists what can be launched here; any tool that writes SARIF can be added to swarm.toml: "
        "golangci-lint for Go (`go install "
        "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@latest`, with .golangci.yml)"
    )
    problem = "No analyzer that is installed here reads a file"
    return Refusal(
        ("audit", "."),
        f"""[AUDIT_NOTHING_TO_LOOK_AT]: {problem} of {scene.repo.root}: 1 Go
  Next: {remedy}""",
        {"runtime": "ruff", "problem": problem, "repo": str(scene.repo.root), "kinds": "1 Go", "remedy": remedy},
        exit=2,
    )


@refused
def baseline_not_found(scene: Scene) -> Refusal:
    return Refusal(
        ("audit", ".", "--baseline", "origin/main"),
        f"""[BASELINE_NOT_FOUND]: --baseline: 'origin/main' names no commit of {scene.repo.root} and no run
  Path: {scene.repo.root}
  Next: name a commit that is here (`git branch --all` names the branches), a run of `swarm runs`, or a file by its \
path, as in ./origin/main""",
        {"received": "origin/main", "path": str(scene.repo.root), "remedy": "`git branch --all` names the branches"},
        exit=2,
    )


@refused
def since_not_found(scene: Scene) -> Refusal:
    # As a job fetches a branch: the newest commit alone.
    (scene.repo.root / ".git/shallow").write_text(f"{scene.repo.head}\n")
    return Refusal(
        ("audit", ".", "--since", "HEAD~9"),
        f"""[SINCE_NOT_FOUND]: --since: 'HEAD~9' names no commit of {scene.repo.root}
  Path: {scene.repo.root}
  Next: name a commit that is here (`git fetch --unshallow`)""",
        {"received": "HEAD~9", "path": str(scene.repo.root), "remedy": "`git fetch --unshallow`"},
        exit=2,
    )


@refused
def baseline_ambiguous(scene: Scene) -> Refusal:
    # As a contributor would name a branch, so that it is compared with itself.
    scene.repo.git("update-ref", "refs/remotes/origin/main", "HEAD")
    scene.repo.commit({"src/new.py": "VALUE = 1\n"})
    scene.repo.git("branch", "origin/main")
    matches = "refs/heads/origin/main, refs/remotes/origin/main"
    return Refusal(
        ("audit", ".", "--baseline", "origin/main", "--fail-on", "new"),
        f"""[BASELINE_AMBIGUOUS]: --baseline: 'origin/main' can mean several commits: {matches}
  Next: name a ref in full, as in `--baseline refs/remotes/origin/main`""",
        {"received": "origin/main", "matches": matches, "full": "refs/remotes/origin/main"},
        exit=2,
    )


@refused
def baseline_no_merge_base(scene: Scene) -> Refusal:
    scene.repo.git("branch", "other", scene.repo.git("commit-tree", "-m", "unrelated", "HEAD^{tree}"))
    remedy = "compare with a commit of the history of HEAD, which `git log` lists"
    return Refusal(
        ("audit", ".", "--baseline", "other"),
        f"""[BASELINE_NO_MERGE_BASE]: HEAD and 'other' have no common commit in {scene.repo.root}
  Path: {scene.repo.root}
  Next: {remedy}""",
        {"received": "other", "path": str(scene.repo.root), "remedy": remedy},
        exit=2,
    )


@refused
def cli_filter_unknown(scene: Scene) -> Refusal:
    run = scene.collected.run
    remedy = f"did you mean `--domain code`? `swarm domains {run}` lists them"
    return Refusal(
        ("findings", "--domain", "Code2"),
        f"""[CLI_FILTER_UNKNOWN]: --domain: 'Code2' is no domain of run {run}
  Next: {remedy}
  Run: {run}""",
        {
            "option": "--domain",
            "kind": "domain",
            "received": "Code2",
            "runId": run,
            "nearest": "code",
            "remedy": remedy,
        },
        exit=2,
    )


@refused
def baseline_empty(scene: Scene) -> Refusal:
    run = scene.collected.run
    advice = f"`swarm runs` names the runs, and `swarm receipt {run}` its newest wave; `swarm audit .` looks at HEAD"
    return Refusal(
        ("audit", ".", "--baseline", f"{run}@9"),
        f"""[BASELINE_EMPTY]: --baseline: run {run} recorded no findings in wave 9
  Next: {advice}
  Run: {run}""",
        {"runId": run, "wave": "wave 9"},
        exit=2,
    )


@refused
def baseline_file_invalid(scene: Scene) -> Refusal:
    file = scene.repo.root / "base.json"
    file.write_text("[]")
    advice = "`swarm findings --format baseline -o FILE` writes a file; `swarm schema baseline` prints what it must be"
    return Refusal(
        ("audit", ".", "--baseline", "base.json"),
        f"""[BASELINE_FILE_INVALID]: --baseline: {file} is no baseline file: $: [] is not of type 'object'
  Path: {file}
  Next: {advice}""",
        {"path": str(file), "problem": "$: [] is not of type 'object'"},
        exit=2,
    )


@refused
def baseline_version_unknown(scene: Scene) -> Refusal:
    file = scene.repo.root / "base.json"
    file.write_text('{"schema": "swarm.baseline/v9"}')
    return Refusal(
        ("audit", ".", "--baseline", "./base.json"),
        f"""[BASELINE_VERSION_UNKNOWN]: --baseline: {file} is written as swarm.baseline/v9, and this version of swarm \
reads swarm.baseline/v1
  Path: {file}
  Next: write it anew from a run: `swarm findings --format baseline -o {file}`""",
        {"path": str(file), "received": "swarm.baseline/v9", "known": "swarm.baseline/v1", "quoted": str(file)},
        exit=2,
    )


@refused
def baseline_needs_analyzer(scene: Scene) -> Refusal:
    scene.repo.commit({"swarm.toml": '[runtimes.agent]\nkind = "command"\nargv = ["true"]\n'})
    return Refusal(
        ("audit", ".", "--baseline", "HEAD~1", "--runtime", "agent"),
        """[BASELINE_NEEDS_ANALYZER]: --baseline: agent is an agent and no analyzer, so that a second look at an old \
commit would not compare
  Next: repeat the command with `--runtime ruff`, or leave out --baseline to compare with the previous audit""",
        {"runtime": "agent"},
        exit=2,
    )
