"""Lines of a prompt about the repository: its own instructions, a domain's files, and the domains that win over it."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from swarm.rules.domains import Domain
from swarm.rules.glob_overlap import may_both_match
from swarm.rules.prompt_text import inline

MOST_BYTES: Final = 700
_MOST_INSTRUCTIONS: Final = 8
# At any depth: a folder's instructions hold for the files below it.
_INSTRUCTIONS: Final = re.compile(
    r"(?:(?:.*/)?(?:AGENTS|CLAUDE|GEMINI|CONTRIBUTING)\.md|CONTRIBUTING(?:\.rst|\.txt)?|(?:docs|\.github)/CONTRIBUTING\.md"
    r"|\.cursorrules|\.windsurfrules|\.clinerules|\.cursor/rules/.+\.mdc?|\.github/copilot-instructions\.md"
    r"|CONVENTIONS\.md|\.junie/guidelines\.md)"
)
# Plain globs, whose steps can be compared; any other glob may match whatever another matches.
_PLAIN: Final = re.compile(r"[^\[\]{}()!\\]+")


def instructions_in(paths: Iterable[str]) -> list[str]:
    """Return the files of a repository that instruct its contributors, those nearest to the root first."""
    return sorted((path for path in paths if _INSTRUCTIONS.fullmatch(path)), key=lambda path: (path.count("/"), path))


def instructions_for(found: Sequence[str], files: Sequence[str]) -> list[str]:
    """Return those of the instructions that hold for some file of a domain."""
    if all(_is_for_all(path) for path in found):
        return list(found)
    folders = {file[: step.start()] for file in files for step in re.finditer("/", file)}
    return [path for path in found if _is_for_all(path) or _folder(path) in folders]


def instructions_text(found: Sequence[str]) -> str:
    """Return the line that names the instructions: the agent reads them in its tree, so they cost no prompt."""
    if not found:
        return ""
    named = _joined(found[:_MOST_INSTRUCTIONS], len(found))
    return f"- Read first what the repository asks of its contributors: {named}. This prompt wins where they differ.\n"


def files_text(files: Sequence[str]) -> str:
    """Return the list of a domain's files, up to a bound."""
    shown, room = [], MOST_BYTES
    for file in files:
        room -= len(file.encode("utf-8", "surrogateescape")) + 4
        if room < 0:
            break
        shown.append(file)
    return f"Its files: {_joined(shown, len(files))}." if shown else ""


def earlier_text(domain: Domain, domains: Sequence[Domain]) -> str:
    """Return the domains that win where globs overlap: those before a domain on the map."""
    own = [_steps(glob) for glob in domain.globs]
    before = domains[: [each.name for each in domains].index(domain.name)]
    winners = [each for each in before if any(_may_meet(_steps(glob), mine) for glob in each.globs for mine in own)]
    if not winners:
        return ""
    shown: list[str] = []
    room = MOST_BYTES
    for each in winners:
        line = f"\n- `{each.name}`: {_joined(each.globs[:4], len(each.globs))}"
        room -= len(line.encode())
        if room < 0:
            shown.append(f"\n- and {len(winners) - len(shown)} more domains")
            break
        shown.append(line)
    return "\nThe first domain of the map whose globs match a file owns it. These come before yours:" + "".join(shown)


def _joined(names: Sequence[str], total: int) -> str:
    more = f" and {total - len(names)} more" if total > len(names) else ""
    return ", ".join(f"`{inline(name)}`" for name in names) + more


def _steps(glob: str) -> tuple[str, ...] | None:
    return tuple(glob.split("/")) if _PLAIN.fullmatch(glob) else None


def _may_meet(first: tuple[str, ...] | None, second: tuple[str, ...] | None) -> bool:
    return first is None or second is None or may_both_match(first, second)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _is_for_all(path: str) -> bool:
    return "/" not in path or path.startswith((".cursor/", ".github/", ".junie/", "docs/"))
