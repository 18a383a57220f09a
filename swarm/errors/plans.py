"""Errors of locked plans of a wave."""

from swarm.errors.catalogue import Severity, SwarmError


class ManifestLockMismatch(SwarmError):
    code = "MANIFEST_LOCK_MISMATCH"
    severity = Severity.HIGH
    text = "Wave {number} is not launched: its plan is not the one that its dispatch locked. {shown}"
    advice = (
        "if the change is yours, lock the plan anew: `swarm launch {run_id}{on} --relock --reason '…'`; else find out "
        "who made it"
    )
    exit_code = 2
    when = (
        "the runtime, its version, model, command line or settings, its sandbox, a chain or a prompt is not as it was "
        "when the wave was dispatched"
    )
    number: int
    shown: str
    changes: tuple[object, ...]
    run_id: str
    engine: str | None = None

    @property
    def hint(self) -> str:
        """Return the command that launches in the same place: here, or on the workers of the engine."""
        return self.advice.format(run_id=self.run_id, on=f" --on {self.engine}" if self.engine else "")


class LockNotSigned(SwarmError):
    code = "LOCK_NOT_SIGNED"
    severity = Severity.HIGH
    text = (
        "Wave {number} is not launched: its plan is not signed, and `[launch] require_signed` demands the key {key_id}"
    )
    advice = (
        "who has that key signs the plan: `swarm launch {run_id} --relock --sign KEY --reason '…'`, or `swarm dispatch "
        "--sign KEY` the next time"
    )
    exit_code = 2
    when = "`[launch] require_signed` names a key, and the plan of the wave has no signature"
    number: int
    key_id: str
    run_id: str


class LockSigInvalid(SwarmError):
    code = "LOCK_SIG_INVALID"
    severity = Severity.HIGH
    text = "Wave {number} is not launched: the signature of its plan does not count: {problem}"
    advice = (
        "see who dispatched it: `swarm history {number} --run {run_id}`; who has the key signs it by `swarm launch "
        "{run_id} --relock --sign KEY --reason '…'`"
    )
    exit_code = 2
    when = "the plan of a wave was signed with another key than `[launch] require_signed` names, or changed since"
    number: int
    problem: str
    run_id: str
