"""Repository: root, HEAD, files, contents and cleanliness."""

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from swarm import errors
from swarm.git import work_tree
from swarm.git.links_outside import refuse_endless, refuse_links_outside
from swarm.git.owners import refuse_others
from swarm.git.path_text import path_bytes, path_text
from swarm.git.remembered import remembered
from swarm.git.runner import Git, GitError
from swarm.git.user_view import UserView
from swarm.rules.ref_names import HEADS
from swarm.scratch import scratch_folder
from swarm.workspace import checkout_around

LINK_MODE = "120000"
SUBMODULE_MODE = "160000"
# Each step begins behind a slash: with a step that could begin anywhere, a long name would be tried in all its parts.
_PLAIN_REF: Final = re.compile(rb"[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")


class Repository(NamedTuple):
    """A checkout: the real path of its root, its common git folder, HEAD's commit and branch.

    `objects` is where new objects go, where that is not the repository itself. `view` is how files of work trees are
    read, where that is not as the user who runs this process has it.
    """

    root: Path
    common_dir: Path
    head: str
    branch: str | None
    objects: Path | None = None
    view: UserView | None = None

    @property
    def git(self) -> Git:
        """Git at the root."""
        git = Git(self.root, objects=self.objects, view=self.view)
        git.common_dir = self.common_dir
        return git


class TreeFile(NamedTuple):
    """File of a commit."""

    path: str
    mode: str
    blob: str

    @property
    def is_file(self) -> bool:
        """Whether the entry has content of its own: no link, and no submodule."""
        return self.mode not in {LINK_MODE, SUBMODULE_MODE}


def repository_at(folder: Path) -> Repository:
    """Return the repository that holds a folder.

    Raises RepoNotFound, RepoNotGit (a bare one too), RepoUnborn, OwnedByAnotherUser, LedOutside, GitBlocked, and
    WorkTreeElsewhere where git would work in a folder of another repository.
    """
    if not folder.is_dir():
        raise errors.RepoNotFound(path=str(folder))
    if (place := checkout_around(folder)) is not None:
        refuse_endless(place / ".git")
    git = Git(folder)
    ask = ("rev-parse", "--path-format=absolute")
    try:
        shown = git.run(*ask, "--show-toplevel", "--git-common-dir")
        root, _, common = shown.removesuffix(b"\n").partition(b"\n")
        if b"\n" in common:
            # A name with a newline: two calls give an unambiguous answer each.
            root, common = (git.run(*ask, what).removesuffix(b"\n") for what in ("--show-toplevel", "--git-common-dir"))
    except GitError as error:
        if "not a git repository" in error.stderr or "work tree" in error.stderr:
            raise work_tree.missing(folder) from error
        raise error.typed() from error
    real_root = Path(root.decode("utf-8", "surrogateescape")).resolve()
    real_common = Path(common.decode("utf-8", "surrogateescape")).resolve()
    refuse_others("a repository", real_root, real_root / ".git", real_common)
    _hold_to_root(folder, real_root, real_common)
    refuse_links_outside(real_root, real_common)
    return _with_head(real_root, real_common)


def _hold_to_root(folder: Path, root: Path, common: Path) -> None:
    """Raise WorkTreeElsewhere where `core.worktree` leads out of the folder, or to a root that is no checkout of it."""
    place = checkout_around(folder)
    if place is None or place == root:
        return
    code, found = Git(root).answer("rev-parse", "--path-format=absolute", "--git-common-dir", expect=(0, 128))
    is_same = not code and Path(os.fsdecode(found.removesuffix(b"\n"))).resolve() == common
    if not is_same or not folder.resolve().is_relative_to(root):
        raise work_tree.elsewhere(place, root)


def _with_head(root: Path, common: Path) -> Repository:
    git = Git(root)
    code, sha = git.answer("rev-parse", "--verify", "--quiet", "HEAD^{commit}", expect=(0, 1, 128))
    if code:
        has_files = any(child.name != ".git" for child in root.iterdir())
        raise (errors.RepoUnborn if has_files else errors.RepoWithoutFiles)(path=str(root))
    return Repository(root, common, sha.decode().strip(), _branch_of(git, root))


