"""Coding agents whose stream is in the words of the journal: Python scripts that `swarm launch` starts."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from swarm.config import RuntimeConfig
from swarm.rules.agent_events import AgentEvent, EventKind, Fault, Said
from swarm.rules.phases import Phase
from swarm.runtimes.agents.table import AGENTS
from swarm.runtimes.answer import printed_answer
from swarm.runtimes.conversation import Heard
from swarm.runtimes.runtime import CliFacts, Job, ProcessStep, Product, Program, StepResult, UnusableOutput
from tests.cli.scenes.launched_agents import OUTPUT
from tests.conftest import Repo

TELL = """
what, session, prompt = sys.argv[1], sys.argv[2], pathlib.Path(os.environ["SWARM_PROMPT_FILE"]).read_text()
attempt = int(os.environ["SWARM_ATTEMPT"])
def tell(event, text="", **more):
    print(json.dumps({"event": event, "text": text, **more}), flush=True)
def finish(**more):
    tell("final", json.dumps(answer(**more)))
tell("session", call="session-1", name="model-1")
"""


class Stream:
    """Takes each line as an event."""

    keeps_input_open = True

    def __init__(self) -> None:
        self.events: list[AgentEvent] = []

    def opening(self) -> bytes:
        return b""

    def heard(self, line: bytes) -> Heard:
        document = json.loads(line)
        fault = document.pop("fault", None)
        event = AgentEvent(EventKind(document.pop("event")), **document)._replace(fault=fault and Fault(fault))
        self.events.append(event)
        return Heard((event,), is_over=event.kind is EventKind.FINAL)

    def logged(self, line: bytes) -> Heard:
        del line
        return Heard()

    def permit(self, call: str, decision: str) -> Heard:
        return Heard((AgentEvent(EventKind.PERMISSION_ENDED, call=call),), f"{call} {decision}\n".encode())

    def cancel(self) -> bytes:
        return b""

    def said(self) -> Said:
        texts = [event.text for event in self.events if event.kind is EventKind.FINAL]
        return Said(session_id="session-1", model="model-1", final_text=texts[-1] if texts else None)


class Streaming:
    """A coding agent that plays a script; with a session it is called as `finish session-1`."""

    name = "streaming"
    is_analyzer = is_trusted = False
    writes_tree = True
    agent = CliFacts(model="model-1")

    def __init__(self, script: Path) -> None:
        self._script = script

    def reads(self, tree: Path, paths: Sequence[str]) -> list[str]:
        del tree
        return list(paths)

    def program(self) -> Program:
        return Program(sys.executable, lambda: "1.0", (sys.executable, str(self._script)))

    def supports(self, phase: Phase) -> bool:
        return bool(phase)

    def config_hash(self, tree: Path, files: Sequence[str], phase: Phase) -> str:
        del tree, files, phase
        return "none"

    def steps(self, job: Job) -> list[ProcessStep]:
        del job
        return [self._step("work", "")]

    def product(self, job: Job, results: Sequence[StepResult]) -> Product:
        said = results[-1].said
        found = printed_answer(((said and said.final_text) or "").encode())
        if found is None and not job.output_path.exists():
            raise UnusableOutput("no answer")
        return Product(found)

    def follow_up(self, job: Job, session_id: str, prompt: str, *, with_tools: bool) -> ProcessStep | None:
        del job, prompt
        assert not with_tools
        return self._step("finish", session_id)

    def _step(self, what: str, session: str) -> ProcessStep:
        return ProcessStep((sys.executable, str(self._script), what, session), conversation=Stream())


class StreamingAgents:
    """Writes the script of the runtime `streaming`."""

    def __init__(self, repo: Repo, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._repo = repo
        self._script = folder / "streaming.py"
        patch.setitem(AGENTS, "streaming", self._made)  # type: ignore[arg-type]

    def _made(self, added: RuntimeConfig | None) -> Streaming:
        del added
        return Streaming(self._script)

    def play(self, body: str, *, config: str = "") -> None:
        self._script.write_text(OUTPUT + TELL + body)
        # Seconds that no healthy script of these tests needs, and that a test can wait for.
        stalls = "{ no_event = 0.5, read_tool = 0.5, tool = 0.5, incomplete_round = 0.5, error = 0.2 }"
        (self._repo.root / "swarm.toml").write_text(f"[launch]\nstalls = {stalls}\n{config}")
