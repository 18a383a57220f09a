"""Table of tools: the verb behind each, and the JSON Schema of its arguments, from which the command line is made."""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from swarm.errors import shortened

# No argument of a verb needs more; what a client sends is refused before a process is started.
_LONGEST: Final = 2000
_MOST: Final = 500
_SEVERITIES: Final = "Severities parted by commas: CRITICAL, HIGH, MEDIUM, LOW."


class Parameter(NamedTuple):
    """An argument of a tool. `option` is its option of the verb; `None` is an argument by place."""

    name: str
    option: str | None
    about: str
    kind: Literal["text", "texts", "flag", "number"] = "text"
    required: bool = False
    default: int | None = None


class VerbTool(NamedTuple):
    """A verb as a tool. `reads` says that it changes nothing."""

    verb: str
    about: str
    parameters: tuple[Parameter, ...]
    reads: bool = False


_RUN: Final = Parameter("run", None, "Id of the run; by default the newest of this repository.")
_OF_RUN: Final = Parameter("run", "--run", "Id of the run; by default the newest of this repository.")
_REASON: Final = Parameter("reason", "--reason", "Reason; it is recorded.")
_JOBS: Final = Parameter("jobs", "--jobs", "Number of agents that work at once.", "number")
_RUNTIME: Final = Parameter("runtime", "--runtime", "Name of the runtime, as `swarm runtimes` lists them.")
_IDS: Final = Parameter("findings", "--ids", "Ids of findings, such as F-001a2b3c.", "texts")
_SEVERITY: Final = Parameter("severity", "--severity", _SEVERITIES)
_RULE: Final = Parameter("rule", "--rule", "Rules or categories, parted by commas.")
_ALL: Final = Parameter("all", "--all", "All open findings that no reviewer refutes.", "flag")
_CONFIRMED: Final = Parameter("confirmed", "--confirmed", "Of all only those that a reviewer confirmed.", "flag")
_DRY_RUN: Final = Parameter("dry_run", "--dry-run", "Show what would be done and change nothing.", "flag")
_THRESHOLD: Final = Parameter("threshold", "--threshold", "Number of findings that may offend.", "number")
_PUBLISH: Final = Parameter("publish", "--publish", "Move the branch of the run to the result.", "flag")
_COST: Final = Parameter("max_cost", "--max-cost", "Cap on what agents cost, in US dollars.", "number")
_ACCEPT: Final = Parameter(
    "accept", "--accept", "`no_tests` or `fewer_tests`: accept a build without proof by tests; needs a reason."
)

TOOLS: Final[tuple[VerbTool, ...]] = (
    VerbTool(
        "audit",
        "Look at the repository with every analyzer that fits its files; returns findings, what is new, what was read.",
        (
            Parameter("since", "--since", "Only findings in lines changed since the merge base with this ref."),
            Parameter("worktree", "--worktree", "Look at the files as they are, uncommitted and new ones too.", "flag"),
            Parameter("baseline", "--baseline", "A ref, run or file that says what is known already."),
            _RUNTIME,
            _JOBS,
        ),
    ),
    VerbTool("status", "Show a run, its waves and agents, and the next command.", (_RUN,), reads=True),
    VerbTool(
        "findings",
        "List the findings of a run, gravest first.",
        (
            _RUN,
            Parameter("status", "--status", "Statuses parted by commas; by default the open ones."),
            _SEVERITY,
            _RULE,
            Parameter("path", "--path", "A glob of files."),
            Parameter("limit", "--limit", "List at most so many; all are counted.", "number", default=50),
        ),
        reads=True,
    ),
    VerbTool(
        "show",
        "Show a finding: its code, its sightings, its history.",
        (Parameter("finding", None, "Id of the finding.", required=True), _OF_RUN),
        reads=True,
    ),
    VerbTool(
        "explain",
        "Explain an error code, exit code, rule, finding or attempt, and what to do about it.",
        (Parameter("thing", None, "For example LAUNCH_IN_PROGRESS, exit:3, F401.", required=True), _OF_RUN),
        reads=True,
    ),
    VerbTool(
        "approve", "Let the next amend wave fix findings.", (_OF_RUN, _IDS, _ALL, _SEVERITY, _RULE, _CONFIRMED, _REASON)
    ),
    VerbTool(
        "dispatch",
        "Make a wave: a prompt and a worktree for the agent of each domain.",
        (
            Parameter("phase", None, "A phase, such as health-audit-a or health-amend-a.", required=True),
            Parameter("isolate", "--isolate", "Give every agent a worktree of its own; amend waves need it.", "flag"),
            Parameter("auto_freeze", "--auto-freeze", "Freeze a draft map first.", "flag"),
            Parameter("review", "--review", "Ask agents for a verdict on each open finding.", "flag"),
            _RUNTIME,
            _DRY_RUN,
            _REASON,
        ),
    ),
    VerbTool(
        "launch",
        "Run the dispatched agents, supervise them, and return when all have ended.",
        (_RUN, _RUNTIME, _JOBS, Parameter("timeout", "--timeout", "Limit of an attempt, such as 20m."), _COST, _REASON),
    ),
    VerbTool(
        "wait",
        "Wait for a launch that somebody else started, and show what its agents do.",
        (_RUN, Parameter("timeout", "--timeout", "The longest time to wait, such as 5m.")),
        reads=True,
    ),
    VerbTool("collect", "Validate the outputs of the wave, enforce ownership, record the findings.", (_RUN,)),
    VerbTool(
        "merge",
        "Merge the branches of an amend wave and prove the result.",
        (_RUN, _PUBLISH, _ACCEPT, _REASON),
    ),
    VerbTool(
        "fix",
        "Fix findings from approval to a verified branch; returns the branch and what was proved.",
        (
            _OF_RUN,
            _IDS,
            _RULE,
            _SEVERITY,
            _ALL,
            _CONFIRMED,
            _RUNTIME,
            _PUBLISH,
            Parameter("branch", "--branch", "Put the verified commit on this branch too."),
            _ACCEPT,
            _REASON,
            _COST,
            _JOBS,
            _DRY_RUN,
        ),
    ),
    VerbTool(
        "verify",
        "Build and test the commit, and look at every claimed fix again: the gate of CI.",
        (_RUN, _THRESHOLD, _ACCEPT, _REASON),
    ),
)
BY_NAME: Final = {tool.verb: tool for tool in TOOLS}


