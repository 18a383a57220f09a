"""Files that ship with swarm, in the wheel or at the top of a checkout."""

from pathlib import Path

_PACKAGE = Path(__file__).parent
_IN_WHEEL = _PACKAGE / "shipped"


def migrations() -> Path:
    """Return the folder of the migration modules."""
    return _folder("migrations", _PACKAGE.parent / "migrations")


def schemas() -> Path:
    """Return the folder of the JSON Schemas."""
    return _folder("schemas", _PACKAGE.parent / "schemas")


def prompts() -> Path:
    """Return the folder of the prompt templates."""
    return _folder("prompts", _PACKAGE.parent / "swarms" / "prompts")


def _folder(name: str, in_checkout: Path) -> Path:
    shipped = _IN_WHEEL / name
    return shipped if shipped.is_dir() else in_checkout
