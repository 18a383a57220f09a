"""Errors of `collect` and bundles."""

from swarm.errors.catalogue import Severity, SwarmError


class CollectNoWave(SwarmError):
    code = "COLLECT_NO_WAVE"
    severity = Severity.MEDIUM
    text = "Run {run_id} has no dispatched wave to collect"
    advice = "run `swarm dispatch {run_id} <phase>` first, or after a wave that failed `swarm resume {run_id}`"
    when = "`collect` without a wave in flight"
    run_id: str


class CollectedAlready(CollectNoWave):
    """No wave is left to collect: an earlier call collected it, for example a call that was killed after its commit."""

    advice = "wave {number} is collected already; `swarm status {run_id}` shows what is next"
    number: int


class CollectUnknownDomain(SwarmError):
    code = "COLLECT_UNKNOWN_DOMAIN"
    severity = Severity.MEDIUM
    text = "Wave {number} has no agent for a domain '{name}'"
    advice = "its agents are: {names}"
    when = "`collect --domain NAME:PATH` names a domain without an agent in the wave"
    name: str
    number: int
    names: str


class BundleRefused(SwarmError):
    code = "BUNDLE_REFUSED"
    severity = Severity.HIGH
    text = "The bundle of {domain} is refused ({reason}): {problem}"
    advice = "make it of a single commit on the wave's: `git bundle create FILE {base}..{branch}`; nothing was taken"
    when = "a git bundle that an agent's work came in does not hold a single, harmless commit on the wave's commit"
    domain: str
    reason: str
    problem: str
    path: str
    base: str
    branch: str


class CollectUpsertError(SwarmError):
    code = "COLLECT_UPSERT_FAILED"
    severity = Severity.CRITICAL
    text = "upsertFindings failed for wave={number} ({findings_attempted} findings attempted): {problem}"
    advice = (
        "wave {wave_id} has artifacts persisted but findings missing — inspect with `swarm status`, then re-run "
        "`swarm collect` once the underlying SQLite issue is resolved (busy_timeout or fingerprint UNIQUE collision)"
    )
    when = "the findings part of collect failed; the evidence is kept, the wave is not collected"
    number: int
    wave_id: int
    findings_attempted: int
    problem: str
