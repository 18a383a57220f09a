"""`fix`: approve, dispatch, launch, collect, merge, verify and deliver, in one call that can be called again."""

from swarm.config import Config
from swarm.results.fix import FixResult
from swarm.rules.decisions import Action
from swarm.store import assignments
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.dispatch.routing import approved_under
from swarm.waves.fix import delivery
from swarm.waves.fix.choices import newest_audit, nothing_to_fix
from swarm.waves.fix.ground import FixGround, FixRequest
from swarm.waves.fix.outcome import FixStory, shown
from swarm.waves.fix.plan import Round, phase_of, plan_fix
from swarm.waves.fix.unfinished import unfinished
from swarm.waves.fix.wave_steps import dispatched, take_through
from swarm.waves.prove.record_verification import write_receipts
from swarm.waves.triage.triage import Targets, triage
from swarm.workspace import Workspace


def fix(store: Store, workspace: Workspace, run: Run, request: FixRequest, config: Config) -> FixResult:
    """Fix the named and the approved findings of a run, and end with a verified branch.

    Goes on with what an interrupted call left: no wave is dispatched, launched or merged twice. Stops at the first step
    that says no, with the state as it is. Raises the errors of its steps, and FixNotAudited, FixNothingNamed,
    FixNothingToFix, FixNobody, FixBranchTaken, FixNoRemote, FixNotPushed.
    """
    config.hold_to_trusted("verify")
    ground = FixGround(store, workspace, run, request, config)
    audit = newest_audit(store.conn, run)
    wave = unfinished(ground)
    repository = ground.repository
    delivery.hold_to_delivery(ground)
    plan = plan_fix(store.conn, run, repository, request, config)
    story = FixStory(repository.head, audit.dispatch_sha, plan)
    if not plan.taken and wave is None and not delivery.is_due(ground):
        if not request.dry_run:
            # A call that was killed after its last commit has left them out.
            write_receipts(store.conn, workspace, run)
        raise nothing_to_fix(store.conn, run, request, plan)
    if request.dry_run:
        return shown(ground, story, wave)
    if plan.to_approve:
        triage(store, run, Action.APPROVE, Targets(tuple(plan.to_approve)), request.grounds)
    story = _fixed(ground, story, wave)
    if story.stopped is None and (story.has_merged or delivery.is_due(ground)):
        story = story._replace(delivered=delivery.deliver(ground))
    return shown(ground, story, None)


def _fixed(ground: FixGround, story: FixStory, wave: Wave | None) -> FixStory:
    """Take the unfinished wave and those of the plan through their steps."""
    if wave is not None:
        story = story.with_wave(take_through(ground, wave))
    for one in story.plan.rounds:
        if story.stopped is not None:
            break
        if not _is_left(ground, story, one):
            continue
        made, warnings = dispatched(ground, one)
        # Once a wave of this call is merged, that HEAD lacks its work is no news.
        notes = story.notes if story.has_merged else (*story.notes, *warnings)
        story = story._replace(notes=notes).with_wave(take_through(ground, made))
    return story


def _is_left(ground: FixGround, story: FixStory, one: Round) -> bool:
    """Say whether a round has a finding that is not fixed and that its runtime has not answered for in this story."""
    conn = ground.conn
    tried = {
        row
        for taken in story.taken
        if taken.wave.runtime == one.runtime
        for rows in assignments.assigned(conn, taken.wave.id).values()
        for row in rows
    }
    own = {each.finding.row_id for each in story.plan.taken if (phase_of(each.finding), each.runtime) == one}
    approved = {finding.row_id for finding in approved_under(conn, ground.run, one.phase)}
    return bool(own & approved - tried)
