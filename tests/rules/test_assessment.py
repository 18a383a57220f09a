"""Where a run stands: state, blockers and next command, over a table written by hand."""

import pytest

from swarm.rules.assessment import AgentFacts, RunFacts, assess
from swarm.rules.gates import GateFacts, VerificationFacts, WaveFacts
from swarm.rules.phases import Phase
from swarm.rules.states import WaveStatus

DONE = AgentFacts("code", "complete", True, None)
WAITING = AgentFacts("code", "dispatched", False, None)
ANSWERED = AgentFacts("rest", "dispatched", True, None)
FAILED = AgentFacts("code", "failed", False, "it wrote nothing")
UNTOLD = AgentFacts("rest", "timed_out", False, None)
INVALID = AgentFacts("code", "invalid_output", True, "not JSON")
BOTH = ("code is failed: it wrote nothing", "rest is invalid_output: not JSON")
PASS, RED = VerificationFacts("pass", True, False), VerificationFacts("fail", False, False)
HIGH_A = ("new", "HIGH", "A")

FRESH = RunFacts(
    run_id="R",
    is_frozen=True,
    has_agents=True,
    is_isolated=False,
    agents=(),
    has_promotions=False,
    is_unmerged=False,
    is_unpublished=False,
    is_git_changed=False,
    gates=GateFacts("initializing", None, 0, None, {}),
)


UNCOMMITTED = "wave 1 (health-audit-a) looked at uncommitted files, and not at a commit"


def at(
    phase: Phase,
    status: WaveStatus,
    *agents: AgentFacts,
    dropped: tuple[str, ...] = (),
    run_status: str | None = None,
    **gates: object,
) -> RunFacts:
    """A run with a wave of this phase, isolated."""
    incomplete = tuple(agent.domain for agent in agents if agent.status != "complete")
    wave = WaveFacts(1, phase, status, incomplete, dropped)
    told = {"violations": 0, "proof": None, "findings": {}, **gates}
    return FRESH._replace(is_isolated=True, agents=agents, gates=GateFacts(run_status or phase, wave, **told))


def flying(*agents: AgentFacts) -> RunFacts:
    return at(Phase.HEALTH_AUDIT_A, WaveStatus.DISPATCHED, *agents)


def uncommitted() -> RunFacts:
    """A run whose newest wave looked at uncommitted files."""
    facts = collected(DONE)
    assert facts.gates.wave is not None
    return facts._replace(gates=facts.gates._replace(wave=facts.gates.wave._replace(is_of_uncommitted=True)))


def broken(*agents: AgentFacts, **gates: object) -> RunFacts:
    return at(Phase.HEALTH_AUDIT_A, WaveStatus.FAILED, *agents, **gates)


def collected(*agents: AgentFacts, **gates: object) -> RunFacts:
    return at(Phase.HEALTH_AUDIT_A, WaveStatus.COLLECTED, *(agents or (DONE,)), **gates)


def amended(status: WaveStatus = WaveStatus.COLLECTED, **gates: object) -> RunFacts:
    return at(Phase.HEALTH_AMEND_A, status, DONE, **gates)


def promoted(run_status: str, of: Phase = Phase.HEALTH_AUDIT_A, **gates: object) -> RunFacts:
    return at(of, WaveStatus.ADVANCED, DONE, run_status=run_status, **gates)._replace(has_promotions=True)


NOTHING = FRESH._replace(has_agents=False, is_frozen=False)
WITHOUT_AGENTS = ("no domain has an agent",)
ADD = "swarm domains R --add rest --globs '[\"**\"]'"
APPROVE = "swarm approve R --all --severity CRITICAL,HIGH"
OVERRIDE = "swarm advance R --override --reason '…'"
AGAIN = "swarm dispatch R health-audit-a --isolate"


