"""The adapters, and the choice of the adapter that proves a tree."""

from pathlib import Path
from typing import Final

from swarm.builds.adapter import Adapter
from swarm.builds.configured import Configured
from swarm.builds.go import Go
from swarm.builds.node import Node
from swarm.builds.python import Python
from swarm.builds.rust import Rust
from swarm.verify_config import VerifyConfig

# Of equal scores the first wins: a package.json often only carries tools for a project in another language.
NAMES: Final = ("configured", "python", "rust", "go", "node")


class UnknownAdapter(ValueError):
    """A name that no adapter has."""

    def __init__(self, name: str, choices: tuple[str, ...]) -> None:
        super().__init__(f"no adapter is called {name!r}")
        self.name = name
        self.choices = choices


def choose(tree: Path, config: VerifyConfig, named: str | None = None) -> Adapter | None:
    """Return the named adapter, else that of `swarm.toml`, else the best; `None` when no adapter fits.

    Steps in `swarm.toml` go before its `adapter`. Raises UnknownAdapter.
    """
    wanted = named or (None if config.steps else config.adapter)
    if wanted is not None:
        return _adapter(wanted, config)
    scores = probe_all(tree, config)
    best = max(scores, key=scores.__getitem__)
    return _adapter(best, config) if scores[best] else None


def probe_all(tree: Path, config: VerifyConfig) -> dict[str, int]:
    """Return the score of every adapter, in the order in which equal scores win."""
    return {name: _adapter(name, config).probe(tree) for name in NAMES}


def _adapter(name: str, config: VerifyConfig) -> Adapter:
    match name:
        case "configured":
            return Configured(config)
        case "python":
            return Python()
        case "rust":
            return Rust()
        case "go":
            return Go()
        case "node":
            return Node()
        case _:
            raise UnknownAdapter(name, NAMES)
