"""Evidence of findings: a finding that comes again adds its evidence to the first."""

from swarm.rules.lessons.lesson import MOST_EVIDENCE, MOST_RECORDS, LessonFinding


def joined(first: LessonFinding, again: LessonFinding) -> LessonFinding:
    """Return a finding with the records and the evidence of another behind its own.

    The lists are bounded; `occurrences` also counts the records that have no place in them.
    """
    records = tuple(dict.fromkeys((*first.source_record_ids, *again.source_record_ids)))
    evidence = tuple(dict.fromkeys((*first.evidence, *again.evidence)))
    counted = max(len(records), first.occurrences or 0, again.occurrences or 0)
    return first._replace(
        source_record_ids=records[:MOST_RECORDS], evidence=evidence[:MOST_EVIDENCE], occurrences=counted
    )
