"""`swarm help`, and the answers to verbs of other tools."""

import subprocess
import sys

from swarm.cli.verbs import HELP, NEAR_MISSES
from swarm.shipped import topics
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


def test_help_of_a_topic_is_a_page_of_the_documentation(swarm: Swarm) -> None:
    listed = swarm("help", "topics").out.splitlines()
    assert listed[0] == "Topics: `swarm help TOPIC` prints the page."
    assert [line.split()[0] for line in listed[2:]] == list(topics())
    page = topics()["ci"].read_text()
    for word in ("ci", "ci.md", "docs/ci.md"):
        assert swarm("help", word).out == page
    data = valid(swarm("help", "ci", "--json"), "help", 0)
    assert (data["verb"], data["topic"], data["text"] + "\n") == ("", "ci", page)


def test_a_page_that_is_called_like_a_verb_is_named_with_its_ending(swarm: Swarm) -> None:
    assert swarm("help", "fix").out == swarm("fix", "--help").out + "\nMore: swarm help fix.md\n"
    assert swarm("help", "fix.md").out == topics()["fix"].read_text()


def test_a_misspelt_topic_is_answered_with_the_topic(swarm: Swarm) -> None:
    first = swarm("help", "securty", exit=2).err.splitlines()[0]
    assert first == "ERROR [CLI_USAGE]: No such verb or topic 'securty'. Did you mean 'security'?"
    assert swarm("help", "nothing-like-it", exit=2).err.splitlines()[0] == (
        "ERROR [CLI_USAGE]: No such verb or topic 'nothing-like-it'; `swarm help` lists the verbs, `swarm help topics` the topics"
    )


def test_the_verb_help_shows_the_options_that_help_itself_has() -> None:
    # In processes of their own: click keeps the help option of a verb from its first use.
    asked, helped = (
        subprocess.run([sys.executable, "-m", "swarm", *words], capture_output=True, check=True, text=True).stdout
        for words in (("approve", "--help"), ("help", "approve"))
    )
    assert "-h, --help" in asked
    assert helped == asked
