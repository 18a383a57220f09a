"""Lines that were edited: the name that a line declares, the words that it has, and how much of it stayed."""

import re
from collections import Counter
from functools import lru_cache
from typing import Final, NamedTuple

from swarm.rules.anchors import Anchor
from swarm.rules.code_text import KEYWORDS
from swarm.rules.scopes import bound_name

_TOKEN: Final = re.compile(r"\w+|[^\w\s]")
_WORDED: Final = re.compile(r"\w")
_PART: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
# Every repetition is possessive: a hostile line costs time in proportion to its length.
_ANNOTATIONS: Final = re.compile(r"(?:@(?!interface\b)[\w.]++(?:\((?:[^()]|\([^()]*+\))*+\))?+\s*+)++")
_MODIFIERS: Final = re.compile(
    r"""(?:(?:export|default|declare|public|private|protected|internal|static|final|abstract|async|unsafe|inline|virtual
        |override|open|sealed|data|partial|readonly|synchronized|native|transient|volatile|extern|register|const
        |constexpr|pub(?:\([^)]*+\))?+|mut|let|var|val|auto|my|local|for|try|using|await)\b\s*+
        |\(\s*+(?=[\w<>\[\]., ]++[:=]))*+""",
    re.VERBOSE,
)
# What a keyword names, what has a type before it, and what gets a value.
_NAMED: Final = re.compile(
    r"""(?:def|class|@?interface|struct|enum|trait|module|mod|namespace|object|protocol|type|union|record|fn|fun|sub
        |function\*?+|func)\s++(?:\([^)]*+\)\s*+)?+(?:self\.)?+(?P<name>[\w$]++)""",
    re.VERBOSE,
)
_TYPE_PARAMETERS: Final = re.compile(r"<(?:[^<>]|<(?:[^<>]|<[^<>]*+>)*+>)*+>")
_GIVEN: Final = re.compile(
    r"(?P<name>[\w$.]++)\s*+(?::(?!:)[^=;]*+)?+=(?![=>])"
    r"(?:\s*+(?:async\b\s*+)?+(?:function\b\s*+\*?+|class\b)\s*+(?P<own>(?!extends\b)[\w$]++))?+"
)
_HEAD: Final = re.compile(r"[\w$.,<>\[\]?&*: ]++")
_LAST_NAME: Final = re.compile(r"(?<![\w$.])(?P<name>[\w$]++)(?:\s*+\[[^\]]*+\])*+\s*+$")
_NO_TYPE: Final = re.compile(
    r"(?:return|throw|throws|raise|new|delete|package|import|goto|break|continue|else|elif|elsif|case|yield|assert|if|while"
    r"|switch|catch|do|with|not|in|is|and|or|del|print|echo|use|from|global|nonlocal|typedef|typeof|await|super|this)\b"
)
_ENDS_OF_HEAD: Final = re.compile(r"[=;(,{]|\s:\s|$")


_DECLARING: Final = re.compile(r"\b(?:let|var|const|val|my|local)\s*+$")


_COMMON_METHODS: Final = re.compile(r"__\w+__|constructor|toString|equals|hashCode|new|init|main|run|clone|drop|fmt")


class Declared(NamedTuple):
    """A declaration: the definition around it, and the name that it declares."""

    around: str
    name: str


def declared_at(anchor: Anchor) -> Declared | None:
    """Return what a line declares, in any language: a definition, a field, or a variable; `None` for other lines."""
    name = declared_name(anchor.text)
    if name is None:
        return None
    outer, _, own = anchor.scope.rpartition(".")
    # The scope of a definition begins with its first line, so that line is inside of what it declares.
    return Declared(outer if own == name else anchor.scope, name)


@lru_cache(maxsize=4096)
def declared_name(text: str) -> str | None:
    """Return the name that a line declares."""
    bare = text[found.end() :] if (found := _ANNOTATIONS.match(text)) else text
    before = _MODIFIERS.match(bare)[0]  # type: ignore[index]  # matches the empty text too
    bare = bare[len(before) :]
    if _NO_TYPE.match(bare):
        return None
    if found := _NAMED.match(bare):
        return found["name"]
    if found := _GIVEN.match(bare):
        return bound_name(found["name"], found["own"])
    # A comma between type parameters would look like the end of the declaration.
    bare = _TYPE_PARAMETERS.sub("", bare)
    end = _ENDS_OF_HEAD.search(bare)
    head = bare[: end.start()] if end else bare
    name = _LAST_NAME.search(head)
    # A type or `let` stands before the name: a call or a lone word declares nothing.
    if (
        name is None
        or not (name.start() or _DECLARING.search(before))
        or not _HEAD.fullmatch(head)
        or name["name"][0].isdigit()
    ):
        return None
    return name["name"]


def are_named_apart(ours: str, theirs: str) -> bool:
    """Say whether two lines declare names that have no part in common, as `getUser` and `userName` have one."""
    mine, its = declared_name(ours), declared_name(theirs)
    return mine is not None and its is not None and mine != its and _parts(mine).isdisjoint(_parts(its))


def is_same_definition(ours: Anchor, theirs: Anchor) -> bool:
    """Say whether two lines are in definitions of the same name, wherever these are.

    Nearly every class has its `__init__` or `constructor`: such a method is named with its class.
    """
    *_, outer, name = ("", *ours.scope.split("."))
    *_, their_outer, their_name = ("", *theirs.scope.split("."))
    return name == their_name != "" and (outer == their_outer or not _COMMON_METHODS.fullmatch(name))


def is_common_method(anchor: Anchor) -> bool:
    """Say whether a line declares a method that nearly every class has, such as `__init__`."""
    name = declared_name(anchor.text)
    return name is not None and _COMMON_METHODS.fullmatch(name) is not None


def path_likeness(ours: str, theirs: str) -> float:
    """Return the share of the words of two paths that are equal, between 0 and 1."""
    mine, its = Counter(_PART.findall(ours)), Counter(_PART.findall(theirs))
    return 2 * (mine & its).total() / max(1, mine.total() + its.total())


def _parts(name: str) -> set[str]:
    return {part.lower() for part in _PART.findall(name)}


def own_words(text: str) -> set[str]:
    """Return the words of a line that are no keyword."""
    return {word for word in _TOKEN.findall(text) if word[0].isalpha() and word not in KEYWORDS}


def is_only_marks(text: str) -> bool:
    """Say whether a line has no word, as a bracket that closes something."""
    return _WORDED.search(text) is None


def dice(ours: str, theirs: str) -> float:
    """Return the share of the tokens of two lines that are equal, between 0 and 1."""
    mine, its = _tokens(ours), _tokens(theirs)
    return 2 * (mine & its).total() / max(1, mine.total() + its.total())


@lru_cache(maxsize=4096)
def _tokens(text: str) -> Counter[str]:
    return Counter(_TOKEN.findall(text))
