"""Phases: their order, their lenses, and the phases that waves are dispatched in."""

from enum import StrEnum
from typing import Final


class Phase(StrEnum):
    """Purposes of a wave. The order here is the order everywhere."""

    HEALTH_AUDIT_A = "health-audit-a"
    HEALTH_AUDIT_B = "health-audit-b"
    HEALTH_AUDIT_C = "health-audit-c"
    STAGE_D_AUDIT = "stage-d-audit"
    FEATURE_AUDIT = "feature-audit"
    HEALTH_AMEND_A = "health-amend-a"
    HEALTH_AMEND_B = "health-amend-b"
    HEALTH_AMEND_C = "health-amend-c"
    STAGE_D_AMEND = "stage-d-amend"
    FEATURE_EXECUTE = "feature-execute"
    TEST = "test"
    TREATMENT = "treatment"
    COMPLETE = "complete"


class Lens(StrEnum):
    """Subjects of an audit."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    FEATURE = "feature"


AUDIT_PHASES: Final = (
    Phase.HEALTH_AUDIT_A,
    Phase.HEALTH_AUDIT_B,
    Phase.HEALTH_AUDIT_C,
    Phase.STAGE_D_AUDIT,
    Phase.FEATURE_AUDIT,
)
AMEND_PHASES: Final = (
    Phase.HEALTH_AMEND_A,
    Phase.HEALTH_AMEND_B,
    Phase.HEALTH_AMEND_C,
    Phase.STAGE_D_AMEND,
    Phase.FEATURE_EXECUTE,
)
DISPATCHED_PHASES: Final = AUDIT_PHASES + AMEND_PHASES
# Both lists have the order of the lenses, and `strict` keeps them in step.
LENSES: Final = dict(zip(AUDIT_PHASES, Lens, strict=True)) | dict(zip(AMEND_PHASES, Lens, strict=True))
LENS_TEXT: Final = {
    Lens.A: "bugs, security, quality, types, gaps in the tests, documentation",
    Lens.B: "defence, observability, degradation, future-proofing",
    Lens.C: "what a user meets: messages, feedback, state, accessibility of content",
    Lens.D: "what a user sees: layout, colour, icons, motion",
    Lens.FEATURE: "what is missing",
}
# A run's status is its phase, and these before and after.
RUN_STATUSES: Final = ("initializing", *Phase, "aborted")
ENDED_RUN_STATUSES: Final = ("complete", "aborted")


def dispatched_phase(text: str) -> Phase | None:
    """Return the dispatchable phase of this name, or `None`."""
    return next((phase for phase in DISPATCHED_PHASES if phase.value == text), None)


def is_audit(phase: Phase) -> bool:
    """Say whether a wave of this phase reports and changes nothing."""
    return phase in AUDIT_PHASES


def expected_next(status: str) -> tuple[Phase, ...]:
    """Return the phases that a run of this status is expected to dispatch; others are out of order."""
    if status == "initializing":
        return (Phase.HEALTH_AUDIT_A,)
    phase = dispatched_phase(status)
    if phase is None:
        return ()
    # Audit and amend of a lens alternate as often as needed, so either may follow the other.
    partner = LENSES[phase]
    return tuple(other for other in DISPATCHED_PHASES if LENSES[other] == partner) + _following(phase)


def _following(phase: Phase) -> tuple[Phase, ...]:
    if phase not in AUDIT_PHASES:
        return ()
    position = AUDIT_PHASES.index(phase)
    return AUDIT_PHASES[position + 1 : position + 2]


def kind_of(phase: Phase, *, is_review: bool = False) -> str:
    """Return the kind of output schema and prompt template of a wave: audit, feature, amend or review."""
    if is_review:
        return "review"
    if phase in AMEND_PHASES:
        return "amend"
    return "feature" if LENSES[phase] is Lens.FEATURE else "audit"
