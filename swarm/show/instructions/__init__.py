"""Instructions for coding agents that coordinate: a skill, a part of AGENTS.md, and entries that add `swarm mcp`."""

from pathlib import Path
from typing import Final

from swarm.results.init import ClientEntry

_FOLDER: Final = Path(__file__).parent
_SERVERS: Final = '{"mcpServers": {"swarm": {"command": "swarm", "args": ["mcp"]}}}'
# Each program has a form of its own for the same server.
CLIENTS: Final = (
    ClientEntry("Claude Code", ".mcp.json", _SERVERS, "claude mcp add --scope project swarm -- swarm mcp"),
    ClientEntry(
        "Codex",
        "~/.codex/config.toml",
        '[mcp_servers.swarm]\ncommand = "swarm"\nargs = ["mcp"]',
        "codex mcp add swarm -- swarm mcp",
    ),
    ClientEntry("Gemini CLI", ".gemini/settings.json", _SERVERS, "gemini mcp add swarm swarm mcp"),
    ClientEntry(
        "OpenCode", "opencode.json", '{"mcp": {"swarm": {"type": "local", "command": ["swarm", "mcp"]}}}', None
    ),
)


def skill_text() -> str:
    """Return the skill, in the form of SKILL.md: front matter, then Markdown."""
    return _text("skill")


def agents_text() -> str:
    """Return the part of AGENTS.md that is about swarm."""
    return _text("agents")


def _text(name: str) -> str:
    return (_FOLDER / f"{name}.md").read_text(encoding="utf-8")
