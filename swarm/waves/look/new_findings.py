"""Findings that fail a gate, and those that count as new: not known before the first audit of a commit."""

import sqlite3
from collections.abc import Callable, Iterable
from typing import NamedTuple

from swarm.results.findings import FindingShown
from swarm.rules.findings import SEVERITY_RANK
from swarm.store import finding_names, ledger, waves
from swarm.store.findings import Finding
from swarm.store.waves import Wave


class Before(NamedTuple):
    """State of a run before the first audit of a commit, which began with its wave `number`.

    `came_back` holds the ids of findings that were fixed, or closed by a decision that ended, and are open again.
    """

    number: int
    came_back: frozenset[str]
    nothing_known: bool

    def is_new(self, finding: Finding) -> bool:
        """Say whether a finding was unknown then, or came back since."""
        return finding.first_wave >= self.number or finding.finding_id in self.came_back


def before_first_audit(conn: sqlite3.Connection, wave: Wave) -> Before:
    """Return the state of a run before the first audit of a wave's commit.

    Comparing with the previous wave would turn a gate green when the same commit is audited twice.
    """
    number = waves.first_audit_of(conn, wave.run_id, wave.dispatch_sha) or wave.number
    # The audit may have finished an interrupted wave first: nobody knew its findings before this audit either.
    number = ledger.recorded_in_the_call_of(conn, wave.run_id, number) or number
    seq = ledger.findings_recorded_before(conn, wave.run_id, number)
    if seq is None:
        return Before(number, frozenset(), nothing_known=True)
    # From the end of the previous audit, and not from the dispatch: `verify` may have seen it come back in between.
    return Before(number, finding_names.came_back_since(conn, wave.run_id, seq), nothing_known=False)


def fails(found: Iterable[FindingShown], fail_on: str | None, is_new: Callable[[FindingShown], bool]) -> bool:
    """Say whether findings fail a gate: any finding, findings that are new, or findings from a severity up."""
    for finding in found:
        if fail_on is None:
            return True
        if fail_on == "new" and is_new(finding):
            return True
        if fail_on in SEVERITY_RANK and SEVERITY_RANK[finding.severity] <= SEVERITY_RANK[fail_on]:
            return True
    return False
