"""The four kinds of lessons as records: findings, the patterns of them, recommendations, and doctrine."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

# Bounds of the schemas: what is made here must pass them.
LONGEST_TITLE: Final = 200
LONGEST_TEXT: Final = 1000
# Of what a rule writes, so that the largest file can still be read; a person may write more.
LONGEST_EVIDENCE: Final = 300
LONGEST_NAME: Final = 300
LONGEST_ID: Final = 200
MOST_EVIDENCE: Final = 40
MOST_NAMES: Final = 200


class LessonStatus(StrEnum):
    """States of a lesson: only an accepted lesson counts."""

    CANDIDATE = "candidate"
    REVIEWED = "reviewed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


# A lesson that nobody has accepted or rejected.
UNDECIDED: Final = frozenset({LessonStatus.CANDIDATE, LessonStatus.REVIEWED})


class Strength(StrEnum):
    """Strengths of a pattern, by the number of repositories that show it."""

    EMERGING = "emerging"
    STRONG = "strong"
    PORTFOLIO_STABLE = "portfolio_stable"


class LessonEvidence(NamedTuple):
    """A sentence about a record, and the scenario and the step of the record that it is about."""

    record_id: str
    text: str
    scenario_id: str | None = None
    step_id: str | None = None


class LessonFinding(NamedTuple):
    """Something that records of a repository show. `occurrences` counts the records, also those no longer listed."""

    finding_id: str
    title: str
    status: str
    repo: str
    product_surface: str
    journey_stage: str
    issue_kind: str
    root_cause_kind: str
    remediation_kind: str
    transfer_scope: str
    summary: str
    source_record_ids: tuple[str, ...]
    evidence: tuple[LessonEvidence, ...]
    execution_mode: str | None = None
    rule: str | None = None
    occurrences: int | None = None
    merged_into: str | None = None
    superseded_by: str | None = None


class LessonPattern(NamedTuple):
    """Accepted findings of different records that are alike in issue and root cause."""

    pattern_id: str
    title: str
    status: str
    issue_kind: str
    root_cause_kind: str
    strength: str
    summary: str
    repos: tuple[str, ...]
    product_surfaces: tuple[str, ...]
    finding_ids: tuple[str, ...]
    source_record_ids: tuple[str, ...]
    execution_modes: tuple[str, ...] = ()
    superseded_by: str | None = None


class Recommendation(NamedTuple):
    """An action that a pattern asks for."""

    recommendation_id: str
    title: str
    status: str
    action: str
    pattern_id: str
    text: str
    repos: tuple[str, ...]
    product_surfaces: tuple[str, ...]
    execution_modes: tuple[str, ...] = ()
    superseded_by: str | None = None


class Doctrine(NamedTuple):
    """A law that a strong pattern stands for."""

    doctrine_id: str
    title: str
    status: str
    law: str
    strength: str
    pattern_id: str
    statement: str
    repos: tuple[str, ...]
    product_surfaces: tuple[str, ...]
    execution_modes: tuple[str, ...] = ()
    superseded_by: str | None = None


Lesson = LessonFinding | LessonPattern | Recommendation | Doctrine


class LessonKind(NamedTuple):
    """A kind of lesson: the word in its schema and its errors, its folder, the beginning of its ids, its record."""

    word: str
    folder: str
    prefix: str
    record: type[Any]

    @property
    def id_key(self) -> str:
        """The key of the id in a document of this kind."""
        return f"{self.word}_id"


FINDING: Final = LessonKind("finding", "findings", "dfind-", LessonFinding)
PATTERN: Final = LessonKind("pattern", "patterns", "dpat-", LessonPattern)
RECOMMENDATION: Final = LessonKind("recommendation", "recommendations", "drec-", Recommendation)
DOCTRINE: Final = LessonKind("doctrine", "doctrine", "ddoc-", Doctrine)
KINDS: Final = (FINDING, PATTERN, RECOMMENDATION, DOCTRINE)


def kind_of(lesson: Lesson) -> LessonKind:
    """Return the kind of a lesson."""
    return next(kind for kind in KINDS if isinstance(lesson, kind.record))


def id_of(lesson: Lesson) -> str:
    """Return the id of a lesson."""
    return lesson[0]


def document_of(lesson: Lesson) -> dict[str, Any]:
    """Return the document of a lesson, without the keys that have no value."""
    made = {key: value for key, value in lesson._asdict().items() if value is not None and value != ()}
    made = {key: list(value) if isinstance(value, tuple) else value for key, value in made.items()}
    if isinstance(lesson, LessonFinding):
        made["evidence"] = [
            {key: value for key, value in item._asdict().items() if value is not None} for item in lesson.evidence
        ]
    return made


def lesson_from(kind: LessonKind, document: Mapping[str, Any]) -> Lesson:
    """Return the lesson of a document that fits the schema of its kind."""
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in document.items()}
    if kind is FINDING:
        values["evidence"] = tuple(LessonEvidence(**item) for item in document["evidence"])
    made: Lesson = kind.record(**values)
    return made


def kebab(text: str) -> str:
    """Return a text as words in small letters that hyphens join, `x` for a text without a letter or digit."""
    return "-".join(re.findall(r"[a-z0-9]+", text.lower())) or "x"
