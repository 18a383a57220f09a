"""Fixes that amend agents report: which are accepted as claims, and the evidence of each in the agent's own tree."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from swarm.git.repository import contents, files_at
from swarm.git.runner import Git
from swarm.results.collect import ClaimedFix, SkippedFix
from swarm.rules.decisions import CLOSED
from swarm.rules.findings import Decision, Observation
from swarm.rules.ownership import OwnershipMap
from swarm.rules.safe_paths import safe_path
from swarm.rules.suppressions import MARK, without_comment
from swarm.rules.verification import verify_fixed
from swarm.store.findings import KnownFinding
from swarm.store.fix_claims import NewFixClaim
from swarm.store.waves import Wave
from swarm.waves.collect.outputs import Intake
from swarm.waves.places import inspection_of, places_at

LONGEST_TEXT: Final = 400


class Fixes(NamedTuple):
    """Claims of an amend wave as rows and as they are shown, and the fixes that were not accepted."""

    claims: tuple[NewFixClaim, ...]
    shown: tuple[ClaimedFix, ...]
    skipped: tuple[SkippedFix, ...]


def judge_fixes(
    git: Git,
    wave: Wave,
    owners: OwnershipMap,
    intakes: Sequence[Intake],
    known: Sequence[KnownFinding],
    assigned: Mapping[int, Sequence[int]],
) -> Fixes:
    """Accept fixes of complete agents as claims, each with the evidence of the agent's own tree."""
    # Agents copy ids by hand, so case does not count.
    by_id = {item.finding_id.upper(): item for item in known}
    by_row = {item.known.row_id: item for item in known}
    paths = _paths_at(git, wave, intakes, by_id)
    claims: list[NewFixClaim] = []
    shown: list[ClaimedFix] = []
    skipped: list[SkippedFix] = []
    for taken in intakes:
        if not taken.is_complete:
            continue
        domain = taken.agent.domain
        accepted, refused = _sifted(taken, by_id, owners, paths)
        left = [
            SkippedFix(skip["finding_id"], domain, "skipped_by_agent", skip["reason"][:LONGEST_TEXT])
            for skip in taken.output.get("skipped", ())
        ]
        skipped += refused + left
        named = (by_id.get(skip.finding_id.upper()) for skip in refused + left)
        # A refused or skipped finding is answered too: only silence about an assigned finding is a declaration lost.
        answered = accepted.keys() | {item.known.row_id for item in named if item is not None}
        for row in assigned.get(taken.agent.id, ()):
            # A finding that was closed while the agent worked needs no answer.
            if row not in answered and row in by_row and not _is_closed(by_row[row]):
                text = "it was given to this agent, which said nothing of it"
                skipped.append(SkippedFix(by_row[row].finding_id, domain, "unanswered", text))
        skipped += _silencers(git, wave, taken)
        for claim, fix in _claims(git, wave, taken, accepted):
            claims.append(claim)
            shown.append(fix)
    return Fixes(tuple(claims), tuple(shown), tuple(skipped))


def _sifted(
    taken: Intake, by_id: Mapping[str, KnownFinding], owners: OwnershipMap, paths: Mapping[int, str]
) -> tuple[dict[int, tuple[KnownFinding, str, str | None]], list[SkippedFix]]:
    """Part an agent's fixes into accepted ones, by row of their finding, and refused ones."""
    accepted: dict[int, tuple[KnownFinding, str, str | None]] = {}
    refused: list[SkippedFix] = []
    for fix in taken.output.get("fixes", ()):
        item = by_id.get(fix["finding_id"].upper())
        reason = _refusal(item, taken.agent.domain, owners, paths)
        if item is None or reason is not None:
            text = fix["description"][:LONGEST_TEXT]
            refused.append(SkippedFix(fix["finding_id"], taken.agent.domain, reason or "unknown_id", text))
        else:
            # The first fix of a finding counts: the table allows a claim per agent run and finding.
            accepted.setdefault(item.known.row_id, (item, fix["description"], fix.get("file")))
    return accepted, refused


