"""`swarm merge`."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import click

from swarm.cli.call import Call
from swarm.cli.options import Words, accept_option, accepting_reason, repo_path_option, run_argument, verb
from swarm.results.merge import MergeResult
from swarm.show import text
from swarm.show.build import gate_lines


@verb()
@run_argument
@click.option("--publish", is_flag=True, help="Publish to the target branch instead of the run's integration branch.")
@click.option("--target", metavar="BRANCH", help="Branch to merge onto; by default the branch of the run.")
@click.option("--drop", type=Words(), multiple=True, metavar="A,B", help="Leave out the work of these domains.")
@click.option("--drop-culprits", is_flag=True, help="Leave out the domains whose work makes the build fail.")
@accept_option("fewer tests than in the target")
@click.option("--reason", metavar="TEXT", help="Reason; recorded.")
@click.option("--adapter", metavar="NAME", help="Adapter of the proof; by default the one that fits best.")
@repo_path_option
def command(  # noqa: PLR0913
    call: Call,
    run: str | None,
    target: str | None,
    drop: tuple[tuple[str, ...], ...],
    accept: tuple[str, ...],
    reason: str | None,
    adapter: str | None,
    repo_path: Path | None,
    *,
    publish: bool,
    drop_culprits: bool,
) -> None:
    """Merge the branches of RUN's newest amend wave, prove the result, and publish it.

    No checkout is touched, except that of a target with --publish, and only if it is clean. Work that was merged before
    is not merged again, so the command may be repeated at any time.
    """
    from swarm.waves.prove.merge import merge
    from swarm.waves.prove.merge_gate import MergeOptions

    why = accepting_reason(accept, reason)
    options = MergeOptions(
        publish=publish,
        target=target,
        drop=tuple(chain.from_iterable(drop)),
        drop_culprits=drop_culprits,
        accept=accept,
        reason=why,
        adapter=adapter,
    )
    with call.write() as store:
        selected = call.run_of_own_wave(store, call.run_with_trees(store, run, repo_path), "merge")
        result = merge(store, call.workspace, selected, options, call.config(Path(selected.local_path)))
    call.answer(result, lambda: _lines(result))


def _lines(result: MergeResult) -> Iterator[str]:
    yield result.summary
    if result.commit is None:
        if result.dropped:
            yield f"⚠ Left out: {', '.join(result.dropped)}"
        yield f"Next: {result.next_action}"
        return
    yield f"Commit: {result.commit}"
    yield ""
    rows = [(d.domain, d.state, f"{d.files:,}", d.branch or "") for d in result.domains]
    yield from text.table(rows, ("domain", "work", "files", "branch"))
    yield ""
    if result.gate is not None:
        yield from gate_lines(result.gate)
    if result.dropped:
        yield f"⚠ Left out: {', '.join(result.dropped)}; their branches hold it still"
    if result.fixed:
        yield f"✓ {text.counted(len(result.fixed), 'finding')} fixed: {', '.join(result.fixed[:10])}" + (
            ", …" if len(result.fixed) > 10 else ""  # noqa: PLR2004
        )
    yield f"Next: {result.next_action}"
