"""Records of `init`."""

from typing import NamedTuple


class DomainFiles(NamedTuple):
    """A domain and how many files it owns."""

    name: str
    ownership: str
    globs: tuple[str, ...]
    matched_files: int


class InitResult(NamedTuple):
    """What `init` made."""

    run_id: str
    repo: str
    local_path: str
    commit_sha: str
    branch: str | None
    save_point_tag: str
    domains: tuple[DomainFiles, ...]
    unmatched: tuple[str, ...]
    next_action: str
