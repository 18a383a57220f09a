"""Coding agents that speak the Agent Client Protocol on stdin and stdout: opencode, gemini, copilot and others."""

import functools
from typing import Final, NamedTuple

from swarm.config import RuntimeConfig
from swarm.runtimes.agents.acp_client import AcpConversation, Assignment
from swarm.runtimes.agents.coding_agent import Cli, CodingAgent, Turn
from swarm.runtimes.runtime import CliFacts

_CLAUDE: Final = (".claude/.credentials.json", ".claude/settings.json", ".claude.json")
_CODEX: Final = (".codex/auth.json", ".codex/config.toml")
_KEYS: Final = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY")


class _Preset(NamedTuple):
    """An agent: its name, its arguments, how it is installed, and its login as in `CliFacts`.

    `program` is its program where that has another name; `passed` are further variables that it reads.
    """

    name: str
    arguments: tuple[str, ...]
    install: str
    credential: tuple[str, ...]
    login: tuple[str, ...]
    signed_in: tuple[str, ...] = ()
    program: str = ""
    passed: tuple[str, ...] = ()
    reports_cost: bool = False


_PRESETS: Final = (
    _Preset(
        name="opencode",
        arguments=("acp",),
        install="npm install --global opencode-ai",
        credential=_KEYS,
        login=(".local/share/opencode/auth.json", ".config/opencode"),
        signed_in=(".local/share/opencode/auth.json", ".config/opencode/opencode.json"),
        passed=("OPENCODE_CONFIG_CONTENT", "OPENCODE_DISABLE_AUTOUPDATE", "OPENCODE_DISABLE_MODELS_FETCH"),
        reports_cost=True,
    ),
    _Preset(
        name="gemini",
        arguments=("--acp",),
        install="npm install --global @google/gemini-cli",
        credential=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        login=(".gemini/settings.json", ".gemini/oauth_creds.json", ".gemini/google_accounts.json"),
        signed_in=(".gemini/oauth_creds.json",),
        passed=("GOOGLE_GEMINI_BASE_URL", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION", "GOOGLE_GENAI_USE_VERTEXAI"),
    ),
    _Preset(
        name="copilot",
        arguments=("--acp",),
        install="npm install --global @github/copilot",
        credential=("COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"),
        login=(".copilot",),
        signed_in=(".copilot/config.json",),
    ),
    _Preset(
        name="cursor",
        arguments=("acp",),
        install="install cursor-agent as its documentation says",
        credential=("CURSOR_API_KEY",),
        login=(".cursor/cli-config.json", ".config/cursor"),
        signed_in=(".config/cursor/auth.json",),
        program="cursor-agent",
    ),
    _Preset(
        name="qwen",
        arguments=("--acp",),
        install="npm install --global @qwen-code/qwen-code",
        credential=("OPENAI_API_KEY", "DASHSCOPE_API_KEY"),
        login=(".qwen/settings.json", ".qwen/oauth_creds.json"),
        signed_in=(".qwen/oauth_creds.json",),
        passed=("OPENAI_BASE_URL", "OPENAI_MODEL"),
    ),
    _Preset(
        name="goose",
        arguments=("acp",),
        install="install goose as its documentation says",
        credential=("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY"),
        login=(".config/goose",),
        signed_in=(".config/goose/config.yaml",),
        passed=("GOOSE_PROVIDER", "GOOSE_MODEL"),
    ),
    _Preset(
        name="kimi",
        arguments=("acp",),
        install="install kimi-cli as its documentation says",
        credential=("KIMI_API_KEY", "MOONSHOT_API_KEY"),
        login=(".kimi",),
        signed_in=(".kimi/config.toml",),
    ),
    _Preset(
        name="claude-agent-acp",
        arguments=(),
        install="npm install --global @agentclientprotocol/claude-agent-acp",
        credential=("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"),
        login=_CLAUDE,
        signed_in=_CLAUDE[:1],
        passed=("ANTHROPIC_BASE_URL", "ANTHROPIC_MODEL"),
        reports_cost=True,
    ),
    _Preset(
        name="codex-acp",
        arguments=(),
        install="npm install --global @agentclientprotocol/codex-acp",
        credential=("OPENAI_API_KEY", "CODEX_API_KEY"),
        login=_CODEX,
        signed_in=_CODEX[:1],
        passed=("OPENAI_BASE_URL",),
    ),
)


def _conversation(prompt: bytes, turn: Turn) -> AcpConversation:
    return AcpConversation(
        Assignment(
            prompt=prompt.decode("utf-8", "replace"),
            tree=str(turn.tree),
            is_reader=not turn.writes,
            model=turn.model,
            session=turn.session,
            has_tools=turn.with_tools,
        )
    )


def _agent(preset: _Preset, added: RuntimeConfig | None) -> CodingAgent:
    cli = Cli(
        name=preset.name,
        program=preset.program,
        arguments=lambda turn: (*preset.arguments, *turn.extra),
        conversation=_conversation,
        facts=CliFacts(
            login=preset.login,
            credential=preset.credential,
            signed_in=preset.signed_in,
            reports_cost=preset.reports_cost,
        ),
        install=preset.install,
        passed=preset.passed,
    )
    return CodingAgent(cli, added)


ACP_AGENTS: Final = {preset.name: functools.partial(_agent, preset) for preset in _PRESETS}
