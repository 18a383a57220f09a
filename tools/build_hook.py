"""Build hook of hatchling: puts the commit and the pages of the documentation into the distributions.

An sdist carries the commit in the same file, for wheels that are built from the sdist.
"""

import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COMMIT = "swarm/shipped/commit"


class CustomBuildHook(BuildHookInterface[Any]):
    """Adds the files that no checkout holds at the place where a wheel has them."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files; an editable install reads its checkout instead."""
        if version == "editable":
            return
        root = Path(self.root)
        added = build_data["force_include"]
        if not (root / COMMIT).exists() and (commit := commit_of(root)):
            # The name of the file is of no account, and hatchling reads the file after this method has ended.
            self._folder = tempfile.TemporaryDirectory()
            file = Path(self._folder.name) / "commit"
            file.write_text(f"{commit}\n", encoding="utf-8")
            file.chmod(0o644)
            added[str(file)] = COMMIT
        if self.target_name == "wheel":
            for page in sorted((root / "docs").rglob("*.md")):
                added[str(page)] = f"swarm/shipped/docs/{page.relative_to(root / 'docs').as_posix()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the temporary file."""
        del version, build_data, artifact_path
        if folder := getattr(self, "_folder", None):
            folder.cleanup()


def commit_of(root: Path) -> str | None:
    """Return the commit of a checkout, followed by `edited` where its files differ; `None` outside of a checkout."""
    if not (root / ".git").exists():
        return None
    try:
        commit = _git(root, "rev-parse", "HEAD").strip()
        return f"{commit} edited" if _git(root, "status", "--porcelain") else commit
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout
