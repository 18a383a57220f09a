"""Rules about the steps of scenarios."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from swarm.rules.record_forms import STEP_STATUSES, ScenarioResult

_NOT_PASSED: Final = frozenset({"fail", "blocked"})


def step_problems(scenarios: Sequence[ScenarioResult], required: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the violations of the scenarios of a submission; `required` are the steps that a scenario must have."""
    twice = [name for name, count in Counter(one["scenario_id"] for one in scenarios).items() if count > 1]
    found = [f"steps[{name}]: the scenario stands twice" for name in twice]
    for scenario in scenarios:
        name = scenario["scenario_id"]
        found += [f"steps[{name}]: {problem}" for problem in _problems(scenario, required.get(name, ()))]
    return found


def _problems(scenario: ScenarioResult, required: Sequence[str]) -> list[str]:
    steps = scenario["step_results"]
    counts = Counter(step["step_id"] for step in steps)
    found = [f"step '{step}' stands {count} times" for step, count in counts.items() if count > 1]
    # The schema has checked this; the rule holds also for a caller that did not come by the schema.
    found += [f"step '{step['step_id']}' has no known status" for step in steps if step["status"] not in STEP_STATUSES]
    if scenario["verdict"] == "pass":
        found += [
            f"verdict pass over step '{step['step_id']}', which is {step['status']}"
            for step in steps
            if step["status"] in _NOT_PASSED
        ]
    return found + [f"required step '{step}' is missing" for step in required if step not in counts]
