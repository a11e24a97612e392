"""Whatever is killed, cut or frozen: nothing acknowledged is lost or twice, no alarm is lost or another (G1, G2).

The long run of the same is `make faults`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.__main__ import report
from tests.faults.agents import Nursery
from tests.faults.campaign import Campaign, carry_out

pytestmark = [pytest.mark.broker, pytest.mark.slow]
KILLS, WITH_BROKER = 50, 6


def judged(campaign: Campaign, folder: Path, nursery: Nursery) -> None:
    account = carry_out(campaign, folder, nursery)

    assert account.total == 0, f"{campaign} in {folder}\n{report(account)}"
    assert account.numbers["readings and log lines stored"] > campaign.cycles
    assert account.numbers["alarm messages written"] > 0


def test_fifty_kills_lose_repeat_and_change_nothing(tmp_path: Path, nursery: Nursery) -> None:
    judged(Campaign(seed=4, cycles=KILLS), tmp_path, nursery)


@pytest.mark.long
def test_a_broker_that_ends_now_and_then_changes_nothing_either(tmp_path: Path, nursery: Nursery) -> None:
    judged(Campaign(seed=5, cycles=WITH_BROKER, broker_too=True), tmp_path, nursery)


@pytest.mark.parametrize("name", ["broker restarted", "broker killed", "broker replaced by an empty one"])
def test_the_end_of_a_broker_costs_nothing_the_agent_had_acknowledged(
    name: str, tmp_path: Path, nursery: Nursery
) -> None:
    judged(Campaign(seed=6, cycles=2, broker_too=True, only=[name, "before the PUBACK"]), tmp_path, nursery)


def test_what_was_acknowledged_into_the_dark_is_not_stored_again(tmp_path: Path, nursery: Nursery) -> None:
    """A small window, so that more is in the buffers than the agent has to remember of a broker that keeps to it."""
    judged(Campaign(seed=7, cycles=1, window=6, only=["agent's end half open"]), tmp_path, nursery)
