"""aider, whose output is text: what it edited, what it was refused, and its answer among other lines."""

import re
from typing import Final

from swarm.clock import epoch
from swarm.config import RuntimeConfig
from swarm.installed import install_command
from swarm.rules.agent_events import MOST_COUNTED, AgentEvent, EventKind, Said, Usage, cut
from swarm.rules.agent_faults import fault_of
from swarm.runtimes.agents.coding_agent import Cli, CodingAgent, Turn
from swarm.runtimes.agents.resets import resets_at
from swarm.runtimes.agents.stream import OneWay
from swarm.runtimes.conversation import Heard
from swarm.runtimes.runtime import CliFacts

_MOST_FILES: Final = 50
_MOST_TEXT: Final = 4 * 1024 * 1024
_MODEL: Final = re.compile(r"(?:Main )?[Mm]odel: (\S+)")
# From the beginning of a number: tried from each of its digits, a long one would cost the square.
_TOKENS: Final = re.compile(
    r"Tokens: ([\d.,]+[kM]?) sent.*?(?<![\d.,])([\d.,]++[kM]?) received\.?(?:.*\$([\d.]+) session)?"
)
_EDITED: Final = re.compile(r"Applied edit to (.+)")
_ERROR: Final = re.compile(r"litellm\.(?!utils\b)[A-Za-z]*(?:Error|Exception)\b|The API provider|API key|Error: ")
_RETRY: Final = re.compile(r"Retrying in [\d.]+ seconds")
_NOTE: Final = (
    "\n\n---\nYou cannot write the file that is named above for your answer. Print the JSON object at the end of your"
    " message, without a fence: a fenced block counts as a file.\n"
)
_SCALES: Final = {"k": 1_000, "M": 1_000_000}
_FACTS: Final = CliFacts(
    login=(".aider.conf.yml", ".aider.model.settings.yml", ".aider.model.metadata.json"),
    credential=("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY", "DEEPSEEK_API_KEY"),
    signed_in=(".aider.conf.yml",),
    reports_cost=True,
)
_FIXED: Final = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    # It breaks lines at the width of its terminal, strings of JSON as well.
    "COLUMNS": "100000",
}


def aider(added: RuntimeConfig | None) -> CodingAgent:
    """Return the runtime `aider`."""
    cli = Cli(
        name="aider",
        arguments=_arguments,
        conversation=lambda prompt, _turn: AiderText(prompt),
        facts=_FACTS,
        install=install_command("aider-chat"),
        passed=("OPENAI_API_BASE", "ANTHROPIC_BASE_URL", "AIDER_MODEL", "AIDER_WEAK_MODEL", "OLLAMA_API_BASE"),
        fixed=_FIXED,
        resumes=False,
        reads_file=True,
        note=_NOTE,
    )
    return CodingAgent(cli, added)


def _arguments(turn: Turn) -> list[str]:
    return [
        *("--yes-always", "--no-auto-commits", "--no-stream", "--no-pretty", "--no-check-update"),
        *("--no-show-release-notes", "--analytics-disable", "--no-show-model-warnings", "--no-gitignore"),
        # Its histories and the cache of its map would be files of the tree. Variables that the repository brings are
        # not read.
        *("--chat-history-file", "/dev/null", "--input-history-file", "/dev/null"),
        *("--env-file", "/dev/null", "--map-tokens", "0"),
        *(() if turn.writes else ("--edit-format", "ask")),
        *(("--model", turn.model) if turn.model else ()),
        *turn.extra,
        *(("--message-file", str(turn.prompt_path)) if turn.prompt_path else ()),
        *turn.files[:_MOST_FILES],
    ]


class AiderText(OneWay):
    """The lines of aider. It exits with 0 when its provider refuses, so that its words decide."""

    def __init__(self, prompt: bytes) -> None:
        # Its prompt is in the file that its arguments name.
        del prompt
        super().__init__(b"")
        self._said = Said(tools=0)
        self._lines: list[str] = []
        self._size = 0
        self._problem = ""

    def said(self) -> Said:
        """Return what was said; the final text is all that was printed."""
        text = "\n".join(self._lines)
        if self._said.turns:
            return self._said._replace(final_text=text)
        return self._said._replace(error=_error(self._problem or "the program ended without an answer of its model"))

    def heard(self, line: bytes) -> Heard:
        """Return the meaning of a line."""
        text = line.decode("utf-8", "replace")
        if self._size < _MOST_TEXT:
            self._size += len(line) + 1
            self._lines.append(text)
        if self._said.model is None and (found := _MODEL.match(text)):
            self._said = self._said._replace(model=found[1])
            return Heard((AgentEvent(EventKind.SESSION, name=found[1]),))
        if found := _TOKENS.match(text):
            return self._turn(found)
        if found := _EDITED.match(text):
            self._said = self._said._replace(tools=self._said.tools + 1)
            name = cut(found[1])
            tool = AgentEvent(EventKind.TOOL, name="edit", call=name, target=name, is_write=True)
            return Heard((tool, AgentEvent(EventKind.TOOL_ENDED, call=name)))
        if _RETRY.match(text):
            return Heard((AgentEvent(EventKind.RETRY, text=cut(self._problem)),))
        if _ERROR.match(text):
            # The first line has the cause, the lines after it have advice.
            self._problem = self._problem or text
            # An answer that comes after all takes the error back; it may wait for minutes to ask again.
            problem = self._problem
            return Heard((_error(problem),))
        kind = EventKind.TEXT if text.strip() else EventKind.PLACEHOLDER
        return Heard((AgentEvent(kind, text=cut(text)),))

    def _turn(self, found: re.Match[str]) -> Heard:
        before, self._problem = self._said.usage, ""
        cost = _number(found[3] or "")
        self._said = self._said._replace(
            turns=(self._said.turns or 0) + 1,
            usage=Usage(
                (before.tokens_in or 0) + _count(found[1]),
                (before.tokens_out or 0) + _count(found[2]),
                before.cost_usd if cost is None else cost,
            ),
        )
        return Heard((AgentEvent(EventKind.TURN_ENDED), self._said.usage.event()))


def _error(problem: str) -> AgentEvent:
    fault, moment = fault_of(None, problem), resets_at(problem, epoch())
    return AgentEvent(EventKind.ERROR, text=cut(problem), fault=fault, resets_at=moment)


def _count(text: str) -> int:
    scale = _SCALES.get(text[-1], 1)
    number = _number(text.rstrip("kM").replace(",", ""))
    return 0 if number is None else round(number * scale)


def _number(text: str) -> float | None:
    """Return the number that a text is, `None` for no count of anything: the model can print such a line itself."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number < MOST_COUNTED else None
