"""`verify`: the gate of CI, by a build and by a second look at every claimed fix."""

import sqlite3
from pathlib import Path
from typing import Final, NamedTuple

from swarm.config import Config
from swarm.git import history
from swarm.git.repository import Repository, repository_at
from swarm.results.verify import Claims, VerifyResult
from swarm.rules.build_verdicts import BuildVerdict
from swarm.rules.phases import is_audit
from swarm.rules.states import WaveStatus
from swarm.store import fix_claims, merges, observations, receipts, transitions, verifications, waves
from swarm.store.connection import Store
from swarm.store.file_claims import has_changes
from swarm.store.fix_claims import Proved
from swarm.store.runs import Run
from swarm.store.verifications import ClaimCounts, KeptStep, NewVerification
from swarm.store.waves import Wave
from swarm.waves.prove import build as builds
from swarm.waves.prove.build import Bench
from swarm.waves.prove.proved_fixes import proved_at
from swarm.waves.prove.receipt_files import write_receipts
from swarm.waves.prove.second_look import Question, commit_to_look_at, look
from swarm.waves.trees.integration import unpublished
from swarm.workspace import Workspace

# The phase of a verification that counts for none: it looked at a commit that the run has left, or never came to.
ELSEWHERE: Final = "elsewhere"
_VERIFIABLE: Final = (WaveStatus.COLLECTED, WaveStatus.VERIFIED, WaveStatus.ADVANCED)


class Wish(NamedTuple):
    """What a caller asks of a verification."""

    threshold: int = 0
    revision: str | None = None
    adapter: str | None = None
    probe_only: bool = False


def verify(store: Store, workspace: Workspace, run: Run, wish: Wish, config: Config) -> VerifyResult:
    """Prove a commit by its build and by a second look at every fixed and every claimed finding; keep a receipt.

    The commit is the one asked for, else the integration branch that HEAD does not have yet, else HEAD. A collected
    wave becomes verified when all is well. Raises BuildAdapterUnknown, RepoNotFound and what git says.
    """
    repository = repository_at(Path(run.local_path))
    commit = commit_to_look_at(store.conn, run, repository, wish.revision)
    newest = waves.newest(store.conn, run.id)
    wave = newest if newest is not None and newest.status in _VERIFIABLE else None
    is_current = commit in {repository.head, unpublished(store.conn, run, repository)}
    note = None
    if wave is not None and not _holds(store.conn, repository, wave, commit, is_current=is_current):
        note = f"{commit[:12]} does not hold the work of wave {wave.number}, and proves nothing of it"
        wave = None
    bench = Bench(repository, workspace, run, config, wish.adapter)
    if wish.probe_only:
        return _probed(store.conn, bench, wave, commit, wish)
    build = bench.build(commit)
    seen = look(store.conn, bench, commit, Question.FIXED)
    code = max(seen.exit_code(wish.threshold), int(build.verdict is not BuildVerdict.PASS))
    proved: list[Proved] = []
    ended = waves.newest_ended(store.conn, run.id)
    if build.verdict is BuildVerdict.PASS and ended is not None and _is_ours(store.conn, run, repository, commit):
        proved = proved_at(store.conn, bench, commit, ended.number, answers=seen.answers)
    result = VerifyResult(
        run_id=run.id,
        wave_id=wave.id if wave else None,
        wave_number=wave.number if wave else None,
        phase=run.status if is_current or wave is not None else ELSEWHERE,
        commit_sha=commit,
        verdict=build.verdict.value,
        adapter=build.adapter,
        steps=builds.shown_steps(build),
        test_count=build.test_count,
        claims=Claims(seen.summary, seen.offending),
        threshold=wish.threshold,
        threshold_exceeded=len(seen.offending) > wish.threshold,
        exit_code=code,
        fixed=(),
        verification_id=None,
        receipt_id=None,
        probes=None,
        note=note,
        next_action=f"swarm status {run.id}",
    )
    result = _record(store, run, wave, result, builds.kept_steps(build), proved)
    write_receipts(store.conn, workspace, run)
    return result


def _holds(conn: sqlite3.Connection, repository: Repository, wave: Wave, commit: str, *, is_current: bool) -> bool:
    """Say whether a commit holds what a wave came to: of an amend wave the newest merge, of any other where we are."""
    if is_audit(wave.phase) or not wave.isolated or not has_changes(conn, wave.id):
        return is_current
    merged = merges.merges_of(conn, wave.id)
    return bool(merged) and history.is_ancestor(repository.git, merged[-1].commit_sha, commit)


