"""The coding agents by name. Each module of this folder makes the runtimes of a program, or of a protocol."""

from collections.abc import Callable, Mapping
from typing import Final

from swarm.config import RuntimeConfig
from swarm.runtimes.agents.acp import ACP_AGENTS
from swarm.runtimes.agents.aider import aider
from swarm.runtimes.agents.claude import claude
from swarm.runtimes.agents.codex import codex
from swarm.runtimes.runtime import AgentRuntime

# What a `[runtimes.NAME]` table of the name changes of a bundled agent: its argv, its variables, its sandbox.
Make = Callable[[RuntimeConfig | None], AgentRuntime]
AGENTS: Final[Mapping[str, Make]] = {"claude": claude, "codex": codex, "aider": aider, **ACP_AGENTS}
