"""Submissions as a repository makes them, and an archive that they are ingested to."""

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from swarm import documents
from tests.conftest import Answer, Swarm

SHA = "a" * 40
SUBMISSION: dict[str, Any] = {
    "schema_version": "1.0.0",
    "run_id": "run-1",
    "repo": "org/repo",
    "ref": {"commit_sha": SHA, "branch": "main", "version": "v1.2.0"},
    "source": {
        "provider": "github",
        "workflow": "dogfood.yml",
        "provider_run_id": "123",
        "run_url": "https://github.com/org/repo/actions/runs/123",
        "attempt": 1,
        "actor": "a-person",
    },
    "timing": {
        "started_at": "2026-05-01T23:10:00Z",
        "finished_at": "2026-05-02T01:12:00+02:00",
        "duration_ms": 120000,
    },
    "ci_checks": [{"id": "unit", "kind": "test", "status": "pass", "value": 12, "threshold": 1}],
    "scenario_results": [
        {
            "scenario_id": "export",
            "product_surface": "cli",
            "execution_mode": "human",
            "verdict": "pass",
            "step_results": [{"step_id": "run", "status": "pass"}, {"step_id": "read", "status": "pass"}],
            "attested_by": "A Person",
            "blocking_reason": "none",
            "evidence": [{"kind": "log", "url": "https://example.org/log", "description": "the log"}],
            "notes": "all went well",
        }
    ],
    "overall_verdict": "pass",
}


def submission(**keys: Any) -> dict[str, Any]:
    """Return the submission with other values; `scenario` changes its only scenario, `None` takes a key away."""
    made = copy.deepcopy(SUBMISSION)
    made["scenario_results"][0] |= keys.pop("scenario", {})
    return {key: value for key, value in (made | keys).items() if value is not None}


class Archive(NamedTuple):
    """A root of records, and the command line that is told of it."""

    root: Path
    swarm: Swarm

    def ingest(self, what: Mapping[str, Any] | str | bytes, *words: str, exit: int = 0) -> Answer:  # noqa: A002
        file = self.root.parent / "submission.json"
        body = what if isinstance(what, str | bytes) else json.dumps(what)
        file.write_bytes(body.encode() if isinstance(body, str) else body)
        words = words if "--provenance" in words else ("--provenance", "stub", *words)
        return self.swarm("ingest", "--file", file, "--root", self.root, *words, "--format", "json", exit=exit)

    def records(self, *words: str, exit: int = 0) -> Any:  # noqa: A002
        return self.swarm("records", *words, "--root", self.root, "--format", "json", exit=exit).data

    @property
    def files(self) -> list[str]:
        """The files of records, each of them a valid one."""
        found = sorted(file for file in (self.root / "records").rglob("*.json"))
        assert [documents.problems(json.loads(file.read_bytes()), "dogfood-record") for file in found] == [[]] * len(
            found
        )
        left = [file.name for file in self.root.rglob("*.tmp")]
        assert left == []
        return [file.relative_to(self.root).as_posix() for file in found]

    def write(self, path: str, content: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")

    def read(self, path: str) -> Any:
        return json.loads((self.root / path).read_bytes())
