"""What the operator asks for: a stop is never taken back by what is asked for besides."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from edge_agent.service.supervisor import Signals


@pytest.fixture
def signals() -> Iterator[Signals]:
    """Those of this process, which hears of others again afterwards."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    signals = Signals()
    signals.install()
    yield signals
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("by_signal", [True, False])
def test_sighup_and_a_command_begin_anew(signals: Signals, *, by_signal: bool) -> None:
    if by_signal:
        os.kill(os.getpid(), signal.SIGHUP)
    else:
        signals.begin_anew()

    assert signals.asked.is_set()
    assert not signals.stop


def test_a_reload_that_is_asked_for_while_the_agent_stops_does_not_start_it_again(signals: Signals) -> None:
    """The last commit of a run may be that of a `reload` command."""
    os.kill(os.getpid(), signal.SIGTERM)
    signals.begin_anew()
    os.kill(os.getpid(), signal.SIGHUP)

    assert signals.asked.is_set()
    assert signals.stop
