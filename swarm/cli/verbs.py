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
    },
    "Look": {
        "runs": "List all runs.",
        "status": "One run at a glance, with one next command.",
        "findings": "The digest: text, markdown, JSON or SARIF.",
        "show": "One finding with its code, sightings and history.",
        "history": "The ledger of one wave or finding.",
        "events": "The ledger itself, as NDJSON with a cursor.",
        "attempts": "The processes that were launched, and their records.",
        "explain": "What a code, exit code, attempt or finding means.",
        "schema": "The JSON Schema of a verb's data, or of a file.",
    },
    "Shell": {
        "completion": "Print the completion script of bash, zsh or fish.",
    },
}
HELP: Final = {name: line for verbs in SECTIONS.values() for name, line in verbs.items()}
EPILOG: Final = "`swarm VERB --help` tells the rest; exit codes: `swarm explain exit:1`."
