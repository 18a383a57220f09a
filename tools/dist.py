"""Build the sdist and the wheel of HEAD, prove that they can be published, and leave them in dist/.

Both are built twice, in folders with other names and other rights, and must be the same bytes. `twine check` reads
them. Then each installer (pip, pipx, uv) installs the wheel, and pip the sdist, into an environment of its own for each
supported Python that is found here. A short walk there must end as it should: version and commit, the findings of a
small repository, a page of the documentation, the manual page, and hints that name that installer. `--no-install`
leaves the environments out.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
BIN = Path(sys.executable).parent
EXTRA = "[analyzers]"
SOURCE = "import json\n\n\ndef load(path, seen=[]):\n    return seen\n"
MANUAL = "share/man/man1/swarm.1"


class Installed(NamedTuple):
    """An environment that swarm was installed into: its programs, its prefix, and the word of its hints."""

    swarm: Path
    prefix: Path
    hint: str


def run(*arguments: str | Path, exit_code: int = 0, cwd: Path = ROOT, **environment: str) -> str:
    """Run a program and return what it printed; end with its output where it exits with another code."""
    done = subprocess.run(
        [str(argument) for argument in arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != exit_code:
        words = " ".join(map(str, arguments))
        sys.exit(f"exit {done.returncode}, not {exit_code}: {words}\n{done.stdout}{done.stderr}")
    return done.stdout


def build(folder: Path, commit: str, umask: int) -> dict[str, str]:
    """Build HEAD in a folder of its own; return the digest of each distribution by its name."""
    tree = folder / "tree"
    tree.mkdir(parents=True)
    archive = folder / "head.tar"
    run("git", "archive", "--output", archive, commit)
    before = os.umask(umask)
    try:
        with tarfile.open(archive) as packed:
            packed.extractall(tree, filter="data")
        # Where a build of a checkout asks git, a build of an archive reads this file.
        (tree / "swarm" / "shipped").mkdir(exist_ok=True)
        (tree / "swarm" / "shipped" / "commit").write_text(f"{commit}\n", encoding="utf-8")
        when = run("git", "log", "-1", "--format=%ct", commit).strip()
        built = folder / "dist"
        run(sys.executable, "-m", "build", "--no-isolation", "--outdir", built, tree, SOURCE_DATE_EPOCH=when)
    finally:
        os.umask(before)
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(built.iterdir())}


def by_pip(python: str, folder: Path, what: str) -> Installed:
    """Install into a virtual environment by pip."""
    run(python, "-m", "venv", folder)
    run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", what)
    return Installed(folder / "bin" / "swarm", folder, "python -m pip install pyright")


def by_pipx(python: str, folder: Path, what: str) -> Installed:
    """Install by pipx, into a home of its own."""
    own = {"PIPX_HOME": f"{folder}/home", "PIPX_BIN_DIR": f"{folder}/bin", "PIPX_MAN_DIR": f"{folder}/man"}
    run(BIN / "pipx", "install", "--quiet", "--python", python, what, **own)
    return Installed(
        folder / "bin" / "swarm", folder / "home" / "venvs" / "swarm-control-plane", "pipx install pyright"
    )


def by_uv(python: str, folder: Path, what: str) -> Installed:
    """Install by `uv tool`, into a home of its own."""
    own = {"UV_TOOL_DIR": f"{folder}/tools", "UV_TOOL_BIN_DIR": f"{folder}/bin", "UV_PYTHON_DOWNLOADS": "never"}
    file, _, extra = what.partition("[")
    named = f"swarm-control-plane[{extra} @ {Path(file).as_uri()}"
    run(BIN / "uv", "tool", "install", "--quiet", "--python", python, named, **own)
    return Installed(folder / "bin" / "swarm", folder / "tools" / "swarm-control-plane", "uv tool install pyright")


INSTALLERS: Mapping[str, Callable[[str, Path, str], Installed]] = {"pip": by_pip, "pipx": by_pipx, "uv": by_uv}


def walk(installed: Installed, folder: Path, commit: str) -> None:
    """Use an installed swarm as a new user would; end where an answer is not as it should be."""
    home = folder / "home"
    repository = folder / "repository"
    repository.mkdir(parents=True)
    home.mkdir()
    own = {"HOME": str(home), "PATH": f"{installed.swarm.parent}{os.pathsep}{os.environ['PATH']}"}
    (repository / "app.py").write_text(SOURCE, encoding="utf-8")
    run("git", "init", "-q", cwd=repository)
    run("git", "add", "-A", cwd=repository)
    run("git", "-c", "user.name=a", "-c", "user.email=a@b.invalid", "commit", "-qm", "start", cwd=repository)

    def swarm(*words: str, exit_code: int = 0) -> str:
        return run(installed.swarm, *words, exit_code=exit_code, cwd=repository, **own)

    version = swarm("--version").strip()
    findings = json.loads(swarm("audit", ".", "--format", "json", exit_code=1))["data"]["digest"]["findings"]
    manual = installed.prefix / MANUAL
    answers = {
        "version": version.endswith(f"(commit {commit[:12]})"),
        "findings": [finding["ruleId"] for finding in findings] == ["B006", "F401"],
        "explain": swarm("explain", "CLI_USAGE").startswith("CLI_USAGE"),
        "help": swarm("help", "ci").startswith("# "),
        "manual page": manual.is_file() and manual.read_text(encoding="utf-8").startswith('.\\" Made'),
        "hints": installed.hint in swarm("runtimes"),
    }
    if wrong := [name for name, is_right in answers.items() if not is_right]:
        sys.exit(f"{installed.swarm} answers wrongly: {', '.join(wrong)}\n{version}\n{swarm('runtimes')}")


def pythons() -> dict[str, str]:
    """Return the path of each supported Python that is found on PATH or under pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    found = {}
    for version in PYTHONS:
        named = [shutil.which(f"python{version}"), *map(str, pyenv.glob(f"{version}.*/bin/python"))]
        for python in filter(None, named):
            asked = subprocess.run(
                [python, "-c", "import ensurepip, sys; print(sys.executable)"],
                capture_output=True,
                text=True,
                check=False,
            )
            if asked.returncode == 0:
                found[version] = asked.stdout.strip()
                break
    return found


