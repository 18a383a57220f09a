"""`swarm trust`: programs that a swarm.toml names run only for a user who has trusted them."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from swarm import trust
from tests.cli.scenes.documents import valid
from tests.cli.scenes.looking_verbs import LOOKS as LOOKING
from tests.cli.scenes.snapshots import nothing_changes
from tests.conftest import Repo, Swarm

LOOKS = (*LOOKING, ("report", "-o", "../page.html"), ("events",), ("trends",))
STEP = '[[verify.steps]]\nname = "one"\nkind = "test"\nargv = ["touch", "RAN"]\n'


class Stranger:
    """A repository with a swarm.toml whose every program leaves a mark, and a user who has trusted nothing."""

    def __init__(self, repo: Repo, tmp_path: Path, swarm: Swarm) -> None:
        self.repo = repo
        self.marks = tmp_path / "marks"
        self.marks.mkdir()
        self.swarm = swarm

    def argv(self, name: str) -> str:
        return json.dumps(["touch", str(self.marks / name)])

    def configure(self, more: str = "") -> Path:
        runtime = (
            f'[runtimes.lint]\nkind = "sarif"\nargv = {self.argv("argv")}\nversion_argv = {self.argv("version")}\n'
        )
        step = STEP.replace('["touch", "RAN"]', self.argv("step"))
        self.repo.commit({"swarm.toml": f"{runtime}{step}{more}"})
        return self.repo.root / "swarm.toml"

    @property
    def ran(self) -> list[str]:
        """The programs that have run."""
        return sorted(file.name for file in self.marks.iterdir())

    def check(self, exit: int = 0) -> Mapping[str, Any]:  # noqa: A002
        """Return the answer of `trust --check`."""
        data: Mapping[str, Any] = self.swarm("trust", "--check", "--format", "json", exit=exit).data
        return data


@pytest.fixture
def stranger(repo: Repo, tmp_path: Path, swarm: Swarm, monkeypatch: pytest.MonkeyPatch) -> Stranger:
    monkeypatch.delenv("SWARM_TRUST")
    return Stranger(repo, tmp_path, swarm)


def test_verbs_that_look_run_nothing_of_an_untrusted_configuration(stranger: Stranger) -> None:
    stranger.configure()
    stranger.swarm("init", ".")
    for verb in LOOKS:
        stranger.swarm(*verb, exit=None)
    assert stranger.ran == []


def test_an_audit_runs_the_bundled_analyzer_alone_and_says_what_it_left_out(
    stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = stranger.configure()
    answer = stranger.swarm("audit", ".", "--format", "json", exit=1)
    assert answer.data["runtime"] == "ruff"
    digest = stranger.check(exit=1)["digest"]
    left = {"path": str(file), "digest": digest, "parts": ["runtimes.lint", "verify.steps"]}
    assert answer.document["meta"]["configUntrusted"] == left
    (event,) = [event for event in answer.events if event["stage"] == "config_untrusted"]
    assert {key: event[key] for key in left} == left
    line = f"⚠ Not trusted, so not used: runtimes.lint, verify.steps of {file}. `swarm trust` shows and trusts them."
    assert stranger.swarm("audit", ".", exit=1).out.splitlines()[-1] == line
    monkeypatch.setenv("SWARM_LOG", "off")
    for form in ("sarif", "markdown"):
        assert stranger.swarm("audit", ".", "--format", form, exit=1).err == f"{line}\n"
    assert stranger.ran == []


def test_the_other_settings_of_an_untrusted_configuration_hold(stranger: Stranger) -> None:
    stranger.configure('[severities.ruff]\nF401 = "CRITICAL"\n')
    found = stranger.swarm("audit", ".", "--format", "json", exit=1).data["digest"]["findings"]
    assert {finding["severity"] for finding in found if finding["ruleId"] == "F401"} == {"CRITICAL"}


NAMED = [
    ("audit", ".", "--runtime", "lint"),
    ("runtimes", "lint"),
    ("dispatch", "health-audit-a", "--auto-freeze", "--runtime", "lint"),
    ("launch", "--runtime", "lint"),
    ("verify",),
    ("verify", "--probe-only"),
    ("verify", "--adapter", "python"),
    ("merge",),
]


@pytest.mark.parametrize("command", NAMED, ids=" ".join)
def test_an_untrusted_part_that_is_named_is_refused_and_nothing_changes(
    stranger: Stranger, command: tuple[str, ...]
) -> None:
    stranger.configure()
    stranger.swarm("init", ".")
    if command[0] == "launch":
        stranger.swarm("dispatch", "health-audit-a", "--auto-freeze", "--isolate")
    with nothing_changes(stranger.repo.root):
        assert stranger.swarm(*command, exit=2).code == "CONFIG_UNTRUSTED"
    assert stranger.ran == []


def test_a_wave_in_flight_of_an_untrusted_runtime_is_refused_and_not_given_to_another_analyzer(
    stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger.configure()
    stranger.swarm("init", ".")
    monkeypatch.setenv("SWARM_TRUST", "1")
    stranger.swarm("dispatch", "health-audit-a", "--auto-freeze", "--isolate", "--runtime", "lint")
    monkeypatch.delenv("SWARM_TRUST")
    before = stranger.ran
    for command in (("audit", "."), ("launch",)):
        assert stranger.swarm(*command, exit=2).code == "CONFIG_UNTRUSTED"
    assert stranger.ran == before


def test_trust_shows_the_parts_and_records_them_for_this_user_alone(stranger: Stranger) -> None:
    file = stranger.configure()
    data = valid(stranger.swarm("trust", "--format", "json"), "trust", 0)
    assert (data["path"], data["realPath"], data["owner"]) == (str(file), str(file), os.geteuid())
    assert list(data["parts"]) == ["runtimes.lint", "verify.steps"]
    record = Path(data["record"])
    assert record.parent == Path(os.environ["HOME"]) / ".local/state/swarm/trust"
    assert (record.stat().st_mode & 0o777, record.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert json.loads(record.read_text())["digest"] == data["digest"]
    (lint,) = [r for r in stranger.swarm("runtimes", "--format", "json").data["runtimes"] if r["name"] == "lint"]
    assert lint["installed"]
    assert stranger.ran == ["version"]
    listed = stranger.swarm("trust", "--list", "--format", "json").data["trusted"]
    assert [(each["path"], each["digest"]) for each in listed] == [(str(file), data["digest"])]


def test_what_trust_prints_names_every_argument(stranger: Stranger) -> None:
    file = stranger.configure()
    digest = stranger.check(exit=1)["digest"]
    mark = stranger.argv
    runtime = f'{{"kind": "sarif", "argv": {mark("argv")}, "version_argv": {mark("version")}}}'
    shown = f"""{file} of user {os.geteuid()}
