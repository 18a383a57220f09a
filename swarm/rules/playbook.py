"""The playbook of attempts that did not end well: by exit class, then code, then last words, then duration."""

import re
from typing import Final, NamedTuple

from swarm.rules.stalls import StallReason

_R = StallReason
_AGAIN: Final = "launch again: `swarm resume` gives the agent a new prompt and tree"
_STALLS: Final = {
    _R.PROVIDER_ZERO_PROGRESS: (
        "its provider or the program itself said nothing at all",
        f"check that the provider answers, or allow more time by [launch.stalls] no_event; {_AGAIN}",
    ),
    _R.PROVIDER_BLANK_ASSISTANT: ("the model answered with nothing", f"name another model; {_AGAIN}"),
    _R.PROVIDER_ERROR: ("its provider answered with an error", f"read the words of the provider above; {_AGAIN}"),
    _R.PROVIDER_REASONING_CONTENT_ERROR: (
        "its provider refuses to go on with thoughts of an earlier turn",
        "switch the model's thinking off, or name another model or provider",
    ),
    _R.READ_TOOL_STALLED: (
        "a tool that reads did not end: a pipe, a device, or a disk that does not answer",
        "see events.jsonl for the path that it read",
    ),
    _R.TOOL_STALLED: (
        "a command of the agent did not end, such as a server or a prompt that waits for input",
        "see events.jsonl for the command; a long one needs a larger [launch.stalls] tool",
    ),
    _R.READ_TOOL_INVALID_INPUT: (
        "the model called a tool that reads with a malformed input",
        f"name another model; {_AGAIN}",
    ),
    _R.TOOL_INVALID_INPUT: ("the model called a tool with a malformed input", f"name another model; {_AGAIN}"),
    _R.INCOMPLETE_ASSISTANT_ROUND: (
        "its tools were done, and the model said nothing about them",
        f"give the domain fewer files; {_AGAIN}",
    ),
    _R.BACKEND_NO_FINAL_TEXT: ("it ended without an answer", f"see events.jsonl for its last step; {_AGAIN}"),
    _R.TOOL_LOOP_NO_COMPLETION: (
        "it repeated a call that always fails",
        "see events.jsonl for the call; what it needs may be missing in its sandbox",
    ),
    _R.READ_ONLY_WRITE_INTENT: (
        "an agent of an audit tried to change a file",
        "nothing to repair: the file was not taken; an amend wave is where files are changed",
    ),
    _R.EXTERNAL_DIRECTORY_PERMISSION_PENDING: (
        "it asked for something outside of its worktree, and nobody replied",
        "reply next time with `swarm permissions`; [sandbox] readable opens a folder to it",
    ),
    _R.PERMISSION_PENDING: (
        "it asked for a permission, and nobody replied",
        "reply next time with `swarm permissions`; `swarm wait` ends when an agent asks",
    ),
}
_AGAIN_ON_WORKERS: Final = "run the same command again: the agent is ordered anew"
_CODES: Final = {
    # Nothing was spawned.
    "FILE_NOT_FOUND": ("a file that it needs is not there", "check the path, and the folder that it is relative to"),
    "INVALID_MANIFEST": ("its manifest has errors", "`swarm runtimes --validate PATH` prints them field by field"),
    "NO_MODEL_RESOLVED": (
        "no entry of its chain can be launched here",
        "`swarm runtimes --resolve` shows the chain: install a program, or set the credential that it names",
    ),
    "AMBIGUOUS_AGENT_PATH": ("its path is no manifest", "name a file `NAME.agent`, or the folder of a manifest.agent"),
    # Refused before it was spawned.
    "ISOLATION_UNAVAILABLE": (
        "its policy is tight, and no sandbox works here",
        "install bubblewrap, or launch with --unsafe-no-isolation and a --reason",
    ),
    "CONFIG_UNTRUSTED": ("it would run a program that nobody has trusted", "`swarm trust` shows and trusts it"),
    "MANIFEST_LOCK_MISMATCH": (
        "its prompt or plan is not the one that was dispatched",
        "`swarm resume` writes a new one; find out who changed it first",
    ),
    "LOCK_NOT_SIGNED": ("a signature is demanded, and its lock has none", "dispatch again with a signing key"),
    "LOCK_SIG_INVALID": (
        "the signature of its lock does not fit: another key, or a lock that was changed",
        "find out which of both before you go on",
    ),
    "PUBKEY_MALFORMED": ("the public key is no key", "give 32 bytes in hexadecimal digits"),
    "COST_BUDGET_EXCEEDED": ("it would cost more than allowed", "raise --max-cost, or give it fewer files"),
    # The program ran and failed.
    "CREDENTIAL_REFUSED": (
        "its provider refused the credential",
        "`swarm runtimes` names the variable: renew its value; a retry with the same value is refused again",
    ),
    "QUOTA_EXHAUSTED": (
        "its provider throttles it, or its quota is used up",
        "launch with fewer --jobs, or after the reset that the provider named",
    ),
    "BACKEND_UNREACHABLE": (
        "it could not reach its provider",
        "check the network, its proxy, and the sandbox's `network` in swarm.toml",
    ),
    "NOT_FOUND": ("its model or its session is not there", "check the name of the model in swarm.toml"),
    "CORRUPTED": ("its stream is no stream of this program", "check its version with `swarm runtimes`"),
    "RESOURCE_EXHAUSTED": (
        "memory, disk or context ran out",
        "give the domain fewer files, or launch with fewer --jobs",
    ),
    "TOOLS_DENIED": (
        "it was refused the tools that it called, and answered nothing",
        "see events.jsonl for the tools; the runtime's table in swarm.toml allows more",
    ),
    "TIMED_OUT": ("it did not end within its time", "launch with a longer --timeout, or give the domain fewer files"),
    "INTERRUPTED": ("its launch was interrupted", "run the same command again: it is launched anew"),
    "SUPERVISOR_DIED": ("its launch died before it", "run the same command again: it is launched anew"),
    "WORKER_FAILED": (
        "the worker failed on it by a bug, not its agent",
        "stderr.log beside the record ends with the trace: report it, and launch again, here or on other workers",
    ),
    "WORKER_LOST": ("its worker died, or was cut off from the engine", _AGAIN_ON_WORKERS),
    "WORKER_STOPPED": ("its worker was stopped by a signal", _AGAIN_ON_WORKERS),
    "CANCELLED": ("its launch was cancelled", _AGAIN_ON_WORKERS),
    "RESULT_TOO_LARGE": (
        "it brought more than the engine's max_result_mib allows",
        "a larger `max_result_mib` of [engines.NAME] takes more; large files that a build makes belong into .gitignore",
    ),
    "WORK_NOT_TAKEN": (
        "git could not take a file of its work",
        "read its last words for the file: it is too large, is no plain file, or has a filter",
    ),
    "NO_OUTPUT": ("it ended well, but wrote no output that can be used", "look at stdout.log beside the record"),
    "FOLDER_REPLACED": (
        "the folder of the attempt was replaced while it ran, as no healthy agent does",
        "look at the worktree before you launch it again",
    ),
    "WORKTREE_SETUP_FAILED": (
        "the set-up of its worktree failed",
        "correct [worktrees] setup; its log is beside the record",
    ),
    "PROGRAM_NOT_VISIBLE": (
        "its program is not there inside of the sandbox",
        "install it where the sandbox shows it, or open its folder by [sandbox] readable",
    ),
    "LOADER_NOT_VISIBLE": (
        "its program is there, and its interpreter or loader is not visible inside of the sandbox",
        "open the folder of the interpreter by [sandbox] readable; the program's first line, or `ldd`, names it",
    ),
}
# Meanings of a program's last words; the first match wins.
_FRAGMENTS: Final = (
    (
        r"(?i)\b401\b|unauthorized|\b403\b|forbidden|invalid api key",
        "its credential is missing, wrong or expired",
        "renew the credential in the variable that the program reads, and pass the variable on in swarm.toml",
    ),
    (r"(?i)rate.?limit|\b429\b|quota", "the provider throttles it", "launch with fewer --jobs, or later"),
    (
        r"(?i)timed? ?out|unreachable|connection refused|resolve host",
        "it could not reach what it needs on the network",
        "check the network, and `network` of its table in swarm.toml: a sandbox closes it to commands",
    ),
    (
        r"(?i)no such file or directory|bad interpreter",
        "a program or its interpreter is not visible to it",
        "check the argv in swarm.toml, and the interpreter in the program's first line",
    ),
    (
        r"(?i)traceback|panicked at|unhandled|segmentation fault",
        "it crashed",
        "run its argv by hand in the worktree to see the same",
    ),
)
_QUICK_MS: Final = 100
_EARLY_MS: Final = 2000
# How a start in a sandbox reports that the kernel did not start the program.
_NOT_STARTED: Final = re.compile(r"(?m)^(?:bwrap: execvp )?(/[^\n]*?): No such file or directory\s*$")
CANNOT_START: Final = 126


