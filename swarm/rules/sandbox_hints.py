"""Hints on a step that failed for want of what its sandbox hides, with the setting that opens it.

A hint names what the policy really closes and the machine really has: everything else that a step prints is its own
matter.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from swarm.rules.sandbox_policy import Network, Policy, Right, is_below

_MOST_LINES: Final = 400
_LONGEST_LINE: Final = 1000
# The words of the C library, of node, of Go, and of package managers without a network.
_NO_NETWORK: Final = re.compile(
    r"""Network[ ]is[ ]unreachable | ENETUNREACH | EAI_AGAIN | getaddrinfo[ ]ENOTFOUND | ENOTCACHED
      | [Tt]emporary[ ]failure[ ]in[ ]name[ ]resolution | Name[ ]or[ ]service[ ]not[ ]known
      | [Cc]ould[ ]not[ ]resolve[ ]host | dial[ ]tcp:[ ]lookup[ ] | disabled[ ]by[ ]GOPROXY=off
      | you're[ ]using[ ]offline[ ]mode | the[ ]network[ ]was[ ]disabled | \(from[ ]versions:[ ]none\)""",
    re.VERBOSE,
)
_REFUSED: Final = re.compile(r"[Cc]onnection refused|ECONNREFUSED")
_PORT: Final = re.compile(r"(?:127\.0\.0\.1|localhost|\[?::1\]?)\"?[:,]? ?(?:\([^)]*\), )?(?:port )?(\d{2,5})\b")
_NO_LOOPBACK: Final = re.compile(r"\b(?:listen|connect|bind) E(?:ACCES|PERM)\b")
_READ_ONLY: Final = re.compile(r"[Rr]ead-only file system|EROFS")
_DENIED: Final = re.compile(r"[Pp]ermission denied|EACCES|Operation not permitted|EPERM")
_MISSING: Final = re.compile(
    r"[Nn]o such file or directory|ENOENT|does not exist|not found|FileNotFound|[Cc]an(?:no|')t open"
)
_PATH: Final = re.compile(r"""(?<![\w.:/~-])(~?/[^\s'"`:;,()<>|\[\]]+)""")
_NO_AUTHOR: Final = re.compile(r"Please tell me who you are|Author identity unknown|empty ident name")
_OF_GIT: Final = (".gitconfig", ".config/git/config")


class Held(NamedTuple):
    """The sandbox of a step: its policy and backend, the tree under proof, and the home that the sandbox hides."""

    policy: Policy
    backend: str
    tree: str
    home: str


class Outside(NamedTuple):
    """Facts outside of the sandbox: whether a path exists there, and whether a program listens on a port."""

    has: Callable[[str], bool]
    listens: Callable[[int], bool]


def hint_on(output: str, held: Held, outside: Outside) -> str | None:
    """Return what the sandbox hid from a step that failed, and the setting that opens it; `None` without a sign."""
    lines = [line[:_LONGEST_LINE] for line in output.splitlines()[-_MOST_LINES:]]
    return next((hint for line in reversed(lines) for hint in _hints(line, held, outside)), None)


def _hints(line: str, held: Held, outside: Outside) -> Iterator[str]:
    yield from _of_network(line, held, outside)
    is_read_only, is_denied = _READ_ONLY.search(line), _DENIED.search(line)
    if is_read_only or is_denied or _MISSING.search(line):
        for path in _paths(line, held):
            right = held.policy.right_to(path)
            if right in {Right.HIDDEN, Right.PRIVATE} and outside.has(path):
                yield f'the sandbox hides {path}: `[verify] readable = ["{_short(path, held)}"]` shows it'
            elif right is Right.READABLE and (is_read_only or (is_denied and held.backend == "landlock")):
                folder = path.rpartition("/")[0]
                setting = f'`[verify] writable = ["{_short(folder, held)}"]`'
                yield f"{path} is read-only in the sandbox: {setting} opens its folder"
    if _NO_AUTHOR.search(line):
        settings = [name for name in _OF_GIT if outside.has(f"{held.home}/{name}")]
        yield from (f'the sandbox hides ~/{name}: `[verify] readable = ["~/{name}"]` shows it' for name in settings)


def _of_network(line: str, held: Held, outside: Outside) -> Iterator[str]:
    if held.policy.network is Network.ALLOWED:
        return
    if _NO_NETWORK.search(line):
        yield "the sandbox has no network: `[verify] network = true` opens it"
    elif held.backend == "landlock" and _NO_LOOPBACK.search(line):
        yield "Landlock leaves no loopback: install bubblewrap, or open the network by `[verify] network = true`"
    elif _REFUSED.search(line) and (found := _PORT.search(line)) and outside.listens(int(found[1])):
        yield (
            f"port {found[1]} of this machine is outside of the sandbox, whose loopback is its own: "
            "`[verify] network = true` reaches it"
        )


def _paths(line: str, held: Held) -> Iterator[str]:
    """Yield the paths of a line that a setting may open: not of the tree, of a git folder, or of swarm's own files."""
    for found in _PATH.findall(line):
        path = held.home + found[1:] if found.startswith("~") else found
        path = path.rstrip("/.")
        # To open the whole of home or of `/tmp` is no remedy.
        is_closed = path in held.policy.places or any(
            is_below(path, closed) for closed in (held.tree, *held.policy.closed)
        )
        if path and not is_closed and "/.git/" not in f"{path}/":
            yield path


def _short(path: str, held: Held) -> str:
    return f"~{path[len(held.home) :]}" if is_below(path, held.home) and held.home != "/" else path
