"""`swarm lessons derive`, `review`, `synthesize`, `advise` and `export`."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from swarm.cli.call import Call
from swarm.cli.decision_verbs import author_in, bounded, reason_option
from swarm.cli.options import usage, verb
from swarm.cli.records_options import records_root, root_option
from swarm.cli.shared_options import shared_options
from swarm.results.lessons import (
    LessonMade,
    LessonRefused,
    LessonsAdvised,
    LessonsDerived,
    LessonsListed,
    LessonsReviewed,
    LessonsSynthesized,
)
from swarm.rules.lessons.lesson import UNDECIDED, LessonStatus
from swarm.rules.lessons.review import NEED_ANOTHER, ReviewAction
from swarm.rules.record_forms import MODES, SURFACES
from swarm.show import text
from swarm.show.escape import plain

_status_option = click.option(
    "--status",
    type=click.Choice([each.value for each in LessonStatus]),
    multiple=True,
    help="State of the listed lessons; may be repeated.",
)
_write_option = click.option("--write", is_flag=True, help="Write the files; without it nothing changes.")
_REVIEW = "lessons review"


@click.group(context_settings={"max_content_width": 100})
@shared_options(hidden=True)
def command() -> None:
    """Learn from records: findings, patterns of them, recommendations and doctrine, as files of `lessons/`.

    Only what a person has accepted becomes advice.
    """


@verb(named="lessons")
@click.argument("action", required=False, metavar="[ACTION]", type=click.Choice([each.value for each in ReviewAction]))
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--into", "other", metavar="ID", help="With merge or supersede: the lesson that takes the place.")
@reason_option
@_status_option
@root_option
def review(
    call: Call,
    action: str | None,
    ids: tuple[str, ...],
    other: str | None,
    reason: str | None,
    status: tuple[str, ...],
    root: Path | None,
) -> None:
    """List the lessons, or record an action of yours on some of them: all of them change, or none does.

    ACTION is review, accept, reject, reopen, invalidate, merge or supersede.

    review and accept lead to reviewed and accepted, reject to rejected, reopen back to reviewed. invalidate withdraws
    an accepted lesson; merge gives the evidence of findings to another finding; supersede replaces a lesson. reject,
    invalidate, merge and supersede need --reason. Each action is a line of lessons/review-log.jsonl.
    """
    from swarm.evidence.lessons import review as reviewing

    place = records_root(call, root)
    if action is None:
        _hold_to_listing(ids, other, reason)
        result = reviewing.listed(place, status)
        call.answer(result, lambda: _list(result, _there(root)))
    wanted = ReviewAction(action)
    if not ids or status:
        raise usage(f"{action} takes the ids of lessons, and no --status", _REVIEW)
    if (other is None) is (wanted in NEED_ANOTHER):
        raise usage("--into ID goes with merge and supersede, and they need it", _REVIEW)
    why = bounded(reason, "--reason", _REVIEW) if reason else None
    done = reviewing.review(place, reviewing.ReviewRequest(wanted, ids, author_in(call.folder), why, other))
    call.answer(done, lambda: _reviewed(done))


def _there(root: Path | None) -> str:
    """Return the option that names the same root again in a next command."""
    return f" --root {shlex.quote(plain(str(root)))}" if root is not None else ""


def _hold_to_listing(ids: tuple[str, ...], other: str | None, reason: str | None) -> None:
    if ids or other or reason:
        raise usage("name an action before the ids", _REVIEW)


def _list(result: LessonsListed, there: str) -> Iterator[str]:
    if not result.lessons:
        yield f"No lessons in {plain(result.root)}."
        return
    rows = [(lesson.status, lesson.id, lesson.title) for lesson in result.lessons]
    yield from text.table(rows, ("status", "id", "title"))
    waiting = sum(lesson.status in UNDECIDED for lesson in result.lessons)
    if waiting:
        yield f"{text.counted(waiting, 'lesson')} to decide about: `swarm lessons review accept|reject ID{there}`"


def _reviewed(result: LessonsReviewed) -> Iterator[str]:
    for change in result.changed:
        other = f" ({change.other})" if change.other else ""
        yield plain(f"{change.id}: {change.from_} → {change.to}{other}")


@verb(named="lessons")
@_write_option
@root_option
def derive(call: Call, root: Path | None, *, write: bool) -> None:
    """Derive candidate findings of the records, accepted and rejected, by eight rules.

    The rules look at surfaces, evidence, lowered verdicts, failed steps, blocked scenarios, execution modes, and
    rejections by schema and by policy. A finding that comes again adds its evidence to the first, and keeps its state.
    Without --write nothing is written. Exit 1 where a rule throws, or where two findings claim an id.
    """
    from swarm.evidence.lessons.derive import derive as look

    result = look(records_root(call, root), write=write)
    call.answer(result, lambda: _derived(result, _there(root)), int(bool(result.errors or result.rule_faults)))


@verb(named="lessons")
@_write_option
@root_option
def synthesize(call: Call, root: Path | None, *, write: bool) -> None:
    """Make patterns of the accepted findings, a recommendation for each pattern, and doctrine of the strong patterns.

    Two or more accepted findings of different records that are alike in issue and root cause are a pattern; it is
    strong at three repositories. What is there keeps its state, and once it is accepted its words. Without --write
    nothing is written. Exit 1 where an id belongs to another lesson.
    """
    from swarm.evidence.lessons.synthesize import synthesize as make

    result = make(records_root(call, root), write=write)
    call.answer(result, lambda: _synthesized(result, _there(root)), int(bool(result.errors)))


@verb(named="lessons")
@click.option("--surface", type=click.Choice(SURFACES), help="Surface of the product that the advice is for.")
@click.option("--mode", type=click.Choice(MODES), help="Execution mode that the advice is for.")
@click.option("--repo", metavar="ORG/NAME", help="Repository that the advice is for.")
@root_option
def advise(call: Call, surface: str | None, mode: str | None, repo: str | None, root: Path | None) -> None:
    """Show the accepted lessons that fit a surface, a mode or a repository.

    At most 5 of doctrine, 5 recommendations, 5 patterns and 8 findings. `swarm dispatch --advise` puts those of the
    run's repository at the top of the prompts.
    """
    from swarm.evidence.lessons.advise import advise as look
    from swarm.rules.lessons.advice import Wanted

    result = look(records_root(call, root), Wanted(surface, mode, repo))
    call.answer(result, lambda: _advised(result))


@verb(named="lessons", formats=("text", "json", "markdown"))
@_status_option
@root_option
def export(call: Call, status: tuple[str, ...], root: Path | None) -> None:
    """Print lessons whole, the accepted ones unless --status names others, for other tools or for readers.

    --format json gives the documents of the files, text and markdown a page.
    """
    from swarm.evidence.lessons.export import export as gather
    from swarm.show.lessons import page

    result = gather(records_root(call, root), status or (LessonStatus.ACCEPTED.value,))
    call.answer(result, lambda: page(result))


def _derived(result: LessonsDerived, there: str) -> Iterator[str]:
    yield f"{text.counted(result.records, 'record')} in {plain(result.root)}"
    yield from _made_lines("derive", there, result.lessons, result.errors, written=result.written)
    for fault in result.rule_faults:
        yield plain(f"⊘ The rule {fault.rule} failed on {fault.record}: {fault.problem}")
    for record in result.corrupt:
        yield plain(f"⚠ Not looked at: {record.path}: {record.problem}")


def _synthesized(result: LessonsSynthesized, there: str) -> Iterator[str]:
    yield from _made_lines("synthesize", there, result.lessons, result.errors, written=result.written)
    for lesson_id in result.unsupported:
        yield plain(f"⚠ {lesson_id}: fewer than two of its findings are accepted, so it is no advice")


def _made_lines(
    name: str, there: str, lessons: Sequence[LessonMade], refused: Sequence[LessonRefused], *, written: bool
) -> Iterator[str]:
    """Yield what became of made lessons, and the next step."""
    due = [lesson for lesson in lessons if lesson.change != "unchanged"]
    if lessons:
        yield from text.table([(each.change, each.status, each.id) for each in lessons], ("", "status", "id"))
    for error in refused:
        yield plain(f"⊘ [{error.code}] {error.message}")
    if not lessons and not refused:
        yield "Nothing was found."
    elif not due:
        yield "Nothing is new."
    elif not written:
        yield f"{text.counted(len(due), 'lesson')} would be written. Next: `swarm lessons {name} --write{there}`"
    else:
        words = f"review{there}"
        yield f"{text.counted(len(due), 'lesson')} written. Next: `swarm lessons {words}`"


def _advised(result: LessonsAdvised) -> Iterator[str]:
    for item in result.advice:
        yield plain(f"{item.kind}  {item.id}")
        yield plain(f"  {item.title}")
        yield plain(f"  {item.text}")
    if not result.advice:
        yield "No accepted lesson fits."
    if result.undecided:
        yield f"{text.counted(result.undecided, 'lesson')} not decided about: `swarm lessons review`"


for name, part in (
    ("derive", derive),
    ("review", review),
    ("synthesize", synthesize),
    ("advise", advise),
    ("export", export),
):
    command.add_command(part, name)
