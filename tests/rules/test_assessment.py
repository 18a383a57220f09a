"""Where a run stands: state, blockers and next command, over a table written by hand."""

import pytest

from swarm.rules.assessment import AgentFacts, Facts, assess
from swarm.rules.phases import Phase
from swarm.rules.states import WaveStatus

DONE = AgentFacts("code", "complete", True, None)
WAITING = AgentFacts("code", "dispatched", False, None)
ANSWERED = AgentFacts("rest", "dispatched", True, None)
FAILED = AgentFacts("code", "failed", False, "it wrote nothing")
UNTOLD = AgentFacts("rest", "timed_out", False, None)
INVALID = AgentFacts("code", "invalid_output", True, "not JSON")

FRESH = Facts(
    run_id="R",
    run_status="initializing",
    is_frozen=True,
    has_agents=True,
    phase=None,
    wave_number=0,
    wave_status=None,
    is_isolated=False,
    agents=(),
    open_by_severity={},
    violations=0,
)
FLYING = FRESH._replace(
    run_status="health-audit-a",
    phase=Phase.HEALTH_AUDIT_A,
    wave_number=1,
    wave_status=WaveStatus.DISPATCHED,
    is_isolated=True,
)
COLLECTED = FLYING._replace(wave_status=WaveStatus.COLLECTED, agents=(DONE,))
BROKEN = FLYING._replace(wave_status=WaveStatus.FAILED, agents=(FAILED,))


@pytest.mark.parametrize(
    ("facts", "state", "blockers", "following"),
    [
        (FRESH, "NO WAVE", (), "swarm dispatch R health-audit-a --isolate"),
        (FRESH._replace(is_frozen=False), "NO WAVE", ("the map is a draft",), "swarm domains R --freeze"),
        (
            FRESH._replace(has_agents=False, is_frozen=False),
            "NO WAVE",
            ("no domain has an agent",),
            "swarm domains R --add rest --globs '[\"**\"]'",
        ),
        (
            FLYING._replace(wave_status=WaveStatus.ABORTED_FOR_REWIND),
            "NO WAVE",
            (),
            "swarm dispatch R health-audit-a --isolate",
        ),
        (FRESH._replace(run_status="complete"), "COMPLETE", (), "swarm findings R"),
        (FLYING._replace(run_status="aborted", agents=(WAITING,)), "COMPLETE", (), "swarm findings R"),
        (
            FLYING._replace(agents=(WAITING, ANSWERED)),
            "IN PROGRESS",
            ("no output yet: code",),
            "swarm launch R",
        ),
        (
            FLYING._replace(agents=(WAITING, WAITING._replace(domain="docs", status="running"))),
            "IN PROGRESS",
            ("no output yet: code, docs",),
            "swarm launch R",
        ),
        (FLYING._replace(agents=(DONE, ANSWERED, UNTOLD)), "READY TO COLLECT", (), "swarm collect R"),
        (
            BROKEN,
            "WAVE FAILED",
            ("code is failed: it wrote nothing",),
            "swarm dispatch R health-audit-a --isolate",
        ),
        (
            BROKEN._replace(agents=(DONE, UNTOLD), is_isolated=False),
            "WAVE FAILED",
            ("rest is timed_out: no reason kept",),
            "swarm dispatch R health-audit-a",
        ),
        (
            BROKEN._replace(is_frozen=False),
            "WAVE FAILED",
            ("code is failed: it wrote nothing",),
            "swarm dispatch R health-audit-a --isolate --auto-freeze",
        ),
        (
            BROKEN._replace(agents=(INVALID, DONE), violations=2),
            "BLOCKED",
            ("code is invalid_output: not JSON", "2 files were touched that should not have been"),
            "swarm dispatch R health-audit-a --isolate",
        ),
        (
            BROKEN._replace(agents=(AgentFacts("code", "ownership_violation", True, "touched 1 file"),)),
            "BLOCKED",
            ("code is ownership_violation: touched 1 file",),
            "swarm dispatch R health-audit-a --isolate",
        ),
        (
            COLLECTED._replace(agents=(DONE, FAILED)),
            "INCOMPLETE",
            ("not complete: code",),
            "swarm dispatch R health-audit-a --isolate",
        ),
        (
            COLLECTED._replace(open_by_severity={"CRITICAL": 1, "HIGH": 2, "LOW": 9}),
            "AMEND NEEDED",
            ("1 CRITICAL, 2 HIGH open",),
            "swarm findings R",
        ),
        (
            COLLECTED._replace(open_by_severity={"HIGH": 1}),
            "AMEND NEEDED",
            ("1 HIGH open",),
            "swarm findings R",
        ),
        (
            COLLECTED._replace(open_by_severity={"MEDIUM": 5, "LOW": 9}),
            "READY TO ADVANCE",
            (),
            "swarm dispatch R health-audit-b --isolate",
        ),
        (
            COLLECTED._replace(phase=Phase.STAGE_D_AUDIT, wave_status=WaveStatus.VERIFIED),
            "READY TO ADVANCE",
            (),
            "swarm dispatch R feature-audit --isolate",
        ),
        (
            COLLECTED._replace(phase=Phase.FEATURE_AUDIT, open_by_severity={"CRITICAL": 3}),
            "READY TO ADVANCE",
            (),
            "swarm findings R",
        ),
        (
            COLLECTED._replace(phase=Phase.HEALTH_AMEND_A),
            "VERIFY REQUIRED",
            ("the wave is not verified",),
            "swarm findings R",
        ),
        (
            COLLECTED._replace(phase=Phase.HEALTH_AMEND_A, wave_status=WaveStatus.VERIFIED),
            "READY TO ADVANCE",
            (),
            "swarm findings R",
        ),
    ],
)
def test_the_state_its_blockers_and_one_next_command_are_told(
    facts: Facts, state: str, blockers: tuple[str, ...], following: str
) -> None:
    assert assess(facts) == (state, blockers, following)
