"""Steps of a script as calls of the tools that each coding agent offers to its model."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.agents.steps import Call, Edit, Request, Say, Shell, Step, Write


def as_calls(steps: Sequence[Step], request: Request) -> list[Step]:
    """Return the steps as calls of the tools that a request offers, as many as the program wants for them."""
    offered = _tools(request.body)
    make = next((made for name, made in _PROGRAMS.items() if name in offered), None)
    if make is None:
        return _as_text(steps, request)
    calls: list[Step] = []
    for step in steps:
        calls += make(step, _place(step, request)) if isinstance(step, Edit | Write | Shell) else [step]
    return calls


def _as_text(steps: Sequence[Step], request: Request) -> list[Step]:
    """Return the steps for a program whose model has no tools, as aider: files stand whole in the text of an answer."""
    if not any(isinstance(step, Edit | Write) for step in steps):
        return list(steps)
    parts = []
    for step in steps:
        match step:
            case Edit():
                before = re.findall(rf"{re.escape(step.path)}\n```\n(.*?)\n?```", request.text, re.DOTALL)
                if not before:
                    return [Say(step.path)]
                parts.append(_block(step.path, before[-1].replace(step.old, step.new, 1)))
            case Write():
                parts.append(_block(step.path, step.content))
            case Say():
                parts.append(step.text)
            case _:
                raise AssertionError(step)
    return [Say("\n\n".join(parts))]


def _block(path: str, content: str) -> str:
    return f"{path}\n```\n{content.strip()}\n```"


def _place(step: Edit | Write | Shell, request: Request) -> str:
    if isinstance(step, Shell) or step.path.startswith("/"):
        return getattr(step, "path", "")
    folder = _folder(request.text)
    return f"{folder}/{step.path}" if folder else step.path


def _claude_calls(step: Edit | Write | Shell, path: str) -> list[Step]:
    match step:
        case Edit():
            # It reads a file before it edits it.
            edit = Call("Edit", {"file_path": path, "old_string": step.old, "new_string": step.new})
            return [Call("Read", {"file_path": path}), edit]
        case Write():
            return [Call("Write", {"file_path": path, "content": step.content})]
        case Shell():
            return [Call("Bash", {"command": step.line, "description": "Run a command"})]


def _gemini_calls(step: Edit | Write | Shell, path: str) -> list[Step]:
    match step:
        case Edit():
            given = {"file_path": path, "old_string": step.old, "new_string": step.new, "instruction": "Edit the file."}
            return [Call("replace", given)]
        case Write():
            return [Call("write_file", {"file_path": path, "content": step.content})]
        case Shell():
            return [Call("run_shell_command", {"command": step.line, "description": "Run a command"})]


def _opencode_calls(step: Edit | Write | Shell, path: str) -> list[Step]:
    match step:
        case Edit():
            edit = Call("edit", {"filePath": path, "oldString": step.old, "newString": step.new})
            return [Call("read", {"filePath": path}), edit]
        case Write():
            return [Call("write", {"filePath": path, "content": step.content})]
        case Shell():
            return [Call("bash", {"command": step.line, "description": "Run a command"})]


def _codex_calls(step: Edit | Write | Shell, path: str) -> list[Step]:
    match step:
        case Edit():
            lines = [f"-{line}" for line in step.old.splitlines()] + [f"+{line}" for line in step.new.splitlines()]
            patch = "\n".join(["*** Begin Patch", f"*** Update File: {path}", "@@", *lines, "*** End Patch"])
            line = f"apply_patch <<'SCRIPT'\n{patch}\nSCRIPT"
        case Write():
            line = f"cat > {path} <<'SCRIPT'\n{step.content}SCRIPT"
        case Shell():
            line = step.line
    return [Call("exec_command", {"cmd": line})]


# A program by a tool that it alone offers.
_PROGRAMS: Mapping[str, Callable[[Edit | Write | Shell, str], list[Step]]] = {
    "Edit": _claude_calls,
    "replace": _gemini_calls,
    "edit": _opencode_calls,
    "exec_command": _codex_calls,
}


def _tools(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found = {}
    for tool in body.get("tools") or ():
        for each in tool.get("functionDeclarations", [tool]):
            named = each.get("function", each)
            found[str(named.get("name") or named.get("type"))] = named
    return found


def _folder(text: str) -> str | None:
    # Each program names its folder in words of its own.
    found = re.search(r"(?:[Ww]orking directory:|<cwd>|following directories:\s+-|in the directory:) *(/[^\s<]+)", text)
    return found[1] if found else None
