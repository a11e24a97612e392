"""More than the agent can take: it sheds QoS 0, its memory stays flat, and alarms get through (G3)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.faults.agents import Nursery
from tests.faults.flood import FLAT, flood, torrent
from tests.faults.plan import GUSH, UNTIMED, Plan
from tests.faults.site import Site

pytestmark = [pytest.mark.broker, pytest.mark.slow, pytest.mark.long]
SECONDS = 8.0
ALARM_S = 60.0  # generous: this is no place to measure, another process may have the processor


@pytest.mark.parametrize("asset", [UNTIMED, GUSH])
def test_a_flood_neither_fills_the_memory_nor_drowns_an_alarm(asset: str, tmp_path: Path, nursery: Nursery) -> None:
    """Of readings that are only written, and of readings that each bring a verdict."""
    with Site(tmp_path, Plan(1, 0.0), nursery, receive_maximum=200, direct=True) as site:
        measured = flood(site, asset, SECONDS)
    sys.stdout.write(f"{asset}: {measured}\n")

    assert measured.stored > 0
    assert measured.growth <= FLAT, str(measured)
    assert measured.alarm_s <= ALARM_S, str(measured)


def test_as_fast_as_the_socket_takes_it_is_no_other_matter(tmp_path: Path, nursery: Nursery) -> None:
    """Many times what the agent stores meanwhile, which no broker at hand passes on."""
    measured = torrent(tmp_path, nursery, UNTIMED, SECONDS)
    sys.stdout.write(f"torrent: {measured}\n")

    assert measured.sent > measured.stored > 0
    assert measured.growth <= FLAT, str(measured)
    assert measured.alarm_s <= ALARM_S, str(measured)
