"""Asking the analyzer that found something whether it finds it still, in one commit."""

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from swarm import errors
from swarm.git.repository import LINK_MODE, SUBMODULE_MODE, files_at
from swarm.rules.anchors import LONGEST_TEXT, folded
from swarm.rules.phases import AUDIT_PHASES, LENSES, Phase
from swarm.runtimes import registry
from swarm.runtimes.environment import agent_environment
from swarm.runtimes.runtime import Job, Runtime, UnusableOutput, analyzer_name
from swarm.runtimes.supervisor import Orders, run_steps
from swarm.store.findings import KnownFinding
from swarm.waves.fates import Place
from swarm.waves.proving import Bench, scratch_tree
from swarm.waves.silence import indexed, rules_at, was_read

Report = Mapping[str, Any]


class Answer(NamedTuple):
    """What an analyzer says of a finding: silent on it, or where it reports it still."""

    is_silent: bool
    told: str


def ask_again(bench: Bench, commit: str, asked: Iterable[tuple[KnownFinding, Place]]) -> dict[int, Answer]:
    """Return, by row, what the analyzer of each finding says of it in a commit.

    Only the same analyzer with the same version and configuration can answer, one that is ours and runs nothing of
    the repository, and only where it reads the file with the rule on. Raises IsolationError.
    """
    by_analyzer: defaultdict[tuple[str, str], list[tuple[KnownFinding, Place]]] = defaultdict(list)
    for item, place in asked:
        if item.analyzer is not None and item.known.has_rule_id and item.known.anchor is not None and place.path:
            by_analyzer[item.analyzer, item.lens].append((item, place))
    if not by_analyzer:
        return {}
    found: dict[int, Answer] = {}
    with scratch_tree(bench, commit) as tree:
        tracked = files_at(bench.repository.git, commit)
        paths = [file.path for file in tracked if file.mode not in {LINK_MODE, SUBMODULE_MODE}]
        for (analyzer, lens), items in by_analyzer.items():
            phase = next(phase for phase in AUDIT_PHASES if LENSES[phase] == lens)
            runtime = _same(bench, analyzer, tree, paths, phase)
            if runtime is not None:
                found |= _answers(runtime, bench, tree, phase, analyzer, items)
    return found


def _same(bench: Bench, analyzer: str, tree: Path, paths: Sequence[str], phase: Phase) -> Runtime | None:
    name = analyzer.partition(" ")[0]
    try:
        runtime, program = registry.ready(name, bench.config, phase)
    except errors.SwarmError:
        return None
    if not (runtime.is_analyzer and runtime.is_trusted):
        return None
    here = analyzer_name(runtime.name, program.version, runtime.config_hash(tree, paths, phase))
    return runtime if here == analyzer else None


def _answers(
    runtime: Runtime,
    bench: Bench,
    tree: Path,
    phase: Phase,
    analyzer: str,
    items: Sequence[tuple[KnownFinding, Place]],
) -> dict[int, Answer]:
    files = sorted({place.path for _, place in items if place.path})
    with tempfile.TemporaryDirectory(prefix="swarm-rescan-") as scratch:
        folder = Path(scratch)
        job = Job(phase, "rescan", files, tree, folder, folder / "prompt.md", folder / "output.json", bench.config)
        orders = Orders(runtime.steps(job), tree, folder, agent_environment({}), bench.config.attempt_seconds, _ignored)
        ran = asyncio.run(run_steps(orders))
        if ran.failed is not None or ran.timed_out or ran.not_started is not None:
            return {}
        try:
            product = runtime.product(job, ran.results)
        except UnusableOutput:
            return {}
    analysis = indexed(product.analysis or {})
    reports: defaultdict[tuple[str, str], list[Report]] = defaultdict(list)
    for report in (product.output or {}).get("findings", ()):
        reports[report["file"], report["rule_id"]].append(report)
    silenced = {(file, rule, line) for file, rule, line in (product.analysis or {}).get("silenced_lines", ())}
    found = {}
    for item, place in items:
        rule = item.known.rule
        if place.path and was_read(analysis, place.path) and rule in rules_at(analysis, place.path):
            answer = _answer(item, place, reports.get((place.path, rule), ()), analyzer)
            if answer.is_silent and (place.path, rule, place.line) in silenced:
                answer = Answer(is_silent=False, told=f"a comment turns {rule} off at {place.path}:{place.line}")
            found[item.known.row_id] = answer
    return found


def _answer(item: KnownFinding, place: Place, reports: Sequence[Report], analyzer: str) -> Answer:
    text = item.known.anchor.text if item.known.anchor else ""
    for report in reports:
        if report["line"] == place.line or folded(report.get("quote") or "")[:LONGEST_TEXT] == text:
            return Answer(is_silent=False, told=f"{analyzer} reports it at {report['file']}:{report['line']}")
    return Answer(is_silent=True, told=f"{analyzer} read the file with {item.known.rule} on, and is silent on it")


def _ignored(pid: int, start: str, spawned: str) -> None:
    """Nothing is recorded of a process that only looks."""
    del pid, start, spawned
