"""The submission of a run: its newest verification and the newest wave of each phase, as scenarios."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, cast

from swarm.evidence.records.submission import moment_of
from swarm.rules.attestations import verification_name
from swarm.rules.build_verdicts import StepStatus
from swarm.rules.record_forms import (
    SCHEMA_VERSION,
    CiCheck,
    EvidencePiece,
    RunSource,
    ScenarioResult,
    ScenarioStep,
    Submission,
    Surface,
    Verdict,
)
from swarm.rules.record_forms import (
    StepStatus as ScenarioStepStatus,
)
from swarm.rules.record_places import repo_name
from swarm.rules.record_verdicts import worst
from swarm.rules.states import AgentRunStatus, WaveStatus, is_ended
from swarm.store import agent_runs, attempts, receipts, verifications, waves
from swarm.store.runs import Run
from swarm.store.verifications import KeptStep, Verification
from swarm.store.waves import Wave

_FAILED: Final[ScenarioStepStatus] = "fail"
_KINDS: Final = {"test": "test", "lint": "lint", "types": "lint", "build": "build"}
_LONGEST_NAME: Final = 200
_DIGEST_LENGTH: Final = 12


class RunContext(NamedTuple):
    """Facts that a run does not hold: the surface that it is about, and who attests work that nobody watched."""

    surface: Surface
    attested_by: str


def submission_of(conn: sqlite3.Connection, run: Run, said: RunContext, environment: Mapping[str, str]) -> Submission:
    """Return the submission of a run; equal states give equal submissions, with the same run id."""
    verification = verifications.newest_verification(conn, run.id)
    every = [wave for wave in waves.all_of(conn, run.id) if wave.status is not WaveStatus.ABORTED_FOR_REWIND]
    newest = {_name_of(wave): wave for wave in every}
    scenarios = [_verification_scenario(conn, run, verification, said)]
    scenarios += filter(None, (_wave_scenario(conn, name, wave, said) for name, wave in newest.items()))
    whole: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        # Its place in the document; the digest below is of everything else.
        "run_id": "",
        "repo": repo_name(run.repo, environment.get("GITHUB_REPOSITORY", "")),
        "ref": {
            "commit_sha": run.commit_sha if verification is None else verification.commit_sha,
            # A branch may have a longer name than a submission takes.
            **({} if run.branch is None or len(run.branch) > _LONGEST_NAME else {"branch": run.branch}),
        },
        "source": _source(run, verification, environment),
        "timing": _timing(run.created, [*(wave.ended for wave in every), verification and verification.created]),
        "ci_checks": _checks(() if verification is None else verification.steps),
        "scenario_results": scenarios,
        "overall_verdict": worst(scenario["verdict"] for scenario in scenarios),
    }
    text = json.dumps(whole, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    # By its content: a run that went on is another submission, and the same state is the same one.
    whole["run_id"] = f"{run.id}-{hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]}"
    return cast("Submission", whole)


def _name_of(wave: Wave) -> str:
    return f"review-of-{wave.phase.value}" if wave.is_review else wave.phase.value


def _source(run: Run, verification: Verification | None, environment: Mapping[str, str]) -> RunSource:
    number = "0" if verification is None else str(verification.id)
    if environment.get("GITHUB_ACTIONS") and (run_id := environment.get("GITHUB_RUN_ID")):
        place = f"{environment.get('GITHUB_SERVER_URL', 'https://github.com')}/{environment.get('GITHUB_REPOSITORY')}"
        source: RunSource = {
            "provider": "github",
            "workflow": environment.get("GITHUB_WORKFLOW") or "unknown",
            "provider_run_id": run_id,
            "run_url": f"{place}/actions/runs/{run_id}",
        }
        attempt = environment.get("GITHUB_RUN_ATTEMPT", "")
        if attempt.isascii() and attempt.isdigit():
            source["attempt"] = int(attempt)
        if actor := environment.get("GITHUB_ACTOR"):
            source["actor"] = actor
        return source
    return {
        "provider": "swarm",
        "workflow": "swarm verify",
        "provider_run_id": f"{run.id}:{number}",
        "run_url": verification_name(run.id, int(number)),
    }


def _timing(created: str, ends: Iterable[str | None]) -> dict[str, Any]:
    # A clock that was set back must not make a run end before it began.
    finished = max([created, *filter(None, ends)])
    began, ended = moment_of(created), moment_of(finished)
    duration = 0 if began is None or ended is None else int((ended - began).total_seconds() * 1000)
    return {"started_at": created, "finished_at": finished, "duration_ms": duration}


def _checks(steps: Sequence[KeptStep]) -> list[CiCheck]:
    checks: list[CiCheck] = []
    for name, step in zip(_unique([step.name for step in steps]), steps, strict=True):
        check = {"id": name, "kind": _KINDS.get(step.kind, "other"), "status": _status_of(step)}
        checks.append(cast("CiCheck", check | ({} if step.test_count is None else {"value": step.test_count})))
    return checks


def _verification_scenario(
    conn: sqlite3.Connection, run: Run, verification: Verification | None, said: RunContext
) -> ScenarioResult:
    made: ScenarioResult = {
        "scenario_id": "verify",
        "product_surface": said.surface,
        "execution_mode": "bot",
        "verdict": "blocked",
        "step_results": [{"step_id": "verify", "status": "blocked"}],
    }
    if verification is None:
        made["blocking_reason"] = f"run {run.id} has no verification"
        return made
    names = _unique([step.name for step in verification.steps] + ["claims"])
    statuses: list[ScenarioStepStatus] = [_status_of(step) for step in verification.steps]
    made["step_results"] = [
        {"step_id": name, "status": status}
        for name, status in zip(names, [*statuses, _status_of_claims(verification)], strict=True)
    ]
    made["verdict"] = _verdict_of(verification, made["step_results"])
    if made["verdict"] == "blocked":
        made["blocking_reason"] = f"swarm verify could not judge {verification.commit_sha}: {verification.verdict}"
    if verification.accepted is not None:
        made["notes"] = f"accepted: {verification.accepted}, because {verification.reason}"[:4000]
    made["evidence"] = _receipts(conn, run, verification)
    return made


def _status_of(step: KeptStep) -> ScenarioStepStatus:
    if step.passed:
        return "pass"
    return "skip" if step.status in {StepStatus.MISSING, StepStatus.NO_TESTS} else "fail"


def _status_of_claims(verification: Verification) -> ScenarioStepStatus:
    offending = None if verification.claims is None else verification.claims.offending
    if offending is None:
        return "skip"
    return "pass" if offending <= (verification.threshold or 0) else "fail"


def _verdict_of(verification: Verification, steps: Sequence[ScenarioStep]) -> Verdict:
    if verification.exit_code == 0:
        # A build that passed at the second try keeps the step that failed at the first.
        return "partial" if any(step["status"] == _FAILED for step in steps) else "pass"
    return "fail" if verification.exit_code == 1 else "blocked"


def _receipts(conn: sqlite3.Connection, run: Run, verification: Verification) -> list[EvidencePiece]:
    return [
        {"kind": "receipt", "path": f"{run.id}/proofs/verification-{verification.id}.json", "sha256": kept.sha256}
        for kept in receipts.receipts_of(conn, run.id)
        if kept.verification_id == verification.id
    ]


def _wave_scenario(conn: sqlite3.Connection, name: str, wave: Wave, said: RunContext) -> ScenarioResult | None:
    """Return a wave as a scenario whose steps are its agents, `None` for a wave without agents."""
    agents = agent_runs.current(conn, wave.id)
    if not agents:
        return None
    steps: list[ScenarioStep] = [
        {"step_id": agent.domain, "status": _status_of_agent(agent.status)} for agent in agents
    ]
    verdict: Verdict = "fail" if any(step["status"] == _FAILED for step in steps) else "partial"
    if verdict == "partial" and wave.status not in {WaveStatus.DISPATCHED, WaveStatus.FAILED}:
        verdict = "pass"
    made: ScenarioResult = {
        "scenario_id": name,
        "product_surface": said.surface,
        "execution_mode": "bot",
        "verdict": "fail" if wave.status is WaveStatus.FAILED else verdict,
        "step_results": steps,
    }
    if not attempts.of_wave(conn, wave.id) and not any(agent.analyzer for agent in agents):
        # Nothing was launched: a person ran the agents, or wrote their answers.
        made["execution_mode"] = "mixed"
        made["attested_by"] = said.attested_by
    return made


def _status_of_agent(status: AgentRunStatus) -> ScenarioStepStatus:
    if status is AgentRunStatus.COMPLETE:
        return "pass"
    return "fail" if is_ended(status) else "partial"


def _unique(names: Sequence[str]) -> list[str]:
    """Return names of which none stands twice and none is empty."""
    made: list[str] = []
    for name in names:
        wanted, number = name.strip()[:180] or "step", 2
        unique = wanted
        while unique in made:
            unique, number = f"{wanted} #{number}", number + 1
        made.append(unique)
    return made
