"""The judge can find something: each promise, broken on purpose in the agent, is reported as what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.__main__ import report
from tests.faults.agents import Nursery
from tests.faults.campaign import Campaign, carry_out
from tests.faults.flaws import FLAWS

pytestmark = [pytest.mark.broker, pytest.mark.slow]
FOUND = {  # flaw → the fault that shows it, and what the judge calls it
    "acknowledge_first": ("after PUBACKs", "acknowledged, but lost"),
    "forget_seen": ("before the PUBACK", "stored twice"),
    "tell_once": ("connection cut at an alarm", "alarm message lost"),
    "forget_alarms": ("before the PUBACK of an alarm", "alarm differs"),
    "forget_windows": ("after PUBACKs", "verdict differs"),
    "lose_messages": ("at any time", "alarm message lost"),
}

SHORT = ("acknowledge_first", "tell_once")


def test_every_flaw_is_tried() -> None:
    assert FOUND.keys() == FLAWS.keys()


@pytest.mark.parametrize(
    "flaw", [name if name in SHORT else pytest.param(name, marks=pytest.mark.long) for name in FOUND]
)
def test_a_broken_agent_is_found_out(flaw: str, tmp_path: Path, nursery: Nursery) -> None:
    fault, finding = FOUND[flaw]
    account = carry_out(Campaign(seed=1, cycles=3, only=[fault], flaw=flaw), tmp_path, nursery)

    assert account.findings[finding], report(account)
