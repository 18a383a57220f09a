"""Errors of output of agents and of analyzers."""

from swarm.errors.catalogue import Severity, SwarmError


class AgentOutputSchemaInvalid(SwarmError):
    code = "AGENT_OUTPUT_SCHEMA_INVALID"
    severity = Severity.HIGH
    text = "{path} {problem}"
    advice = "correct the output; `swarm schema agent-output` prints what it must be"
    when = "an agent's output parses but is not what its prompt asked for; the agent run is invalid_output"
    path: str
    problem: str


class AgentItemInvalid(SwarmError):
    code = "AGENT_ITEM_INVALID"
    severity = Severity.MEDIUM
    text = "{path} {problem}"
    advice = "`swarm schema agent-output` prints what an item must be; the rest of the output was taken"
    when = "an item of an agent's output does not fit its schema; it is refused alone, counted, and kept in the output"
    path: str
    problem: str


class BoundedJsonSizeLimit(SwarmError):
    code = "BOUNDED_JSON_SIZE_LIMIT"
    severity = Severity.HIGH
    text = "{path} is larger or deeper than we read: {problem}"
    advice = "write fewer findings a file, or a flatter one; the limits are 50 MiB and 64 levels"
    when = "an output is above 50 MiB or 64 levels of nesting"
    path: str
    problem: str


class BoundedJsonReadFailed(SwarmError):
    code = "BOUNDED_JSON_READ_FAILED"
    severity = Severity.HIGH
    text = "{path} cannot be read: {problem}"
    advice = "put a regular, readable file there"
    when = "an output is missing, or a link, folder, pipe or device, or changes while it is read"
    path: str
    problem: str


class BoundedJsonParseFailed(SwarmError):
    code = "BOUNDED_JSON_PARSE_FAILED"
    severity = Severity.HIGH
    text = "{path} is not acceptable JSON: {problem}"
    advice = "write one JSON object in UTF-8, with no duplicate keys, NaN or Infinity"
    when = "an output is not UTF-8, not JSON, or uses what JSON readers disagree on"
    path: str
    problem: str


class PathUnsafe(SwarmError):
    code = "PATH_UNSAFE"
    severity = Severity.HIGH
    text = "'{received}' is no safe path of the repository: {problem}"
    advice = "name files relative to the root of the repository, with forward slashes"
    when = "a finding names a path that is absolute, climbs out, or leads into .git; that finding alone is refused"
    received: str
    problem: str


class ReportNotSarif(SwarmError):
    code = "REPORT_NOT_SARIF"
    severity = Severity.HIGH
    text = "{path} is no SARIF log, but {kind}: {remedy}"
    advice = "write the report as SARIF 2.1.0, and collect it again"
    when = "a report that is handed in has the form of another format, such as ESLint's JSON or Checkstyle's XML"
    path: str
    kind: str
    remedy: str


class SarifResultRefused(SwarmError):
    code = "SARIF_RESULT_REFUSED"
    severity = Severity.HIGH
    text = "{path}: {problem}"
    advice = "report it to the authors of the tool; the other results of the log count"
    when = "a result of a SARIF log, or a part of it, is not as the standard has it; the rest of the log is kept"
    path: str
    problem: str


class ToolReportedFailure(SwarmError):
    code = "TOOL_REPORTED_FAILURE"
    severity = Severity.HIGH
    text = "{path}: {problem}"
    advice = "correct what the tool names, and run it again; its silence about the rest proves nothing"
    when = "a SARIF log says that its tool failed, holds notifications of errors, or has no results"
    path: str
    problem: str
