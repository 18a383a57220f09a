"""`swarm init --domains-from codeowners`: the map as the commit's CODEOWNERS says."""

import pytest

from swarm.waves.setup.domain_files import CODEOWNERS
from tests.cli.scenes.snapshots import block_of, nothing_changes
from tests.conftest import Repo, Swarm

TEXT = "* @org/core\n/src/ @org/code\n*.html @web person@example.com\n/tests/\n"


def test_the_map_is_turned_round_and_owns_every_file(swarm: Swarm, repo: Repo) -> None:
    repo.commit({"CODEOWNERS": TEXT})
    data = swarm("init", ".", "--domains-from", "codeowners", "--format", "json").data
    assert [(d["name"], d["ownership"], d["globs"], d["matchedFiles"]) for d in data["domains"]] == [
        ("unowned", "owned", ["tests/**"], 1),
        ("web_person-example-com", "owned", ["**/*.html", "**/*.html/**"], 1),
        ("org-code", "owned", ["src/**"], 2),
        ("org-core", "owned", ["**"], 2),
    ]
    assert data["unmatched"] == []
    shown = swarm("domains", "--format", "json").data["domains"]
    assert [domain["description"] for domain in shown] == [
        "CODEOWNERS names nobody for these",
        "Owned by @web person@example.com in CODEOWNERS",
        "Owned by @org/code in CODEOWNERS",
        "Owned by @org/core in CODEOWNERS",
    ]
    who = swarm("domains", "--who", "web/index.html", "--format", "json").data
    assert (who["owner"], who["glob"]) == ("web_person-example-com", "**/*.html")


def test_the_map_can_be_frozen_and_dispatched(swarm: Swarm, repo: Repo) -> None:
    repo.commit({"CODEOWNERS": TEXT})
    swarm("init", ".", "--domains-from", "codeowners")
    data = swarm("dispatch", "health-audit-a", "--isolate", "--auto-freeze", "--format", "json").data
    assert [(agent["domain"], agent["files"]) for agent in data["agents"]] == [
        ("unowned", 1),
        ("web_person-example-com", 1),
        ("org-code", 2),
        ("org-core", 2),
    ]


def test_it_is_searched_where_github_does_and_then_where_gitlab_does(swarm: Swarm, repo: Repo) -> None:
    assert CODEOWNERS == (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
    for number, place in reversed(list(enumerate(CODEOWNERS))):
        repo.commit({place: f"* @owner{number}\n"})
        data = swarm("init", ".", "--new", "--domains-from", "codeowners", "--format", "json").data
        assert [domain["name"] for domain in data["domains"]] == [f"owner{number}"]


def test_the_commit_is_read_and_not_the_folder(swarm: Swarm, repo: Repo) -> None:
    repo.commit({"CODEOWNERS": "* @committed\n"})
    repo.write({".github/CODEOWNERS": "* @untracked\n"})
    data = swarm("init", ".", "--domains-from", "codeowners", "--format", "json").data
    assert [domain["name"] for domain in data["domains"]] == ["committed"]


def test_a_link_is_not_followed(swarm: Swarm, repo: Repo) -> None:
    repo.commit({"docs/CODEOWNERS": "* @docs\n"})
    (repo.root / "CODEOWNERS").symlink_to("/etc/passwd")
    repo.commit()
    data = swarm("init", ".", "--domains-from", "codeowners", "--format", "json").data
    assert [domain["name"] for domain in data["domains"]] == ["docs"]


def test_paths_that_are_not_utf_8_have_their_owner(swarm: Swarm, repo: Repo) -> None:
    import os

    os.mkdir(os.fsencode(repo.root) + b"/caf\xe9")  # noqa: PTH102
    with open(os.fsencode(repo.root) + b"/caf\xe9/x", "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write("x")
    repo.commit({"CODEOWNERS": b"/caf\xe9/ @bytes\n/\xc3\xbc/ @text\n"})
    data = swarm("init", ".", "--domains-from", "codeowners", "--format", "json").data
    assert [(domain["name"], domain["matchedFiles"]) for domain in data["domains"]] == [("bytes", 1), ("rest", 6)]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {},
            f"CODEOWNERS gives no map: the commit has none of {', '.join(CODEOWNERS)}",
        ),
        ({"CODEOWNERS": ""}, "CODEOWNERS gives no map: there is no pattern in it"),
        ({".github/CODEOWNERS": "# soon\n"}, ".github/CODEOWNERS gives no map: there is no pattern in it"),
        (
            {"CODEOWNERS": "* @all\n!src/ @one\n"},
            "CODEOWNERS gives no map: line 2: the pattern '!src/' is negated, which CODEOWNERS has no meaning for",
        ),
        (
            {"CODEOWNERS": "x" * 1025 + " @one\n"},
            "CODEOWNERS gives no map: line 1: the pattern '" + "x" * 117 + "...' is refused: it is longer than 1024"
            " characters",
        ),
        ({"CODEOWNERS": "# long\n" * 450_000}, "CODEOWNERS gives no map: it is longer than 3,145,728 bytes"),
    ],
    ids=["none", "empty", "comments", "negated", "long pattern", "long"],
)
def test_a_file_without_a_map_is_refused_and_nothing_is_made(
    swarm: Swarm, repo: Repo, files: dict[str, str], message: str
) -> None:
    repo.commit(files)
    with nothing_changes(repo.root):
        answer = swarm("init", ".", "--domains-from", "codeowners", exit=1)
    assert block_of(answer).splitlines()[0] == f"ERROR [CODEOWNERS_INVALID]: {message}"
    assert not (repo.root / "swarms").exists()


def test_what_a_hostile_file_holds_is_shown_harmlessly(swarm: Swarm, repo: Repo) -> None:
    repo.commit({"CODEOWNERS": "\x1b[31m*evil @$(touch${IFS}x);`id`/../..\n"})
    answer = swarm("init", ".", "--domains-from", "codeowners")
    assert "\x1b" not in answer.out
    names = [d["name"] for d in swarm("domains", "--format", "json").data["domains"]]
    assert names == ["rest"]
    repo.commit({"CODEOWNERS": "\x1b]0;title\x07\u202e* @one\n* @two\x1b[31m\n"})
    answer = swarm("init", ".", "--domains-from", "codeowners", exit=1)
    assert "line 2: an owner's name holds a character that cannot be shown" in answer.err
    assert "\x1b" not in answer.err
