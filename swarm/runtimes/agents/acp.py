"""Coding agents that speak the Agent Client Protocol on stdin and stdout: opencode, gemini, copilot and others."""

import re
from collections.abc import Callable
from functools import partial
from typing import Final

from swarm.runtimes.agents.acp_client import AcpConversation, Assignment
from swarm.runtimes.agents.coding_agent import Cli, CodingAgent, Turn
from swarm.runtimes.runtime import CliFacts

_CLAUDE: Final = (".claude/.credentials.json", ".claude/settings.json", ".claude.json")
_CODEX: Final = (".codex/auth.json", ".codex/config.toml")
# Each of them asks its provider again for minutes, and says so in its log alone. A title that fails is no failure.
# From the beginning, and atomic: a log may repeat these words, which cost the cube of its length when each was tried.
_OPENCODE_RETRY: Final = re.compile(
    r'\A(?>.*?message="stream error")(?>.*? small=false )(?>.*?error\.error=")'
    r'(?:AI_\w+: )?(?P<words>(?:[^"\\]|\\.)*)(?P<status>)"'
)
_GEMINI_RETRY: Final = re.compile(
    r"Attempt \d+ failed(?: with status (?P<status>\d{3}))?\. Retrying with backoff\.\.\. (?P<words>.*)"
)
_KEYS: Final = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY")


def _conversation(prompt: bytes, turn: Turn, retry: re.Pattern[str] | None = None) -> AcpConversation:
    return AcpConversation(
        Assignment(
            prompt=prompt.decode("utf-8", "replace"),
            tree=str(turn.tree),
            is_reader=not turn.writes,
            model=turn.model,
            session=turn.session,
            has_tools=turn.with_tools,
            retry=retry,
        )
    )


def _arguments(*own: str) -> Callable[[Turn], tuple[str, ...]]:
    return lambda turn: (*own, *turn.extra)


_CLIS: Final = (
    Cli(
        name="opencode",
        arguments=_arguments("acp", "--print-logs", "--log-level", "ERROR"),
        conversation=partial(_conversation, retry=_OPENCODE_RETRY),
        facts=CliFacts(
            login=(".local/share/opencode/auth.json", ".config/opencode"),
            credential=_KEYS,
            signed_in=(".local/share/opencode/auth.json", ".config/opencode/opencode.json"),
            reports_cost=True,
        ),
        install="npm install --global opencode-ai",
        passed=("OPENCODE_CONFIG_CONTENT", "OPENCODE_DISABLE_AUTOUPDATE", "OPENCODE_DISABLE_MODELS_FETCH"),
    ),
    Cli(
        name="gemini",
        arguments=_arguments("--acp"),
        conversation=partial(_conversation, retry=_GEMINI_RETRY),
        facts=CliFacts(
            login=(".gemini/settings.json", ".gemini/oauth_creds.json", ".gemini/google_accounts.json"),
            credential=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
            signed_in=(".gemini/oauth_creds.json",),
        ),
        install="npm install --global @google/gemini-cli",
        # Nothing else makes it log.
        fixed={"GEMINI_DEBUG_LOG_FILE": "/dev/stderr"},
        passed=("GOOGLE_GEMINI_BASE_URL", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION", "GOOGLE_GENAI_USE_VERTEXAI"),
    ),
    Cli(
        name="copilot",
        arguments=_arguments("--acp"),
        conversation=_conversation,
        facts=CliFacts(
            login=(".copilot",),
            credential=("COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"),
            signed_in=(".copilot/config.json",),
        ),
        install="npm install --global @github/copilot",
    ),
    Cli(
        name="cursor",
        program="cursor-agent",
        arguments=_arguments("acp"),
        conversation=_conversation,
        facts=CliFacts(
            login=(".cursor/cli-config.json", ".config/cursor"),
            credential=("CURSOR_API_KEY",),
            signed_in=(".config/cursor/auth.json",),
        ),
        install="install cursor-agent as its documentation says",
    ),
    Cli(
        name="qwen",
        arguments=_arguments("--acp"),
        conversation=_conversation,
        facts=CliFacts(
            login=(".qwen/settings.json", ".qwen/oauth_creds.json"),
            credential=("OPENAI_API_KEY", "DASHSCOPE_API_KEY"),
            signed_in=(".qwen/oauth_creds.json",),
        ),
        install="npm install --global @qwen-code/qwen-code",
        passed=("OPENAI_BASE_URL", "OPENAI_MODEL"),
    ),
    Cli(
        name="goose",
        arguments=_arguments("acp"),
        conversation=_conversation,
        facts=CliFacts(
            login=(".config/goose",),
            credential=("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY"),
            signed_in=(".config/goose/config.yaml",),
        ),
        install="install goose as its documentation says",
        passed=("GOOSE_PROVIDER", "GOOSE_MODEL"),
    ),
    Cli(
        name="kimi",
        arguments=_arguments("acp"),
        conversation=_conversation,
        facts=CliFacts(
            login=(".kimi",),
            credential=("KIMI_API_KEY", "MOONSHOT_API_KEY"),
            signed_in=(".kimi/config.toml",),
        ),
        install="install kimi-cli as its documentation says",
    ),
    Cli(
        name="claude-agent-acp",
        arguments=_arguments(),
        conversation=_conversation,
        facts=CliFacts(
            login=_CLAUDE,
            credential=("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"),
            signed_in=_CLAUDE[:1],
            reports_cost=True,
        ),
        install="npm install --global @agentclientprotocol/claude-agent-acp",
        passed=("CLAUDE_CONFIG_DIR", "ANTHROPIC_BASE_URL", "ANTHROPIC_MODEL"),
    ),
    Cli(
        name="codex-acp",
        arguments=_arguments(),
        conversation=_conversation,
        facts=CliFacts(
            login=_CODEX,
            credential=("OPENAI_API_KEY", "CODEX_API_KEY"),
            signed_in=_CODEX[:1],
        ),
        install="npm install --global @agentclientprotocol/codex-acp",
        passed=("CODEX_HOME", "OPENAI_BASE_URL"),
    ),
)
ACP_AGENTS: Final = {cli.name: partial(CodingAgent, cli) for cli in _CLIS}
