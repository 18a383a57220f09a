"""Work on an order: the agent's processes, run and supervised by the code of `launch`, and what they leave."""

from typing import Final

from swarm import errors
from swarm.config import Config
from swarm.engine.objects import MOST_BYTES
from swarm.git.runner import GitError
from swarm.rules.phases import Phase, is_audit
from swarm.rules.stalls import Terms
from swarm.runtimes import registry
from swarm.runtimes.supervisor import Orders
from swarm.waves.launch.correction import answered
from swarm.waves.worker.aside import aside
from swarm.waves.worker.bases import Bases, WorkPlace
from swarm.waves.worker.done import STOPPED, Done, content, done_by, not_brought, not_started, too_large, with_logs
from swarm.waves.worker.ground import brought
from swarm.waves.worker.held_plan import refusal
from swarm.waves.worker.ready_tree import ready_tree
from swarm.waves.worker.taken_order import TakenOrder

# An agent that was cancelled is gone within six seconds.
_GRACE_SECONDS: Final = 4.0


async def done(bases: Bases, taken: TakenOrder, prompt: str, config: Config) -> Done:
    """Work on an order whose base is here, and return its end. What keeps an attempt from a start is an end, too."""
    try:
        async with bases.site_of(taken.order) as site:
            return await _attempt(site, taken, prompt, config)
    except (errors.SwarmError, GitError, OSError) as error:
        return not_started(error) if taken.left is None else not_brought(taken.left, error)


async def _attempt(site: WorkPlace, taken: TakenOrder, prompt: str, config: Config) -> Done:
    order = taken.order
    # By the worker's own configuration: an order brings no argument list.
    (ready,) = await aside(lambda: registry.all_ready(order.runtime, config, Phase(order.phase)))
    if (refused := refusal(order, config, ready)) is not None:
        return Done(refused)
    runtime = ready.runtime
    async with ready_tree(site, order, prompt, config, runtime) as start:
        job, kept = start.job, start.job.attempt_folder.with_name("output.json")
        if start.failed is not None:
            return with_logs(start.failed, job.attempt_folder / "setup")
        orders = Orders(
            steps=runtime.steps(job),
            tree=job.tree,
            folder=job.attempt_folder,
            environment=start.environment,
            seconds=min(order.seconds, config.attempt_seconds),
            spawned=_ignore,
            mark=start.mark,
            enclosure=start.enclosure,
            terms=Terms(config.stalls, is_audit(job.phase), str(job.tree), str(job.output_path)),
            heard=taken.progress.heard,
            grace=_GRACE_SECONDS,
        )
        try:
            ran, ending = await answered(runtime, job, kept, orders)
        except BaseException:
            # An agent that was ended has worked and cost until then.
            taken.left = with_logs(STOPPED, job.attempt_folder, taken.progress.used)
            raise
    ended = done_by(runtime, ran, ending, job.attempt_folder)
    if ending.outcome != "success":
        return ended
    taken.left = ended
    found = await aside(lambda: brought(site, order, start.made))
    if found.size > MOST_BYTES:
        return too_large(ended, found.size)
    return ended._replace(answer=content(kept), work=found.bundle, untaken=found.untaken)


def _ignore(pid: int, start: str, moment: str) -> None:
    """No row of this machine keeps the process: the order's end is what its coordinator records."""
    del pid, start, moment
