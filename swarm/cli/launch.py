"""`swarm launch`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from swarm.cli.call import Call
from swarm.cli.live_table import table_beside_launch
from swarm.cli.options import (
    Duration,
    allow_unmetered_option,
    jobs_option,
    key_option,
    max_cost_option,
    repo_path_option,
    require_reason,
    run_argument,
    runtime_option,
    usage,
    verb,
)
from swarm.results.launch import LaunchResult
from swarm.show import text
from swarm.show.escape import plain

if TYPE_CHECKING:
    from swarm.config import Config
    from swarm.engine.access import Access
    from swarm.store.connection import Store
    from swarm.store.runs import Run
    from swarm.waves.launch.gate import LaunchLimits


@verb()
@run_argument
@jobs_option
@runtime_option(
    "Runtime to launch; by default that of the dispatch, else ruff, or in an amend wave the tool of each finding."
)
@click.option("--timeout", type=Duration(), help="Time limit of an attempt; by default the run's policy.")
@max_cost_option
@allow_unmetered_option
@click.option("--park", type=Duration(), help="Wait so long for a used-up quota, then go on.")
@click.option(
    "--on",
    metavar="ENGINE",
    help="Let workers do it: an engine by name, address or file of credentials; `local` for none.",
)
@click.option("--cancel", is_flag=True, help="With --on: end the orders of RUN and their agents.")
@click.option("--unsafe-no-isolation", is_flag=True, help="Launch without a sandbox; needs --reason.")
@click.option(
    "--relock", is_flag=True, help="Lock the plan as it is now, in place of that of the dispatch; needs --reason."
)
@key_option("With --relock: sign the plan with this key of yours.", metavar="KEY")
@click.option("--reason", metavar="TEXT", help="Reason; recorded.")
@repo_path_option
def command(  # noqa: PLR0913
    call: Call,
    run: str | None,
    jobs: int | None,
    runtime: str | None,
    timeout: int | None,
    max_cost: float | None,
    park: int | None,
    sign: str | None,
    reason: str | None,
    repo_path: Path | None,
    *,
    on: str | None,
    cancel: bool,
    allow_unmetered: bool,
    unsafe_no_isolation: bool,
    relock: bool,
) -> None:
    """Launch the dispatched agents of RUN and supervise them until they end.

    What is launched is what was dispatched: another runtime, version, model, setting, chain or prompt is refused, until
    the agents are dispatched again or --relock takes the plan as it is now.

    With --on, Ctrl-C detaches: the orders stay with the engine, and the same command attaches again.

    Agents that succeeded are not launched again. Exit 3: an agent's runtime failed; 127: its program was not found.
    """
    from swarm.runtimes import notices
    from swarm.waves.launch.gate import LaunchLimits
    from swarm.waves.launch.launch import launch, without_sandbox
    from swarm.waves.launch.launch import relock as lock_again

    if sign is not None and not relock:
        raise usage("--sign goes with --relock; `swarm dispatch --sign KEY` signs the plan of a new wave", "launch")
    if cancel and relock:
        raise usage("--cancel launches nothing, and takes no --relock", "launch")
    why = require_reason(reason, "a launch without a sandbox") if unsafe_no_isolation else None
    changed = require_reason(reason, "another plan than that of the dispatch") if relock else None
    with call.write() as store:
        selected = call.run_of_own_wave(store, call.run_in_place(store, run, repo_path), "launch")
        config = call.config(Path(selected.local_path))
        access = _access(call, config, on)
        if access is not None and any((jobs, why)):
            raise usage("--on takes none of --jobs, --unsafe-no-isolation", "launch")
        if access is None and cancel:
            raise usage("--cancel goes with --on: Ctrl-C ends a launch of this machine", "launch")
        limits = LaunchLimits(max_cost, allow_unmetered, park or 0.0)
        # Only now: the states of the agents would stand before a refusal of the options.
        with table_beside_launch(call, run, attaches=access is not None):
            if access is not None:
                if changed is not None:
                    from swarm.waves.hosts.launch_on import relock_on

                    relock_on(store, call.workspace, selected, config, runtime, changed, sign)
                result = _launch_on(call, store, selected, config, access, runtime, timeout, limits, cancel=cancel)
            else:
                if why is not None:
                    config = without_sandbox(store, selected, config, runtime, why)
                if changed is not None:
                    lock_again(store, selected, config, runtime, changed, sign)
                result = launch(
                    store,
                    call.workspace,
                    selected,
                    config,
                    runtime=runtime,
                    jobs=jobs,
                    seconds=timeout,
                    limits=limits,
                )
    notices.send(config.on_attention, "done", runId=result.run_id, exitClass=result.exit_class, next=result.next_action)
    call.answer(result, lambda: _lines(result), 0 if cancel else result.exit_class)


def _access(call: Call, config: "Config", on: str | None) -> "Access | None":
    """Return the access to the engine of a launch, `None` for this machine.

    Agents that were meant for workers are not started here instead. Raises ConfigUntrusted where nobody trusts
    `[launch] on`, EngineUnknown, EngineRefused, ScaleUnavailable.
    """
    if on is None:
        config.hold_to_trusted("launch.on")
    named = on or config.hosts.on
    if named in {None, "local"}:
        return None
    from swarm.engine.access import access_to

    access = access_to(f"{named}", config, call.folder)
    config.hold_to_trusted("launch.tags")
    return access


def _launch_on(  # noqa: PLR0913
    call: Call,
    store: "Store",
    run: "Run",
    config: "Config",
    access: "Access",
    runtime: str | None,
    seconds: int | None,
    limits: "LaunchLimits",
    *,
    cancel: bool,
) -> LaunchResult:
    from swarm.waves.hosts.launch_on import cancel_on, launch_on

    if cancel:
        return cancel_on(store, call.workspace, run, config, access)
    return launch_on(store, call.workspace, run, config, access, runtime=runtime, seconds=seconds, limits=limits)


def _lines(result: LaunchResult) -> Iterator[str]:
    count, word = (result.cancelled, "cancelled") if result.cancelled else (result.launched, "launched")
    yield f"Wave {result.wave_number}: {text.counted(count, 'agent')} {word}"
    rows = []
    for agent in result.agents:
        last = agent.attempts[-1] if agent.attempts else None
        took = f"{last.duration_ms:,} ms" if last and last.duration_ms is not None else ""
        outcome = (last.outcome or "open") if last else "not launched"
        rows.append((agent.domain, agent.status, outcome, took, str(len(agent.attempts))))
    yield from text.table(rows, ("agent", "status", "outcome", "took", "attempts"))
    for agent in result.agents:
        last = agent.attempts[-1] if agent.attempts else None
        if last is not None and last.error_code:
            yield f"⚠ {agent.domain}: {plain(last.error_code)}: {plain(last.error_fragment or '')}"
            yield f"  Record: {plain(last.record_path)}"
            yield f"  Explained by: swarm explain attempt:{last.id}"
    if (reason := result.without_sandbox) is not None:
        yield text.without_sandbox("Launched", reason)
    yield f"Next: {result.next_action}"
