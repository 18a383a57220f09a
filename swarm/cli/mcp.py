"""`swarm mcp`."""

import os
from collections.abc import Iterator

import click

from swarm import errors
from swarm.cli.call import Call
from swarm.cli.options import verb
from swarm.mcp_server.tools import TOOLS, input_schema
from swarm.results.mcp import McpResult, ToolShown
from swarm.workspace import refuse_agents


@verb()
@click.option("--tools", "lists_tools", is_flag=True, help="List the tools instead, and serve nothing.")
def command(call: Call, *, lists_tools: bool) -> None:
    """Serve the verbs of a coordinator to a coding agent, by the Model Context Protocol on stdin and stdout.

    An entry in the agent's configuration starts it, in the folder of the repository: `swarm mcp`. Each result is the
    JSON document of the verb. A cancelled call ends its agents. Needs the extra `mcp`.
    """
    if lists_tools:
        tools = tuple(ToolShown(each.verb, each.about, each.reads, input_schema(each)) for each in TOOLS)
        result = McpResult(tools)
        call.answer(result, lambda: _lines(result))
        return
    refuse_agents(call.folder, os.environ)
    try:
        from swarm.mcp_server.serve import serve
    except ImportError as error:
        raise errors.McpUnavailable from error
    serve()


def _lines(result: McpResult) -> Iterator[str]:
    width = max(len(tool.name) for tool in result.tools)
    for tool in result.tools:
        yield f"{tool.name:<{width}}  {tool.description}"
