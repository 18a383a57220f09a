"""Records for tests of what reads them, as `swarm ingest` writes them."""

import json
from pathlib import Path
from typing import Any

from swarm.rules.record_places import record_place


def scenario(name: str = "report", **keys: Any) -> dict[str, Any]:
    """A scenario that passed."""
    return {
        "scenario_id": name,
        "product_surface": "cli",
        "execution_mode": "bot",
        "verdict": "pass",
        "step_results": [{"step_id": "run", "status": "pass"}],
        **keys,
    }


def record(run_id: str, *scenarios: dict[str, Any], repo: str = "acme/shop", **verification: Any) -> dict[str, Any]:
    """A record of a run; it is rejected where `rejection_reasons` are given."""
    reasons = verification.get("rejection_reasons", [])
    return {
        "schema_version": "1.0.0",
        "run_id": run_id,
        "repo": repo,
        "ref": {"commit_sha": "a" * 40},
        "source": {"provider": "swarm", "workflow": "verify", "provider_run_id": run_id, "run_url": f"urn:{run_id}"},
        "timing": {"started_at": "2026-05-01T10:00:00Z", "finished_at": "2026-05-01T10:05:00Z"},
        "scenario_results": list(scenarios) or [scenario()],
        "overall_verdict": {"proposed": "pass", "verified": "pass", "downgraded": False},
        "policy_version": "1",
        "verification": {
            "status": "rejected" if reasons else "accepted",
            "verified_at": "2026-05-01T10:06:00.000Z",
            "provenance_confirmed": True,
            "schema_valid": True,
            "policy_valid": not reasons,
            "rejection_reasons": reasons,
            **verification,
        },
    }


def malformed(run_id: str, *reasons: str, repo: str = "acme/shop") -> dict[str, Any]:
    """The record of a submission that does not fit its schema."""
    whole = record(run_id, repo=repo, rejection_reasons=list(reasons), schema_valid=False)
    kept = ("schema_version", "run_id", "repo", "policy_version", "verification")
    text = {"sha256": "0" * 64, "bytes": 1, "text": "{", "truncated": False}
    verdict = {"proposed": None, "verified": "fail", "downgraded": False}
    return {**{key: whole[key] for key in kept}, "overall_verdict": verdict, "malformed": text}


def keep(root: Path, *records: dict[str, Any]) -> list[Path]:
    """Write records below a root, each at its place."""
    files = []
    for each in records:
        rejected = each["verification"]["status"] == "rejected"
        file = root / record_place(each["repo"], each["run_id"], "2026-05-01", rejected=rejected)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(each), encoding="utf-8")
        files.append(file)
    return files
