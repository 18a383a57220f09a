"""`runtimes --add`: a coding agent in the user's own configuration, which needs no trust."""

import json
import os
from pathlib import Path

from swarm import config, errors
from swarm.config import FILE_NAME, of_user
from swarm.files import make_folder, write_whole
from swarm.runtimes.agents.table import AGENTS


def add_runtime(name: str, *, model: str | None, is_default: bool) -> Path:
    """Write a table for a known agent into the user's configuration, after what stands there; return the file.

    Raises RuntimeUnknown, RuntimeAdded and ConfigInvalid.
    """
    if name not in AGENTS:
        raise errors.RuntimeUnknown(received=errors.shortened(name))
    folder = of_user(os.environ)
    file = folder / FILE_NAME
    found = config.find(folder)
    document = found.document if found else {}
    if name in document.get("runtimes", {}):
        raise errors.RuntimeAdded(path=str(file), runtime=name)
    if is_default and "defaults" in document:
        problem = "$.defaults stands there already; set its runtime by hand, or leave --default out"
        raise errors.ConfigInvalid(path=str(file), problem=problem)
    before = file.read_text(encoding="utf-8-sig") if found else ""
    table = [f"[runtimes.{name}]", f"model = {_string(model)}" if model else '# model = "…"']
    if is_default:
        table += ["", "[defaults]", f"runtime = {_string(name)}"]
    make_folder(folder)
    write_whole(file, (before.rstrip("\n") + "\n\n" if before.strip() else "") + "\n".join(table) + "\n")
    return file


def _string(value: str) -> str:
    # A JSON string of ASCII letters is a string of TOML.
    return json.dumps(value)
