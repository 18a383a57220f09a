"""Reports that are like a finding which nobody reported: the defect may have been rewritten instead of fixed."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from swarm.rules.line_map import Hunk

# The wave of a report that no finding is known for.
LATEST: Final = 2**31


class Suspect(NamedTuple):
    """A finding of an analyzer that was not reported again.

    `path` is the present path of its file and `added` are the lines there that have no predecessor. `hunk` is the
    change that took its line, `standing` the path and line where its code stands, each `None` where there is none.
    `last_wave` saw the finding last.
    """

    row: int
    rule: str
    path: str
    scope: str
    description: str
    added: AbstractSet[int]
    hunk: Hunk | None
    standing: tuple[str, int] | None
    last_wave: int = 0


class Reported(NamedTuple):
    """A report, and the wave that first saw its finding. `scope` is the definition around its line."""

    rule: str
    path: str
    line: int
    scope: str
    description: str
    first_wave: int = LATEST


def like_reports(suspects: Sequence[Suspect], reports: Sequence[Reported]) -> dict[int, Reported]:
    """Return, by row, a report that is like the finding. Each report stands for one finding.

    So the counts balance: of three findings with two such reports, one can be fixed.
    """
    rules = {suspect.rule for suspect in suspects}
    by_file: defaultdict[tuple[str, str], list[Reported]] = defaultdict(list)
    for report in reports:
        if report.rule in rules:
            by_file[report.rule, report.path].append(report)
    found: dict[int, Reported] = {}
    taken: set[int] = set()
    # The surest likeness first, for all findings, so that a weaker one takes no report from it.
    for likeness in (_at_place, _in_hunk, _in_scope):
        # Candidates by trait, made once: a search for each finding would cost the square of their number.
        pools: dict[Hashable, list[Reported]] = {}
        for suspect in suspects:
            trait = likeness(suspect)
            if suspect.row in found or trait is None:
                continue
            path, key, is_like = trait
            key = (suspect.rule, path, suspect.last_wave, key)
            if key not in pools:
                # A finding that was known beside this one is another defect.
                later = (r for r in by_file.get((suspect.rule, path), ()) if r.first_wave > suspect.last_wave)
                pools[key] = [report for report in later if is_like(report)][::-1]
            while pools[key] and suspect.row not in found:
                report = pools[key].pop()
                if id(report) not in taken:
                    taken.add(id(report))
                    found[suspect.row] = report
    return found


# A file, a key that findings of the same candidates share, and the condition.
_Trait = tuple[str, Hashable, Callable[[Reported], bool]]


def _at_place(suspect: Suspect) -> _Trait | None:
    if suspect.standing is None:
        return None
    path, line = suspect.standing
    return path, line, lambda report: report.line == line


def _in_hunk(suspect: Suspect) -> _Trait | None:
    hunk = suspect.hunk
    if hunk is None:
        return None
    return suspect.path, hunk, lambda report: hunk.new_start <= report.line < hunk.new_start + hunk.new_count


def _in_scope(suspect: Suspect) -> _Trait:
    # A line that stood there before is another defect, whatever made the analyzer report it now. Outside of a
    # definition every line has the same scope: there the message must be the same too.
    said = "" if suspect.scope else suspect.description
    return (
        suspect.path,
        (suspect.scope, said, id(suspect.added)),
        lambda report: (
            report.scope == suspect.scope and report.line in suspect.added and said in {"", report.description}
        ),
    )
