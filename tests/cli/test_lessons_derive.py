"""`swarm lessons derive`: candidate findings of records, by eight rules."""

from pathlib import Path
from typing import Any

import pytest

from swarm.rules.lessons import derive as rules
from tests.cli.errors.refusal import raises
from tests.cli.scenes.lessons import got, put
from tests.cli.scenes.records import keep, malformed, record, scenario
from tests.conftest import Repo, Swarm

KEPT = ("--root", "kept")
BROKEN = [{"step_id": "export file", "status": "fail"}, {"step_id": "open", "status": "pass"}]
LOWERED = {"proposed": "pass", "verified": "fail", "downgraded": True, "downgrade_reasons": ["scenario report: fail"]}


def policy(problem: str, surface: str = "cli") -> str:
    return f"policy: surface {surface}: {problem}"


# Of each rule: the record, the id of its finding without `dfind-acme-shop-`, and its evidence.
CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    "surface-misclassification": (
        record("run-1", scenario("pay"), rejection_reasons=[policy("required scenario 'pay' is missing", "web")]),
        "surface-misclassification-cli-pay",
        "scenario pay is reported for cli, and belongs to web",
    ),
    "evidence-policy-mismatch": (
        record("run-1", rejection_reasons=[policy("scenario 'report' has 0 of 2 pieces of evidence")]),
        "evidence-policy-mismatch-cli-report",
        "scenario report has 0 of 2 pieces of evidence",
    ),
    "verdict-downgrade": (
        record("run-1") | {"overall_verdict": LOWERED},
        "verdict-downgrade-cli-pass-to-fail",
        "lowered from pass to fail: scenario report: fail",
    ),
    "scenario-step-failure": (
        record("run-1", scenario(verdict="fail", step_results=BROKEN)),
        "scenario-step-failure-cli-report-export-file",
        "step export file ended fail in mode bot",
    ),
    "blocked-scenario": (
        record("run-1", scenario(verdict="blocked", blocking_reason="no licence")),
        "blocked-scenario-cli-report",
        "blocked: no licence",
    ),
    "execution-mode-gap": (
        record("run-1", policy_warnings=[policy("scenario 'report' ran in mode bot, and human may")]),
        "execution-mode-gap-cli-report",
        "scenario report ran in mode bot, and human may",
    ),
    "schema-rejection": (
        malformed("run-1", "schema: $.scenario_results[3].verdict: 'good' is not one of ['pass']"),
        "schema-rejection-cli-scenario-results-verdict",
        "schema: $.scenario_results[3].verdict: 'good' is not one of ['pass']",
    ),
    "policy-rejection": (
        record("run-1", rejection_reasons=[policy("coverage 71.5 is below 80")]),
        "policy-rejection-cli-coverage-is-below",
        "coverage 71.5 is below 80",
    ),
}


def derived(swarm: Swarm, *words: str, exit: int = 0) -> list[tuple[str, str]]:  # noqa: A002
    data = swarm("lessons", "derive", *words, *KEPT, "--format", "json", exit=exit).data
    return [(lesson["id"], lesson["change"]) for lesson in data["lessons"]]


def test_there_are_eight_rules_and_each_is_shown_here() -> None:
    assert [rule.name for rule in rules.RULES] == list(CASES)


@pytest.mark.parametrize("rule", CASES)
def test_a_rule_makes_a_candidate_that_is_written_and_fits_its_schema(swarm: Swarm, repo: Repo, rule: str) -> None:
    case, name, text = CASES[rule]
    keep(repo.root / "kept", case)
    lesson_id = f"dfind-acme-shop-{name}"
    assert derived(swarm) == [(lesson_id, "new")]
    assert not (repo.root / "kept/lessons").exists()
    assert derived(swarm, "--write") == [(lesson_id, "new")]
    assert derived(swarm, "--write") == [(lesson_id, "unchanged")]
    made = got(repo.root / f"kept/lessons/findings/{lesson_id}.yaml")
    assert (made["rule"], made["status"], made["repo"]) == (rule, "candidate", "acme/shop")
    assert made["source_record_ids"] == ["acme/shop/run-1"]
    assert [item["text"] for item in made["evidence"]] == [text]
    assert made["occurrences"] == 1


def test_a_record_in_which_all_went_well_teaches_nothing(swarm: Swarm, repo: Repo) -> None:
    keep(repo.root / "kept", record("run-1"), record("run-2", scenario(execution_mode="human", attested_by="A")))
    assert swarm("lessons", "derive", *KEPT).out == f"2 records in {repo.root}/kept\nNothing was found.\n"


def test_a_scenario_that_changes_its_surface_is_seen_in_the_later_record(swarm: Swarm, repo: Repo) -> None:
    keep(repo.root / "kept", record("run-1"), record("run-2", scenario(product_surface="web")))
    keep(repo.root / "kept", record("run-3", scenario(product_surface="web"), repo="acme/site"))
    assert derived(swarm, "--write") == [("dfind-acme-shop-surface-misclassification-web-report", "new")]


def test_a_finding_that_comes_again_adds_its_evidence_to_the_first(swarm: Swarm, repo: Repo) -> None:
    root = repo.root / "kept"
    failed = scenario(verdict="fail", step_results=BROKEN)
    keep(root, record("run-1", failed), record("run-2", failed))
    (lesson_id, _), *rest = derived(swarm, "--write")
    assert rest == []
    swarm("lessons", "review", "accept", lesson_id, *KEPT)
    file = root / f"lessons/findings/{lesson_id}.yaml"
    put(root, got(file), title="The words of a person stay")
    keep(root, record("run-3", failed))
    assert derived(swarm, "--write") == [(lesson_id, "changed")]
    made = got(file)
    assert (made["status"], made["title"], made["occurrences"]) == ("accepted", "The words of a person stay", 3)
    assert made["source_record_ids"] == ["acme/shop/run-1", "acme/shop/run-2", "acme/shop/run-3"]
    assert [item["record_id"] for item in made["evidence"]] == made["source_record_ids"]


