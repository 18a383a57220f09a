"""The table of verbs: section, name, the line that `swarm --help` shows. Their modules are imported on demand."""

from typing import Final

SECTIONS: Final[dict[str, dict[str, str]]] = {
    "Setup": {
        "init": "Make a clean repository a run: save point and draft map.",
        "domains": "Show, change, freeze and explain the map of who owns what.",
        "doctor": "Check the machine, the database and the workspace.",
        "runtimes": "List what can be launched here, and why not.",
    },
    "Waves": {
        "audit": "The whole main job: dispatch, launch, collect, digest.",
        "dispatch": "Give every domain's agent a prompt, and a worktree.",
        "launch": "Run the dispatched agents and supervise them.",
        "collect": "Take the outputs in and record the findings.",
        "merge": "Bring a wave's branches together, prove, publish.",
        "verify": "The CI gate: build, tests, and every claimed fix.",
        "advance": "Look at the gates; promote the run to its next phase.",
    },
    "Look": {
        "runs": "List all runs.",
        "status": "One run at a glance, with one next command.",
        "findings": "The digest: text, markdown, JSON or SARIF.",
        "show": "One finding with its code, sightings and history.",
        "history": "The ledger of one wave or finding.",
        "events": "The ledger itself, as NDJSON with a cursor.",
        "receipt": "All that is recorded of one wave, the same each time.",
        "attempts": "The processes that were launched, and their records.",
        "explain": "What a code, exit code, attempt or finding means.",
        "trends": "Across runs: what keeps coming back.",
        "report": "A run as one self-contained HTML page.",
        "schema": "The JSON Schema of a verb's data, or of a file.",
    },
    "Triage": {
        "approve": "Let findings be mended by the next amend wave.",
        "defer": "Put findings off, until a day if one is named.",
        "reject": "Say that findings are none, and why.",
        "reopen": "Take a decision, or a fix, back.",
        "close": "Record findings as fixed on your own evidence.",
        "triage": "Take decisions over from a file.",
        "lease": "List, grant and deny files to other domains' agents.",
    },
    "Recover": {
        "resume": "Go on with a wave: dispatch again what failed.",
        "redrive": "A fresh try for all that failed in a wave.",
        "revalidate": "Take the corrected output of a blocked agent.",
        "rewind": "Bring a branch back to a save point, and the run with it.",
        "clean": "Remove worktrees and branches that hold nothing.",
        "undo": "Bring back what the last clean or rewind took away.",
    },
    "Prove": {
        "verify-fixed": "Look again at every fixed and every claimed finding.",
        "verify-recurring": "Look again at what was fixed more than once.",
        "verify-unverified": "Look again at what no wave could judge.",
        "verify-approved": "Is the place of every approved finding still there?",
        "ledger": "Prove the ledger, and the tables by it.",
    },
    "Shell": {
        "completion": "Print the completion script of bash, zsh or fish.",
    },
}
HELP: Final = {name: line for verbs in SECTIONS.values() for name, line in verbs.items()}
EPILOG: Final = "`swarm VERB --help` tells the rest; exit codes: `swarm explain exit:1`."
