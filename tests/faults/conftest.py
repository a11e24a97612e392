"""One nursery for all tests of faults: what an agent imports is imported once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.agents import Nursery
from tests.mosquitto import find_mosquitto


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Starts agents by fork."""
    find_mosquitto()
    started = Nursery()
    yield started
    started.close()
