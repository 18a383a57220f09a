"""Records of `advance`."""

from typing import NamedTuple


class GateShown(NamedTuple):
    """A gate: whether it let the run pass, whether a reason may pass it all the same, and why."""

    name: str
    passed: bool
    overridable: bool
    reason: str


class PromotionShown(NamedTuple):
    """A step from one phase to the next that was taken, with the gates that were overridden for it."""

    id: int
    wave_number: int | None
    from_phase: str
    to_phase: str
    gates: tuple[GateShown, ...]
    overrides: tuple[str, ...]
    reason: str | None
    created: str


class AdvanceResult(NamedTuple):
    """What the gates said and whether the run was promoted.

    A promotion leads to `to_phase`; work goes on in `next_phase`. `overrides` names the gates that were passed, or
    under `--check-only` would be passed, for a reason. `history` holds every promotion, oldest first.
    """

    run_id: str
    verdict: str
    promoted: bool
    from_phase: str
    to_phase: str | None
    next_phase: str | None
    reason: str
    gates: tuple[GateShown, ...]
    overrides: tuple[str, ...]
    override_reason: str | None
    next_action: str
    history: tuple[PromotionShown, ...]
