"""Records of `mcp`."""

from typing import Any, NamedTuple


class ToolShown(NamedTuple):
    """A tool of the server: its name, what it does, whether it changes nothing, and the schema of its arguments."""

    name: str
    description: str
    read_only: bool
    input_schema: dict[str, Any]


class McpResult(NamedTuple):
    """The tools that `swarm mcp` serves."""

    tools: tuple[ToolShown, ...]
