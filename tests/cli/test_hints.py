"""Hints followed in the state in which they are shown: each command works there, and leads on."""

import json
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.scenes.failed_wave import FOUND
from tests.cli.scenes.merge_team import LOAD, STEP, Team
from tests.cli.scenes.scene import Scene
from tests.conftest import Answer, Repo, Swarm, Workspace

pytestmark = pytest.mark.sweep


WHY = ("--apply", "--reason", "no more of it")
_COMMAND = re.compile(r"`((?:swarm|git) [^`]*)`")


class Told(NamedTuple):
    """A command that is refused, with what stands in its hint for something else, and which of the hint's commands
    are to be run. `helps` says that the command is then no longer refused; else another one took its place.
    """

    command: tuple[str, ...]
    code: str
    fills: Mapping[str, str] = {}
    follow: slice = slice(0, 1)
    helps: bool = True


class HintScene(Scene):
    """The fixtures, and the states that several hints belong to."""

    @property
    def failed(self) -> Workspace:
        """A wave of which one agent gave no answer."""
        place = self.dispatched
        place.answer("code", FOUND)
        self.swarm("collect", exit=1)
        return place

    @property
    def published(self) -> Team:
        team = self.amended
        team.merge("--publish")
        return team

    def run(self, line: str, fills: Mapping[str, str], exit: int | None = 0) -> Answer | None:  # noqa: A002
        """Run a command as it stands in a hint, with a reason for `…`."""
        for placeholder, value in {"'…'": "'I have looked'", **fills}.items():
            line = line.replace(placeholder, value)
        program, *words = shlex.split(line)
        if program == "swarm":
            return self.swarm(*words, exit=exit)
        subprocess.run([program, *words], cwd=self.repo.root, check=True, capture_output=True)
        return None


Case = Callable[[HintScene], Told]
CASES: dict[str, Case] = {}


def case(make: Case) -> Case:
    CASES[make.__name__.replace("_", " ")] = make
    return make


@case
def a_merge_of_a_wave_in_flight(scene: HintScene) -> Told:
    scene.team.dispatch()
    scene.team.answer("code")
    scene.team.answer("rest")
    return Told(("merge",), "MERGE_NOT_READY")


@case
def a_merge_of_a_wave_whose_agent_failed(scene: HintScene) -> Told:
    scene.team.dispatch()
    scene.team.answer("code")
    scene.swarm("collect", exit=1)
    return Told(("merge",), "MERGE_NOT_READY", helps=False)


@case
def a_merge_of_a_wave_whose_agent_went_too_far(scene: HintScene) -> Told:
    scene.team.dispatch()
    scene.team.edit("code", {"README.md": "# Not mine\n"})
    scene.team.answer("code")
    scene.team.answer("rest")
    scene.swarm("collect", exit=1)
    return Told(("merge",), "MERGE_NOT_READY", helps=False)


@case
def a_merge_of_a_wave_with_a_broken_output(scene: HintScene) -> Told:
    scene.team.dispatch()
    scene.team.answer("rest")
    scene.team.answer("code")
    output = scene.team.place.output("code", 2)
    good = output.read_text()
    output.write_text("{")
    scene.swarm("collect", exit=1)
    mended = scene.tmp / "mended.json"
    mended.write_text(good)
    return Told(("merge",), "MERGE_NOT_READY", {"<corrected-output.json>": str(mended)})


@case
def a_launch_without_a_wave(scene: HintScene) -> Told:
    scene.workspace  # noqa: B018
    return Told(("launch",), "LAUNCH_NO_WAVE", {"<phase>": "health-audit-a"})


@case
def a_launch_after_a_failed_wave(scene: HintScene) -> Told:
    scene.failed  # noqa: B018
    return Told(("launch",), "LAUNCH_NO_WAVE", follow=slice(1, 2), helps=False)


@case
def a_collect_without_a_wave(scene: HintScene) -> Told:
    scene.workspace  # noqa: B018
    return Told(("collect",), "COLLECT_NO_WAVE", {"<phase>": "health-audit-a"})


@case
def a_collect_after_a_failed_wave(scene: HintScene) -> Told:
    scene.failed  # noqa: B018
    return Told(("collect",), "COLLECT_NO_WAVE", follow=slice(1, 2), helps=False)


@case
def a_dispatch_while_a_wave_is_in_flight(scene: HintScene) -> Told:
    scene.dispatched  # noqa: B018
    return Told(("dispatch", "health-audit-a"), "DISPATCH_WAVE_IN_FLIGHT", follow=slice(0, 2))


@case
def a_dispatch_of_a_draft(scene: HintScene) -> Told:
    scene.swarm("init", ".")
    return Told(("dispatch", "health-audit-a"), "DISPATCH_DOMAINS_NOT_FROZEN")


