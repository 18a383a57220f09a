"""Text of a build: its steps, and the last lines of a log."""

from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Final

from swarm.results.verify import BuildShown, StepShown
from swarm.rules.sandbox_policy import Isolation
from swarm.show import text
from swarm.show.escape import plain

_ACCEPTED: Final = {"no_worse": "no worse than the target", "fewer_tests": "with fewer tests than before, accepted"}

_INSTALLED_BY: Final = {
    **{name: f"python -m pip install {name}" for name in ("pytest", "mypy", "ruff")},
    **{name: f"npm install --global {name}" for name in ("pnpm", "yarn")},
}


def _program(step: StepShown) -> str:
    """Return the program of a step: the module where Python runs it."""
    return step.argv[2] if step.argv[1:2] == ("-m",) else step.argv[0]


def marked_lines(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines of a log behind a mark: none of them is taken for a command of a CI system, or a line of swarm's."""
    yield from (f"    │ {plain(line)}" for line in lines)


def gate_lines(gate: BuildShown) -> Iterator[str]:
    """Yield the verdict of a build, and a line for each step."""
    for step in gate.steps:
        # A step that passed without a test looks green and proves nothing.
        icon = ("⚠" if step.test_count == 0 else "✓") if step.passed else "⊘"
        tests = f", {text.counted(step.test_count, 'test')}" if step.test_count is not None else ""
        yield f"{icon} {plain(step.name)}: {step.status} in {step.duration_ms:,} ms{tests}  ({plain(step.log)})"
        yield from marked_lines(step.last_lines)
        if step.hint is not None:
            yield f"    {plain(step.hint)}"
        if step.status == "missing" and (command := _INSTALLED_BY.get(PurePath(_program(step)).name)):
            yield f"    {_program(step)} is missing: `{command}` installs it"
    verdict = f"{gate.verdict} by {gate.adapter}" if gate.adapter else gate.verdict
    if gate.flaky:
        verdict += ", red once and green when tried again"
    if gate.accepted:
        verdict += f", {_ACCEPTED.get(gate.accepted, 'accepted')}"
    yield f"Build: {verdict}"
    if gate.isolation is not None:
        yield isolation_line(gate.isolation)


def isolation_line(isolation: Isolation) -> str:
    """Return the sandbox that processes ran in, or why they ran without."""
    if isolation.reason is None:
        return f"Sandbox: {isolation.backend}, policy {isolation.policy}"
    return f"⚠ Sandbox: none ({plain(isolation.reason)})"
