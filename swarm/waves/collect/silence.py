"""Verdicts on known findings that a wave did not report, from agents, their rules and the fate of the line."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from swarm.git.repository import TreeFile
from swarm.git.runner import Git
from swarm.rules.analysis import may_be_one, tool_of
from swarm.rules.findings import EvidenceKind, Fate, Observation
from swarm.rules.fingerprints import Report
from swarm.rules.likeness import LATEST, Reported, Suspect, like_reports
from swarm.rules.ownership import OwnershipMap
from swarm.rules.phases import LENS_TEXT, LENSES
from swarm.rules.silence import Coverage, SilenceVerdict, Silent, verdict_on_silence
from swarm.runtimes.answer_items import ANY_FILE
from swarm.store import analyses
from swarm.store.analyses import AnalysisRun
from swarm.store.findings import KnownFinding
from swarm.store.observations import NotSeen, Relocated
from swarm.store.waves import Wave
from swarm.waves.collect.outputs import Intake
from swarm.waves.collect.sightings import Located
from swarm.waves.moved_lines import Journey
from swarm.waves.preprocessed import hidden_places
from swarm.waves.read_files import read_files
from swarm.waves.unmerged_fixes import unmerged_fixes


class Moved(NamedTuple):
    """A change of a finding's observation, for the ledger."""

    row_id: int
    before: str
    after: str
    reason: str | None
    proof: dict[str, object] | None = None


def judge_silence(
    wave: Wave,
    looks: "Looks",
    silent: Iterable[KnownFinding],
    located: Located,
    travels: Mapping[str, Journey],
    *,
    like: Mapping[int, str],
    counted: AbstractSet[int] = frozenset(),
) -> tuple[list[NotSeen], list[tuple[KnownFinding, SilenceVerdict]]]:
    """Return the changes of findings that the wave did not report, and the verdict on each; fixed findings stay fixed.

    `like` names, by row, a new report that is like a silent finding. An agent run in `counted` adds no miss: an
    earlier collect of the wave counted its silence.
    """
    not_seen: list[NotSeen] = []
    verdicts: list[tuple[KnownFinding, SilenceVerdict]] = []
    for item in silent:
        # A fixed finding that is still silent keeps its first evidence, but for a person's word, which is none.
        is_closed = item.evidence == EvidenceKind.OPERATOR
        if item.observation == Observation.FIXED and not is_closed:
            continue
        # A wave of analyzers says nothing about what another tool found, and leaves it as it was.
        if not looks.concern(item):
            continue
        known, journey = item.known, travels[item.known.anchor_commit]
        old = known.anchor.path if known.anchor else None
        path = journey.travel.path(old) if old else None
        standing = located.elsewhere.get(known.row_id)
        # Where the code went to another file, an analyzer must have read that file.
        here = standing.path if standing is not None else path
        silent_one = Silent(
            fate=located.fates.get(known.row_id, Fate.UNKNOWN),
            place=f"{standing.path}:{standing.line}" if standing else "",
            rule=known.rule,
            # A tool that does not say which files it reads is believed where the line is gone, as an agent is.
            analyzer=item.analyzer if looks.names_files(item) else None,
            like=like.get(known.row_id),
        )
        verdict = verdict_on_silence(looks.at(item, path, here, located, is_at_home=here == old), silent_one)
        if is_closed and verdict.observation is not Observation.FIXED:
            continue
        fixed_wave = wave.number if verdict.observation is Observation.FIXED else None
        commit = wave.dispatch_sha if fixed_wave is not None else None
        # An earlier collect of this wave has counted the miss already.
        is_counted = bool(counted) and looks.agent_run_at(item, path) in counted
        missed = int(verdict.is_covered and fixed_wave is None and not is_counted)
        not_seen.append(
            NotSeen(
                observation=verdict.observation,
                observation_reason=verdict.reason,
                evidence=verdict.evidence,
                evidence_note=verdict.note,
                fixed_wave=fixed_wave,
                fixed_commit=commit,
                misses=missed,
                id=known.row_id,
            )
        )
        verdicts.append((item, verdict))
    return not_seen, verdicts


