"""Ownership in an amend wave: the edits of its agents, as git shows and as they report, held to the frozen map."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from swarm.git import agent_work, history, refs
from swarm.git.agent_record import commit_of_branch
from swarm.git.blocking_files import largest_file
from swarm.git.repository import LINK_MODE, Repository, TreeFile
from swarm.results.collect import (
    STEERS,
    TOO_LARGE,
    UNFILTERED,
    UNTAKABLE,
    Divergence,
    LeaseRequest,
    Problem,
    ViolationShown,
)
from swarm.rules.domains import WHOLE_WAVE, Domain, Ownership
from swarm.rules.ownership import UNASSIGNED, OwnershipMap, trespasses
from swarm.rules.ref_names import work_ref
from swarm.rules.safe_paths import safe_path
from swarm.rules.steering import steers
from swarm.store.file_claims import FileClaim
from swarm.store.waves import Wave
from swarm.waves.collect.outputs import Intake, violated, without_tree
from swarm.waves.trees.kept_index import work_in, worktree_of
from swarm.workspace import tree_name

_MOST_NAMED = 10
_NO_LEASE: frozenset[str] = frozenset()


def keep_work(repository: Repository, wave: Wave, intakes: Sequence[Intake]) -> None:
    """Give a ref to the judged tree of each worktree: without a ref git could collect the tree before the merge."""
    if not wave.isolated:
        return
    for taken in intakes:
        if taken.work is not None and taken.work.touched:
            ref = work_ref(wave.run_id, tree_name(wave.number, taken.agent.domain))
            refs.keep(repository.git, ref, taken.work.tree)


class OwnershipJudge:
    """Holds amend agents to the map, the leases and the assignments of a wave."""

    def __init__(
        self,
        repository: Repository,
        wave: Wave,
        folder: Path,
        owners: OwnershipMap,
        files: Sequence[TreeFile],
        leased: Mapping[str, set[str]],
        assigned: Mapping[int, Sequence[int]],
    ) -> None:
        self._repository = repository
        self._wave = wave
        self._folder = folder
        self._owners = owners
        self._tracked = {file.path for file in files}
        self._links = {file.path for file in files if file.mode == LINK_MODE}
        self._leased = leased
        self._assigned = assigned

    def judge_all(self, intakes: Sequence[Intake]) -> list[Intake]:
        """Return the intakes with the files that each agent touched, and with its violations."""
        if self._wave.isolated:
            return [self._judge_tree(taken) for taken in intakes]
        # In a shared checkout git does not show who edited a file: an edit counts for the owner of the file.
        common, objects = self._repository.common_dir, self._repository.objects
        root, commit, view = self._repository.root, self._wave.dispatch_sha, self._repository.view
        seen = agent_work.work_of(common, root, commit, None, None, objects=objects, view=view)
        by_owner: dict[str, dict[str, str]] = {}
        for file in seen.touched:
            owner = self._owners.owner_of(file.path)
            by_owner.setdefault(owner.name if owner else UNASSIGNED, {})[file.path] = file.kind
        judged = []
        for taken in intakes:
            observed = by_owner.get(taken.agent.domain, {})
            judged.append(self._judge(taken._replace(work=seen), observed))
        return judged

    def _judge_tree(self, taken: Intake) -> Intake:
        agent = taken.agent
        # An isolated agent has a worktree: without one nothing shows what the agent touched.
        if (tree := worktree_of(agent)) is None:
            return without_tree(taken)
        work = work_in(self._repository, tree, self._wave, self._folder, agent.worktree_branch)
        judged = self._judge(taken._replace(work=work), {file.path: file.kind for file in work.touched})
        judged = self._with_violations(judged, self._edits_of_others(taken, judged))
        # A repository inside the tree would be merged as a submodule that nobody can fetch.
        untaken = [ViolationShown(path, agent.domain, UNTAKABLE) for path in work.untakable]
        # Taken as they lie on the disk, they would be merged raw, in place of what the filter makes of them.
        untaken += [ViolationShown(path, agent.domain, UNFILTERED) for path in work.filtered]
        limit = f"{TOO_LARGE}: more than {largest_file() >> 20} MiB"
        untaken += [ViolationShown(path, agent.domain, limit) for path in work.large]
        return self._with_violations(judged, untaken)

    def passing_edits(self, intakes: Sequence[Intake]) -> list[str]:
        """Return a note for each agent whose commits changed files of others that its work leaves as they were.

        No violation: a merge takes the work as a single commit, so the middle states reach nobody.
        """
        notes = []
        git, since, head = self._repository.git, self._wave.dispatch_sha, self._repository.head
        for taken in intakes:
            tip = commit_of_branch(git, taken.agent.worktree_branch)
            if taken.work is None or tip in {None, since}:
                continue
            passing = history.paths_between(git, since, f"{tip}", head) - {claim.path for claim in taken.claims}
            leased = self._leased.get(taken.agent.domain, _NO_LEASE)
            foreign = sorted(path for path in passing if trespasses(self._owners, taken.agent.domain, path, leased))
            if foreign:
                named = ", ".join([*foreign[:_MOST_NAMED], *(["…"] if len(foreign) > _MOST_NAMED else [])])
                notes.append(
                    f"{taken.agent.domain} edited and restored in its own commits, which no merge takes: {named}"
                )
        return notes

    def _edits_of_others(self, taken: Intake, judged: Intake) -> list[ViolationShown]:
        """Return the edits in a tree whose agent has no finding and reports no edit: somebody else made them."""
        # swarm answers for an agent without a finding, so no process of that agent ran.
        if self._assigned.get(taken.agent.id) or any(claim.reported for claim in judged.claims):
            return []
        return [
            ViolationShown(claim.path, WHOLE_WAVE, claim.owner or UNASSIGNED)
            for claim in judged.claims
            if claim.observed
        ]

    def _with_violations(self, judged: Intake, more: Sequence[ViolationShown]) -> Intake:
        # A file is a violation once, or the counts in messages would be wrong.
        known = {violation.file for violation in judged.violations}
        fresh = tuple(violation for violation in more if violation.file not in known)
        if not fresh:
            return judged
        target = violated(judged) or judged.target
        return judged._replace(violations=(*judged.violations, *fresh), target=target)

    def _judge(self, taken: Intake, observed: Mapping[str, str]) -> Intake:
        """Judge an agent by the files that git shows and the files that it reports."""
        reported, problems = self._reported(taken)
        domain = taken.agent.domain
        leased = self._leased.get(domain, _NO_LEASE)
        claims, violations, shared = [], [], []
        # Both sets: a file that an agent only claims to have edited may have been edited and reverted.
        for path in sorted({*observed, *reported}):
            owner = self._owners.owner_of(path)
            is_violation = trespasses(self._owners, domain, path, leased)
            # A report names no kind of change.
            kind = observed.get(path, "edit")
            name = owner.name if owner else None
            claims.append(FileClaim(path, kind, path in observed, path in reported, name, is_violation))
            if is_violation:
                violations.append(self._violation(path, domain, owner))
            elif owner is not None and owner.ownership is Ownership.SHARED:
                shared.append(path)
        divergence = None
        # An agent without a readable output reported nothing, which is no divergence.
        if taken.output:
            missing = sorted(observed.keys() - reported)
            divergence = Divergence(tuple(missing), tuple(sorted(reported - observed.keys())))
        return taken._replace(
            target=violated(taken) or taken.target if violations else taken.target,
            claims=tuple(claims),
            violations=tuple(violations),
            problems=(*taken.problems, *problems),
            divergence=divergence if divergence and (divergence[0] or divergence[1]) else None,
            shared_edits=tuple(shared),
        )

    def _violation(self, path: str, domain: str, owner: Domain | None) -> ViolationShown:
        if not steers(path):
            return ViolationShown(path, domain, owner.name if owner else UNASSIGNED)
        is_own = owner is not None and (owner.name == domain or owner.ownership is Ownership.SHARED)
        words = (self._wave.run_id, "--domain", domain, "--file", shlex.quote(path), "--reason", "'…'")
        detail = f"where the edit is wanted: `swarm lease grant {' '.join(words)}`, then `swarm resume`"
        return ViolationShown(path, domain, STEERS if is_own or owner is None else owner.name, detail)

    def _reported(self, taken: Intake) -> tuple[set[str], list[Problem]]:
        found: set[str] = set()
        problems: list[Problem] = []
        for position, named in enumerate(taken.output.get("files_changed", ())):
            try:
                found.add(safe_path(named, self._tracked, self._links))
            except ValueError as error:
                place = f"$.files_changed[{position}]"
                problems.append(Problem("PATH_UNSAFE", place, f"'{named[:120]}': {error}"))
        return found, problems

    def requests(self, intakes: Sequence[Intake]) -> tuple[list[LeaseRequest], dict[int, list[Problem]]]:
        """Return the files that agents ask a lease for, and by agent run the requests that name an unsafe path.

        A request for a file that the agent may edit anyway is left out.
        """
        found = []
        refused: dict[int, list[Problem]] = {}
        for taken in intakes:
            for position, asked in enumerate(taken.output.get("requests", ())):
                try:
                    path = safe_path(asked["file"], self._tracked, self._links)
                except ValueError as error:
                    problem = f"'{asked['file'][:120]}': {error}"
                    unsafe = Problem("PATH_UNSAFE", f"$.requests[{position}].file", problem)
                    refused.setdefault(taken.agent.id, []).append(unsafe)
                    continue
                request = LeaseRequest(taken.agent.domain, path, asked["reason"])
                if trespasses(self._owners, taken.agent.domain, path, self._leased.get(request.domain, _NO_LEASE)):
                    found.append(request)
        return found, refused