@case
def a_dispatch_without_anything_approved(scene: HintScene) -> Told:
    place = scene.dispatched
    place.answer("code", LOAD)
    place.answer("rest")
    scene.swarm("collect")
    found = scene.swarm("findings", "--format", "json", exit=1).data["findings"][0]["findingId"]
    return Told(("dispatch", "health-amend-a"), "DISPATCH_NOTHING_APPROVED", {"<id>,<id>": found}, slice(1, 2))


@case
def a_change_of_a_map_while_its_wave_is_in_flight(scene: HintScene) -> Told:
    scene.dispatched  # noqa: B018
    words = ("domains", "--unfreeze", "--reason", "another map")
    return Told(words, "DOMAINS_WAVE_UNFINISHED", follow=slice(0, 2))


@case
def a_change_of_a_map_after_a_failed_wave(scene: HintScene) -> Told:
    scene.failed  # noqa: B018
    return Told(("domains", "--unfreeze", "--reason", "another map"), "DOMAINS_WAVE_UNFINISHED", helps=False)


@case
def a_redrive_of_a_wave_that_is_not_the_latest(scene: HintScene) -> Told:
    scene.failed  # noqa: B018
    scene.swarm("dispatch", "health-audit-a")
    return Told(("redrive", "1"), "RECOVERY_NOT_APPLICABLE", helps=False)


@case
def a_redrive_of_a_wave_in_flight(scene: HintScene) -> Told:
    scene.dispatched.answer("code")
    scene.dispatched.answer("rest")
    return Told(("redrive", "1"), "RECOVERY_NOT_APPLICABLE", follow=slice(0, 2))


@case
def a_revalidation_of_an_agent_that_failed(scene: HintScene) -> Told:
    scene.failed  # noqa: B018
    return Told(("revalidate", "--domain", "rest:x.json"), "RECOVERY_NOT_APPLICABLE", helps=False)


@case
def a_revalidation_of_an_agent_at_work(scene: HintScene) -> Told:
    scene.dispatched.answer("code")
    scene.dispatched.answer("rest")
    return Told(("revalidate", "--domain", "rest:x.json"), "RECOVERY_NOT_APPLICABLE")


@case
def a_resume_in_a_changed_git_folder(scene: HintScene) -> Told:
    scene.failed  # noqa: B018
    scene.repo.git("config", "alias.x", "log")
    return Told(("resume",), "WAVE_GIT_FOLDER_CHANGED")


@case
def a_rewind_to_something_unknown(scene: HintScene) -> Told:
    scene.workspace  # noqa: B018
    return Told(("rewind", "nowhere"), "SAVE_POINT_UNKNOWN", helps=False)


@case
def a_rewind_on_a_detached_head(scene: HintScene) -> Told:
    team = scene.published
    scene.repo.git("checkout", "-q", "--detach")
    return Told(("rewind", team.run), "REWIND_REFUSED")


@case
def a_rewind_on_another_branch(scene: HintScene) -> Told:
    team = scene.published
    scene.repo.git("checkout", "-q", "-b", "other")
    return Told(("rewind", team.run), "REWIND_REFUSED")


@case
def a_rewind_to_a_tag_that_was_moved(scene: HintScene) -> Told:
    team = scene.published
    scene.repo.git("tag", "-f", team.run.replace("swarm-", "swarm-save-", 1), "HEAD")
    return Told(("rewind", team.run), "REWIND_REFUSED", helps=False)


@case
def a_rewind_of_a_branch_that_is_checked_out_twice(scene: HintScene) -> Told:
    team = scene.amended
    team.merge()
    scene.repo.git("worktree", "add", "-q", str(scene.tmp / "mine"), team.integration)
    return Told(("rewind", team.run), "REWIND_REFUSED")


@case
def an_undo_past_a_branch_that_was_made_anew(scene: HintScene) -> Told:
    team = scene.amended
    team.merge()
    team.swarm("clean", *WHY)
    scene.repo.git("branch", team.branch("code"), "main")
    return Told(("undo",), "UNDO_REFUSED", {" …": " mine"})


@case
def an_undo_of_a_rewind_on_another_branch(scene: HintScene) -> Told:
    team = scene.published
    team.swarm("rewind", team.run, *WHY)
    scene.repo.git("checkout", "-q", "-b", "other")
    return Told(("undo",), "UNDO_REFUSED")


@case
def an_undo_of_a_rewind_that_work_followed(scene: HintScene) -> Told:
    team = scene.published
    team.swarm("rewind", team.run, *WHY)
    scene.repo.commit({"web/more.html": "<p>\n"})
    return Told(("undo",), "UNDO_REFUSED", helps=False)


