"""Findings that a review asks about, each at its place in the commit, with the code around it."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from swarm import errors
from swarm.clock import today
from swarm.config import Config
from swarm.git.repository import Repository, contents, files_at
from swarm.git.runner import Git
from swarm.results.dispatch import Unrouted
from swarm.rules.anchors import SourceText
from swarm.rules.domains import Domain
from swarm.rules.findings import OPEN_STATUSES
from swarm.rules.ownership import OwnershipMap
from swarm.rules.phases import LENSES, Phase
from swarm.rules.reviews import Agent, agent_of
from swarm.store import findings, reviews
from swarm.store.findings import Finding, Selection
from swarm.store.runs import Run
from swarm.waves.places import Place, places_at

AROUND: Final = 5
_LONGEST_LINE: Final = 200
_MOST_NAMED: Final = 20
_MOST_WITH_CODE: Final = 2000


class AskedFindings(NamedTuple):
    """Findings to review, by domain, and the findings that no reviewer gets."""

    by_domain: dict[str, list[Finding]]
    unrouted: tuple[Unrouted, ...]

    @property
    def given(self) -> list[Finding]:
        """The findings that a reviewer gets."""
        return [finding for own in self.by_domain.values() for finding in own]


def asked(
    conn: sqlite3.Connection,
    run: Run,
    phase: Phase,
    repository: Repository,
    domains: Sequence[Domain],
    *,
    by: str | None,
    config: Config,
) -> AskedFindings:
    """Give each open finding of a phase's lens without a verdict to the domain that owns its file at HEAD.

    With a reviewer named in `by`, only the verdicts of that runtime and model count: a second reviewer is asked about
    every finding. Raises DispatchNothingToReview.
    """
    own = config.runtimes.get(by or "")
    reviewer = Agent(by, own.model if own else None) if by else None
    reviewed = {
        review.finding
        for review in reviews.of_run(conn, run.id)
        if reviewer is None or agent_of(review).may_be(reviewer)
    }
    selection = Selection(statuses=OPEN_STATUSES, lenses=(LENSES[phase].value,))
    due = [finding for finding in findings.select(conn, run.id, selection) if finding.row_id not in reviewed]
    places = _places(conn, run, repository, due)
    owners = OwnershipMap(domains)
    by_name = {domain.name: domain for domain in domains}
    by_domain: dict[str, list[Finding]] = {}
    unrouted = []
    for finding in due:
        place = places[finding.row_id]
        owner = owners.owner_of(place.path) if place.path else by_name.get(finding.domain)
        if finding.file is not None and place.path is None:
            # A verdict rests on a quote, and there is no file to quote from.
            unrouted.append(Unrouted(finding.finding_id, finding.file, "its file is not in the commit"))
        elif owner is None or not owner.ownership.has_agent:
            name = owner.name if owner else "nobody"
            unrouted.append(Unrouted(finding.finding_id, finding.file, f"{name} owns its file, and has no agent"))
        else:
            by_domain.setdefault(owner.name, []).append(_at(finding, place))
    if not by_domain:
        named = ", ".join(f"{left.finding_id} ({left.reason})" for left in unrouted[:_MOST_NAMED])
        who = f" by {reviewer}" if reviewer else ""
        problem = f"no agent can be asked about {named}" if named else f"no open finding of its lens is unreviewed{who}"
        raise errors.DispatchNothingToReview(run_id=run.id, phase=phase, problem=problem)
    return AskedFindings(by_domain, tuple(unrouted))


def _places(conn: sqlite3.Connection, run: Run, repository: Repository, due: Sequence[Finding]) -> dict[int, Place]:
    rows = {finding.row_id for finding in due}
    known = [item.known for item in findings.known_findings(conn, run.id, today=today()) if item.known.row_id in rows]
    return places_at(repository.git, known, repository.head) if known else {}


def _at(finding: Finding, place: Place) -> Finding:
    return finding._replace(file=place.path or finding.file, line=place.line or finding.line)


def code_around(git: Git, commit: str, given: Iterable[Finding]) -> Mapping[int, tuple[str, ...]]:
    """Return, by row, the numbered lines around the first findings in a commit; none for a finding without a line."""
    by_file: dict[str, list[Finding]] = {}
    # A prompt lists a hundred; the code around 100,000 findings would fill the memory.
    for finding in islice(given, _MOST_WITH_CODE):
        if finding.file is not None and finding.line is not None:
            by_file.setdefault(finding.file, []).append(finding)
    blobs = [(file.path, file.blob) for file in files_at(git, commit) if file.is_file and file.path in by_file]
    found = {}
    for path, content in contents(git, blobs):
        lines = SourceText(path, content).lines
        for finding in by_file[path]:
            line = finding.line or 1
            first, last = max(1, line - AROUND), min(len(lines), line + AROUND)
            found[finding.row_id] = tuple(
                f"{number}: {lines[number - 1].rstrip()[:_LONGEST_LINE]}" for number in range(first, last + 1)
            )
    return found
