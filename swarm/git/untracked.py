"""Untracked and ignored files of a checkout that patterns of a `.gitignore` match."""

from swarm.git.path_text import path_text
from swarm.git.repository import Repository
from swarm.scratch import scratch_folder


def untracked_matching(repository: Repository, patterns: str) -> list[str]:
    """Return the files that git does not track and that match patterns, one a line, as git reads a `.gitignore`.

    Files of repositories inside of the checkout are not among them.
    """
    with scratch_folder() as folder:
        (folder / "patterns").write_text(patterns + "\n", encoding="utf-8", errors="surrogateescape")
        # Without `--exclude-standard`: here the patterns choose, whether the repository ignores a file or not.
        named = f"--exclude-from={folder / 'patterns'}"
        listed = repository.git.run("ls-files", "--others", "--ignored", named, "-z", filters=True)
    return sorted(path_text(path) for path in listed.split(b"\0") if path and not path.endswith(b"/"))
