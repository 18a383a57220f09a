"""`swarm lessons derive`, `review`, `synthesize`, `advise` and `export`."""

from collections.abc import Iterator
from pathlib import Path

import click

from swarm.cli.call import Call
from swarm.cli.decision_verbs import author_in, bounded, reason_option
from swarm.cli.options import usage, verb
from swarm.cli.shared_options import shared_options
from swarm.results.lessons import LessonsListed, LessonsReviewed
from swarm.rules.lessons.lesson import LessonStatus
from swarm.rules.lessons.review import NEED_ANOTHER, ReviewAction
from swarm.show import text
from swarm.show.escape import plain

_root_option = click.option(
    "--root",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of records and lessons; by default `evidence` of the workspace.",
)
_status_option = click.option(
    "--status",
    type=click.Choice([each.value for each in LessonStatus]),
    multiple=True,
    help="State of the listed lessons; may be repeated.",
)
_REVIEW = "lessons review"


@click.group(context_settings={"max_content_width": 100})
@shared_options(hidden=True)
def command() -> None:
    """Learn from records: findings, patterns of them, recommendations and doctrine, as files of `lessons/`.

    Only what a person has accepted becomes advice.
    """


def _root(call: Call, named: Path | None) -> Path:
    """Return the root of records and lessons. Raises InsideAgentWorktree, OwnedByAnotherUser."""
    # An agent that accepts its own lessons would write the prompts of the next wave.
    call.hold_to_own_workspace()
    return call.folder / named if named is not None else call.workspace.folder / "evidence"


@verb(named="lessons")
@click.argument("action", required=False, metavar="[ACTION]", type=click.Choice([each.value for each in ReviewAction]))
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--into", "other", metavar="ID", help="With merge or supersede: the lesson that takes the place.")
@reason_option
@_status_option
@_root_option
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

    place = _root(call, root)
    if action is None:
        _hold_to_listing(ids, other, reason)
        result = reviewing.listed(place, status)
        call.answer(result, lambda: _list(result))
    wanted = ReviewAction(action)
    if not ids or status:
        raise usage(f"{action} takes the ids of lessons, and no --status", _REVIEW)
    if (other is None) is (wanted in NEED_ANOTHER):
        raise usage("--into ID goes with merge and supersede, and they need it", _REVIEW)
    why = bounded(reason, "--reason", _REVIEW) if reason else None
    done = reviewing.review(place, reviewing.ReviewRequest(wanted, ids, author_in(call.folder), why, other))
    call.answer(done, lambda: _reviewed(done))


def _hold_to_listing(ids: tuple[str, ...], other: str | None, reason: str | None) -> None:
    if ids or other or reason:
        raise usage("name an action before the ids", _REVIEW)


def _list(result: LessonsListed) -> Iterator[str]:
    if not result.lessons:
        yield f"No lessons in {plain(result.root)}."
        return
    rows = [(lesson.status, lesson.id, lesson.title) for lesson in result.lessons]
    yield from text.table(rows, ("status", "id", "title"))
    waiting = sum(lesson.status in {LessonStatus.CANDIDATE, LessonStatus.REVIEWED} for lesson in result.lessons)
    if waiting:
        yield f"{text.counted(waiting, 'lesson')} to decide about: `swarm lessons review accept|reject ID`"


def _reviewed(result: LessonsReviewed) -> Iterator[str]:
    for change in result.changed:
        other = f" ({change.other})" if change.other else ""
        yield plain(f"{change.id}: {change.from_} → {change.to}{other}")


VERBS: tuple[tuple[str, click.Command], ...] = (("review", review),)
for name, part in VERBS:
    command.add_command(part, name)
