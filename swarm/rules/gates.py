"""Gates between a phase and the next: every gate is always evaluated, and the verdict follows from the gates alone."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from swarm.rules.findings import OPEN_STATUSES, Decision
from swarm.rules.phases import (
    AMEND_PHASES,
    AUDIT_PHASES,
    DISPATCHED_PHASES,
    ENDED_RUN_STATUSES,
    LENSES,
    Lens,
    Phase,
    dispatched_phase,
)
from swarm.rules.states import WaveStatus

GRAVE: Final = ("CRITICAL", "HIGH")
# Phases that promotion reaches and nothing dispatches: there is no wave to judge, only the commit.
WAVELESS: Final = (Phase.TEST, Phase.TREATMENT)
_HEALTH_AUDITS: Final = AUDIT_PHASES[:-1]
_AMEND_OF: Final = {LENSES[phase]: phase for phase in AMEND_PHASES}
_AUDIT_OF: Final = {LENSES[phase]: phase for phase in AUDIT_PHASES}


class GateName(StrEnum):
    """The gates, in the order in which they are shown."""

    WAVE_COLLECTED = "wave_collected"
    AGENTS_COMPLETE = "agents_complete"
    NO_VIOLATIONS = "no_violations"
    VERIFICATION = "verification"
    FINDINGS = "findings"
    DECLARATIONS = "declarations"


class Verdict(StrEnum):
    """Verdicts of the gates, the gravest first."""

    BLOCK = "BLOCK"
    VERIFY = "VERIFY"
    AMEND = "AMEND"
    ADVANCE = "ADVANCE"


OVERRIDABLE: Final = (GateName.NO_VIOLATIONS, GateName.FINDINGS, GateName.DECLARATIONS)
# Reason of a gate that the missing wave already explains, so the verdict leaves it out.
_NO_AGENT: Final = "there is no agent to look at"
# Copies of `BuildVerdict.PASS` and `NO_TESTS`: `status` must not pay for the import of that module.
_PASS: Final = "pass"  # noqa: S105
_UNTESTED: Final = frozenset({"no_tests", "skip"})
_WAY_OUT: Final = "where there are no tests, [[verify.steps]] of swarm.toml names what proves it: a step of kind test"
# Every other gate that fails says BLOCK.
_SAYS: Final = {GateName.VERIFICATION: Verdict.VERIFY, GateName.FINDINGS: Verdict.AMEND}


class Gate(NamedTuple):
    """A gate: passed or not, and the reason."""

    name: GateName
    passed: bool
    overridable: bool
    reason: str


class WaveFacts(NamedTuple):
    """The newest wave of a run. `incomplete` are the domains whose agent is not complete.

    `is_of_uncommitted` holds where it looked at uncommitted files: nobody knows whether a commit ever has them.
    """

    number: int
    phase: Phase
    status: WaveStatus
    incomplete: tuple[str, ...]
    dropped: tuple[str, ...]
    is_of_uncommitted: bool = False


class VerificationFacts(NamedTuple):
    """Newest `verify` of the wave; in `test` and `treatment`, the newest `verify` of the phase.

    `offending` and `unverifiable` count findings that are not fixed as they are said to be.
    """

    verdict: str
    passed: bool
    is_outdated: bool
    has_fewer_tests: bool = False
    offending: int = 0
    unverifiable: int = 0

    @property
    def fails_by_claims(self) -> bool:
        """True where the build passes, and the claims about findings do not hold."""
        is_built = self.verdict == _PASS and not self.passed and not self.is_outdated and not self.has_fewer_tests
        return is_built and self.offending + self.unverifiable > 0


class GateFacts(NamedTuple):
    """Facts that the gates rest on. `findings` counts all findings by (status, severity, lens), closed ones too."""

    run_status: str
    wave: WaveFacts | None
    violations: int
    proof: VerificationFacts | None
    findings: Mapping[tuple[str, str, str], int]


class Judgement(NamedTuple):
    """Result of all gates. A promotion leads to `to_phase`; work goes on in `next_phase`."""

    gates: tuple[Gate, ...]
    verdict: Verdict
    from_phase: str
    to_phase: Phase | None
    next_phase: Phase | None
    reason: str

    @property
    def failed(self) -> tuple[Gate, ...]:
        """The gates that let nothing pass."""
        return tuple(gate for gate in self.gates if not gate.passed)

    @property
    def can_be_overridden(self) -> bool:
        """True where a reason may override each gate that failed."""
        return self.to_phase is not None and all(gate.overridable for gate in self.failed)


def evaluate(facts: GateFacts) -> Judgement:
    """Evaluate every gate; return the verdict and the phase that follows."""
    # All gates, also after a failure: a person sees everything that is missing at once.
    gates = tuple(_gates(facts))
    failed = [gate for gate in gates if not gate.passed]
    # The order of the enum is the gravity, so the gravest verdict of a failed gate wins.
    verdict = next((v for v in Verdict if any(_SAYS.get(g.name, Verdict.BLOCK) is v for g in failed)), Verdict.ADVANCE)
    weighty = (gate.reason for gate in failed if _SAYS.get(gate.name, Verdict.BLOCK) is verdict)
    reasons = [reason for reason in weighty if reason != _NO_AGENT]
    onward = target(facts)
    following = {
        Verdict.ADVANCE: onward,
        Verdict.AMEND: amend_phase(facts),
    }.get(verdict, _current(facts))
    return Judgement(gates, verdict, facts.run_status, onward, following, "; ".join(reasons) or "every gate is passed")


def judged_wave(facts: GateFacts) -> WaveFacts | None:
    """Return the wave that the phase of the run rests on; `None` before it is dispatched and after it is promoted."""
    wave = facts.wave
    if wave is None or wave.phase != facts.run_status:
        return None
    # A promoted wave has done its part: its phase may be dispatched again, and a new wave is then judged.
    return None if wave.status in {WaveStatus.ADVANCED, WaveStatus.ABORTED_FOR_REWIND} else wave


def target(facts: GateFacts) -> Phase | None:
    """Return where a promotion leads from the run's phase, `None` where none does."""
    match facts.run_status:
        # Features that nobody approved are no work, so the phase of work is passed over.
        case Phase.FEATURE_AUDIT:
            return Phase.FEATURE_EXECUTE if approved(facts, Lens.FEATURE) else Phase.TEST
        case Phase.TEST:
            return Phase.TREATMENT
        case Phase.TREATMENT:
            return Phase.COMPLETE
    phase = dispatched_phase(facts.run_status)
    if phase is None:
        return None
    if phase in AMEND_PHASES:
        # An amend phase goes back to its audit, which shows whether the fixes hold.
        return _AUDIT_OF[LENSES[phase]]
    return AUDIT_PHASES[AUDIT_PHASES.index(phase) + 1]


