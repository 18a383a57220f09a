"""Failures that a tool reports in its own log (SARIF 2.1.0: 3.20 invocation, 3.58 notification)."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from swarm.sarif.messages import message_of
from swarm.sarif.problems import ANY_FILE, MOST_FILES, TOOL_FAILED, Problems, Refused
from swarm.sarif.results import RunReader
from swarm.sarif.values import at, objects, whole, word

_LISTS: Final = ("toolExecutionNotifications", "toolConfigurationNotifications")
_MOST_PLACES: Final = 100


def note_failures(run: Mapping[str, Any], where: str, reader: RunReader, problems: Problems) -> tuple[bool, set[str]]:
    """Collect the failures of a run. Return whether it succeeded, and the files that its errors name."""
    is_whole = True
    unread: set[str] = set()
    for number, step in enumerate(objects(run.get("invocations"))):
        at_step = f"{where}.invocations[{number}]"
        before = len(unread)
        for name in _LISTS:
            for position, notification in enumerate(objects(step.get(name))):
                if reader.tool.level_of_notification(notification) != "error":
                    continue
                is_whole = False
                files = set(_files(notification, reader))
                if len(unread) < MOST_FILES:
                    unread |= files
                text = _error_text(notification, files, reader)
                problems.add(TOOL_FAILED, f"{at_step}.{name}[{position}]", text, files or (ANY_FILE,))
        if step.get("executionSuccessful") is False:
            is_whole = False
            reasons = ", ".join(("the tool says that it failed", *_reasons(step)))
            # A failure that names its files leaves the others as they are.
            in_doubt = () if len(unread) > before else (ANY_FILE,)
            problems.add(TOOL_FAILED, f"{at_step}.executionSuccessful", reasons, in_doubt)
    return is_whole, unread


def note_missing(run: Mapping[str, Any], where: str, problems: Problems) -> bool:
    """Collect what a run does not hold. Return whether its results are all there (3.14.23, 3.15.3)."""
    is_there = isinstance(run.get("results"), list)
    external = objects(at(run, "externalPropertyFileReferences", "results"))
    if external:
        problems.add(TOOL_FAILED, f"{where}.externalPropertyFileReferences", "its results are in other files, not read")
    elif not is_there:
        why = "there are none: the tool did not say that it looked at anything"
        problems.add(TOOL_FAILED, f"{where}.results", why)
    return is_there and not external


def note_beside(log: Mapping[str, Any], problems: Problems) -> bool:
    """Collect results that a log holds beside its runs. Return whether all of its results are in them (3.13.5)."""
    beside = [at for at, one in enumerate(objects(log.get("inlineExternalProperties"))) if one.get("results")]
    for number in beside:
        problems.add(TOOL_FAILED, f"$.inlineExternalProperties[{number}].results", "results beside the runs, not read")
    return not beside


def _reasons(step: Mapping[str, Any]) -> Iterator[str]:
    if (code := whole(step.get("exitCode"))) is not None:
        yield f"with exit code {code}"
    for key in ("exitCodeDescription", "exitSignalName", "processStartFailureMessage"):
        if text := word(step, key):
            yield text


def _error_text(notification: Mapping[str, Any], files: set[str], reader: RunReader) -> str:
    descriptor = reader.tool.notification_of(notification)
    text = message_of(notification.get("message"), descriptor, reader.tool.driver)
    text = text or word(notification, "exception", "message") or word(notification, "descriptor", "id")
    named = f" ({', '.join(sorted(files)[:3])})" if files else ""
    return f"the tool reports an error{named}: {text or 'without a message'}"


def _files(notification: Mapping[str, Any], reader: RunReader) -> Iterator[str]:
    for location in objects(notification.get("locations"))[:_MOST_PLACES]:
        try:
            path = reader.places.path_of(at(location, "physicalLocation", "artifactLocation"))
        except Refused:
            continue
        if path:
            yield path
