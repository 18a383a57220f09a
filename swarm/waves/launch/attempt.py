"""Attempt of an agent: its row before a process is spawned, its processes, its output, its record."""

import functools
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from swarm.files import make_folder
from swarm.rules.states import AgentRunStatus
from swarm.runtimes.environment import agent_environment
from swarm.runtimes.runtime import Job
from swarm.runtimes.supervisor import Orders, Ran
from swarm.store import attempts, digests
from swarm.store.agent_runs import AgentRun
from swarm.store.attempts import Attempt, Ending
from swarm.waves.launch import attempt_files, seals
from swarm.waves.launch.attempt_rows import (
    Plan,
    attempt_folder,
    close_attempt,
    emit_end,
    open_attempt,
    record_process,
    record_said,
)
from swarm.waves.launch.correction import answered
from swarm.waves.launch.ground import WaveLaunch
from swarm.waves.launch.recovery import Course
from swarm.waves.launch.supervision import marked
from swarm.waves.trees.answers import answer_file, make_ready
from swarm.waves.trees.fresh_tree import left_in, patch_of
from swarm.waves.trees.sandbox_policies import agent_home, attempt_enclosure
from swarm.waves.trees.set_up import NewTree
from swarm.waves.trees.tree_ground import ground_of

_NOTHING_RAN: Final = Ran(
    results=(),
    failed=None,
    exit_code=None,
    signal=None,
    timed_out=False,
    spawned=None,
    first_output=None,
    last_progress=None,
    duration_ms=0,
    fragment="",
)


async def attempt(wave_launch: WaveLaunch, agent: AgentRun, before: list[Attempt]) -> None:
    """Make attempts of an agent, until one succeeds or no other would help."""
    course = Course(wave_launch, agent)
    while course.goes_on:
        with agent_home(course.launch.runtime) as home:
            agent, before = await _with_runtime(course, agent, before, home)


async def _with_runtime(
    course: Course, agent: AgentRun, before: list[Attempt], home: Path | None
) -> tuple[AgentRun, list[Attempt]]:
    """Make attempts with a runtime, until none follows or the next one has another runtime."""
    launch = course.launch
    while course.goes_on and course.launch is launch:
        # Without a quota the agent stays dispatched, for a later launch.
        if not await launch.gate.admits():
            course.stop()
            break
        await _one(launch, agent, before, course, home)
        if error := course.used_up_quota:
            launch.gate.used_up(launch.runtime.name, error)
        if course.goes_on:
            await course.begin_next()
        before = attempts.of_agent(launch.store.conn, agent.id)
        # The row left `dispatched` with the first attempt.
        agent = agent._replace(status=AgentRunStatus.RUNNING)
    return agent, before


async def _one(
    wave_launch: WaveLaunch, agent: AgentRun, before: list[Attempt], course: Course, home: Path | None
) -> None:
    """Make an attempt. The row is written first, so that a supervisor that dies leaves a trace."""
    job, folder = _job(wave_launch, agent, len(before) + 1)
    try:
        job = course.with_handoff(job)
        enclosure = attempt_enclosure(
            wave_launch.repository,
            wave_launch.workspace,
            wave_launch.config,
            wave_launch.runtime,
            job,
        )._replace(own_home=home)
        job = job._replace(is_enclosed=enclosure.encloses)
        steps = course.steps(job)
        plan = Plan(
            wave_launch.runtime.name,
            wave_launch.ready[0].program.version,
            steps[0].argv if steps else (),
            enclosure,
            course.reason,
            course.document(before),
        )
        with wave_launch.store.mutation() as conn:
            attempt_id = open_attempt(conn, wave_launch, agent, before, plan)
    # A refused second attempt must not leave an empty folder, which would look like an attempt without a record.
    except BaseException:
        with suppress(OSError):
            folder.rmdir()
        raise
    # As late as can be: an agent that works beside this one knows where its prompt lies, and spends.
    refusal = wave_launch.gate.cost_refusal(agent.id, wave_launch.own.cost_limit if wave_launch.own else None)
    if (other := seals.other_prompt(agent)) is not None:
        refusal = _forged(agent, other)
    if refusal is not None:
        course.ended(job, _NOTHING_RAN, refusal, None)
        _close(wave_launch, agent, course, attempt_id, job, _NOTHING_RAN, refusal)
        return
    # After the row: a crash in between leaves an open attempt, which the next launch closes.
    kept = Path(agent.output_path)
    set_aside(kept, folder)
    if job.output_path != kept:
        make_ready(job.tree)
        set_aside(job.output_path, folder)
    spawned = functools.partial(record_process, wave_launch, attempt_id)
    terms = course.terms(job)
    mark = marked(attempt_id, folder)
    environment = agent_environment({**mark, **job.variables})
    try:
        new = _new_tree(wave_launch, job, mark, environment)
        is_new = not any(attempt.spawned for attempt in before)
        async with ground_of(wave_launch.store, wave_launch.wave, agent, new, is_new=is_new) as ground:
            orders = Orders(
                steps=steps,
                tree=job.tree,
                folder=folder,
                environment=ground.environment,
                seconds=course.seconds,
                spawned=spawned,
                mark=mark,
                enclosure=enclosure,
                terms=terms,
                heard=lambda event: course.heard(event, attempt_id, terms),
                decided=lambda: course.decided(attempt_id),
                secrets=ground.secrets,
            )
            if ground.failed is None:
                ran, ending = await answered(wave_launch.runtime, job, kept, orders, wave_launch.held.get(agent.id, ()))
            else:
                ran, ending = _NOTHING_RAN, ground.failed
    except BaseException:
        # Closed here and not by the next command: the agent can be launched again at once.
        ending = Ending("killed", 3, error_code="INTERRUPTED", error_fragment="the launch was interrupted")
        with wave_launch.store.mutation() as conn:
            attempts.close(conn, wave_launch.run.id, wave_launch.wave.id, attempt_id, ending)
        attempt_files.write(folder / attempt_files.NAME, wave_launch.store.conn, attempt_id)
        raise
    left = None
    if ground.failed is None and ending.outcome != "success":
        left = left_in(wave_launch.repository, wave_launch.wave_now, agent, wave_launch.folder)
        attempt_files.write_patch(folder, left.patch if left else b"")
    course.ended(job, ran, ending, left)
    _close(wave_launch, agent, course, attempt_id, job, ran, ending)


