"""Records of `advance`."""

from typing import NamedTuple


class GateShown(NamedTuple):
    """A gate: whether it passed, whether a reason may override it, and why."""

    name: str
    passed: bool
    overridable: bool
    reason: str


class PromotionShown(NamedTuple):
    """A promotion from one phase to the next, with the gates that were overridden."""

    id: int
    wave_number: int | None
    from_phase: str
    to_phase: str
    gates: tuple[GateShown, ...]
    overrides: tuple[str, ...]
    reason: str | None
    created: str


class AdvanceResult(NamedTuple):
    """The verdict of the gates, and whether the run was promoted.

    A promotion leads to `to_phase`; work continues in `next_phase`. `overrides` names the gates that were passed for a
    reason, or with `--check-only` would be. `history` holds every promotion, oldest first.
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
