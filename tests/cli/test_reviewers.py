"""Reviewers: agents of other models and programs that look a second time, in a tree of their own."""

import json
import sys
from typing import Any

import pytest

from tests.cli.scenes.launched_agents import OUTPUT, Agents
from tests.cli.scenes.reviews import PHASE, reviewer, verdicts
from tests.cli.scenes.triage import LOAD, ids, statuses
from tests.conftest import Repo, Swarm, Workspace


def test_a_launched_reviewer_gives_its_verdict_and_a_second_one_can_dispute_it(
    swarm: Swarm, agents: Agents, three: Workspace
) -> None:
    agents.play(reviewer(bug="confirmed", S307="refuted"))
    made = swarm("dispatch", PHASE, "--review", "--format", "json").data
    assert made["runtime"] == "played"
    assert swarm("launch", "--format", "json").data["exitClass"] == 0
    assert [(said["reviewer"], said["independent"]) for said in swarm("collect", "--format", "json").data["reviews"]][
        :2
    ] == [("played", None)] * 2
    assert verdicts(swarm) == {"bug": "confirmed", "S307": "refuted", "docs": "unknown"}
    assert swarm("dispatch", PHASE, "--review", exit=1).code == "DISPATCH_NOTHING_TO_REVIEW"
    assert swarm("dispatch", PHASE, "--review", "--runtime", "played", exit=1).code == "DISPATCH_NOTHING_TO_REVIEW"
    toml = three.folder.parent / "swarm.toml"
    toml.write_text(toml.read_text().replace("[runtimes.played]", "[runtimes.other]"))
    script = agents.folder / "agent.py"
    script.write_text(script.read_text().replace("'confirmed'", "'refuted'"))
    swarm("dispatch", PHASE, "--review", "--runtime", "other")
    swarm("launch")
    swarm("collect")
    assert verdicts(swarm) == {"bug": "disputed", "S307": "refuted", "docs": "unknown"}
    assert "new, disputed; refuted by other: Looked at it." in swarm("findings", exit=1).out
    swarm("approve", "--all", "--confirmed")
    assert statuses(swarm) == {"bug": "new", "S307": "new", "docs": "new"}


# A stand-in of Claude Code, which answers in its own stream.
SAYS = """
said = {"domain": os.environ["SWARM_DOMAIN"], "summary": "Looked.", "reviews": said}
print(json.dumps({"type": "result", "subtype": "success", "is_error": False, "result": json.dumps(said)}))
"""


def reviewed_by(swarm: Swarm, three: Workspace, model: str, word: str) -> dict[str, Any]:
    """Let Claude Code review by a model, and return its verdict about the bug."""
    root = three.folder.parent
    script = root.parent / "claude.py"
    script.write_text(OUTPUT + reviewer(bug=word).replace("write(reviews=said)", SAYS))
    argv = json.dumps([sys.executable, str(script)])
    (root / "swarm.toml").write_text(f'[runtimes.claude]\nargv = {argv}\nmodel = "{model}"\n')
    swarm("dispatch", PHASE, "--review", "--runtime", "claude")
    swarm("launch")
    said = swarm("collect", "--format", "json").data["reviews"]
    (found,) = [each for each in said if each["findingId"] == ids(swarm, "bug")]
    assert isinstance(found, dict)
    return found


def test_a_reviewer_with_another_model_is_another_reviewer(swarm: Swarm, three: Workspace) -> None:
    first = reviewed_by(swarm, three, "opus", "confirmed")
    assert swarm("dispatch", PHASE, "--review", "--runtime", "claude", exit=1).code == "DISPATCH_NOTHING_TO_REVIEW"
    second = reviewed_by(swarm, three, "haiku", "refuted")
    assert [(each["reviewer"], each["reviewerModel"], each["verdict"]) for each in (first, second)] == [
        ("claude", "opus", "confirmed"),
        ("claude", "haiku", "refuted"),
    ]
    assert verdicts(swarm)["bug"] == "disputed"
    assert "new, disputed; refuted by claude:haiku: Looked at it." in swarm("findings", exit=1).out


