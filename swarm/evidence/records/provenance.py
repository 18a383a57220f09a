"""Ways to confirm where a submission comes from, by name."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from swarm import errors
from swarm.evidence.records import github_api
from swarm.rules.record_forms import Provenance, Submission
from swarm.rules.record_verdicts import Lowered

_IN_CI: Final = ("CI", "GITHUB_ACTIONS")
_DIGITS: Final = re.compile(r"[0-9]{1,19}", re.ASCII)
# Conclusions of a workflow run under which a proposed pass can stand.
_GOOD: Final = frozenset({"success", "neutral", "skipped"})
Environment = Mapping[str, str]


class SourceConfirmation(NamedTuple):
    """Reasons for which a source is not confirmed, none where it is, and what lowers the verdict all the same."""

    problems: tuple[str, ...] = ()
    lowered: tuple[Lowered, ...] = ()


def refuse_stub_in_ci(name: Provenance, environment: Environment) -> None:
    """Refuse to take submissions on trust where nobody looks. Raises ProvenanceStubRefused."""
    for variable in _IN_CI:
        if name == "stub" and environment.get(variable):
            raise errors.ProvenanceStubRefused(variable=variable)


def _stub(submission: Submission, environment: Environment) -> SourceConfirmation:
    """Confirm every submission, for trials and for a person's own machine."""
    del submission, environment
    return SourceConfirmation()


def _github(submission: Submission, environment: Environment) -> SourceConfirmation:
    """Confirm a submission by the workflow run that GitHub knows. Raises ProvenanceUnreachable."""
    source = submission["source"]
    if source["provider"] != "github":
        return SourceConfirmation((f"source.provider is '{source['provider']}', and GitHub knows its own runs alone",))
    if not _DIGITS.fullmatch(source["provider_run_id"]):
        return SourceConfirmation(("source.provider_run_id is no number of a workflow run",))
    run = github_api.workflow_run(submission["repo"], source["provider_run_id"], environment)
    if run is None:
        return SourceConfirmation(
            (f"GitHub knows no workflow run {source['provider_run_id']} of {submission['repo']}",)
        )
    problems = tuple(_differences(submission, run))
    return SourceConfirmation(problems, _lowered_by(run.get("conclusion")))


def _lowered_by(conclusion: object) -> tuple[Lowered, ...]:
    # An answer of the API can hold any JSON value here.
    if conclusion is None or (isinstance(conclusion, str) and conclusion in _GOOD):
        return ()
    return (Lowered("fail", f"provenance: the workflow run ended {conclusion!r:.60}"),)


def _differences(submission: Submission, run: Mapping[str, Any]) -> list[str]:
    """Return what a submission says of its workflow run, and the API does not. What the API leaves out is no proof."""
    source, ref = submission["source"], submission["ref"]
    repository = run.get("repository")
    full_name = repository.get("full_name") if isinstance(repository, dict) else None
    path = str(run.get("path") or "").partition("@")[0]
    names = {str(run.get("name")), path, path.rpartition("/")[2]}
    attempt, newest = source.get("attempt"), run.get("run_attempt")
    checks = {
        "the workflow run is not completed": run.get("status") == "completed",
        "the workflow run belongs to another repository": str(full_name).lower() == submission["repo"].lower(),
        "the workflow run is of another commit": run.get("head_sha") == ref["commit_sha"],
        "the workflow run has another id": str(run.get("id", source["provider_run_id"])) == source["provider_run_id"],
        "the workflow run is of another branch": _agree(ref.get("branch"), run.get("head_branch")),
        "the workflow run has another address": _agree(source["run_url"], run.get("html_url")),
        "the workflow run is of another workflow": source["workflow"] in names or not (run.get("name") or path),
        "the workflow run has no such attempt": not (attempt and isinstance(newest, int)) or attempt <= newest,
    }
    return [problem for problem, holds in checks.items() if not holds]


def _agree(named: str | None, known: object) -> bool:
    """Say whether two names agree; a name that one side leaves out disagrees with nothing."""
    return named is None or known is None or named == known


PROVENANCES: Final[Mapping[Provenance, Callable[[Submission, Environment], SourceConfirmation]]] = {
    "stub": _stub,
    "github": _github,
}
