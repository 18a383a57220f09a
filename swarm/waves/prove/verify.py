"""Use case `verify`: the build of a commit, a second look at its findings, and a receipt of both."""

import sqlite3
from pathlib import Path
from typing import Final, NamedTuple

from swarm.builds.adapter import BuildResult
from swarm.config import Config
from swarm.git.repository import repository_at
from swarm.results.verify import Claims, VerifyResult
from swarm.rules.build_verdicts import UNTESTED, BuildVerdict
from swarm.rules.no_worse import TestsSeen, fewer_tests
from swarm.store import waves
from swarm.store.connection import Store
from swarm.store.fix_claims import Proved
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.prove import build as builds
from swarm.waves.prove.build import Prover, planned_step
from swarm.waves.prove.check_findings import FindingsCheck, Question, check_findings
from swarm.waves.prove.commit_to_prove import (
    base_of_merge,
    belongs_to_run,
    commit_to_prove,
    is_current,
    known_tests,
    names_of_tests,
    proved_wave,
    verifications_of_files,
)
from swarm.waves.prove.gate_builds import GateBuilds
from swarm.waves.prove.merge_gate import FEWER_TESTS, NO_TESTS, NO_WORSE
from swarm.waves.prove.proved_fixes import proved_at
from swarm.waves.prove.record_verification import record, write_receipts
from swarm.workspace import Workspace

# The phase of a verification that counts for none: its commit is one that the run has left, or never reached.
ELSEWHERE: Final = "elsewhere"


class VerifyOptions(NamedTuple):
    """The options of one verification. `keeps_builds` takes the build of the same files that a merge has made."""

    threshold: int = 0
    revision: str | None = None
    adapter: str | None = None
    probe_only: bool = False
    accept: tuple[str, ...] = ()
    reason: str | None = None
    keeps_builds: bool = False


def verify(store: Store, workspace: Workspace, run: Run, options: VerifyOptions, config: Config) -> VerifyResult:
    """Prove a commit by its build and by a second look at every fixed and every claimed finding; keep a receipt.

    A collected wave becomes verified when the build passes and the findings hold. Raises BuildAdapterUnknown,
    RepoNotFound, ConfigUntrusted, and errors of git.
    """
    # Another adapter in place of untrusted steps would prove less than the repository asks for, and say "verified".
    config.hold_to_trusted("verify")
    repository = repository_at(Path(run.local_path))
    commit = commit_to_prove(store.conn, run, repository, options.revision)
    wave, note = proved_wave(store.conn, run, repository, commit)
    prover = Prover(repository, workspace, run, config, options.adapter)
    if options.probe_only:
        return _probe(store.conn, prover, wave, commit, options.threshold)
    if options.keeps_builds and wave is not None:
        build = GateBuilds(store, wave, prover).of(commit).build
    else:
        build = prover.build(commit)
    check = check_findings(store.conn, prover, commit, Question.FIXED)
    result = _result(prover, commit, build, check, options)._replace(note=_notes(note, builds.lack_note(build)))
    result = _without_tests(_no_worse(store, prover, result, build, check, options), check, options)
    result = _with_base(store.conn, prover, result, options)
    if wave is not None:
        result = result._replace(wave_id=wave.id, wave_number=wave.number)
    elif not is_current(store.conn, run, repository, commit):
        result = result._replace(phase=ELSEWHERE)
    is_proof = build.verdict is BuildVerdict.PASS or result.accepted == NO_WORSE
    proved = _proved(store.conn, prover, commit, check) if is_proof else []
    result = record(store, run, result, builds.kept_steps(build), proved)
    write_receipts(store.conn, workspace, run)
    return result


def _without_tests(result: VerifyResult, check: FindingsCheck, options: VerifyOptions) -> VerifyResult:
    """Return a result in which it is accepted that no test ran, and the claims alone count, or that says how."""
    if result.verdict not in UNTESTED:
        return result
    if NO_TESTS not in options.accept:
        remedy = f"`swarm verify {result.run_id} --accept {NO_TESTS} --reason '…'` counts the findings alone"
        return result._replace(note=_notes(f"no test ran; {remedy}", result.note))
    note = _notes("no test ran, which was accepted: only the second look at the findings counts", result.note)
    exit_code = check.exit_code(options.threshold)
    return result._replace(accepted=NO_TESTS, reason=options.reason, exit_code=exit_code, note=note)


