"""A domain map from a CODEOWNERS file: the same owner for every path, by the first match in place of the last.

Patterns mean what they mean to GitHub: those of a `.gitignore` without negation and ranges, and `dir/*` is not
what lies deeper (https://docs.github.com/articles/about-code-owners). Sections and their default owners, as GitLab
has them, are read too; a path still has a single rule, the last of all sections.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from swarm.rules.domains import Domain, Ownership
from swarm.rules.draft_map import REST
from swarm.rules.glob_overlap import may_both_match, part_ways
from swarm.rules.globs import regex_of
from swarm.rules.ownership import UNASSIGNED, OwnershipMap

# Merging compares groups in pairs, and a file of an unknown author must not cost minutes.
MOST_RULES: Final = 4096
UNOWNED: Final = "unowned"
_ANY_DEPTH: Final = "**"
_LONGEST_NAME: Final = 64
_LONGEST_SHOWN: Final = 120
_LONGEST_DESCRIPTION: Final = 240
_SECTION: Final = re.compile(r"\^?\[[^\[\]]+\](?:\[\d+\])?(?=[ \t]|$)")
_PATTERN: Final = re.compile(r"(?:\\.|[^ \t])+")
_PART: Final = re.compile(r"\\.|\*+|.", re.DOTALL)
# Characters with a meaning in our globs. Without `(` there is no extended glob, so its prefixes need no escape.
_SPECIAL: Final = frozenset("\\*?[](){}")


class Rule(NamedTuple):
    """A line of the file: owners, none where the line names none, and the steps of each of its globs."""

    owners: tuple[str, ...]
    steps: tuple[tuple[str, ...], ...]

    @property
    def globs(self) -> tuple[str, ...]:
        """The line's pattern as globs of ours."""
        return tuple("/".join(steps) for steps in self.steps)


class _Group(NamedTuple):
    """Rules with the same owners that stand together in the map, and how many files they own."""

    owners: frozenset[str]
    rules: list[Rule]
    files: int = 0


def rules_of(text: str) -> list[Rule]:
    """Return the rules of a CODEOWNERS file, in its order. Raises ValueError, which names the line."""
    rules: list[Rule] = []
    default: tuple[str, ...] = ()
    for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        # Only blanks and tabs: other white space can be part of a name.
        line = raw.strip(" \t\r")
        if not line or line.startswith("#"):
            continue
        try:
            # GitLab's sections, which give later lines a default owner and match no file.
            if section := _SECTION.match(line):
                default = _owners(line[section.end() :])
                continue
            rules.append(_rule(line, default))
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
        if len(rules) > MOST_RULES:
            raise ValueError(f"it has more than {MOST_RULES} patterns")
    return rules


def map_of(rules: Sequence[Rule], paths: Iterable[str]) -> tuple[list[Domain], Mapping[str, int]]:
    """Return the domains of the rules, and how many of the files each owns; together they own them all.

    A domain gathers the rules of the same owners, unless a rule that stands between them could match a file of
    both: then `NAME-2` gathers the later rules. The map ends in an owned catch-all. Other domains without a file are
    left out; as the first match wins, that changes no other domain's files.
    """
    # Merged twice: once the groups without a file are left out, groups that they kept apart can be merged.
    groups = _merged(_Group(_owner_set(rule), [rule]) for rule in _living(rules))
    numbered = [_domain(str(number), group) for number, group in enumerate(groups)]
    owned, unowned = OwnershipMap(numbered).divide(paths)
    counted = (group._replace(files=len(files)) for group, files in zip(groups, owned.values(), strict=True))
    groups = _merged(group for group in counted if group.files or _is_last(group))
    name_for = _unique_names()
    domains = [_domain(name_for(group), group) for group in groups]
    counts = {domain.name: group.files for domain, group in zip(domains, groups, strict=True)}
    if groups and _is_last(groups[-1]):
        return domains, counts
    return [*domains, REST], {**counts, REST.name: len(unowned)}


# --- lines --------------------------------------------------------------------------------------------------


def _rule(line: str, default: tuple[str, ...]) -> Rule:
    found = _PATTERN.match(line)
    pattern = found[0] if found else ""
    owners = _owners(line[len(pattern) :]) or default
    rule = Rule(owners, _steps(pattern))
    for glob in rule.globs:
        try:
            # Compiled now, so that a refusal can name the line of the file.
            regex_of(glob)
        except ValueError as error:
            raise ValueError(f"the pattern '{_shown(pattern)}' is refused: {error}") from error
    return rule


def _shown(pattern: str) -> str:
    return pattern if len(pattern) <= _LONGEST_SHOWN else pattern[: _LONGEST_SHOWN - 3] + "..."


def _owners(words: str) -> tuple[str, ...]:
    owners = []
    for word in words.split():
        # A comment may follow the owners, and only a word of its own begins the comment.
        if word.startswith("#"):
            break
        # Owners are shown in the terminal, where a control character could act.
        if not word.isprintable():
            raise ValueError("an owner's name holds a character that cannot be shown")
        owners.append(word)
    return tuple(owners)


