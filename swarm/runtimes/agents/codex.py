"""Codex, by `codex exec --json`."""

import re
from collections.abc import Iterator
from typing import Any, Final

from swarm.clock import epoch
from swarm.config import RuntimeConfig
from swarm.rules.agent_events import AgentEvent, EventKind, Fault, Said, Usage, cut, remember
from swarm.rules.agent_faults import fault_of
from swarm.runtimes.agents.coding_agent import Cli, CodingAgent, Turn
from swarm.runtimes.agents.resets import resets_at
from swarm.runtimes.agents.stream import (
    NOTHING,
    SIGN_OF_LIFE,
    OneWay,
    Retries,
    count_in,
    end_of_turn,
    list_in,
    object_of,
    shown_input,
    text_in,
)
from swarm.runtimes.conversation import Heard
from swarm.runtimes.runtime import CliFacts

_RETRY: Final = re.compile(r"Reconnecting\.\.\.(?: \d+/\d+)?\s*(.*)", re.DOTALL)
# It says so once, and waits for ever.
_WAITS: Final = "waiting for network"
_STATUS: Final = re.compile(r"\bstatus:? (\d{3})\b")
_FACTS: Final = CliFacts(
    login=(".codex/auth.json", ".codex/config.toml"),
    credential=("CODEX_API_KEY", "OPENAI_API_KEY"),
    signed_in=(".codex/auth.json",),
)


def codex(added: RuntimeConfig | None) -> CodingAgent:
    """Return the runtime `codex`."""
    cli = Cli(
        name="codex",
        arguments=_arguments,
        conversation=lambda prompt, _turn: CodexStream(prompt),
        facts=_FACTS,
        install="npm install --global @openai/codex",
        passed=("CODEX_HOME", "OPENAI_BASE_URL", "OPENAI_ORGANIZATION", "OPENAI_PROJECT"),
    )
    return CodingAgent(cli, added)


def _arguments(turn: Turn) -> list[str]:
    # By `-c`, which a resumed session takes as well: there is no `--sandbox` for it.
    mode = "workspace-write" if turn.writes else "read-only"
    if turn.is_enclosed:
        # Its own sandbox does not start within ours, which holds it to the same folder.
        mode = "danger-full-access"
    if not turn.with_tools:
        mode = "read-only"
    session = ("resume", turn.session) if turn.session else ()
    begin = ("exec", *session, "--json", "--skip-git-repo-check", "-c", f"sandbox_mode={mode}")
    folder: tuple[str, ...] = ()
    if mode == "workspace-write" and turn.output_folder:
        folder = ("-c", f"sandbox_workspace_write.writable_roots={[str(turn.output_folder)]!r}")
    model = ("-m", turn.model) if turn.model else ()
    return [*begin, *folder, *model, *turn.extra, "-"]


class CodexStream(OneWay):
    """The stream of `codex exec --json`: a thread, its turn, and the items of the turn."""

    def __init__(self, prompt: bytes) -> None:
        super().__init__(prompt)
        self._said = Said()
        self._open: dict[str, None] = {}
        self._retries = Retries()
        self._is_whole = False

    def said(self) -> Said:
        """Return what was said; a stream without the end of a turn says that the program was ended."""
        if self._is_whole or self._said.error:
            return self._said
        error = AgentEvent(EventKind.ERROR, text="the stream ended within a turn", fault=Fault.CORRUPTED)
        return self._said._replace(final_text=None, error=error)

    def heard(self, line: bytes) -> Heard:
        """Return the meaning of a line."""
        document = object_of(line)
        if document is None:
            return NOTHING
        match document.get("type"):
            case "thread.started":
                session = text_in(document, "thread_id")
                self._said = self._said._replace(session_id=session or None)
                return Heard((AgentEvent(EventKind.SESSION, call=session),))
            case "item.started" | "item.updated" | "item.completed" as kind:
                return self._item(document, is_ended=kind == "item.completed")
            case "turn.completed":
                return self._turn(document)
            case "turn.failed":
                return self._failed(text_in(document, "error", "message"))
            case "error":
                return self._error(text_in(document, "message"))
            case _:
                return SIGN_OF_LIFE

    def _item(self, document: dict[str, Any], *, is_ended: bool) -> Heard:
        item = document.get("item")
        number, kind, text = text_in(item, "id"), text_in(item, "type"), text_in(item, "text")
        match kind:
            case "agent_message" if is_ended:
                self._retries.progressed()
                self._said = self._said._replace(final_text=text or None)
                return Heard((AgentEvent(EventKind.TEXT if text.strip() else EventKind.PLACEHOLDER, text=cut(text)),))
            case "reasoning":
                return Heard((AgentEvent(EventKind.REASONING, text=cut(text)),))
            case "command_execution" | "file_change" | "mcp_tool_call" | "web_search" | "collab_tool_call":
                self._retries.progressed()
                return Heard(tuple(self._tool(item, kind, number, is_ended=is_ended)))
            case _:
                # A warning of the program, its list of things to do: signs of life.
                return SIGN_OF_LIFE

    def _tool(self, item: Any, kind: str, number: str, *, is_ended: bool) -> Iterator[AgentEvent]:
        if number not in self._open:
            remember(self._open, number, None)
            self._said = self._said._replace(tools=self._said.tools + 1)
            target = text_in(item, "command") or _paths(item) or text_in(item, "query") or text_in(item, "tool")
            yield AgentEvent(
                EventKind.TOOL,
                name=kind,
                call=number,
                text=shown_input(target),
                target=cut(target),
                is_read=kind == "web_search",
                is_write=kind == "file_change",
            )
        if not is_ended:
            return
        status = text_in(item, "status")
        if status == "declined":
            denial = f"{kind} {_paths(item) or text_in(item, 'command')}".strip()
            self._said = self._said._replace(denials=(*self._said.denials, denial))
        text = cut(text_in(item, "aggregated_output")) if status != "completed" else ""
        yield AgentEvent(EventKind.TOOL_ENDED, call=number, text=text, has_failed=status in {"failed", "declined"})

    def _turn(self, document: dict[str, Any]) -> Heard:
        self._is_whole = True
        usage = document.get("usage")
        turns = (self._said.turns or 0) + 1
        counts = Usage(count_in(usage, "input_tokens"), count_in(usage, "output_tokens"))
        self._said = self._said._replace(turns=turns, usage=counts, error=None)
        return end_of_turn(self._said.final_text)

    def _error(self, text: str) -> Heard:
        retry = _RETRY.match(text)
        if retry is None:
            return self._failed(text)
        words = retry[1].removeprefix("(").removesuffix(")") or text
        if words.startswith(_WAITS):
            return self._failed(words)
        status, fault = _status(words), fault_of(_status(words), words)
        event = self._retries.again(words, fault, status, resets_at(words, epoch()))
        return self._failed(words) if event.kind is EventKind.ERROR else Heard((event,))

    def _failed(self, text: str) -> Heard:
        status = _status(text)
        error = AgentEvent(
            EventKind.ERROR,
            text=cut(text or "the turn failed"),
            fault=fault_of(status, text),
            status=status,
            resets_at=resets_at(text, epoch()),
        )
        # An error and the failed turn that follows say the same.
        is_repeated = self._said.error is not None and self._said.error.text == error.text
        self._said = self._said._replace(final_text=None, error=error)
        return NOTHING if is_repeated else Heard((error,))


def _paths(item: Any) -> str:
    return ", ".join(text_in(change, "path") for change in list_in(item, "changes"))


def _status(text: str) -> int | None:
    found = _STATUS.search(text)
    return int(found[1]) if found else None
