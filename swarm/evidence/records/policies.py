"""Policies and definitions of scenarios, read from the files below a root. A malformed file is an error, never none."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from swarm import documents
from swarm.files import is_in_place
from swarm.rules.record_places import GLOBAL_POLICY, repo_policy_place, repo_problem, scenario_place
from swarm.rules.record_policy import RecordPolicy, policy_from
from swarm.yaml_text import parse_yaml

_REPOS: Final = "policies/repos"
_MOST_BYTES: Final = 256 * 1024


class MalformedFile(Exception):
    """A policy or a definition of a scenario that cannot be used; `problem` names the file."""

    def __init__(self, path: str, problem: str) -> None:
        self.problem = f"{path}: {problem}"
        super().__init__(self.problem)


def policy_of(root: Path, repo: str) -> RecordPolicy:
    """Return the policy of a repository: the global one, and its own above. Raises MalformedFile."""
    return policy_from([*_of(root, GLOBAL_POLICY, None), *_of(root, repo_policy_place(repo), repo)])


def own_policy(root: Path, repo: str) -> Mapping[str, Any] | None:
    """Return the document of a repository's own policy, `None` where it has none. Raises MalformedFile."""
    return next(iter(_of(root, repo_policy_place(repo), repo)), None)


def repos_with_policy(root: Path) -> list[str]:
    """Return the repositories that have a policy of their own."""
    found = (file.relative_to(root / _REPOS).with_suffix("").as_posix() for file in (root / _REPOS).glob("*/*.yaml"))
    return [repo for repo in found if repo_problem(repo) is None]


def _of(root: Path, path: str, repo: str | None) -> list[Mapping[str, Any]]:
    document = _document(root, path, "dogfood-policy")
    if document is None:
        return []
    if (named := document.get("repo", repo)) != repo:
        raise MalformedFile(path, f"it names the repository {named!r}")
    return [document]


def required_steps(root: Path, repo: str, scenario_ids: Iterable[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Return the steps that scenarios must have, and why a definition could not be loaded."""
    steps: dict[str, list[str]] = {}
    problems = []
    for scenario_id in dict.fromkeys(scenario_ids):
        path = scenario_place(repo, scenario_id)
        try:
            document = _document(root, path, "dogfood-scenario")
            if document is not None and document["scenario_id"] != scenario_id:
                raise MalformedFile(path, f"it defines the scenario {document['scenario_id']!r}")
        except MalformedFile as error:
            problems.append(f"scenario-load: {error.problem}")
            continue
        if document is not None:
            steps[scenario_id] = document["required_steps"]
    return steps, problems


def _document(root: Path, path: str, schema: str) -> dict[str, Any] | None:
    """Return the document of a YAML file, `None` where there is none. Raises MalformedFile."""
    file = root / path
    if not file.is_symlink() and not file.exists():
        return None
    if not is_in_place(file.parent, root):
        raise MalformedFile(path, "a link stands in its way")
    try:
        document = parse_yaml(documents.read_named(file, _MOST_BYTES))
    except (OSError, ValueError) as error:
        raise MalformedFile(path, str(error)) from error
    if problem := documents.check(document, schema):
        raise MalformedFile(path, problem)
    checked: dict[str, Any] = document
    return checked