def _steps(pattern: str) -> tuple[tuple[str, ...], ...]:
    """Return the globs of a pattern, each as its steps: for the path itself and, for a folder, for all paths below.

    A step is a glob of ours already, with what is special to us and not here behind a backslash.
    """
    if pattern.startswith("!"):
        raise ValueError(f"the pattern '{_shown(pattern)}' is negated, which CODEOWNERS has no meaning for")
    if pattern == "/":
        # The pattern `/` matches nothing on GitHub.
        return ()
    # A pattern with a slash before its end is anchored at the root, as in `.gitignore`.
    anchored, *rest = _split(pattern)
    steps = rest if not anchored else [anchored, *rest]
    is_folder = len(steps) > 1 and not steps[-1]
    if is_folder:
        steps.pop()
    if "" in steps:
        raise ValueError(f"the pattern '{_shown(pattern)}' has an empty step, so it can match nothing")
    # A name without a slash matches at any depth.
    if anchored and len(steps) == 1:
        steps.insert(0, _ANY_DEPTH)
    # Repeated `**` mean the same as a single `**`, and slow the matching.
    steps = [step for at, step in enumerate(steps) if step != _ANY_DEPTH or at == 0 or steps[at - 1] != _ANY_DEPTH]
    # A pattern without a slash at its end can name a file or a folder, so both globs are needed.
    below = (*steps, _ANY_DEPTH)
    if is_folder:
        # `**/` is any folder, and then everything below that folder.
        return ((*steps, "*", _ANY_DEPTH) if steps[-1] == _ANY_DEPTH else below,)
    if steps in ([_ANY_DEPTH, "*"], [_ANY_DEPTH]):
        return ((_ANY_DEPTH,),)
    return (tuple(steps),) if steps[-1] in {"*", _ANY_DEPTH} else (tuple(steps), below)


def _split(pattern: str) -> list[str]:
    steps = [""]
    only_stars = [False]
    for part in _PART.findall(pattern):
        literal = part[-1]
        if literal == "/":
            steps.append("")
            only_stars.append(False)
        elif part == "\\":
            raise ValueError(f"the pattern '{_shown(pattern)}' ends in a backslash")
        elif part[0] == "*":
            # `**` is any depth only as a whole step; beside other characters both stars mean a single `*`.
            only_stars[-1] = not steps[-1] and len(part) > 1
            steps[-1] += "*"
        else:
            only_stars[-1] = False
            steps[-1] += f"\\{literal}" if literal in _SPECIAL and part != "?" else literal
    return [_ANY_DEPTH if only else step for step, only in zip(steps, only_stars, strict=True)]


# --- order --------------------------------------------------------------------------------------------------


def _living(rules: Sequence[Rule]) -> Iterator[Rule]:
    """Yield the rules that can be the last match of a file, the last first."""
    seen = set()
    # In CODEOWNERS the last match wins and in a map the first, so the order turns round.
    for rule in reversed(rules):
        # A later rule of the same pattern takes every file, so the earlier rule is dead.
        if rule.steps and rule.steps not in seen:
            seen.add(rule.steps)
            yield rule
            # Nothing above a catch-all can be a last match.
            if (_ANY_DEPTH,) in rule.steps:
                return


def _is_last(group: _Group) -> bool:
    return (_ANY_DEPTH,) in group.rules[-1].steps


def _owner_set(rule: Rule) -> frozenset[str]:
    # Names of users and teams know no case.
    return frozenset(owner.lower() for owner in rule.owners)


def _merged(groups: Iterable[_Group]) -> list[_Group]:
    """Merge each group into the previous group of the same owners, where no group between could match its files."""
    made: list[_Group] = []
    seen: set[frozenset[str]] = set()
    for group in groups:
        at = _place_for(group, made) if group.owners in seen else None
        seen.add(group.owners)
        if at is None:
            made.append(group)
        else:
            made[at] = _Group(group.owners, made[at].rules + group.rules, made[at].files + group.files)
    return made


def _place_for(group: _Group, made: Sequence[_Group]) -> int | None:
    # From the end: a group between that could match the same files must keep its place before this group.
    for at in range(len(made) - 1, -1, -1):
        if made[at].owners == group.owners:
            return at
        if any(may_meet(earlier, other) for earlier in made[at].rules for other in group.rules):
            return None
    return None


def may_meet(rule: Rule, other: Rule) -> bool:
    """Say whether a path could match both rules. A yes may be wrong, and then costs a domain; a no is certain."""
    # The globs of a rule begin alike, so the first globs rule out nearly every pair.
    if part_ways(rule.steps[0], other.steps[0]):
        return False
    return any(may_both_match(first, second) for first in rule.steps for second in other.steps)


# --- names --------------------------------------------------------------------------------------------------


def _domain(name: str, group: _Group) -> Domain:
    owners = " ".join(group.rules[0].owners)
    text = f"Owned by {owners} in CODEOWNERS" if owners else "CODEOWNERS names nobody for these"
    if len(text) > _LONGEST_DESCRIPTION:
        text = text[: _LONGEST_DESCRIPTION - 1] + "…"
    return Domain(name, Ownership.OWNED, tuple(glob for rule in group.rules for glob in rule.globs), text)


def _unique_names() -> Callable[[_Group], str]:
    # `unowned` is for files without an owner; the other two names have a meaning everywhere in swarm.
    taken = {REST.name, UNASSIGNED, UNOWNED}
    has_unowned = False

    def name_for(group: _Group) -> str:
        nonlocal has_unowned
        wished = _name(group.owners)
        if not group.owners and not has_unowned:
            has_unowned = True
            return wished
        name, number = wished, 2
        while name in taken:
            ending = f"-{number}"
            name, number = wished[: _LONGEST_NAME - len(ending)] + ending, number + 1
        taken.add(name)
        return name

    return name_for


def _name(owners: frozenset[str]) -> str:
    if not owners:
        return UNOWNED
    words = (re.sub(r"[^a-z0-9_-]+", "-", owner).strip("-_") for owner in sorted(owners))
    return "_".join(filter(None, words))[:_LONGEST_NAME].strip("-_") or "owner"
