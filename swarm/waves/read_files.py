"""Files that a wave read: those that analyzers name, and of agents all files of their domains."""

from collections.abc import Iterable, Mapping, Sequence

from swarm.store.analyses import AnalysisRun


def read_files(
    runs: Mapping[str, AnalysisRun], owned: Mapping[str, Sequence[str]], complete: Iterable[str], agent: str
) -> dict[str, list[str]]:
    """Return the files that were read, by tool; without analyzers those of the agents, by the name of their runtime.

    `owned` are the files of each domain that has an agent, `complete` the domains whose agent completed. A tool that
    does not say what it read counts as an agent does.
    """
    whole = [path for domain in complete for path in owned.get(domain, ())]
    if not runs:
        return {agent: whole} if whole else {}
    asked = [path for paths in owned.values() for path in paths]
    found = {}
    for run in runs.values():
        if run.has_succeeded:
            analysis = run.analysis()
            found[run.tool] = whole if run.document is None else list(filter(analysis.was_read, asked))
    return {tool: files for tool, files in found.items() if files}
