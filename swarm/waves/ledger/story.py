"""States of every subject, folded from the events of the ledger."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from swarm.rules.findings import Observation, highest, status_of
from swarm.rules.states import AgentRunStatus
from swarm.store.ledger import Event
from swarm.store.sightings import Sighting

# A fact that events of older versions lack; it is not compared.
ABSENT: Final = "untold"
Facts = dict[str, Any]
_OBSERVED: Final = frozenset(Observation)


@dataclass(slots=True)
class FindingState:
    """A finding: new and open at its first sighting, and changed by events alone."""

    observation: str = "new"
    decision: str = "open"
    evidence: str | None = None
    commit: str | None = None
    source: str | None = None
    by: str | None = None
    expires: str | None = None
    severity: str | None = None
    sightings: int = 0
    first_wave: int | None = None
    last_wave: int | None = None

    def facts(self) -> Facts:
        """Return every fact of the finding."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class Recorded:
    """Sightings of a wave in its event: their number, their digest, and the number of new findings."""

    sightings: int
    digest: str
    new: int


@dataclass(slots=True)
class Story:
    """States of all subjects after some events.

    `recorded` holds the sightings of each wave by its events. `steps` holds contradictions within the ledger, as
    (subject, run, fact, state before the event, state that the event leaves).
    """

    events: int = 0
    facts: dict[str, Facts] = field(default_factory=dict)
    runs: dict[str, str | None] = field(default_factory=dict)
    findings: dict[int, FindingState] = field(default_factory=dict)
    recorded: dict[int, list[Recorded]] = field(default_factory=dict)
    steps: list[tuple[str, str | None, str, str, str]] = field(default_factory=list)

    def put(self, event: Event, subject: str | None = None, **facts: Any) -> None:
        """Store the facts that an event has about its subject."""
        name = subject or event.subject
        self.facts.setdefault(name, {}).update(facts)
        self.runs[name] = event.run_id

    def leave(self, event: Event, came_to: object) -> None:
        """Record a contradiction where an event leaves another state than the current state."""
        # An event without a previous state begins its subject, and has nothing to contradict.
        if event.from_state is not None and came_to != event.from_state:
            fact = f"the state before event {event.seq}"
            self.steps.append((event.subject, event.run_id, fact, str(came_to), event.from_state))

    def finding(self, event: Event) -> FindingState:
        """Return the finding that is the subject of an event."""
        self.runs[event.subject] = event.run_id
        return self.findings.setdefault(int(event.subject.partition(":")[2]), FindingState())

    def see(self, sighting: Sighting, number: int) -> None:
        """Add a sighting of a wave; a finding has the gravest severity of its sightings."""
        found = self.findings.setdefault(sighting.finding, FindingState())
        found.severity = highest(found.severity or sighting.severity, sighting.severity)
        found.sightings += 1
        found.first_wave = min(found.first_wave or number, number)
        found.last_wave = max(found.last_wave or number, number)

    def every(self) -> Iterator[tuple[str, str | None, Facts]]:
        """Yield each subject with its run and its facts, ordered by kind."""
        for subject in sorted(self.facts, key=_order):
            yield subject, self.runs[subject], self.facts[subject]
        for row in sorted(self.findings):
            yield f"finding:{row}", self.runs.get(f"finding:{row}"), self.findings[row].facts()


def story_of(events: Iterable[Event]) -> Story:
    """Return the states after events in their order; kinds that change no state are ignored."""
    story, seq = Story(), 0
    for event in events:
        # An event that names many findings comes as a move of each, with the same number.
        story.events, seq = story.events + (event.seq != seq), event.seq
        if (take := _TAKEN.get(event.kind)) is not None:
            take(story, event, event.facts)
    return story


def kind_of(subject: str) -> str:
    """Return the kind of a subject: `wave` of `wave:3`."""
    return subject.partition(":")[0]


def merge_subject(wave_id: int | None, ref: object, commit: str | None) -> str:
    """Return the subject of a merge of a wave, which has no row id in the ledger."""
    return f"merge:{wave_id} {ref} {commit}"


def listed(values: Iterable[object]) -> str:
    """Return a list as text for the comparison."""
    return json.dumps(list(values), ensure_ascii=False)


def _order(subject: str) -> tuple[str, int, str]:
    kind, _, rest = subject.partition(":")
    return kind, int(rest) if rest.isdecimal() else 0, rest


def _run_created(story: Story, event: Event, payload: Facts) -> None:
    story.put(event, status=event.to_state, commit=payload["commit"], timeout=payload.get("timeout", ABSENT))
    # A run begins with a draft; the event with its domains follows.
    story.put(event, f"map:{event.run_id}", state="draft", domains=ABSENT)


def _moved(story: Story, event: Event, payload: Facts) -> None:
    del payload
    story.leave(event, story.facts.get(event.subject, {}).get("status"))
    story.put(event, status=event.to_state)


def _agent_moved(story: Story, event: Event, payload: Facts) -> None:
    # An agent run that was planned and never dispatched has no earlier event.
    story.leave(event, story.facts.get(event.subject, {}).get("status", AgentRunStatus.PENDING))
    # Only the event that dispatches a planned agent has a payload.
    prompt = {"domain": payload["domain"], "prompt": payload["promptSha256"]} if payload else {}
    story.put(event, status=event.to_state, wave=event.wave_id, **prompt)


def _timeout_set(story: Story, event: Event, payload: Facts) -> None:
    del payload
    story.put(event, timeout=event.to_state)


def _map_changed(story: Story, event: Event, payload: Facts) -> None:
    story.put(event, f"map:{event.run_id}", domains=payload.get("after", ABSENT))


def _map_closed(story: Story, event: Event, payload: Facts) -> None:
    del payload
    story.leave(event, story.facts.get(event.subject, {}).get("state"))
    story.put(event, state=event.to_state)


