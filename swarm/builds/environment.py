"""The environment of verification: an agent's allowlist, and what toolchains need to find themselves."""

from typing import Final

from swarm.runtimes.environment import agent_environment
from swarm.workspace import AGENT_VARIABLE

_TOOLCHAINS: Final = (
    *("CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "RUSTUP_AUTO_INSTALL", "RUSTFLAGS"),
    *("GOROOT", "GOPATH", "GOCACHE", "GOMODCACHE", "GOFLAGS", "GOTOOLCHAIN", "GOPROXY", "GOPRIVATE", "CGO_ENABLED"),
    *("NODE_PATH", "NODE_OPTIONS", "NVM_DIR", "VOLTA_HOME", "PNPM_HOME", "COREPACK_HOME", "YARN_CACHE_FOLDER"),
    *("npm_config_cache", "NPM_CONFIG_CACHE", "PYENV_ROOT", "PYENV_VERSION", "CC", "CXX", "PKG_CONFIG_PATH"),
)
_ADDED: Final = {
    # Code under test is no coordinator: it cannot use the control plane that judges it.
    AGENT_VARIABLE: "verify",
    # Test runners that watch for changes on a developer's machine run once.
    "CI": "1",
    "CARGO_TERM_COLOR": "never",
    "COREPACK_ENABLE_DOWNLOAD_PROMPT": "0",
    "NO_UPDATE_NOTIFIER": "1",
    "npm_config_audit": "false",
    "npm_config_fund": "false",
    "npm_config_update_notifier": "false",
}


def build_environment(passed: tuple[str, ...]) -> dict[str, str]:
    """Return the environment of every step; `passed` names what `swarm.toml` asks to be passed on."""
    return agent_environment(_ADDED, passed=(*_TOOLCHAINS, *passed))
