"""git is run so that nothing in our environment, and nothing that an agent planted, changes what it does."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from swarm import errors
from swarm.git import runner, worktrees
from swarm.git.diff import changed_lines, changes
from swarm.git.repository import contents, files_at, repository_at, tracked_changes
from swarm.git.runner import Git, GitError
from swarm.git.sentinel import fingerprint_primary
from swarm.git.worktrees import Tree
from tests.conftest import Repo
from tests.git.conftest import AgentTree, make_tree


class Plant:
    """A program that leaves a mark when it is run, by whichever way."""

    def __init__(self, folder: Path) -> None:
        self.marker = folder / "it-ran"
        self.program = folder / "planted"
        self.program.write_text(f'#!/bin/sh\necho "$0 $*" >> "{self.marker}"\ncat\nexit 0\n')
        self.program.chmod(0o755)

    @property
    def was_run(self) -> bool:
        return self.marker.exists()


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    return Plant(tmp_path)


def change(file: Path) -> None:
    """Change a file, not its size: git calls a file of another size changed without a look at its content."""
    file.write_text(file.read_text().swapcase())


def look_at_everything(repo: Repo, agent: AgentTree) -> None:
    """Every way in which swarm runs git in trees that agents have written to."""
    repository = repository_at(repo.root)
    tracked_changes(repository.git)
    fingerprint_primary(repository)
    agent.touched()
    for file in files_at(repository.git, "HEAD"):
        list(contents(repository.git, [(file.path, file.blob)]))
    changes(repository.git, agent.commit, "HEAD")
    changed_lines(repository.git, agent.commit, "HEAD")
    other = Tree(agent.path.with_name("other"), "swarm/other")
    worktrees.add(repository.git, other, repository.head)
    worktrees.fill(other)
    worktrees.add(repository.git, other, repository.head)
    worktrees.remove(repository.git, other, repository.head)
    worktrees.remove(repository.git, agent.tree, agent.commit)


HOOKS = [
    "applypatch-msg",
    "post-checkout",
    "post-commit",
    "post-index-change",
    "pre-commit",
    "reference-transaction",
    "post-merge",
    "pre-auto-gc",
    "fsmonitor-watchman",
    "sendemail-validate",
]


def plant_hooks(folder: Path, plant: Plant) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in HOOKS:
        shutil.copy(plant.program, folder / name)


def test_hooks_in_the_repository_are_never_run(repo: Repo, agent: AgentTree, plant: Plant) -> None:
    plant_hooks(repo.root / ".git" / "hooks", plant)
    look_at_everything(repo, agent)
    assert not plant.was_run
    repo.commit({"src/app.py": "x = 1\n"})
    assert plant.was_run


def test_hooks_of_a_configured_folder_are_never_run(repo: Repo, agent: AgentTree, plant: Plant) -> None:
    plant_hooks(agent.path / "evil", plant)
    repo.git("config", "core.hooksPath", str(agent.path / "evil"))
    look_at_everything(repo, agent)
    assert not plant.was_run


PROGRAMS = [
    "core.fsmonitor",
    "core.pager",
    "core.editor",
    "core.sshCommand",
    "core.askPass",
    "core.gitProxy",
    "core.alternateRefsCommand",
    "diff.external",
    "diff.evil.command",
    "diff.evil.textconv",
    "merge.evil.driver",
    "gpg.program",
    "credential.helper",
    "uploadpack.packObjectsHook",
    "interactive.diffFilter",
    "sequence.editor",
    "pager.status",
    "pager.diff",
    "filter.evil.clean",
    "filter.evil.smudge",
    "filter.piped.process",
    "filter.e=v.clean",
    "filter.e=v.smudge",
    "filter.Evil.clean.clean",
    "filter..clean",
]
ATTRIBUTES = """
*       diff=evil merge=evil
*.py    filter=evil
*.md    filter=e=v
*.html  filter=Evil.clean
*.txt   filter=piped
*.rst   filter=
"""


def test_no_program_named_in_the_configuration_is_ever_run(repo: Repo, tmp_path: Path) -> None:
    repo.commit({"a.txt": "a\n", "a.rst": "a\n"})
    agent = make_tree(repo, tmp_path / "trees" / "w1-code")
    (tmp_path / "ran").mkdir()
    for number, key in enumerate(PROGRAMS):
        program = tmp_path / f"program-{number}"
        program.write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran/{key}'\ncat\n")
        program.chmod(0o755)
        repo.git("config", key, str(program))
    repo.write({".git/info/attributes": ATTRIBUTES})
    (agent.path / ".gitattributes").write_text(ATTRIBUTES)
    for root in (repo.root, agent.path):
        for name in ("src/app.py", "README.md", "web/index.html", "a.txt", "a.rst"):
            (root / name).write_text("changed\n")
    look_at_everything(repo, agent)
    assert sorted(path.name for path in (tmp_path / "ran").iterdir()) == []


def test_such_a_program_would_have_been_run_by_git_itself(repo: Repo, plant: Plant) -> None:
    repo.git("config", "filter.e=v.clean", str(plant.program))
    (repo.root / ".gitattributes").write_text("* filter=e=v\n")
    change(repo.root / "src" / "app.py")
    repo.git("status")
    assert plant.was_run


def test_a_filter_that_an_included_file_configures_is_never_run(repo: Repo, agent: AgentTree, plant: Plant) -> None:
    (agent.path / "evil.config").write_text(f'[filter "evil"]\n\tclean = "{plant.program}"\n\trequired = true\n')
    repo.git("config", "include.path", str(agent.path / "evil.config"))
    (agent.path / ".gitattributes").write_text("* filter=evil\n")
    change(agent.path / "src" / "app.py")
    look_at_everything(repo, agent)
    assert not plant.was_run


def test_a_filter_in_the_configuration_of_one_worktree_is_never_run(repo: Repo, agent: AgentTree, plant: Plant) -> None:
    repo.git("config", "extensions.worktreeConfig", "true")
    repo.git("config", "--worktree", "filter.evil.clean", str(plant.program), cwd=agent.path)
    repo.git("config", "--worktree", "core.fsmonitor", str(plant.program), cwd=agent.path)
    (agent.path / ".gitattributes").write_text("* filter=evil\n")
    change(agent.path / "src" / "app.py")
    look_at_everything(repo, agent)
    assert not plant.was_run


def with_submodule(repo: Repo, tmp_path: Path) -> None:
    """Give the repository a submodule `sub`, checked out in the primary checkout."""
    inner = Repo(tmp_path / "inner")
    inner.root.mkdir()
    inner.git("init", "-q", "-b", "main")
    inner.commit({"a.txt": "a\n", "b.txt": "b\n"})
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.root), "sub")
    repo.commit(message="a submodule")


@pytest.mark.parametrize("key", ["core.fsmonitor", "filter.evil.clean"])
def test_what_is_planted_in_a_submodule_of_the_primary_checkout_is_never_run(
    repo: Repo, tmp_path: Path, plant: Plant, key: str
) -> None:
    with_submodule(repo, tmp_path)
    repo.git("config", key, str(plant.program), cwd=repo.root / "sub")
    (repo.root / "sub" / ".gitattributes").write_text("* filter=evil\n")
    # Of the same size: only then does git's own status read the file, and so run the filter, at any speed.
    (repo.root / "sub" / "a.txt").write_text("b\n")
    repository = repository_at(repo.root)
    tracked_changes(repository.git)
    fingerprint_primary(repository)
    assert not plant.was_run
    repo.git("status")
    assert plant.was_run


@pytest.mark.parametrize("key", ["core.fsmonitor", "filter.evil.clean"])
def test_what_is_planted_in_a_submodule_of_a_worktree_is_never_run(
    repo: Repo, tmp_path: Path, plant: Plant, key: str
) -> None:
    with_submodule(repo, tmp_path)
    agent = make_tree(repo, tmp_path / "trees" / "w1-code")
    repo.git("clone", "-q", str(tmp_path / "inner"), "sub", cwd=agent.path)
    inner = Repo(agent.path / "sub")
    inner.git("config", key, str(plant.program))
    inner.write({".gitattributes": "* filter=evil\n", "a.txt": "b\n"})
    look_at_everything(repo, agent)
    assert not plant.was_run
    assert (agent.path / "sub" / "a.txt").read_text() == "b\n"
    repo.git("status", cwd=agent.path)
    assert plant.was_run


GIT_VARIABLES = {
    "GIT_DIR": "/nowhere",
    "GIT_WORK_TREE": "/nowhere",
    "GIT_INDEX_FILE": "/nowhere/index",
    "GIT_OBJECT_DIRECTORY": "/nowhere",
    "GIT_NAMESPACE": "x",
    "GIT_CEILING_DIRECTORIES": "/",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "core.bare",
    "GIT_CONFIG_VALUE_0": "true",
    "GIT_CONFIG_PARAMETERS": "'core.bare=true'",
    "GIT_EXTERNAL_DIFF": "false",
    "GIT_TRACE": "2",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES": "/nowhere",
}


def test_no_git_variable_of_the_caller_reaches_git(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = repository_at(repo.root), files_at(Git(repo.root), "HEAD")
    for name, value in GIT_VARIABLES.items():
        monkeypatch.setenv(name, value)
    assert (repository_at(repo.root), files_at(Git(repo.root), "HEAD")) == plain
    assert not set(GIT_VARIABLES) & set(runner.environment(repo.root))


def test_git_speaks_plainly_and_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "1")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    environment = runner.environment(Path("/"))
    assert {name: environment[name] for name in ("GIT_TERMINAL_PROMPT", "LC_ALL", "GIT_OPTIONAL_LOCKS")} == {
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
        "GIT_OPTIONAL_LOCKS": "0",
    }


def test_replaced_objects_are_not_believed(repo: Repo) -> None:
    first = repo.head
    blob = repo.git("rev-parse", "HEAD:README.md")
    lie = repo.git("rev-parse", "HEAD:src/app.py")
    repo.git("replace", blob, lie)
    assert Git(repo.root).run("cat-file", "-p", blob) == b"# A project\n"
    assert dict(contents(Git(repo.root), [("README.md", blob)])) == {"README.md": b"# A project\n"}
    assert repo.head == first


def test_a_pathspec_is_a_path_and_no_pattern(repo: Repo) -> None:
    repo.commit({":(top)x": "a\n", "*.py": "star\n"})
    git = Git(repo.root)
    assert git.run("ls-files", "-z", "--", "*.py").split(b"\0")[:-1] == [b"*.py"]
    assert git.run("ls-files", "-z", "--", ":(top)x").split(b"\0")[:-1] == [b":(top)x"]


def test_what_git_says_is_told_on_one_line(repo: Repo) -> None:
    with pytest.raises(GitError) as caught:
        Git(repo.root).run("rev-parse", "--verify", "no-such-revision")
    told = caught.value.typed()
    assert (told.code, told.fields) == (
        "GIT_FAILED",
        {"verb": "rev-parse", "problem": "fatal: Needed a single revision", "path": str(repo.root)},
    )


@pytest.mark.parametrize(
    ("words", "is_of_disk"),
    [
        ("error: Entry 'docs/write error.md' not uptodate. Cannot merge.", False),
        ("error: Entry 'it's a write error.md' not uptodate. Cannot merge.", False),
        ('error: Entry "write error\\n.md" not uptodate. Cannot merge.', False),
        ("error: couldn't write 'docs/x.md'", True),
        ("fatal: write error: No space left on device", True),
    ],
)
def test_a_file_that_is_called_like_an_error_is_none_of_the_disk(words: str, is_of_disk: bool) -> None:
    assert GitError(("read-tree",), 128, words, Path("/")).is_of_disk is is_of_disk


def test_an_exit_code_that_was_expected_is_an_answer(repo: Repo) -> None:
    code, out = Git(repo.root).answer("rev-parse", "--verify", "--quiet", "no-such", expect=(0, 1))
    assert (code, out) == (1, b"")


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(errors.RepoNotFound):
        Git(tmp_path / "none").run("status")
    (tmp_path / "file").touch()
    with pytest.raises(errors.RepoNotFound):
        Git(tmp_path / "file").run("status")


def test_a_machine_without_git_is_told(repo: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(errors.GitMissing):
        Git(repo.root).run("status")


def test_git_past_its_deadline_is_ended_and_told(repo: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").write_text(f"#!{sys.executable}\nimport signal\nsignal.pause()\n")
    (programs / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(runner, "DEADLINE_SECONDS", 0.2)
    with pytest.raises(errors.GitFailed) as caught:
        Git(repo.root).run("status")
    assert caught.value.fields["problem"] == "no answer within 0 s"


def test_the_version_of_git_is_read_as_numbers() -> None:
    told = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout
    assert told.startswith("git version " + ".".join(map(str, runner.version())))
    assert runner.version() >= runner.OLDEST