def _probed(conn: sqlite3.Connection, bench: Bench, wave: Wave | None, commit: str, wish: Wish) -> VerifyResult:
    """Return which adapter would prove the checkout, and with what score each fits; nothing is run or recorded."""
    from swarm.builds import registry

    root = bench.repository.root
    adapter = bench.chosen(root)
    seen = look(conn, bench, commit, Question.FIXED)
    steps = adapter.steps(root, root) if adapter else []
    return VerifyResult(
        run_id=bench.run.id,
        wave_id=wave.id if wave else None,
        wave_number=wave.number if wave else None,
        phase=bench.run.status,
        commit_sha=commit,
        verdict=BuildVerdict.SKIP.value,
        adapter=adapter.name if adapter else None,
        steps=tuple(builds.planned_step(step) for step in steps),
        test_count=None,
        claims=Claims(seen.summary, seen.offending),
        threshold=wish.threshold,
        threshold_exceeded=len(seen.offending) > wish.threshold,
        exit_code=int(adapter is None),
        fixed=(),
        verification_id=None,
        receipt_id=None,
        probes=registry.probe_all(root, bench.config.verify),
        note=None,
        next_action=f"swarm verify {bench.run.id}",
    )


def _named(conn: sqlite3.Connection, run: Run, proved: list[Proved]) -> tuple[str, ...]:
    rows = {one.finding for one in proved}
    return tuple(sorted(claim.finding_id for claim in fix_claims.standing(conn, run.id) if claim.finding in rows))


def _is_ours(conn: sqlite3.Connection, run: Run, repository: Repository, commit: str) -> bool:
    """Say whether a commit is what the run came to, and not only a branch that nobody has merged."""
    tips = (repository.head, unpublished(conn, run, repository))
    return any(tip is not None and history.is_ancestor(repository.git, commit, tip) for tip in tips)


def _record(
    store: Store, run: Run, wave: Wave | None, result: VerifyResult, steps: tuple[KeptStep, ...], proved: list[Proved]
) -> VerifyResult:
    with store.mutation() as conn:
        proved = fix_claims.still_claimed(conn, run.id, proved)
        result = result._replace(fixed=_named(conn, run, proved))
        claims = ClaimCounts(*result.claims.summary, offending=len(result.claims.offending))
        made = verifications.add_verification(
            conn,
            NewVerification(
                run_id=run.id,
                wave_id=result.wave_id,
                phase=result.phase,
                purpose="verify",
                commit_sha=result.commit_sha,
                verdict=result.verdict,
                adapter=result.adapter,
                steps=steps,
                test_count=result.test_count,
                claims=claims,
                threshold=result.threshold,
                exit_code=result.exit_code,
            ),
        )
        receipt = receipts.add_receipt(conn, run.id, result.wave_id, made.id, _receipt(result, made.id))
        observations.prove(conn, run.id, result.wave_id, proved)
        now = waves.newest(conn, run.id)
        is_ours = wave is not None and now is not None and now.id == wave.id
        if result.exit_code == 0 and is_ours and now is not None and now.status is WaveStatus.COLLECTED:
            reason = f"verification {made.id} of {result.commit_sha[:12]}"
            transitions.move_wave(conn, now, WaveStatus.VERIFIED, reason=reason)
    return result._replace(verification_id=made.id, receipt_id=receipt.id)


def _receipt(result: VerifyResult, verification_id: int) -> dict[str, object]:
    return {
        "kind": "verification",
        "verificationId": verification_id,
        "runId": result.run_id,
        "waveNumber": result.wave_number,
        "phase": result.phase,
        "commitSha": result.commit_sha,
        "verdict": result.verdict,
        "adapter": result.adapter,
        "testCount": result.test_count,
        "steps": [
            {
                "name": step.name,
                "kind": step.kind,
                "argv": list(step.argv),
                "status": step.status,
                "exitCode": step.exit_code,
            }
            for step in result.steps
        ],
        "claims": result.claims.summary._asdict(),
        "offending": [
            {"findingId": row.finding_id, "classification": row.classification, "evidence": row.evidence}
            for row in result.claims.offending
        ],
        "fixed": list(result.fixed),
        "threshold": result.threshold,
        "exitCode": result.exit_code,
    }
