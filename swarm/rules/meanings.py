"""Meanings of the kinds of match, of the verdicts and of the statuses of a finding, in words for users."""

from typing import Final

from swarm.rules.known_findings import MatchedBy
from swarm.rules.reviews import DISPUTED, ReviewVerdict

MATCHES: Final = {
    MatchedBy.NEW: "no known finding is like it, so it became a finding of its own",
    MatchedBy.FINGERPRINT: "rule, path, scope, the text of the line and its occurrence are the same",
    MatchedBy.ALIAS: "the same as one of the fingerprints that the finding had in earlier waves",
    MatchedBy.LINE_MAP: "git's diff leads the line of the finding to the reported line",
    MatchedBy.REWRITTEN: "in the line of the finding nothing but names, comments or layout changed",
    MatchedBy.REFORMATTED: "the statement of the finding was laid out anew, with the same code",
    MatchedBy.MOVED: "the same code stands elsewhere in the file, and nothing else is as like it",
    MatchedBy.MOVED_FILE: "the same code stands in another file, and is gone from the first",
    MatchedBy.ANCHOR: "the quoted line and the place of the report fit this finding alone",
}
VERDICTS: Final = {
    ReviewVerdict.CONFIRMED: (
        "a reviewer quoted the line that shows the defect",
        "`swarm approve --all --confirmed` takes what a reviewer confirmed, and none refutes",
    ),
    ReviewVerdict.REFUTED: (
        "a reviewer quoted the line that shows that there is no defect",
        "`swarm approve --all` leaves it out; `swarm show F-…` prints the reason, `swarm reject F-…` closes it",
    ),
    ReviewVerdict.UNKNOWN: (
        "a reviewer looked and could not tell, which counts as no verdict",
        "`swarm dispatch PHASE --review --runtime NAME` asks another reviewer",
    ),
    DISPUTED: (
        "the newest verdicts of two reviewers contradict each other",
        "`swarm show F-…` prints both reasons; approve the finding by its id, or reject it",
    ),
}
EVIDENCE: Final = {
    "analyzer_rescan": "the analyzer that reported it read the file again, with the rule on, and was silent",
    "anchor": "its line is gone, or more of it changed than names, comments and layout",
    "confirmed": "who reported it, or another agent, looked at the new commit and says that it is gone",
    "cross_ref": "another record proves it: the silence of its analyzer about this very content, or a later finding",
    "operator": "a person says so, with a reason and evidence",
    "agent_attestation": "an agent says so, and nothing else proves it",
    "unverifiable": "nothing that can be looked at proves or refutes it",
}
_REOPENED: Final = "`swarm reopen F-… --reason … --evidence …` opens it again"
STATUSES: Final = {
    "new": ("a wave reported it for the first time", "fix, defer or reject it: `swarm fix F-…`"),
    "recurring": ("an earlier wave knew it, and a later wave reported it again", "as for a new finding"),
    "unverified": ("a wave did not report it, and nothing proves that it is fixed", "`swarm verify-unverified`"),
    "approved": ("the next amend wave gives it to the agent of its domain", "`swarm dispatch <amend phase> --isolate`"),
    "fixed": ("it is gone, on evidence that `swarm show` names", "`swarm verify-fixed` checks it again"),
    "deferred": ("a person postponed it, with a reason", _REOPENED),
    "rejected": ("a person called it false, with a reason", _REOPENED),
}
