"""Command lines of coding agents that are in common use, for a `swarm.toml` that `init --config` writes."""

from typing import Final, NamedTuple


class AgentCli(NamedTuple):
    """A coding agent: its command line without a terminal, its credential, and the hosts that it calls."""

    name: str
    argv: tuple[str, ...]
    environment: tuple[str, ...]
    network: tuple[str, ...]


def _reading(line: str) -> tuple[str, ...]:
    """Return the argument list of an agent that reads its prompt from stdin."""
    # A prompt in an argument would be too long for the system from 128 KiB on.
    return ("sh", "-c", f'exec {line} < "$1"', "sh", "{prompt_file}")


AGENT_CLIS: Final = (
    AgentCli(
        "claude",
        _reading("claude -p --output-format json --permission-mode acceptEdits"),
        ("ANTHROPIC_API_KEY",),
        ("api.anthropic.com",),
    ),
    AgentCli(
        "codex",
        _reading("codex exec --json --skip-git-repo-check --sandbox workspace-write -"),
        ("OPENAI_API_KEY",),
        ("api.openai.com",),
    ),
    AgentCli(
        "gemini",
        _reading("gemini -o json --approval-mode yolo --skip-trust"),
        ("GEMINI_API_KEY",),
        ("generativelanguage.googleapis.com",),
    ),
    AgentCli(
        "aider",
        ("aider", "--message-file", "{prompt_file}", "--yes-always", "--no-auto-commits", "--no-pretty"),
        ("OPENAI_API_KEY",),
        ("api.openai.com",),
    ),
)
