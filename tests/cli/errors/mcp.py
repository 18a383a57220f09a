"""Refusals of the server for coding agents."""

import sys

from swarm.installed import install_command
from tests.cli.errors.refusal import Refusal, refused
from tests.cli.scenes.scene import Scene


@refused
def mcp_unavailable(scene: Scene) -> Refusal:
    # `None` makes an import fail as that of a missing package does.
    scene.monkeypatch.setitem(sys.modules, "mcp_types", None)
    scene.monkeypatch.delitem(sys.modules, "swarm.mcp_server.serve", raising=False)
    cause = "import of mcp_types halted; None in sys.modules"
    remedy = install_command("[mcp]")
    return Refusal(
        ("mcp",),
        f"""[MCP_UNAVAILABLE]: The Model Context Protocol needs the package `mcp`, which is not installed
  Next: {remedy}
  Caused by: {cause}""",
        {"cause": cause},
        exit=2,
    )