def hold_again(repository: Repository) -> None:
    """Hold a repository that was found before once more to its owner and its links: an agent worked beside it.

    Raises OwnedByAnotherUser, LedOutside, GitBlocked.
    """
    refuse_endless(repository.root / ".git")
    refuse_others("a repository", repository.root, repository.root / ".git", repository.common_dir)
    refuse_links_outside(repository.root, repository.common_dir)


def at_head(repository: Repository) -> Repository:
    """Return a repository with HEAD as it is by now. Raises RepoUnborn."""
    return _with_head(repository.root, repository.common_dir)


def _branch_of(git: Git, root: Path) -> str | None:
    """Return the branch that HEAD names; git need not be asked where HEAD is a plain file of the main checkout."""
    with contextlib.suppress(OSError):
        head = (root / ".git" / "HEAD").read_bytes()
        kind, separator, ref = head.removesuffix(b"\n").partition(b": ")
        # Another format of refs has this file as well, with a name that no branch can have.
        if separator and kind == b"ref" and ref.startswith(HEADS.encode()) and _PLAIN_REF.fullmatch(ref):
            return ref.decode().removeprefix(HEADS)
    code, branch = git.answer("symbolic-ref", "--quiet", "HEAD", expect=(0, 1))
    # Not git's own short form, which is `heads/HEAD` for a branch of a name that something else has, too.
    return None if code else branch.decode("utf-8", "replace").strip().removeprefix(HEADS)


@contextlib.contextmanager
def aside(repository: Repository) -> Iterator[Repository]:
    """Give a repository whose new objects go to a scratch folder, so that a dry run writes nothing."""
    with scratch_folder() as folder:
        (folder / "objects" / "info").mkdir(parents=True)
        (folder / "kept").symlink_to(repository.common_dir / "objects")
        # A file and not GIT_ALTERNATE_OBJECT_DIRECTORIES, in which a colon would end the path.
        (folder / "objects" / "info" / "alternates").write_text("../kept\n")
        yield repository._replace(objects=folder / "objects")


def tracked_changes(git: Git) -> list[str]:
    """Return the tracked files with uncommitted changes."""
    status = git.run(
        "status", "--porcelain=v1", "-z", "--untracked-files=no", "--ignore-submodules=dirty", filters=True
    )
    return sorted({path for _, path in status_entries(status)})


def tracked_files(git: Git) -> list[str]:
    """Return the paths of the index, each submodule as an entry."""
    return [path_text(path) for path in git.run("ls-files", "-z", "--full-name").split(b"\0") if path]


def status_entries(porcelain: bytes) -> Iterator[tuple[str, str]]:
    """Read `git status --porcelain=v1 -z`: each entry's two letters and its path; a rename gives both paths."""
    fields = iter(porcelain.split(b"\0"))
    for field in fields:
        if not field:
            continue
        letters, path = field[:2].decode(), field[3:]
        yield letters, path_text(path)
        if "R" in letters or "C" in letters:
            yield letters, path_text(next(fields))


def files_at(git: Git, commit: str) -> Sequence[TreeFile]:
    """Return the files of a commit or of a tree, in git's order; each submodule is an entry."""
    # The list of a large repository takes some megabytes.
    return remembered("files", (commit,), lambda: _files_at(git, commit), most=4)


def _files_at(git: Git, commit: str) -> tuple[TreeFile, ...]:
    found = []
    for record in git.run("ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0"):
        if record:
            facts, _, path = record.partition(b"\t")
            mode, _, blob = facts.decode().split(" ")
            found.append(TreeFile(path_text(path), mode, blob))
    return tuple(found)


def filled_submodules(git: Git, tree: Path, commit: str) -> list[str]:
    """Return the submodules of a commit whose folders hold something in a worktree, which git makes with empty ones.

    Not by git, which would enter the folder and run programs that the configuration there names.
    """
    return [path for path, _ in submodules_at(git, commit) if is_filled(tree, path)]


def submodules_at(git: Git, commit: str) -> list[tuple[str, str]]:
    """Return the submodules of a commit, each with its recorded commit."""
    return [(file.path, file.blob) for file in files_at(git, commit) if file.mode == SUBMODULE_MODE]


