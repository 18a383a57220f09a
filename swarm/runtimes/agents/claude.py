"""Claude Code, by `claude -p --output-format stream-json`."""

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
    number_in,
    object_of,
    shown_input,
    target_in,
    text_in,
)
from swarm.runtimes.conversation import Heard
from swarm.runtimes.runtime import CliFacts

_READING: Final = frozenset({"Read", "Grep", "Glob", "LS", "NotebookRead", "WebFetch", "WebSearch", "TaskOutput"})
_WRITING: Final = frozenset({"Edit", "Write", "MultiEdit", "NotebookEdit"})
# Tools that take no input; with any other, an empty input is malformed.
_BARE: Final = frozenset({"ExitPlanMode", "EnterPlanMode", "ExitWorktree", "EnterWorktree", "TaskList", "CronList"})
_CREDENTIALS: Final = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN")
_PASSED: Final = (
    "CLAUDE_CONFIG_DIR",
    *("ANTHROPIC_BASE_URL", "ANTHROPIC_MODEL", "ANTHROPIC_SMALL_FAST_MODEL", "ANTHROPIC_CUSTOM_HEADERS"),
    *("ANTHROPIC_DEFAULT_OPUS_MODEL", "ANTHROPIC_DEFAULT_SONNET_MODEL", "ANTHROPIC_DEFAULT_HAIKU_MODEL"),
    *("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLOUD_ML_REGION", "ANTHROPIC_VERTEX_PROJECT_ID"),
    *("AWS_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    *("AWS_BEARER_TOKEN_BEDROCK", "API_TIMEOUT_MS", "BASH_DEFAULT_TIMEOUT_MS", "BASH_MAX_TIMEOUT_MS"),
    *("MAX_THINKING_TOKENS", "CLAUDE_CODE_MAX_OUTPUT_TOKENS", "CLAUDE_CODE_MAX_RETRIES"),
)
_FIXED: Final = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    # Its own ten take three minutes, in which another agent could have worked.
    "CLAUDE_CODE_MAX_RETRIES": "4",
}
_FACTS: Final = CliFacts(
    login=(".claude/.credentials.json", ".claude/settings.json", ".claude.json"),
    credential=_CREDENTIALS,
    signed_in=(".claude/.credentials.json",),
    reports_cost=True,
)


def claude(added: RuntimeConfig | None) -> CodingAgent:
    """Return the runtime `claude`."""
    cli = Cli(
        name="claude",
        arguments=_arguments,
        conversation=lambda prompt, _turn: ClaudeStream(prompt),
        facts=_FACTS,
        install="npm install --global @anthropic-ai/claude-code",
        passed=_PASSED,
        fixed=_FIXED,
    )
    return CodingAgent(cli, added)


def _arguments(turn: Turn) -> list[str]:
    mode = "acceptEdits" if turn.writes else "plan"
    # Settings and servers that the repository brings would start programs that nobody has trusted.
    own = ("--setting-sources", "user", "--strict-mcp-config")
    model = ("--model", turn.model) if turn.model else ()
    turns = ("--max-turns", str(turn.max_turns)) if turn.max_turns else ()
    # An edit outside of its folder and of those that are named is refused without a question.
    folder = ("--add-dir", str(turn.output_folder)) if turn.writes and turn.output_folder else ()
    session = ("--resume", turn.session) if turn.session else ()
    # Within our sandbox it may run what it likes, such as the tests: without a terminal it could ask nobody.
    tools = ("--allowedTools", "Bash") if turn.writes and turn.is_enclosed else ()
    if not turn.with_tools:
        tools = ("--tools", "")
    begin = ("-p", "--output-format", "stream-json", "--verbose", "--permission-mode", mode)
    return [*begin, *own, *model, *turns, *session, *turn.extra, *folder, *tools]


