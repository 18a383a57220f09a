"""The real coding agents: where they are installed, and how each is pointed at the model server."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build/agents"
INSTALL_SECONDS = 600


class Ready(NamedTuple):
    """Settings by which a program reaches a model server: variables, files below home, and a table of `swarm.toml`."""

    environment: Mapping[str, str]
    home: Mapping[str, str] = {}
    config: str = ""


class Program(NamedTuple):
    """A coding agent: the runtime that launches it, its package with its version, and how it reaches a server."""

    runtime: str
    package: str
    ready: Callable[[str], Ready]
    is_python: bool = False


def _claude(base: str) -> Ready:
    variables = {"ANTHROPIC_BASE_URL": base, "ANTHROPIC_API_KEY": "sk-ant-of-nobody"}
    return Ready(variables, config='[runtimes.claude]\nmodel = "claude-fake"\n')


def _codex(base: str) -> Ready:
    config = (
        'model_provider = "fake"\nmodel = "gpt-fake"\n'
        f'[model_providers.fake]\nname = "fake"\nbase_url = "{base}/v1"\nwire_api = "responses"\n'
        'env_key = "OPENAI_API_KEY"\n'
    )
    return Ready({"OPENAI_API_KEY": "of-nobody"}, {".codex/config.toml": config})


def _aider(base: str) -> Ready:
    variables = {"OPENAI_API_BASE": f"{base}/v1", "OPENAI_API_KEY": "of-nobody"}
    return Ready(variables, config='[runtimes.aider]\nmodel = "openai/fake-model"\n')


def _opencode(base: str) -> Ready:
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "fake",
        "options": {"baseURL": f"{base}/v1", "apiKey": "of-nobody"},
        "models": {"fake-model": {"name": "fake-model"}},
    }
    config = {"model": "fake/fake-model", "share": "disabled", "autoupdate": False, "provider": {"fake": provider}}
    return Ready(
        {
            "OPENCODE_CONFIG_CONTENT": json.dumps(config),
            "OPENCODE_DISABLE_AUTOUPDATE": "1",
            "OPENCODE_DISABLE_MODELS_FETCH": "1",
        }
    )


def _gemini(base: str) -> Ready:
    settings = {"security": {"auth": {"selectedType": "gemini-api-key"}}}
    return Ready(
        {"GEMINI_API_KEY": "of-nobody", "GOOGLE_GEMINI_BASE_URL": base}, {".gemini/settings.json": json.dumps(settings)}
    )


PROGRAMS = (
    Program("claude", "@anthropic-ai/claude-code@2.1.197", _claude),
    Program("codex", "@openai/codex@0.169.0", _codex),
    Program("aider", "aider-chat==0.86.2", _aider, is_python=True),
    # By the Agent Client Protocol.
    Program("opencode", "opencode-ai@1.18.33", _opencode),
    Program("gemini", "@google/gemini-cli@0.61.0", _gemini),
)


@cache
def installed(program: Program) -> str:
    """Install a program from its registry, and return why it is not there, empty where it is."""
    folder = FOLDER / program.runtime
    FOLDER.mkdir(parents=True, exist_ok=True)
    # Workers of one test run would install into the same folder, and one would start what the other has half written.
    with (FOLDER / f"{program.runtime}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = folder / ".installed"
        if stamp.exists() and stamp.read_text() == program.package:
            return ""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        why = _install(program, folder)
        if not why:
            stamp.write_text(program.package)
        return why


def _install(program: Program, folder: Path) -> str:
    if program.is_python:
        commands = [
            [sys.executable, "-m", "venv", str(folder)],
            [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", program.package],
        ]
    elif shutil.which("npm"):
        commands = [["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), program.package]]
    else:
        return "npm is not installed"
    for command in commands:
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS, env=_with_registry()
            )
        except subprocess.TimeoutExpired:
            return f"{program.package} could not be installed in {INSTALL_SECONDS} s"
        if done.returncode != 0:
            return f"{program.package} could not be installed: {(done.stderr or done.stdout).strip()[-300:]}"
    return ""


def path_of(program: Program) -> Path:
    """Return the folder of a program's commands."""
    return FOLDER / program.runtime / ("bin" if program.is_python else "node_modules/.bin")


def _with_registry() -> dict[str, str]:
    # The guard of the tests has moved home, where the settings of a registry may be.
    import pwd

    return {**os.environ, "HOME": pwd.getpwuid(os.getuid()).pw_dir}