def _no_worse(
    store: Store, prover: Prover, result: VerifyResult, build: BuildResult, check: FindingsCheck, options: VerifyOptions
) -> VerifyResult:
    """Accept the build of a merge whose tests pass, and whose other steps were as red below the wave's work."""
    # A green build, which is nearly every build, asks for no gate: to make one looks through all installed packages.
    base = base_of_merge(store.conn, prover.run, result.commit_sha) if builds.is_red(build) else None
    wave = waves.newest_amend(store.conn, prover.run.id) if base is not None else None
    if base is None or wave is None:
        return result
    steps = GateBuilds(store, wave, prover).no_worse(build, base[1])
    if not steps:
        return result
    reason = f"{', '.join(steps)} is no worse than in {base[1][:12]}"
    note = f"red without this work, too, and no worse with it: {', '.join(steps)}; the tests pass"
    exit_code = check.exit_code(options.threshold)
    return result._replace(accepted=NO_WORSE, reason=reason, exit_code=exit_code, note=_notes(note, result.note))


def _with_base(conn: sqlite3.Connection, prover: Prover, result: VerifyResult, options: VerifyOptions) -> VerifyResult:
    """Hold a merge of the newest amend wave to the tests that ran below the wave's work."""
    run, git, commit = prover.run, prover.repository.git, result.commit_sha
    base = base_of_merge(conn, run, commit)
    if base is None:
        return result
    before = known_tests(conn, prover, *base)
    result = result._replace(base_test_count=before.number)
    now = TestsSeen(result.test_count, names_of_tests(prover, [step.log for step in result.steps]))
    ran = result.verdict == BuildVerdict.PASS.value or result.accepted == NO_WORSE
    fewer = fewer_tests(now, before) if ran else None
    if fewer is None:
        return result
    earlier = [known.accepted for known in verifications_of_files(conn, git, run, commit)]
    reason = options.reason or ("accepted earlier" if FEWER_TESTS in earlier else None)
    if reason is not None:
        noted = _notes(result.note, f"{fewer}, accepted")
        reasons = _notes(fewer, reason, result.reason)
        return result._replace(note=noted, accepted=FEWER_TESTS, reason=reasons)
    remedy = f"`swarm verify {run.id} --accept {FEWER_TESTS} --reason '…'` accepts that"
    warning = f"fewer tests than in {base[1][:12]}: {fewer}; {remedy}"
    return result._replace(note=_notes(result.note, warning), exit_code=max(result.exit_code, 1))


def _notes(*notes: str | None) -> str | None:
    return "; ".join(filter(None, notes)) or None


def _proved(conn: sqlite3.Connection, prover: Prover, commit: str, check: FindingsCheck) -> list[Proved]:
    """Return the claimed fixes that a commit of the run proves."""
    ended = waves.newest_ended(conn, prover.run.id)
    if ended is None or not belongs_to_run(conn, prover.run, prover.repository, commit):
        return []
    return proved_at(conn, prover, commit, ended.number, answers=check.answers)


def _result(
    prover: Prover, commit: str, build: BuildResult, check: FindingsCheck, options: VerifyOptions
) -> VerifyResult:
    return VerifyResult(
        run_id=prover.run.id,
        wave_id=None,
        wave_number=None,
        phase=prover.run.status,
        commit_sha=commit,
        verdict=build.verdict.value,
        adapter=build.adapter,
        steps=builds.shown_steps(build),
        test_count=build.test_count,
        claims=Claims(check.summary, check.offending),
        threshold=options.threshold,
        threshold_exceeded=len(check.offending) > options.threshold,
        exit_code=max(check.exit_code(options.threshold), int(build.verdict is not BuildVerdict.PASS)),
        fixed=(),
        verification_id=None,
        receipt_id=None,
        probes=None,
        note=None,
        next_action=f"swarm status {prover.run.id}",
        isolation=build.isolation,
    )


def _probe(conn: sqlite3.Connection, prover: Prover, wave: Wave | None, commit: str, threshold: int) -> VerifyResult:
    """Return the adapter that would prove the checkout, its steps, the score of each adapter, and the second check."""
    from swarm.builds import registry

    root = prover.repository.root
    adapter = prover.chosen(root)
    check = check_findings(conn, prover, commit, Question.FIXED)
    steps = adapter.steps(root, prover.checkout(commit)) if adapter else []
    return VerifyResult(
        run_id=prover.run.id,
        wave_id=wave.id if wave else None,
        wave_number=wave.number if wave else None,
        phase=prover.run.status,
        commit_sha=commit,
        verdict=BuildVerdict.SKIP.value,
        adapter=adapter.name if adapter else None,
        steps=tuple(planned_step(step) for step in steps),
        test_count=None,
        claims=Claims(check.summary, check.offending),
        threshold=threshold,
        threshold_exceeded=len(check.offending) > threshold,
        exit_code=int(adapter is None),
        fixed=(),
        verification_id=None,
        receipt_id=None,
        probes=registry.probe_all(root, prover.config.verify),
        note=None,
        next_action=f"swarm verify {prover.run.id}",
    )
