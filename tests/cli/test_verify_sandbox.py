"""The sandbox of builds: what the steps and the set-up of `verify` and `merge` reach, and what is recorded of it."""

import json
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.cli.scenes.merge_team import Team
from tests.conftest import Answer, Repo, Swarm
from tests.sweeping import swept

TRIES = """
import ctypes, fcntl, json, os, pathlib, socket, subprocess, sys, termios
def tried(act):
    try:
        return act() or "done"
    except (OSError, subprocess.CalledProcessError) as error:
        return type(error).__name__
def text(path):
    return lambda: pathlib.Path(path).read_text()
def put(path):
    return lambda: pathlib.Path(path).write_text("x") and None
def connects(port):
    return lambda: socket.create_connection(("127.0.0.1", port), 5).close()
def traced(pid):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, pid, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
def git_folder():
    return pathlib.Path(".git").read_text().partition(": ")[2].strip()
"""
Prove = Callable[..., Answer]


def toml(script: str, more: str = "") -> str:
    argv = json.dumps([sys.executable, "-c", script])
    return f'[verify]\n{more}\n[[verify.steps]]\nname = "check"\nkind = "test"\nargv = {argv}\n'


@pytest.fixture
def prove(swarm: Swarm, repo: Repo) -> Prove:
    """`prove({name: act}, …)`: run a step that tries some acts; `tries_of` reads how each ended."""

    def call(acts: Mapping[str, str], more: str = "", exit: int = 0) -> Answer:  # noqa: A002
        listed = ", ".join(f"{name!r}: tried({act})" for name, act in acts.items())
        script = f"{TRIES}\nprint(json.dumps({{{listed}}}))\nprint('1 passed in 0.1s')"
        repo.commit({"swarm.toml": toml(script, more), ".gitignore": "swarms/\n.venv/\n"})
        swarm("init", ".")
        return swarm("verify", "--format", "json", exit=exit)

    return call


def tries_of(answer: Answer) -> dict[str, str]:
    log = Path(answer.data["steps"][-1]["log"]) / "stdout.log"
    found: dict[str, str] = json.loads(log.read_text().splitlines()[0])
    return found


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_step_reaches_its_tree_and_neither_home_nor_the_control_plane(
    prove: Prove, repo: Repo, backend: str, listener: int
) -> None:
    secret = Path.home() / ".ssh" / "id"
    secret.parent.mkdir()
    secret.write_text("secret")
    answer = prove(
        {
            "own tree": "put('note')",
            "own home": "put(pathlib.Path.home() / 'note')",
            "checkout": f"text({str(repo.root / 'README.md')!r})",
            "git": "lambda: subprocess.run(['git', 'log', '-1'], check=True, capture_output=True) and None",
            "secret of home": f"text({str(secret)!r})",
            "control plane": f"text({str(repo.root / 'swarms/control-plane.db')!r})",
            "checkout's file": f"put({str(repo.root / 'README.md')!r})",
            "hook": f"put({str(repo.root / '.git/hooks/post-checkout')!r})",
            "network": f"connects({listener})",
        }
    )
    found = tries_of(answer)
    allowed = [found.pop(name) for name in ("own tree", "own home", "checkout", "git")]
    assert allowed == ["done", "done", "# A project\n", "done"]
    assert {name for name, end in found.items() if not end.endswith("Error")} == set()
    assert not (Path.home() / "note").exists()


