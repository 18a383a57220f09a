"""Verdicts on known findings that a wave did not report, from agents, their rules and the fate of the line."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from swarm.rules.findings import Fate, Observation
from swarm.rules.ownership import OwnershipMap
from swarm.rules.phases import LENS_TEXT, LENSES
from swarm.rules.silence import Coverage, SilenceVerdict, verdict_on_silence
from swarm.store.findings import KnownFinding
from swarm.store.observations import NotSeen, Relocated
from swarm.store.waves import Wave
from swarm.waves.collect.outputs import Intake
from swarm.waves.collect.sightings import Located
from swarm.waves.moved_lines import Journey


def judge_silence(
    wave: Wave,
    owners: OwnershipMap,
    intakes: Sequence[Intake],
    silent: Iterable[KnownFinding],
    located: Located,
    travels: Mapping[str, Journey],
    counted: AbstractSet[int] = frozenset(),
) -> tuple[list[NotSeen], list[tuple[KnownFinding, SilenceVerdict]]]:
    """Return the changes of findings that the wave did not report, and the verdict on each; fixed findings stay fixed.

    An agent run in `counted` adds no miss: an earlier collect of the wave counted its silence.
    """
    coverages = _Coverages(wave, owners, intakes)
    not_seen: list[NotSeen] = []
    verdicts: list[tuple[KnownFinding, SilenceVerdict]] = []
    for item in silent:
        # A fixed finding that is still silent needs no verdict, and keeps its first evidence.
        if item.observation == Observation.FIXED:
            continue
        known, journey = item.known, travels[item.known.anchor_commit]
        old = known.anchor.path if known.anchor else None
        path = journey.travel.path(old) if old else None
        verdict = verdict_on_silence(
            coverages.at(item, path, changed=old in journey.changed),
            located.fates.get(known.row_id, Fate.UNKNOWN),
            rule=known.rule,
            analyzer=item.analyzer,
            path_unchanged=path == old,
        )
        fixed_wave = wave.number if verdict.observation is Observation.FIXED else None
        commit = wave.dispatch_sha if fixed_wave is not None else None
        # An earlier collect of this wave has counted the miss already.
        is_counted = bool(counted) and coverages.agent_run_at(item, path) in counted
        missed = int(verdict.is_covered and fixed_wave is None and not is_counted)
        not_seen.append(
            NotSeen(
                observation=verdict.observation,
                observation_reason=verdict.reason,
                evidence=verdict.evidence,
                fixed_wave=fixed_wave,
                fixed_commit=commit,
                misses=missed,
                id=known.row_id,
            )
        )
        verdicts.append((item, verdict))
    return not_seen, verdicts


def relocated(wave: Wave, silent: Iterable[KnownFinding], travels: Mapping[str, Journey]) -> list[Relocated]:
    """Return the new places of lines that moved, so that a finding is shown where its line is now."""
    found = []
    for item in silent:
        anchor, journey = item.known.anchor, travels[item.known.anchor_commit]
        if anchor is None or anchor.line is None or item.observation == Observation.FIXED:
            continue
        path, line = journey.travel.path(anchor.path), journey.travel.lines(anchor.path).successor(anchor.line)
        if line is not None and (path, line) != (anchor.path, anchor.line):
            found.append(Relocated(path, line, wave.dispatch_sha, item.known.row_id))
    return found


class _Coverages:
    """Coverage of each place by the wave: agent, analyzer, rules."""

    def __init__(self, wave: Wave, owners: OwnershipMap, intakes: Sequence[Intake]) -> None:
        self._lens = LENSES[wave.phase]
        self._owners = owners
        self._intakes = {taken.agent.domain: taken for taken in intakes}
        self._confirmed = {taken.agent.domain: frozenset(taken.output.get("confirmed", ())) for taken in intakes}
        self._analyses = {taken.agent.domain: taken.agent.analysis for taken in intakes}

    def at(self, item: KnownFinding, path: str | None, *, changed: bool) -> Coverage:
        taken = self._taken_at(item, path)
        gap = None
        # An audit of documentation says nothing about a bug by being silent.
        if item.lens != self._lens:
            gap = f"this wave looked for {LENS_TEXT[self._lens]}"
        elif taken is None:
            gap = "no agent of this wave owns its file"
        elif not taken.is_complete:
            gap = f"the agent of {taken.agent.domain} did not complete ({taken.status})"
        if taken is None or gap:
            return Coverage(
                gap=gap,
                analyzer=None,
                rules=frozenset(),
                file_was_read=False,
                silenced=frozenset(),
                confirmed=False,
                file_changed=changed,
            )
        analysis = self._analyses[taken.agent.domain]
        return Coverage(
            gap=None,
            analyzer=taken.agent.analyzer if analysis else None,
            rules=analysis.rules_at(path) if analysis else frozenset(),
            file_was_read=analysis is not None and analysis.was_read(path),
            silenced=analysis.silenced.get(path or "", frozenset()) if analysis else frozenset(),
            confirmed=item.finding_id in self._confirmed[taken.agent.domain],
            file_changed=changed,
        )

    def agent_run_at(self, item: KnownFinding, path: str | None) -> int | None:
        taken = self._taken_at(item, path)
        return taken.agent.id if taken else None

    def _taken_at(self, item: KnownFinding, path: str | None) -> Intake | None:
        owner = self._owners.owner_of(path) if path else None
        # By the present path: a file may have moved to another domain since the finding was seen.
        domain = owner.name if owner else (item.domain if path is None else None)
        return self._intakes.get(domain or "")
