"""`swarm help`."""

import click

from swarm.cli import completions
from swarm.cli.call import Call
from swarm.cli.options import verb
from swarm.results.help import HelpText


@verb()
@click.argument("words", nargs=-1, metavar="[VERB]", shell_complete=completions.verbs)
def command(call: Call, words: tuple[str, ...]) -> None:
    """Show what VERB does and its options; without VERB, list the verbs."""
    from swarm.cli.main import swarm

    context = click.Context(swarm, info_name="swarm")
    for word in words:
        if not isinstance(context.command, click.Group):
            break
        name, found, _ = context.command.resolve_command(context, [word])
        if found is not None:
            context = click.Context(found, info_name=name, parent=context)
    text = context.get_help()
    call.answer(HelpText(" ".join(words), text), lambda: [text])
