"""Reviews of lessons: which action leads from which state to which, and which needs a reason."""

from enum import StrEnum
from typing import Final

from swarm.rules.lessons.lesson import UNDECIDED, LessonStatus


class ReviewAction(StrEnum):
    """Acts of a reviewer."""

    REVIEW = "review"
    ACCEPT = "accept"
    REJECT = "reject"
    REOPEN = "reopen"
    INVALIDATE = "invalidate"
    MERGE = "merge"
    SUPERSEDE = "supersede"


_S = LessonStatus
STEPS: Final[dict[ReviewAction, tuple[frozenset[LessonStatus], LessonStatus]]] = {
    ReviewAction.REVIEW: (frozenset({_S.CANDIDATE}), _S.REVIEWED),
    ReviewAction.ACCEPT: (UNDECIDED, _S.ACCEPTED),
    ReviewAction.REJECT: (frozenset({_S.CANDIDATE, _S.REVIEWED, _S.ACCEPTED}), _S.REJECTED),
    ReviewAction.REOPEN: (frozenset({_S.ACCEPTED, _S.REJECTED}), _S.REVIEWED),
    # What was accepted turned out to be wrong; the three below leave a rejected lesson that says why.
    ReviewAction.INVALIDATE: (frozenset({_S.ACCEPTED}), _S.REJECTED),
    ReviewAction.MERGE: (frozenset({_S.CANDIDATE, _S.REVIEWED, _S.ACCEPTED}), _S.REJECTED),
    ReviewAction.SUPERSEDE: (frozenset({_S.CANDIDATE, _S.REVIEWED, _S.ACCEPTED}), _S.REJECTED),
}
NEED_A_REASON: Final = frozenset(
    {ReviewAction.REJECT, ReviewAction.INVALIDATE, ReviewAction.MERGE, ReviewAction.SUPERSEDE}
)
# These name a second lesson, which takes the place of the first.
NEED_ANOTHER: Final = frozenset({ReviewAction.MERGE, ReviewAction.SUPERSEDE})


def state_after(action: ReviewAction, status: str) -> LessonStatus | None:
    """Return the state to which an action leads from a state, `None` where it leads nowhere."""
    before, after = STEPS[action]
    return after if status in before else None


def actions_of(status: str) -> list[ReviewAction]:
    """Return the actions that a state allows."""
    return [action for action in ReviewAction if state_after(action, status)]
