"""The wheel works anywhere: built here, installed into a clean environment, run from an unrelated folder."""

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.conftest import Repo

ROOT = Path(__file__).parent.parent


def run(*arguments: str | Path, cwd: Path, exit: int = 0) -> str:  # noqa: A002
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), "SWARM_LOG": "off", "LANG": "C.UTF-8"}
    done = subprocess.run(
        [str(argument) for argument in arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == exit, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return next(folder.glob("*.whl"))


def test_migrations_schemas_and_prompts_are_inside(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    for folder, pattern in (("migrations", "*.py"), ("schemas", "*.json"), ("swarms/prompts", "*.md")):
        name = folder.rpartition("/")[2]
        wanted = {f"swarm/shipped/{name}/{file.name}" for file in (ROOT / folder).glob(pattern)}
        assert wanted
        assert wanted <= inside
    pages = {f"swarm/shipped/docs/{page.relative_to(ROOT / 'docs')}" for page in (ROOT / "docs").rglob("*.md")}
    assert len(pages) > 20
    assert pages <= inside
    assert any(name.endswith(".data/data/share/man/man1/swarm.1") for name in inside)
    assert {f"swarm/show/page/page.{kind}" for kind in ("html", "css", "js")} <= inside


def test_an_audit_runs_from_a_clean_environment_and_an_unrelated_folder(
    wheel: Path, tmp_path: Path, repo: Repo
) -> None:
    clean = tmp_path / "clean"
    run(sys.executable, "-m", "venv", "--without-pip", clean, cwd=tmp_path)
    # The dependencies, without this checkout, which the present environment holds as an editable install.
    here, there = Path(sysconfig.get_path("purelib")), tmp_path / "dependencies"
    there.mkdir()
    for entry in here.iterdir():
        if not entry.name.startswith(("swarm", "_swarm")) and entry.suffix != ".pth":
            (there / entry.name).symlink_to(entry)
    python = clean / "bin" / "python"
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    (packages / "dependencies.pth").write_text(f"{there}\n")
    (clean / "bin" / "ruff").symlink_to(Path(sys.executable).with_name("ruff"))
    run(
        sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps", "-q", wheel, cwd=tmp_path
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    found = run(clean / "bin" / "swarm", "audit", repo.root, "--format", "json", cwd=elsewhere, exit=1)
    assert json.loads(found)["ok"], found
    assert json.loads(found)["data"]["digest"]["total"] > 0
    assert (elsewhere / "swarms" / "control-plane.db").exists()
    assert repo.git("status", "--porcelain") == ""
    if (ROOT / ".git").exists():
        head = run("git", "rev-parse", "HEAD", cwd=ROOT).strip()
        assert f"(commit {head[:12]}" in run(clean / "bin" / "swarm", "--version", cwd=elsewhere)
    assert run(clean / "bin" / "swarm", "help", "ci", cwd=elsewhere) == (ROOT / "docs" / "ci.md").read_text()
    where = run(python, "-c", "import swarm; print(swarm.__file__)", cwd=elsewhere).strip()
    assert Path(where).is_relative_to(clean)


@pytest.mark.sweep
def test_the_action_puts_swarm_alone_on_the_path_of_later_steps(wheel: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", str(ROOT / "ci" / "github" / "install.sh")],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "RUNNER_TEMP": str(tmp_path),
            "GITHUB_PATH": str(tmp_path / "path"),
            "GITHUB_ACTION_PATH": str(ROOT),
            "SWARM_REQUIREMENT": str(wheel),
            # Offline: the dependencies are those of the present environment.
            "PIP_NO_INDEX": "1",
            "PIP_NO_DEPS": "1",
            "PYTHONPATH": sysconfig.get_path("purelib"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("swarm ")
    (added,) = (tmp_path / "path").read_text().splitlines()
    assert [file.name for file in Path(added).iterdir()] == ["swarm"]
