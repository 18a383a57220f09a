"""Delivery of a fix: the integration branch of its run, the run's target, a branch of the user's, or a pull request."""

from typing import NamedTuple

from swarm import errors
from swarm.git import checkouts, history, refs
from swarm.results.fix import PushedBranch
from swarm.results.verify import VerifyResult
from swarm.rules.ref_names import ALL_RUNS, head_ref, integration_branch
from swarm.store import forms, verifications
from swarm.waves.fix.ground import FixGround
from swarm.waves.fix.pushing import pushed, remote_of
from swarm.waves.prove.merge import merge
from swarm.waves.prove.merge_gate import MergeOptions
from swarm.waves.prove.verify import VerifyOptions, verify
from swarm.waves.trees.integration import integration_of, unpublished


class Delivered(NamedTuple):
    """The branch that has the fixed commit; `proof` is a verification that only the delivery needed."""

    branch: str
    commit: str
    published: bool
    proof: VerifyResult | None = None
    pushed: PushedBranch | None = None


def hold_to_delivery(ground: FixGround) -> None:
    """Refuse a place that could not take the fix, before anything is done. Raises FixBranchTaken, FixNoRemote."""
    wanted = ground.request.delivery
    if wanted.publish and ground.run.branch is None:
        problem = (
            "--publish moves the branch of the run, which was made on a detached HEAD; --branch NAME makes a branch"
        )
        raise errors.CliUsage(problem=problem, command="swarm fix")
    if wanted.pull_request:
        remote_of(ground)
    if (name := wanted.branch) is None:
        return
    repository, run = ground.repository, ground.run
    git = repository.git
    # Git makes no branch of these names, though their refs would be possible.
    if not forms.BRANCH.fullmatch(name) or name.startswith("-") or name in {"HEAD", "@"}:
        raise _taken(ground, "git takes no branch of this name")
    if head_ref(name).startswith(ALL_RUNS):
        raise _taken(ground, "the branches below swarm/ are those of swarm's runs")
    if places := checkouts.checkouts_of(git, name):
        raise _taken(ground, f"it is checked out in {places[0]}; --publish moves the branch of the run")
    if standing := refs.branches_in_the_way(git, [name]).get(name):
        raise _taken(ground, f"branch {standing} stands in its way")
    tip = refs.tip_of(git, name)
    target = refs.tip_of(git, run.branch) if run.branch else None
    bases = (repository.head, target, integration_of(ground.conn, git, run))
    if tip is not None and not any(base and history.is_ancestor(git, tip, base) for base in bases):
        raise _taken(ground, f"it holds work that the fix would lose ({tip[:12]})")


def _taken(ground: FixGround, problem: str) -> "errors.FixBranchTaken":
    name = ground.request.delivery.branch or ""
    return errors.FixBranchTaken(received=name, problem=problem, branch=integration_branch(ground.run.hex))


def is_due(ground: FixGround) -> bool:
    """Say whether an earlier fix left a commit that is not yet where the caller wants it."""
    wanted, repository = ground.request.delivery, ground.repository
    tip = integration_of(ground.conn, repository.git, ground.run)
    if tip is None:
        return False
    # A push may have failed after its branch was moved, so the branch says nothing of a pull request.
    if wanted.publish or wanted.pull_request:
        return unpublished(ground.conn, ground.run, repository) is not None
    return wanted.branch is not None and refs.tip_of(repository.git, wanted.branch) != tip


def deliver(ground: FixGround) -> Delivered | None:
    """Bring the verified commit where the caller wants it; `None` where nothing was ever merged.

    Raises PublishRaced, PublishTargetDirty, PublishUnverified, FixBranchTaken, FixNotPushed.
    """
    store, run, asked = ground.store, ground.run, ground.request
    wanted = asked.delivery
    git = ground.repository.git
    branch = integration_branch(run.hex)
    commit = integration_of(store.conn, git, run)
    if commit is None:
        return None
    found = Delivered(branch, commit, published=False)
    if not _is_verified(ground, commit):
        proof = verify(
            store,
            ground.workspace,
            run,
            VerifyOptions(revision=commit, accept=asked.accept, reason=asked.reason),
            ground.config,
        )
        found = found._replace(proof=proof)
        if proof.exit_code:
            return found
    if wanted.publish:
        merged = merge(
            store,
            ground.workspace,
            run,
            MergeOptions(publish=True, accept=asked.accept, reason=asked.reason),
            ground.config,
        )
        return found._replace(branch=merged.ref or branch, commit=merged.commit or commit, published=True)
    if wanted.branch is not None:
        _move(ground, wanted.branch, commit)
        found = found._replace(branch=wanted.branch)
    if wanted.pull_request:
        found = found._replace(pushed=pushed(ground, found.branch, commit))
    return found


def _move(ground: FixGround, branch: str, commit: str) -> None:
    """Make or fast-forward a branch."""
    git = ground.repository.git
    tip = refs.tip_of(git, branch)
    if tip is not None and not history.is_ancestor(git, tip, commit):
        raise _taken(ground, f"it holds work that the fix would lose ({tip[:12]})")
    if tip != commit:
        refs.move_branch(git, branch, tip, commit)


def _is_verified(ground: FixGround, commit: str) -> bool:
    made = verifications.verifications_of(ground.conn, ground.run.id)
    own = [known for known in made if known.commit_sha == commit and known.purpose == "verify"]
    return bool(own) and own[-1].passed
