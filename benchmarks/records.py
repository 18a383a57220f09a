"""`ingest` of one record beside many, which must not read them, and `records` over all: time that grows with them alone."""

import json
import math
import os
import time
from pathlib import Path

from measure import SWARM, folder, run, side_by_side, tell

from swarm.evidence.records.ingest import ingest
from swarm.evidence.records.submission import from_bytes

MANY = 10_000
REPOS = 50
DAYS = 28


def submission(number: int) -> dict[str, object]:
    """Return a submission of one of 50 repositories, on one of 28 days."""
    moment = f"2026-05-{number % DAYS + 1:02d}T10:00:00Z"
    scenario = {
        "scenario_id": "export",
        "product_surface": "cli",
        "execution_mode": "bot",
        "verdict": "pass",
        "step_results": [{"step_id": f"step-{step}", "status": "pass"} for step in range(5)],
    }
    return {
        "schema_version": "1.0.0",
        "run_id": f"run-{number}",
        "repo": f"acme/repo-{number % REPOS}",
        "ref": {"commit_sha": "a" * 40},
        "source": {"provider": "swarm", "workflow": "verify", "provider_run_id": "1", "run_url": "urn:1"},
        "timing": {"started_at": moment, "finished_at": moment},
        "scenario_results": [scenario],
        "overall_verdict": "pass",
    }


def fill(root: Path, first: int, end: int) -> float:
    """Ingest submissions in this process; return the seconds of its processor."""
    began = time.process_time()
    for number in range(first, end):
        result = ingest(from_bytes(json.dumps(submission(number)).encode()), root, "stub", {})
        assert result.is_recorded
    return time.process_time() - began


def main() -> None:
    # The time of the disk is no part of the figures, and would make them take ten minutes.
    os.fsync = lambda _: None
    with folder() as place:
        taken: dict[str, dict[int, float]] = {"ingest": {}, "reindex": {}, "portfolio": {}, "list": {}}
        one = place / "one.json"
        for half, count in ((0, MANY // 2), (MANY // 2, MANY)):
            root = place / "archive"
            taken["ingest"][count] = fill(root, half, count) + taken["ingest"].get(half, 0.0)
            for verb in ("reindex", "portfolio", "list"):
                call = (SWARM, "records", verb, "--root", root)
                taken[verb][count] = min(run(*call, cwd=place).cpu for _ in range(2))
        for verb, found in taken.items():
            tell(
                "records",
                f"{verb}, {MANY:,} records",
                found[MANY],
                "s",
                goal=MANY / 100 if verb == "ingest" else MANY / 2500,
            )
            exponent = math.log2(found[MANY] / found[MANY // 2])
            tell("records", f"{verb}, exponent from {MANY // 2:,} to {MANY:,} records", exponent, "", goal=1.15)

        def ingest_of_one(root: Path) -> float:
            one.write_text(json.dumps(submission(MANY) | {"run_id": f"one-{time.perf_counter_ns()}"}))
            return run(SWARM, "ingest", "--provenance", "stub", "--file", one, "--root", root, cwd=place).cpu

        few = place / "few"
        fill(few, 0, REPOS)
        alone = side_by_side(5, {"few": lambda: ingest_of_one(few), "many": lambda: ingest_of_one(root)})
        what = f"ingest of one record beside {MANY:,}, and beside {REPOS}"
        tell("records", what, alone["many"] * 1000, "ms", goal=alone["few"] * 1000 * 1.25, floor=alone["few"] * 1000)


if __name__ == "__main__":
    main()
