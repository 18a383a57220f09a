"""Globs of repository paths as regular expressions.

`**`, dotfiles, braces and extended globs, case-sensitive, as wcmatch reads them with
`GLOBSTAR | DOTGLOB | BRACE | EXTGLOB | CASE | FORCEUNIX`. Plain globs, nearly all there are, are translated
here: six times faster to match than the library's own patterns, and never slow on a hostile name, because
every wildcard but the last takes its first match. A property test compares both. The library expands braces
and translates extended globs.
"""

import re
from functools import cache
from itertools import permutations

# Braces multiply: `{a,b}` twenty times over is a million globs.
MOST_ALTERNATIVES = 256
LONGEST_GLOB = 1024
# The library's groups backtrack; with more of them a hostile name costs exponential time.
MOST_EXTENDED_WILDCARDS = 4
MOST_OPEN_GROUPS = 2
MOST_OPEN_IN_A_STEP = 2
_EXTENDED = re.compile(r"[?*+@!]\(|\\")
_GROUP = re.compile(r"([?*+@!])\(((?:[^()\[\]\\]|\[[!^]?[A-Za-z0-9_.-]+\])*)\)")
# A group that was open stands as `(*`, so that a wildcard behind it counts by itself.
_STARS = re.compile(r"\(\*|\*+")
_NOTHING = "(?!)"
_NOT_LITERAL = re.compile(r"[?\[]")
_TOKEN = re.compile(r"\*+|\?|\[[!^]?[A-Za-z0-9_.]+\]|[^*?\[]+|\[")


@cache
def regex_of(glob: str) -> str:
    """Return a pattern for `re.fullmatch` that matches the paths that the glob matches.

    Raises `ValueError`, with the reason, for a glob that is refused.
    """
    if problem := _shape_problem(glob):
        raise ValueError(problem)
    expanded = _expanded(glob)
    if problem := next(filter(None, map(_piece_problem, expanded)), None):
        raise ValueError(problem)
    pieces = [_translated(piece) for piece in expanded]
    pattern = f"(?s:{'|'.join(pieces)})"
    try:
        # Compiled here, where the refusal still has a reason for the user.
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"it does not compile ({error})") from error
    return pattern


def _shape_problem(glob: str) -> str | None:
    if not glob or len(glob) > LONGEST_GLOB:
        return "it is empty" if not glob else f"it is longer than {LONGEST_GLOB} characters"
    if "\0" in glob or "\n" in glob:
        return "it holds a control character"
    return None


def _piece_problem(glob: str) -> str | None:
    if glob.startswith("/"):
        return "it is absolute; paths are relative to the root of the repository"
    # A path of git never holds these steps, so the glob would own nothing without a word.
    if not {"..", "."}.isdisjoint(glob.split("/")):
        return "it holds a `.` or `..` step, which no path of a repository has"
    return _runaway_problem(glob)


def _runaway_problem(glob: str) -> str | None:
    """Return why a hostile name could keep an extended glob busy for ever; the library's groups backtrack."""
    if not _EXTENDED.search(glob):
        return None
    groups = [(found[1], found[2].split("|")) for found in _GROUP.finditer(glob)]
    if len(groups) != len(re.findall(r"[?*+@!]\(", glob)):
        return "a group inside a group, or one that holds a bracket or a backslash, can run away"
    if any(kind in "*+" and not _repeats_unambiguously(choices) for kind, choices in groups):
        return "a repeated group that can match one text in several ways can run away"
    open_groups = sum(kind in "*+!" for kind, _ in groups)
    wildcards = len(re.findall(r"\*+(?!\()", glob))
    if open_groups > MOST_OPEN_GROUPS or len(groups) + wildcards > MOST_EXTENDED_WILDCARDS:
        return f"an extended glob with more than {MOST_EXTENDED_WILDCARDS} wildcards can run away"
    # Within a step each open place may end anywhere, so the cost is the length of a name to the power of their number.
    marked = _GROUP.sub(lambda found: "(*" if found[1] in "*+!" else "(", glob)
    inner = (len(_STARS.findall(found[2])) for found in _GROUP.finditer(glob))
    steps = (len(_STARS.findall(step)) for step in marked.split("/") if "(" in step)
    if max((*inner, *steps), default=0) > MOST_OPEN_IN_A_STEP:
        return f"an extended glob with more than {MOST_OPEN_IN_A_STEP} open places in a step can run away"
    return None


def _repeats_unambiguously(choices: list[str]) -> bool:
    # A repeated group around a wildcard can split the same text in many ways.
    if any("*" in choice for choice in choices):
        return False
    if len(choices) == 1:
        return True
    return not any(map(_NOT_LITERAL.search, choices)) and not any(
        choice.startswith(other) for choice, other in permutations(choices, 2)
    )


def _expanded(glob: str) -> list[str]:
    if "{" not in glob:
        return [glob]
    # Imported here: maps without braces, nearly all, do not pay for the import.
    import bracex

    try:
        return list(bracex.expand(glob, keep_escapes=True, limit=MOST_ALTERNATIVES))
    except bracex.ExpansionLimitException as error:
        raise ValueError(f"its braces expand to more than {MOST_ALTERNATIVES} globs") from error


def _translated(glob: str) -> str:
    tokens = [_TOKEN.findall(segment) for segment in glob.split("/") if segment]
    # Only what the property test covers is translated here; the rest keeps the library's meaning.
    if _EXTENDED.search(glob) or any("[" in segment for segment in tokens):
        return _library_regex(glob)
    if glob.endswith("/"):
        # The glob asks for a folder, and every path of a repository is a file.
        return _NOTHING
    groups: list[list[str]] = [[]]
    for position, segment in enumerate(tokens):
        if segment != ["**"]:
            groups[-1].append(_segment(segment))
        # `**/**` means `**`.
        elif position == 0 or tokens[position - 1] != ["**"]:
            groups.append([])
    return _joined(["/".join(group) for group in groups])


def _joined(groups: list[str]) -> str:
    # Between two `**` the first place where the steps fit is as good as any later place: an atomic group (`?>`)
    # keeps the first and never backtracks.
    first, *middle = groups
    if not middle:
        return first
    *middle, last = middle
    begin = first + "/" if first else ""
    between = "".join(f"(?>(?:[^/]*/)*?{group}/)" for group in middle)
    return begin + between + (f"(?:.*/)?{last}" if last else ".*")


def _segment(tokens: list[str]) -> str:
    # The same inside one step: each wildcard but the last takes its first match.
    pieces = [""]
    for part in tokens:
        if part[0] == "*":
            pieces.append("")
        elif part == "?":
            pieces[-1] += "[^/]"
        elif part[0] == "[":
            pieces[-1] += "[" + part[1:].replace("!", "^", 1)
        else:
            pieces[-1] += re.escape(part)
    first, *rest = pieces
    if not rest:
        return first
    *middle, last = rest
    return first + "".join(f"(?>[^/]*?{piece})" for piece in middle) + f"[^/]*{last}"


def _library_regex(glob: str) -> str:
    from wcmatch import glob as library

    flags = library.GLOBSTAR | library.DOTGLOB | library.EXTGLOB | library.CASE | library.FORCEUNIX
    patterns, _ = library.translate(glob, flags=flags)
    # The library anchors its patterns for `match`; here patterns are joined, and used with `fullmatch`.
    return "|".join(f"(?:{pattern.removeprefix('^').removesuffix('$')})" for pattern in patterns)
