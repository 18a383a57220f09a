"""Work on an order: the agent's processes, run and supervised by the code of `launch`, and what they leave."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from swarm import errors
from swarm.config import Config
from swarm.documents import read_bounded
from swarm.engine.messages import WorkOrder
from swarm.files import make_folder, write_whole
from swarm.git.runner import GitError
from swarm.rules.agent_events import AgentEvent
from swarm.rules.phases import Phase, is_audit
from swarm.rules.stalls import Terms
from swarm.runtimes import registry
from swarm.runtimes.environment import agent_environment
from swarm.runtimes.runtime import Job
from swarm.runtimes.supervisor import Orders
from swarm.store.attempts import Ending
from swarm.waves.launch.correction import answered
from swarm.waves.launch.supervision import MARK
from swarm.waves.trees.answers import make_ready
from swarm.waves.trees.sandbox_policies import agent_home, attempt_enclosure
from swarm.waves.worker.ground import WorkPlace, brought, site_of
from swarm.workspace import answer_in

# In a prompt, the place of the agent's worktree: on each machine it is another.
WORKTREE: Final = "@SWARM_WORKTREE@"
_FRAGMENT: Final = 900


class Done(NamedTuple):
    """The end of an attempt, with the answer, the work, and the logs that it left; secrets in logs are masked."""

    ending: Ending
    answer: bytes | None = None
    work: bytes | None = None
    stdout: bytes = b""
    stderr: bytes = b""
    untaken: tuple[str, ...] = ()


async def done(cache: Path, order: WorkOrder, prompt: str, config: Config, heard: Callable[[AgentEvent], None]) -> Done:
    """Work on an order whose base is here, and return its end. What keeps an attempt from a start is an end, too."""
    try:
        with site_of(cache, order) as site:
            return await _attempt(site, order, prompt, config, heard)
    except (errors.SwarmError, GitError, OSError) as error:
        return not_started(error)


def not_started(error: Exception) -> Done:
    """Return the end of an attempt that an error has kept from its start."""
    typed = error.typed() if isinstance(error, GitError) else error
    code = typed.code if isinstance(typed, errors.SwarmError) else "NOT_STARTED"
    return Done(Ending("not_started", 1, error_code=code, error_fragment=str(typed)[:_FRAGMENT]))


async def _attempt(
    site: WorkPlace, order: WorkOrder, prompt: str, config: Config, heard: Callable[[AgentEvent], None]
) -> Done:
    # By the worker's own configuration: an order brings no argument list.
    (ready,) = registry.all_ready(order.runtime, config, Phase(order.phase))
    runtime = ready.runtime
    folder = site.workspace.wave_folder(order.run, order.wave) / order.domain
    tree, kept = site.tree.path, folder / "output.json"
    job = Job(
        phase=Phase(order.phase),
        domain=order.domain,
        files=[],
        tree=tree,
        attempt_folder=folder / "attempt-1",
        prompt_path=folder / "prompt.md",
        output_path=answer_in(tree),
        config=config,
        is_review=order.review,
    )
    make_folder(job.attempt_folder)
    make_ready(tree)
    write_whole(job.prompt_path, prompt.replace(WORKTREE, str(tree)))
    with agent_home(runtime) as home:
        enclosure = attempt_enclosure(site.repository, site.workspace, config, runtime, job)._replace(own_home=home)
        job = job._replace(is_enclosed=enclosure.encloses)
        mark = dict(zip(MARK, (order.id, str(job.attempt_folder)), strict=True))
        orders = Orders(
            steps=runtime.steps(job),
            tree=tree,
            folder=job.attempt_folder,
            environment=agent_environment({**mark, **_variables(job)}),
            seconds=min(order.seconds, config.attempt_seconds),
            spawned=_ignore,
            mark=mark,
            enclosure=enclosure,
            terms=Terms(config.stalls, is_audit(job.phase), str(tree), str(job.output_path)),
            heard=heard,
        )
        added = config.runtimes.get(order.runtime)
        corrects = not runtime.is_analyzer and (added is None or added.corrections > 0)
        _, ending = await answered(runtime, job, kept, orders, corrects=corrects, held=())
    stdout, stderr = (_read(job.attempt_folder / name) or b"" for name in ("stdout.log", "stderr.log"))
    if ending.outcome != "success":
        return Done(ending, stdout=stdout, stderr=stderr)
    found = brought(site, order)
    return Done(ending, _read(kept), found.bundle, stdout, stderr, found.untaken)


def _variables(job: Job) -> dict[str, str]:
    return {
        "SWARM_OUTPUT_FILE": str(job.output_path),
        "SWARM_PROMPT_FILE": str(job.prompt_path),
        "SWARM_WORKTREE": str(job.tree),
        "SWARM_DOMAIN": job.domain,
    }


def _ignore(pid: int, start: str, moment: str) -> None:
    """No row of this machine keeps the process: the order's end is what its coordinator records."""
    del pid, start, moment


def _read(file: Path) -> bytes | None:
    with suppress(errors.BoundedJsonReadFailed, errors.BoundedJsonSizeLimit):
        return read_bounded(file)
    return None