def amend_phase(facts: GateFacts) -> Phase:
    """Return the amend phase for the open findings: under the run's own lens, else under the gravest finding's."""
    phase = dispatched_phase(facts.run_status)
    lens = LENSES[phase] if phase else Lens.A
    # The gate counts grave findings of all lenses, so the phase must fit the lens in which they are.
    if not grave(facts, lens):
        found = ((severity, other) for severity in GRAVE for other in Lens if _open(facts, severity, other))
        lens = next((other for _, other in found), lens)
    return _AMEND_OF[lens]


def audit_phase(phase: Phase) -> Phase:
    """Return the audit phase of the same lens."""
    return _AUDIT_OF[LENSES[phase]]


def grave(facts: GateFacts, lens: Lens, statuses: tuple[str, ...] = OPEN_STATUSES) -> int:
    """Return how many findings of a lens are CRITICAL or HIGH and in one of these statuses."""
    return sum(_open(facts, severity, lens, statuses) for severity in GRAVE)


def approved(facts: GateFacts, lens: Lens) -> int:
    """Return how many approved findings are open under a lens."""
    return sum(n for (status, _, of), n in facts.findings.items() if status == Decision.APPROVED and of == lens)


def _open(facts: GateFacts, severity: str, lens: Lens, statuses: tuple[str, ...] = OPEN_STATUSES) -> int:
    return sum(facts.findings.get((status, severity, lens), 0) for status in statuses)


