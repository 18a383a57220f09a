"""An agent manifest: the chain, the trust and the limits of a single agent, from a file in TOML or YAML."""

from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm import errors
from swarm.config import MANIFEST_BYTES
from swarm.documents import parse_toml, problems, read_named
from swarm.rules.chains import Choice, chain_from
from swarm.rules.sandbox_policy import Settings

SUFFIX: Final = ".agent"
IN_FOLDER: Final = "manifest.agent"


class Manifest(NamedTuple):
    """A manifest. `cost_limit` is USD of a wave."""

    path: Path
    chain: tuple[Choice, ...]
    settings: Settings = Settings()
    cost_limit: float | None = None


def manifest_at(path: Path) -> Manifest:
    """Return the manifest that a path names: `NAME.agent`, or a folder that holds `manifest.agent`.

    Raises FileNotFound, AmbiguousAgentPath, and InvalidManifest with the problem of each field.
    """
    file = path / IN_FOLDER if path.is_dir() else path
    if not file.exists():
        raise errors.FileNotFound(path=str(file), problem="there is no such file")
    if file.suffix != SUFFIX:
        raise errors.AmbiguousAgentPath(path=str(path))
    try:
        text = read_named(file, MANIFEST_BYTES)
    except (OSError, ValueError) as error:
        raise errors.FileNotFound(path=str(file), problem=str(error)) from error
    return manifest_from(file, text)


def manifest_from(file: Path, text: str) -> Manifest:
    """Return the manifest of a text. Raises InvalidManifest with the problem of each field."""
    document = _document(file, text)
    if found := problems(document, "agent-manifest"):
        raise errors.InvalidManifest(path=str(file), problem="; ".join(found))
    trust, watched = document.get("trust", {}), document.get("observability", {})
    network = trust.get("network")
    return Manifest(
        path=file,
        chain=chain_from(document["model"]["preferred"]),
        settings=Settings(
            network=tuple(network) if isinstance(network, list) else {"none": False, "allowed": True}.get(network),
            readable=tuple(trust.get("scope", ())),
            reads_only=True if trust.get("filesystem") == "read-only" else None,
        ),
        cost_limit=watched.get("cost_limit"),
    )


def _document(file: Path, text: str) -> Any:
    try:
        return parse_toml(text)
    except ValueError as problem:
        return _yaml(file, text, str(problem))


def _yaml(file: Path, text: str, toml_problem: str) -> Any:
    import yaml

    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        shown = " ".join(str(error).split())
        problem = f"it is neither TOML ({toml_problem}) nor YAML ({errors.shortened(shown)})"
        raise errors.InvalidManifest(path=str(file), problem=problem) from error
    if not isinstance(found, dict):
        raise errors.InvalidManifest(path=str(file), problem=f"it is no TOML ({toml_problem}), and no table of YAML")
    return found
