"""Text of a build: its steps, and the last lines of a log."""

from collections.abc import Iterator
from typing import Final

from swarm.results.verify import BuildShown
from swarm.show import text
from swarm.show.escape import plain

_ACCEPTED: Final = {"no_worse": "no worse than the target", "fewer_tests": "with fewer tests than before, accepted"}


def gate_lines(gate: BuildShown) -> Iterator[str]:
    """Yield the verdict of a build, and a line for each step."""
    for step in gate.steps:
        # A step that passed without a test looks green and proves nothing.
        icon = ("⚠" if step.test_count == 0 else "✓") if step.passed else "⊘"
        tests = f", {text.counted(step.test_count, 'test')}" if step.test_count is not None else ""
        yield f"{icon} {plain(step.name)}: {step.status} in {step.duration_ms:,} ms{tests}  ({plain(step.log)})"
    verdict = f"{gate.verdict} by {gate.adapter}" if gate.adapter else gate.verdict
    if gate.flaky:
        verdict += ", red once and green when tried again"
    if gate.accepted:
        verdict += f", {_ACCEPTED.get(gate.accepted, 'accepted')}"
    yield f"Build: {verdict}"
