"""Rules of records: verdicts, steps, policy and places, over every pair and every key."""

import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from swarm.rules.record_forms import ScenarioResult, Submitted, Verdict
from swarm.rules.record_places import (
    record_place,
    repo_policy_place,
    repo_problem,
    scenario_place,
)
from swarm.rules.record_policy import PolicyAnswer, RecordPolicy, SurfacePolicy, freshness, judged, policy_from
from swarm.rules.record_steps import step_problems
from swarm.rules.record_verdicts import RANKING, Lowered, of_scenarios, overall, worst


def scenario(**keys: Any) -> ScenarioResult:
    made: dict[str, Any] = {
        "scenario_id": "export",
        "product_surface": "cli",
        "execution_mode": "bot",
        "verdict": "pass",
        "step_results": [{"step_id": "run", "status": "pass"}],
        **keys,
    }
    return made  # type: ignore[return-value]


def submitted(*scenarios: ScenarioResult, ci_checks: list[Mapping[str, Any]] | None = None) -> Submitted:
    return {"repo": "org/repo", "scenario_results": list(scenarios), "ci_checks": ci_checks or []}  # type: ignore[typeddict-item]


def test_a_verdict_is_never_raised_and_says_what_lowered_it() -> None:
    assert RANKING == ("fail", "blocked", "partial", "pass")
    for proposed, found in itertools.product(RANKING, RANKING):
        made = overall(proposed, [Lowered(found, f"because {found}")])
        lower = RANKING.index(found) < RANKING.index(proposed)
        expected = {"proposed": proposed, "verified": found if lower else proposed, "downgraded": lower}
        assert made == expected | ({"downgrade_reasons": [f"because {found}"]} if lower else {})
    assert worst([]) == "pass"
    assert overall(None, []) == {"proposed": None, "verified": "fail", "downgraded": False, "downgrade_reasons": []}


def test_each_scenario_that_did_not_pass_lowers_the_verdict() -> None:
    scenarios = [scenario(scenario_id=verdict, verdict=verdict) for verdict in RANKING]
    assert of_scenarios(scenarios) == [
        Lowered(verdict, f"scenario {verdict}: {verdict}") for verdict in RANKING if verdict != "pass"
    ]


@pytest.mark.parametrize(
    ("verdict", "steps", "required", "problems"),
    [
        ("pass", [("a", "pass"), ("b", "skip"), ("c", "partial")], ("a",), []),
        ("pass", [("a", "fail")], (), ["verdict pass over step 'a', which is fail"]),
        ("pass", [("a", "blocked")], (), ["verdict pass over step 'a', which is blocked"]),
        ("fail", [("a", "fail")], (), []),
        ("partial", [("a", "blocked")], (), []),
        ("pass", [("a", "pass"), ("a", "pass")], (), ["step 'a' stands 2 times"]),
        ("pass", [("a", "done")], (), ["step 'a' has no known status"]),
        ("pass", [("a", "pass")], ("a", "b"), ["required step 'b' is missing"]),
    ],
)
def test_steps_hold_the_verdict_of_their_scenario(
    verdict: Verdict, steps: list[tuple[str, str]], required: tuple[str, ...], problems: list[str]
) -> None:
    made = scenario(verdict=verdict, step_results=[{"step_id": name, "status": status} for name, status in steps])
    assert step_problems([made], {"export": required}) == [f"steps[export]: {problem}" for problem in problems]


def test_a_scenario_that_stands_twice_is_a_problem() -> None:
    assert step_problems([scenario(), scenario()], {}) == ["steps[export]: the scenario stands twice"]


def of_cli(**keys: Any) -> RecordPolicy:
    return policy_from([{"policy_version": "1", "surfaces": {"cli": keys}}])


TEST_CHECK = {"id": "unit", "kind": "test", "status": "pass"}
COVERED = {"id": "lines", "kind": "coverage", "status": "pass", "value": 79.5}