@raises("FINDING_ID_COLLISION")
def test_two_findings_of_one_id_are_refused_and_the_others_are_written(swarm: Swarm, repo: Repo) -> None:
    root = repo.root / "kept"
    failed = scenario(verdict="fail", step_results=BROKEN)
    keep(root, record("run-1", failed, repo="acme/a-shop"), record("run-1", failed, repo="acme-a/shop"))
    keep(root, record("run-1", failed, repo="acme/till"))
    lesson_id = "dfind-acme-a-shop-scenario-step-failure-cli-report-export-file"
    answer = swarm("lessons", "derive", "--write", *KEPT, "--format", "json", exit=1)
    first = answer.data["errors"]
    assert first == [
        {
            "code": "FINDING_ID_COLLISION",
            "id": lesson_id,
            "message": f"intra-batch finding_id collision: '{lesson_id}' already claimed by index 0; refused write at"
            " index 1 to avoid silent clobber",
        }
    ]
    assert [lesson["id"] for lesson in answer.data["lessons"]] == [lesson_id, lesson_id.replace("a-shop", "till")]
    # Beside what is written now, it is the other repository's, and is refused again.
    again = swarm("lessons", "derive", "--write", *KEPT, exit=1).out
    assert "⊘ [FINDING_ID_COLLISION] finding_id collision" in again
    assert "stands on disk for another lesson; refused to silently clobber" in again


def test_a_rule_that_throws_is_reported_and_the_others_go_on(
    swarm: Swarm, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throws(look: Any) -> Any:
        raise ZeroDivisionError("a bug\x1b[2J of ours")

    broken = rules.RULES[0]._replace(sees=throws)
    monkeypatch.setattr("swarm.evidence.lessons.derive.RULES", (broken, *rules.RULES[1:]))
    failed = scenario(verdict="fail", step_results=BROKEN)
    keep(repo.root / "kept", *(record(f"run-{number}", failed) for number in range(30)))
    answer = swarm("lessons", "derive", "--write", *KEPT, "--format", "json", exit=1)
    problem = "ZeroDivisionError: a bug\x1b[2J of ours"
    assert answer.data["ruleFaults"][0] == {
        "rule": "surface-misclassification",
        "record": "acme/shop/run-0",
        "problem": problem,
    }
    assert (len(answer.data["ruleFaults"]), answer.data["lessons"][0]["change"]) == (20, "new")
    assert "⊘ The rule surface-misclassification failed on acme/shop/run-0" in (
        swarm("lessons", "derive", *KEPT, exit=1).out
    )


def test_a_file_that_is_no_record_is_named_and_the_others_count(swarm: Swarm, repo: Repo) -> None:
    (file,) = keep(repo.root / "kept", record("run-1"))
    file.with_name("run-2.json").write_text("{")
    out = swarm("lessons", "derive", *KEPT).out
    assert out.startswith(f"1 record in {repo.root}/kept\nNothing was found.\n⚠ Not looked at: records/acme/shop/")


HOSTILE = ("x" * 200, "§ ` \u202e", "a'b", "..", "%s{0}", "-", "Report", "日本")


def test_whatever_a_step_is_called_and_a_reason_says_the_findings_fit(swarm: Swarm, repo: Repo) -> None:
    root = repo.root / "kept"
    for number, name in enumerate(HOSTILE):
        steps = [{"step_id": name, "status": "fail"}]
        blocked = scenario(f"s{number}", verdict="blocked", step_results=steps, blocking_reason=name * 10)
        keep(root, record(f"run-{number}", blocked, policy_warnings=[policy(f"scenario '{name}' ran in mode {name}")]))
        keep(root, malformed(f"bad-{number}", f"schema: $.{name}: {name}", f"repo: {name}", name))
    data = swarm("lessons", "derive", "--write", *KEPT, "--format", "json").data
    assert data["errors"] == data["ruleFaults"] == data["corrupt"] == []
    assert _written(root) == len(data["lessons"]) > 3 * len(HOSTILE)
    # What is written can be read, reviewed, and shown.
    swarm("lessons", "review", "accept", *(lesson["id"] for lesson in data["lessons"]), *KEPT)
    assert "\u202e" not in swarm("lessons", "export", *KEPT).out


def _written(root: Path) -> int:
    return len(list(root.rglob("lessons/findings/*.yaml")))


def test_the_largest_file_that_a_rule_makes_can_be_read_again(swarm: Swarm, repo: Repo) -> None:
    root, name = repo.root / "kept", "a" * 100
    failed = scenario(name, verdict="blocked", blocking_reason="日" * 4000)
    owner = "a" * 100
    keep(root, *(record(f"{number:0>128}", failed, repo=f"{owner}/{owner}") for number in range(210)))
    (lesson,) = derived(swarm, "--write")
    assert derived(swarm) == [(lesson[0], "unchanged")]
    (file,) = (root / "lessons/findings").iterdir()
    made = got(file)
    assert [made["occurrences"], len(made["source_record_ids"]), len(made["evidence"])] == [210, 200, 40]
