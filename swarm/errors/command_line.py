"""Errors of the command line, its options and `swarm.toml`."""

from swarm.errors.catalogue import Severity, SwarmError


class CliUsage(SwarmError):
    code = "CLI_USAGE"
    severity = Severity.MEDIUM
    text = "{problem}"
    advice = "run `{command} --help` to see what it takes"
    exit_code = 2
    when = "an unknown verb or option, a missing or malformed argument"
    problem: str
    command: str = "swarm"


class StdoutNotWritable(SwarmError):
    code = "STDOUT_NOT_WRITABLE"
    severity = Severity.MEDIUM
    text = "The standard output takes no more: {problem}"
    advice = "free space where it leads to, or lead it elsewhere; what was recorded stays, and `swarm status` shows it"
    when = "the answer of a verb goes to a file on a full disk, or to another place that cannot be written"
    problem: str


class CliInvalidFormat(SwarmError):
    code = "CLI_INVALID_FORMAT"
    severity = Severity.MEDIUM
    text = "--format expects one of {choices}; got '{received}'"
    advice = "pass `--format json` for scripts, or leave it out"
    exit_code = 2
    when = "`--format` names a form that the verb does not have"
    received: str
    choices: str


class CliInvalidGlobsError(SwarmError):
    code = "CLI_INVALID_GLOBS_JSON"
    severity = Severity.MEDIUM
    text = "--globs requires a JSON array of glob strings; {problem}"
    advice = (
        "pass `--globs '[\"packages/foo/**\"]'` — wrap the JSON in single quotes so the shell preserves it, "
        "and use double quotes for each glob string"
    )
    exit_code = 2
    when = "`domains --add/--edit --globs`: empty, unparsable, not an array, an empty array, a non-string element"
    problem: str
    received: str


class ReasonRequired(SwarmError):
    code = "REASON_REQUIRED"
    severity = Severity.MEDIUM
    text = "{action} needs a reason, which is recorded"
    advice = "add `--reason '…'`"
    when = "an action that overrides something was asked for without saying why"
    action: str


class ConfigInvalid(SwarmError):
    code = "CONFIG_INVALID"
    severity = Severity.HIGH
    text = "{path} is not a valid configuration: {problem}"
    advice = "correct the file; docs/configuration.md lists its keys, `swarm schema swarm-toml` prints their schema"
    when = "`swarm.toml`, or a file of domains, does not parse or fails its schema"
    path: str
    problem: str


class CodeownersInvalid(SwarmError):
    code = "CODEOWNERS_INVALID"
    severity = Severity.HIGH
    text = "{path} gives no map: {problem}"
    advice = "correct and commit it, or use another map: `--domains-from auto`, or a file of domains"
    when = (
        "`init --domains-from codeowners`: the commit has no such file, or one that is empty, too long or not readable"
    )
    path: str
    problem: str


class SchemaUnknown(SwarmError):
    code = "SCHEMA_UNKNOWN"
    severity = Severity.MEDIUM
    text = "No schema is named '{received}'"
    advice = "run `swarm schema` for the list"
    when = "`swarm schema NAME` with a name that has no schema"
    received: str


class SubjectUnknown(SwarmError):
    code = "SUBJECT_UNKNOWN"
    severity = Severity.MEDIUM
    text = "Nothing here is called '{received}'{meant}"
    advice = (
        "pass an error code (`swarm help errors` lists them), exit:0, 1, 2, 3, 127 or 130, `attempt:N` of `swarm"
        " attempts`, a rule such as `B006`, a status, a verb, or a finding's id"
    )
    when = "`swarm explain THING` with something that is no code, exit code, attempt, rule, match, status or finding"
    received: str
    meant: str = ""
