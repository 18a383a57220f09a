"""`swarm help`, and the answers to verbs of other tools."""

from swarm.cli.verbs import HELP, NEAR_MISSES
from tests.cli.scenes.documents import valid
from tests.cli.scenes.snapshots import nothing_changes
from tests.conftest import Repo, Swarm


def test_help_of_a_verb_is_printed_by_a_verb_too(swarm: Swarm) -> None:
    for words in (("approve",), ("lease", "grant"), ("verify-fixed",)):
        assert swarm("help", *words).out == swarm(*words, "--help").out
    assert swarm("help").out == swarm("--help").out
    data = valid(swarm("help", "approve", "--json"), "help", 0)
    assert (data["verb"], data["text"] + "\n") == ("approve", swarm("help", "approve").out)
    assert swarm("help", "aprove", exit=2).err.splitlines()[0] == (
        "ERROR [CLI_USAGE]: No such command 'aprove'. Did you mean 'approve'?"
    )


def test_a_verb_of_another_tool_is_answered_with_the_verb_that_does_its_work(swarm: Swarm, repo: Repo) -> None:
    with nothing_changes(repo.root):
        for word, meant in {**NEAR_MISSES, "STATUS": "status", "LIST": "findings"}.items():
            first = swarm(word, "x", exit=2).err.splitlines()[0]
            assert first == f"ERROR [CLI_USAGE]: No such command '{word}'. Did you mean '{meant}'?"


def test_every_near_miss_leads_to_a_verb() -> None:
    assert NEAR_MISSES.keys() & HELP.keys() == set()
    assert {meant.split()[0] for meant in NEAR_MISSES.values()} - HELP.keys() == {"--version"}