def test_the_sandbox_is_in_the_document_the_text_the_row_and_both_receipts(
    amended: Team, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged = amended.swarm("merge", "--format", "json").data["gate"]["isolation"]
    answer = amended.swarm("verify", "--format", "json")
    policy = answer.data["isolation"]["policy"]
    assert answer.data["isolation"] == merged == {"backend": backend, "reason": None, "policy": policy}
    assert f"Sandbox: {backend}, policy {policy}" in amended.swarm("verify").out.splitlines()
    rows = amended.rows("SELECT isolation, isolation_reason, policy FROM verifications")
    assert rows == [(backend, None, policy)] * 3
    receipt = json.loads((amended.place.folder / amended.run / "proofs" / "verification-2.json").read_text())
    assert receipt["isolation"] == answer.data["isolation"]
    kept = amended.swarm("receipt", "--format", "json").data["verifications"]
    assert [made["isolation"] for made in kept] == [backend] * 3
    assert f" {backend} | 0 |" in amended.swarm("receipt").out


def test_the_home_of_a_build_is_empty_and_lasts_from_its_set_up_to_its_steps(
    prove: Prove, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (Path.home() / ".npmrc").write_text("token")
    write = "import pathlib; h = pathlib.Path.home(); (h / 'made').write_text(str(sorted(h.iterdir())))"
    setup = f"setup = {json.dumps([[sys.executable, '-c', write]])}"
    assert tries_of(prove({"made": "text(pathlib.Path.home() / 'made')"}, setup)) == {"made": "[]"}
    assert not (Path.home() / "made").exists()


def test_an_environment_in_the_scratch_tree_is_made_and_used(
    prove: Prove, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    setup = f'setup = [["{sys.executable}", "-m", "venv", "--without-pip", ".venv"]]'
    act = "lambda: subprocess.check_output(['python', '-c', 'import sys; print(sys.prefix)'], text=True)"
    (prefix,) = tries_of(prove({"prefix": act}, setup)).values()
    assert "/worktrees/proof-" in prefix
    assert prefix.endswith("/.venv\n")


CACHES = {
    "PIP_CACHE_DIR": ".cache/pip/http/wheel",
    "npm_config_cache": ".npm/_cacache/index-v5/entry",
    "CARGO_HOME": ".cargo/registry/cache/crate",
    "GOMODCACHE": "go/pkg/mod/module",
}


def test_cached_packages_are_read_and_found_by_their_variables(prove: Prove, backend: str) -> None:
    for place in (*CACHES.values(), ".cargo/credentials.toml", ".cache/other/file"):
        file = Path.home() / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("kept")
    real = str(Path.home())
    acts = {name: f"text({real!r} + '/{place}')" for name, place in CACHES.items()}
    closed = {name: f"text({real!r} + '/{name}')" for name in (".cargo/credentials.toml", ".cache/other/file")}
    places = {f"{name}=": f"lambda: os.environ.get({name!r})" for name in CACHES}
    found = tries_of(prove({**acts, **closed, **places}))
    assert {name: found.pop(name) for name in CACHES} == dict.fromkeys(CACHES, "kept")
    assert {found.pop(name) for name in closed} <= {"FileNotFoundError", "PermissionError"}
    homes = {".cache/pip", ".npm", ".cargo", "go/pkg/mod"}
    assert set(found.values()) == {f"{real}/{place}" for place in homes}


def test_an_open_network_gives_tools_caches_of_their_own_that_they_can_fill(
    prove: Prove, backend: str, listener: int
) -> None:
    crate = Path.home() / CACHES["CARGO_HOME"]
    crate.parent.mkdir(parents=True)
    crate.write_text("kept")
    acts = {
        "network": f"connects({listener})",
        "cargo": "lambda: os.environ.get('CARGO_HOME', 'its default')",
        "fill": "lambda: (pathlib.Path.home() / '.cargo/registry').mkdir(parents=True)",
    }
    ends = {"network": "done", "cargo": "its default", "fill": "done"}
    assert tries_of(prove(acts, "network = true")) == ends


def test_places_that_the_settings_name_are_open(prove: Prove, backend: str, tmp_path: Path) -> None:
    for name in ("data", "work"):
        (Path.home() / name).mkdir()
    (Path.home() / "data" / "set").write_text("numbers")
    real = str(Path.home())
    acts = {"data": f"text('{real}/data/set')", "work": f"put('{real}/work/made')"}
    settings = 'readable = ["~/data"]\nwritable = ["~/work"]'
    assert tries_of(prove(acts, settings)) == {"data": "numbers", "work": "done"}
    assert (Path.home() / "work" / "made").read_text() == "x"


def test_without_a_backend_the_default_policy_runs_bare_and_says_so_once(
    prove: Prove, swarm: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SWARM_SANDBOX")
    isolation = prove({"home": "put(pathlib.Path.home() / 'seen')"}).data["isolation"]
    why = "no sandbox works here (bwrap: not in this test; landlock: not in this test)"
    assert (isolation["backend"], isolation["reason"]) == ("none", why)
    assert (Path.home() / "seen").exists()
    assert swarm("verify").out.splitlines().count(f"⚠ Sandbox: none ({why})") == 1


def test_a_demanded_policy_that_nothing_holds_is_refused_before_a_tree_is_made(
    prove: Prove, swarm: Swarm, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = prove({}, "network = false", exit=2)
    assert answer.code == "ISOLATION_UNAVAILABLE"
    assert repo.git("worktree", "list").count("\n") == 0
    repo.write({"swarm.toml": f'[sandbox]\nbackend = "none"\nreason = "a container"\n{toml("print(1)")}'})
    isolation = swarm("verify", "--format", "json", exit=1).data["isolation"]
    assert (isolation["backend"], isolation["reason"]) == ("none", "a container")


def test_the_callers_word_turns_the_sandbox_of_a_build_off(
    prove: Prove, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWARM_SANDBOX", "none")
    isolation = prove({}).data["isolation"]
    assert (isolation["backend"], isolation["reason"]) == (
        "none",
        "SWARM_SANDBOX=none is in the environment of the caller",
    )


@pytest.mark.parametrize("forged", swept(["os.mkdir(r)", "os.symlink('/etc/passwd', r)", "os.mkfifo(r)"]))
def test_a_step_that_replaces_the_record_of_its_imports_fails(prove: Prove, forged: str) -> None:
    act = f"lambda: (r := os.environ['PYTHONPATH'].split(':')[0] + '/imported') and {forged}"
    answer = prove({"replace": act}, exit=1)
    assert answer.data["steps"][0]["status"] == "failed"
    assert "(the record of imports was replaced)" in answer.data["note"]


def test_a_step_that_misses_what_is_hidden_shows_the_setting_that_opens_it(
    swarm: Swarm, repo: Repo, backend: str
) -> None:
    (Path.home() / ".netrc").write_text("machine")
    swarm("init", ".")
    repo.write({"swarm.toml": toml(f"open({str(Path.home() / '.netrc')!r})")})
    data = swarm("verify", "--format", "json", exit=1).data
    hint = f'the sandbox hides {Path.home()}/.netrc: `[verify] readable = ["~/.netrc"]` shows it'
    assert data["steps"][0]["hint"] == hint
    shown = Path.home() / ".local" / "lib" / "seen"
    shown.parent.mkdir(parents=True)
    shown.write_text("a toolchain's file")
    repo.write({"swarm.toml": toml(f"import sys; open({str(shown)!r}); sys.exit('not found: {shown}')")})
    assert swarm("verify", "--format", "json", exit=1).data["steps"][0]["hint"] is None
    repo.write({"swarm.toml": toml(f"open({str(Path.home() / '.netrc')!r})")})
    assert f"    {hint}" in swarm("verify", exit=1).out.splitlines()


ESCAPES = {
    "a file of the kernel for the machine": "lambda: os.open('/proc/sys/kernel/core_pattern', os.O_WRONLY) and None",
    "the device of a disk": "lambda: os.mknod('disk', 0o60600, os.makedev(254, 0))",
    "another root of the file system": "lambda: os.listdir('/proc/1/root' + os.environ['REAL_HOME'] + '/.ssh') and None",
    "the files that swarm has open": "lambda: os.readlink(f'/proc/{os.environ[\"SWARM_PID\"]}/fd/0') and None",
    "tracing of swarm": "lambda: traced(int(os.environ['SWARM_PID']))",
    "typing into the terminal": "lambda: fcntl.ioctl(os.open('/dev/tty', os.O_RDWR), termios.TIOCSTI, b'x') and None",
    "the record of its worktree": "put(git_folder() + '/HEAD')",
    "the hooks of git": "put(git_folder() + '/../../hooks/post-checkout')",
    "a mount": "lambda: subprocess.run(['mount', '-t', 'tmpfs', 'none', '/mnt'], check=True, capture_output=True) and None",
}
# Landlock holds these two on Linux 6.12 and newer alone.
OF_NAMESPACES = {
    "a signal to swarm": "lambda: os.kill(int(os.environ['SWARM_PID']), 0)",
    "an abstract socket": "lambda: socket.socket(socket.AF_UNIX).connect(chr(0) + os.environ['SOCKET_NAME'])",
}
# The folder is listed by a file of its own.
OPEN = "lambda: str(sorted(name for name in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{name}')))"
RIGHTS = "lambda: pathlib.Path('/proc/self/status').read_text().partition('NoNewPrivs:')[2].split()[0]"


def test_known_ways_out_of_a_sandbox_are_closed(
    prove: Prove, backend: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name = f"swarm-test-{tmp_path}"
    for variable, value in {"SWARM_PID": os.getpid(), "REAL_HOME": Path.home(), "SOCKET_NAME": name}.items():
        monkeypatch.setenv(variable, str(value))
    (Path.home() / ".ssh").mkdir()
    (Path.home() / ".ssh" / "id").write_text("secret")
    acts = ESCAPES | (OF_NAMESPACES if backend == "bwrap" else {})
    named = 'environment = ["SWARM_PID", "REAL_HOME", "SOCKET_NAME"]'
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"\0{name}")
        listening.listen()
        ends = tries_of(prove({**acts, "own files": OPEN, "new rights": RIGHTS}, named))
    assert (ends.pop("own files"), ends.pop("new rights")) == ("['0', '1', '2']", "1")
    assert {act for act, end in ends.items() if end == "done"} == set()


def test_code_that_is_installed_from_elsewhere_in_home_is_shown(
    prove: Prove, repo: Repo, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    library, package, other = (Path.home() / name for name in ("library", "package", "other"))
    for place in (library, package, other):
        place.mkdir()
        (place / "code").write_text("kept")
    environment = repo.root / ".venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to(sys.executable)
    record = environment / "lib/python3/site-packages/library-1.dist-info/direct_url.json"
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({"url": library.as_uri(), "dir_info": {"editable": True}}))
    for name, target in {"@mine/package": package, "brought": other}.items():
        link = repo.root / "node_modules" / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)
    repo.write({".gitignore": "swarms/\n.venv/\n"})
    repo.git("add", "node_modules/brought")
    repo.git("commit", "-qm", "a link to somebody's home")
    repo.write({".git/info/exclude": "node_modules/@mine\n"})
    acts = {place.name: f"text({str(place / 'code')!r})" for place in (library, package, other)}
    ends = tries_of(prove(acts))
    assert (ends["library"], ends["package"]) == ("kept", "kept")
    assert ends["other"] in {"FileNotFoundError", "PermissionError"}
