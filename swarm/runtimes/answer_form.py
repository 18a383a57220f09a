"""Form of an answer: its schema as an agent reads it, and all that keeps an answer from fitting."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from swarm import documents, errors
from swarm.documents import LONGEST_PROBLEM, MOST_PROBLEMS
from swarm.rules.phases import LENSES, Phase
from swarm.runtimes.answer_items import Sifted, read_items


class Faults(NamedTuple):
    """Problems of an answer. `counts` says that the rest of the answer counts all the same."""

    problems: tuple[str, ...] = ()
    total: int = 0
    counts: bool = True

    @property
    def gravity(self) -> tuple[bool, int]:
        """The rank of the answer among others: the higher, the worse."""
        return (not self.counts, self.total)


def schema_text(kind: str) -> str:
    """Return the schema of an answer: audit, feature, amend or review. Each definition is a line."""
    schema = documents.schema("agent-output")
    # Only the definitions that this kind of output reaches: an agent reads the whole schema.
    definitions: dict[str, Any] = schema["$defs"]
    wanted: dict[str, Any] = {}
    pending = [kind]
    while pending:
        name = pending.pop()
        if name not in wanted:
            wanted[name] = definitions[name]
            pending += re.findall(r'"#/\$defs/(\w+)"', json.dumps(definitions[name]))
    ordered = [
        f"{json.dumps(name)}: {json.dumps(wanted[name])}" for name in definitions if name in wanted and name != kind
    ]
    # A line for each definition: indented in full, the schema would be a third of the prompt.
    return json.dumps(wanted[kind])[:-1] + ', "$defs": {\n' + ",\n".join(ordered) + "\n}}"


def envelope_problems(parted: Sifted, domain: str, phase: Phase, kind: str) -> list[str]:
    """Return all that is wrong with an answer beside its items: then nothing in it counts."""
    lens, answer = LENSES[phase], parted.answer
    # An answer of 100,000 items is not held to its schema a second time.
    wrong = [] if parted.fits else documents.problems(answer, "agent-output", kind)
    found = [f"does not fit its schema: {problem}" for problem in wrong]

    def says_else(name: str, expected: str) -> str | None:
        said = answer.get(name) if isinstance(answer, Mapping) else None
        # What the schema refuses is not explained a second time.
        if not isinstance(said, str) or said == expected or any(p.startswith(f"$.{name}:") for p in wrong):
            return None
        return errors.shortened(said)

    # An agent that answers in another's name could report or fix findings that it does not own.
    if (said := says_else("domain", domain)) is not None:
        found.append(f"$.domain: it says '{said}', and is the output of '{domain}'")
    if kind == "audit" and (said := says_else("stage", lens)) is not None:
        found.append(f"$.stage: it says '{said}', and {phase} is stage '{lens}'")
    return found


def faults_of(body: bytes, trees: Sequence[Path], domain: str, phase: Phase, kind: str) -> Faults:
    """Return what is wrong with the answer in the bytes of a file, as `collect` would find it."""
    try:
        found = read_items(body, "output.json", "output.json", trees, domain, phase, kind)
    except errors.SwarmError as error:
        return Faults((error.message[:LONGEST_PROBLEM],), 1, counts=False)
    outer = envelope_problems(found, domain, phase, kind)
    items = [f"{item.path}: {item.reason}" for item in found.refused]
    shown = tuple(problem[:LONGEST_PROBLEM] for problem in (*outer, *items)[:MOST_PROBLEMS])
    return Faults(shown, len(outer) + found.total, counts=not outer)
