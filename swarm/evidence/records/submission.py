"""A submission as it came: its bytes, its document, and its identity as far as it is usable."""

import hashlib
import os
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm import clock, documents, errors
from swarm.rules.record_forms import SCHEMA_VERSION, VERIFIER_FIELDS, Malformed, Verdict
from swarm.rules.record_places import UNKNOWN_REPO, is_run_id, repo_problem
from swarm.rules.record_verdicts import RANKING

SCHEMA: Final = "dogfood-submission"
MOST_BYTES: Final = 4 * 1024 * 1024
_VERSION: Final = re.compile(r"1\.[0-9]{1,6}\.[0-9]{1,6}", re.ASCII)
_KEPT_BYTES: Final = 64 * 1024
# Clocks of two machines differ, and a record of tomorrow would be the latest for a day.
_SKEW: Final = timedelta(days=1)


class RawSubmission(NamedTuple):
    """The bytes of a submission, their JSON value, and why there is none."""

    body: bytes
    document: Any
    problem: str | None

    @property
    def sha256(self) -> str:
        """The digest of the bytes."""
        return hashlib.sha256(self.body).hexdigest()

    @property
    def run_id(self) -> str:
        """The run id, or one made of the digest where that is not usable."""
        named = self._member("run_id")
        return str(named) if is_run_id(named) else f"malformed-{self.sha256[:16]}"

    @property
    def repo(self) -> str:
        """The repository, or the name of all that name none."""
        named = self._member("repo")
        return UNKNOWN_REPO if repo_problem(named) else str(named)

    @property
    def proposed(self) -> Verdict | None:
        """The proposed verdict, where the submission names one."""
        named = self._member("overall_verdict")
        return next((verdict for verdict in RANKING if verdict == named), None)

    @property
    def schema_version(self) -> str:
        """The version of its form, or ours where that is not usable."""
        named = self._member("schema_version")
        # Not by the schema: the record of a schema that cannot be loaded needs a version too.
        return named if isinstance(named, str) and _VERSION.fullmatch(named) else SCHEMA_VERSION

    @property
    def malformed(self) -> Malformed:
        """Its text, for a record of a submission that does not fit its schema."""
        kept = self.body[:_KEPT_BYTES]
        return {
            "sha256": self.sha256,
            "bytes": len(self.body),
            "text": kept.decode("utf-8", "backslashreplace"),
            "truncated": len(kept) < len(self.body),
        }

    def _member(self, key: str) -> Any:
        return self.document.get(key) if isinstance(self.document, dict) else None


def from_file(file: Path) -> RawSubmission:
    """Return the submission of a file that a person named. Raises SubmissionUnreadable."""
    try:
        # A link that a person names is followed, as by every other program.
        body = documents.read_bounded(Path(os.path.realpath(file)), MOST_BYTES)
    except (errors.BoundedJsonReadFailed, errors.BoundedJsonSizeLimit) as error:
        raise errors.SubmissionUnreadable(path=str(file), problem=error.problem) from error
    return from_bytes(body)


def from_stdin() -> RawSubmission:
    """Return the submission that comes by stdin. Raises SubmissionUnreadable."""
    body = b"" if sys.stdin is None else sys.stdin.buffer.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise errors.SubmissionUnreadable(path="stdin", problem=f"more than {MOST_BYTES:,} bytes")
    return from_bytes(body)


def from_bytes(body: bytes) -> RawSubmission:
    """Return a submission of some bytes."""
    try:
        return RawSubmission(body, documents.parse_bounded(body, "submission"), None)
    except (errors.BoundedJsonParseFailed, errors.BoundedJsonSizeLimit) as error:
        return RawSubmission(body, None, error.problem)


def form_problems(raw: RawSubmission) -> list[str]:
    """Return the reasons for which a submission has no usable form, each with its prefix."""
    if raw.problem is not None:
        return [f"schema: {raw.problem}"]
    document = raw.document
    if not isinstance(document, dict):
        return ["schema: $: it is no JSON object"]
    forged = [key for key in VERIFIER_FIELDS if key in document]
    if isinstance(document.get("overall_verdict"), dict):
        forged.append("overall_verdict")
    found = [f"submission-contains-verifier-field: {key}" for key in forged]
    if "repo" in document and (problem := repo_problem(document["repo"])):
        found.append(f"repo: {problem}")
    # The keys that are reported already would hide the others behind a second reason.
    known = {*forged, *(["repo"] if any(reason.startswith("repo:") for reason in found) else [])}
    rest = {key: value for key, value in document.items() if key not in known}
    problems = documents.violations({**_STAND_INS, **rest} if known else document, SCHEMA)
    found += [f"schema: {one.path}: {one.message}" for one in problems]
    return found or [f"schema: {problem}" for problem in _time_problems(document["timing"])]


# They stand for keys with a problem that is reported already, so that those are not missed as well.
_STAND_INS: Final = {"repo": "org/repo", "overall_verdict": "fail"}


def _time_problems(timing: Any) -> list[str]:
    moments = {}
    for key in ("started_at", "finished_at"):
        moment = moment_of(timing[key])
        if moment is None:
            return [f"$.timing.{key}: there is no such moment"]
        moments[key] = moment
    if moments["finished_at"] < moments["started_at"]:
        return ["$.timing.finished_at: it lies before started_at"]
    if moments["finished_at"] > datetime.fromisoformat(clock.now()) + _SKEW:
        return ["$.timing.finished_at: it lies in the future"]
    return []


def moment_of(text: str) -> datetime | None:
    """Return a moment in UTC, `None` for a text that names none."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
