"""Failures that the output of a step names: tests by their names, messages of analyzers by their rules."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

# Beyond this number a step fails as a whole, and a comparison by name would tell nothing.
_MOST: Final = 10_000
# A run of blanks, and a run of digits, is tried from its beginning alone: a try from each of its characters would cost
# the square of its length.
_TAKES: Final = re.compile(
    r"(?:(?<![\s(\[])[\s(\[]++)?(?<!\d)\d++(?:[.,]\d++)?\s?(?:ms|s|seconds|m)\b[)\]]*+|0x[0-9a-fA-F]++"
)
# A scratch tree has another place in every build.
_FOLDER: Final = re.compile(r"(?<![\w.])/(?:[^\s/:'\"()]+/)+")
_TESTS: Final = re.compile(
    r"""^(?:
      (?:FAILED|ERROR)[ ](?P<pytest>\S+(?:::|\.py)(?:(?![ ]-[ ]).)*)(?:[ ]-[ ].*)?
    | SUBFAIL(?:ED)?(?P<subtest>(?:[\[(].*[\])])?[ ]\S+::(?:(?![ ]-[ ]).)*)(?:[ ]-[ ].*)?
    | (?:FAIL|ERROR):[ ](?P<unittest>\w+[ ]\(.*)
    | [ ]*---[ ]FAIL:[ ](?P<go>\S+).*
    | test[ ](?P<cargo>.+)[ ]\.\.\.[ ]FAILED
    | [ ]*FAIL[ ]\[.*?\][ ](?P<nextest>.+)
    | [ ]*not[ ]ok[ ]\d+[ ](?:-[ ])?(?P<tap>(?!.*\#[ ](?:TODO|SKIP)).+)
    | [ ]*[\u2716\u2717\u2718\u00d7\u25cf][ ]+(?!Console$)(?P<marked>.+)
    | [ ]*\d+\)[ ]+(?P<numbered>.+)
    | [ ]*FAIL[ \t]+(?P<file>.+)
    | \(fail\)[ ](?P<bun>.+)
    )$""",
    re.VERBOSE,
)
_RULES: Final = re.compile(
    r"""(?:
      ^\S.*?:\d+:\d+:[ ](?P<code>[A-Z]{1,6}\d{2,5})\b
    | ^(?P<full>[A-Z]{1,6}\d{2,5})[ ](?:\[\*\][ ])?\S
    | ^\S.*?:\d+(?::\d+)?:[ ]error:[ ].*\[(?P<mypy>[\w-]+)\]$
    | ^\[(?P<wrapped>[a-z]+(?:-[a-z]+)*)\]$
    | [ ](?:error|warning):?[ ](?P<tsc>TS\d+):
    | ^[ ]+\d+:\d+[ ]+(?:error|warning)[ ].*[ ](?P<eslint>[@\w/-]+)$
    | ^[ ].*-[ ]error:.*\((?P<pyright>report\w+)\)$
    | ^(?P<rustc>error(?:\[E\d+\])?):[ ]
    | ^\S+\.go:\d+(?::\d+)?:[ ](?P<golang>.+)$
    )""",
    re.VERBOSE,
)


class Failures(NamedTuple):
    """Failures of a step by name. `lines` is a digest of the whole output, empty where the step printed nothing."""

    tests: frozenset[str] = frozenset()
    rules: Mapping[str, int] = {}
    lines: str = ""

    @property
    def are_named(self) -> bool:
        """Whether the output names a test or a rule."""
        return bool(self.tests or self.rules)


def failures_in(output: Iterable[str]) -> Failures:
    """Read the lines of a step's output. More than 10,000 names count as none."""
    tests, rules, seen = set[str](), Counter[str](), set[str]()
    for line in output:
        text = line.rstrip()
        if not text or len(tests) + len(rules) > _MOST:
            continue
        if found := _TESTS.match(text):
            tests.add(_lasting(_name(found)))
        elif found := _RULES.search(text):
            rules[_lasting(_name(found))] += 1
        seen.add(_lasting(text))
    if len(tests) + len(rules) > _MOST:
        return Failures()
    return Failures(frozenset(tests), rules, _digest(seen))


def _name(found: re.Match[str]) -> str:
    return next(group for group in found.groups() if group is not None)


def _lasting(text: str) -> str:
    """Return a text without durations, addresses and the place of the tree, which differ from build to build."""
    return _FOLDER.sub("/", _TAKES.sub("", text)).strip()


def _digest(lines: Iterable[str]) -> str:
    kept = sorted(line for line in lines if line)
    return hashlib.sha256("\n".join(kept).encode("utf-8", "surrogateescape")).hexdigest() if kept else ""
