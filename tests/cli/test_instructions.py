"""`swarm init --agents`: a skill and a block of AGENTS.md, written beside what the user has there."""

import json
import os
import re
import shlex
import shutil
import stat
from pathlib import Path

import pytest
import yaml

from swarm import files
from swarm.cli.group import Verbs
from swarm.installed import install_command
from swarm.rules.sealed_text import Placed, with_block
from swarm.show.instructions import CLIENTS, agents_text, skill_text
from tests.cli.scenes.documents import valid
from tests.cli.scenes.snapshots import everything_in, nothing_changes
from tests.conftest import Repo, Swarm

SKILL = ".claude/skills/swarm/SKILL.md"
OTHER = ".agents/skills/swarm/SKILL.md"
MINE = "\ufeff# Mine\r\n\r\nUse tabs.\r\n\x0c no end of the line"


def changes(swarm: Swarm) -> list[str]:
    return [file["change"] for file in swarm("init", "--agents", "--format", "json").data["agents"]["files"]]


def test_a_missing_extra_is_named_beside_the_entries_that_need_it(
    swarm: Swarm, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = "needs the package `mcp`, which is not installed: "
    assert needs not in swarm("init", "--agents").out
    monkeypatch.setattr("swarm.cli.init.find_spec", {}.get)
    assert needs + install_command("[mcp]") in swarm("init", "--agents").out


def test_the_text_of_the_user_stays_and_a_second_call_changes_nothing(swarm: Swarm, repo: Repo) -> None:
    repo.commit({"AGENTS.md": MINE.encode(), ".gitignore": "/.claude/\n"})
    (repo.root / "AGENTS.md").chmod(0o755)
    repo.git("commit", "-qam", "a mode")
    data = valid(swarm("init", "--agents", "--format", "json"), "init", 0)
    skill, _, agents = data["agents"]["files"]
    assert {each["path"]: each["change"] for each in data["agents"]["files"]} == dict.fromkeys(
        (SKILL, OTHER, "AGENTS.md"), "added"
    )
    assert (repo.root / SKILL).read_text() == (repo.root / OTHER).read_text() == f"{skill['text']}\n"
    body = (repo.root / "AGENTS.md").read_bytes()
    assert body == MINE.encode() + b"\r\n\r\n" + agents["text"].replace("\n", "\r\n").encode() + b"\r\n"
    assert [client["client"] for client in data["agents"]["clients"]] == [client.client for client in CLIENTS]
    modes = [stat.S_IMODE((repo.root / name).stat().st_mode) for name in (SKILL, "AGENTS.md")]
    umask = os.umask(0)
    os.umask(umask)
    assert modes == [0o666 & ~umask, 0o755]
    # AGENTS.md is edited and not committed: that is no change of somebody else.
    with nothing_changes(repo.root / ".claude"), nothing_changes(repo.root / ".agents"):
        assert changes(swarm) == ["unchanged"] * 3
    assert (repo.root / "AGENTS.md").read_bytes() == body
    lines = swarm("init", "--agents").out.splitlines()
    assert [each["ignored"] for each in data["agents"]["files"]] == [True, False, False]
    assert f"Ignored by git, so for you alone: {SKILL}" in lines
    assert [line for line in lines if line.startswith((SKILL, OTHER, "AGENTS.md"))] == [
        *(f"{name}: unchanged, {len(skill['text'].splitlines())} lines" for name in (SKILL, OTHER)),
        f"AGENTS.md: unchanged, {len(agents['text'].splitlines())} lines",
    ]
    # Any other edit is one.
    repo.write({"src/app.py": "# edited\n"})
    assert swarm("init", "--agents", exit=1).code == "REPO_NOT_CLEAN"


def test_a_newer_text_takes_the_place_of_an_older_and_of_no_edit(
    swarm: Swarm, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("swarm.cli.init.agents_text", lambda: "Older.\n")
    monkeypatch.setattr("swarm.cli.init.skill_text", lambda: "Older.\n")
    assert changes(swarm) == ["added"] * 3
    file = repo.root / "AGENTS.md"
    # As a checkout of git with core.autocrlf has it, with text on both sides.
    older = (b"Above.\n" + file.read_bytes() + b"Below.").replace(b"\n", b"\r\n")
    file.write_bytes(older)
    for name in (SKILL, OTHER):
        (repo.root / name).write_bytes((repo.root / name).read_bytes().replace(b"\n", b"\r\n"))
    assert changes(swarm) == ["unchanged"] * 3
    monkeypatch.undo()
    monkeypatch.setenv("SWARM_TRUST", "1")
    made = swarm("init", "--agents", "--format", "json", cwd=repo.root).data["agents"]["files"]
    assert [each["change"] for each in made] == ["renewed"] * 3
    (repo.root / OTHER).unlink()
    lines = swarm("init", "--agents", cwd=repo.root / "src").out.splitlines()
    assert f"Commit them: git -C {repo.root} add {OTHER}" in lines
    block = made[2]["text"].replace("\n", "\r\n").encode()
    assert file.read_bytes() == b"Above.\r\n" + block + b"\r\nBelow."
    assert (repo.root / SKILL).read_bytes() == made[0]["text"].replace("\n", "\r\n").encode() + b"\r\n"
    for name, edited, code in (
        ("AGENTS.md", block.replace(b"Find", b"Look"), "INSTRUCTIONS_EDITED"),
        ("AGENTS.md", block.replace(b"sha256:", b"sha256:0"), "INSTRUCTIONS_EDITED"),
        ("AGENTS.md", block + b"\r\n" + block, "INSTRUCTIONS_BROKEN"),
        ("AGENTS.md", block.rpartition(b"\r\n")[0], "INSTRUCTIONS_BROKEN"),
        ("AGENTS.md", b"\r\n".join(reversed(block.split(b"\r\n"))), "INSTRUCTIONS_BROKEN"),
        (SKILL, b"---\nname: swarm\n---\nMy own.\n", "INSTRUCTIONS_EDITED"),
    ):
        before = (repo.root / name).read_bytes()
        (repo.root / name).write_bytes(edited)
        with nothing_changes(repo.root):
            assert swarm("init", "--agents", exit=1, cwd=repo.root).code == code, edited
        (repo.root / name).write_bytes(before)


def test_what_no_instructions_can_be_written_into_is_refused_before_a_run_is_made(
    swarm: Swarm, repo: Repo, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("kept")
    agents, skill = repo.root / "AGENTS.md", repo.root / SKILL
    folder = repo.root / ".claude"

    def big() -> None:
        with agents.open("wb") as stream:
            stream.truncate(100 * 1024 * 1024)

    def read_only(place: Path) -> None:
        place.write_text("# Mine\n")
        place.chmod(0o444)

    def closed() -> None:
        folder.mkdir(mode=0o555)

    for make, problem in (
        (lambda: agents.symlink_to("README.md"), "it is a symbolic link"),
        (lambda: agents.symlink_to(outside / "file"), "it is a symbolic link"),
        (lambda: agents.symlink_to("nowhere"), "it is a symbolic link"),
        (lambda: os.mkfifo(agents), "it is not a regular file"),
        (agents.mkdir, "it is not a regular file"),
        (big, "it is larger than 1,048,576 bytes"),
        (lambda: agents.write_bytes("# Mine\n".encode("utf-16")), "it is no UTF-8 text"),
        (lambda: agents.write_bytes(b"a\0b"), "it is no text"),
        (lambda: read_only(agents), f"{agents} is read-only"),
        (lambda: folder.symlink_to(outside), f"{folder} is no folder of the repository"),
        (lambda: folder.write_text("a file"), f"{folder} is no folder of the repository"),
        (closed, f"{folder} is read-only"),
        (lambda: skill.mkdir(parents=True), "it is not a regular file"),
    ):
        make()
        before = everything_in(outside)
        with nothing_changes(repo.root):
            answer = swarm("init", "--agents", "--format", "json", exit=1)
        error = answer.document["error"]
        assert (error["code"], error["problem"]) == ("INSTRUCTIONS_UNWRITABLE", problem)
        assert everything_in(outside) == before
        for place in (agents, folder):
            if place.is_dir() and not place.is_symlink():
                place.chmod(0o755)
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)


def test_a_disk_that_is_full_at_the_second_file_takes_back_the_first(
    swarm: Swarm, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    swarm("init")
    write = files.write_stream

    def full(file: Path, *rest: object, **options: object) -> int:
        if file.name == "AGENTS.md":
            raise OSError(28, "No space left on device")
        return write(file, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("swarm.waves.setup.instructions.write_stream", full)
    answer = swarm("init", "--agents", "--format", "json", exit=1)
    assert answer.document["error"]["problem"] == "No space left on device"
    assert [name for name in (".claude", ".agents") if (repo.root / name).exists()] == []
    assert not (repo.root / "AGENTS.md").exists()


def test_an_agents_worktree_gets_no_run_and_no_instructions(swarm: Swarm, repo: Repo) -> None:
    tree = repo.root / "swarms/swarm-1-0000000a/worktrees/w1-backend"
    repo.git("worktree", "add", "-q", "--detach", str(tree))
    assert swarm("init", str(tree), "--agents", exit=1).code == "INSIDE_AGENT_WORKTREE"
    assert repo.git("status", "--porcelain", cwd=tree) == ""


def test_the_skill_has_the_form_that_programs_read() -> None:
    _, front, body = skill_text().split("---\n", 2)
    # The bounds of the specification of Agent Skills; the folder has the name of the skill.
    named = yaml.safe_load(front)
    assert named.keys() == {"name", "description"}
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", named["name"])
    assert named["name"] == Path(SKILL).parent.name == Path(OTHER).parent.name
    assert 0 < len(named["description"]) <= 1024
    # Longer instructions than these cost every conversation more than they bring.
    assert len(body) < 5000
    assert len(agents_text()) < 1000
    for client in CLIENTS:
        assert client.command is None or client.command.endswith("swarm mcp")
        assert client.file.endswith(".toml") or "swarm" in json.dumps(json.loads(client.entry))


def commands(text: str) -> list[str]:
    """Return every command of swarm in a text: a line of a block, or words in backticks."""
    blocks = [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    return [line for line in blocks + re.findall(r"`(swarm [^`]*)`", text) if line.startswith("swarm ")]


def test_every_verb_and_option_that_the_instructions_name_is_there() -> None:
    named = commands(skill_text()) + commands(agents_text())
    assert len(named) > 40
    for line in named:
        verb, *words = shlex.split(line)[1:]
        options = {option for each in Verbs()[verb].params for option in each.opts} | {"--help", "--format"}
        assert {word for word in words if word.startswith("--")} <= options, line


@pytest.mark.sweep
def test_the_walk_of_the_skill_goes_from_a_finding_to_a_verified_fix(swarm: Swarm, repo: Repo) -> None:
    repo.git("rm", "-q", "-r", "web", "src")
    repo.commit({"src/app.py": "import os\n\n\ndef load():\n    return 1\n"})
    (walk,) = re.findall(r"## From a finding.*?```sh\n(.*?)```", skill_text(), re.DOTALL)
    finding, last = "", None
    for line in walk.splitlines():
        last = swarm(*(finding if word == "ID" else word for word in shlex.split(line)[1:]), exit=None)
        assert last.code is None, f"{line}: {last.err}{last.out}"
        if line.startswith("swarm findings"):
            (finding,) = [each["findingId"] for each in last.data["findings"]]
    assert last is not None
    assert (last.exit, last.data["verdict"]) == (0, "pass")


def test_a_file_without_text_gets_the_block_alone() -> None:
    assert all(
        isinstance(put := with_block(text, "Made.\n"), Placed) and put.text.endswith(f"{put.part}\n")
        for text in (None, "", "\ufeff")
    )
