"""The verifier: confirms the verdict of a submission or lowers it, and says why. It writes nothing."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, cast

from swarm import clock, errors
from swarm.evidence.records import policies, provenance
from swarm.evidence.records.submission import RawSubmission, form_problems
from swarm.evidence.records.validators import held_apart
from swarm.rules import record_policy
from swarm.rules.record_forms import (
    MalformedRecord,
    OverallVerdict,
    Provenance,
    RecordVerification,
    RunRecord,
    Submission,
)
from swarm.rules.record_policy import BUILT_IN, PolicyAnswer, RecordPolicy
from swarm.rules.record_steps import step_problems
from swarm.rules.record_verdicts import Lowered, of_scenarios, overall

_MOST_REASONS: Final = 200
_LONGEST_REASON: Final = 1000


class VerifierFindings(NamedTuple):
    """The findings of the verifier about a submission."""

    reasons: tuple[str, ...]
    lowered: tuple[Lowered, ...] = ()
    warnings: tuple[str, ...] = ()
    policy_version: str = BUILT_IN
    is_confirmed: bool = False
    fits_schema: bool = False
    fits_policy: bool = False


def judged(
    raw: RawSubmission, root: Path, source: Provenance, environment: Mapping[str, str]
) -> RunRecord | MalformedRecord:
    """Return the record of a submission, accepted or rejected. Raises ProvenanceUnreachable."""
    problems, faults = held_apart(errors.ValidatorFaultSchema, partial(form_problems, raw))
    if reasons := [*(problems or ()), *faults]:
        return _malformed(raw, source, VerifierFindings(tuple(reasons)))
    submission = cast("Submission", raw.document)
    judgement = _judgement(submission, root, source, environment)
    found = [*judgement.lowered, *of_scenarios(submission["scenario_results"])]
    verdict = overall(submission["overall_verdict"], found)
    rest = {key: value for key, value in submission.items() if key != "overall_verdict"}
    record = {
        **rest,
        "policy_version": judgement.policy_version,
        "overall_verdict": _bounded(verdict),
        "verification": _verification(source, judgement),
    }
    return cast("RunRecord", record)


def _judgement(
    submission: Submission, root: Path, source: Provenance, environment: Mapping[str, str]
) -> VerifierFindings:
    steps, step_faults = held_apart(errors.ValidatorFaultSteps, partial(_step_problems, submission, root))
    confirmation = provenance.PROVENANCES[source](submission, environment)
    unconfirmed = [f"provenance: {problem}" for problem in confirmation.problems]
    answer, policy_faults = held_apart(errors.ValidatorFaultPolicy, partial(_policy_answer, submission, root))
    policy, judged_by = answer or (RecordPolicy(), PolicyAnswer((), ()))
    of_policy = [*judged_by.violations, *policy_faults]
    reasons = [*(steps or ()), *step_faults, *unconfirmed, *of_policy]
    return VerifierFindings(
        reasons=tuple(reasons),
        # A rejected submission proves nothing, whatever its scenarios say.
        lowered=(*confirmation.lowered, *(Lowered("fail", reason) for reason in reasons)),
        warnings=judged_by.warnings,
        policy_version=policy.version,
        is_confirmed=not unconfirmed,
        fits_schema=True,
        fits_policy=not of_policy,
    )


def _step_problems(submission: Submission, root: Path) -> list[str]:
    scenarios = submission["scenario_results"]
    required, unloaded = policies.required_steps(root, submission["repo"], (one["scenario_id"] for one in scenarios))
    return unloaded + step_problems(scenarios, required)


def _policy_answer(submission: Submission, root: Path) -> tuple[RecordPolicy, PolicyAnswer]:
    try:
        policy = policies.policy_of(root, submission["repo"])
    except policies.MalformedFile as error:
        # Closed: without its policy nobody knows what a submission must show.
        return RecordPolicy("malformed"), PolicyAnswer((f"policy: {error.problem}",), ())
    return policy, record_policy.judged(submission, policy)


def _malformed(raw: RawSubmission, source: Provenance, judgement: VerifierFindings) -> MalformedRecord:
    verdict = overall(raw.proposed, [Lowered("fail", reason) for reason in judgement.reasons])
    return {
        "schema_version": raw.schema_version,
        "run_id": raw.run_id,
        "repo": raw.repo,
        "policy_version": judgement.policy_version,
        "overall_verdict": _bounded(verdict),
        "verification": _verification(source, judgement),
        "malformed": raw.malformed,
    }


def _verification(source: Provenance, judgement: VerifierFindings) -> RecordVerification:
    found: RecordVerification = {
        "status": "rejected" if judgement.reasons else "accepted",
        "verified_at": clock.now(),
        "provenance": source,
        "provenance_confirmed": judgement.is_confirmed,
        "schema_valid": judgement.fits_schema,
        "policy_valid": judgement.fits_policy,
        "rejection_reasons": _cut(judgement.reasons),
    }
    if judgement.warnings:
        found["policy_warnings"] = _cut(judgement.warnings)
    return found


def _bounded(verdict: OverallVerdict) -> OverallVerdict:
    if "downgrade_reasons" in verdict:
        verdict["downgrade_reasons"] = _cut(verdict["downgrade_reasons"])
    return verdict


def _cut(reasons: tuple[str, ...] | list[str]) -> list[str]:
    """Return reasons that fit the schema of a record, however many and long they are."""
    return [reason[:_LONGEST_REASON] for reason in dict.fromkeys(reasons)][:_MOST_REASONS]
