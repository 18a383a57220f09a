"""Errors of records of runs."""

from swarm.errors.catalogue import Severity, SwarmError


class RecordValidationError(SwarmError):
    code = "RECORD_SCHEMA_INVALID"
    severity = Severity.CRITICAL
    text = "persisted record failed schema validation: {told}"
    advice = (
        "inspect the failing record against schemas/dogfood-record.schema.json and fix the invalid fields before "
        "re-ingesting"
    )
    when = "a record to be persisted fails its schema; nothing is written"
    told: str
    errors: tuple[object, ...]


class DuplicateRunIdError(SwarmError):
    code = "DUPLICATE_RUN_ID"
    severity = Severity.MEDIUM
    text = "duplicate run_id: {run_id} — another writer won the race for {path}"
    advice = "a run with this id already exists — use a fresh run id or `swarm runs` to inspect the existing one"
    when = "a second writer lost the race for a record; nothing is overwritten"
    run_id: str
    path: str


class IngestFailed(SwarmError):
    code = "INGEST_FAILED"
    severity = Severity.HIGH
    text = "dogfood ingest did not complete — {problem}"
    advice = "run the Reproduce line"
    when = "`persist --ingest` or `verify --ingest` did not end in an accepted record"
    problem: str
    submission: str
    reproduce: str
    ingest_exit_code: int


class ValidatorFault(SwarmError):
    """A validator crashed. Nothing raises it: its text stands among the reasons of a record, named by its code."""

    severity = Severity.HIGH
    exit_code = 2
    advice = "the verifier crashed: treat as a system incident; the submission is the reproduction"
    thrown: str


class ValidatorFaultSchema(ValidatorFault):
    code = "VALIDATOR_FAULT_SCHEMA"
    text = "VALIDATOR_FAULT_SCHEMA: {thrown}"
    when = "the check of a submission's form crashed; a reason of its record"


class ValidatorFaultPolicy(ValidatorFault):
    code = "VALIDATOR_FAULT_POLICY"
    text = "VALIDATOR_FAULT_POLICY: {thrown}"
    when = "the check of a submission against its policy crashed; a reason of its record"


class ValidatorFaultSteps(ValidatorFault):
    code = "VALIDATOR_FAULT_STEPS"
    text = "VALIDATOR_FAULT_STEPS: {thrown}"
    when = "the check of a submission's scenarios and steps crashed; a reason of its record"


class ProvenanceStubRefused(SwarmError):
    code = "PROVENANCE_STUB_REFUSED"
    severity = Severity.HIGH
    exit_code = 2
    text = "Provenance stub confirms every submission, and is refused in CI: {variable} is set"
    advice = "pass `--provenance github`; to judge a submission by hand, ingest it where {variable} is not set"
    when = "`ingest --provenance stub` where CI or GITHUB_ACTIONS is set"
    variable: str


class ProvenanceUnreachable(SwarmError):
    code = "PROVENANCE_UNREACHABLE"
    severity = Severity.HIGH
    exit_code = 2
    text = "{url} did not say where the submission comes from: {problem}"
    advice = "{remedy}; nothing was recorded, so the same command can be repeated"
    when = "the API cannot be asked, does not answer within 30 s, or answers with no document"
    url: str
    problem: str
    remedy: str


class SubmissionUnreadable(SwarmError):
    code = "SUBMISSION_UNREADABLE"
    severity = Severity.MEDIUM
    exit_code = 2
    text = "The submission {path} cannot be read: {problem}"
    advice = "check the path and the size; a submission is a regular file of at most 4 MiB, or comes by stdin"
    when = "the file of `ingest --file` is not there, is no regular file, or is too large"
    path: str
    problem: str


class RecordsBusy(SwarmError):
    code = "RECORDS_BUSY"
    severity = Severity.MEDIUM
    exit_code = 2
    text = "The records at {path} stayed locked for {waited:.0f} s{holder}"
    advice = "wait for that process to end, then repeat the command"
    when = "another process held the lock of the records for longer than the time-out"
    path: str
    waited: float
    holder: str = ""


class RecordCorrupt(SwarmError):
    code = "RECORD_CORRUPT"
    severity = Severity.HIGH
    exit_code = 2
    text = "The record {path} is corrupt: {problem}"
    advice = "restore the file, or move it out of the records; then repeat the command"
    when = "a record that is asked for, or that has the run id of a submission, cannot be read"
    path: str
    problem: str


class RecordNotFound(SwarmError):
    code = "RECORD_NOT_FOUND"
    severity = Severity.MEDIUM
    text = "No single record is called '{received}'{among}"
    advice = "run `swarm records list --status all` for the records that are there"
    when = "`records show` names no record, or several"
    received: str
    among: str = ""
