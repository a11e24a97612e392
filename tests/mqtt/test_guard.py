"""What a callback raises."""

from __future__ import annotations

import pytest

from edge_agent.mqtt.guard import Guard


def test_the_first_exception_is_kept_and_none_comes_out() -> None:
    guard = Guard()
    first = ValueError("first")
    for error in (first, KeyError("second")):
        with guard:
            raise error

    assert guard.fault is first


def test_without_an_exception_there_is_no_fault() -> None:
    guard = Guard()
    with guard:
        pass

    assert guard.fault is None


def test_what_ends_the_process_is_let_through() -> None:
    guard = Guard()
    with pytest.raises(KeyboardInterrupt), guard:
        raise KeyboardInterrupt

    assert guard.fault is None
