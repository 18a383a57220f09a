"""Outcome of a fix, read from the control plane: each finding with its state and evidence, the waves, the proof."""

import shlex
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from swarm.results.fix import FindingToFix, FixProof, FixResult, FixWave
from swarm.results.verify import BuildShown, VerifyResult
from swarm.rules.findings import Observation
from swarm.rules.ref_names import integration_branch
from swarm.rules.states import AgentRunStatus
from swarm.store import agent_runs, assignments, findings, fix_claims
from swarm.store.agent_runs import AgentRun
from swarm.store.findings import Finding, Selection
from swarm.store.waves import Wave
from swarm.waves.fix.choices import words_of
from swarm.waves.fix.delivery import Delivered
from swarm.waves.fix.ground import FixGround
from swarm.waves.fix.plan import Candidate, FixPlan
from swarm.waves.fix.wave_steps import WaveEnd, work_branches


class FixStory(NamedTuple):
    """A fix as far as it came: its plan, the waves that it took through their steps, and where the commit went."""

    head: str
    audited: str
    plan: FixPlan
    taken: tuple[WaveEnd, ...] = ()
    notes: tuple[str, ...] = ()
    delivered: Delivered | None = None

    def with_wave(self, taken: WaveEnd) -> "FixStory":
        """Return the story with one more wave."""
        return self._replace(taken=(*self.taken, taken))

    @property
    def stopped(self) -> WaveEnd | None:
        """The wave that stopped the fix."""
        return next((one for one in self.taken if one.stopped_at is not None), None)

    @property
    def has_merged(self) -> bool:
        """Whether a wave of the story is in a merged commit."""
        return any(one.proof is not None for one in self.taken)

    @property
    def proof(self) -> VerifyResult | None:
        """The newest verification of the story."""
        own = [one.proof for one in self.taken if one.proof is not None]
        return (self.delivered.proof if self.delivered else None) or (own[-1] if own else None)


class _Given(NamedTuple):
    """A finding that a wave was given: the wave, the agent's domain and runtime, and the answer."""

    wave: Wave
    domain: str
    answer: str
    is_claimed: bool


def shown(ground: FixGround, story: FixStory, unfinished: Wave | None) -> FixResult:
    """Return the record of a fix; `unfinished` is the wave that a dry run found, and would go on with."""
    delivered, proof = story.delivered, story.proof
    waves = tuple(
        _wave(ground, wave) for wave in [*(one.wave for one in story.taken), *([unfinished] if unfinished else [])]
    )
    every = tuple(_findings(ground, story))
    failed = bool(delivered and delivered.proof and delivered.proof.exit_code)
    stop = story.stopped
    # Without named findings, the approved ones are what was asked for.
    asked = [one for one in every if one.is_named or ground.request.targets is None]
    is_short = not ground.request.dry_run and any(one.state != "fixed" for one in asked)
    code = stop.exit_code if stop else int(failed or is_short)
    result = FixResult(
        run_id=ground.run.id,
        dry_run=ground.request.dry_run,
        commit=story.head,
        audited=story.audited,
        findings=every,
        waves=waves,
        branch=delivered.branch if delivered else (integration_branch(ground.run.hex) if proof else None),
        fixed_commit=delivered.commit if delivered else (proof.commit_sha if proof else None),
        published=delivered.published if delivered else False,
        proof=_proof(proof) if proof else None,
        stopped_at=stop.stopped_at if stop else ("verify" if failed else None),
        notes=(*_unseen(story), *story.notes),
        exit_code=code,
        next_action="",
        pushed=delivered.pushed if delivered else None,
    )
    return result._replace(next_action=_next(ground, story, result))


def _unseen(story: FixStory) -> Iterator[str]:
    if story.head != story.audited:
        yield (
            f"HEAD is {story.head[:12]}, and the newest audit looked at {story.audited[:12]}: `swarm audit` finds what"
            " is new since"
        )


def _next(ground: FixGround, story: FixStory, result: FixResult) -> str:
    run = ground.run.id
    if ground.request.dry_run:
        runtime = f" --runtime {shlex.quote(ground.request.runtime)}" if ground.request.runtime else ""
        return " ".join(f"swarm fix {run} {words_of(ground.request)}{runtime}".split())
    if story.stopped is not None:
        return story.stopped.next_action
    if result.stopped_at is not None:
        return f"swarm verify-fixed {run}"
    if result.pushed is not None:
        return result.pushed.command or f"swarm status {run}"
    if result.branch is not None and not result.published:
        return f"git merge {shlex.quote(result.branch)}"
    return f"swarm findings {run}" if result.branch is None else f"swarm status {run}"


