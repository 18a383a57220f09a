"""Records of `ingest`."""

from typing import NamedTuple


class IngestResult(NamedTuple):
    """The judgement of a submission, and where its record lies below the root; null where nothing was written.

    `same_as_recorded` says of a duplicate whether the record that is there says the same; `is_fault`, that a validator
    crashed, so that the submission could not be judged.
    """

    status: str
    run_id: str
    repo: str
    root: str
    path: str | None
    proposed: str | None
    verified: str
    downgraded: bool
    downgrade_reasons: tuple[str, ...]
    provenance: str
    provenance_confirmed: bool
    policy_version: str
    rejection_reasons: tuple[str, ...]
    policy_warnings: tuple[str, ...]
    same_as_recorded: bool | None
    verify_only: bool
    is_fault: bool

    @property
    def is_recorded(self) -> bool:
        """True where an accepted record of this very submission is kept."""
        return not self.verify_only and (self.status == "accepted" or self.same_as_recorded is True)

    @property
    def exit_code(self) -> int:
        """0 accepted or duplicate, 1 rejected, 2 not judged."""
        return 2 if self.is_fault else int(self.status == "rejected")
