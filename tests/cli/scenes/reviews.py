"""Reviews of findings: what a played reviewer says, and what comes of it."""

import json
from typing import Any

from tests.cli.scenes.triage import LOAD
from tests.conftest import Answer, Swarm, Workspace

PHASE = "health-audit-a"
EXCEPT = {"file": "src/app.py", "line": 8, "quote": "    except:", "symbol": "load", "rule_id": "E722"}
# A reviewer that reads its prompt, and answers by VERDICTS: a verdict for the rule or the category of each finding.
REVIEWS = """
prompt = open(os.environ["SWARM_PROMPT_FILE"]).read()
asked = [json.loads(line) for line in prompt.splitlines() if line.startswith('{"id"')]
verdicts = VERDICTS
said = [
    {"finding_id": f["id"], "verdict": verdicts.get(f.get("rule_id") or f["category"], "unknown"),
     "quote": f.get("quote"), "reason": "Looked at it."}
    for f in asked
]
write(reviews=said)
"""


def reviewer(**verdicts: str) -> str:
    return REVIEWS.replace("VERDICTS", repr(verdicts))


def review(swarm: Swarm, workspace: Workspace, number: int, *said: dict[str, Any], exit: int = 0) -> Answer:  # noqa: A002
    """Dispatch a review, answer for `code` by hand, and collect."""
    swarm("dispatch", PHASE, "--review")
    for domain in ("code", "rest"):
        if (workspace.folder / workspace.run / f"wave-{number}" / f"{domain}.md").exists():
            answer(workspace, domain, number, *(said if domain == "code" else ()))
    return swarm("collect", "--format", "json", exit=exit)


def answer(workspace: Workspace, domain: str, number: int, *said: dict[str, Any], **keys: Any) -> None:
    file = workspace.output(domain, number)
    file.write_text(json.dumps({"domain": domain, "summary": "Looked.", "reviews": list(said), **keys}))


def verdict(finding_id: str, word: str = "confirmed", quote: str | None = LOAD["quote"], **keys: Any) -> dict[str, Any]:
    return {"finding_id": finding_id, "verdict": word, "quote": quote, "reason": "Looked at it.", **keys}


def verdicts(swarm: Swarm) -> dict[str, str | None]:
    listed = swarm("findings", "--status", "all", "--format", "json", exit=None).data["findings"]
    return {finding["ruleId"] or finding["category"]: finding["review"] for finding in listed}


def refusals(collected: Answer) -> list[str]:
    (code,) = (agent for agent in collected.data["agents"] if agent["domain"] == "code")
    return [f"{problem['path']} {problem['message']}" for problem in code["errors"]]
