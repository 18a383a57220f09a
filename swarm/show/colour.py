"""Colour: whether the codes of a terminal may be printed."""

import os
import sys
from contextvars import ContextVar
from typing import Final

# `always` and `never` of the command line; `auto` leaves the choice to the environment and the terminal.
COLOUR: Final[ContextVar[str]] = ContextVar("colour", default="auto")


def has_colour() -> bool:
    """Say whether colour may be used on stdout."""
    if (asked := COLOUR.get()) != "auto":
        return asked == "always"
    # In this order by https://no-color.org, https://force-color.org and https://bixense.com/clicolors; the option of
    # the command line stands above them.
    if os.environ.get("NO_COLOR"):
        return False
    if any(os.environ.get(name, "0") not in {"", "0"} for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    # A dumb terminal would print the codes.
    return sys.stdout.isatty() and os.environ.get("CLICOLOR") != "0" and os.environ.get("TERM") != "dumb"
