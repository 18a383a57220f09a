"""`lessons derive` over many records, and `advise` over the lessons of them: time that grows with their number alone."""

import json
import math
from pathlib import Path

from measure import SWARM, folder, run, tell

MANY = 10_000


def records(root: Path, count: int) -> None:
    """Write records of 50 repositories, whose scenarios fail in 40 ways."""
    for number in range(count):
        repo = f"acme/repo-{number % 50}"
        step = {"step_id": f"step-{number % 40}", "status": "fail"}
        scenario = {"scenario_id": "report", "product_surface": "cli", "execution_mode": "bot", "verdict": "fail"}
        urn = {"provider": "swarm", "workflow": "verify", "provider_run_id": "1", "run_url": "urn:1"}
        record = {
            "schema_version": "1.0.0",
            "run_id": f"run-{number}",
            "repo": repo,
            "ref": {"commit_sha": "a" * 40},
            "source": urn,
            "timing": {"started_at": "2026-05-01T10:00:00Z", "finished_at": "2026-05-01T10:05:00Z"},
            "scenario_results": [{**scenario, "step_results": [step]}],
            "overall_verdict": {"proposed": "pass", "verified": "fail", "downgraded": True},
            "policy_version": "1",
            "verification": {
                "status": "accepted",
                "verified_at": "2026-05-01T10:06:00.000Z",
                "provenance_confirmed": True,
                "schema_valid": True,
                "policy_valid": True,
                "rejection_reasons": [],
            },
        }
        file = root / f"records/{repo}/2026/05/01/run-run-{number}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(record), encoding="utf-8")


def main() -> None:
    with folder() as place:
        taken = {}
        for count in (MANY // 2, MANY):
            root = place / f"{count}"
            records(root, count)
            derive = (SWARM, "lessons", "derive", "--write", "--root", root)
            taken[count] = run(*derive, cwd=place).cpu
            tell("lessons", f"derive, {count:,} records", taken[count], "s", goal=count / 1000)
        exponent = math.log2(taken[MANY] / taken[MANY // 2])
        tell("lessons", f"derive, exponent from {MANY // 2:,} to {MANY:,} records", exponent, "", goal=1.1)
        root = place / f"{MANY}"
        again = run(SWARM, "lessons", "derive", "--write", "--root", root, cwd=place).cpu
        tell("lessons", f"derive again, {MANY:,} records, nothing new", again, "s", goal=taken[MANY] * 1.1)
        found = len(list(root.glob("lessons/findings/*.yaml")))
        advise = run(SWARM, "lessons", "advise", "--repo", "acme/repo-1", "--root", root, cwd=place).cpu
        tell("lessons", f"advise, {found:,} lessons", advise, "s", goal=found / 200)


if __name__ == "__main__":
    main()