class ClaudeStream(OneWay):
    """The stream of `claude -p --output-format stream-json --verbose`, whose last object is the result."""

    def __init__(self, prompt: bytes) -> None:
        super().__init__(prompt)
        self._said = Said()
        self._has_result = False
        self._resets_at: float | None = None
        # The tokens of each message, and their sum.
        self._messages: dict[str, Usage] = {}
        self._used = Usage(0, 0)
        self._turns = 0
        self._retries = Retries()

    def said(self) -> Said:
        """Return what the result says; a stream without a result says that the program was ended."""
        if self._has_result or self._said.error:
            return self._said
        return self._said._replace(error=_error("the stream ended without a result", None, Fault.CORRUPTED))

    def heard(self, line: bytes) -> Heard:
        """Return the meaning of a line."""
        document = object_of(line)
        if document is None:
            return NOTHING
        match document.get("type"):
            case "system":
                return self._system(document)
            case "assistant" if document.get("error"):
                # The program's own words for a failure, which the result repeats.
                return SIGN_OF_LIFE
            case "assistant":
                self._retries.progressed()
                return Heard(tuple(self._assistant(document)))
            case "user":
                return Heard(tuple(_results(document)))
            case "rate_limit_event":
                return self._limit(document)
            case "result":
                return self._result(document)
            case _:
                return SIGN_OF_LIFE

    def _system(self, document: dict[str, Any]) -> Heard:
        match document.get("subtype"):
            case "init":
                session, model = text_in(document, "session_id"), text_in(document, "model")
                self._said = self._said._replace(session_id=session or None, model=model or None)
                return Heard((AgentEvent(EventKind.SESSION, call=session, name=model),))
            case "api_retry":
                text, status = text_in(document, "error"), count_in(document, "error_status")
                fault = fault_of(status, text) if status or text != "unknown" else Fault.UNREACHABLE
                event = self._retries.again(f"{text}: {status or 'no answer'}", fault, status, self._resets_at)
                if event.kind is EventKind.ERROR:
                    self._said = self._said._replace(error=event)
                return Heard((event,))
            case _:
                return SIGN_OF_LIFE

    def _assistant(self, document: dict[str, Any]) -> Iterator[AgentEvent]:
        number, usage = text_in(document, "message", "id"), _tokens(document.get("message"))
        # A message comes in pieces, and each piece repeats what the message used.
        if (before := self._messages.get(number)) != usage:
            self._turns += before is None
            remember(self._messages, number, usage)
            self._used = _sum(_sum(self._used, usage), before or Usage(0, 0), sign=-1)
            self._said = self._said._replace(turns=self._turns, usage=self._used)
            yield self._used.event()
        for block in list_in(document, "message", "content"):
            match text_in(block, "type"):
                case "text" if text := text_in(block, "text"):
                    yield AgentEvent(EventKind.TEXT, text=cut(text))
                case "thinking" if text := text_in(block, "thinking"):
                    yield AgentEvent(EventKind.REASONING, text=cut(text))
                case "tool_use":
                    self._said = self._said._replace(tools=self._said.tools + 1)
                    yield _tool(block)
                case _:
                    yield AgentEvent(EventKind.PLACEHOLDER)

    def _limit(self, document: dict[str, Any]) -> Heard:
        self._resets_at = number_in(document, "rate_limit_info", "resetsAt") or self._resets_at
        if text_in(document, "rate_limit_info", "status") != "rejected":
            return SIGN_OF_LIFE
        text = f"the limit {text_in(document, 'rate_limit_info', 'rateLimitType') or 'of the plan'} is reached"
        return Heard((_error(text, None, Fault.QUOTA)._replace(resets_at=self._resets_at),))

    def _result(self, document: dict[str, Any]) -> Heard:
        self._has_result = True
        text, subtype = text_in(document, "result"), text_in(document, "subtype")
        used = _tokens(document)
        models = document.get("modelUsage")
        answered = next(iter(models), None) if isinstance(models, dict) else None
        self._said = self._said._replace(
            session_id=text_in(document, "session_id") or self._said.session_id,
            model=answered or self._said.model,
            final_text=text or None,
            turns=count_in(document, "num_turns") or self._said.turns,
            usage=used._replace(cost_usd=number_in(document, "total_cost_usd")),
            denials=tuple(_denials(document)),
            error=None,
        )
        if document.get("is_error") is True or subtype != "success":
            status = count_in(document, "api_error_status")
            problem = text or "; ".join(map(str, list_in(document, "errors"))) or subtype
            error = _error(problem, status, fault_of(status, f"{subtype} {problem}"))
            error = error._replace(resets_at=self._resets_at or resets_at(problem, epoch()))
            self._said = self._said._replace(final_text=None, error=error)
            return Heard((error,))
        return end_of_turn(text)


def _tokens(document: object) -> Usage:
    """Return the tokens of a message, or of a whole answer."""
    read = (count_in(document, "usage", name) for name in ("input_tokens", "cache_read_input_tokens"))
    return Usage(sum(filter(None, read)), count_in(document, "usage", "output_tokens"))


def _sum(usage: Usage, other: Usage, sign: int = 1) -> Usage:
    return Usage(
        (usage.tokens_in or 0) + sign * (other.tokens_in or 0), (usage.tokens_out or 0) + sign * (other.tokens_out or 0)
    )


def _tool(block: dict[str, Any]) -> AgentEvent:
    name, given = text_in(block, "name"), block.get("input")
    milliseconds = number_in(given, "timeout") if name == "Bash" else None
    return AgentEvent(
        EventKind.TOOL,
        name=name,
        call=text_in(block, "id"),
        text=shown_input(given),
        target=target_in(given),
        is_read=name in _READING,
        is_write=name in _WRITING,
        is_malformed=not isinstance(given, dict) or (not given and name not in _BARE),
        limit_seconds=milliseconds / 1000 if milliseconds else None,
    )


def _results(document: dict[str, Any]) -> Iterator[AgentEvent]:
    for block in list_in(document, "message", "content"):
        if text_in(block, "type") == "tool_result":
            failed = block.get("is_error") is True
            text = shown_input(block.get("content")) if failed else ""
            call = text_in(block, "tool_use_id")
            yield AgentEvent(EventKind.TOOL_ENDED, call=call, text=text, has_failed=failed)


def _denials(document: dict[str, Any]) -> Iterator[str]:
    for denial in list_in(document, "permission_denials"):
        given = denial.get("tool_input") if isinstance(denial, dict) else None
        yield f"{text_in(denial, 'tool_name')} {target_in(given)}".strip()


def _error(text: str, status: int | None, fault: Fault) -> AgentEvent:
    return AgentEvent(EventKind.ERROR, text=cut(text), fault=fault, status=status)
