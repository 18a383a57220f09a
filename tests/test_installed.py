"""How swarm was installed: the commit of a checkout or a wheel, and the command that fits the installer."""

import sys
from pathlib import Path

import pytest

from swarm import __version__, installed
from tests.conftest import Repo


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The root of a checkout of swarm, which runs from there."""
    root = tmp_path / "check out"
    (root / "swarm" / "shipped").mkdir(parents=True)
    (root / "pyproject.toml").touch()
    runs_from(root, monkeypatch)
    return root


def runs_from(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "_PACKAGE", root / "swarm")
    monkeypatch.setattr(installed, "_COMMIT", root / "swarm" / "shipped" / "commit")


def test_the_commit_of_a_checkout_is_that_of_its_head_wherever_git_keeps_it(
    place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert installed.version_line() == f"swarm {__version__}"
    here = Repo(place)
    here.git("init", "-q", "-b", "main")
    head = here.commit({"a": "1"})
    assert installed.commit() == head[:12]
    here.git("pack-refs", "--all")
    assert installed.commit() == head[:12]
    here.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "topic/one")
    linked = Repo(tmp_path / "linked")
    later = linked.commit({"b": "1"})
    runs_from(linked.root, monkeypatch)
    assert installed.commit() == later[:12]
    linked.git("switch", "-q", "--detach", head)
    assert installed.version_line() == f"swarm {__version__} (commit {head[:12]})"


def test_the_commit_of_a_wheel_is_that_of_its_build(place: Path) -> None:
    for written, read in (("ab" * 20 + "\n", "ab" * 6), ("ab" * 20 + " edited\n", "ab" * 6 + " edited"), ("", None)):
        (place / "swarm" / "shipped" / "commit").write_text(written)
        assert installed.commit() == read
    assert installed.checkout() is None


def hints(monkeypatch: pytest.MonkeyPatch, prefix: Path) -> tuple[str, str]:
    monkeypatch.setattr(sys, "prefix", str(prefix))
    monkeypatch.setattr(sys, "executable", str(prefix / "bin" / "python"))
    installed.install_command.cache_clear()
    try:
        return installed.install_command("[analyzers]"), installed.install_command("bandit[toml]")
    finally:
        installed.install_command.cache_clear()


def test_the_command_that_installs_is_that_of_the_installer(
    place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    prefix = tmp_path / "prefix"
    (prefix / "bin").mkdir(parents=True)
    python = prefix / "bin" / "python"
    editable = f"--editable '{place}[analyzers]'"
    other = (f"{python} -m pip install {editable}", f"{python} -m pip install 'bandit[toml]'")
    assert hints(monkeypatch, prefix) == other
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    monkeypatch.setenv("PATH", f"{prefix}/bin")
    assert hints(monkeypatch, prefix) == (f"python -m pip install {editable}", "python -m pip install 'bandit[toml]'")
    (prefix / "pyvenv.cfg").write_text("home = /usr/bin\nuv = 0.8.0\n")
    by_uv = f"uv pip install --python {python}"
    assert hints(monkeypatch, prefix) == (f"{by_uv} {editable}", f"{by_uv} 'bandit[toml]'")
    (place / "swarm" / "shipped" / "commit").write_text("ab" * 20)
    own = "'swarm-control-plane[analyzers]'"
    assert hints(monkeypatch, prefix) == (f"{by_uv} {own}", f"{by_uv} 'bandit[toml]'")
    (prefix / "pipx_metadata.json").touch()
    assert hints(monkeypatch, prefix) == (f"pipx inject swarm-control-plane {own}", "pipx install 'bandit[toml]'")
    (prefix / "uv-receipt.toml").touch()
    assert hints(monkeypatch, prefix) == (f"uv tool install {own}", "uv tool install 'bandit[toml]'")
    # As uv 0.13 writes it. Its next install replaces the environment, so the hint names what is there too.
    for place_of_it, wanted in (
        ('directory = "/a b"', "'/a b[analyzers,mcp,signing]'"),
        ('editable = "/a b"', "--editable '/a b[analyzers,mcp,signing]'"),
        ('path = "/a b/x.whl"', "'swarm-control-plane[analyzers,mcp,signing] @ file:///a%20b/x.whl'"),
        ('url = "https://a/x.whl"', "'swarm-control-plane[analyzers,mcp,signing] @ https://a/x.whl'"),
        ('git = "file:///a?rev=main"', "'swarm-control-plane[analyzers,mcp,signing] @ git+file:///a@main'"),
        ('specifier = ">=0.1"', "'swarm-control-plane[analyzers,mcp,signing]>=0.1'"),
    ):
        own = f'name = "swarm-control-plane", extras = ["mcp", "signing"], {place_of_it}'
        (prefix / "uv-receipt.toml").write_text(f"[tool]\nrequirements = [{{ {own} }}]\n")
        assert hints(monkeypatch, prefix)[0] == f"uv tool install {wanted}"


def test_no_hint_names_an_installer_by_itself() -> None:
    package = Path(__file__).parent.parent / "swarm"
    # What a project's own build lacks is installed as the project installs it.
    of_projects = {"builds/missing_parts.py", "show/build.py"}
    files = [file for kind in ("*.py", "*.toml") for file in package.rglob(kind)]
    naming = {file.relative_to(package).as_posix() for file in files if "pip install" in file.read_text("utf-8")}
    assert naming - of_projects == {"installed.py"}