def install_everywhere(wheel: Path, sdist: Path, commit: str, folder: Path) -> None:
    """Install the distributions by each installer for each Python, and walk there."""
    here = pythons()
    for version in PYTHONS:
        if version not in here:
            print(f"Python {version}: not found here, not tried")
    jobs = [(version, name, wheel) for version in here for name in INSTALLERS]
    for version, name, file in (*jobs, (min(here), "pip", sdist)):
        began = time.monotonic()
        place = folder / f"{version}-{name}-{file.suffix[1:]}"
        installed = INSTALLERS[name](here[version], place / "installed", f"{file}{EXTRA}")
        walk(installed, place / "walk", commit)
        print(f"Python {version}, {name}, {file.suffix[1:]}: installed and walked in {time.monotonic() - began:.0f} s")
        shutil.rmtree(place)


def main() -> None:
    """Build, compare, check, install; leave the distributions and their digests in dist/."""
    options = sys.argv[1:]
    if options not in ([], ["--no-install"]):
        sys.exit("usage: dist.py [--no-install]")
    commit = run("git", "rev-parse", "HEAD").strip()
    if run("git", "status", "--porcelain"):
        print(f"Built from {commit[:12]}; changed files of this checkout are not in it.")
    target = ROOT / "dist"
    with tempfile.TemporaryDirectory() as scratch:
        first, second = Path(scratch, "a"), Path(scratch, "another", "folder")
        digests = build(first, commit, 0o022)
        if digests != build(second, commit, 0o077):
            sys.exit("two builds of the same commit differ")
        print("Two builds are the same bytes:")
        # Other files there, such as a bill of materials, are not of this build.
        for old in target.glob("swarm_control_plane-*"):
            old.unlink()
        shutil.copytree(first / "dist", target, dirs_exist_ok=True)
        sums = "".join(f"{digest}  {name}\n" for name, digest in digests.items())
        (target / "SHA256SUMS").write_text(sums, encoding="utf-8")
        print(sums, end="")
        wheel, sdist = next(target.glob("*.whl")), next(target.glob("*.tar.gz"))
        print(run(BIN / "twine", "check", "--strict", wheel, sdist).strip())
        if not options:
            install_everywhere(wheel, sdist, commit, Path(scratch, "installed"))


if __name__ == "__main__":
    main()