def _silencers(git: Git, wave: Wave, taken: Intake) -> list[SkippedFix]:
    """Return the suppressing comments that an agent added.

    Deciding about findings is the coordinator's: the fix would be to silence the report.
    """
    if taken.work is None:
        return []
    # As git shows: an agent would not report the file in which it silences a finding.
    wanted = {claim.path for claim in taken.claims if claim.observed}
    if not wanted:
        return []
    before, after = (_suppressing(git, tree, wanted) for tree in (wave.dispatch_sha, taken.work.tree))
    return [
        SkippedFix(f"{path}:{line}", taken.agent.domain, "silenced", text[:LONGEST_TEXT])
        for path, comments in after.items()
        for text, lines in comments.items()
        # Comments are counted by their text: a comment that only moved is not new.
        for line in lines[len(before.get(path, {}).get(text, ())) :]
    ]


def _suppressing(git: Git, tree: str, wanted: Collection[str]) -> dict[str, dict[str, list[int]]]:
    """Return, by path and text, the numbers of the lines with a suppressing comment."""
    blobs = [(file.path, file.blob) for file in files_at(git, tree) if file.path in wanted]
    found: dict[str, dict[str, list[int]]] = {}
    for path, content in contents(git, blobs):
        # On the bytes first: nearly no file has the mark, and decoding all touched files is slow.
        if MARK.encode() not in content:
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), 1):
            if (code := without_comment(line)) != line:
                text = " ".join(line[len(code) :].split())
                found.setdefault(path, {}).setdefault(text, []).append(number)
    return found


def dropped(skipped: Collection[SkippedFix]) -> list[str]:
    """Return the declarations of agents that were not accepted, and the assigned findings without an answer."""
    # What an agent skipped with a reason, or what was closed or not approved, is answered and not lost.
    lost = ("unknown_id", "unowned", "unanswered", "silenced")
    return [f"{fix.finding_id} of {fix.domain}: {fix.reason}" for fix in skipped if fix.reason in lost]


def _is_closed(item: KnownFinding) -> bool:
    return item.observation == Observation.FIXED or item.decision in CLOSED


def _paths_at(git: Git, wave: Wave, intakes: Sequence[Intake], by_id: Mapping[str, KnownFinding]) -> dict[int, str]:
    """Return the paths of claimed findings at the wave's commit: their owner there may fix them."""
    named = {fix["finding_id"].upper() for taken in intakes for fix in taken.output.get("fixes", ())}
    items = [by_id[name].known for name in sorted(named) if name in by_id]
    places = places_at(git, items, wave.dispatch_sha)
    return {item.row_id: places[item.row_id].path or item.anchor.path for item in items if item.anchor is not None}


def _refusal(item: KnownFinding | None, domain: str, owners: OwnershipMap, paths: Mapping[int, str]) -> str | None:
    if item is None:
        return "unknown_id"
    # In this order: a closed finding is not approved either, and closed is the plainer reason.
    if _is_closed(item):
        return "already_closed"
    if item.decision != Decision.APPROVED:
        return "not_approved"
    path = paths.get(item.known.row_id)
    owner = owners.owner_of(path) if path is not None else None
    name = owner.name if owner else (item.domain if path is None else None)
    return None if name == domain else "unowned"


def _claims(
    git: Git, wave: Wave, taken: Intake, accepted: Mapping[int, tuple[KnownFinding, str, str | None]]
) -> list[tuple[NewFixClaim, ClaimedFix]]:
    if not accepted:
        return []
    # The judged tree, not the working files: what merge publishes is what the evidence must be about.
    until = taken.work.tree if taken.work else wave.dispatch_sha
    places = places_at(git, [item.known for item, _, _ in accepted.values()], until)
    found = []
    for row, (item, description, named) in accepted.items():
        file = _safe(named)
        seen = verify_fixed(inspection_of(places[row]))
        # A fix without evidence in the agent's tree is kept as a claim: the merged commit may still prove the fix.
        via = seen.verified_via if seen.classification == "verified" else "unverifiable"
        claim = NewFixClaim(
            wave_id=wave.id,
            agent_run_id=taken.agent.id,
            finding=row,
            description=description[:4000],
            file=file,
            verified_via=via,
            evidence=seen.evidence,
        )
        found.append((claim, ClaimedFix(item.finding_id, taken.agent.domain, via, seen.evidence)))
    return found


def _safe(named: str | None) -> str | None:
    try:
        # Only shown, so an unsafe path is dropped instead of refusing the fix.
        return safe_path(named, (), frozenset()) if named else None
    except ValueError:
        return None
