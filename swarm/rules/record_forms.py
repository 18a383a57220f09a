"""Forms of submissions and records, as their JSON documents have them; `schemas/dogfood-record.schema.json` holds both.

Documents keep their own keys: a record is a contract with other tools, and what it does not know it may not lose.
"""

from typing import Final, Literal, NotRequired, TypedDict, get_args

Verdict = Literal["pass", "fail", "blocked", "partial"]
Surface = Literal["cli", "desktop", "web", "api", "mcp-server", "npm-package", "plugin", "library"]
Mode = Literal["bot", "human", "mixed"]
StepStatus = Literal["pass", "fail", "blocked", "skip", "partial"]
Provenance = Literal["stub", "github"]

SCHEMA_VERSION: Final = "1.0.0"
SURFACES: Final[tuple[Surface, ...]] = get_args(Surface)
MODES: Final[tuple[Mode, ...]] = get_args(Mode)
STEP_STATUSES: Final[tuple[StepStatus, ...]] = get_args(StepStatus)
# Keys that the verifier alone writes; `overall_verdict` is a verdict in a submission, and an object in a record.
VERIFIER_FIELDS: Final = ("policy_version", "verification")


class Ref(TypedDict):
    """The commit that a submission is about."""

    commit_sha: str
    branch: NotRequired[str]
    version: NotRequired[str]


class RunSource(TypedDict):
    """The run of a CI system, or of swarm, that a submission comes from."""

    provider: str
    workflow: str
    provider_run_id: str
    run_url: str
    attempt: NotRequired[int]
    actor: NotRequired[str]


class Timing(TypedDict):
    """Beginning and end of the run, in ISO 8601."""

    started_at: str
    finished_at: str
    duration_ms: NotRequired[int]


class CiCheck(TypedDict):
    """A check that ran beside the scenarios."""

    id: str
    kind: Literal["test", "coverage", "lint", "security", "build", "other"]
    status: Literal["pass", "fail", "skip"]
    value: NotRequired[float]
    threshold: NotRequired[float]


class ScenarioStep(TypedDict):
    """A step of a scenario."""

    step_id: str
    status: StepStatus


class EvidencePiece(TypedDict):
    """A thing that shows the result of a scenario, and where it lies."""

    kind: str
    url: NotRequired[str]
    path: NotRequired[str]
    sha256: NotRequired[str]
    description: NotRequired[str]


class ScenarioResult(TypedDict):
    """The outcome of a scenario on a surface of the product."""

    scenario_id: str
    product_surface: Surface
    execution_mode: Mode
    verdict: Verdict
    step_results: list[ScenarioStep]
    attested_by: NotRequired[str]
    blocking_reason: NotRequired[str]
    evidence: NotRequired[list[EvidencePiece]]
    notes: NotRequired[str]


class Submitted(TypedDict):
    """The keys that a submission and the record of it have in common."""

    schema_version: str
    run_id: str
    repo: str
    ref: Ref
    source: RunSource
    timing: Timing
    ci_checks: NotRequired[list[CiCheck]]
    scenario_results: list[ScenarioResult]


class Submission(Submitted):
    """A submission: what a repository says about a run of its own."""

    overall_verdict: Verdict


class OverallVerdict(TypedDict):
    """The proposed verdict, and the verdict that the verifier confirmed or lowered."""

    proposed: Verdict | None
    verified: Verdict
    downgraded: bool
    downgrade_reasons: NotRequired[list[str]]


class RecordVerification(TypedDict):
    """The judgement of the verifier. A fault of a validator stands among the reasons."""

    status: Literal["accepted", "rejected"]
    verified_at: str
    provenance: NotRequired[Provenance]
    provenance_confirmed: bool
    schema_valid: bool
    policy_valid: bool
    rejection_reasons: list[str]
    policy_warnings: NotRequired[list[str]]


class RunRecord(Submitted):
    """A submission that fits its schema, with the judgement of the verifier."""

    policy_version: str
    overall_verdict: OverallVerdict
    verification: RecordVerification


class Malformed(TypedDict):
    """The text of a submission that does not fit its schema."""

    sha256: str
    bytes: int
    text: str
    truncated: bool


class MalformedRecord(TypedDict):
    """A rejected submission that does not fit its schema."""

    schema_version: str
    run_id: str
    repo: str
    policy_version: str
    overall_verdict: OverallVerdict
    verification: RecordVerification
    malformed: Malformed


AnyRecord = RunRecord | MalformedRecord
