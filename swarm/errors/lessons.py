"""Errors of lessons."""

from swarm.errors.catalogue import Severity, SwarmError


class LessonSchemaInvalid(SwarmError):
    severity = Severity.CRITICAL
    errors: tuple[dict[str, str], ...] = ()
    problem: str
    path: str | None = None


class FindingSchemaInvalid(LessonSchemaInvalid):
    code = "FINDING_SCHEMA_INVALID"
    text = "finding failed schema validation ({finding_id}): {problem}"
    advice = (
        "inspect each path against schemas/finding.schema.json and fix the upstream emitter; the schema is a contract"
    )
    when = "a finding of lessons, in a file or to be written, does not fit its schema; the disk is not touched"
    finding_id: str


class PatternSchemaInvalid(LessonSchemaInvalid):
    code = "PATTERN_SCHEMA_INVALID"
    text = "pattern failed schema validation ({pattern_id}): {problem}"
    advice = (
        "inspect each path against schemas/pattern.schema.json and fix the upstream emitter; the schema is a contract"
    )
    when = "a pattern of lessons, in a file or to be written, does not fit its schema; the disk is not touched"
    pattern_id: str


class RecommendationSchemaInvalid(LessonSchemaInvalid):
    code = "RECOMMENDATION_SCHEMA_INVALID"
    text = "recommendation failed schema validation ({recommendation_id}): {problem}"
    advice = (
        "inspect each path against schemas/recommendation.schema.json and fix the upstream emitter; "
        "the schema is a contract"
    )
    when = "a recommendation, in a file or to be written, does not fit its schema; the disk is not touched"
    recommendation_id: str


class DoctrineSchemaInvalid(LessonSchemaInvalid):
    code = "DOCTRINE_SCHEMA_INVALID"
    text = "doctrine failed schema validation ({doctrine_id}): {problem}"
    advice = (
        "inspect each path against schemas/doctrine.schema.json and fix the upstream emitter; the schema is a contract"
    )
    when = "a doctrine, in a file or to be written, does not fit its schema; the disk is not touched"
    doctrine_id: str


class LessonIdCollision(SwarmError):
    severity = Severity.HIGH
    advice = "rename or skip the colliding item before deriving again with --write"
    batch: str = ""
    problem: str


class FindingIdCollision(LessonIdCollision):
    code = "FINDING_ID_COLLISION"
    text = "{batch}finding_id collision: '{finding_id}' {problem}"
    when = "two findings claim one id in a batch or in a process, or another finding has the id on disk"
    finding_id: str


class PatternIdCollision(LessonIdCollision):
    code = "PATTERN_ID_COLLISION"
    text = "{batch}pattern_id collision: '{pattern_id}' {problem}"
    when = "two patterns claim one id in a batch or in a process, or another pattern has the id on disk"
    pattern_id: str


class RecommendationIdCollision(LessonIdCollision):
    code = "RECOMMENDATION_ID_COLLISION"
    text = "{batch}recommendation_id collision: '{recommendation_id}' {problem}"
    when = "two recommendations claim one id in a batch or in a process, or another has the id on disk"
    recommendation_id: str


class DoctrineIdCollision(LessonIdCollision):
    code = "DOCTRINE_ID_COLLISION"
    text = "{batch}doctrine_id collision: '{doctrine_id}' {problem}"
    when = "two doctrines claim one id in a batch or in a process, or another doctrine has the id on disk"
    doctrine_id: str


class LessonFileInvalid(SwarmError):
    code = "LESSON_FILE_INVALID"
    severity = Severity.HIGH
    text = "{path} is no file of lessons: {problem}"
    advice = "correct the file, or move it out of the folder of lessons; nothing was changed"
    when = "a file below `lessons` is a link, too large, no plain YAML, or has another name than its id"
    path: str
    problem: str


class LessonNotFound(SwarmError):
    code = "LESSON_NOT_FOUND"
    severity = Severity.MEDIUM
    text = "{problem}: '{received}'"
    advice = "run `swarm lessons review` for the ids"
    when = "`lessons review` names an id that no lesson has, or the beginning of several"
    received: str
    problem: str


class LessonStateRefused(SwarmError):
    code = "LESSON_STATE_REFUSED"
    severity = Severity.MEDIUM
    text = "{lesson_id} is {status}: {problem}"
    advice = "what {status} allows: {allowed}"
    when = "`lessons review` with an action that the state of a lesson does not allow"
    lesson_id: str
    status: str
    problem: str
    allowed: tuple[str, ...]


class LessonsBusy(SwarmError):
    code = "LESSONS_BUSY"
    severity = Severity.MEDIUM
    text = "The lessons in {path} stayed locked for {waited:.0f} s{holder}"
    advice = "wait for that process to end, then repeat the command"
    when = "another process reviewed, derived or synthesized lessons for longer than the time-out"
    path: str
    waited: float
    holder: str = ""