def moves_of_silent(wave: Wave, verdicts: Sequence[tuple[KnownFinding, SilenceVerdict]]) -> Iterable[Moved]:
    """Yield the changes that verdicts on silence make."""
    for item, verdict in verdicts:
        # Evidence in place of a person's word is a change as well.
        if item.observation != verdict.observation or item.evidence != verdict.evidence:
            proof = _proof(wave, verdict)
            yield Moved(item.known.row_id, item.observation, verdict.observation, verdict.reason, proof)


def _proof(wave: Wave, verdict: SilenceVerdict) -> dict[str, object] | None:
    """Return the evidence on which a finding is fixed, and the commit in which collect looked for its line."""
    return None if verdict.evidence is None else {"evidence": verdict.evidence, "commit": wave.dispatch_sha}


def relocated(
    wave: Wave, silent: Iterable[KnownFinding], travels: Mapping[str, Journey], kept: AbstractSet[int]
) -> list[Relocated]:
    """Return the new places of lines that moved, so that a finding is shown where its line is now.

    A finding in `kept` keeps its place: what has changed since it was seen is evidence about its fix.
    """
    found = []
    for item in silent:
        anchor, journey = item.known.anchor, travels[item.known.anchor_commit]
        if anchor is None or anchor.line is None or item.observation == Observation.FIXED:
            continue
        if item.known.row_id in kept:
            continue
        path, line = journey.travel.path(anchor.path), journey.travel.lines(anchor.path).successor(anchor.line)
        if line is not None and (path, line) != (anchor.path, anchor.line):
            found.append(Relocated(path, line, wave.dispatch_sha, item.known.row_id))
    return found


def like_findings(
    silent: Sequence[KnownFinding],
    fresh: Sequence[Report],
    seen: Iterable[tuple[Report, int]],
    located: Located,
    travels: Mapping[str, Journey],
) -> dict[int, str]:
    """Return, by row, the place of a report that is like a silent finding of an analyzer.

    `seen` are reports of known findings with the wave that first saw each: a finding that came after the silent one
    can be the same defect in other words, and stays like it in every later wave.
    """
    suspects: defaultdict[str | None, list[Suspect]] = defaultdict(list)
    added: dict[tuple[str, str], frozenset[int]] = {}
    for item in silent:
        anchor = item.known.anchor
        if item.analyzer is None or anchor is None or item.observation == Observation.FIXED:
            continue
        travel, standing = travels[item.known.anchor_commit].travel, located.elsewhere.get(item.known.row_id)
        lines, file = travel.lines(anchor.path), (item.known.anchor_commit, anchor.path)
        if file not in added:
            added[file] = frozenset(lines.added_lines())
        suspect = Suspect(
            row=item.known.row_id,
            rule=item.known.rule,
            path=travel.path(anchor.path),
            scope=anchor.scope,
            description=item.known.description,
            added=added[file],
            hunk=lines.hunk_at(anchor.line or 0),
            standing=(standing.path, standing.line) if standing else None,
            last_wave=item.last_wave,
        )
        suspects[item.known.source].append(suspect)
    # Nearly no wave has a silent finding of an analyzer, and then no report need be looked at.
    if not suspects:
        return {}
    reports = [*((head, LATEST) for head in fresh), *seen]
    found: dict[int, Reported] = {}
    for source, silent_ones in suspects.items():
        # Another tool may give the name of the rule to another defect.
        theirs = ((head, first_wave) for head, first_wave in reports if may_be_one(source, head.source))
        found |= like_reports(silent_ones, list(_placed(theirs)))
    return {row: f"{report.path}:{report.line}" for row, report in found.items()}


def _placed(reports: Iterable[tuple[Report, int]]) -> Iterator[Reported]:
    for head, first_wave in reports:
        anchor = head.anchor
        if anchor is not None and anchor.line is not None:
            yield Reported(head.rule, anchor.path, anchor.line, anchor.scope, head.description, first_wave)


def looks_of(
    conn: sqlite3.Connection, git: Git, wave: Wave, owners: OwnershipMap, intakes: Sequence[Intake]
) -> "Looks":
    """Return who looked at each place in a wave."""
    found = Looks(wave, owners, intakes, analyses.newest(conn, wave.id))
    found.unmerged = unmerged_fixes(conn, git, wave)
    return found


