"""Calls begun ahead of the need for their result."""

import threading

import pytest

from swarm.ahead import begun


def test_a_call_goes_on_while_its_caller_does_and_its_result_can_be_asked_for_again() -> None:
    caller_went_on = threading.Event()
    answered = begun(lambda: caller_went_on.wait(60))
    caller_went_on.set()
    assert (answered(), answered()) == (True, True)


def test_what_a_call_raises_is_raised_where_its_result_is_wanted() -> None:
    def failing() -> None:
        raise OSError("no such program")

    answered = begun(failing)
    for _ in range(2):
        with pytest.raises(OSError, match="no such program"):
            answered()
