"""A real mosquitto per test, and an onlooker beside the link under test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.mosquitto import Mosquitto, Proxy

StartBroker = Callable[..., Mosquitto]


@pytest.fixture
def start_broker(tmp_path: Path) -> Iterator[StartBroker]:
    """Starts brokers with extra lines of configuration; stops them after the test."""
    started: list[Mosquitto] = []

    def start(*lines: str) -> Mosquitto:
        started.append(Mosquitto(tmp_path, *lines))
        return started[-1]

    yield start
    for broker in started:
        broker.stop()


@pytest.fixture
def broker(start_broker: StartBroker) -> Mosquitto:
    """A broker that lets everybody in."""
    return start_broker()


@pytest.fixture
def proxy(broker: Mosquitto) -> Iterator[Proxy]:
    """A way to the broker that can be cut."""
    way = Proxy(broker.port)
    yield way
    way.close()
