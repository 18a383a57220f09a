"""Differences between two fingerprints of the git folder and the checkout: which of them stand against a wave."""

import os
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from swarm.git import sentinel
from swarm.git.lost_work import places_of
from swarm.git.repository import Repository
from swarm.git.runner import Git
from swarm.rules import ref_names
from swarm.rules.git_settings import can_run_or_redirect, remote_names

# githooks(5): names that git runs when the file is executable; any other file there is a sample or a helper.
_HOOKS: Final = frozenset(
    {
        *("applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-applypatch", "post-checkout", "post-commit"),
        *("post-index-change", "post-merge", "post-receive", "post-rewrite", "post-update", "pre-applypatch"),
        *("pre-auto-gc", "pre-commit", "pre-merge-commit", "pre-push", "pre-rebase", "pre-receive"),
        *("prepare-commit-msg", "proc-receive", "push-to-checkout", "reference-transaction", "sendemail-validate"),
        *("update", "p4-changelist", "p4-post-changelist", "p4-pre-submit", "p4-prepare-changelist"),
    }
)
_SETTING: Final = "config: "


class Deviation(NamedTuple):
    """A thing that is not as it was at dispatch: its name below `.git` or in the checkout, and what to know of it."""

    name: str
    detail: str | None = None

    @property
    def file(self) -> str:
        """The file, where the name goes on with a key of its settings."""
        return "config" if self.name.startswith(_SETTING) else self.name

    @property
    def words(self) -> str | None:
        """The detail of the change, behind the key where the name has one."""
        return f"{self.name.removeprefix(_SETTING)}: {self.detail}" if self.name.startswith(_SETTING) else self.detail


def common_changes(
    before: Mapping[str, str], now: Mapping[str, str], git: Git | None = None
) -> tuple[list[Deviation], list[Deviation]]:
    """Return what stands against a wave in the git folder, and what is only worth a note.

    Against it are settings, hooks and links that can make git run something or act elsewhere, lost branches and save
    points. A worktree that was added or removed whole is ours, and a new tag or branch harms nothing. `git` finds out
    whether the commit of a deleted branch is still reachable; without it, none is.
    """
    against: list[Deviation] = []
    notes: list[Deviation] = []
    remotes = _remotes(before)
    for name in sorted(_changed(before, now)):
        old, new = before.get(name), now.get(name)
        difference = Deviation(name.replace(sentinel.KEY, _SETTING), _old_and_new(name, old, new))
        if name.startswith(sentinel.KEY):
            key = name.removeprefix(sentinel.KEY)
            is_against = can_run_or_redirect(key, old, new, remotes)
            # `git submodule init` copies addresses that the user committed: it leads git nowhere else.
            is_against = is_against and not (old is None and git is not None and _is_committed(git, key, new))
        elif name.startswith("hooks/"):
            is_against = _is_hook(name, old, new)
        elif name.startswith(ref_names.HEADS):
            if old is None or new is not None:
                continue
            branch = name.removeprefix(ref_names.HEADS)
            is_against = git is None or not _is_reachable(git, old)
            difference = Deviation(name, f"deleted at {old[:12]}; `git branch {branch} {old[:12]}` brings it back")
        elif name.startswith(ref_names.TAGS):
            if old is None:
                continue
            is_against = ref_names.run_of_save_point(name.removeprefix(ref_names.TAGS)) is not None
        else:
            is_against = True
        (against if is_against else notes).append(difference)
    return against, notes


def _changed(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    still = {tree for tree in _worktrees(before) & _worktrees(now) if not _is_another(tree, before, now)}
    by_key = all(any(name.startswith(sentinel.KEY) for name in seen) for seen in (before, now))
    for name in before.keys() | now.keys():
        if before.get(name) == now.get(name):
            continue
        # The whole file is compared where its keys could not be read, at either time.
        if (name == "config" and by_key) or (name.startswith(sentinel.KEY) and not by_key):
            continue
        tree = _tree_of(name)
        if tree is None or (tree in still and not name.endswith(sentinel.PLACE)):
            yield name


def _remotes(before: Mapping[str, str]) -> frozenset[str]:
    return remote_names(frozenset(name.removeprefix(sentinel.KEY) for name in before if name.startswith(sentinel.KEY)))


def _is_hook(name: str, old: str | None, new: str | None) -> bool:
    """Say whether git runs a file of the hooks folder: as it is, or, where somebody took it away, as it was."""
    runs = (state is not None and not state.startswith("-") for state in (old, new))
    return name.removeprefix("hooks/") in _HOOKS and any(runs)


def _is_committed(git: Git, key: str, new: str | None) -> bool:
    """Say whether a new address of a submodule is that of the committed `.gitmodules`."""
    if not (key.startswith("submodule.") and key.endswith(".url")) or new is None or "::" in new:
        return False
    code, value = git.answer("config", "--blob", "HEAD:.gitmodules", "--null", "--get", key, expect=(0, 1, 128))
    return not code and sentinel.shown_value(value.decode("utf-8", "surrogateescape").removesuffix("\0")) == new


def _old_and_new(name: str, old: str | None, new: str | None) -> str:
    if name.startswith(sentinel.KEY):
        return f"{old or 'not set'} → {new or 'not set'}"
    if name.startswith("refs/"):
        return f"{(old or 'none')[:12]} → {(new or 'none')[:12]}"
    return "new" if old is None else "removed" if new is None else "changed"


def _is_reachable(git: Git, commit: str) -> bool:
    code, refs = git.answer("for-each-ref", "--count=1", "--contains", commit, "refs/", expect=(0, 1, 128, 129))
    return code == 0 and bool(refs.strip())


def primary_changes(
    repository: Repository, since: str, before: Mapping[str, str], now: Mapping[str, str]
) -> list[Deviation]:
    """Return the files of the checkout that are not as they were at dispatch, when HEAD was `since`.

    A file that is as before to the byte, or whose content was committed meanwhile, is none. Of what vanished, the
    detail names where it lies now.
    """
    changed = [path for path, old in before.items() if path not in now or not sentinel.is_same_content(old, now[path])]
    blobs = {path: blob for path in changed if (blob := sentinel.blob_of(before[path])) is not None}
    places = places_of(repository, since, blobs)
    found = [Deviation(path) for path in now if path not in before]
    for path in changed:
        is_there = path in now
        if path in places:
            if not places[path].is_committed:
                found.append(Deviation(path, places[path].words))
            elif is_there:
                found.append(Deviation(path))
        elif not before[path].startswith("absent"):
            found.append(Deviation(path, None if is_there else "its uncommitted edits were removed"))
        # A file that the user had deleted is there again, as it is committed: nothing is lost.
    return sorted(found)


def _worktrees(seen: Mapping[str, str]) -> set[str]:
    return {tree for name in seen if (tree := _tree_of(name))}


def _tree_of(name: str) -> str | None:
    return name.split("/")[1] if name.startswith("worktrees/") else None


def _is_another(tree: str, before: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """Say whether git gave a worktree the name of one that is gone, as it does for those of several runs."""
    was, is_now = (seen.get(f"worktrees/{tree}{sentinel.PLACE}", "") for seen in (before, now))
    return was not in {"", is_now} and not os.path.lexists(was)
