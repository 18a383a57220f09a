"""JSON documents in columns of `waves` (sentinel, violations, result, advice), as typed records."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from swarm.rules.lessons.section import Advice, AdviceSection


class KeptView(NamedTuple):
    """The user's view of work trees at dispatch: settings by key, and the names of filters and merge drivers.

    `ignore` and `attributes` are the texts of the user's files, `None` where a file is too long to be kept.
    """

    settings: tuple[tuple[str, str], ...]
    filters: tuple[str, ...]
    merge_drivers: tuple[str, ...]
    ignore: str | None = None
    attributes: str | None = None


class Provided(NamedTuple):
    """Files that swarm put into a worktree: none of them is its agent's work.

    `included` are copies of untracked files; `made` is what the set-up made, with the state in which it left a tracked
    file, `""` for any other. `answers` says that the agent answers inside of the tree.
    """

    included: tuple[str, ...] = ()
    made: Mapping[str, str] = {}
    answers: bool = False
    is_set_up: bool = False


class Sentinel(NamedTuple):
    """Fingerprints taken at dispatch, of things that must not change while agents work.

    `common` holds the git folder, by name; `primary` the uncommitted changes of the user's checkout, `None` where the
    checkout is not watched; `indexes` the digest of each kept index, by the name of its tree;
    `branch` the branch of the checkout, `None` where HEAD was detached or is not watched. `view` is `None` in waves of
    versions that did not keep it. `checkout` is the root of the checkout that the wave was dispatched in, `None` in
    waves of versions that did not record it. `provided` is by the name of the tree.
    """

    common: dict[str, str]
    primary: dict[str, str] | None
    indexes: dict[str, str]
    branch: str | None = None
    view: KeptView | None = None
    checkout: str | None = None
    provided: Mapping[str, Provided] = {}


class Violation(NamedTuple):
    """A file that an agent touched and does not own; `agent_domain` is `the wave` where the agent is unknown.

    `detail` is what the file was and is, or where lost work lies.
    """

    file: str
    agent_domain: str
    actual_owner: str
    detail: str | None = None


class LeftOutFix(NamedTuple):
    """A fix of an agent that collect did not accept as a claim, with the reason."""

    finding_id: str
    domain: str
    reason: str
    told: str


class WaveResult(NamedTuple):
    """Counts with which a wave ended. `open_by_severity` is `None` in waves of versions without this count.

    `dropped` are declarations of agents that could not be accepted, as text; `refused` counts those that did not fit,
    and `refused_items` are the first of them with their reasons. `output_errors` holds, by domain, all that is wrong
    with an output that counts for nothing.
    """

    new: int = 0
    recurring: int = 0
    fixed: int = 0
    unverified: int = 0
    recurred_while_closed: int = 0
    files: int = 0
    unaudited: int = 0
    open_by_severity: Mapping[str, int] | None = None
    dropped: tuple[str, ...] = ()
    skipped_fixes: tuple[LeftOutFix, ...] = ()
    refused: int = 0
    refused_items: tuple[str, ...] = ()
    output_errors: Mapping[str, Sequence[str]] = {}


def sentinel_from(document: str) -> Sentinel:
    """Return the sentinel that a wave holds."""
    kept = json.loads(document)
    # `get`: waves of older versions did not watch the branch.
    return Sentinel(
        common=kept["common"],
        primary=kept["primary"],
        indexes=kept["indexes"],
        branch=kept.get("branch"),
        view=_view_from(kept.get("view")),
        checkout=kept.get("checkout"),
        provided={str(name): _provided_from(item) for name, item in kept.get("provided", {}).items()},
    )


def sentinel_text(sentinel: Sentinel) -> str:
    """Return a sentinel as the JSON of its column."""
    # Sorted, so that equal fingerprints are equal text.
    view = sentinel.view and sentinel.view._asdict()
    provided = {name: item._asdict() for name, item in sentinel.provided.items()}
    return json.dumps({**sentinel._asdict(), "view": view, "provided": provided}, sort_keys=True)


def _provided_from(kept: Mapping[str, Any]) -> Provided:
    made = {str(path): str(state) for path, state in kept["made"].items()}
    return Provided(tuple(map(str, kept["included"])), made, bool(kept["answers"]), bool(kept["is_set_up"]))


def _view_from(kept: dict[str, Any] | None) -> KeptView | None:
    if kept is None:
        return None
    settings = tuple((str(key), str(value)) for key, value in kept["settings"])
    return KeptView(settings, tuple(kept["filters"]), tuple(kept["merge_drivers"]), kept["ignore"], kept["attributes"])


def violations_from(document: str) -> tuple[Violation, ...]:
    """Return the violations of a wave."""
    return tuple(
        Violation(item["file"], item["agent_domain"], item["actual_owner"], item.get("detail"))
        for item in json.loads(document)
    )


def violations_text(violations: Sequence[Violation]) -> str:
    """Return violations as the JSON of their column."""
    return json.dumps([violation._asdict() for violation in violations])


def result_from(document: str | None) -> WaveResult | None:
    """Return the result of a wave, `None` before the wave has ended."""
    if document is None:
        return None
    kept: dict[str, Any] = json.loads(document)
    counts = ("new", "recurring", "fixed", "unverified", "recurred_while_closed", "files", "unaudited", "refused")
    return WaveResult(
        # Defaults stand for counts that an older version did not record.
        **{name: kept.get(name, 0) for name in counts},
        open_by_severity=kept.get("openBySeverity"),
        dropped=tuple(map(str, kept.get("dropped", ()))),
        refused_items=tuple(map(str, kept.get("refusedItems", ()))),
        output_errors=dict(kept.get("outputErrors", {})),
        skipped_fixes=tuple(
            LeftOutFix(*(str(item.get(name, "")) for name in LeftOutFix._fields))
            for item in kept.get("skippedFixes", ())
        ),
    )


def result_text(result: WaveResult) -> str:
    """Return a result as the JSON of its column."""
    kept = result._asdict()
    by_severity, dropped, skipped = (kept.pop(name) for name in ("open_by_severity", "dropped", "skipped_fixes"))
    lists = {"dropped": dropped, "skippedFixes": [fix._asdict() for fix in skipped]}
    items = {"refusedItems": kept.pop("refused_items"), "outputErrors": kept.pop("output_errors")}
    return json.dumps({**kept, "openBySeverity": by_severity, **lists, **items})


def advice_from(document: str | None) -> AdviceSection:
    """Return the advice in the prompts of a wave, empty where it has none."""
    kept: list[dict[str, Any]] = json.loads(document) if document else []
    return AdviceSection(tuple(Advice(*(str(item[name]) for name in Advice._fields)) for item in kept))


def advice_text(advice: AdviceSection) -> str | None:
    """Return advice as the JSON of its column, `None` for none."""
    return json.dumps([item._asdict() for item in advice.given]) if advice.items else None
