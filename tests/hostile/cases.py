"""The hostile corpus, read from its files: what is fed to the command line, and what shall come of it."""

import tomllib
from pathlib import Path
from typing import Any, Final, NamedTuple

CORPUS: Final = Path(__file__).parent / "corpus"
# No file of the corpus is larger: what has to be giant is a recipe, cooked when it is fed.
LARGEST: Final = 64 * 1024


class Case(NamedTuple):
    """A file of the corpus, and what its index says of it."""

    file: Path
    expected: dict[str, Any]

    @property
    def name(self) -> str:
        """The name of the case: its file, without folder and suffix."""
        return self.file.stem

    @property
    def body(self) -> bytes:
        """The bytes of the file, or what its recipe makes."""
        if self.file.suffix != ".recipe":
            return self.file.read_bytes()
        pieces = tomllib.loads(self.file.read_text(encoding="utf-8"))["pieces"]
        return b"".join(text.encode() * times for text, times in pieces)

    @property
    def text(self) -> str:
        """The same as text."""
        return self.body.decode()


def cases(folder: str) -> list[Case]:
    """Return the cases of a folder as its index lists them; `FOLDER.toml` beside it, by file name."""
    index = tomllib.loads((CORPUS / f"{folder}.toml").read_text(encoding="utf-8"))
    return [Case(CORPUS / folder / name, item) for name, item in index.items()]


def texts() -> list[Case]:
    """Return the texts. One law holds for all of them, so they have no index."""
    return [Case(file, {}) for file in sorted((CORPUS / "texts").glob("*.txt"))]


def listed(name: str) -> dict[str, Any]:
    """Return the lists of a file of many small cases: paths and names, some of which no file system could hold."""
    return tomllib.loads((CORPUS / f"{name}.toml").read_text(encoding="utf-8"))
