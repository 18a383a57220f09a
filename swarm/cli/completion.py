"""`swarm completion`."""

import click
from click.shell_completion import get_completion_class

from swarm.cli.call import Call
from swarm.cli.options import usage, verb
from swarm.results.completion import Completion


@verb()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(call: Call, shell: str) -> None:
    """Print the completion script of SHELL. Save it where that shell looks for completions.

    For bash: swarm completion bash > ~/.local/share/bash-completion/completions/swarm
    """
    from swarm.cli.main import swarm

    found = get_completion_class(shell)
    if found is None:
        raise usage(f"no completion for {shell}", "completion")
    script = found(swarm, {}, "swarm", "_SWARM_COMPLETE").source()
    call.answer(Completion(shell, script), lambda: [script])
