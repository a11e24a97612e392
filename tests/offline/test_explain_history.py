"""An alarm of a buffer, judged after an outage, is derived again from the journal alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_agent.service.clock import ClockWatch
from tests.offline.alarm_site import START, Site, message, write_config
from tests.offline.test_explain import alarm, explained

OUTAGE_S = 6 * 3600.0
HEALTHY, BUFFER, HOT = 30, 60, range(20, 40)


class Wound(ClockWatch):
    """A clock whose steady time the test turns on."""

    def __init__(self) -> None:
        super().__init__(wall=lambda: START)
        self.ahead = 0.0

    def steady(self, monotonic: float) -> float:
        return super().steady(monotonic) + self.ahead


def played(folder: Path, *, until: int) -> Path:
    """Half an hour live, six hours away, then an hour of a buffer, backwards: too hot from `HOT` on until a minute."""
    site, clock = Site(write_config(folder, raise_at=0.9)), Wound()
    site.engine._reception._clock = clock

    def take(minute: int, temp: float) -> None:
        at = START + 60.0 * minute
        site.take(
            [message(f"plant/p1/{name}", v=v, ts=at + k) for k, (name, v) in enumerate((("vib", 2.0), ("temp", temp)))]
        )

    for minute in range(HEALTHY):
        clock.ahead = 60.0 * minute
        take(minute, 60.0 + minute % 3)
    clock.ahead += OUTAGE_S
    for minute in reversed(range(BUFFER)):
        take(HEALTHY + minute, 99.0 if HOT.start <= minute < until else 60.0)
    clock.ahead += 11.0
    while site.engine._reception._holds:
        site.engine.turn()
    site.journal.close()
    return folder


@pytest.mark.parametrize("until", [HOT.stop, BUFFER])
def test_an_alarm_of_a_buffer_is_derived_again_byte_for_byte(tmp_path: Path, until: int) -> None:
    """One that was over when the buffer came in, and one that still stood."""
    folder = played(tmp_path, until=until)
    found = explained(folder, "--json", name=alarm(folder, "limit"))
    document = json.loads(found.stdout)

    assert found.exit_code == 0, found.output
    assert document["outcome"] == "verified"
