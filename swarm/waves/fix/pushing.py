"""The branch of a fix pushed to the user's remote, with a pull request where GitHub's program is installed."""

import shlex

from swarm import errors
from swarm.git import pull_request
from swarm.git.pull_request import PullRequest, RemoteRefused
from swarm.results.fix import PushedBranch
from swarm.waves.fix.ground import FixGround


def remote_of(ground: FixGround) -> str:
    """Return the remote of the run's branch. Raises FixNoRemote."""
    git = ground.repository.git
    remote = pull_request.remote_for(git, ground.run.branch)
    if remote is None:
        several = ", ".join(pull_request.remotes_of(git))
        problem = f"it has {several}, and none is that of {ground.run.branch}" if several else "it has none"
        raise errors.FixNoRemote(path=str(ground.repository.root), problem=problem)
    return remote


def pushed(ground: FixGround, branch: str, commit: str) -> PushedBranch:
    """Push a branch, and open a pull request or name the command that does. Raises FixNotPushed."""
    root, remote = ground.repository.root, remote_of(ground)
    try:
        pull_request.push(root, remote, commit, branch)
    except RemoteRefused as error:
        remedy = f"git push {shlex.quote(remote)} {shlex.quote(branch)}"
        raise _refused(ground, branch, f"the push to {remote}", error, remedy) from error
    title = f"Fixes of swarm, verified in {commit[:12]}"
    body = f"Findings of run {ground.run.id}, fixed on `{branch}`. `swarm status` and `swarm receipt` show the proof.\n"
    wanted = PullRequest(branch, ground.run.branch, title, body)
    command = shlex.join([*wanted.words, "--fill"])
    gh = pull_request.program(root)
    if gh is None:
        return PushedBranch(remote, branch, None, command)
    try:
        return PushedBranch(remote, branch, pull_request.open_pull_request(root, gh, wanted), None)
    except RemoteRefused as error:
        raise _refused(ground, branch, "gh", error, command) from error


def _refused(ground: FixGround, branch: str, step: str, error: RemoteRefused, remedy: str) -> "errors.FixNotPushed":
    return errors.FixNotPushed(branch=branch, step=step, problem=str(error), remedy=remedy, run_id=ground.run.id)