def _forged(agent: AgentRun, found: str) -> Ending:
    words = (
        f"its prompt was changed after dispatch, so it was not launched: its SHA-256 was {agent.prompt_sha256}, and is"
        f" {found}; `swarm resume` writes a new prompt"
    )
    return Ending("policy_rejected", 2, error_code="MANIFEST_LOCK_MISMATCH", error_fragment=words)


def _new_tree(wave_launch: WaveLaunch, job: Job, mark: Mapping[str, str], environment: Mapping[str, str]) -> NewTree:
    return NewTree(
        repository=wave_launch.repository,
        workspace=wave_launch.workspace,
        config=wave_launch.config,
        logs=job.attempt_folder / "setup",
        mark=mark,
        environment=environment,
    )


def _job(wave_launch: WaveLaunch, agent: AgentRun, ordinal: int) -> tuple[Job, Path]:
    # The agent's own tree, else the tree that the analyzers share, else the checkout of a wave without isolation.
    place = agent.worktree_path or wave_launch.wave.shared_tree or str(wave_launch.repository.root)
    folder = attempt_folder(agent, ordinal)
    make_folder(folder)
    held = wave_launch.held.get(agent.id, ())
    job = Job(
        phase=wave_launch.wave.phase,
        domain=agent.domain,
        files=wave_launch.files.get(agent.domain, []),
        tree=Path(place),
        attempt_folder=folder,
        prompt_path=Path(agent.prompt_path),
        output_path=answer_file(agent, wave_launch.wave),
        config=wave_launch.config,
        assigned=[each for each in wave_launch.assigned.get(agent.id, ()) if each not in held],
        is_review=wave_launch.wave.is_review,
    )
    return job, folder


def _close(
    wave_launch: WaveLaunch,
    agent: AgentRun,
    course: Course,
    attempt_id: int,
    job: Job,
    ran: Ran,
    ending: Ending,
) -> None:
    """Close an attempt with its ending, and seal what it wrote."""
    sealed, tree = None, None
    if ending.outcome == "success":
        sealed = seals.sealed_output(Path(agent.output_path))
        tree = seals.sealed_tree(wave_launch.repository, wave_launch.workspace, wave_launch.wave_now, agent)
    # Before the row is closed: no later command writes the events of a closed attempt.
    attempt_files.write_events(job.attempt_folder, ending, ran.results)
    with wave_launch.store.mutation() as conn:
        record_said(conn, attempt_id, ran.results, wave_launch.runtime.agent)
        course.record_open_requests(conn, attempt_id)
        close_attempt(conn, wave_launch, agent, attempt_id, ending, sealed, is_last=not course.goes_on)
        attempts.seal_tree(conn, attempt_id, tree)
        digests.seal_again(conn, wave_launch.run.id, wave_launch.wave.id)
    if tree is not None:
        made = patch_of(wave_launch.repository, wave_launch.wave, tree)
        attempt_files.write_patch(job.attempt_folder, made)
    attempt_files.write(job.attempt_folder / attempt_files.NAME, wave_launch.store.conn, attempt_id)
    emit_end(wave_launch, agent, ending)


def set_aside(output: Path, folder: Path) -> None:
    """Move an output of an earlier attempt aside: it could be taken for the output of this attempt."""
    if output.is_symlink() or output.exists():
        place = folder / "previous-output.json"
        # Two answers can be there: in the tree, and in the run's folder.
        output.rename(place if not os.path.lexists(place) else folder / "previous-answer.json")
