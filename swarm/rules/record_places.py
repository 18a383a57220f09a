"""Places of records below their root, made of names that strangers chose.

`records/<org>/<repo>/YYYY/MM/DD/run-<run_id>.json`, rejected ones the same below `records/_rejected/`.
"""

import re
from typing import Final

UNKNOWN_REPO: Final = "_unknown/_unknown"
RECORDS: Final = "records"
REJECTED: Final = "records/_rejected"
INDEXES: Final = "indexes"
GLOBAL_POLICY: Final = "policies/global-policy.yaml"
# A name never begins with `_`, so that no owner can be called like a folder of ours.
_OWNER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,100}", re.ASCII)
_RUN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def repo_problem(repo: object) -> str | None:
    """Return why a repository cannot be a folder of records, `None` for a usable `<org>/<repo>`."""
    if not isinstance(repo, str):
        return "it is no text"
    owner, slash, name = repo.partition("/")
    if not slash:
        return "it is no <org>/<repo>"
    if not _OWNER.fullmatch(owner) or not _NAME.fullmatch(name):
        return "it holds other characters than letters, digits, '.', '_' and '-'"
    # Some file systems drop a dot at the end of a name.
    if owner.endswith(".") or name.endswith("."):
        return "a name of it ends with a dot"
    return None


def repo_name(own: str, workflow: str) -> str:
    """Return the repository of a run in records: its own name, that of its workflow, or one that says it has none."""
    for named in (own, workflow):
        if repo_problem(named) is None:
            return named
    return f"local/{_UNSAFE.sub('-', own).strip('.')[:100] or 'repository'}"


def is_run_id(run_id: object) -> bool:
    """Say whether a run id can be part of the name of a file."""
    return isinstance(run_id, str) and _RUN.fullmatch(run_id) is not None


def record_place(repo: str, run_id: str, day: str, *, rejected: bool) -> str:
    """Return the path of a record below its root. Raises `ValueError` for names that could lead elsewhere."""
    is_known = repo_problem(repo) is None or (rejected and repo == UNKNOWN_REPO)
    if not (is_known and is_run_id(run_id) and _DAY.fullmatch(day)):
        raise ValueError(f"no place for a record: {repo!r}, {run_id!r}, {day!r}")
    return f"{REJECTED if rejected else RECORDS}/{repo}/{day.replace('-', '/')}/run-{run_id}.json"


def repo_policy_place(repo: str) -> str:
    """Return the path of a repository's policy below the root. Raises `ValueError`."""
    return f"policies/repos/{_held(repo)}.yaml"


def scenario_place(repo: str, scenario_id: str) -> str:
    """Return the path of a scenario's definition below the root. Raises `ValueError`."""
    if not is_run_id(scenario_id):
        raise ValueError(f"no place for a scenario: {scenario_id!r}")
    return f"scenarios/{_held(repo)}/{scenario_id}.yaml"


def _held(repo: str) -> str:
    if problem := repo_problem(repo):
        raise ValueError(f"no place for {repo!r}: {problem}")
    return repo
