"""A `swarm.toml` to begin with: the tools found here, and the settings that most repositories change."""

import json
from collections.abc import Iterator

from swarm.results.init import ToolsFound

_HEAD = """\
# Settings of swarm for this repository. docs/configuration.md explains them, `swarm schema swarm-toml` prints their
# schema. A setting behind a `#` is an example or a default.
# swarm runs the programs that this file names for users who trust it: after a change of them, `swarm trust`."""
_REST = """\
[launch]
# jobs = 4                  # agents at once; by default one for each core
# timeout_seconds = 1800    # of an attempt

# [worktrees]
# include = [".env"]         # untracked files to copy into agents' trees
# setup = ["npm", "ci"]      # run in each new tree before its agent is launched

# [severities.ruff]         # the longest prefix of a rule wins
# S = "HIGH\""""


def config_text(found: ToolsFound) -> str:
    """Return the file."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: ToolsFound) -> Iterator[str]:
    yield _HEAD
    yield ""
    yield "[defaults]"
    for name, version in found.runtimes:
        yield f"# runtime = {_string(name)}        # found here: {name} {version}".rstrip()
    if found.configured:
        yield ""
        yield "# [analyzers]              # configured here; they run code or programs of the repository"
        yield f"# use = [{', '.join(map(_string, found.configured))}]"
    yield ""
    yield _REST
    yield ""
    yield "[verify]"
    if found.adapter is not None:
        yield f"adapter = {_string(found.adapter)}        # fits this repository best"
    yield "# timeout_seconds = 300     # of a step"
    for agent in found.agents:
        yield ""
        yield from _agent(agent)


def _agent(agent: str) -> Iterator[str]:
    yield f"# [runtimes.{agent}]        # found here; `swarm launch --runtime {agent}` launches it as it is"
    yield '# model = "NAME"             # that it is asked to use, in place of its own choice'


def _string(value: str) -> str:
    # A JSON string of ASCII letters is a string of TOML.
    return json.dumps(value)
