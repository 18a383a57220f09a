"""Audit as text: the digest, who looked at what, and what changed."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from swarm.results.audit import AuditResult, BaselineShown, LookedAt, LookedAtBy
from swarm.show import digest, text
from swarm.show.escape import plain

_MOST_FIXED: Final = 10
_MOST_NAMED: Final = 5


def coverage_lines(seen: LookedAt) -> Iterator[str]:
    """Yield who looked at how many files, and what nobody looked at with the analyzers that would."""
    for each in seen.by:
        some = f"{each.files:,} of " if each.asked > each.files else ""
        yield f"Looked at by {plain(each.name)}: {some}{text.counted(each.asked, 'file')}{_why(each)}"
    if seen.nobody:
        shown = [f"{count:,} {_kind(kind)}" for kind, count in list(seen.nobody.items())[:_MOST_NAMED]]
        if more := sum(list(seen.nobody.values())[_MOST_NAMED:]):
            shown.append(f"{more:,} in {text.counted(len(seen.nobody) - _MOST_NAMED, 'other kind')}")
        yield f"Looked at by nobody: {text.counted(sum(seen.nobody.values()), 'file')} ({', '.join(shown)})"
    for one in seen.would_look[:_MOST_NAMED]:
        on = f", with {one.configured_by} in the repository" if one.configured_by else ""
        yield f"  {one.analyzer} reads {one.kind} ({one.files:,}){on}: {one.install}"
    if (more := len(seen.would_look) - _MOST_NAMED) > 0:
        yield f"  … and {text.counted(more, 'other analyzer')}: `swarm runtimes` lists them"


def _why(by: LookedAtBy) -> str:
    """Return why an analyzer did not look at more: what it did not come to the end of, and what blinded it."""
    reasons = [f"{by.not_ended:,} not ended: it crashed, or had no time"] if by.not_ended else []
    most = sorted(by.blinded_by.items(), key=lambda item: (-item[1], item[0]))[:_MOST_NAMED]
    reasons += [f"{count:,} blinded by {plain(file)}, which it cannot read" for file, count in most]
    return f" ({'; '.join(reasons)})" if reasons else ""


def _kind(kind: str) -> str:
    # Beside "in 5 other kinds", the kind `other` of the document would say nothing.
    return "without a suffix" if kind == "other" else plain(kind)


def _harm(result: AuditResult) -> Iterator[str]:
    """Yield the violations, and the reports that were refused."""
    for violation in result.violations[:_MOST_FIXED]:
        owner = plain(violation.actual_owner)
        yield f"⚠ violation: {plain(violation.file)} ({owner}) was touched by {plain(violation.agent_domain)}"
    for item in result.refused_items[:_MOST_FIXED]:
        yield f"⚠ reported and refused: {plain(item)}"


def _commits(result: AuditResult) -> Iterator[str]:
    """Yield the wave that was finished first, and the edited files that the commit does not hold."""
    if (left := result.left_alone) is not None:
        yield (
            f"⚠ Left alone: wave {left.number} ({left.phase}) of run {left.run_id}, which this user did not dispatch on"
            f" this machine. `swarm trust --wave {left.run_id}` makes it yours."
        )
    if (wave := result.finished) is not None:
        yield f"Wave {wave.number} ({wave.phase}) of {wave.commit[:12]} was finished first: {wave.status}."
    if (seen := result.worktree) is not None:
        edited = seen.edited_files
        what = f"with {text.counted(len(edited), 'edited file')}: {_named(edited)}" if edited else "with no edited file"
        yield f"Looked at the files as they are: commit {seen.head[:12]} {what}"
    if missed := result.edited_files_not_seen:
        files = text.counted(len(missed), "edited file")
        if seen is None:
            yield f"⚠ {files} not looked at, for want of a commit (`--worktree` looks at them): {_named(missed)}"
        else:
            yield f"⚠ {files} not looked at, since no snapshot can hold them: {_named(missed)}"
    if new := result.new_files_not_seen:
        files, them = text.counted(len(new), "new file"), "it" if len(new) == 1 else "them"
        yield f"⚠ {files} not looked at, since git does not track {them} (`--worktree` looks at {them}): {_named(new)}"


def _named(files: Sequence[str]) -> str:
    more = f", and {len(files) - _MOST_NAMED:,} more" if len(files) > _MOST_NAMED else ""
    return ", ".join(map(plain, files[:_MOST_NAMED])) + more


def _compared(result: AuditResult, *, gates_new: bool) -> Iterator[str]:
    """Yield what new findings are new against, where a gate or the caller asks for it."""
    if not gates_new and result.baseline.kind == "first_audit":
        return
    nothing = " (nothing)" if result.baseline.nothing_known else ""
    yield f"Compared with {baseline(result.baseline)}{nothing}"


def baseline(shown: BaselineShown) -> str:
    """Return the name of a baseline, and the number of its findings."""
    known = text.counted(shown.findings or 0, "finding")
    name, commit = plain(shown.name or ""), (shown.commit or "")[:12]
    also = f"; {shown.also} has the name too" if shown.also else ""
    match shown.kind:
        case "run":
            return f"run {shown.run_id} after wave {shown.wave} ({known}){also}"
        case "file":
            return f"the file {name} ({known}){also}"
        case "first_audit":
            return "what was known before the first audit of this commit"
        case _:
            # A commit that is in the history of HEAD is its own merge base.
            base = "" if name == shown.commit else f", the merge base with {name}"
            return f"commit {commit}{base} ({known}){also}"


def _listing(result: AuditResult, rest: str, *, lists_all: bool) -> digest.Listing:
    """Return what the text lists: findings that are new against the baseline first, and known ones off a terminal."""
    ids = frozenset(result.new_since_baseline)
    every = lists_all or not text.is_terminal()
    new = [finding for finding in result.digest.findings if finding.finding_id in ids]
    known = [finding for finding in result.digest.findings if finding.finding_id not in ids]
    fixable = Counter(finding.rule_id or finding.category for finding in new if finding.fixable)
    rules = [rule for rule, _ in fixable.most_common()]
    return digest.Listing(
        new=new if every else digest.first_screen(new),
        known=known if every else (),
        tally=digest.NewAndKnown(len(new), sum(fixable.values()), len(known), digest.fix_command(rules)),
        rest=rest,
        is_for_terminal=text.is_terminal(),
    )


def lines(result: AuditResult, rest: str, *, gates_new: bool, lists_all: bool) -> Iterator[str]:
    """Yield an audit as text. `rest` is the command that lists all findings; `gates_new` says that new ones fail."""
    # The lines on who looked at what say more than the number of files that no agent looked at.
    yield from digest.lines(result.digest._replace(unaudited=0), _listing(result, rest, lists_all=lists_all))
    yield from coverage_lines(result.looked_at)
    yield from _harm(result)
    changed = result.changed
    yield (
        f"Wave {result.wave_number} ({result.phase}, {result.runtime}) of commit {result.commit[:12]}: "
        f"{changed.new:,} new, {changed.recurring:,} recurring, "
        f"{changed.fixed:,} fixed, {changed.unverified:,} unverified"
    )
    yield from _commits(result)
    yield from _compared(result, gates_new=gates_new)
    if (reason := result.without_sandbox) is not None:
        yield text.without_sandbox("Audited", reason)
    for finding in result.fixed[:_MOST_FIXED]:
        yield f"✓ fixed  {text.place(finding)}  {finding.finding_id}  {finding.evidence}: {plain(finding.reason or '')}"
    if len(result.fixed) > _MOST_FIXED:
        yield f"✓ … and {len(result.fixed) - _MOST_FIXED:,} more fixed"
    yield f"Next: {result.next_action}"
