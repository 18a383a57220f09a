"""Files that ship with swarm, in the wheel or at the top of a checkout."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from string import Template

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


def topics() -> dict[str, Path]:
    """Return the pages of the documentation by their names, such as `ci`, in order."""
    folder = _folder("docs", _PACKAGE.parent / "docs")
    pages = (page for page in folder.rglob("*.md") if page.is_file())
    return dict(sorted((_name(page, folder), page) for page in pages))


def _name(page: Path, folder: Path) -> str:
    return page.relative_to(folder).with_suffix("").as_posix()


def prompt(name: str) -> "Template":
    """Return a prompt template."""
    # Imported here: every command imports this module, and few write prompts.
    from string import Template

    # `string.Template`, not `format`: braces in a prompt's JSON would be taken for fields.
    return Template((prompts() / f"{name}.md").read_text(encoding="utf-8"))


def _folder(name: str, in_checkout: Path) -> Path:
    shipped = _IN_WHEEL / name
    return shipped if shipped.is_dir() else in_checkout
