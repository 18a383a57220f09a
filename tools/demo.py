"""The main job on real code: audit a third-party package, fix a finding, audit again.

Everything happens in a scratch folder. Exit 0 when the demonstration worked: real findings, the same ids after
lines moved, the fixed finding `fixed` with evidence. The exit code of each `swarm audit` is printed.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PACKAGE = "sqlite_utils"
SWARM = str(Path(sys.executable).with_name("swarm"))
PACKAGE_IGNORED = shutil.ignore_patterns("__pycache__")
IDENTITY = {
    "GIT_AUTHOR_NAME": "Demo",
    "GIT_AUTHOR_EMAIL": "demo@example.invalid",
    "GIT_COMMITTER_NAME": "Demo",
    "GIT_COMMITTER_EMAIL": "demo@example.invalid",
}


def main() -> int:
    """Run the demonstration."""
    with tempfile.TemporaryDirectory(prefix="swarm-demo-") as folder:
        repo = Path(folder) / PACKAGE
        shutil.copytree(source_of(PACKAGE), repo / PACKAGE, ignore=PACKAGE_IGNORED)
        for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "as installed"]):
            git(repo, *arguments)
        say(f"The source of {PACKAGE}, as installed, is a git repository now. The main job is a single command:")
        first = _audit(repo)
        finding = next(f for f in first["digest"]["findings"] if f["ruleId"] == "B904" and f["quote"].endswith(")"))
        say(f"Now {finding['file']}:{finding['line']} ({finding['ruleId']}) is fixed, and every file moves by a line.")
        _fix(repo, finding)
        git(repo, "commit", "-q", "-a", "-m", "fix a finding, move the rest")
        second = _audit(repo)
        worked = _compared(first, second, finding)
        say("And the digest, as it stands after both audits:")
        subprocess.run(
            [SWARM, "findings", "--severity", "CRITICAL,HIGH,MEDIUM", "--limit", "12", "--format", "text"],
            cwd=repo,
            env=environment(),
            check=False,
        )
    return 0 if worked else 1


def _audit(repo: Path) -> dict[str, Any]:
    print("$ swarm audit .", flush=True)
    done = call(repo, "audit", ".", "--format", "json")
    if done.returncode not in {0, 1}:
        sys.exit(f"the audit could not run (exit {done.returncode}):\n{done.stdout}{done.stderr}")
    data: dict[str, Any] = json.loads(done.stdout)["data"]
    changed, digest = data["changed"], data["digest"]
    counts = ", ".join(f"{changed[key]} {key}" for key in ("new", "recurring", "fixed", "unverified"))
    print(f"  exit {done.returncode}; {digest['total']} findings; {counts}", flush=True)
    for fixed in data["fixed"]:
        print(f"  ✓ {fixed['findingId']} fixed: {fixed['evidence']}, {fixed['reason']}", flush=True)
    return data


def _fix(repo: Path, finding: dict[str, Any]) -> None:
    for file in (repo / PACKAGE).rglob("*.py"):
        lines = file.read_text(encoding="utf-8").split("\n")
        if file.relative_to(repo).as_posix() == finding["file"]:
            lines[finding["line"] - 1] += " from None"
        file.write_text("\n".join(["# A line that moves all the others.", *lines]), encoding="utf-8")


def _compared(first: dict[str, Any], second: dict[str, Any], fixed_finding: dict[str, Any]) -> bool:
    before = {f["findingId"] for f in first["digest"]["findings"]}
    after = {f["findingId"] for f in second["digest"]["findings"]}
    fixed = {f["findingId"] for f in second["fixed"]}
    kept = len(before & after)
    print(f"  {kept} of {len(before)} ids are the same, {len(fixed)} fixed with evidence, {len(after - before)} new")
    return bool(before) and fixed_finding["findingId"] in fixed and before == (before & after) | fixed


def source_of(package: str) -> Path:
    """Return the folder of an installed package."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        sys.exit(f"{package} is not installed")
    return Path(spec.origin).parent


def call(repo: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a `swarm` command in a repository."""
    command = [SWARM, *arguments]
    return subprocess.run(command, cwd=repo, env=environment(), capture_output=True, text=True, check=False)


def git(repo: Path, *arguments: str) -> None:
    """Run a git command in a repository."""
    subprocess.run(["git", *arguments], cwd=repo, env=environment(), check=True)


def environment() -> dict[str, str]:
    """Return the environment of every command here."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "SWARM_"))}
    # The package's own tests run with what is installed here.
    return {**kept, **IDENTITY, "SWARM_LOG": "off", "SWARM_TRUST": "1", "VIRTUAL_ENV": sys.prefix}


def say(text: str) -> None:
    """Announce the next step."""
    print(f"\n{text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
