"""The gates: each over what decides it, the verdict over every pair of failures, and the targets by a table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.rules.assessment import AgentFacts, RunFacts, assess
from swarm.rules.findings import SEVERITIES, STATUSES
from swarm.rules.gates import GateFacts, GateName, Verdict, VerificationFacts, WaveFacts, evaluate
from swarm.rules.phases import AMEND_PHASES, AUDIT_PHASES, DISPATCHED_PHASES, RUN_STATUSES, Lens, Phase
from swarm.rules.states import WAVE, WaveStatus

WAVE_1 = WaveFacts(1, Phase.HEALTH_AUDIT_A, WaveStatus.COLLECTED, (), ())
CLEAN = GateFacts("health-audit-a", WAVE_1, 0, None, {})
PASSED, FAILED, OLD = (
    VerificationFacts("pass", True, False),
    VerificationFacts("fail", False, False),
    VerificationFacts("pass", True, True),
)
AMENDED = GateFacts(
    "health-amend-a",
    WaveFacts(2, Phase.HEALTH_AMEND_A, WaveStatus.VERIFIED, (), ()),
    0,
    PASSED,
    {("new", "HIGH", "A"): 1},
)
TESTED = GateFacts("test", None, 0, PASSED, {})

UNCOMMITTED = CLEAN._replace(wave=WAVE_1._replace(is_of_uncommitted=True))

GATES = {
    "wave_collected": (True, False, "wave 1 (health-audit-a) is collected"),
    "agents_complete": (True, False, "every agent of wave 1 is complete"),
    "no_violations": (True, True, "no file was touched that should not have been"),
    "verification": (True, False, "audit phases need none"),
    "findings": (True, True, "no CRITICAL or HIGH open"),
    "declarations": (True, True, "nothing that an agent declared was dropped"),
}


def shown(facts: GateFacts) -> dict[str, tuple[bool, bool, str]]:
    return {gate.name.value: (gate.passed, gate.overridable, gate.reason) for gate in evaluate(facts).gates}


def test_a_wave_of_uncommitted_files_promotes_nothing() -> None:
    judgement = evaluate(UNCOMMITTED)
    reason = "wave 1 (health-audit-a) looked at uncommitted files, and not at a commit"
    assert shown(UNCOMMITTED) == GATES | {"wave_collected": (False, False, reason)}
    assert (judgement.verdict, judgement.reason, judgement.can_be_overridden) == (Verdict.BLOCK, reason, False)


def with_wave(facts: GateFacts, **changed: object) -> GateFacts:
    assert facts.wave is not None
    return facts._replace(wave=facts.wave._replace(**changed))


def test_every_gate_is_told_in_its_order() -> None:
    assert shown(CLEAN) == GATES
    assert list(shown(CLEAN)) == list(GATES) == [name.value for name in GateName]


@pytest.mark.parametrize(
    ("facts", "gate", "passed", "reason"),
    [
        (with_wave(CLEAN, status=WaveStatus.VERIFIED), "wave_collected", True, "wave 1 (health-audit-a) is verified"),
        (with_wave(CLEAN, status=WaveStatus.FAILED), "wave_collected", False, "wave 1 (health-audit-a) is failed"),
        (
            with_wave(CLEAN, status=WaveStatus.DISPATCHED),
            "wave_collected",
            False,
            "wave 1 (health-audit-a) is dispatched",
        ),
        (with_wave(CLEAN, status=WaveStatus.ADVANCED), "wave_collected", False, "no wave of health-audit-a yet"),
        (
            with_wave(CLEAN, status=WaveStatus.ABORTED_FOR_REWIND),
            "wave_collected",
            False,
            "no wave of health-audit-a yet",
        ),
        (CLEAN._replace(run_status="health-audit-b"), "wave_collected", False, "no wave of health-audit-b yet"),
        (GateFacts("initializing", None, 0, None, {}), "wave_collected", False, "no wave of health-audit-a yet"),
        (GateFacts("complete", WAVE_1, 0, None, {}), "wave_collected", False, "the run is complete"),
        (GateFacts("aborted", None, 0, None, {}), "wave_collected", False, "the run is aborted"),
        (TESTED, "wave_collected", True, "test has no wave"),
        (with_wave(CLEAN, incomplete=("code", "rest")), "agents_complete", False, "not complete: code, rest"),
        (CLEAN._replace(wave=None), "agents_complete", False, "there is no agent to look at"),
        (TESTED, "agents_complete", True, "test has no agents"),
        (CLEAN._replace(violations=1), "no_violations", False, "1 file was touched that should not have been"),
        (CLEAN._replace(violations=2), "no_violations", False, "2 files were touched that should not have been"),
        (AMENDED, "verification", True, "the newest verification of the wave says pass"),
        (AMENDED._replace(proof=FAILED), "verification", False, "the newest verification of the wave says fail"),
        (AMENDED._replace(proof=None), "verification", False, "the wave is not verified"),
        (AMENDED._replace(proof=OLD), "verification", False, "the wave has moved on since it was verified"),
        (TESTED, "verification", True, "the newest verification of test says pass"),
        (TESTED._replace(proof=None), "verification", False, "test is not verified"),
        (
            TESTED._replace(run_status="treatment", proof=OLD),
            "verification",
            False,
            "treatment has moved on since it was verified",
        ),
        (GateFacts("complete", None, 0, None, {}), "verification", True, "not asked in this phase"),
        (AMENDED, "findings", True, "not asked in this phase"),
        (
            CLEAN._replace(findings={("new", "CRITICAL", "C"): 1, ("approved", "HIGH", "A"): 2}),
            "findings",
            False,
            "1 CRITICAL, 2 HIGH open",
        ),
        (
            CLEAN._replace(
                findings={
                    ("new", "MEDIUM", "A"): 1,
                    ("fixed", "HIGH", "A"): 2,
                    ("deferred", "CRITICAL", "A"): 3,
                    ("rejected", "HIGH", "A"): 1,
                }
            ),
            "findings",
            True,
            "no CRITICAL or HIGH open",
        ),
        (TESTED._replace(findings={("unverified", "HIGH", "feature"): 1}), "findings", False, "1 HIGH open"),
        (with_wave(CLEAN, dropped=("F-1: unowned",)), "declarations", False, "dropped: F-1: unowned"),
        (with_wave(CLEAN, dropped=("F-1", "F-2", "F-3")), "declarations", False, "dropped: F-1 and 2 more"),
    ],
)
def test_a_gate_says_whether_it_is_passed_and_why(facts: GateFacts, gate: str, passed: bool, reason: str) -> None:
    found = shown(facts)[gate]
    assert (found[0], found[2]) == (passed, reason)


# What fails each gate of a phase that has all of them.
FAILS = {
    "wave_collected": lambda facts: with_wave(facts, status=WaveStatus.FAILED),
    "agents_complete": lambda facts: with_wave(facts, incomplete=("code",)),
    "no_violations": lambda facts: facts._replace(violations=1),
    "declarations": lambda facts: with_wave(facts, dropped=("F-1",)),
    "verification": lambda facts: facts._replace(proof=None),
    "findings": lambda facts: facts._replace(findings={("new", "HIGH", "A"): 1}),
}
SAYS = {"verification": "VERIFY", "findings": "AMEND"}


@pytest.mark.parametrize("first", FAILS)
@pytest.mark.parametrize("second", FAILS)
@pytest.mark.parametrize("phase", ["health-audit-a", "health-amend-a", "feature-audit"])
def test_the_gravest_verdict_wins(phase: str, first: str, second: str) -> None:
    wave = WaveFacts(1, Phase(phase), WaveStatus.COLLECTED, (), ())
    judgement = evaluate(FAILS[first](FAILS[second](GateFacts(phase, wave, 0, PASSED, {}))))
    ignored = {
        "health-audit-a": {"verification"},
        "health-amend-a": {"findings"},
        "feature-audit": {"verification", "findings"},
    }
    failed = {first, second} - ignored[phase]
    verdicts = {SAYS.get(name, "BLOCK") for name in failed}
    expected = next((verdict for verdict in ("BLOCK", "VERIFY", "AMEND") if verdict in verdicts), "ADVANCE")
    assert judgement.verdict == expected
    assert {gate.name.value for gate in judgement.failed} == failed
    overridable = {"no_violations", "findings", "declarations"}
    assert judgement.can_be_overridden is (failed <= overridable)


FEATURE = {("approved", "LOW", "feature"): 1}


@pytest.mark.parametrize(
    ("status", "findings", "target"),
    [
        ("health-audit-a", {}, "health-audit-b"),
        ("health-audit-b", {}, "health-audit-c"),
        ("health-audit-c", {}, "stage-d-audit"),
        ("stage-d-audit", {}, "feature-audit"),
        ("feature-audit", {}, "test"),
        ("feature-audit", {("new", "HIGH", "feature"): 1, ("approved", "HIGH", "A"): 1}, "test"),
        ("feature-audit", FEATURE, "feature-execute"),
        ("health-amend-a", {}, "health-audit-a"),
        ("health-amend-b", {}, "health-audit-b"),
        ("health-amend-c", {}, "health-audit-c"),
        ("stage-d-amend", {}, "stage-d-audit"),
        ("feature-execute", FEATURE, "feature-audit"),
        ("test", {}, "treatment"),
        ("treatment", {}, "complete"),
        ("initializing", {}, None),
        ("complete", {}, None),
        ("aborted", {}, None),
    ],
)
def test_a_promotion_leads_to_the_next_phase(
    status: str, findings: dict[tuple[str, str, str], int], target: str | None
) -> None:
    assert evaluate(GateFacts(status, None, 0, None, findings)).to_phase == target


@pytest.mark.parametrize(
    ("status", "findings", "following"),
    [
        ("health-audit-a", {("new", "HIGH", "A"): 1, ("new", "CRITICAL", "B"): 1}, "health-amend-a"),
        ("health-audit-a", {("new", "HIGH", "B"): 1, ("new", "CRITICAL", "C"): 1}, "health-amend-c"),
        ("health-audit-b", {("new", "HIGH", "A"): 1, ("new", "HIGH", "D"): 1}, "health-amend-a"),
        ("stage-d-audit", {("approved", "HIGH", "D"): 1}, "stage-d-amend"),
        ("stage-d-audit", {("new", "HIGH", "feature"): 1}, "feature-execute"),
        ("test", {("recurring", "HIGH", "C"): 1, ("new", "CRITICAL", "D"): 1}, "stage-d-amend"),
    ],
)
def test_what_is_grave_is_amended_under_its_own_lens(
    status: str, findings: dict[tuple[str, str, str], int], following: str
) -> None:
    wave = None if status == "test" else WaveFacts(1, Phase(status), WaveStatus.COLLECTED, (), ())
    judgement = evaluate(GateFacts(status, wave, 0, PASSED, findings))
    assert (judgement.verdict, judgement.next_phase) == ("AMEND", following)


# --- a state never differs from the verdict ---------------------------------------------------------------

FINDINGS = st.dictionaries(
    st.tuples(st.sampled_from(STATUSES), st.sampled_from(SEVERITIES), st.sampled_from(list(Lens))),
    st.integers(1, 3),
    max_size=5,
)
PROOFS = st.none() | st.builds(VerificationFacts, st.sampled_from(["pass", "fail"]), st.booleans(), st.booleans())
AGENT_STATUSES = st.sampled_from(["complete", "complete", "failed", "invalid_output", "dispatched", "running"])
AGENTS = st.lists(st.tuples(AGENT_STATUSES, st.booleans()), min_size=1, max_size=3)


@st.composite
def histories(draw: st.DrawFn) -> list[RunFacts]:
    """A lawful history of a run: what was dispatched, how it ended, what was found, proved, promoted and taken back."""
    facts = RunFacts(
        "R", True, True, True, (), False, False, False, False, GateFacts("initializing", None, 0, None, {})
    )
    told = [facts]
    for _ in range(draw(st.integers(1, 12))):
        seen = facts.gates
        judgement = evaluate(seen)
        steps = ["look"]
        if seen.wave is None or seen.wave.status is not WaveStatus.DISPATCHED:
            steps += ["dispatch"]
        if seen.wave is not None:
            steps += ["move"]
        if judgement.to_phase and (judgement.verdict is Verdict.ADVANCE or judgement.can_be_overridden):
            steps += ["promote", "promote"]
        match draw(st.sampled_from(steps)):
            case "dispatch":
                phase = draw(st.sampled_from(DISPATCHED_PHASES))
                wave = WaveFacts(seen.wave.number + 1 if seen.wave else 1, phase, WaveStatus.DISPATCHED, (), ())
                agents = tuple(AgentFacts(f"d{at}", "dispatched", False, None) for at in range(2))
                facts = facts._replace(agents=agents, gates=seen._replace(run_status=phase, wave=wave, proof=None))
            case "move":
                assert seen.wave is not None
                targets = sorted(WAVE.steps.get(seen.wave.status, frozenset()) - {WaveStatus.ADVANCED})
                if not targets:
                    continue
                agents = tuple(AgentFacts(f"d{at}", *one, None) for at, one in enumerate(draw(AGENTS)))
                wave = seen.wave._replace(
                    status=draw(st.sampled_from(targets)),
                    incomplete=tuple(agent.domain for agent in agents if agent.status != "complete"),
                    dropped=draw(st.sampled_from([(), (), ("F-1",)])),
                )
                facts = facts._replace(agents=agents, gates=seen._replace(wave=wave))
            case "promote":
                assert judgement.to_phase is not None
                had = seen.wave and seen.wave._replace(status=WaveStatus.ADVANCED)
                at_wave = seen.run_status in DISPATCHED_PHASES
                gates = seen._replace(
                    run_status=judgement.to_phase, wave=had if at_wave else seen.wave, violations=0, proof=None
                )
                facts = facts._replace(has_promotions=True, gates=gates)
        facts = facts._replace(
            is_unmerged=draw(st.booleans()),
            is_unpublished=draw(st.booleans()),
            is_git_changed=draw(st.booleans()),
            is_frozen=draw(st.booleans()),
            has_agents=draw(st.booleans()),
            gates=facts.gates._replace(
                findings=draw(FINDINGS), violations=draw(st.sampled_from([0, 0, 2])), proof=draw(PROOFS)
            ),
        )
        told.append(facts)
    return told


VERDICT_OF = {"READY TO ADVANCE": "ADVANCE", "AMEND NEEDED": "AMEND", "VERIFY REQUIRED": "VERIFY"}
STATES = {
    *("NO WAVE", "IN PROGRESS", "READY TO COLLECT", "BLOCKED", "WAVE FAILED", "INCOMPLETE", "READY TO DISPATCH"),
    *("COMPLETE", *VERDICT_OF),
}


def agree(facts: RunFacts) -> None:
    state, blockers, action = assess(facts)
    judgement = evaluate(facts.gates)
    assert state in STATES
    assert VERDICT_OF.get(state, "BLOCK") == judgement.verdict
    assert (state == "COMPLETE") is (facts.gates.run_status in {"complete", "aborted"})
    assert bool(judgement.failed) is (judgement.verdict is not Verdict.ADVANCE)
    assert blockers or state not in {"BLOCKED", "INCOMPLETE", "AMEND NEEDED", "VERIFY REQUIRED"}
    words = action.split()
    assert words[0] == "swarm"
    if words[1] == "dispatch":
        phase = Phase(words[3])
        assert phase in (*AUDIT_PHASES, *AMEND_PHASES)
        lens = dict(zip(AMEND_PHASES, Lens, strict=True)).get(phase)
        assert lens is None or any(s == "approved" and of == lens for s, _, of in facts.gates.findings)
    if words[1] == "advance":
        assert judgement.verdict is Verdict.ADVANCE or judgement.can_be_overridden


@given(histories())
def test_along_every_lawful_history_the_state_is_what_the_gates_say(told: list[RunFacts]) -> None:
    for facts in told:
        agree(facts)


@given(
    status=st.sampled_from(RUN_STATUSES),
    phase=st.sampled_from(DISPATCHED_PHASES),
    wave_status=st.sampled_from(list(WaveStatus)),
    agents=AGENTS,
    violations=st.sampled_from([0, 1]),
    proof=PROOFS,
    findings=FINDINGS,
    flags=st.tuples(*[st.booleans()] * 7),
)
def test_over_any_facts_at_all_the_state_is_what_the_gates_say(
    status: str,
    phase: Phase,
    wave_status: WaveStatus,
    agents: list[tuple[str, bool]],
    violations: int,
    proof: VerificationFacts | None,
    findings: dict[tuple[str, str, str], int],
    flags: tuple[bool, bool, bool, bool, bool, bool, bool],
) -> None:
    told = tuple(AgentFacts(f"d{at}", *one, None) for at, one in enumerate(agents))
    incomplete = tuple(agent.domain for agent in told if agent.status != "complete")
    wave = WaveFacts(3, phase, wave_status, incomplete, ())
    frozen, bearing, isolated, *rest = flags
    gates = GateFacts(status, wave, violations, proof, findings)
    agree(RunFacts("R", frozen, bearing, isolated, told, *rest, gates))