@pytest.mark.parametrize(
    ("keys", "made", "checks", "problem"),
    [
        ({}, scenario(), [], None),
        ({"required_scenarios": ["export", "import"]}, scenario(), [], "required scenario 'import' is missing"),
        (
            {"execution_modes": ["bot"]},
            scenario(execution_mode="human", attested_by="A"),
            [],
            "scenario 'export' ran in mode human, and bot may",
        ),
        (
            {},
            scenario(execution_mode="human"),
            [],
            "scenario 'export' ran in mode human and names nobody who attests it",
        ),
        (
            {},
            scenario(execution_mode="mixed", attested_by=" "),
            [],
            "scenario 'export' ran in mode mixed and names nobody who attests it",
        ),
        ({}, scenario(execution_mode="mixed", attested_by="A Person"), [], None),
        ({}, scenario(verdict="blocked"), [], "scenario 'export' is blocked and gives no reason"),
        ({}, scenario(verdict="blocked", blocking_reason="no network"), [], None),
        ({"tests_must_pass": True}, scenario(), [], "no check of kind test passed"),
        ({"tests_must_pass": True}, scenario(), [{**TEST_CHECK, "status": "skip"}], "no check of kind test passed"),
        ({"tests_must_pass": True}, scenario(), [TEST_CHECK], None),
        (
            {"tests_must_pass": True},
            scenario(),
            [TEST_CHECK, {**TEST_CHECK, "id": "e2e", "status": "fail"}],
            "test check 'e2e' failed",
        ),
        ({"coverage_min": 80}, scenario(), [COVERED], "coverage 79.5 is below 80"),
        ({"coverage_min": 79.5}, scenario(), [COVERED], None),
        (
            {"coverage_min": 0},
            scenario(),
            [{**COVERED, "status": "skip"}],
            "no check of kind coverage has a value, and 0 is needed",
        ),
        ({"evidence": {"count": 1}}, scenario(), [], "scenario 'export' has 0 of 1 pieces of evidence"),
        (
            {"evidence": {"kinds": ["log"]}},
            scenario(evidence=[{"kind": "video"}]),
            [],
            "scenario 'export' has no evidence of kind 'log'",
        ),
        ({"evidence": {"kinds": ["log"], "count": 1}}, scenario(evidence=[{"kind": "log"}]), [], None),
    ],
)
def test_a_policy_rejects_what_a_surface_does_not_show(
    keys: dict[str, Any], made: ScenarioResult, checks: list[Mapping[str, Any]], problem: str | None
) -> None:
    found = (f"policy: surface cli: {problem}",) if problem else ()
    whole = submitted(made, ci_checks=checks)
    assert judged(whole, of_cli(**keys)) == PolicyAnswer(found, ())
    assert judged(whole, of_cli(enforcement="warn-only", **keys)) == PolicyAnswer((), found)
    assert judged(whole, of_cli(enforcement="exempt", **keys)) == PolicyAnswer((), ())


def test_a_policy_of_a_repository_stands_above_the_global_one_and_a_surface_above_the_defaults() -> None:
    world = {
        "policy_version": "1.0",
        "defaults": {"freshness": {"max_age_days": 60}, "tests_must_pass": True},
        "surfaces": {"cli": {"freshness": {"warn_age_days": 3}, "coverage_min": 50}},
    }
    own = {
        "policy_version": "2.0",
        "enforcement": "warn-only",
        "surfaces": {"web": {"tests_must_pass": False}, "cli": {"evidence": {"kinds": ["log"], "count": 2}}},
    }
    default = SurfacePolicy(enforcement="warn-only", max_age_days=60, tests_must_pass=True)
    assert policy_from([world, own]) == RecordPolicy(
        "1.0+2.0",
        default,
        {
            "cli": default._replace(warn_age_days=3, coverage_min=50, evidence_kinds=("log",), evidence_count=2),
            "web": default._replace(tests_must_pass=False),
        },
    )
    assert policy_from([]) == RecordPolicy("built-in", SurfacePolicy(), {})


def test_freshness_goes_by_the_limit_of_the_surface() -> None:
    ages = [None, -0.1, 0, 30, 30.1, 365]
    assert [freshness(age, SurfacePolicy()) for age in ages] == [
        *("unknown_freshness", "unknown_freshness", "healthy", "healthy", "stale", "stale"),
    ]
    assert freshness(30.1, SurfacePolicy(max_age_days=31)) == "healthy"


def test_a_place_is_made_of_names_that_lead_nowhere_else() -> None:
    assert record_place("a-b/c.d", "run_1", "2026-11-29", rejected=False) == "records/a-b/c.d/2026/11/29/run-run_1.json"
    assert record_place("_unknown/_unknown", "x", "2026-11-29", rejected=True) == (
        "records/_rejected/_unknown/_unknown/2026/11/29/run-x.json"
    )
    assert (repo_policy_place("a/b"), scenario_place("a/b", "export")) == (
        "policies/repos/a/b.yaml",
        "scenarios/a/b/export.yaml",
    )


@pytest.mark.parametrize(
    "repo",
    ["", "a", "a/", "/a", "a/b/c", "../b", "a/..", "./b", "a/.", "a\\b/c", "_rejected/a", "_unknown/_unknown", "a/b\n", "a/b\0", "-a/b", "ä/b", "a b/c", "a/b.", "a./b", "a" * 101 + "/b", None, 1, ["a/b"]],
)  # fmt: skip
def test_no_other_name_makes_a_place(repo: Any) -> None:
    assert repo_problem(repo) is not None
    for made in (lambda: record_place(repo, "x", "2026-11-29", rejected=False), lambda: repo_policy_place(repo)):
        with pytest.raises(ValueError, match="no place"):
            made()


@pytest.mark.parametrize("run_id", ["", ".", "..", "../x", "a/b", "a\\b", ".x", "-x", "x\n", "x" * 129, None, 7])
def test_no_other_run_id_makes_a_place(run_id: Any) -> None:
    with pytest.raises(ValueError, match="no place"):
        record_place("a/b", run_id, "2026-11-29", rejected=False)
    with pytest.raises(ValueError, match="no place"):
        scenario_place("a/b", run_id)