def input_schema(tool: VerbTool) -> dict[str, Any]:
    """Return the JSON Schema of a tool's arguments."""
    return {
        "type": "object",
        "properties": {each.name: _schema(each) for each in tool.parameters},
        "required": [each.name for each in tool.parameters if each.required],
        "additionalProperties": False,
    }


def _schema(parameter: Parameter) -> dict[str, Any]:
    # A control character would end a line of somebody's log.
    text = {"type": "string", "minLength": 1, "maxLength": _LONGEST, "pattern": r"^[^\u0000-\u001f\u007f]*$"}
    match parameter.kind:
        case "text":
            shape = text
        case "texts":
            shape = {"type": "array", "items": text | {"pattern": r"^[^\u0000-\u001f\u007f,]*$"}, "maxItems": _MOST}
        case "flag":
            shape = {"type": "boolean"}
        case "number":
            shape = {"type": "number", "minimum": 0, "maximum": 1_000_000_000}
    return shape | {"description": parameter.about}


def misnamed(tool: VerbTool, given: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the names of the arguments of a call, `None` where nothing is."""
    named = [each.name for each in tool.parameters]
    for name in given:
        if name not in named:
            from difflib import get_close_matches

            near = get_close_matches(name, named, n=1)
            problem = f"{tool.verb} takes no argument '{shortened(name)}'"
            return f"{problem}. Did you mean '{near[0]}'?" if near else problem
    lacking = [each.name for each in tool.parameters if each.required and each.name not in given]
    return f"{tool.verb} needs the argument '{lacking[0]}'" if lacking else None


def arguments_of(tool: VerbTool) -> str:
    """Return the arguments of a tool as a hint."""
    named = (f"{each.name} (required)" if each.required else each.name for each in tool.parameters)
    return f"{tool.verb} takes {', '.join(named)}"


def command_line(tool: VerbTool, given: Mapping[str, Any]) -> list[str]:
    """Return the verb and its options for arguments that fit `input_schema`.

    A value never stands as a word of its own that could be read as an option.
    """
    options: list[str] = []
    by_place: list[str] = []
    for parameter in tool.parameters:
        value = given.get(parameter.name, parameter.default)
        if value is None or value is False or value == []:
            continue
        if parameter.option is None:
            by_place.append(str(value))
        elif parameter.kind == "flag":
            options.append(parameter.option)
        else:
            options.append(f"{parameter.option}={_word(value)}")
    return [tool.verb, "--format=json", *options, "--", *by_place]


def _word(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(value)
    # JSON has a single kind of number: 8.0 stands for the whole number that an option takes.
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
