"""Records of `init`."""

from typing import NamedTuple


class DomainFiles(NamedTuple):
    """A domain and the number of its files."""

    name: str
    ownership: str
    globs: tuple[str, ...]
    matched_files: int


class InitResult(NamedTuple):
    """The run that `init` made."""

    run_id: str
    repo: str
    local_path: str
    commit_sha: str
    branch: str | None
    save_point_tag: str
    domains: tuple[DomainFiles, ...]
    unmatched: tuple[str, ...]
    next_action: str
