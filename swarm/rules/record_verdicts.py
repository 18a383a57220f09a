"""Verdict of a record: the verifier confirms what was proposed or lowers it, and never raises it."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from swarm.rules.record_forms import OverallVerdict, ScenarioResult, Verdict

# From the worst to the best.
RANKING: Final[tuple[Verdict, ...]] = ("fail", "blocked", "partial", "pass")


class Lowered(NamedTuple):
    """A verdict that something other than the submission's word gives, and why it is not better."""

    verdict: Verdict
    reason: str


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of some verdicts; `pass` for none."""
    return min(verdicts, key=RANKING.index, default="pass")


def of_scenarios(scenarios: Iterable[ScenarioResult]) -> list[Lowered]:
    """Return the verdict of each scenario that is no `pass`."""
    return [
        Lowered(scenario["verdict"], f"scenario {scenario['scenario_id']}: {scenario['verdict']}")
        for scenario in scenarios
        if scenario["verdict"] != "pass"
    ]


def overall(proposed: Verdict | None, found: Sequence[Lowered]) -> OverallVerdict:
    """Return the verified verdict, with each reason for which it is lower than the proposed one.

    `None` was proposed by a submission that names no verdict; its record is a failure.
    """
    verified = worst([proposed or "fail", *(one.verdict for one in found)])
    if proposed is not None and verified == proposed:
        return {"proposed": proposed, "verified": verified, "downgraded": False}
    rank = RANKING.index(proposed or "pass")
    reasons = [one.reason for one in found if RANKING.index(one.verdict) < rank]
    return {
        "proposed": proposed,
        "verified": verified,
        "downgraded": proposed is not None,
        "downgrade_reasons": reasons,
    }
