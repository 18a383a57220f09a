"""Refusals of what belongs to a stranger: untrusted programs, damaged records, other owners."""

import os
import shlex

from swarm import trust
from swarm.trust import digest_of
from tests.cli.errors.refusal import Refusal, refused
from tests.cli.scenes.scene import Scene


@refused
def config_untrusted(scene: Scene) -> Refusal:
    run = scene.workspace.run
    scene.config('[runtimes.mine]\nkind = "command"\nargv = ["true"]\n')
    scene.monkeypatch.delenv("SWARM_TRUST")
    file = scene.repo.root / "swarm.toml"
    digest = digest_of({"runtimes.mine": {"kind": "command", "argv": ["true"]}})
    return Refusal(
        ("dispatch", run, "health-audit-a", "--runtime", "mine"),
        f"""[CONFIG_UNTRUSTED]: [runtimes.mine] of {file} names a program, and this user has not trusted that file
  Path: {file}
  Next: read the file, then trust it: `swarm trust {file}`; in a script or CI job: `SWARM_TRUST={digest}`, \
or `swarm --trust {digest} …`""",
        {"path": str(file), "part": "[runtimes.mine]", "digest": digest, "word": shlex.quote(str(file))},
        exit=2,
    )


@refused
def analyzer_untrusted(scene: Scene) -> Refusal:
    scene.monkeypatch.delenv("SWARM_TRUST")
    return Refusal(
        ("dispatch", scene.workspace.run, "health-audit-a", "--runtime", "eslint"),
        """[ANALYZER_UNTRUSTED]: eslint runs code of the repository, and this user has not trusted it to do so
  Next: write `[analyzers]` with `use = ["eslint"]` to swarm.toml, then `swarm trust`; in a script or CI job: \
`SWARM_TRUST=1`""",
        {"runtime": "eslint"},
        exit=2,
    )


@refused
def trust_record_unusable(scene: Scene) -> Refusal:
    scene.config('[runtimes.mine]\nkind = "command"\nargv = ["true"]\n')
    scene.monkeypatch.delenv("SWARM_TRUST")
    file = trust.record_file(scene.repo.root / "swarm.toml")
    file.parent.mkdir(parents=True)
    file.write_text("[]\n")
    problem = "it is no record: its keys are others"
    remedy = f"`swarm trust --revoke` in the folder of the configuration removes it, or delete {file}"
    cause = problem.removeprefix("it is no record: ")
    return Refusal(
        ("runtimes",),
        f"""[TRUST_RECORD_UNUSABLE]: The record of trust {file} cannot be used: {problem}
  Path: {file}
  Next: {remedy}""",
        {"path": str(file), "problem": problem, "remedy": remedy, "cause": cause},
        exit=2,
    )


@refused
def wave_from_elsewhere(scene: Scene) -> Refusal:
    run = scene.workspace.run
    scene.swarm("dispatch", run, "health-audit-a", "--isolate")
    scene.monkeypatch.delenv("SWARM_TRUST")
    scene.monkeypatch.setenv("XDG_STATE_HOME", str(scene.tmp / "of-another"))
    return Refusal(
        ("launch", run),
        f"""[WAVE_FROM_ELSEWHERE]: Wave 1 (health-audit-a) goes on only for who dispatched it, and this user did not on this machine
  Next: look at it with `swarm status {run}`; `swarm trust --wave {run}` makes it yours (in a script: SWARM_TRUST=1); \
`swarm init --new` begins a run of your own and leaves it alone
  Run: {run}
  Wave: 1""",
        {"number": 1, "phase": "health-audit-a", "runId": run, "waveId": 1},
        exit=2,
    )


@refused
def led_outside(scene: Scene) -> Refusal:
    place, target = scene.repo.root / "swarms", scene.tmp / "elsewhere"
    target.mkdir()
    place.symlink_to(target)
    return Refusal(
        ("audit", "."),
        f"""[LED_OUTSIDE]: {place} leads out of the repository, to {target}, where swarm would write; nothing was written
  Path: {place}
  Next: if the link is not yours, remove it, or clone the repository in place of unpacking it; for a workspace of your \
own elsewhere, name it: `swarm --db PATH …`""",
        {"path": str(place), "target": str(target)},
        exit=2,
    )


@refused
def owned_by_another_user(scene: Scene) -> Refusal:
    root = scene.repo.root
    owner = os.geteuid()
    # To the user of another id, every file here belongs to somebody else.
    scene.monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    return Refusal(
        ("init", "."),
        f"""[OWNED_BY_ANOTHER_USER]: {root}, which is a repository, belongs to the user {owner}, who could run programs \
as you through it
  Path: {root}
  Next: to trust that user: `git config --global --add safe.directory {root}`; else work in a copy of your own""",
        {"path": str(root), "owner": owner, "what": "a repository", "word": shlex.quote(str(root))},
        exit=2,
    )
