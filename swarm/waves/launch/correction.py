"""Correction of an answer that does not fit its form: it goes back to its agent once, with all that is wrong."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from swarm import errors, shipped, stage_events
from swarm.documents import MOST_PROBLEMS, read_bounded
from swarm.files import is_in_place, make_folder, write_whole
from swarm.rules.prompt_text import inline
from swarm.runtimes import supervisor
from swarm.runtimes.answer_form import Faults, faults_of, schema_text
from swarm.runtimes.runtime import Assigned, Job, ProcessStep, Runtime, asked_for_answer
from swarm.runtimes.supervisor import Orders, Ran
from swarm.store.attempts import Ending
from swarm.waves.launch.ending import JudgedEnd, cut, judged, with_skipped
from swarm.waves.trees.answers import keep_answer
from swarm.workspace import answer_in

# Below this many seconds of an attempt, another process would only be ended by its time limit.
_LEAST_SECONDS: Final = 1.0
_SHOWN_DIGITS: Final = 12


class Answered(NamedTuple):
    """The processes of an attempt, or of its correction, their end, and the answer, `None` where there is none."""

    ran: Ran
    end: JudgedEnd
    body: bytes | None

    def faults(self, job: Job) -> Faults:
        """Return what is wrong with the answer."""
        if self.body is None:
            # Who said nothing has nothing to correct; what lies in the place of a file is named by collect.
            said = any(result.stdout.strip() for result in self.ran.results)
            reason = self.end.ending.error_fragment if said and self.end.product is None else None
            return Faults((reason,), 1, counts=False) if reason else Faults()
        return faults_of(self.body, (job.tree,), job.domain, job.phase, job.kind)


# Asks the agent again: by the job whose prompt is the correction, in its session if it had one, within so many seconds.
Ask = Callable[[Job, str | None, float], Awaitable[Answered]]


async def answered(
    runtime: Runtime, job: Job, kept: Path, orders: Orders, held: Sequence[Assigned] = ()
) -> tuple[Ran, Ending]:
    """Run the processes of an attempt, and of an agent once more for a correction; the answer is left at `kept`."""

    async def ask(again: Job, session: str | None, seconds: float) -> Answered:
        folder = again.attempt_folder / "correction"
        make_folder(folder)
        environment = {**orders.environment, "SWARM_PROMPT_FILE": str(again.prompt_path)}
        steps = _asked_again(runtime, again, session)
        more = orders._replace(steps=steps, folder=folder, environment=environment, seconds=seconds)
        return await _answered(runtime, again, kept, more, held)

    found = await _answered(runtime, job, kept, orders, held)
    added = job.config.runtimes.get(runtime.name)
    if not runtime.is_analyzer and (added is None or added.corrections > 0):
        found = await corrected(job, found, orders.seconds, ask)
        # The answer of the correction lies there, also where the first was the better.
        if found.body is not None:
            write_whole(kept, found.body)
    return found.ran, found.end.ending


async def _answered(runtime: Runtime, job: Job, kept: Path, orders: Orders, held: Sequence[Assigned]) -> Answered:
    """Run processes to their end, and keep the answer that they leave."""
    ran = await supervisor.run_steps(orders)
    if job.output_path != kept:
        keep_answer(job.tree, kept)
    end = judged(runtime, job, ran, orders.seconds)
    if end.product is not None and end.product.output is not None:
        output = with_skipped(end.product.output, held)
        write_whole(kept, json.dumps(output, ensure_ascii=False, indent=1) + "\n")
    return Answered(ran, end, _answer_at(kept))


async def corrected(job: Job, first: Answered, seconds: float, ask: Ask) -> Answered:
    """Return an answer of an attempt that had so many seconds, corrected by its agent where it does not fit its form.

    Of two answers the better counts, and its ending says that it was asked for twice.
    """
    left = seconds - first.ran.duration_ms / 1000
    faults = first.faults(job)
    # Not an agent that was ended, and not one that put something else in the place of its folder.
    can_be_asked = first.end.product is not None or first.end.ending.error_code == "NO_OUTPUT"
    if not faults.problems or not can_be_asked or left < _LEAST_SECONDS:
        return first
    again = job._replace(prompt_path=job.attempt_folder / "correction.md")
    text = _prompt(job, faults, _set_aside(job, first.body))
    write_whole(again.prompt_path, text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    stage_events.emit("correction_asked", domain=job.domain, problems=faults.total, prompt_sha256=digest)
    said = [result.said for result in first.ran.results if result.said]
    second = await ask(again, said[-1].session_id if said else None, left)
    better = _better(job, first, faults, second)
    asked = f"by prompt {digest[:_SHOWN_DIGITS]}"
    words = f"its first answer did not fit ({faults.total}); asked again {asked}"
    if remain := better.faults(job).problems:
        words = f"its answer does not fit, also after a correction {asked}: {remain[0]}"
    if better.end.product is None:
        words = f"{better.end.ending.error_fragment}; so it was also after a correction {asked}"
    return better._replace(ran=_joined(first.ran, second.ran), end=_ended(first, second, better, words))


def _asked_again(runtime: Runtime, again: Job, session: str | None) -> Sequence[ProcessStep]:
    """Return the processes of a correction: in the session of a coding agent that can go on with it, else anew."""
    step = asked_for_answer(runtime, again, session, again.prompt_path.read_text(encoding="utf-8"))
    return [step] if step else runtime.steps(again)


def _better(job: Job, first: Answered, faults: Faults, second: Answered) -> Answered:
    if second.end.product is None or second.body is None:
        return first
    return second if second.faults(job).gravity < faults.gravity else first


def _ended(first: Answered, second: Answered, better: Answered, words: str) -> JudgedEnd:
    """Return the end of both processes together, which began with the first."""
    begun = first.end.ending
    note = better.end.ending.error_fragment if better.end.product is not None else None
    fragment = cut("; ".join(filter(None, (words, note))))
    ending = better.end.ending._replace(
        error_fragment=fragment,
        spawned=begun.spawned,
        first_output=begun.first_output,
        last_progress=second.end.ending.last_progress or begun.last_progress,
        duration_ms=first.ran.duration_ms + second.ran.duration_ms,
    )
    return JudgedEnd(ending, better.end.product)


def _joined(first: Ran, second: Ran) -> Ran:
    return first._replace(
        results=(*first.results, *second.results),
        last_progress=second.last_progress or first.last_progress,
        duration_ms=first.duration_ms + second.duration_ms,
    )


def _set_aside(job: Job, body: bytes | None) -> Path:
    """Move the answer out of its place, or an unchanged file would win over what the agent prints; return its place."""
    if body is None:
        # Not what was printed, but its log: secrets are masked there.
        return job.attempt_folder / "stdout.log"
    # An agent may have put a link in the place of the folder that it answers in.
    inside = job.output_path == answer_in(job.tree) and is_in_place(job.output_path.parent, job.tree)
    place = (job.output_path.parent if inside else job.attempt_folder) / "uncorrected.json"
    if job.output_path.is_file() and not job.output_path.is_symlink():
        job.output_path.replace(place)
    else:
        write_whole(place, body)
    return place


def _prompt(job: Job, faults: Faults, previous: Path) -> str:
    rest = faults.total - len(faults.problems)
    # ASCII JSON on a line each: no such line can close the fence around them.
    values = {
        "task": inline(str(job.prompt_path)),
        "domain": job.domain,
        "phase": job.phase.value,
        "previous": inline(str(previous)),
        "output": inline(str(job.output_path)),
        "faults": "\n".join(json.dumps(problem) for problem in faults.problems),
        "more": f"\n{rest} more are of the same kinds; {MOST_PROBLEMS} are shown.\n" if rest > 0 else "",
        "schema": schema_text(job.kind),
    }
    return shipped.prompt("correction").substitute(values)


def _answer_at(file: Path) -> bytes | None:
    """Return the answer that is kept in a file, `None` where nothing there can be read."""
    try:
        return read_bounded(file)
    except (errors.BoundedJsonReadFailed, errors.BoundedJsonSizeLimit):
        return None
