"""Rust: cargo's tests, which build as well; format and clippy where the project configures them.

The target folder stays in the scratch worktree. The network is left to cargo, which fetches missing crates.
"""

from pathlib import Path

from swarm.builds.adapter import BuildStep
from swarm.builds.checkout import Checkout
from swarm.builds.project_files import is_file, read_toml, table


class Rust:
    """Proves a cargo package or workspace."""

    name = "rust"

    def probe(self, tree: Path) -> int:
        """Return how much of a cargo project the tree is; its tests stand in any file, so they do not count."""
        return 80 if is_file(tree, "Cargo.toml") else 0

    def steps(self, tree: Path, checkout: Checkout) -> list[BuildStep]:
        """Return format, lint and tests."""
        del checkout
        steps = []
        if any(is_file(tree, name) for name in ("rustfmt.toml", ".rustfmt.toml")):
            steps.append(BuildStep("rustfmt", "lint", ("cargo", "fmt", "--all", "--check")))
        if _configures_clippy(tree):
            steps.append(BuildStep("clippy", "lint", ("cargo", "clippy", "--workspace", "--all-targets")))
        # Without --no-fail-fast the tests after the first crate that fails would not be looked at.
        argv = ("cargo", "test", "--workspace", "--no-fail-fast")
        return [*steps, BuildStep("cargo-test", "test", argv, tool="cargo")]


def _configures_clippy(tree: Path) -> bool:
    manifest = read_toml(tree, "Cargo.toml")
    return any(is_file(tree, name) for name in ("clippy.toml", ".clippy.toml")) or any(
        table(manifest, *keys) is not None for keys in (("lints",), ("workspace", "lints"))
    )
