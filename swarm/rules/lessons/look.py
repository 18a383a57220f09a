"""View of a record for the rules of lessons, and the candidate finding of what a rule sees in it."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from swarm.rules.lessons.lesson import (
    LONGEST_EVIDENCE,
    LONGEST_ID,
    LONGEST_NAME,
    LONGEST_TEXT,
    LONGEST_TITLE,
    LessonEvidence,
    LessonFinding,
    LessonStatus,
    kebab,
)
from swarm.rules.prompt_text import clipped

_MOST_SUBJECT: Final = 120
# Of a repository of whose surfaces no record says anything.
_UNKNOWN_SURFACE: Final = "cli"


class RecordLook(NamedTuple):
    """A record, and what the records of its repository before it say: the surface of each scenario, and of any."""

    record: Mapping[str, Any]
    surfaces: Mapping[str, str] = {}
    surface: str = _UNKNOWN_SURFACE

    @property
    def record_id(self) -> str:
        """The record as organisation, repository and run id."""
        return f"{self.record['repo']}/{self.record['run_id']}"

    @property
    def scenarios(self) -> Sequence[Mapping[str, Any]]:
        """The scenarios of the record; a malformed submission has none."""
        found: Sequence[Mapping[str, Any]] = self.record.get("scenario_results", ())
        return found

    @property
    def reasons(self) -> Iterator[str]:
        """The reasons of the verifier, those that reject and those that warn."""
        verification = self.record["verification"]
        yield from verification["rejection_reasons"]
        yield from verification.get("policy_warnings", ())

    @property
    def own_surface(self) -> str:
        """The surface of the first scenario, else what is known of the repository."""
        return str(self.scenarios[0]["product_surface"]) if self.scenarios else self.surface

    def mode_of(self, scenario_id: str) -> str | None:
        """Return the mode in which a scenario of the record ran."""
        modes = (one["execution_mode"] for one in self.scenarios if one["scenario_id"] == scenario_id)
        return next(modes, None)


class Sight(NamedTuple):
    """Something that a rule sees in a record. `subject` tells it from what else the rule sees on the same surface."""

    subject: str
    surface: str
    title: str
    summary: str
    text: str
    scenario_id: str | None = None
    step_id: str | None = None
    mode: str | None = None
    stage: str = "verification"


class LessonRule(NamedTuple):
    """A rule: what it looks at, and the kinds of the findings that it makes."""

    name: str
    sees: Callable[[RecordLook], Iterator[Sight]]
    issue: str
    cause: str
    remediation: str
    scope: str


def finding_of(rule: LessonRule, look: RecordLook, seen: Sight) -> LessonFinding:
    """Return the candidate finding of what a rule saw in a record."""
    repo, record_id = str(look.record["repo"]), look.record_id
    evidence = LessonEvidence(
        record_id,
        clipped(seen.text, LONGEST_EVIDENCE),
        clipped(seen.scenario_id, LONGEST_NAME) if seen.scenario_id else None,
        clipped(seen.step_id, LONGEST_NAME) if seen.step_id else None,
    )
    return LessonFinding(
        finding_id=_id(repo, rule.name, seen),
        title=clipped(seen.title, LONGEST_TITLE),
        status=LessonStatus.CANDIDATE.value,
        repo=repo,
        product_surface=seen.surface,
        journey_stage=seen.stage,
        issue_kind=rule.issue,
        root_cause_kind=rule.cause,
        remediation_kind=rule.remediation,
        transfer_scope=rule.scope,
        summary=clipped(seen.summary, LONGEST_TEXT),
        source_record_ids=(record_id,),
        evidence=(evidence,),
        execution_mode=seen.mode,
        rule=rule.name,
        occurrences=1,
    )


def _id(repo: str, rule: str, seen: Sight) -> str:
    # Words alone would make one id of `acme/a-b` and `acme-a/b`; a batch refuses the second of them.
    owner, _, name = repo.partition("/")
    whole = f"dfind-{kebab(owner)}-{kebab(name)}-{rule}-{seen.surface}-{kebab(seen.subject)}"
    parts = seen.subject.split()
    # A part without an ASCII letter or digit, as a name in Japanese, leaves nothing of itself in the id.
    is_whole = seen.subject.isascii() and all(any(map(str.isalnum, part)) for part in parts)
    if is_whole and len(whole) <= LONGEST_ID and len(seen.subject) <= _MOST_SUBJECT:
        return whole
    digest = hashlib.sha256(seen.subject.encode()).hexdigest()[:12]
    return f"{whole[: LONGEST_ID - 13].rstrip('-')}-{digest}"