@pytest.mark.parametrize(
    ("facts", "state", "blockers", "following"),
    [
        (FRESH, "NO WAVE", (), AGAIN),
        (FRESH._replace(is_frozen=False), "NO WAVE", ("the map is a draft",), "swarm domains R --freeze"),
        (NOTHING, "NO WAVE", WITHOUT_AGENTS, ADD),
        (at(Phase.HEALTH_AUDIT_A, WaveStatus.ABORTED_FOR_REWIND), "NO WAVE", (), AGAIN),
        (FRESH._replace(gates=FRESH.gates._replace(run_status="complete")), "COMPLETE", (), "swarm findings R"),
        (
            at(Phase.HEALTH_AUDIT_A, WaveStatus.DISPATCHED, WAITING, run_status="aborted"),
            "COMPLETE",
            (),
            "swarm findings R",
        ),
        (flying(WAITING, ANSWERED), "IN PROGRESS", ("no output yet: code",), "swarm launch R"),
        (
            flying(WAITING, WAITING._replace(domain="docs", status="running")),
            "IN PROGRESS",
            ("no output yet: code, docs",),
            "swarm launch R",
        ),
        (flying(DONE, ANSWERED), "READY TO COLLECT", (), "swarm collect R"),
        (flying(DONE, ANSWERED, UNTOLD), "IN PROGRESS", ("rest is timed_out: no reason kept",), "swarm resume R"),
        (flying(WAITING, UNTOLD), "IN PROGRESS", ("no output yet: code",), "swarm launch R"),
        (
            flying(DONE)._replace(supervisor="process 7", unfinished="swarm rewind S"),
            "IN PROGRESS",
            ("process 7 is at work on the wave",),
            "swarm attempts R",
        ),
        (
            collected()._replace(unfinished="swarm rewind S"),
            "BLOCKED",
            ("`swarm rewind S` was begun and is not finished; `swarm undo R` takes it back",),
            "swarm rewind S --apply --reason '…'",
        ),
        (broken(FAILED), "WAVE FAILED", ("code is failed: it wrote nothing",), "swarm resume R"),
        (broken(DONE, violations=1), "WAVE FAILED", ("1 file was touched that should not have been",), AGAIN),
        (broken(FAILED, INVALID._replace(domain="rest")), "BLOCKED", BOTH, "swarm resume R"),
        (
            broken(DONE, UNTOLD)._replace(is_isolated=False, is_git_changed=True),
            "WAVE FAILED",
            ("rest is timed_out: no reason kept",),
            "swarm dispatch R health-audit-a",
        ),
        (
            broken(FAILED)._replace(is_frozen=False, is_git_changed=True),
            "WAVE FAILED",
            ("code is failed: it wrote nothing",),
            f"{AGAIN} --auto-freeze",
        ),
        (
            broken(INVALID, DONE, violations=2),
            "BLOCKED",
            ("code is invalid_output: not JSON", "2 files were touched that should not have been"),
            "swarm revalidate R --domain code:<corrected-output.json> --apply --reason '…'",
        ),
        (
            broken(AgentFacts("code", "ownership_violation", True, "touched 1 file")),
            "BLOCKED",
            ("code is ownership_violation: touched 1 file",),
            "swarm redrive 1 R",
        ),
        (
            at(Phase.HEALTH_AMEND_A, WaveStatus.FAILED, DONE, findings={("approved", "LOW", "A"): 1}),
            "WAVE FAILED",
            (),
            "swarm dispatch R health-amend-a --isolate",
        ),
        (
            at(Phase.HEALTH_AMEND_A, WaveStatus.FAILED, DONE, findings={("approved", "LOW", "B"): 1}),
            "WAVE FAILED",
            (),
            AGAIN,
        ),
        (collected(DONE, FAILED._replace(domain="rest")), "INCOMPLETE", ("not complete: rest",), AGAIN),
        (uncommitted(), "INCOMPLETE", (UNCOMMITTED,), AGAIN),
        (uncommitted()._replace(checkout="/a shop"), "INCOMPLETE", (UNCOMMITTED,), "swarm audit '/a shop'"),
        # An earlier wave of the phase touched something, and this one did not: only a reason passes that.
        (collected(violations=1), "BLOCKED", ("1 file was touched that should not have been",), OVERRIDE),
        (collected(dropped=("F-1: unowned",)), "BLOCKED", ("dropped: F-1: unowned",), AGAIN),
        (
            collected(violations=1, dropped=("F-1: unowned",)),
            "BLOCKED",
            ("1 file was touched that should not have been; dropped: F-1: unowned",),
            OVERRIDE,
        ),
        (
            collected(findings={HIGH_A: 2, ("new", "CRITICAL", "B"): 1}),
            "AMEND NEEDED",
            ("1 CRITICAL, 2 HIGH open",),
            APPROVE,
        ),
        (
            collected(findings={HIGH_A: 1, ("approved", "HIGH", "A"): 1}),
            "AMEND NEEDED",
            ("2 HIGH open",),
            "swarm dispatch R health-amend-a --isolate",
        ),
        (
            collected(findings={("approved", "HIGH", "C"): 1})._replace(is_frozen=False),
            "AMEND NEEDED",
            ("1 HIGH open",),
            "swarm dispatch R health-amend-c --isolate --auto-freeze",
        ),
        # What is approved is not what stands in the way.
        (collected(findings={HIGH_A: 1, ("approved", "LOW", "A"): 1}), "AMEND NEEDED", ("1 HIGH open",), APPROVE),
        (collected(findings={("new", "MEDIUM", "A"): 5}), "READY TO ADVANCE", (), "swarm advance R"),
        (at(Phase.STAGE_D_AUDIT, WaveStatus.VERIFIED, DONE), "READY TO ADVANCE", (), "swarm advance R"),
        (
            at(Phase.FEATURE_AUDIT, WaveStatus.COLLECTED, DONE, findings={("new", "CRITICAL", "feature"): 3}),
            "READY TO ADVANCE",
            (),
            "swarm advance R",
        ),
        (amended()._replace(is_unmerged=True), "VERIFY REQUIRED", ("the wave is not verified",), "swarm merge R"),
        (amended(), "VERIFY REQUIRED", ("the wave is not verified",), "swarm verify R"),
        (amended(proof=RED), "VERIFY REQUIRED", ("the newest verification of the wave says fail",), "swarm verify R"),
        (amended(WaveStatus.VERIFIED, proof=PASS, findings={HIGH_A: 1}), "READY TO ADVANCE", (), "swarm advance R"),
        (
            amended(dropped=("F-1: unanswered",))._replace(is_unmerged=True),
            "BLOCKED",
            ("dropped: F-1: unanswered",),
            "swarm merge R",
        ),
        (
            amended(
                WaveStatus.VERIFIED, proof=PASS, dropped=("F-1: unanswered",), findings={("approved", "HIGH", "A"): 1}
            ),
            "BLOCKED",
            ("dropped: F-1: unanswered",),
            "swarm dispatch R health-amend-a --isolate",
        ),
        (promoted("health-audit-b"), "READY TO DISPATCH", (), "swarm dispatch R health-audit-b --isolate"),
        (
            promoted("health-audit-b")._replace(is_frozen=False),
            "READY TO DISPATCH",
            ("the map is a draft",),
            "swarm domains R --freeze",
        ),
        (
            promoted("health-audit-a", of=Phase.HEALTH_AMEND_A)._replace(is_unpublished=True),
            "READY TO DISPATCH",
            (),
            "swarm merge R --publish",
        ),
        (
            at(Phase.HEALTH_AUDIT_B, WaveStatus.ABORTED_FOR_REWIND)._replace(has_promotions=True),
            "READY TO DISPATCH",
            (),
            "swarm dispatch R health-audit-b --isolate",
        ),
        (
            promoted("feature-execute", of=Phase.FEATURE_AUDIT),
            "READY TO DISPATCH",
            (),
            "swarm dispatch R feature-audit --isolate",
        ),
        (promoted("test"), "VERIFY REQUIRED", ("test is not verified",), "swarm verify R"),
        (promoted("test", proof=PASS), "READY TO ADVANCE", (), "swarm advance R"),
        (
            promoted("treatment", proof=PASS, findings={("recurring", "HIGH", "B"): 1}),
            "AMEND NEEDED",
            ("1 HIGH open",),
            APPROVE,
        ),
        (
            promoted("test", violations=1),
            "BLOCKED",
            ("1 file was touched that should not have been",),
            "swarm verify R",
        ),
        (
            promoted("test", proof=PASS, violations=1),
            "BLOCKED",
            ("1 file was touched that should not have been",),
            OVERRIDE,
        ),
    ],
)
def test_the_state_its_blockers_and_one_next_command_are_told(
    facts: RunFacts, state: str, blockers: tuple[str, ...], following: str
) -> None:
    assert assess(facts) == (state, blockers, following)
