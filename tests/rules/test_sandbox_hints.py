"""Hints on failed steps: what the sandbox hid, only where the output names a thing that it really hid."""

import pytest

from swarm.rules.sandbox_hints import Held, Outside, hint_on
from swarm.rules.sandbox_policy import Network, Policy, Right

PLACES = {
    "/home/me": Right.PRIVATE,
    "/tmp": Right.PRIVATE,
    "/run": Right.HIDDEN,
    "/src/repo": Right.READABLE,
    "/src/repo/swarms": Right.HIDDEN,
    "/src/repo/swarms/tree": Right.WRITABLE,
}
POLICY = Policy(PLACES, closed=("/src/repo/swarms",))
THERE = {"/home/me/.netrc", "/home/me/.gitconfig", "/run/docker.sock", "/home/me", "/src/repo/swarms/control-plane.db"}
OUTSIDE = Outside(THERE.__contains__, {5432}.__contains__)
NETWORK = "the sandbox has no network: `[verify] network = true` opens it"


def hint(output: str, policy: Policy = POLICY, backend: str = "bwrap") -> str | None:
    return hint_on(output, Held(policy, backend, "/src/repo/swarms/tree", "/home/me"), OUTSIDE)


@pytest.mark.parametrize(
    "line",
    [
        "OSError: [Errno 101] Network is unreachable",
        "socket.gaierror: [Errno -3] Temporary failure in name resolution",
        "npm error code ENOTCACHED",
        "getaddrinfo EAI_AGAIN registry.example.org",
        "curl: (6) Could not resolve host: example.com",
        "dial tcp: lookup proxy.golang.org: server misbehaving",
        "go: module example.com/x: module lookup disabled by GOPROXY=off",
        "ERROR: Could not find a version that satisfies the requirement left (from versions: none)",
        "As a reminder, you're using offline mode (--offline)",
        "hint: Packages were unavailable because the network was disabled.",
    ],
)
def test_a_missing_network_names_its_setting(line: str) -> None:
    assert hint(f"{line}\nFAILED tests/test_a.py::test_a\n") == NETWORK
    assert hint(line, POLICY._replace(network=Network.ALLOWED)) is None


def test_a_refused_port_is_named_where_a_program_of_the_machine_listens_on_it() -> None:
    reached = (
        "port 5432 of this machine is outside of the sandbox, whose loopback is its own: "
        "`[verify] network = true` reaches it"
    )
    assert hint('connection to server at "localhost" (127.0.0.1), port 5432 failed: Connection refused') == reached
    assert hint("Error: connect ECONNREFUSED 127.0.0.1:5432") == reached
    assert hint("Error: connect ECONNREFUSED 127.0.0.1:5433") is None
    assert hint("ConnectionRefusedError: [Errno 111] Connection refused") is None


def test_a_hidden_file_that_is_there_names_its_setting() -> None:
    shown = 'the sandbox hides {0}: `[verify] readable = ["{1}"]` shows it'
    netrc = shown.format("/home/me/.netrc", "~/.netrc")
    assert hint("FileNotFoundError: [Errno 2] No such file or directory: '/home/me/.netrc'") == netrc
    assert hint("cat: ~/.netrc: No such file or directory") == netrc
    socket = shown.format("/run/docker.sock", "/run/docker.sock")
    assert hint("connect ENOENT /run/docker.sock") == socket
    author = hint("*** Please tell me who you are.\n\nRun\n\n  git config --global user.email")
    assert author == 'the sandbox hides ~/.gitconfig: `[verify] readable = ["~/.gitconfig"]` shows it'


@pytest.mark.parametrize(
    "line",
    [
        "FileNotFoundError: No such file or directory: '/home/me/.npmrc'",
        "FileNotFoundError: No such file or directory: '/src/repo/swarms/tree/data.csv'",
        "FileNotFoundError: No such file or directory: 'data.csv'",
        "FileNotFoundError: No such file or directory: '/home/me'",
        "PermissionError: Permission denied: '/src/repo/swarms/control-plane.db'",
        "error: could not lock config file /src/repo/.git/config: Read-only file system",
        "PermissionError: [Errno 13] Permission denied: '/etc/shadow'",
        "https://example.com/home/me/.netrc not found",
        "the file /home/me/.netrc is fine",
        "AssertionError: 1 != 2",
        "",
    ],
)
def test_what_the_sandbox_did_not_hide_or_no_setting_opens_has_no_hint(line: str) -> None:
    assert hint(line) is None


def test_a_read_only_place_names_its_folder() -> None:
    opened = '/usr/lib/cache/x is read-only in the sandbox: `[verify] writable = ["/usr/lib/cache"]` opens its folder'
    assert hint("OSError: [Errno 30] Read-only file system: '/usr/lib/cache/x'") == opened
    denied = "PermissionError: [Errno 13] Permission denied: '/usr/lib/cache/x'"
    assert (hint(denied), hint(denied, backend="landlock")) == (None, opened)


def test_landlock_leaves_no_loopback() -> None:
    line = "Error: listen EPERM: operation not permitted 127.0.0.1"
    assert (hint(line), hint(line, backend="landlock")) == (
        None,
        "Landlock leaves no loopback: install bubblewrap, or open the network by `[verify] network = true`",
    )


def test_the_last_sign_counts_and_a_long_output_is_read_in_linear_time() -> None:
    both = "Network is unreachable\nNo such file or directory: '/home/me/.netrc'"
    assert (hint(both) or "").startswith("the sandbox hides")
    assert hint("/" * 100_000 + " not found\n" + "~/" * 50_000 + "ENOENT") is None
