"""The whole loop on real code: audit, approve, amend in worktrees, merge, verify, publish, audit again, promote.

The code is a third-party package as it is installed here, with its own tests as the proof, and a JavaScript file beside
the Python; the agents that fix are ruff and oxlint. Everything happens in a scratch folder, offline. Exit 0 when each
step did what it says.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from demo import PACKAGE_IGNORED, call, git, say, source_of

PACKAGE = "jsonschema"
TESTS = ("test_types", "test_format", "test_utils", "test_validators", "test_cli")
RULES = "RET505,RET502,RUF037,RUF100,UP032,C420"
SCRIPT = "web/share.js"
# A comparison that is never true.
JAVASCRIPT = """\
export const share = (done, all) => {
  const part = done / all;
  return part == NaN ? 0 : part;
};
"""
CONFIG = """\
[runtimes.ruff.select]
health-audit-a = ["F", "B", "RET", "RUF", "UP", "C4"]

[[verify.steps]]
name = "its-own-tests"
kind = "test"
argv = ["{python}", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore", TESTS]
"""


def main() -> int:
    """Run the demonstration."""
    with tempfile.TemporaryDirectory(prefix="swarm-demo-") as folder:
        repo = Path(folder) / PACKAGE
        shutil.copytree(source_of(PACKAGE), repo / PACKAGE, ignore=PACKAGE_IGNORED)
        tests = [f"{PACKAGE}/tests/{name}.py" for name in TESTS if (repo / PACKAGE / "tests" / f"{name}.py").exists()]
        listed = ", ".join(f'"{name}"' for name in tests)
        (repo / "swarm.toml").write_text(CONFIG.replace("TESTS", listed), encoding="utf-8")
        (repo / SCRIPT).parent.mkdir()
        (repo / SCRIPT).write_text(JAVASCRIPT, encoding="utf-8")
        for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "as installed"]):
            git(repo, *arguments)
        say(f"{PACKAGE}, as installed, with {len(tests)} of its own test modules as the proof. First the audit:")
        swarm(repo, "audit", ".", "--fail-on", "CRITICAL")
        say("A coordinator approves the findings to be fixed, here by rule:")
        approved = swarm(repo, "approve", "--all", "--rule", RULES)
        say("An amend wave gives every domain's agent a worktree and the findings that it owns; ruff is the agent.")
        swarm(repo, "dispatch", "health-amend-a", "--isolate", "--runtime", "ruff")
        swarm(repo, "launch")
        collected = swarm(repo, "collect")
        say("The branches come together without a checkout, and the package's own tests prove the result.")
        merged = swarm(repo, "merge", "--publish")
        verified = swarm(repo, "verify", "--threshold", "0")
        advanced = swarm(repo, "advance")
        say("In JavaScript the same, from approval to publication, in a single command; oxlint fixes what it reports:")
        swarm(repo, "fix", "--rule", "eslint/use-isnan", "--publish")
        print(f"  {SCRIPT}: {(repo / SCRIPT).read_text(encoding='utf-8').splitlines()[2].strip()}", flush=True)
        say(
            "The same audit again: the fixed findings are `fixed` on evidence, the rest keep their ids. Then the gates:"
        )
        again = swarm(repo, "audit", ".", "--fail-on", "CRITICAL")
        promoted = swarm(repo, "advance")
        swarm(repo, "status")
        # In a folder that stays: the page is there to be looked at.
        page = Path(tempfile.mkdtemp(prefix="swarm-demo-report-")) / "report.html"
        swarm(repo, "report", "-o", str(page))
        say(f"The report is kept: {page}")
        is_fixed = "isNaN(part)" in (repo / SCRIPT).read_text(encoding="utf-8")
        return int(not _worked(approved, collected, merged, verified, (advanced, promoted), again) or not is_fixed)


def _worked(approved: Any, collected: Any, merged: Any, verified: Any, steps: tuple[Any, Any], again: Any) -> bool:
    claimed = {fix["findingId"] for fix in collected["fixes"] if fix["verifiedVia"] == "anchor"}
    open_ids = {finding["findingId"] for finding in again["digest"]["findings"]}
    checks = {
        "findings were approved": bool(approved["changed"]),
        "ruff fixed some of them in its worktree": bool(claimed),
        "the merged commit proves each of these fixed": claimed <= set(merged["fixed"]),
        "the target holds it": merged["published"],
        "the package's own tests passed": verified["verdict"] == "pass" and bool(verified["testCount"]),
        "no claimed finding is still there": not verified["claims"]["offending"],
        "the next audit sees none of them": bool(claimed) and not claimed & open_ids,
        "the run was promoted twice": all(step["promoted"] for step in steps),
    }
    say(f"{len(claimed)} findings fixed, {verified['testCount']} tests of the package passed.")
    for check, holds in checks.items():
        print(f"  {'✓' if holds else '⊘'} {check}")
    return all(checks.values())


def swarm(repo: Path, *arguments: str) -> Any:
    """Run a verb, print a summary, and return its data."""
    done = call(repo, *arguments, "--format", "json")
    document = json.loads(done.stdout or "{}")
    if not document.get("ok") or done.returncode:
        sys.exit(f"swarm {' '.join(arguments)} ended {done.returncode}:\n{done.stdout}{done.stderr}")
    data = document["data"]
    print(f"$ swarm {' '.join(arguments)}")
    print(f"  {_summary(arguments[0], data)}", flush=True)
    return data


def _summary(verb: str, data: Any) -> str:
    match verb:
        case "audit":
            changed = data["changed"]
            counts = ", ".join(f"{changed[key]} {key}" for key in ("new", "recurring", "fixed", "unverified"))
            summary = f"wave {data['waveNumber']}: {counts}; {data['digest']['total']} open"
        case "approve":
            summary = f"{len(data['changed'])} approved"
        case "dispatch":
            agents = ", ".join(
                f"{agent['domain']} ({agent['findings']})" for agent in data["agents"] if agent["findings"]
            )
            summary = f"wave {data['waveNumber']}: findings to fix: {agents}"
        case "fix":
            states = ", ".join(f"{one['findingId']} {one['state']}" for one in data["findings"])
            summary = f"{states}; {data['branch']} is at {data['fixedCommit'][:12]}, published: {data['published']}"
        case "launch":
            ended = [attempt["outcome"] for agent in data["agents"] for attempt in agent["attempts"]]
            summary = f"{data['launched']} launched: {', '.join(ended)}"
        case "verify":
            seen = data["claims"]["summary"]
            summary = f"{data['verdict']}: {data['testCount']} tests; {seen['verified']} of {seen['total']} claims hold"
        case "advance":
            summary = f"{data['verdict']}: {data['fromPhase']} → {data['toPhase']}"
        case "status":
            summary = f"{data['assessment']['state']}; next: {data['assessment']['nextAction']}"
        case "report":
            summary = f"{data['bytes']:,} bytes, {data['findings']} findings"
        case _:
            summary = str(data["summary"])
    return summary


if __name__ == "__main__":
    sys.exit(main())
