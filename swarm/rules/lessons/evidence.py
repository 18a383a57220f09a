"""Evidence of findings: a finding that comes again adds its evidence to the first."""

from swarm.rules.lessons.lesson import MOST_EVIDENCE, MOST_NAMES, LessonEvidence, LessonFinding


def joined(first: LessonFinding, again: LessonFinding) -> LessonFinding:
    """Return a finding with the records and the evidence of another behind its own.

    The lists are bounded; `occurrences` also counts the records that have no place in them.
    """
    records = tuple(dict.fromkeys((*first.source_record_ids, *again.source_record_ids)))
    evidence = tuple(dict.fromkeys((*first.evidence, *again.evidence)))
    counted = max(len(records), first.occurrences or 0, again.occurrences or 0)
    return first._replace(
        source_record_ids=records[:MOST_NAMES], evidence=evidence[:MOST_EVIDENCE], occurrences=counted
    )


class Gathered:
    """Findings of many records, each with the evidence of all; two findings that share an id stay apart."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, ...], LessonFinding] = {}
        self._records: dict[tuple[str, ...], dict[str, None]] = {}
        self._evidence: dict[tuple[str, ...], dict[LessonEvidence, None]] = {}

    def add(self, finding: LessonFinding) -> None:
        """Add a finding of a record."""
        # The title holds the names of the records as they are; an id holds their letters and digits alone.
        key = (finding.finding_id, finding.repo, finding.title)
        self._first.setdefault(key, finding)
        self._records.setdefault(key, {}).update(dict.fromkeys(finding.source_record_ids))
        own = self._evidence.setdefault(key, {})
        if len(own) < MOST_EVIDENCE:
            own.update(dict.fromkeys(finding.evidence))

    def findings(self) -> list[LessonFinding]:
        """Return the findings in the order of their ids."""
        return [
            first._replace(
                source_record_ids=tuple(self._records[key])[:MOST_NAMES],
                evidence=tuple(self._evidence[key])[:MOST_EVIDENCE],
                occurrences=len(self._records[key]),
            )
            for key, first in sorted(self._first.items())
        ]
