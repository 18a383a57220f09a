"""End of an attempt: judged by the exit status of its processes first, and by their output second."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm.files import is_in_place
from swarm.rules.agent_events import Fault
from swarm.rules.playbook import not_started
from swarm.rules.stalls import InfrastructureFailure, Stall, StallReason, of_error
from swarm.runtimes import supervisor
from swarm.runtimes.runtime import Assigned, Job, Product, Runtime, ToolFailed, UnusableOutput
from swarm.runtimes.supervisor import Ran
from swarm.store.attempts import Ending
from swarm.waves.launch import attempt_files

_NO_WORDS: Final = frozenset({StallReason.BACKEND_NO_FINAL_TEXT, StallReason.PROVIDER_BLANK_ASSISTANT})
# Faults that need another remedy than a second attempt; every other stall has the code STALLED.
_CODES: Final = {Fault.CREDENTIAL: "CREDENTIAL_REFUSED", Fault.QUOTA: "QUOTA_EXHAUSTED"}


class JudgedEnd(NamedTuple):
    """The ending of an attempt, and the product of one that succeeded."""

    ending: Ending
    product: Product | None = None


def judged(runtime: Runtime, job: Job, ran: Ran, seconds: float) -> JudgedEnd:
    """Judge the processes of an attempt, which had so many seconds: their end before their output."""
    times: dict[str, Any] = {
        "exit_code": ran.exit_code,
        "signal": ran.signal,
        "spawned": ran.spawned,
        "first_output": ran.first_output,
        "last_progress": ran.last_progress,
        "duration_ms": ran.duration_ms,
    }
    # Before any file is read: an agent may have put a link in the place of the folder.
    if not attempt_files.is_in_place_of_attempt(job.attempt_folder) or _is_replaced(job.output_path.parent, job.tree):
        problem = "its folder in the workspace was replaced; nothing is read or written there"
        return JudgedEnd(Ending("invalid_output", 3, error_code="FOLDER_REPLACED", error_fragment=problem, **times))
    if failed := _failed(job, ran, seconds):
        return JudgedEnd(failed if failed.outcome == "not_started" else failed._replace(**times))
    try:
        product = runtime.product(job, ran.results)
    except ToolFailed as error:
        fragment = cut(ran.fragment or str(error))
        return JudgedEnd(Ending("runtime_error", 3, error_code="RUNTIME_FAILED", error_fragment=fragment, **times))
    except UnusableOutput as error:
        return JudgedEnd(_unusable(ran, str(error))._replace(**times))
    return JudgedEnd(Ending("success", 0, error_fragment=product.note, **times), product)


def _failed(job: Job, ran: Ran, seconds: float) -> Ending | None:
    """Return the ending of processes that did not end as they should, `None` where their output counts."""
    if ran.not_started is not None:
        # The exit class that shells use for a missing program, so that scripts can tell it apart.
        code = 127 if "No such file" in ran.not_started else 1
        failed = Ending("not_started", code, error_code="NOT_STARTED", error_fragment=ran.not_started[:900])
        return failed._replace(duration_ms=ran.duration_ms)
    stall = next((result.stall for result in ran.results if result.stall), None)
    # An agent that wrote its output needs no last words.
    if stall is not None and not (stall.reason in _NO_WORDS and job.output_path.is_file()):
        return _stalled(stall)
    if ran.timed_out:
        fragment = f"no end within {seconds:g} s. {ran.fragment}".strip()
        return Ending("timed_out", 3, error_code="TIMED_OUT", error_fragment=cut(fragment))
    if ran.failed is not None and (program := not_started(ran.exit_code, ran.fragment)):
        return _of_sandbox(program, ran)
    # The exit status before the output: a program that failed may have written half of its output.
    if ran.failed is not None:
        fragment = cut(ran.fragment or f"exit code {ran.exit_code}")
        return Ending("runtime_error", 3, error_code="RUNTIME_FAILED", error_fragment=fragment)
    # An agent that was ended within its turn may have exited with 0.
    said = ran.results[-1].said if ran.results else None
    return _stalled(of_error(said.error)) if said is not None and said.error is not None else None


def _unusable(ran: Ran, problem: str) -> Ending:
    """Return the ending of processes that succeeded without an answer: an agent may have been refused its tools."""
    said = ran.results[-1].said if ran.results else None
    if said is None or not said.denials:
        return Ending("invalid_output", 3, error_code="NO_OUTPUT", error_fragment=cut(problem))
    fragment = cut(f"it was refused {', '.join(said.denials)}, and answered nothing")
    return Ending("policy_rejected", 3, error_code="TOOLS_DENIED", error_fragment=fragment)


def _of_sandbox(program: str, ran: Ran) -> Ending:
    """Return the end of a program that the kernel did not start inside of a sandbox."""
    fragment = cut(ran.fragment)
    # The kernel reports a missing loader or interpreter in the same words as a missing program.
    if Path(program).is_file():
        return Ending("runtime_error", 3, error_code="LOADER_NOT_VISIBLE", error_fragment=fragment)
    return Ending("not_started", 127, error_code="PROGRAM_NOT_VISIBLE", error_fragment=fragment)


def _stalled(stall: Stall) -> Ending:
    reason = stall.reason.value
    fragment = cut(f"{reason}: {stall.summary}")
    if isinstance(stall.reason, InfrastructureFailure):
        return Ending("runtime_error", 3, error_code=reason.upper(), error_fragment=fragment)
    fault = stall.error.fault if stall.error else None
    code = _CODES.get(fault, "STALLED") if fault else "STALLED"
    return Ending("stalled", 3, error_code=code, error_fragment=fragment, stall_reason=reason)


def _is_replaced(folder: Path, tree: Path) -> bool:
    """Say whether something else stands in the place of the folder of the answer, in the tree of an agent."""
    return folder.is_relative_to(tree) and os.path.lexists(folder) and not is_in_place(folder, tree)


def cut(text: str) -> str:
    """Return a text within the bound of a fragment, which counts bytes; a cut may fall inside a character."""
    return text.encode()[: supervisor.FRAGMENT_BYTES].decode("utf-8", "ignore")


def with_skipped(output: dict[str, Any], held: Sequence[Assigned]) -> dict[str, Any]:
    """Return the output of an analyzer with the findings that were held back from it, and why."""
    if not held:
        return output
    why = "its file decides how work is proved, and needs a lease (`swarm lease grant`)"
    skipped = [{"finding_id": each.finding_id, "reason": why} for each in held]
    return {**output, "skipped": [*output.get("skipped", ()), *skipped]}