def is_filled(tree: Path, path: str) -> bool:
    """Say whether a submodule's folder in a tree holds anything."""
    folder = os.path.join(os.fsencode(tree), path_bytes(path))  # noqa: PTH118
    return os.path.isdir(folder) and not os.path.islink(folder) and bool(os.listdir(folder))  # noqa: PTH112, PTH114, PTH208


def contents(git: Git, blobs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, bytes]]:
    """Yield the content of each (name, blob id) that exists, all from a single `git cat-file --batch`."""
    asked = list(blobs)
    if not asked:
        return
    # The questions lie in a file: git reads ahead on another core while the caller works on a content.
    with scratch_folder() as folder, (folder / "questions").open("w+b") as questions:
        questions.writelines(blob.encode() + b"\n" for _, blob in asked)
        questions.seek(0)
        process = git.stream("cat-file", "--batch", stdin=questions)
    answer = process.stdout
    if answer is None:
        raise AssertionError
    try:
        for name, _ in asked:
            header = answer.readline().split()
            if len(header) != 3:  # noqa: PLR2004
                continue
            content = answer.read(int(header[2]))
            answer.read(1)
            yield name, content
    finally:
        answer.close()
        process.wait()


def content_of(git: Git, blob: str, *, most: int) -> bytes | None:
    """Return the content of a blob, `None` for more than `most` bytes."""
    return git.run("cat-file", "blob", blob) if int(git.text("cat-file", "-s", blob)) <= most else None


def holds_commit(git: Git, commit: str) -> bool:
    """Say whether a commit is in this repository."""
    return git.answer("cat-file", "-e", f"{commit}^{{commit}}", expect=(0, 1, 128))[0] == 0


def held_commits(git: Git, commits: Iterable[str]) -> set[str]:
    """Return those commits that are in this repository, from a single call."""
    listed = git.run("cat-file", "--batch-check", stdin="".join(f"{commit}\n" for commit in commits).encode())
    answers = (line.split(" ") for line in listed.decode().splitlines())
    return {words[0] for words in answers if words[1] == "commit"}


def holds_object(git: Git, name: str) -> bool:
    """Say whether an object of any kind is in this repository."""
    return git.answer("cat-file", "-e", name, expect=(0, 1, 128))[0] == 0


def common_dir_of(git: Git) -> Path:
    """Return the git folder that every worktree of a repository shares, as an absolute path."""
    # Kept with the object, which lives for a part of a command: a loop over trees asks for each of them.
    if git.common_dir is None:
        git.common_dir = Path(git.text("rev-parse", "--path-format=absolute", "--git-common-dir"))
    return git.common_dir


def own_git_dir(git: Git) -> Path | None:
    """Return the git folder of a checkout alone, with its HEAD and index; `None` where there is no repository."""
    code, found = git.answer("rev-parse", "--absolute-git-dir", expect=(0, 128))
    return None if code else Path(os.fsdecode(found.removesuffix(b"\n"))).resolve()


def is_whole(git: Git) -> bool:
    """Say whether this is a repository with all of its history, and no shallow clone."""
    return git.answer("rev-parse", "--is-shallow-repository", expect=(0, 128)) == (0, b"false\n")


def commit_of(git: Git, revision: str) -> str | None:
    """Return the commit that a revision names, or `None`."""
    code, sha = git.answer(
        "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", expect=(0, 1, 128)
    )
    return None if code else sha.decode().strip()


def keep_out_of_status(repository: Repository, patterns: list[str]) -> None:
    """Write the workspace's live state into `info/exclude`, so that the repository's own files stay as they are."""
    file = repository.common_dir / "info" / "exclude"
    present = file.read_text(encoding="utf-8", errors="surrogateescape") if file.exists() else ""
    missing = [pattern for pattern in patterns if pattern not in present.splitlines()]
    if missing:
        file.parent.mkdir(exist_ok=True)
        begin = "" if not present or present.endswith("\n") else "\n"
        with file.open("a", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write(begin + "".join(f"{pattern}\n" for pattern in missing))
