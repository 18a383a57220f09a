"""An agent that speaks the Agent Client Protocol by a script: `python acp_agent.py SCRIPT LOG`.

SCRIPT is a JSON list of what it sends for the prompt: an object is a message; `"wait"` reads a message of the client.
Every message of the client is appended to LOG.
"""

import json
import sys
from pathlib import Path
from typing import Any

SCRIPT, LOG = json.loads(sys.argv[1]), Path(sys.argv[2])
OFFERS = {"loadSession": True, "sessionCapabilities": {}}


def send(message: Any) -> None:
    sys.stdout.write((message if isinstance(message, str) else json.dumps(message)) + "\n")
    sys.stdout.flush()


def read() -> dict[str, Any]:
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    with LOG.open("a") as log:
        log.write(line)
    return json.loads(line)


def main() -> None:
    while True:
        message = read()
        match message.get("method"):
            case "initialize":
                result = {"protocolVersion": 1, "agentCapabilities": OFFERS}
            case "session/new":
                models = {"availableModels": [], "currentModelId": "scripted-1"}
                result = {"sessionId": "s-1", "models": models}
            case "session/load":
                send(update("agent_message_chunk", content={"type": "text", "text": "of an earlier turn"}))
                result = {}
            case "session/prompt":
                for step in SCRIPT:
                    if step == "wait":
                        read()
                    else:
                        send({**step, "id": message["id"]} if step.get("id") == "prompt" else step)
                continue
            case _:
                continue
        send({"jsonrpc": "2.0", "id": message["id"], "result": result})


def update(what: str, /, **fields: Any) -> dict[str, Any]:
    params = {"sessionId": "s-1", "update": {"sessionUpdate": what, **fields}}
    return {"jsonrpc": "2.0", "method": "session/update", "params": params}


if __name__ == "__main__":
    main()