def test_the_reporter_is_the_reviewer_only_where_there_is_no_other_and_the_verdict_says_so(
    swarm: Swarm, repo: Repo, agents: Agents, workspace: Workspace
) -> None:
    found = json.dumps({"id": "1", "severity": "HIGH", "category": "bug", "description": "Wrong.", **LOAD})
    audits = f"write(findings=[json.loads({found!r})] if os.environ['SWARM_DOMAIN'] == 'code' else [])\n"
    is_review = "'second look' in open(os.environ['SWARM_PROMPT_FILE']).readline()"
    reviews = "".join(f"    {line}\n" for line in reviewer(bug="confirmed").splitlines())
    agents.play(f"if {is_review}:\n{reviews}else:\n    {audits}")
    swarm("dispatch", PHASE, "--isolate", "--runtime", "played")
    swarm("launch")
    swarm("collect")
    assert swarm("dispatch", PHASE, "--review", "--dry-run", "--format", "json").data["runtime"] == "played"
    toml = repo.root / "swarm.toml"
    own = toml.read_text()
    toml.write_text(own + own.replace("[runtimes.played]", "[runtimes.zebra]"))
    assert swarm("dispatch", PHASE, "--review", "--dry-run", "--format", "json").data["runtime"] == "zebra"
    swarm("dispatch", PHASE, "--review", "--runtime", "played")
    swarm("launch")
    (said,) = swarm("collect", "--format", "json").data["reviews"]
    assert (said["reviewer"], said["independent"]) == ("played", False)
    assert "by played, not independent: it reported the finding itself" in swarm("show", said["findingId"]).out


def test_an_analyzer_reviews_nothing(swarm: Swarm, three: Workspace) -> None:
    assert swarm("dispatch", PHASE, "--review", "--runtime", "ruff", exit=2).code == "RUNTIME_PHASE_UNSUPPORTED"
    swarm("dispatch", PHASE, "--review")
    assert swarm("launch", exit=2).code == "RUNTIME_PHASE_UNSUPPORTED"


EDITS = "\npathlib.Path('src/app.py').write_text('changed')\n"


def test_a_reviewer_that_edits_its_tree_fails_the_review_and_nothing_else(
    swarm: Swarm, agents: Agents, three: Workspace
) -> None:
    swarm("approve", "--all")
    agents.play(reviewer(bug="refuted") + EDITS)
    swarm("dispatch", PHASE, "--review")
    swarm("launch")
    collected = swarm("collect", "--format", "json", exit=1).data
    assert [(violation["file"], violation["agentDomain"]) for violation in collected["violations"]] == [
        ("src/app.py", "code"),
        ("src/app.py", "rest"),
    ]
    assert verdicts(swarm) == {"bug": None, "S307": None, "docs": None}
    status = swarm("status", "--format", "json").data
    assert (status["violations"], status["review"]["status"]) == (0, "failed")
    assert status["waves"]["current"]["number"] == 1
    gates = swarm("advance", "--check-only", "--format", "json", exit=1).data["gates"]
    assert {gate["name"] for gate in gates if not gate["passed"]} == {"findings"}


@pytest.mark.usefixtures("backend")
def test_a_reviewer_in_a_sandbox_cannot_write_to_its_tree(swarm: Swarm, agents: Agents, three: Workspace) -> None:
    tries = "\ntry:\n    pathlib.Path('src/app.py').write_text('changed')\nexcept OSError:\n    pass\n"
    agents.play(tries + reviewer(bug="confirmed"), more=f'[sandbox]\nreadable = ["{agents.folder}"]\n')
    swarm("dispatch", PHASE, "--review")
    swarm("launch")
    swarm("collect")
    assert verdicts(swarm)["bug"] == "confirmed"