@case
def a_merge_that_makes_the_build_red(scene: HintScene) -> Told:
    team = scene.team
    team.dispatch()
    team.edit("code", {"src/app.py": "BROKEN\n"})
    team.edit("rest", {"README.md": "# Mended\n"})
    team.collect()
    return Told(("merge",), "MERGE_GATE_FAILED", helps=False)


@case
def a_merge_of_which_nothing_is_left(scene: HintScene) -> Told:
    team = scene.team
    team.dispatch()
    team.edit("code", {"src/app.py": "BROKEN\n"})
    team.collect()
    return Told(("merge", "--drop-culprits"), "MERGE_GATE_FAILED", helps=False)


@case
def a_merge_of_a_repository_without_tests(scene: HintScene) -> Told:
    team = scene.amended
    team.prove_with(STEP.replace("1 ran", "0 ran"))
    return Told(("merge",), "MERGE_GATE_FAILED")


@case
def an_integration_branch_that_somebody_moved(scene: HintScene) -> Told:
    team = scene.amended
    team.merge()
    scene.repo.git("branch", "-f", team.integration, scene.repo.git("commit-tree", "-m", "x", "HEAD^{tree}"))
    return Told(("verify",), "INTEGRATION_MOVED", follow=slice(2, 3))


@case
def a_publication_into_a_dirty_checkout(scene: HintScene) -> Told:
    team = scene.amended
    scene.repo.write({"src/app.py": "# mine\n"})
    return Told(("merge", team.run, "--publish"), "PUBLISH_TARGET_DIRTY", follow=slice(0, 0), helps=False)


@pytest.mark.usefixtures("repo")
@pytest.mark.parametrize("name", CASES)
def test_what_an_error_says_comes_next_works_there_and_gets_one_on(name: str, request: pytest.FixtureRequest) -> None:
    scene = HintScene(request)
    found = CASES[name](scene)
    refused = scene.swarm(*found.command, "--format", "json", exit=None)
    assert refused.code == found.code
    commands = _COMMAND.findall(refused.document["error"]["hint"])[found.follow]
    assert len(commands) == found.follow.stop - found.follow.start
    for command in commands:
        scene.run(command, found.fills)
    again = scene.swarm(*found.command, "--format", "json", exit=None)
    assert again.code is None or not found.helps


# --- what comes next ----------------------------------------------------------------------------------------------


def failed(scene: HintScene) -> dict[str, str]:
    scene.failed  # noqa: B018
    return {}


def broken(scene: HintScene) -> dict[str, str]:
    place = scene.dispatched
    place.answer("code", FOUND)
    good = place.output("code").read_text()
    place.output("code").write_text("{")
    place.answer("rest")
    scene.swarm("collect", exit=1)
    mended = scene.tmp / "mended.json"
    mended.write_text(good)
    return {"<corrected-output.json>": str(mended)}


def trespassed(scene: HintScene) -> dict[str, str]:
    scene.amending.edit("code", "tests/test_app.py")
    scene.amending.collect(exit=1)
    return {}


def touched_by_nobody_known(scene: HintScene) -> dict[str, str]:
    place = scene.dispatched
    for domain in ("code", "rest"):
        place.answer(domain)
    scene.repo.write({"src/stray.py": "x = 1\n"})
    scene.swarm("collect", exit=1)
    return {}


def in_a_changed_git_folder(scene: HintScene) -> dict[str, str]:
    place = scene.dispatched
    place.answer("code")
    scene.repo.git("config", "alias.x", "log")
    scene.swarm("collect", exit=1)
    return {}


def half_of_it_left(scene: HintScene) -> dict[str, str]:
    """A wave that was resumed, of which one agent is blocked and one at work."""
    place = scene.dispatched
    place.output("code").write_text("{")
    scene.swarm("collect", exit=1)
    scene.swarm("resume", *WHY)
    good = scene.tmp / "mended.json"
    good.write_text(json.dumps({"domain": "code", "stage": "A", "summary": "Looked.", "findings": []}))
    return {"<corrected-output.json>": str(good)}


def at_risk(scene: HintScene) -> dict[str, str]:
    scene.amended.merge()
    scene.amended.edit("code", {"notes.txt": "mine\n"})
    return {}


def ahead(scene: HintScene) -> dict[str, str]:
    scene.published  # noqa: B018
    scene.repo.write({"src/tool.py": "# mine\n"})
    return {}


def rewound(scene: HintScene) -> dict[str, str]:
    team = scene.published
    team.swarm("rewind", team.run, *WHY)
    return {}


