"""The environment of a build: the allowlist of agents, and the variables by which toolchains find themselves.

Variables that change the output or the behaviour of code under test (NO_COLOR, FORCE_COLOR, PYTEST_ADDOPTS, the
caller's CI) are neither passed on nor set: tests that are green in the user's shell shall be green here.
"""

from typing import Final

from swarm.runtimes.environment import allowed_environment
from swarm.workspace import AGENT_VARIABLE

_TOOLCHAINS: Final = (
    *("CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "RUSTUP_AUTO_INSTALL", "RUSTFLAGS"),
    *("GOROOT", "GOPATH", "GOCACHE", "GOMODCACHE", "GOFLAGS", "GOTOOLCHAIN", "GOPROXY", "GOPRIVATE", "CGO_ENABLED"),
    *("NODE_PATH", "NODE_OPTIONS", "NVM_DIR", "VOLTA_HOME", "PNPM_HOME", "COREPACK_HOME", "YARN_CACHE_FOLDER"),
    *("npm_config_cache", "NPM_CONFIG_CACHE", "PYENV_ROOT", "PYENV_VERSION", "CC", "CXX", "PKG_CONFIG_PATH"),
)
_ADDED: Final = {
    # Code under test must not use the control plane that judges the code.
    AGENT_VARIABLE: "verify",
    # Without CI, runners of Node scripts watch for changes and never end.
    "CI": "1",
    "COREPACK_ENABLE_DOWNLOAD_PROMPT": "0",
    "NO_UPDATE_NOTIFIER": "1",
    "npm_config_audit": "false",
    "npm_config_fund": "false",
    "npm_config_update_notifier": "false",
}


def build_environment(passed: tuple[str, ...]) -> dict[str, str]:
    """Return the environment of every step; `passed` names the variables that `swarm.toml` passes on."""
    return {**allowed_environment((*_TOOLCHAINS, *passed)), **_ADDED}
