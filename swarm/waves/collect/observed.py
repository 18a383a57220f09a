"""Record of everything that collect observed of a wave before the transaction begins."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from swarm.results.collect import LeaseRequest, Problem, ViolationShown
from swarm.rules.domains import WHOLE_WAVE
from swarm.rules.suppressions import Suppression
from swarm.store.waves import Wave
from swarm.waves.collect.fixes import Fixes, dropped
from swarm.waves.collect.outputs import STORED_ERROR, Intake
from swarm.waves.collect.reconcile import Reconciled
from swarm.waves.review.judge import Reviews


class Observed(NamedTuple):
    """Everything that collect observed of a wave.

    `fixes` and `requests` are those of an amend wave, `reviews` the verdicts of a review.
    `seq` is the end of the ledger before the findings of an audit were read; `leased` are the leases by which an
    amend wave was judged. The transaction checks both again. `notes` are changes of the git folder that harm nothing,
    `accepted` changes outside of the worktrees for which a person answers.
    """

    wave: Wave
    intakes: tuple[Intake, ...]
    refused: Mapping[int, Sequence[Problem]]
    violations: tuple[ViolationShown, ...]
    is_degraded: bool
    reconciled: Reconciled
    files: int
    unaudited: int
    fixes: Fixes = Fixes((), (), ())
    requests: tuple[LeaseRequest, ...] = ()
    comments: Mapping[tuple[str, int], Sequence[Suppression]] = {}
    seq: int = 0
    leased: Mapping[str, set[str]] | None = None
    notes: tuple[str, ...] = ()
    accepted: tuple[ViolationShown, ...] = ()
    reviews: Reviews = Reviews()

    @property
    def failure(self) -> str | None:
        """The reason for which the wave fails, `None` where every agent is complete and no file was violated."""
        incomplete = [taken.agent.domain for taken in self.intakes if not taken.is_complete]
        reasons = [f"not complete: {', '.join(incomplete)}"] if incomplete else []
        reasons += [f"{len(self.violations)} violations"] if self.violations else []
        # The reason is a column of bounded length, and hundreds of domains may be incomplete.
        return "; ".join(reasons)[:STORED_ERROR] or None

    @property
    def unattributed(self) -> tuple[ViolationShown, ...]:
        """The violations whose agent is unknown: they count against the wave as a whole."""
        return tuple(violation for violation in self.violations if violation.agent_domain == WHOLE_WAVE)

    def refused_of(self, taken: Intake) -> tuple[Problem, ...]:
        """Return the declarations of an agent that could not be taken, with their reasons."""
        # Of an agent that did not complete nothing counts, so that nothing can be refused.
        own = taken.refused if taken.is_complete else ()
        return (*own, *self.refused.get(taken.agent.id, ()))

    @property
    def refused_count(self) -> int:
        """The number of declarations that could not be taken, also of those whose reason is not kept."""
        complete = [taken for taken in self.intakes if taken.is_complete]
        return sum(taken.refused_count for taken in complete) + sum(map(len, self.refused.values()))

    @property
    def refused_items(self) -> list[str]:
        """The declarations that could not be taken, with domain and reason; of many, the first."""
        return [
            f"{taken.agent.domain}: {problem.message} ({problem.path})"[:STORED_ERROR]
            for taken in self.intakes
            for problem in self.refused_of(taken)
        ]

    @property
    def dropped(self) -> list[str]:
        """The items of outputs that agents declared and collect could not take."""
        return self.refused_items + dropped(self.fixes.skipped)
