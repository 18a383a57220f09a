"""Run the analyzer of a finding again in a commit, and compare its reports."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from swarm import errors
from swarm.git import agent_work, worktrees
from swarm.git.repository import files_at
from swarm.rules.analysis import analysis_from, analyzer_name, is_named, was_on
from swarm.rules.anchors import LONGEST_TEXT, SourceText, folded
from swarm.rules.findings import Observation
from swarm.rules.likeness import Reported, Suspect, like_reports
from swarm.rules.phases import AUDIT_PHASES, LENSES, Phase
from swarm.rules.verification import RescanOutcome
from swarm.runtimes import registry
from swarm.runtimes.analyzer_table import table
from swarm.runtimes.own_tree import TreeFiles
from swarm.runtimes.runtime import Runtime
from swarm.store.findings import KnownFinding
from swarm.waves.places import Place
from swarm.waves.preprocessed import hidden_at
from swarm.waves.prove.build import Prover
from swarm.waves.trees.scratch_analysis import analysis_in
from swarm.waves.trees.scratch_tree import scratch_tree

Report = Mapping[str, Any]
Kind = tuple[str, str, str]


class Answer(NamedTuple):
    """The verdict of an analyzer on a finding, and a line of evidence."""

    verdict: RescanOutcome
    evidence: str


def ask_again(
    prover: Prover, commit: str, asked: Iterable[tuple[KnownFinding, Place]], census: Mapping[Kind, int]
) -> dict[int, Answer]:
    """Return the answer of each finding's analyzer in a commit, by row; a finding without an analyzer has no answer.

    Only an analyzer of ours, which runs no code of the repository, with the same version and configuration can answer,
    and only where it reads the file with the rule on; else it is mute. `census` counts open findings by kind: where as
    many are reported as before, none of them is fixed. Raises GitError.
    """
    by_analyzer: defaultdict[tuple[str, str], list[tuple[KnownFinding, Place]]] = defaultdict(list)
    for item, place in asked:
        if item.analyzer is not None and item.known.has_rule_id and item.known.anchor is not None and place.path:
            by_analyzer[item.analyzer, item.lens].append((item, place))
    if not by_analyzer:
        return {}
    found: dict[int, Answer] = {}
    with scratch_tree(prover.repository, prover.workspace, prover.run, commit) as tree:
        kept = tree.with_name(f"{tree.name}.index")
        worktrees.keep_index(worktrees.admin_dir(tree), kept)
        try:
            tracked = files_at(prover.repository.git, commit)
            paths = [file.path for file in tracked if file.is_file]
            for (analyzer, lens), items in by_analyzer.items():
                phase = next(phase for phase in AUDIT_PHASES if LENSES[phase] == lens)
                runtime = _same(prover, analyzer, tree, paths, phase)
                evidence = f"{analyzer} {_why_not(prover, analyzer)}"
                found |= {item.known.row_id: Answer(RescanOutcome.MUTE, evidence) for item, _ in items}
                if runtime is not None:
                    found |= _answers(runtime, prover, tree, phase, analyzer, items, census)
            silent = [item.known for items in by_analyzer.values() for item, _ in items if _is_silent(found, item)]
            hidden = hidden_at(prover.repository.git, silent, tracked, commit)
            found |= {row: Answer(RescanOutcome.MUTE, reason) for row, reason in hidden.items()}
            # A process that a build left running may have written into the tree during the analysis.
            if agent_work.touched_files(prover.repository.common_dir, tree, commit, kept, None):
                return {row: Answer(RescanOutcome.MUTE, "its file was written to while it was read") for row in found}
        finally:
            kept.unlink(missing_ok=True)
    return found


def _is_silent(answers: Mapping[int, Answer], item: KnownFinding) -> bool:
    answer = answers.get(item.known.row_id)
    return answer is not None and answer.verdict is RescanOutcome.SILENT


def _why_not(prover: Prover, analyzer: str) -> str:
    """Return why an analyzer is not asked about a commit that an agent or a tool has made."""
    row = table().rows.get(analyzer.partition(" ")[0])
    if row is not None and (row.runs_code or row.whole) and row.name not in prover.config.runtimes:
        what = "runs code of the repository" if row.runs_code else "reads the whole repository"
        return f"is not asked, as it {what}; `swarm audit` of the merged commit asks it"
    return "is not here as it was: its version or its configuration is another"


def _same(prover: Prover, analyzer: str, tree: Path, paths: Sequence[str], phase: Phase) -> Runtime | None:
    name = analyzer.partition(" ")[0]
    try:
        runtime, program = registry.ready(name, prover.config, phase)
    except errors.SwarmError:
        return None
    if not (runtime.is_analyzer and runtime.is_trusted):
        return None
    here = analyzer_name(runtime.name, program.version, runtime.config_hash(tree, paths, phase))
    return runtime if here == analyzer else None


def _answers(
    runtime: Runtime,
    prover: Prover,
    tree: Path,
    phase: Phase,
    analyzer: str,
    items: Sequence[tuple[KnownFinding, Place]],
    census: Mapping[Kind, int],
) -> dict[int, Answer]:
    files = sorted({place.path for _, place in items if place.path})
    product = analysis_in(tree, runtime, phase, files, prover.config, prover.enclosure_to_read)
    if product is None:
        return {}
    analysis = analysis_from(product.analysis or {})
    reports = _by_rule((product.output or {}).get("findings", ()))
    silenced = _by_rule(
        {"file": file, "rule_id": rule, "line": line, "description": message}
        for file, rule, line, message in (product.analysis or {}).get("silenced_lines", ())
    )
    # Of an analyzer that does not tell what a comment silenced, the comment alone is known.
    tells_lines = "silenced_lines" in (product.analysis or {})
    found = {}
    suspects = [_suspect(item, place) for item, place in items]
    like = like_reports(suspects, [*_in_scopes(tree, reports), *_in_scopes(tree, silenced)])
    for item, place in items:
        row, rule, path = item.known.row_id, item.known.rule, place.path or ""
        report = _still(item, place, reports[path, rule], census)
        off = _still(item, place, silenced[path, rule], census)
        if not analysis.was_read(path) or not was_on(rule, analysis.rules_at(path)):
            found[row] = Answer(RescanOutcome.MUTE, f"{analyzer} does not read {path} with {rule} on")
        elif report is not None:
            found[row] = Answer(RescanOutcome.REPORTED, f"{analyzer} reports it at {path}:{report['line']}")
        elif off is not None:
            found[row] = Answer(RescanOutcome.REPORTED, f"a comment turns {rule} off at {path}:{off['line']}")
        elif not tells_lines and is_named(rule, analysis.silenced.get(path, frozenset())):
            found[row] = Answer(RescanOutcome.MUTE, f"a comment turns {rule} off in {path}")
        elif row in like:
            evidence = f"{analyzer} reports {rule} in its place, at {path}:{like[row].line}"
            found[row] = Answer(RescanOutcome.REPORTED, evidence)
        else:
            found[row] = Answer(RescanOutcome.SILENT, f"{analyzer} read the file with {rule} on, and is silent on it")
    return found


def _suspect(item: KnownFinding, place: Place) -> Suspect:
    return Suspect(
        row=item.known.row_id,
        rule=item.known.rule,
        path=place.path or "",
        scope=item.known.anchor.scope if item.known.anchor else "",
        description=item.known.description,
        added=place.added,
        hunk=place.hunk,
        standing=None,
    )


def _in_scopes(tree: Path, reports: Mapping[tuple[str, str], Sequence[Report]]) -> Iterator[Reported]:
    """Yield reports with the definitions around their lines."""
    sources: dict[str, SourceText | None] = {}
    files = TreeFiles((tree,))
    for (path, rule), own in reports.items():
        if path not in sources:
            # A directive such as `#line 1 "other.c"` makes an analyzer name a file that is not there.
            content = files.content(path)
            sources[path] = None if content is None else SourceText(path, content)
        if (source := sources[path]) is None:
            continue
        for report in own:
            scope = source.scope_at(min(report["line"], len(source.lines)))
            yield Reported(rule, path, report["line"], scope, report["description"])


def _by_rule(reports: Iterable[Report]) -> defaultdict[tuple[str, str], list[Report]]:
    found: defaultdict[tuple[str, str], list[Report]] = defaultdict(list)
    for report in reports:
        found[report["file"], report["rule_id"]].append(report)
    return found


def _still(item: KnownFinding, place: Place, reports: Sequence[Report], census: Mapping[Kind, int]) -> Report | None:
    """Return the report of a finding: on its line, of its text, or on an added line where none of its kind is fixed."""
    text = item.known.anchor.text if item.known.anchor else ""
    for report in reports:
        if report["line"] == place.line or folded(report.get("quote") or "")[:LONGEST_TEXT] == text:
            return report
    alike = [report for report in reports if report["description"] == item.known.description]
    moved = [report for report in alike if report["line"] in place.added]
    before = census.get(kind_of(item), 0)
    return moved[0] if moved and before and len(alike) >= before else None


def kind_of(item: KnownFinding) -> Kind:
    """Return the kind of a finding: its file, rule and words."""
    path = item.known.anchor.path if item.known.anchor is not None else ""
    return path, item.known.rule, item.known.description


def census_of(known: Iterable[KnownFinding]) -> Counter[Kind]:
    """Count the findings that are not fixed, by kind."""
    return Counter(kind_of(item) for item in known if item.observation != Observation.FIXED)
