"""The error with a code, and the table of all of them, which each class enters by itself."""

import inspect
from enum import StrEnum
from typing import ClassVar, dataclass_transform

RECEIVED_LIMIT = 120


class Severity(StrEnum):
    """Gravity of an error: CRITICAL and HIGH need a person before work goes on."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


ICONS = {Severity.CRITICAL: "⊘", Severity.HIGH: "⚠", Severity.MEDIUM: "ℹ", Severity.LOW: "✓"}  # noqa: RUF001
CATALOGUE: dict[str, type["SwarmError"]] = {}


def shortened(value: str) -> str:
    """Cut a received value to 117 characters and `...` when it is longer than 120."""
    return value if len(value) <= RECEIVED_LIMIT else value[: RECEIVED_LIMIT - 3] + "..."


def _shown(name: str, value: object) -> object:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return shortened(value) if name == "received" and isinstance(value, str) else value


@dataclass_transform(kw_only_default=True, eq_default=False)
class SwarmError(Exception):
    """A failure with a code. Subclasses annotate the fields that they carry; all are keyword arguments."""

    code: ClassVar[str] = ""
    severity: ClassVar[Severity]
    text: ClassVar[str]
    advice: ClassVar[str]
    exit_code: ClassVar[int] = 1
    when: ClassVar[str] = ""
    # What the field `count` counts; the text shows both as `{counted}`.
    noun: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        """Enter the class in the catalogue."""
        if "code" in cls.__dict__:
            CATALOGUE[cls.code] = cls

    def __init__(self, **fields: object) -> None:
        self.fields = {name: self._default(name) for name in self._field_names()} | fields
        for name, value in self.fields.items():
            setattr(self, name, value)
        super().__init__(self.message)

    @classmethod
    def _field_names(cls) -> list[str]:
        return [
            name
            for parent in reversed(cls.__mro__)
            for name, kind in inspect.get_annotations(parent).items()
            if "ClassVar" not in str(kind)
        ]

    @classmethod
    def _default(cls, name: str) -> object:
        return getattr(cls, name, None)

    @property
    def message(self) -> str:
        """Return the text with its fields filled in."""
        return self.text.format(**self._shown())

    @property
    def hint(self) -> str:
        """Return the next step with its fields filled in."""
        return self.advice.format(**self._shown())

    def _shown(self) -> dict[str, object]:
        shown = {name: _shown(name, value) for name, value in self.fields.items()}
        if self.noun and isinstance(count := self.fields["count"], int):
            shown["counted"] = f"{count:,} {self.noun}{'' if count == 1 else 's'}"
        return shown


class ExtraMissing(SwarmError):
    """A failure for want of an extra of swarm. Its hint is the command that installs the extra for this swarm."""

    extra: ClassVar[str]

    @property
    def hint(self) -> str:
        """Return the command of the installer that installed swarm."""
        from swarm.installed import install_command

        return install_command(f"[{self.extra}]")
