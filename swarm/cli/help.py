"""`swarm help`."""

import difflib
from pathlib import Path

import click

from swarm import errors
from swarm.cli import completions
from swarm.cli.call import Call
from swarm.cli.options import usage, verb
from swarm.cli.verbs import HELP, NEAR_MISSES
from swarm.results.help import HelpText
from swarm.shipped import topics

_LIST = "topics"
_PAGE = ".md"


@verb()
@click.argument("words", nargs=-1, metavar="[VERB|TOPIC]", shell_complete=completions.helped)
def command(call: Call, words: tuple[str, ...]) -> None:
    """Show what VERB does and its options, or a page of the documentation; without a word, list the verbs.

    `swarm help topics` lists the pages. A page that is called like a verb is named with `.md`: `swarm help fix.md`.
    """
    pages = topics()
    word = words[0].removeprefix("docs/") if len(words) == 1 else ""
    name = word.removesuffix(_PAGE)
    if word == _LIST:
        result = HelpText("", _listed(pages), _LIST)
    elif name in pages and (name != words[0] or word not in HELP):
        result = HelpText("", pages[name].read_text(encoding="utf-8").rstrip("\n"), name)
    else:
        if word and word not in {*HELP, *NEAR_MISSES}:
            _refuse_misspelt(word, name, pages)
        text = help_text(words)
        result = HelpText(" ".join(words), f"{text}\n\nMore: swarm help {word}{_PAGE}" if name in pages else text)
    call.answer(result, lambda: [result.text])


def help_text(words: tuple[str, ...]) -> str:
    """Return the help of a verb, or of a verb below it."""
    from swarm.cli.main import swarm

    context = click.Context(swarm, info_name="swarm", help_option_names=swarm.context_settings["help_option_names"])
    for word in words:
        if not isinstance(context.command, click.Group):
            break
        name, found, _ = context.command.resolve_command(context, [word])
        if found is not None:
            context = click.Context(found, info_name=name, parent=context)
    return context.get_help()


def _listed(pages: dict[str, Path]) -> str:
    width = max(map(len, pages))
    rows = (f"{name:{width}}  {_title(page)}" for name, page in pages.items())
    return "\n".join(("Topics: `swarm help TOPIC` prints the page.", "", *rows))


def _title(page: Path) -> str:
    return page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def _refuse_misspelt(word: str, name: str, pages: dict[str, Path]) -> None:
    """Refuse a word that resembles a page more than any verb, or nothing at all. Raises CliUsage."""
    near = difflib.get_close_matches(name, [*HELP, *NEAR_MISSES, *pages], n=1)
    problem = f"No such verb or topic '{errors.shortened(word)}'"
    if not near:
        raise usage(f"{problem}; `swarm help` lists the verbs, `swarm help {_LIST}` the topics", "help")
    if near[0] in pages and near[0] not in HELP:
        raise usage(f"{problem}. Did you mean '{near[0]}'?", "help")
