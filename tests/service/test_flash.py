"""What is written to the disk is counted by the kernel, and commits are stretched when a day's budget runs out."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from edge_agent.core.budget import DAY_S, MOST_STRETCH
from edge_agent.metrics import Metrics
from edge_agent.service.flash import LOOK_S, FlashWatch, written_bytes

BUDGET = 1e9


class Disk:
    """A disk and a clock in the hands of the test."""

    def __init__(self) -> None:
        self.count, self.time = 0, 1000.0
        self.metrics = Metrics()
        self.watch = FlashWatch(BUDGET, self.metrics, lambda: self.count, lambda: self.time)

    def write(self, per_day: float, seconds: float) -> None:
        """Write evenly for a while, looked at as often as the agent looks."""
        for _ in range(int(seconds / LOOK_S)):
            self.time += LOOK_S
            self.count += int(per_day / DAY_S * LOOK_S / self.watch.stretch)
            self.watch.look()


def test_what_is_written_and_synced_is_counted(tmp_path: Path) -> None:
    """As the kernel counts it; a file system in memory writes nothing."""
    before = written_bytes()
    with (tmp_path / "file").open("wb") as file:
        file.write(os.urandom(1 << 20))
        file.flush()
        os.fsync(file.fileno())
    if written_bytes() == before:
        pytest.skip("the kernel does not tell, or the folder for temporary files lies in memory")

    assert written_bytes() - before >= 1 << 20


def test_within_the_budget_nothing_is_stretched() -> None:
    disk = Disk()
    disk.write(0.7 * BUDGET, 2 * DAY_S)

    assert disk.watch.stretch == 1.0
    assert disk.watch.per_day == pytest.approx(0.7 * BUDGET, rel=0.01)


def test_beyond_the_budget_commits_are_stretched_until_a_day_keeps_to_it() -> None:
    """Twice too much: after the burst of the first hours the writer is slowed down to what comes in."""
    disk = Disk()
    disk.write(2 * BUDGET, DAY_S)

    assert disk.count <= BUDGET
    assert 1.0 < disk.watch.stretch < MOST_STRETCH
    assert disk.metrics.commit_stretch._value.get() == disk.watch.stretch


def test_it_is_said_once_when_the_flash_is_spared_and_once_when_it_no_longer_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    disk = Disk()
    disk.write(5 * BUDGET, DAY_S)
    disk.write(0.0, DAY_S)

    assert [record.getMessage().split()[0] for record in caplog.records] == ["flash_saving", "flash_recovered"]


def test_a_look_a_moment_after_the_last_one_counts_nothing() -> None:
    disk = Disk()
    disk.count, disk.time = 10**12, disk.time + LOOK_S / 2
    disk.watch.look()

    assert disk.watch.per_day == 0.0
