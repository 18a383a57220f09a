"""Search for the code of a lost line in a change: rewritten where it stood, or moved to another place."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, NamedTuple

from swarm.rules.anchors import Anchor
from swarm.rules.code_text import KEYWORDS, CodeText
from swarm.rules.code_tokens import WORD, Token
from swarm.rules.findings import Fate
from swarm.rules.line_map import Hunk

# Words that are no keyword, below which a line says too little to be recognised in another place.
FEWEST_WORDS: Final = 2
# Tokens around a line of its definition, which are searched where the line itself says too little.
WINDOW: Final = 40
FEWEST_IN_BODY: Final = 8
# Places that are compared with a line; where there are more, nothing shows that the line is removed.
MOST_PLACES: Final = 500


class Added(NamedTuple):
    """A file of a change and its lines that have no predecessor."""

    code: CodeText
    lines: AbstractSet[int]


class Standing(NamedTuple):
    """A place where the code of a lost line stands, and how it got there."""

    fate: Fate
    path: str
    line: int


class LostLine(NamedTuple):
    """A line that has no successor: its file before the change, its anchor, and the hunk that took it.

    `path` is the present path of the file.
    """

    code: CodeText
    anchor: Anchor
    path: str
    hunk: Hunk | None


class Needle(NamedTuple):
    """Tokens to search, in the definition `scope` of their file."""

    tokens: Sequence[Token]
    code: CodeText
    scope: str

    @property
    def words(self) -> set[str]:
        """The words that are neither keywords nor names of variables."""
        variables = self.code.bound - self.code.functions
        return {t.text for t in self.tokens if t.kind == WORD and t.text not in KEYWORDS and t.text not in variables}


class AddedCode:
    """The added lines of a change, with an index of their tokens."""

    def __init__(self, files: Sequence[Added]) -> None:
        self.files = {added.code.source.path: added for added in files}
        self._places: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        self._aliases: set[str] = set()
        self._scopes: dict[str, Mapping[str, Sequence[int]]] = {}
        # Answers by everything that they depend on: thousands of findings can be on equal lines, or in one hunk.
        self._memo: dict[Hashable, Any] = {}
        for path, added in self.files.items():
            for at, token in enumerate(added.code.tokens):
                self._places[token.text].append((path, at))
            self._aliases.update(name for name, _ in added.code.aliases)

    def standing(self, lost: LostLine) -> Standing | None:
        """Return where the code of a lost line stands, `None` where the change has removed it."""
        anchor = lost.anchor
        line = Needle(lost.code.at_lines([anchor.line or 0]), lost.code, anchor.scope)
        # A line of a comment has no tokens: its text alone says whether it stands.
        if not line.tokens:
            return None
        return self._in_place(lost, line) or self._elsewhere(lost, line) or self._in_pieces(lost)

    def _in_place(self, lost: LostLine, line: Needle) -> Standing | None:
        added = self.files.get(lost.path)
        if added is None:
            return None
        starts = self._starts(lost, added)
        if starts is None:
            # Too many to try them all: then a rare word of the line must lead to the place.
            places = [p for p in self._found(line) if self._is_near(lost, p)]
            found = places[0] if places else None
        else:
            compared = (self._compared(line, added, at) for at in starts)
            found = next((place for place in compared if place is not None), None)
        # Of several equal lines one can be removed: then fewer are left, and the others prove nothing.
        if found is not None and lost.anchor.occurrences > 1 and not self._as_many(lost, line):
            return None
        return found

    def _starts(self, lost: LostLine, added: Added) -> list[int] | None:
        """Return the tokens of the added lines in the hunk and in the definition of a lost line, unless too many."""
        if lost.path not in self._scopes:
            scopes: defaultdict[str, list[int]] = defaultdict(list)
            for number in sorted(added.lines):
                scopes[added.code.scope_at(number)].append(number)
            self._scopes[lost.path] = scopes
        own = self._scopes[lost.path].get(lost.anchor.scope, ())
        count = len(own) + (lost.hunk.new_count if lost.hunk else 0)
        if count > MOST_PLACES:
            return None
        hunk = range(lost.hunk.new_start, lost.hunk.new_start + lost.hunk.new_count) if lost.hunk else range(0)
        return added.code.positions({*own, *hunk})

    def _is_near(self, lost: LostLine, place: Standing) -> bool:
        return place.path == lost.path and (_faces(lost.hunk, place.line) or self._scope_of(place) == lost.anchor.scope)

    def _as_many(self, lost: LostLine, line: Needle) -> bool:
        """Say whether a definition has as many lines of these tokens as before; names of variables do not count."""
        after, scope = self.files[lost.path].code, lost.anchor.scope
        wanted = _joined(line.tokens, lost.code.bound)
        key = "as many", lost.path, scope, wanted
        if key not in self._memo:
            before = _joined(lost.code.in_scope(scope), lost.code.bound).count(wanted)
            self._memo[key] = _joined(after.in_scope(scope), after.bound).count(wanted) >= before
        return bool(self._memo[key])

    def _elsewhere(self, lost: LostLine, line: Needle) -> Standing | None:
        every = {t.text for t in line.tokens if t.kind == WORD and t.text not in KEYWORDS}
        says_enough = len(every) >= FEWEST_WORDS and line.words
        places = self._found(line if says_enough else self._body(lost))
        # A place in the file itself is nearer than a place in another file.
        places.sort(key=lambda place: place.path != lost.path)
        for place in places:
            if place.path != lost.path:
                return place._replace(fate=Fate.MOVED_FILE)
            if self._scope_of(place) != lost.anchor.scope:
                return place._replace(fate=Fate.MOVED)
        return None

    def _body(self, lost: LostLine) -> Needle:
        anchor = lost.anchor
        own = lost.code.in_scope(anchor.scope) if anchor.scope else []
        at = bisect_left(own, anchor.line or 0, key=lambda token: token.line)
        own = own[max(0, at - WINDOW) : at + WINDOW]
        return Needle(own if len(own) >= FEWEST_IN_BODY else [], lost.code, anchor.scope)

    def _in_pieces(self, lost: LostLine) -> Standing | None:
        """Find a line that was split, joined or put into a variable: its hunk holds the same tokens as before."""
        if lost.hunk is None or lost.path not in self.files or not lost.hunk.new_count:
            return None
        # Lines that face each other were compared already; here arguments in another order would be equal.
        if lost.hunk.old_count == lost.hunk.new_count:
            return None
        key = "pieces", lost.path, lost.hunk
        if key not in self._memo:
            self._memo[key] = self._pieces(lost, lost.hunk)
        found: Standing | None = self._memo[key]
        return found

    def _pieces(self, lost: LostLine, hunk: Hunk) -> Standing | None:
        after = self.files[lost.path].code
        old = _bag(lost.code.at_lines(range(hunk.old_start, hunk.old_start + hunk.old_count)), lost.code.bound)
        new = _bag(after.at_lines(range(hunk.new_start, hunk.new_start + hunk.new_count)), after.bound)
        is_same = old == new and any(text not in KEYWORDS for text in old)
        return Standing(Fate.REWRITTEN, lost.path, hunk.new_start) if is_same else None

    def _found(self, needle: Needle) -> list[Standing]:
        """Return the places of a needle that touch an added line."""
        key = needle.code.source.path, needle.scope, tuple(token.text for token in needle.tokens)
        if key not in self._memo:
            self._memo[key] = self._searched(needle)
        found: list[Standing] = self._memo[key]
        return list(found)

    def _searched(self, needle: Needle) -> list[Standing]:
        # A rare token leads to few places; a name that can have changed leads nowhere.
        variables = needle.code.bound - needle.code.functions
        fixed = [
            (len(self._places.get(token.text, ())), at)
            for at, token in enumerate(needle.tokens)
            if token.text not in variables and token.text not in self._aliases
        ]
        if not needle.words:
            return []
        if not fixed or (rarest := min(fixed))[0] == 0:
            return []
        offset = rarest[1]
        places = self._places[needle.tokens[offset].text]
        compared = (self._compared(needle, self.files[path], at - offset) for path, at in places[:MOST_PLACES])
        found = [place for place in compared if place is not None]
        if not found and len(places) > MOST_PLACES:
            path, at = places[0]
            found.append(Standing(Fate.REWRITTEN, path, self.files[path].code.tokens[at].line))
        return found

    def _compared(self, needle: Needle, added: Added, start: int) -> Standing | None:
        code = added.code
        here = code.tokens[max(0, start) : max(0, start) + len(needle.tokens)]
        if start < 0 or len(here) < len(needle.tokens) or not any(token.line in added.lines for token in here):
            return None
        renamed: dict[str, str] = {}
        scope = code.scope_at(here[0].line)
        for old, new in zip(needle.tokens, here, strict=True):
            if old.text == new.text:
                continue
            is_alias = (old.text, new.text) in code.aliases
            if not is_alias and not _is_renamed(needle, code, scope, old.text, new.text):
                return None
            if renamed.setdefault(old.text, new.text) != new.text:
                return None
        fate = Fate.REWRITTEN if renamed else Fate.REFORMATTED
        return Standing(fate, code.source.path, here[0].line)

    def _scope_of(self, place: Standing) -> str:
        return self.files[place.path].code.scope_at(place.line)


def _is_renamed(needle: Needle, code: CodeText, scope: str, old: str, new: str) -> bool:
    if old not in needle.code.bound or new not in code.bound:
        return False
    # A function that is still there was not renamed: the line calls another function now.
    if old in needle.code.functions and old in code.functions:
        return False
    # A name that stood there before, or still stands there, is another variable and no new name.
    return new not in needle.code.names_in(needle.scope) and old not in code.names_in(scope)


def _faces(hunk: Hunk | None, line: int) -> bool:
    return hunk is not None and hunk.new_start <= line < hunk.new_start + hunk.new_count


def _joined(tokens: Sequence[Token], bound: AbstractSet[str]) -> str:
    # A character on both sides of each token: a sequence must not begin inside of a longer word.
    return "".join(f"\0{'' if token.text in bound else token.text}\1" for token in tokens)


def _bag(tokens: Sequence[Token], bound: AbstractSet[str]) -> Counter[str]:
    return Counter(token.text for token in tokens if token.text not in bound and token.text != "=")
