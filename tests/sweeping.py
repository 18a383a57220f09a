"""Tables of which `make test` takes the first cases, and `make sweep` the others."""

from collections.abc import Iterable
from typing import Any

import pytest


def swept(cases: Iterable[Any], first: int = 1) -> list[Any]:
    """Return the cases of a table for `parametrize`, all after the first ones marked for `make sweep`.

    For tables whose cases go the same way through the command line: each of them costs as much as the first.
    """
    every = list(cases)
    rest = [case if isinstance(case, tuple) else (case,) for case in every[first:]]
    return [*every[:first], *(pytest.param(*case, marks=pytest.mark.sweep) for case in rest)]
