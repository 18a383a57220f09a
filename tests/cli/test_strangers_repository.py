"""An archive with its own `.git`: whatever it plants, a first look runs nothing of it and writes nothing outside."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.scenes.looking_verbs import LOOKS as LOOKING
from tests.cli.scenes.snapshots import everything_in, nothing_changes
from tests.conftest import Repo, Swarm

LOOKS = (*LOOKING, ("doctor", "--fix"))
FIRST = (*LOOKS, ("audit", "."), ("audit", ".", "--since", "other"), *LOOKS, ("show", "1"), ("receipt",), ("clean",))


class Archive:
    """A repository of which each planted program leaves a mark when it runs."""

    def __init__(self, repo: Repo, folder: Path) -> None:
        self.repo = repo
        self.git_folder = repo.root / ".git"
        self.folder = folder
        self.folder.mkdir()
        self.marks = folder / "marks"
        self.marks.mkdir()

    def program(self, name: str, place: Path | None = None) -> str:
        """Write a program that leaves a mark, and passes its input on as a filter would."""
        file = place or self.folder / "programs" / name
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(f"#!/bin/sh\n: > {self.marks / name}\nexec /bin/cat\n")
        file.chmod(0o755)
        return str(file)

    @property
    def ran(self) -> list[str]:
        return sorted(file.name for file in self.marks.iterdir())


@pytest.fixture
def archive(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    monkeypatch.delenv("SWARM_TRUST")
    repo.git("branch", "other")
    return Archive(repo, tmp_path / "stranger")


# --- programs that git's settings name ---------------------------------------------------------------------

PROGRAMS = (
    *("core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.askPass", "core.gitProxy"),
    *("core.alternateRefsCommand", "sequence.editor", "interactive.diffFilter", "gc.recentObjectsHook"),
    *("diff.external", "diff.evil.command", "diff.evil.textconv", "merge.evil.driver"),
    *("filter.evil.clean", "filter.evil.smudge", "filter.proc.process"),
    *("gpg.program", "gpg.ssh.program", "gpg.x509.program", "gpg.ssh.defaultKeyCommand", "trailer.x.cmd"),
    *("uploadpack.packObjectsHook", "remote.origin.uploadpack", "remote.origin.receivepack", "remote.origin.vcs"),
    *("pager.log", "pager.status", "pager.diff", "tar.tar.command", "hook.x.command", "filter.a=b.clean"),
    *("trace2.eventTarget", "trace2.normalTarget"),
)
SWITCHES = {
    "filter.evil.required": "true",
    "commit.gpgSign": "true",
    "tag.gpgSign": "true",
    "log.showSignature": "true",
    "protocol.ext.allow": "always",
    "protocol.file.allow": "always",
    "extensions.worktreeConfig": "true",
    "core.repositoryformatversion": "1",
    "core.untrackedCache": "true",
    "core.useBuiltinFSMonitor": "true",
    "gc.auto": "1",
    "maintenance.auto": "true",
    "remote.origin.promisor": "true",
    "hook.x.event": "post-checkout",
}
ALIASES = ("status", "config", "log", "rev-parse", "ls-tree", "cat-file", "diff", "worktree", "for-each-ref")
HOOKS = ("pre-commit", "post-commit", "post-checkout", "post-index-change", "reference-transaction", "pre-auto-gc")


def planted(archive: Archive) -> None:
    """Plant every setting of git that names a program, at each place that git reads settings from."""
    repo = archive.repo
    attributes = "*.py filter=evil diff=evil merge=evil\n*.txt filter=proc\n"
    repo.commit({".gitattributes": attributes, "notes.txt": "text\n"}, "attributes")
    settings = {key: archive.program(key) for key in PROGRAMS} | SWITCHES
    settings |= {f"alias.{name}": f"!{archive.program(f'alias-{name}')}" for name in ALIASES}
    settings["credential.helper"] = f"!{archive.program('credential.helper')}"
    settings["submodule.src.update"] = f"!{archive.program('submodule.update')}"
    settings["remote.origin.url"] = f"ext::sh -c touch% {archive.marks / 'ext'}"
    settings[f"url.ext::sh -c touch% {archive.marks / 'instead'} .insteadOf"] = "https://"
    hooks = archive.folder / "hooks"
    settings["core.hooksPath"] = str(hooks)
    for name in HOOKS:
        archive.program(f"hooksPath-{name}", hooks / name)
        archive.program(f"hook-{name}", archive.git_folder / "hooks" / name)
    included = archive.folder / "included"
    settings["include.path"] = str(included)
    included.write_text(f"[core]\n\tfsmonitor = {archive.program('included')}\n")
    with (archive.git_folder / "config").open("a") as stream:
        for key, value in settings.items():
            room, _, name = key.rpartition(".")
            section, _, middle = room.partition(".")
            head = f'[{section} "{middle}"]' if middle else f"[{section}]"
            stream.write(f'{head}\n\t{name} = "{value}"\n')
    (archive.git_folder / "config.worktree").write_text(f"[core]\n\tfsmonitor = {archive.program('of-worktree')}\n")
    (archive.git_folder / "info" / "attributes").write_text("*.md filter=evil\n")
    # Of another size: git compares the contents, for which it would run the filters.
    repo.write({"src/app.py": "import os\nimport sys\n", "notes.txt": "changed\n", "README.md": "changed\n"})


def test_no_setting_of_an_archive_runs_a_program_and_nothing_is_written_outside(
    archive: Archive, swarm: Swarm, tmp_path: Path
) -> None:
    planted(archive)
    before = {name for name in everything_in(tmp_path) if not name.startswith("repo/.git/")}
    for verb in FIRST:
        swarm(*verb, exit=None)
        assert (verb, archive.ran) == (verb, [])
    new = {name for name in everything_in(tmp_path) if not name.startswith("repo/.git/")} - before
    # The mark of a dispatch is the user's own, and so are the settings that rustup makes when it is first called.
    own = ("home/.local", "home/.rustup")
    assert {name for name in new if not name.startswith(("repo/swarms", *own))} == set()
    assert len(swarm("runs", "--format", "json").data) == 1
    # The plant works: the user's own git would run some of it.
    subprocess.run(["git", "status"], cwd=archive.repo.root, check=False, capture_output=True)
    assert "of-worktree" in archive.ran


def test_no_object_is_fetched_whatever_the_version_of_git(archive: Archive, swarm: Swarm) -> None:
    repo = archive.repo
    blob = repo.git("rev-parse", "HEAD:src/app.py").strip()
    (archive.git_folder / "objects" / blob[:2] / blob[2:]).unlink()
    for key, value in {
        "extensions.partialClone": "origin",
        "core.repositoryformatversion": "1",
        "remote.origin.promisor": "true",
        "remote.origin.url": f"ext::sh -c touch% {archive.marks / 'ext'}",
        "protocol.ext.allow": "always",
        "protocol.allow": "always",
    }.items():
        repo.git("config", key, value)
    for verb in (*LOOKS, ("init", "."), ("dispatch", "health-audit-a", "--auto-freeze"), ("audit", ".")):
        swarm(*verb, exit=None)
    assert archive.ran == []


# --- programs on PATH that lie in the repository ------------------------------------------------------------

NAMES = ("git", "ruff", "node", "python3", "ps", "sh")


def entries(archive: Archive, tmp_path: Path) -> dict[str, str]:
    root = archive.repo.root
    link = tmp_path / "link"
    link.symlink_to(root / "bin")
    return {
        "current": ".",
        "empty": "",
        "relative": "bin",
        "climbing": "../repo/bin",
        "inside": str(root / "bin"),
        "root": str(root),
        "link": str(link),
        "dots": f"{root}/src/../bin",
        "venv": str(root / ".venv" / "bin"),
        "modules": str(root / "node_modules" / ".bin"),
    }


def test_programs_of_the_repository_do_not_run_wherever_path_leads(
    archive: Archive, swarm: Swarm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root, own = archive.repo.root, os.environ["PATH"]
    for folder in (".", "bin", ".venv/bin", "node_modules/.bin", "src"):
        for name in NAMES:
            archive.program(name, root / folder / name)
    for where, entry in entries(archive, tmp_path).items():
        monkeypatch.setenv("PATH", f"{entry}{os.pathsep}{own}")
        for verb in (("doctor",), ("runtimes",), ("verify", "--probe-only")):
            swarm(*verb, exit=None)
        assert (where, archive.ran) == (where, [])
    monkeypatch.setenv("PATH", os.pathsep.join((*entries_of(archive), own)))
    swarm("audit", ".", exit=1)
    # From a folder of the repository, and from outside with the repository named.
    swarm("audit", ".", exit=None, cwd=root / "src")
    swarm("--db", root / "swarms/control-plane.db", "audit", root, exit=None, cwd=tmp_path)
    assert archive.ran == []


def entries_of(archive: Archive) -> list[str]:
    return [".", "", "bin", "src", str(archive.repo.root / "bin"), str(archive.repo.root)]


def test_an_analyzer_of_the_repository_is_named_and_not_run(
    archive: Archive, swarm: Swarm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = archive.program("ruff", archive.repo.root / ".venv" / "bin" / "ruff")
    # An installation of swarm without the analyzers.
    (tmp_path / "bare").mkdir()
    monkeypatch.setattr("sys.executable", str(tmp_path / "bare" / "python"))
    git = tmp_path / "bare" / "git"
    git.symlink_to(subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip())
    monkeypatch.setenv("PATH", os.pathsep.join((str(Path(file).parent), str(git.parent))))
    ruff = swarm("runtimes", "--format", "json").data["runtimes"][0]
    assert (ruff["installed"], ruff["path"]) == (False, None)
    assert ruff["whyNot"].startswith(f"{file} is a program of the repository, and not run; not installed: ")
    assert swarm("audit", ".", exit=127).code == "RUNTIME_NOT_FOUND"
    assert archive.ran == []


# --- links that lead outside --------------------------------------------------------------------------------

IN_GIT_FOLDER = (
    *("info", "info/exclude", "refs", "refs/heads/swarm", "refs/tags", "refs/swarm", "packed-refs"),
    *("logs", "logs/HEAD", "logs/refs/heads/swarm", "objects", "objects/00", "index", "worktrees", "refs/swarm/work"),
)


@pytest.mark.parametrize("name", IN_GIT_FOLDER)
def test_nothing_is_written_through_a_link_in_the_git_folder(
    archive: Archive, swarm: Swarm, tmp_path: Path, name: str
) -> None:
    archive.repo.git("pack-refs", "--all")
    place, outside = archive.git_folder / name, tmp_path / "outside"
    outside.mkdir()
    target = outside / "moved"
    if place.exists() and not place.is_symlink():
        place.rename(target)
    else:
        target.mkdir()
        place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)
    with nothing_changes(outside):
        for verb in (("init", "."), ("audit", ".")):
            answer = swarm(*verb, "--format", "json", exit=2)
            assert (answer.code, answer.document["error"]["path"]) == ("LED_OUTSIDE", str(place))


def test_links_into_another_git_folder_are_followed(archive: Archive, swarm: Swarm, tmp_path: Path) -> None:
    """As git-new-workdir makes them."""
    copy = tmp_path / "copy"
    archive.repo.git("clone", "-q", "--no-checkout", str(archive.repo.root), str(copy))
    for name in ("refs", "logs", "objects", "info", "packed-refs"):
        place, target = copy / ".git" / name, archive.git_folder / name
        if target.exists():
            shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
            place.symlink_to(target)
    archive.repo.git("reset", "-q", "--hard", cwd=copy)
    swarm("audit", ".", exit=1, cwd=copy)


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_git_folder_that_is_that_of_another_checkout_is_refused(
    archive: Archive, swarm: Swarm, tmp_path: Path, kind: str
) -> None:
    victim, other = archive.repo, Repo(tmp_path / "other")
    other.root.mkdir()
    place = other.root / ".git"
    if kind == "file":
        place.write_text("gitdir: ../repo/.git\n")
    else:
        place.symlink_to("../repo/.git")
    with nothing_changes(victim.root):
        answer = swarm("audit", ".", "--format", "json", exit=2, cwd=other.root)
    error = answer.document["error"]
    assert (error["code"], error["path"], error["target"]) == ("LED_OUTSIDE", str(place), str(victim.root / ".git"))
    # Worktrees, submodules and separate git folders lead elsewhere by right.
    victim.git("worktree", "add", "-q", "--detach", str(tmp_path / "linked"))
    swarm("audit", ".", exit=1, cwd=tmp_path / "linked")
    victim.git(
        "clone", "-q", "--separate-git-dir", str(tmp_path / "kept.git"), str(victim.root), str(tmp_path / "apart")
    )
    swarm("audit", ".", exit=1, cwd=tmp_path / "apart")


@pytest.mark.parametrize("is_tracked", [False, True])
def test_a_workspace_that_leads_outside_is_refused_unless_it_is_named(
    archive: Archive, swarm: Swarm, tmp_path: Path, is_tracked: bool
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (archive.repo.root / "swarms").symlink_to("../outside")
    if is_tracked:
        archive.repo.commit()
    with nothing_changes(outside):
        for verb in (("audit", "."), ("status",), ("runs",), ("doctor",)):
            assert swarm(*verb, exit=2).code == "LED_OUTSIDE"
    swarm("--db", "swarms/control-plane.db", "audit", ".", exit=1)
    assert (outside / "control-plane.db").is_file()


def test_a_database_that_is_a_link_outside_is_refused(archive: Archive, swarm: Swarm, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.db"
    swarm("--db", theirs, "audit", ".", exit=1)
    (archive.repo.root / "swarms").mkdir(exist_ok=True)
    (archive.repo.root / "swarms/control-plane.db").symlink_to(theirs)
    body = theirs.read_bytes()
    for verb in (("audit", "."), ("status",), ("runs",)):
        assert swarm(*verb, exit=2).code == "LED_OUTSIDE"
    assert theirs.read_bytes() == body


def test_a_git_folder_that_another_takes_the_place_of_is_refused(
    archive: Archive, swarm: Swarm, tmp_path: Path
) -> None:
    root, other = archive.repo.root, tmp_path / "other"
    archive.repo.git("clone", "-q", str(root), str(other))
    (archive.git_folder / "commondir").write_text(f"{other}/.git\n")
    with nothing_changes(other):
        assert swarm("audit", ".", exit=2).code == "LED_OUTSIDE"
    (archive.git_folder / "commondir").unlink()
    # A bare repository among the files, which git takes for the repository of whoever stands in it.
    bare = root / "vendor"
    archive.repo.git("clone", "-q", "--bare", str(root), str(bare))
    archive.repo.git("config", "core.bare", "false", cwd=bare)
    archive.repo.git("config", "core.worktree", "..", cwd=bare)
    assert swarm("audit", ".", exit=2, cwd=bare).code == "LED_OUTSIDE"


@pytest.mark.parametrize(
    "name", ["HEAD", "config", "packed-refs", "info/exclude", "objects/info/alternates", "shallow"]
)
def test_git_is_not_started_where_it_would_wait_at_a_pipe(archive: Archive, swarm: Swarm, name: str) -> None:
    place = archive.git_folder / name
    place.unlink(missing_ok=True)
    os.mkfifo(place)
    answer = swarm("audit", ".", "--format", "json", exit=None)
    assert (answer.code, str(place) in answer.document["error"]["message"]) == ("GIT_FAILED", True)
    assert not (archive.repo.root / "swarms").exists()


def test_nor_at_a_pipe_that_its_settings_include(archive: Archive, swarm: Swarm) -> None:
    os.mkfifo(archive.git_folder / "pipe")
    archive.repo.git("config", "includeIf.gitdir:/.path", "first")
    (archive.git_folder / "first").write_text("[include]\n\tpath = pipe\n")
    answer = swarm("audit", ".", exit=None)
    assert (answer.code, f"{archive.git_folder / 'pipe'} is no regular file" in answer.err) == ("GIT_FAILED", True)
    # An include of its own file ends, too.
    (archive.git_folder / "pipe").unlink()
    (archive.git_folder / "first").write_text("[include]\n\tpath = first\n[include]\n\tpath = first\n")
    assert swarm("audit", ".", exit=None).code == "GIT_FAILED"
