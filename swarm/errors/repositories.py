"""Errors of repositories and git."""

from swarm.errors.catalogue import Severity, SwarmError


class RepoNotFound(SwarmError):
    code = "REPO_NOT_FOUND"
    severity = Severity.HIGH
    text = "No repository at {path}"
    advice = "check the path; a run whose repository has moved is found inside its checkout, or with --repo-path"
    when = "a path does not exist, or a run's repository is not on this machine"
    path: str


class FolderNotFound(RepoNotFound):
    """REPO of a command line is no folder."""

    advice = "check the path; REPO is a folder of a git checkout, by default the one that you are in"


class FileNoRepository(RepoNotFound):
    """REPO of a command line is a file, as other tools take files."""

    advice = "{path} is a file, and REPO a folder: leave it out, as in `swarm audit`, or name the folder of the file"


class RepoNotGit(SwarmError):
    code = "REPO_NOT_GIT"
    severity = Severity.HIGH
    text = "{path} is not inside a git work tree"
    advice = "pass a folder of a git checkout, or make one: `git init && git add -A && git commit -m start`"
    when = "REPO is a folder without git, or a bare repository"
    path: str


class RepoBare(RepoNotGit):
    """A bare repository, which has no files to look at."""

    text = "{path} is a bare repository, without files"
    advice = "run it in a checkout: `{remedy}`"
    remedy: str


class WorkTreeElsewhere(RepoNotGit):
    """Git takes another folder for the work tree, so that it would read and write there."""

    text = "git takes {found} for the work tree of {path}, because core.worktree is set; nothing was written"
    advice = "if {path} is meant, run `{remedy}`, then repeat the command"
    found: str
    remedy: str


class RepoUnborn(SwarmError):
    code = "REPO_UNBORN"
    severity = Severity.HIGH
    text = "{path} has no commit yet"
    advice = "commit something first: `git add -A && git commit -m start`"
    when = "HEAD is an unborn branch; there is no commit to audit"
    path: str


class RepoWithoutFiles(RepoUnborn):
    """A repository in which there is nothing to commit either."""

    advice = "put a file there first, then `git add -A && git commit -m start`"


class RepoNotClean(SwarmError):
    code = "REPO_NOT_CLEAN"
    severity = Severity.HIGH
    text = "{path} has {counted} with uncommitted changes: {files}"
    noun = "tracked file"
    advice = "commit or stash them, then repeat the command; untracked files do not matter"
    when = "`init` on a work tree with tracked changes"
    path: str
    count: int
    files: str


class GitFailed(SwarmError):
    code = "GIT_FAILED"
    severity = Severity.HIGH
    text = "git {verb} failed: {problem}"
    advice = "run the same git command in {path} to see more; `swarm doctor` checks git and the repository"
    when = "a git call ended unexpectedly"
    verb: str
    problem: str
    path: str


class GitBlocked(GitFailed):
    """A git call would fail for a reason that a single command removes."""

    advice = "{remedy}, then repeat the command"
    remedy: str


class GitLocked(SwarmError):
    code = "GIT_LOCKED"
    severity = Severity.MEDIUM
    text = "git {verb} was kept out by a lock: {path}"
    advice = (
        "wait for the git process that works there; if none does, a git was killed: `swarm doctor --fix` removes the "
        "lock if swarm had started that git, else remove the file by hand; then repeat the command"
    )
    when = "a lock file of git lies in the way: another git is at work in the repository, or one was killed"
    verb: str
    path: str


class GitMissing(SwarmError):
    code = "GIT_MISSING"
    severity = Severity.HIGH
    text = "git was not found on PATH"
    advice = "install git 2.38 or newer"
    when = "there is no git program"


class InsideAgentWorktree(SwarmError):
    code = "INSIDE_AGENT_WORKTREE"
    severity = Severity.HIGH
    text = "An agent cannot use the control plane that watches it ({path})"
    advice = (
        "write your answer to the output file that your prompt names; a coordinator runs swarm outside of the worktree"
    )
    when = "swarm is called from an agent's worktree or by a process that `launch` started"
    path: str
