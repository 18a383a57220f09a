"""Settings of git that make it start a program, or lead it to another place than the user chose."""

import re
from typing import Final

# Each is a whole key in lower case, as `git config --list` prints it; names in the middle keep their case.
_DANGEROUS: Final = re.compile(
    "|".join(  # noqa: FLY002 - a family of keys a line
        (
            r"alias\..*",
            r"(browser|man|difftool|mergetool|guitool|pager|filter|credential|protocol|sendemail|gpg|trailer)\..*",
            r"(include|includeif|url|extensions|uploadpack|receive|http|https|trace2|sequence|interactive)\..*",
            r"core\.(hookspath|fsmonitor|sshcommand|editor|pager|askpass|gitproxy|alternaterefscommand|virtualfilesystem)",
            r"core\.(worktree|attributesfile|excludesfile|alternaterefsprefixes|bare|repositoryformatversion)",
            r"(diff|merge)\.(external|tool|guitool)",
            r"diff\..*\.(command|textconv|external|xfuncname|trustexitcode)",
            r"merge\..*\.driver",
            r"branch\..*\.mergeoptions",
            r"remote\..*\.(url|pushurl|proxy|uploadpack|receivepack|vcs|promisor|partialclonefilter)",
            r"submodule\..*\.(url|update)",
            r"lfs\..*(url|path|args|customtransfer.*|extension.*|transfer)",
            r"(gc|index|core)\..*hook",
            r"web\.browser|instaweb\..*|help\.browser|log\.showsignature|init\.templatedir|safe\..*",
        )
    ),
    re.IGNORECASE | re.DOTALL,
)
_REBASE_WORDS: Final = frozenset({"true", "false", "merges", "interactive", "i", "m", "yes", "no", "on", "off"})
_REMOTE_OF_BRANCH: Final = re.compile(r"branch\..*\.(?:remote|pushremote)|remote\.pushdefault", re.DOTALL)
_URL_OF_REMOTE: Final = re.compile(r"remote\.(.*)\.(?:url|pushurl|fetch)", re.DOTALL)


def can_run_or_redirect(key: str, old: str | None, new: str | None, remotes: frozenset[str]) -> bool:
    """Say whether a setting that went from `old` to `new` can make git start a program or act on another place.

    `remotes` are the names that the repository knew before. A remote that is new redirects nothing by itself, and a
    branch that follows a known remote is what `git push -u` writes. Source: git-config(1).
    """
    # `rebase` takes a few words; any other value is passed on and could be anything.
    if key.endswith(".rebase"):
        return new is not None and new.lower() not in _REBASE_WORDS
    # A branch that had a remote must not be led to another: the next push would go there.
    if _REMOTE_OF_BRANCH.fullmatch(key):
        return new is not None and (old is not None or new not in remotes | {"."})
    if (named := _URL_OF_REMOTE.fullmatch(key)) and named[1] not in remotes:
        # `ext::` and other helpers run what the address names.
        return new is not None and "::" in new
    return _DANGEROUS.fullmatch(key) is not None


def remote_names(keys: frozenset[str]) -> frozenset[str]:
    """Return the remotes that a repository's settings name."""
    return frozenset(named[1] for key in keys if (named := _URL_OF_REMOTE.fullmatch(key)))
