"""`lessons derive`: candidate findings of the records of a root, by the eight rules."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

from swarm.evidence.lessons.settle import settle
from swarm.evidence.lessons.shelf import lessons_of
from swarm.evidence.lessons.step import changing
from swarm.evidence.records.archive import kept_records
from swarm.results.lessons import LessonsDerived, RuleFault, UnreadRecord
from swarm.rules.lessons.derive import RULES
from swarm.rules.lessons.evidence import Gathered, joined
from swarm.rules.lessons.lesson import FINDING, Lesson, LessonFinding, id_of
from swarm.rules.lessons.look import LessonRule, RecordLook, finding_of

# Of a rule that throws on each of 10,000 records, the first tell enough.
_MOST_FAULTS: Final = 20


class _Derivation:
    """The findings of the records that were looked at so far, and what went wrong."""

    def __init__(self) -> None:
        self.gathered = Gathered()
        self.faults: list[RuleFault] = []
        self.corrupt: list[UnreadRecord] = []
        self.records = 0
        self._surfaces: dict[str, dict[str, str]] = {}

    def look_at(self, record: Any) -> None:
        """Apply each rule to a record; a rule that throws is reported, and the others go on."""
        self.records += 1
        known = self._surfaces.setdefault(record["repo"], {})
        look = RecordLook(record, known, *list(known.values())[:1])
        for rule in RULES:
            try:
                found = [finding_of(rule, look, seen) for seen in rule.sees(look)]
            except Exception as error:  # noqa: BLE001 - whatever a rule throws, the other rules and records count
                self._fault(rule, look, error)
            else:
                for finding in found:
                    self.gathered.add(finding)
        for scenario in look.scenarios:
            known.setdefault(scenario["scenario_id"], scenario["product_surface"])

    def _fault(self, rule: LessonRule, look: RecordLook, error: Exception) -> None:
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(RuleFault(rule.name, look.record_id, f"{type(error).__name__}: {error}"))


def derive(root: Path, *, write: bool) -> LessonsDerived:
    """Derive the candidate findings of the accepted and the rejected records, and write those that are new or changed.

    A finding that comes again adds its evidence to the first, and keeps the state and the words of its file. Raises
    the errors of files of lessons, LessonsBusy and LedOutside.
    """
    derivation = _Derivation()
    for kept in _every_record(root):
        if kept.document is None:
            derivation.corrupt.append(UnreadRecord(kept.path, kept.problem or ""))
        else:
            derivation.look_at(kept.document)
    with changing(root, "derive") if write else nullcontext():
        known = {id_of(lesson): lesson for lesson in lessons_of(root, FINDING)}
        made = derivation.gathered.findings()
        lessons, refused = settle(root, FINDING, made, known, _kept, _is_other, write=write)
    return LessonsDerived(
        root=str(root),
        written=write,
        records=derivation.records,
        lessons=tuple(lessons),
        errors=tuple(refused),
        rule_faults=tuple(derivation.faults),
        corrupt=tuple(derivation.corrupt),
    )


def _every_record(root: Path) -> Iterator[Any]:
    yield from kept_records(root)
    yield from kept_records(root, rejected=True)


def _kept(before: Lesson, made: Lesson) -> Lesson:
    return joined(before, made) if isinstance(before, LessonFinding) and isinstance(made, LessonFinding) else made


def _is_other(before: Lesson, made: Lesson) -> bool:
    # The id holds the rule, the surface and the subject; only names of repositories can be the same words.
    return isinstance(before, LessonFinding) and isinstance(made, LessonFinding) and before.repo != made.repo