class Facts(NamedTuple):
    """Facts of an attempt; the fragment is its last words."""

    exit_class: int | None
    code: str | None
    stall_reason: str | None
    fragment: str
    duration_ms: int


class Diagnosis(NamedTuple):
    """The likely cause of an end, and what to do."""

    cause: str
    remedy: str


CLASSES: Final = {
    None: "it has not ended",
    0: "it did its work",
    1: "nothing was spawned",
    2: "it was refused before it was spawned",
    3: "the program ran and failed",
    127: "the program is not there",
}


def diagnosis(facts: Facts) -> Diagnosis:
    """Return why an attempt ended as it did."""
    if facts.exit_class in {0, None}:
        return Diagnosis("nothing is wrong" if facts.exit_class == 0 else "it is at work", "nothing")
    if facts.stall_reason in _STALLS and facts.code not in {"CREDENTIAL_REFUSED", "QUOTA_EXHAUSTED"}:
        return Diagnosis(*_STALLS[StallReason(facts.stall_reason)])
    if facts.code in _CODES:
        return Diagnosis(*_CODES[facts.code])
    for pattern, cause, remedy in _FRAGMENTS:
        if re.search(pattern, facts.fragment):
            return Diagnosis(cause, remedy)
    return _by_duration(facts.duration_ms)


def _by_duration(duration_ms: int) -> Diagnosis:
    # No known words: the time that a program took still tells a broken start from broken work.
    if duration_ms < _QUICK_MS:
        return Diagnosis("it failed at its start", "look at stderr.log beside the record, and run its argv by hand")
    if duration_ms < _EARLY_MS:
        return Diagnosis("it was turned away early", "look at stderr.log beside the record")
    return Diagnosis("it had begun its work", "look at stdout.log and stderr.log beside the record")


def not_started(exit_code: int | None, fragment: str) -> str | None:
    """Return the program that a sandbox could not start, by its exit code and last words; `None` for another end."""
    found = _NOT_STARTED.search(fragment) if exit_code in {1, CANNOT_START, 127} else None
    is_of_sandbox = found is not None and (exit_code == CANNOT_START or found[0].startswith("bwrap: "))
    return found[1] if found and is_of_sandbox else None
