"""Prompts of reviewers: the findings with the code around them, the meaning of each verdict, how to answer."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any, Final

from swarm import shipped
from swarm.rules.ownership import Domain
from swarm.runtimes.answer_form import schema_text
from swarm.store.findings import Finding, Listed
from swarm.waves.dispatch.ground_text import inline
from swarm.waves.dispatch.prompts import LONGEST_PROSE, SEPARATE, Prompt, Setting, known_text

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
    findings: Sequence[Finding | Listed],
    code: Mapping[int, Sequence[str]],
    retry: str,
) -> Prompt:
    """Return the prompt of a reviewer, at most `limit` bytes. The same state gives the same bytes.

    `code` holds the lines around each finding, by row; `retry` says what an earlier try ended with. Where the findings
    do not fit, all of them go to a file beside the prompt.
    """
    values = {
        "phase": setting.phase.value,
        "wave": str(setting.wave),
        "run": setting.run_id,
        "repo": inline(setting.repo),
        "commit": setting.commit,
        "tree": inline(str(tree)),
        "output": inline(str(output)),
        "domain": domain.name,
        "retry": f"\n## Why this is another try\n{retry}" if retry else "",
        "schema": schema_text(_KIND),
        "example": json.dumps(_example(domain.name), indent=1),
    }
    template = Template((shipped.prompts() / f"{_KIND}.md").read_text(encoding="utf-8"))
    room = setting.limit - len(template.substitute(values, findings="").encode()) - SEPARATE
    every = [_line(finding, code.get(finding.row_id, ())) for finding in findings]
    listed, count = known_text(every, room, output.parent / "findings.json")
    whole = "[\n" + ",\n".join(every) + "\n]\n" if count < len(every) else None
    return Prompt(template.substitute(values, findings=listed), whole, count)


def _line(finding: Finding | Listed, code: Sequence[str]) -> str:
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