def _wave_dispatched(story: Story, event: Event, payload: Facts) -> None:
    facts = {key: payload[key] for key in ("number", "phase", "commit")}
    # As SQLite holds it, so that both sides compare as equal numbers.
    facts["review"] = int(payload.get("review", False))
    facts["uncommitted"] = int(payload.get("uncommitted", False))
    story.put(event, status=event.to_state, map=payload.get("map", ABSENT), **facts)


def _agent_dispatched(story: Story, event: Event, payload: Facts) -> None:
    facts = {"domain": payload["domain"], "prompt": payload["promptSha256"]}
    story.put(event, status=event.to_state, wave=event.wave_id, **facts)


def _attempt_opened(story: Story, event: Event, payload: Facts) -> None:
    facts = {"agentRun": payload["agentRunId"], "runtime": payload["runtime"]}
    story.put(event, outcome="open", exitClass=None, exitCode=None, **facts)


def _attempt_closed(story: Story, event: Event, payload: Facts) -> None:
    story.put(event, outcome=event.to_state, exitClass=payload["exitClass"], exitCode=payload["exitCode"])


def _findings_recorded(story: Story, event: Event, payload: Facts) -> None:
    record = Recorded(payload["sightings"], payload["digest"], payload["new"])
    story.recorded.setdefault(event.wave_id or 0, []).append(record)


def _finding_moved(story: Story, event: Event, payload: Facts) -> None:
    found = story.finding(event)
    story.leave(event, found.observation)
    found.observation = event.to_state or ""
    is_fixed = found.observation == Observation.FIXED
    found.evidence, found.commit = (
        (payload.get("evidence", ABSENT), payload.get("commit", ABSENT)) if is_fixed else (None, None)
    )


def _finding_decided(story: Story, event: Event, payload: Facts) -> None:
    found = story.finding(event)
    was = found.observation
    story.leave(event, status_of(was, found.decision))
    # Closing and reopening change the observation as well as the decision.
    if event.to_state in _OBSERVED:
        found.observation = event.to_state or ""
    if "evidence" in payload:
        closed = found.observation == Observation.FIXED
        found.evidence, found.commit = ("operator", payload.get("commit")) if closed else (None, None)
        if closed and payload["decision"] == "approved":
            # The approval stays for the case that the finding comes back.
            return
    elif was != found.observation:
        story.steps.append((event.subject, event.run_id, f"observed at event {event.seq}", was, found.observation))
    found.decision = payload["decision"]
    found.source, found.by, found.expires = (payload.get(key) for key in ("source", "author", "expires"))


def _fixes_recorded(story: Story, event: Event, payload: Facts) -> None:
    story.put(event, claims=payload.get("digest", ABSENT))


def _reviews_recorded(story: Story, event: Event, payload: Facts) -> None:
    story.put(event, reviews=payload["digest"])


def _evidence_recorded(story: Story, event: Event, payload: Facts) -> None:
    story.put(event, evidence=payload["digest"])


def _claim_settled(story: Story, event: Event, payload: Facts) -> None:
    del payload
    story.leave(event, story.facts.get(event.subject, {}).get("outcome", "claimed"))
    story.put(event, outcome=event.to_state)


def _lease(story: Story, event: Event, payload: Facts) -> None:
    story.leave(event, story.facts.get(event.subject, {}).get("status"))
    story.put(event, status=event.to_state, **{key: payload[key] for key in ("domain", "file", "wave")})


def _verified(story: Story, event: Event, payload: Facts) -> None:
    keys = ("purpose", "commit", "adapter", "testCount", "exitCode", "accepted")
    facts = {key: payload.get(key) for key in keys}
    story.put(event, verdict=event.to_state, wave=event.wave_id, reason=event.reason, **facts)


def _merged(story: Story, event: Event, payload: Facts) -> None:
    # The event's own subject is the wave, which can be merged several times.
    subject = merge_subject(event.wave_id, payload["ref"], event.to_state)
    lists = {key: listed(payload[key]) for key in ("domains", "dropped")}
    story.put(event, subject, base=payload["base"], **lists)


def _receipt_made(story: Story, event: Event, payload: Facts) -> None:
    story.put(event, kind=event.to_state, wave=event.wave_id, sha256=payload["sha256"], body=payload["sha256"])


def _promoted(story: Story, event: Event, payload: Facts) -> None:
    facts = {"from": event.from_state, "to": event.to_state, "overridden": listed(payload["overridden"])}
    story.put(event, reason=event.reason, wave=event.wave_id, **facts)


_TAKEN: Final[dict[str, Callable[[Story, Event, Facts], None]]] = {
    "run_created": _run_created,
    "run_moved": _moved,
    "run_timeout_set": _timeout_set,
    "map_drafted": _map_changed,
    "domain_added": _map_changed,
    "domain_edited": _map_changed,
    "domain_removed": _map_changed,
    "map_frozen": _map_closed,
    "map_unfrozen": _map_closed,
    "wave_dispatched": _wave_dispatched,
    "wave_moved": _moved,
    "agent_run_dispatched": _agent_dispatched,
    "agent_run_moved": _agent_moved,
    "attempt_opened": _attempt_opened,
    "attempt_closed": _attempt_closed,
    "findings_recorded": _findings_recorded,
    "finding_moved": _finding_moved,
    "finding_decided": _finding_decided,
    "fixes_recorded": _fixes_recorded,
    "reviews_recorded": _reviews_recorded,
    "claim_settled": _claim_settled,
    "evidence_recorded": _evidence_recorded,
    "lease_requested": _lease,
    "lease_decided": _lease,
    "verified": _verified,
    "merged": _merged,
    "receipt_made": _receipt_made,
    "promoted": _promoted,
}