class Looks:
    """The looks at each place in a wave: of agents by their domains, analyzers by the files that they read.

    `unmerged` are the rows of findings whose fix the wave's commit does not have.
    """

    def __init__(
        self, wave: Wave, owners: OwnershipMap, intakes: Sequence[Intake], runs: Mapping[str, AnalysisRun]
    ) -> None:
        self._lens = LENSES[wave.phase]
        self._owners = owners
        self._intakes = {taken.agent.domain: taken for taken in intakes}
        self._runs = runs
        self._refused = frozenset(file for taken in intakes for file in taken.refused_files)
        self._analyses = {tool: run.analysis() for tool, run in runs.items() if run.has_succeeded}
        self.hidden: Mapping[int, str] = {}
        self.unmerged: AbstractSet[int] = frozenset()

    def hiding(
        self, git: Git, known: Iterable[KnownFinding], travels: Mapping[str, Journey], files: Sequence[TreeFile]
    ) -> "Looks":
        """Note, by row, why an analyzer that read a file may not have seen a finding's place. Raises GitError."""
        if not self._analyses:
            return self
        analyzed = (item.known for item in known if tool_of(item.analyzer) in self._analyses)
        self.hidden = hidden_places(git, analyzed, travels, {file.path: file for file in files})
        return self

    def concern(self, item: KnownFinding) -> bool:
        """Say whether the wave can say anything about a finding by being silent."""
        return not self._runs or item.analyzer is None or tool_of(item.analyzer) in self._runs

    def names_files(self, item: KnownFinding) -> bool:
        """Say whether the tool of a finding names the files that it reads, as far as this wave knows."""
        run = self._runs.get(tool_of(item.analyzer) or "")
        return run is None or not run.has_succeeded or run.document is not None

    def at(
        self, item: KnownFinding, path: str | None, here: str | None, located: Located, *, is_at_home: bool
    ) -> Coverage:
        """Return the coverage of a finding's place: `path` is that of its file now, `here` that of its code."""
        taken = self._taken_at(item, path)
        # An audit of documentation says nothing about a bug by being silent.
        if item.lens != self._lens:
            return Coverage(f"this wave looked for {LENS_TEXT[self._lens]}")
        if taken is None:
            return Coverage("no agent of this wave owns its file")
        run = self._runs.get(tool_of(item.analyzer) or "")
        if run is not None and not run.has_succeeded:
            return Coverage(f"{run.tool} did not complete ({run.outcome})")
        if run is None and not taken.is_complete:
            return Coverage(f"the agent of {taken.agent.domain} did not complete ({taken.status})")
        # Parts of an analyzer's report that were refused may have been about a file of any domain.
        refused = self._refused if run is not None else taken.refused_files
        if refused.intersection({ANY_FILE, path, here}):
            return Coverage("a report of the agent was refused, which may have been about it")
        analysis = self._analyses[run.tool] if run is not None and self._taken_at(item, here) is not None else None
        return Coverage(
            gap=None,
            analyzer=run.analyzer if run is not None else None,
            rules=analysis.rules_at(here) if analysis else frozenset(),
            file_was_read=analysis is not None and analysis.was_read(here),
            silenced=analysis.silenced.get(here or "", frozenset()) if analysis else frozenset(),
            confirmation=located.confirmed.get((item.known.row_id, taken.agent.domain)),
            is_same_for_path=is_at_home or (analysis is not None and analysis.is_uniform(here)),
            hidden=self.hidden.get(item.known.row_id),
        )

    def agent_run_at(self, item: KnownFinding, path: str | None) -> int | None:
        """Return the agent run whose silence about a place counts."""
        taken = self._taken_at(item, path)
        return taken.agent.id if taken else None

    def unaudited(self, paths: Sequence[str]) -> int:
        """Return how many files no agent and no analyzer read."""
        owned, _ = self._owners.divide(paths)
        own = {domain: owned.get(domain, []) for domain in self._intakes}
        complete = [domain for domain, taken in self._intakes.items() if taken.is_complete]
        read = read_files(self._runs, own, complete, "agents")
        return len(paths) - len({path for files in read.values() for path in files})

    def _taken_at(self, item: KnownFinding, path: str | None) -> Intake | None:
        owner = self._owners.owner_of(path) if path else None
        # By the present path: a file may have moved to another domain since the finding was seen.
        domain = owner.name if owner else (item.domain if path is None else None)
        return self._intakes.get(domain or "")
