"""Errors of the tools of coding agents."""

from typing import ClassVar

from swarm.errors.catalogue import ExtraMissing, Severity


class McpUnavailable(ExtraMissing):
    code = "MCP_UNAVAILABLE"
    severity = Severity.MEDIUM
    text = "The Model Context Protocol needs the package `mcp`, which is not installed"
    advice = "install the extra `mcp` by the installer of swarm; the hint is its command"
    exit_code = 2
    when = "`swarm mcp` was called without the extra `mcp`"
    extra: ClassVar[str] = "mcp"
