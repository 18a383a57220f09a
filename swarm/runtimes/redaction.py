"""Remove secrets from the output of processes, before the output reaches the disk."""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final
from urllib.parse import quote

MASK: Final = "[redacted]"
SHORTEST_VALUE: Final = 6
_SECRET_NAME: Final = re.compile(
    r"(?i)(?:key|token|secret|passw|passphrase|credential|auth|cookie|session|_pass$|_pwd$|_pat$|webhook)"
)
_HARMLESS_NAME: Final = re.compile(r"(?i)^(?:ssh_auth_sock|xdg_session_.*|.*_session_id|keyboard.*|.*authority)$")
_URL: Final = r"""(?P<url>://[^\s/:@"'\\]{0,100}:)[^\s/@"'\\]{3,200}(?=@)"""
# No alternative may begin at every character of a run and then read to its end: agents print what they like.
_PATTERNS: Final = re.compile(
    r"""
    (?P<bearer>(?i:bearer)\s+)[A-Za-z0-9._~+/=-]{8,}
  | (?P<basic>(?i:authorization)\\{0,4}["']?\s{0,9}[=:]\s{0,9}\\{0,4}["']?(?i:basic)\s{1,9})[A-Za-z0-9+/=]{6,}
  | (?<![A-Za-z0-9_])(?:
        sk-[A-Za-z0-9_-]{8,}
      | [sr]k_(?:live|test)_[A-Za-z0-9]{8,}
      | gh[pousr]_[A-Za-z0-9]{16,}
      | github_pat_[A-Za-z0-9_]{16,}
      | glpat-[A-Za-z0-9_-]{16,}
      | A(?:KI|SI)A[0-9A-Z]{12,}
      | xox[a-z]-[A-Za-z0-9-]{8,}
      | xapp-[A-Za-z0-9-]{8,}
      | AIza[A-Za-z0-9_-]{20,}
      | npm_[A-Za-z0-9]{30,}
      | hf_[A-Za-z0-9]{30,}
      | pypi-[A-Za-z0-9_-]{30,}
    )
  | (?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*
  | -----BEGIN[ A-Z]*PRIVATE[ ]KEY(?:[ ]BLOCK)?-----(?s:.)*?(?:-----END[ A-Z]*PRIVATE[ ]KEY(?:[ ]BLOCK)?-----|\Z)
  # A quote may be escaped: agents print JSON, and JSON inside of its strings.
  | (?P<pair>(?i:(?:password|passwd|passphrase|token|secret(?:[_-]access)?(?:[_-]key)?|(?:api|access|private)[_-]?key)
      \\{0,4}["']?\s*[=:]\s*\\{0,4}["']?))(?:[^\s"'&,;\\]|\\(?!["'\\nrt])){4,}
  | """
    + _URL,
    re.VERBOSE,
)
_URLS: Final = re.compile(_URL)
# Each alternative but that of addresses holds one of these words, which are sorted by a part that they share: a text is
# searched for twenty parts, and only where it has a part for the words. The pattern alone takes sixty times as long.
_HINTS: Final[Mapping[str, tuple[str, ...]]] = {
    "sk": ("sk-", "sk_"),
    "gh": ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    "pass": ("password", "passwd", "passphrase"),
    "key": tuple(f"{name}{between}key" for name in ("api", "access", "private") for between in ("", "_", "-")),
    **{
        word: (word,)
        for word in (
            *("bearer", "basic", "rk_", "glpat-", "akia", "asia", "xox", "xapp-", "aiza", "npm_", "hf_", "pypi-"),
            *("github_pat_", "eyj", "-----begin", "token", "secret"),
        )
    },
}


class Redactor:
    """Replaces secrets of known shapes, and the values of variables whose names say that they are secret."""

    def __init__(self, environment: Mapping[str, str], also: Collection[str] = ()) -> None:
        values = {*secret_values(environment.items()), *also}
        # As JSON writes them, too: agents print events, in which a quote and a line break are escaped.
        values |= {json.dumps(value, ensure_ascii=ascii_only)[1:-1] for value in values for ascii_only in (True, False)}
        values |= {quote(value, safe="") for value in values}
        self.has_lines = any("\n" in value for value in values)
        ordered = sorted(values, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def clean(self, text: str) -> str:
        """Return the text with each secret replaced; the words before a secret (`token=`, `Bearer `) stay."""
        if self._values is not None:
            text = self._values.sub(MASK, text)
        pattern = _pattern_for(text)
        return text if pattern is None else pattern.sub(_masked, text)

    def begin_of_secret(self, text: str, place: int) -> int:
        """Return where the secret begins that lies across a place of a text, else the place itself."""
        for pattern in filter(None, (self._values, _pattern_for(text))):
            for found in pattern.finditer(text):
                if found.start() < place < found.end():
                    place = found.start()
        return place


def _pattern_for(text: str) -> re.Pattern[str] | None:
    """Return the pattern of all secrets that a text may hold, `None` where it holds the beginning of none."""
    # For the pattern an i without a dot, and a large one with a dot, is an i; folding makes letters of all others.
    folded = text.casefold().replace("\u0131", "i").replace("\u0307", "")
    if any(part in folded and any(word in folded for word in words) for part, words in _HINTS.items()):
        return _PATTERNS
    # Reports of analyzers have an address for each finding, and no other beginning of a secret.
    return _URLS if "://" in folded else None


def secret_values(variables: Iterable[tuple[str, str]]) -> set[str]:
    """Return the values of the variables whose names say that they are secret, but for values of a few characters."""
    return {
        value
        for name, value in variables
        if _SECRET_NAME.search(name) and not _HARMLESS_NAME.match(name) and len(value) >= SHORTEST_VALUE
    }


def _masked(found: re.Match[str]) -> str:
    # The words before a secret are the only group of an alternative.
    return (found[found.lastgroup] if found.lastgroup else "") + MASK