def aborted(scene: HintScene) -> dict[str, str]:
    scene.team.dispatch()
    scene.swarm("rewind", scene.team.run, *WHY)
    return {}


CHAINS: dict[str, tuple[Callable[[Scene], dict[str, str]], tuple[str, ...], list[str]]] = {
    "status of a failed wave": (failed, ("status",), ["resume", "resume", "launch"]),
    "resume": (failed, ("resume",), ["resume", "launch"]),
    "redrive": (failed, ("redrive", "1"), ["redrive", "launch"]),
    "status of a broken output": (broken, ("status",), ["revalidate", "advance"]),
    "resume of a broken output": (broken, ("resume",), ["revalidate", "advance"]),
    "status of a trespass": (trespassed, ("status",), ["redrive", "redrive", "launch"]),
    "resume of a trespass": (trespassed, ("resume",), ["redrive", "redrive", "launch"]),
    "revalidate of nothing": (trespassed, ("revalidate",), ["redrive", "redrive", "launch"]),
    "status of an odd file": (touched_by_nobody_known, ("status",), ["dispatch", "launch"]),
    "revalidate of an odd file": (touched_by_nobody_known, ("revalidate",), ["revalidate", "advance"]),
    "status of a git folder": (in_a_changed_git_folder, ("status",), ["dispatch", "launch"]),
    "status of half a wave": (half_of_it_left, ("status",), ["launch"]),
    "clean": (at_risk, ("clean",), ["clean", "clean", "clean", "status", "verify", "status"]),
    "clean by force": (at_risk, ("clean", "--force"), ["clean", "status", "verify", "status"]),
    "rewind": (ahead, ("rewind", "latest", "--force"), ["rewind", "status"]),
    "rewind to a commit": (ahead, ("rewind", "HEAD~1", "--force", "--force-arbitrary-ref"), ["rewind", "status"]),
    "rewind of nothing": (rewound, ("rewind", "latest"), ["status"]),
    "undo": (rewound, ("undo",), ["undo", "status"]),
    "status after a rewind": (rewound, ("status",), ["dispatch", "launch"]),
    "status of a wave that was taken back": (aborted, ("status",), ["dispatch", "launch"]),
    "merge of a wave that was taken back": (aborted, ("merge",), ["dispatch", "launch"]),
    "history of promotions": (failed, ("advance", "--check-only"), ["resume", "resume", "launch"]),
}


@pytest.mark.usefixtures("repo")
@pytest.mark.parametrize("name", CHAINS)
def test_what_comes_next_works_and_leads_on(name: str, request: pytest.FixtureRequest) -> None:
    scene = HintScene(request)
    make, words, verbs = CHAINS[name]
    fills = make(scene)
    answer = scene.swarm(*words, "--format", "json", exit=None)
    followed = []
    for verb in verbs:
        following = _next(answer)
        followed.append(following.split()[1])
        if verb == "launch":
            # What a program makes of it is another matter; that there is something to launch is not.
            answer = scene.swarm(*shlex.split(following)[1:], "--runtime", "no-such", "--format", "json", exit=None)
            assert answer.code == "RUNTIME_UNKNOWN"
        else:
            found = scene.run(f"{following} --format json", fills, exit=None)
            assert found is not None
            answer = found
            # It is no success that something was left.
            is_left = answer.data.get("state") == "WORK_AT_RISK" and answer.data["applied"]
            assert (answer.exit, answer.code) == (int(is_left), None), following
    assert followed == verbs


def _next(answer: Answer) -> str:
    if answer.code is not None:
        found: str = _COMMAND.findall(answer.document["error"]["hint"])[0]
        return found
    data = answer.data
    following: str = data["assessment"]["nextAction"] if "assessment" in data else data["nextAction"]
    return following


def test_an_empty_and_a_bare_repository_lead_to_files_to_look_at(repo: Repo, swarm: Swarm, tmp_path: Path) -> None:
    empty, bare = tmp_path / "empty", tmp_path / "my shop.git"
    repo.git("init", "-q", str(empty))
    hint = swarm("audit", str(empty), "--format", "json", exit=1).document["error"]["hint"]
    assert hint == "put a file there first, then `git add -A && git commit -m start`"
    repo.git("clone", "-q", "--bare", str(repo.root), str(bare))
    error = swarm("audit", str(bare), "--format", "json", exit=1).document["error"]
    assert (error["code"], error["message"]) == ("REPO_NOT_GIT", f"{bare} is a bare repository, without files")
    subprocess.run(shlex.split(error["remedy"]), cwd=tmp_path, check=True, capture_output=True)
    assert swarm("audit", str(tmp_path / "my shop-checkout"), "--format", "json", exit=1).data["newIds"]