def _current(facts: GateFacts) -> Phase | None:
    if facts.run_status == "initializing":
        return Phase.HEALTH_AUDIT_A
    return next((p for p in (*DISPATCHED_PHASES, *WAVELESS) if p == facts.run_status), None)


def _gates(facts: GateFacts) -> Iterator[Gate]:
    checks = (_wave_collected, _agents_complete, _no_violations, _verification, _findings, _declarations)
    # `strict` holds the list of checks to the enum: a gate without its check is an error at once.
    for name, check in zip(GateName, checks, strict=True):
        passed, reason = check(facts)
        yield Gate(name, passed, name in OVERRIDABLE, reason)


def _wave_collected(facts: GateFacts) -> tuple[bool, str]:
    if facts.run_status in ENDED_RUN_STATUSES:
        return False, f"the run is {facts.run_status}"
    if facts.run_status in WAVELESS:
        return True, f"{facts.run_status} has no wave"
    wave = judged_wave(facts)
    if wave is None:
        return False, f"no wave of {_current(facts)} yet"
    passed = wave.status in {WaveStatus.COLLECTED, WaveStatus.VERIFIED}
    if passed and wave.is_of_uncommitted:
        return False, f"wave {wave.number} ({wave.phase}) looked at uncommitted files, and not at a commit"
    return passed, f"wave {wave.number} ({wave.phase}) is {wave.status}"


def _agents_complete(facts: GateFacts) -> tuple[bool, str]:
    if facts.run_status in WAVELESS:
        return True, f"{facts.run_status} has no agents"
    wave = judged_wave(facts)
    if wave is None:
        return False, _NO_AGENT
    if wave.incomplete:
        return False, f"not complete: {', '.join(wave.incomplete)}"
    return True, f"every agent of wave {wave.number} is complete"


def _no_violations(facts: GateFacts) -> tuple[bool, str]:
    if not facts.violations:
        return True, "no file was touched that should not have been"
    what = "1 file was" if facts.violations == 1 else f"{facts.violations} files were"
    return False, f"{what} touched that should not have been"


def _verification(facts: GateFacts) -> tuple[bool, str]:
    if facts.run_status not in {*AMEND_PHASES, *WAVELESS}:
        return True, "audit phases need none" if facts.run_status in AUDIT_PHASES else "not asked in this phase"
    what = facts.run_status if facts.run_status in WAVELESS else "the wave"
    proof = facts.proof
    if proof is None:
        return False, f"{what} is not verified"
    if proof.is_outdated:
        return False, f"{what} has moved on since it was verified"
    if proof.has_fewer_tests:
        return False, f"the newest verification of {what} passes its build, but fewer tests ran than before it"
    # The verdict is the build's alone; a claim that does not hold fails the verification without changing the verdict.
    if proof.verdict == _PASS and not proof.passed:
        return False, f"the newest verification of {what} passes its build, but not every claim holds"
    verdict = f"the newest verification of {what} says {proof.verdict}"
    return proof.passed, f"{verdict}; {_WAY_OUT}" if proof.verdict in _UNTESTED and not proof.passed else verdict


def _findings(facts: GateFacts) -> tuple[bool, str]:
    if facts.run_status not in {*_HEALTH_AUDITS, *WAVELESS}:
        return True, "not asked in this phase"
    # Over all lenses: a grave finding of another audit holds the run back too.
    counts = {severity: sum(_open(facts, severity, lens) for lens in Lens) for severity in GRAVE}
    grave_counts = ", ".join(f"{count} {severity}" for severity, count in counts.items() if count)
    return (False, f"{grave_counts} open") if grave_counts else (True, "no CRITICAL or HIGH open")


def _declarations(facts: GateFacts) -> tuple[bool, str]:
    wave = judged_wave(facts)
    dropped = wave.dropped if wave else ()
    if not dropped:
        return True, "nothing that an agent declared was dropped"
    more = f" and {len(dropped) - 1} more" if len(dropped) > 1 else ""
    return False, f"dropped: {dropped[0]}{more}"
