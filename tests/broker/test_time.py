"""The agent as users start it, under a clock that is wrong or leaps: no alarm, nothing deleted, nobody deaf.

The clock of the agent alone is faked (libfaketime), and of that only the wall clock: the monotonic one never leaps on
any machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.core.types import AlarmEvent
from edge_agent.mqtt.feed import Feed
from edge_agent.store.queries import alarms, events, open_readonly, unpack
from tests.broker.conftest import StartBroker
from tests.bundle.tiny import TINY
from tests.mosquitto import Mosquitto, until

pytestmark = [pytest.mark.broker, pytest.mark.slow, pytest.mark.long]

LIBRARY = next((str(path) for path in Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), "")
DEADLINE_S = 60.0
HOUR = 3600.0
CHANNELS = {"vib": 2.0, "temp": 60.0}

CONFIG = """
[gateway]
tenant = "t"
site = "s"
name = "gw"
[broker]
host = "127.0.0.1"
port = {port}
[store]
path = {database}
readings_days = 1
[bundle]
path = {bundle}
[alarm]
raise_at = 0.999  # the tiny model knows nothing; what is asked for here are limits
[health]
period_s = 5
[[source]]
topic = "own/{{asset}}/{{channel}}"
format = "scalar"
[[source]]
topic = "timed/{{asset}}/{{channel}}"
[source.json]
value = "v"
time = "ts"
[[class]]
name = "pump"
step_s = 1
baseline_steps = 10
settle_s = 2
silent_after_s = 30
[[class.channel]]
name = "vib"
high_alarm = 7.0
[[class.channel]]
name = "temp"
[assets]
"*" = "pump"
"""


class Site:
    """A broker, a feed, and an agent whose wall clock the test sets."""

    def __init__(self, folder: Path, broker: Mosquitto) -> None:
        self.database, self.hand = folder / "edge-agent.db", folder / "clock"
        self.config, self.log = folder / "edge-agent.toml", folder / "agent.log"
        self.config.write_text(
            CONFIG.format(port=broker.port, database=json.dumps(str(self.database)), bundle=json.dumps(str(TINY))),
            encoding="utf-8",
        )
        self.feed = Feed("127.0.0.1", broker.port)
        self.feed.__enter__()
        self.agent: subprocess.Popen[bytes] | None = None

    def start(self, offset: str) -> None:
        """Start the agent with its clock so far off, and wait until it is connected."""
        self.wind(offset)
        faked = {
            "LD_PRELOAD": LIBRARY,
            "FAKETIME_TIMESTAMP_FILE": str(self.hand),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
        with self.log.open("ab") as log:
            self.agent = subprocess.Popen(
                [sys.executable, "-m", "edge_agent", "run", str(self.config)], stderr=log, env={**os.environ, **faked}
            )
        self.until(lambda: "link_up" in self.said(), "the agent is connected")

    def wind(self, offset: str) -> None:
        """Set the agent's clock, relative to the true one or to a date."""
        fresh = self.hand.with_suffix(".new")
        fresh.write_text(f"{offset}\n", encoding="utf-8")
        fresh.replace(self.hand)

    def send(self, prefix: str, seconds: float, stop: Callable[[], bool] = lambda: False, **changes: float) -> None:
        """Ten readings a second of each channel for so long, or until a claim holds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not stop():
            for channel, usual in CHANNELS.items():
                value = changes.get(channel, usual)
                body = json.dumps({"v": value, "ts": round(time.time(), 3)}) if prefix == "timed" else str(value)
                self.feed.publish(f"{prefix}/p1/{channel}", body.encode())
            time.sleep(0.1)

    def said(self) -> str:
        """What the agent has logged."""
        return self.log.read_text(encoding="utf-8")

    def events(self) -> list[AlarmEvent]:
        """All alarm events in SQLite."""
        with closing(open_readonly(self.database)) as db:
            return [event for row in alarms(db, limit=100) for event in events(db, row.alarm_id)]

    def times(self, channel: str = "vib") -> list[float]:
        """Event times of the judged readings of a channel."""
        with closing(open_readonly(self.database)) as db:
            return [reading.time for reading in unpack(db, -1e12, 1e12) if reading.channel == channel]

    def clocks(self) -> set[str]:
        """Qualities of the clock in which readings were written."""
        with closing(open_readonly(self.database)) as db:
            return {str(row["clock"]) for row in db.query("SELECT DISTINCT clock FROM reading_block")}

    def until(self, claim: Callable[[], bool], what: str) -> None:
        """Poll a claim; fail with its name and the agent's log."""
        until(claim, f"{what}; the agent said: {self.said() if self.log.exists() else 'nothing'}", DEADLINE_S)

    def close(self) -> None:
        """End everything."""
        self.feed.__exit__(None, None, None)
        if self.agent is not None:
            self.agent.terminate()
            self.agent.wait(DEADLINE_S)


@pytest.fixture
def site(tmp_path: Path, start_broker: StartBroker) -> Iterator[Site]:
    """A site; skipped without libfaketime."""
    if not LIBRARY:
        assert "CI" not in os.environ, "libfaketime is missing: scripts/test-tools installs it"
        pytest.skip("libfaketime is not installed: the package is called libfaketime or faketime")
    made = Site(tmp_path, start_broker())
    yield made
    made.close()


def test_a_boot_at_1970_raises_no_alarm_and_misses_none(site: Site) -> None:
    """Readings with a time of their own are judged by it; when the clock is set, nothing happens to them."""
    site.start("@1970-01-01 00:10:00")
    site.send("timed", 5.0)
    site.wind("+0")
    site.send("timed", 5.0)
    site.until(lambda: len(site.times()) > 50, "readings are in SQLite")
    assert site.events() == []
    assert {"unsynced", "jumped"} <= site.clocks()
    assert min(site.times()) > time.time() - HOUR
    site.send("timed", DEADLINE_S, lambda: bool(site.events()), vib=9.0)

    assert [(event.kind, event.historical) for event in site.events()] == [("limit:vib", False)]


@pytest.mark.parametrize("leap", ["-14d", "+1h"])
def test_a_leap_of_our_clock_raises_no_alarm_deletes_nothing_and_deafens_nobody(site: Site, leap: str) -> None:
    """Readings without a time of their own leap with it, and are judged again a moment later."""
    site.start("+0")
    site.send("own", 20.0, lambda: site.database.exists() and len(site.times()) > 100)
    before = site.times()
    site.wind(leap)
    site.send("own", DEADLINE_S, lambda: "asset_clock_set" in site.said())
    site.send("own", 5.0)
    assert site.events() == []
    assert "jumped" in site.clocks()
    site.send("own", DEADLINE_S, lambda: bool(site.events()), vib=9.0)

    assert [(event.kind, event.historical) for event in site.events()] == [("limit:vib", False)]
    assert site.times()[: len(before)] == before  # nothing is deleted
    assert site.agent is not None
    assert site.agent.poll() is None
