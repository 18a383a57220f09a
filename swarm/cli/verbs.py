"""Table of verbs: section, name, and line of `swarm --help`. The modules of verbs are imported on demand."""

from typing import Final

SECTIONS: Final[dict[str, dict[str, str]]] = {
    "Setup": {
        "init": "Make a run of a clean repository: save point and draft map.",
        "domains": "Show, change, freeze and explain the map of owners.",
        "doctor": "Check the machine, the database and the workspace.",
        "runtimes": "List the runtimes of this machine.",
        "trust": "Show and trust the programs that a swarm.toml names.",
    },
    "Waves": {
        "audit": "Do the whole job: dispatch, launch, collect, report.",
        "dispatch": "Give the agent of each domain a prompt and a worktree.",
        "launch": "Run the dispatched agents and supervise them.",
        "collect": "Validate the outputs and record the findings.",
        "merge": "Merge the branches of a wave, prove, publish.",
        "verify": "Gate for CI: build, tests, and every claimed fix.",
        "advance": "Check the gates and promote the run to its next phase.",
    },
    "Look": {
        "runs": "List all runs.",
        "status": "Show one run and the next command.",
        "findings": "List findings as text, markdown, JSON or SARIF.",
        "show": "Show one finding: code, sightings, history.",
        "history": "List the events of one wave or finding.",
        "events": "Print the ledger as NDJSON, from a cursor on.",
        "receipt": "Print the record of one wave.",
        "attempts": "List the launched processes and their records.",
        "explain": "Explain an error code, exit code, attempt or finding.",
        "trends": "Show which findings keep coming back, across runs.",
        "report": "Write a run as one self-contained HTML page.",
        "schema": "Print the JSON Schema of a verb's data or of a file.",
    },
    "Triage": {
        "approve": "Let the next amend wave fix findings.",
        "defer": "Postpone findings, with or without a last day.",
        "reject": "Reject findings as false, with a reason.",
        "reopen": "Withdraw a decision or a fix.",
        "close": "Record findings as fixed on your own evidence.",
        "triage": "Import decisions from a file.",
        "lease": "List, grant and deny files to agents of other domains.",
    },
    "Recover": {
        "resume": "Continue a wave: dispatch failed agents again.",
        "redrive": "Dispatch every incomplete agent of a failed wave again.",
        "revalidate": "Check the corrected output of a blocked agent.",
        "rewind": "Reset a branch and its run to a save point.",
        "clean": "Remove worktrees and branches that hold no work.",
        "undo": "Bring back what the last clean or rewind removed.",
    },
    "Prove": {
        "verify-fixed": "Check every fixed or claimed finding again.",
        "verify-recurring": "Check findings again that were fixed more than once.",
        "verify-unverified": "Check findings again that no wave could judge.",
        "verify-approved": "Check that the code of approved findings is still there.",
        "ledger": "Prove the ledger, and compare the tables with it.",
    },
    "Shell": {
        "completion": "Print the completion script of bash, zsh or fish.",
    },
}
HELP: Final = {name: line for verbs in SECTIONS.values() for name, line in verbs.items()}
EPILOG: Final = "`swarm VERB --help` shows the options; `swarm explain exit:1` explains exit codes."