[runtimes.lint]
  {runtime}
[verify.steps]
  {{"name": "one", "kind": "test", "argv": {mark("step")}}}
Digest: {digest}
"""
    assert stranger.swarm("trust", "--check", exit=1).out == (
        f"{shown}⊘ Not trusted, so none of this is run. Next: swarm trust\n"
    )
    record = trust.record_file(file)
    assert stranger.swarm("trust").out == f"{shown}✓ Trusted until one of these parts changes. Record: {record}\n"


CHANGES: list[tuple[str, str]] = [
    ("version_argv", "# version_argv"),
    ('kind = "sarif"', 'kind = "command"'),
    ("[runtimes.lint]", "[runtimes.lint]\nenvironment = ['AWS_SECRET_ACCESS_KEY']"),
    ("[runtimes.lint]", "[verify]\nenvironment = ['AWS_SECRET_ACCESS_KEY']\n[runtimes.lint]"),
    ("[runtimes.lint]", "[runtimes.more]\nkind = 'command'\nargv = ['true']\n[runtimes.lint]"),
]


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_a_change_of_an_executable_part_asks_again(stranger: Stranger, old: str, new: str) -> None:
    file = stranger.configure()
    stranger.swarm("trust")
    assert stranger.check()["isTrusted"]
    file.write_text(file.read_text().replace(old, new, 1))
    assert not stranger.check(exit=1)["isTrusted"]
    assert stranger.swarm("audit", ".", "--runtime", "lint", exit=2).code == "CONFIG_UNTRUSTED"


@pytest.mark.parametrize("more", ["# a comment\n", "[launch]\njobs = 2\n", "[reads]\ncode = ['docs/**']\n"])
def test_a_change_that_runs_nothing_does_not_ask_again(stranger: Stranger, more: str) -> None:
    file = stranger.configure()
    stranger.swarm("trust")
    file.write_text(file.read_text() + more)
    assert stranger.check()["isTrusted"]


def test_a_digest_is_trusted_wherever_the_file_lies_and_for_that_call_alone(
    stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger.configure()
    digest = stranger.check(exit=1)["digest"]
    assert stranger.swarm("--trust", digest.upper(), "runtimes", "lint").exit == 0
    assert stranger.swarm("--trust", "0" * 64, "runtimes", "lint", exit=2).code == "CONFIG_UNTRUSTED"
    monkeypatch.setenv("SWARM_TRUST", f"{'0' * 64},{digest}")
    assert stranger.swarm("runtimes", "lint").exit == 0
    # The option is nearer to the call than the variable.
    assert stranger.swarm("--trust", "0", "runtimes", "lint", exit=2).code == "CONFIG_UNTRUSTED"
    monkeypatch.setenv("SWARM_TRUST", "")
    assert stranger.swarm("runtimes", "lint", exit=2).code == "CONFIG_UNTRUSTED"
    assert not (Path(os.environ["HOME"]) / ".local").exists()


@pytest.mark.parametrize("word", ["yes", "true", "2", "abc123", "0" * 63])
def test_a_word_that_is_no_digest_is_refused(stranger: Stranger, word: str) -> None:
    stranger.configure()
    answer = stranger.swarm("--trust", word, "runtimes", "--format", "json", exit=2)
    assert (answer.code, answer.document["command"]) == ("CLI_USAGE", "runtimes")


def test_trust_is_withdrawn_also_when_the_file_is_gone(stranger: Stranger) -> None:
    file = stranger.configure()
    stranger.swarm("trust", file)
    file.unlink()
    assert stranger.swarm("trust", "--revoke").out == f"Withdrawn: {file}\n"
    assert stranger.swarm("trust", "--list", "--format", "json").data["trusted"] == []
    stranger.configure("# again\n")
    assert not stranger.check(exit=1)["isTrusted"]
    assert not stranger.swarm("trust", "--remove", "--format", "json").data["removed"]


def test_a_record_holds_for_its_own_path_alone(stranger: Stranger, tmp_path: Path) -> None:
    file = stranger.configure()
    stranger.swarm("trust")
    copy = tmp_path / "copy"
    stranger.repo.git("clone", "-q", str(stranger.repo.root), str(copy))
    assert not stranger.swarm("trust", "--check", "--format", "json", exit=1, cwd=copy).data["isTrusted"]
    # Nor does a link to the trusted file give its argv to the files of another repository.
    (copy / "swarm.toml").unlink()
    (copy / "swarm.toml").symlink_to(file)
    data = stranger.swarm("trust", "--check", "--format", "json", exit=1, cwd=copy).data
    assert (data["path"], data["realPath"], data["isTrusted"]) == (str(copy / "swarm.toml"), str(file), False)


def test_a_link_that_is_led_elsewhere_asks_again(stranger: Stranger, tmp_path: Path) -> None:
    file = stranger.configure()
    first, second = tmp_path / "first.toml", tmp_path / "second.toml"
    first.write_text(file.read_text())
    second.write_text(file.read_text())
    file.unlink()
    file.symlink_to(first)
    stranger.swarm("trust")
    assert stranger.check()["isTrusted"]
    file.unlink()
    file.symlink_to(second)
    assert not stranger.check(exit=1)["isTrusted"]


def test_the_workspace_s_configuration_is_judged_as_the_repository_s_is(stranger: Stranger) -> None:
    stranger.swarm("init", ".")
    place = stranger.repo.root / "swarms/swarm.toml"
    place.write_text(f'[runtimes.lint]\nkind = "sarif"\nargv = {stranger.argv("argv")}\n')
    assert stranger.swarm("runtimes", "lint", exit=2).code == "CONFIG_UNTRUSTED"


def test_a_repository_that_is_the_home_cannot_bring_its_own_record(
    stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = stranger.configure()
    data = stranger.swarm("trust", "--format", "json").data
    record = Path(data["record"]).read_bytes()
    monkeypatch.setenv("HOME", str(stranger.repo.root))
    planted = trust.record_file(file)
    stranger.repo.commit({str(planted.relative_to(stranger.repo.root)): record})
    assert not stranger.check(exit=1)["isTrusted"]
    assert stranger.swarm("trust", exit=2).code == "TRUST_RECORD_UNUSABLE"
    # A relative XDG_STATE_HOME would lie wherever the caller stands.
    monkeypatch.setenv("XDG_STATE_HOME", ".local/state")
    assert not stranger.check(exit=1)["isTrusted"]


DAMAGES: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("empty", lambda _: b""),
    ("cut", lambda body: body[:20]),
    ("another type", lambda body: body.replace(b'"owner": ', b'"owner": "0", "x": ')),
]


@pytest.mark.parametrize("damage", [damage for _, damage in DAMAGES], ids=[name for name, _ in DAMAGES])
def test_a_damaged_record_is_refused_by_name_and_can_be_removed(
    stranger: Stranger, damage: Callable[[bytes], bytes]
) -> None:
    file = stranger.configure()
    stranger.swarm("trust")
    record = trust.record_file(file)
    record.write_bytes(damage(record.read_bytes()))
    for command in (("runtimes",), ("trust",), ("trust", "--list"), ("audit", ".")):
        assert stranger.swarm(*command, exit=2).code == "TRUST_RECORD_UNUSABLE"
    stranger.swarm("trust", "--revoke")
    stranger.swarm("trust")
    assert stranger.check()["isTrusted"]


def test_an_agent_cannot_trust(stranger: Stranger, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger.configure()
    monkeypatch.setenv("SWARM_ATTEMPT", "1")
    assert stranger.swarm("trust", exit=None).code == "INSIDE_AGENT_WORKTREE"


def test_a_configuration_without_programs_needs_no_trust(stranger: Stranger) -> None:
    stranger.repo.commit({"swarm.toml": "[launch]\njobs = 2\n"})
    assert "there is nothing to trust" in stranger.swarm("trust").out
    assert stranger.swarm("trust", cwd=stranger.repo.root.parent).out == "There is no swarm.toml here.\n"
    assert not (Path(os.environ["HOME"]) / ".local").exists()


def test_wrong_words_are_refused(stranger: Stranger) -> None:
    for words in (("--check", "--revoke"), ("--list", "."), ("README.md",)):
        assert stranger.swarm("trust", *words, exit=2).code == "CLI_USAGE"


def test_a_user_on_a_terminal_is_asked(stranger: Stranger, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger.configure()
    monkeypatch.setattr("swarm.show.text.is_terminal", lambda: True)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    answers: list[bool] = [False, True]
    monkeypatch.setattr("click.confirm", lambda _: answers.pop(0))
    assert stranger.swarm("trust", exit=1).out.endswith("Nothing was recorded.\n")
    assert not stranger.check(exit=1)["isTrusted"]
    stranger.swarm("trust")
    assert stranger.check()["isTrusted"]
    stranger.swarm("trust", "--yes")
