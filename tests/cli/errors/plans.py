"""Refusals of launches: another plan than the dispatch locked, a missing signature, the signature of another key."""

from tests.cli.errors.refusal import Refusal, refused
from tests.cli.scenes.scene import Scene

PLAYED = '[runtimes.played]\nkind = "command"\nargv = ["true"{more}]\n'


def dispatched(scene: Scene, *words: str) -> str:
    scene.config(PLAYED.format(more=""))
    scene.swarm("dispatch", scene.workspace.run, "health-audit-a", "--isolate", "--runtime", "played", *words)
    return scene.workspace.run


def key(scene: Scene, name: str) -> dict[str, str]:
    made: dict[str, str] = scene.swarm("keys", "new", name, "--format", "json").data["keys"][0]
    return made


def demand(scene: Scene, public: str) -> None:
    scene.config(f'[launch]\nrequire_signed = "{public}"\n' + PLAYED.format(more=""))


@refused
def manifest_lock_mismatch(scene: Scene) -> Refusal:
    run = dispatched(scene)
    scene.config(PLAYED.format(more=', "-x"'))
    changes = [
        {"domain": domain, "member": member, "locked": '["true"]', "now": '["true", "-x"]'}
        for domain in ("code", "rest")
        for member in ("played.argv", "played.settings.argv")
    ]
    shown = "; ".join(f"{c['domain']}: {c['member']} was {c['locked']}, and is {c['now']}" for c in changes)
    return Refusal(
        ("launch", run),
        f"""[MANIFEST_LOCK_MISMATCH]: Wave 1 is not launched: its plan is not the one that its dispatch locked. {shown}
  Next: if the change is yours, lock the plan anew: `swarm launch {run} --relock --reason '…'`; else find out who made it
  Run: {run}""",
        {"number": 1, "shown": shown, "changes": changes, "runId": run, "engine": None},
        exit=2,
    )


@refused
def lock_not_signed(scene: Scene) -> Refusal:
    run, made = dispatched(scene), key(scene, "release")
    demand(scene, made["publicKey"])
    return Refusal(
        ("launch", run),
        f"""[LOCK_NOT_SIGNED]: Wave 1 is not launched: its plan is not signed, and `[launch] require_signed` demands the key \
{made["id"]}
  Next: who has that key signs the plan: `swarm launch {run} --relock --sign KEY --reason '…'`, or `swarm dispatch --sign \
KEY` the next time
  Run: {run}""",
        {"number": 1, "keyId": made["id"], "runId": run},
        exit=2,
    )


@refused
def lock_sig_invalid(scene: Scene) -> Refusal:
    made, other = key(scene, "release"), key(scene, "other")
    run = dispatched(scene, "--sign", "other")
    demand(scene, made["publicKey"])
    problem = f"it names the key {other['id']}, and this one is {made['id']}"
    return Refusal(
        ("launch", run),
        f"""[LOCK_SIG_INVALID]: Wave 1 is not launched: the signature of its plan does not count: {problem}
  Next: see who dispatched it: `swarm history 1 --run {run}`; who has the key signs it by `swarm launch {run} --relock \
--sign KEY --reason '…'`
  Run: {run}""",
        {"number": 1, "problem": problem, "runId": run},
        exit=2,
    )
