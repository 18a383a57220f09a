"""Tokens of a file by line and by scope, and the names in the file that its author may change without an effect."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise
from typing import Final

from swarm.rules.anchors import SourceText
from swarm.rules.code_tokens import BRACKET, WORD, Token, language_of, tokens_of

_WORDS_OF_KEYWORDS: Final = (
    "and as assert async auto await begin bool break byte case catch char class const continue def default "
    "defer del delete do double elif else elsif end enum except export extends extern False final finally "
    "float fn for foreach from fun func function global go goto if impl implements import in include inline "
    "instanceof int interface is lambda let local long loop match mod module mut my namespace new nil None "
    "nonlocal not null nullptr of or package pass print private protected pub public raise require return self "
    "short signed sizeof static str string struct sub super switch template then this throw throws trait true "
    "True try type typedef typeof undefined union unless unsafe unsigned until use using val var virtual void "
    "volatile when where while with yield false"
)
KEYWORDS: Final = frozenset(_WORDS_OF_KEYWORDS.split())
_DECLARES: Final = frozenset(
    ("let var const val mut as auto final my local def function fn func fun sub lambda").split()  # noqa: SIM905  # a word a line would fill a page
)
_HEADS: Final = frozenset(["def", "function", "fn", "func", "fun", "sub"])
_MEMBER: Final = frozenset({".", "->", "::"})
_OPENERS: Final = {"(": ")", "[": "]", "{": "}"}
_DEEPEST: Final = 20
_LONGEST_LIST: Final = 100
_NOTHING: Final = Token("", "", 0)


class CodeText:
    """The tokens of a file without brackets and trailing commas.

    `bound` are the names that the file declares, `functions` those of them that are functions; `aliases` are pairs of
    a name and another name for the same value, as in `other = name` and `import name as other`.
    """

    def __init__(self, source: SourceText) -> None:
        self.source = source
        written = tokens_of(source.path, source.text)
        language = language_of(source.path, source.text)
        code = written if language.has_names else []
        self.bound = frozenset(chain(_bound(code, has_types=language.has_types), _before_arrows(code)))
        self.functions = frozenset(new.text for old, new in pairwise(code) if old.text in _HEADS)
        self.aliases = frozenset(_aliases(code))
        self.tokens = _without_brackets(written)
        self._names: dict[str, frozenset[str]] = {}
        self._lines: dict[int, list[int]] | None = None
        self._scopes: dict[str, list[Token]] | None = None

    def positions(self, lines: Iterable[int]) -> list[int]:
        """Return the positions of the tokens that begin on some lines."""
        if self._lines is None:
            self._lines = {}
            for at, token in enumerate(self.tokens):
                self._lines.setdefault(token.line, []).append(at)
        return [at for line in sorted(lines) for at in self._lines.get(line, ())]

    def at_lines(self, lines: Iterable[int]) -> list[Token]:
        """Return the tokens that begin on some lines."""
        return [self.tokens[at] for at in self.positions(lines)]

    def scope_at(self, line: int) -> str:
        """Return the enclosing definition of a line."""
        return self.source.scope_at(min(line, len(self.source.lines)))

    def in_scope(self, scope: str) -> list[Token]:
        """Return the tokens of a definition with the definitions inside it; for `""` those outside of any."""
        if self._scopes is None:
            self._scopes = {}
            for token in self.tokens:
                name = self.scope_at(token.line)
                # Bounded: nested definitions of a hostile file would cost the square of their depth.
                for _ in range(_DEEPEST):
                    self._scopes.setdefault(name, []).append(token)
                    if "." not in name:
                        break
                    name = name.rpartition(".")[0]
        return self._scopes.get(scope, [])

    def names_in(self, scope: str) -> frozenset[str]:
        """Return every word of a definition."""
        if scope not in self._names:
            self._names[scope] = frozenset(token.text for token in self.in_scope(scope) if token.kind == WORD)
        return self._names[scope]


def _without_brackets(written: Sequence[Token]) -> list[Token]:
    return [
        token
        for token, behind in pairwise([*written, _NOTHING])
        # A formatter adds a comma before a closing bracket when it splits a line.
        if token.kind != BRACKET and not (token.text == "," and behind.text in _OPENERS.values())
    ]


def _aliases(written: Sequence[Token]) -> Iterator[tuple[str, str]]:
    for first, sign, second in zip(written, written[1:], written[2:], strict=False):
        if first.kind == second.kind == WORD:
            if sign.text in {"=", ":="}:
                yield second.text, first.text
            elif sign.text == "as":
                yield first.text, second.text


def _bound(written: Sequence[Token], *, has_types: bool) -> Iterator[str]:
    """Yield the names that a file declares, in the forms that most languages share.

    A name too many makes a fix unproved and another look necessary; a name too few would let a renaming pass as a fix.
    """
    depths: list[str] = []
    head = 0
    padded = [_NOTHING, _NOTHING, *written, _NOTHING]
    for earlier, before, token, behind in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        if token.text in _OPENERS:
            depths.append(token.text)
            # The first bracket behind `def name` holds parameters.
            head = len(depths) if head == -1 else head
        elif token.text in _OPENERS.values():
            head = 0 if head == len(depths) else head
            del depths[-1:]
        elif token.kind == WORD and token.text in _HEADS:
            head = -1
        elif token.kind == WORD and token.text not in KEYWORDS and before.text not in _MEMBER:
            in_head = head > 0 and len(depths) == head and before.text in {"(", ",", "*", "&"}
            is_typed = has_types and _has_type(earlier, before, token, behind)
            if in_head or is_typed or _is_declared(before, token, behind, depths):
                yield token.text


def _is_declared(before: Token, token: Token, behind: Token, depths: Sequence[str]) -> bool:
    if behind.text == "=":
        # Inside a call this is the name of an argument, which its callee declares.
        return depths[-1:] != ["("]
    if behind.text in {":=", "=>"} or before.text in _DECLARES or before.text in {"for", "|"}:
        return True
    return behind.text in {"in", "of", ":"} and (before.text in {"(", ",", "for"} or before.line != token.line)


def _has_type(earlier: Token, before: Token, token: Token, behind: Token) -> bool:
    """Say whether a name stands in `Type name` or `Type *name`."""
    is_typed = before.kind == WORD and before.text not in KEYWORDS and before.line == token.line
    is_basic = before.text in {"int", "char", "long", "short", "float", "double", "bool", "byte", "string", "auto"}
    is_pointer = before.text in {"*", "&"} and earlier.kind == WORD and behind.text in {"=", ",", ")", "["}
    return is_typed or is_basic or is_pointer


def _before_arrows(written: Sequence[Token]) -> Iterator[str]:
    """Yield the parameters of `(a, b) =>`."""
    for at, (last, token) in enumerate(pairwise(written)):
        if token.text == "=>" and last.text == ")":
            for back in range(at - 1, max(0, at - _LONGEST_LIST), -1):
                before, word = written[back - 1], written[back]
                if word.kind == WORD and before.text in {"(", ","}:
                    yield word.text
                if word.text == "(":
                    break