def _wave(ground: FixGround, wave: Wave) -> FixWave:
    return FixWave(wave.number, wave.phase, wave.runtime, wave.status, work_branches(ground.conn, wave))


def _proof(proof: VerifyResult) -> FixProof:
    build = BuildShown(
        verdict=proof.verdict,
        adapter=proof.adapter,
        steps=proof.steps,
        test_count=proof.test_count,
        flaky=False,
        accepted=proof.accepted,
        isolation=proof.isolation,
    )
    summary = proof.claims.summary
    return FixProof(
        commit=proof.commit_sha,
        build=build,
        claims_held=summary.verified,
        claims=summary.total,
        is_proved=proof.exit_code == 0,
        receipt_id=proof.receipt_id,
        note=proof.note,
    )


def _findings(ground: FixGround, story: FixStory) -> Iterator[FindingToFix]:
    """Yield the findings of the plan and those that the waves were given, as they stand now."""
    planned = {one.finding.row_id: one for one in (*story.plan.taken, *story.plan.left_out)}
    every = list(findings.select(ground.conn, ground.run.id, Selection()))
    given = _given(ground, story, every)
    for finding in every:
        if finding.row_id in planned or finding.row_id in given:
            one, gift = planned.get(finding.row_id), given.get(finding.row_id)
            state, reason = _state(finding, one, gift, is_dry=ground.request.dry_run)
            yield FindingToFix(
                finding_id=finding.finding_id,
                severity=finding.severity,
                rule=finding.rule_id or finding.category,
                file=one.finding.file if one else finding.file,
                line=one.finding.line if one else finding.line,
                description=finding.description,
                is_named=finding.row_id in story.plan.named,
                state=state,
                reason=reason,
                domain=gift.domain if gift else (one.domain if one else None),
                runtime=gift.wave.runtime if gift else (one.runtime if one else None),
                wave=gift.wave.number if gift else None,
            )


def _given(ground: FixGround, story: FixStory, every: Sequence[Finding]) -> dict[int, _Given]:
    """Return, by row, the findings that the waves were given; of several waves the last counts."""
    ids = {finding.row_id: finding.finding_id for finding in every}
    found: dict[int, _Given] = {}
    for one in story.taken:
        agents = {agent.id: agent for agent in agent_runs.all_of(ground.conn, one.wave.id)}
        skipped = {fix.finding_id: fix.told for fix in one.wave.result.skipped_fixes} if one.wave.result else {}
        claims = {claim.finding: claim for claim in fix_claims.of_wave(ground.conn, one.wave.id)}
        for agent_id, rows in assignments.assigned(ground.conn, one.wave.id).items():
            agent = agents[agent_id]
            for row in rows:
                claim = claims.get(row)
                answer = f"{claim.description}; {claim.evidence}" if claim else skipped.get(ids.get(row, ""), "")
                found[row] = _Given(one.wave, agent.domain, answer or _unanswered(agent), claim is not None)
    return found


def _unanswered(agent: AgentRun) -> str:
    """Return why an agent run gave no answer that counts for a finding."""
    if agent.error is not None:
        # An agent that reports success and touches files of others has answered: what it did is why nothing counts.
        return f"{agent.status}: {agent.error}"
    is_done = agent.status is AgentRunStatus.COMPLETE
    return "its agent does not name it among its fixes" if is_done else "no agent has answered yet"


def _state(finding: Finding, planned: Candidate | None, given: _Given | None, *, is_dry: bool) -> tuple[str, str]:
    """Return the state of a finding, and its evidence or the reason why it is not fixed."""
    if finding.observation == Observation.FIXED:
        return "fixed", f"{finding.evidence or ''}: {finding.observation_reason or ''}".strip(": ")
    if given is not None:
        if given.is_claimed:
            return "claimed", given.answer
        return "not_fixed", given.answer
    if planned is not None and planned.reason:
        return "left_out", planned.reason
    return ("planned", "") if is_dry else ("not_fixed", "no wave was given it")
