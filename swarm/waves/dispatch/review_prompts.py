"""Prompts of reviewers: the findings with the code around them, the meaning of each verdict, how to answer."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from swarm import shipped
from swarm.rules.domains import Domain
from swarm.store.findings import Finding
from swarm.waves.dispatch.prompts import LONGEST_PROSE, Prompt, Setting, prompt_with, shared_values

_KIND: Final = "review"
_EXAMPLE_REVIEW: Final = {
    "finding_id": "F-0123abcd",
    "verdict": "refuted",
    "quote": "    if not path.exists():",
    "reason": "The caller checks that the file is there before it calls load.",
}


def write_review_prompt(
    setting: Setting,
    domain: Domain,
    tree: Path,
    output: Path,
    findings: Sequence[Finding],
    code: Mapping[int, Sequence[str]],
    retry: str,
) -> Prompt:
    """Return the prompt of a reviewer, at most `limit` bytes. The same state gives the same bytes.

    `code` holds the lines around each finding, by row; `retry` says what an earlier try ended with. Where the findings
    do not fit, all of them go to a file beside the prompt.
    """
    values = shared_values(_KIND, setting, domain, tree, output, retry)
    values["example"] = json.dumps(_example(domain.name), indent=1)
    lines = [_line(finding, code.get(finding.row_id, ())) for finding in findings]
    return prompt_with(lines, setting.limit, output.parent / "findings.json", shipped.prompt(_KIND), values)


def _line(finding: Finding, code: Sequence[str]) -> str:
    # ASCII JSON, as in every prompt: nothing of another agent's text survives as itself.
    shown: dict[str, object] = {
        "id": finding.finding_id,
        "severity": finding.severity,
        "category": finding.category,
        "rule_id": finding.rule_id,
        "file": finding.file,
        "line": finding.line,
        "quote": finding.quote[:LONGEST_PROSE],
        # Without the recommendation: it would say what the reporter wants to hear.
        "description": finding.description[:LONGEST_PROSE],
        "code": list(code),
    }
    return json.dumps({key: value for key, value in shown.items() if value not in (None, "", [])})


def _example(domain: str) -> dict[str, Any]:
    return {"domain": domain, "summary": "One sentence on what you saw.", "reviews": [_EXAMPLE_REVIEW]}
