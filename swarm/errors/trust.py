"""Errors of what swarm trusts, and whose it is."""

from swarm.errors.catalogue import Severity, SwarmError


class ConfigUntrusted(SwarmError):
    code = "CONFIG_UNTRUSTED"
    severity = Severity.HIGH
    text = "{part} of {path} names a program, and this user has not trusted that file"
    advice = (
        "read the file, then trust it: `swarm trust {word}`; in a script or CI job: "
        "`SWARM_TRUST={digest}`, or `swarm --trust {digest} …`"
    )
    exit_code = 2
    when = "a runtime, build step or other executable part of a `swarm.toml` is asked for that nobody has trusted"
    path: str
    part: str
    digest: str
    word: str


class WaveFromElsewhere(SwarmError):
    code = "WAVE_FROM_ELSEWHERE"
    severity = Severity.HIGH
    text = "Wave {number} ({phase}) goes on only for who dispatched it, and this user did not on this machine"
    advice = (
        "look at it with `swarm status {run_id}`; `swarm trust --wave {run_id}` makes it yours (in a script: "
        "SWARM_TRUST=1); `swarm init --new` begins a run of your own and leaves it alone"
    )
    exit_code = 2
    when = (
        "a wave in flight, a failed wave or unmerged work came with a control plane, or was dispatched before its "
        "user's home or machine moved"
    )
    number: int
    phase: str
    run_id: str
    wave_id: int


class TrustRecordUnusable(SwarmError):
    code = "TRUST_RECORD_UNUSABLE"
    severity = Severity.HIGH
    text = "The record of trust {path} cannot be used: {problem}"
    advice = "{remedy}"
    exit_code = 2
    when = "a record of `swarm trust` is damaged, or would lie in the repository that it is about"
    path: str
    problem: str
    remedy: str


class OwnedByAnotherUser(SwarmError):
    code = "OWNED_BY_ANOTHER_USER"
    severity = Severity.HIGH
    text = "{path}, which is {what}, belongs to the user {owner}, who could run programs as you through it"
    advice = "to trust that user: `git config --global --add safe.directory {word}`; else work in a copy of your own"
    exit_code = 2
    when = "a repository, workspace, configuration or record of trust has another owner than the user who runs swarm"
    path: str
    owner: int
    what: str
    word: str


class LedOutside(SwarmError):
    code = "LED_OUTSIDE"
    severity = Severity.HIGH
    text = "{path} leads out of the repository, to {target}, where swarm would write; nothing was written"
    advice = (
        "if the link is not yours, remove it, or clone the repository in place of unpacking it; "
        "for a workspace of your own elsewhere, name it: `swarm --db PATH …`"
    )
    exit_code = 2
    when = "`.git`, a file or folder in it, or the folder `swarms` is a link to a place outside of the repository"
    path: str
    target: str
