"""The main job, end to end: real engines over a real broker raise alarms that another client receives.

The agent is killed with SIGKILL in the middle and started again: nothing is lost, nothing is repeated.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from edge_agent.demo.broker import start_broker
from edge_agent.demo.engines import engines_script
from edge_agent.demo.script import Script, plant_script
from edge_agent.demo.settings import CONFIG_NAME, DATABASE_NAME, write_settings
from edge_agent.mqtt.feed import Feed
from edge_agent.store.queries import alarms, events, open_readonly, status, unpack

DEADLINE_S = 90.0
SUBSCRIBER = shutil.which("mosquitto_sub") or "mosquitto_sub"
pytestmark = [pytest.mark.broker, pytest.mark.slow]


def wait_for(claim: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Poll a condition until it holds; fail with its name."""
    end = time.monotonic() + deadline_s
    while not claim():
        assert time.monotonic() < end, f"not within {deadline_s:.0f} s: {what}"
        time.sleep(0.05)


class Site:
    """A broker, an independent subscriber, and the agent as users start it."""

    def __init__(self, folder: Path, script: Script) -> None:
        self.folder, self.script = folder, script
        self.broker = start_broker(folder, kind="mosquitto")
        self.database = folder / DATABASE_NAME
        self.config = folder / CONFIG_NAME
        write_settings(self.config, self.database, script, "127.0.0.1", self.broker.port)
        self.heard = folder / "heard.txt"
        with self.heard.open("wb") as output:
            self.subscriber = subprocess.Popen(
                [
                    SUBSCRIBER,
                    "-p",
                    str(self.broker.port),
                    "-q",
                    "1",
                    "-V",
                    "5",
                    "-t",
                    "pdm/v1/#",
                    "-F",
                    "%t\t%r\t%p",
                ],
                stdout=output,
            )
        self.agent = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        """Start the agent and wait until it says it is online."""
        seen = len(self.lines("/state"))
        with (self.folder / "agent.log").open("ab") as log:
            agent = subprocess.Popen([sys.executable, "-m", "edge_agent", "run", str(self.config)], stderr=log)

        def online() -> bool:
            assert agent.poll() is None, (self.folder / "agent.log").read_text()
            return any('"online"' in line[2] for line in self.lines("/state")[seen:])

        wait_for(online, "the agent is online")
        return agent

    def lines(self, ending: str) -> list[list[str]]:
        """What the subscriber heard on topics that end so: topic, retained, payload."""
        rows = [line.split("\t", 2) for line in self.heard.read_text().splitlines()]
        return [row for row in rows if len(row) == 3 and row[0].endswith(ending)]

    def told(self) -> list[dict[str, object]]:
        """The alarm events the subscriber received."""
        return [json.loads(line[2])["data"] for line in self.lines("/event")]

    def journal_readings(self) -> int:
        """Readings in SQLite."""
        with closing(open_readonly(self.database)) as db:
            return sum(1 for reading in unpack(db, 0.0, 4e9) if reading.channel)

    def unsent(self) -> int:
        """Messages waiting."""
        with closing(open_readonly(self.database)) as db:
            return status(db).unsent

    def close(self) -> None:
        """End everything that was started."""
        for process in (self.agent, self.subscriber):
            if process.poll() is None:
                process.terminate()
                process.wait(20)
        self.broker.stop()


@contextmanager
def site(folder: Path, script: Script) -> Iterator[Site]:
    """A site for one test."""
    if not Path(SUBSCRIBER).is_file():
        assert "CI" not in os.environ, "mosquitto-clients is missing: scripts/test-tools installs it"
        pytest.skip("mosquitto_sub is not installed")
    place = Site(folder, script)
    try:
        yield place
    finally:
        place.close()


def play(place: Site, kill_at: int) -> int:
    """Play the whole script, kill the agent once; the number of readings sent."""
    sent = 0
    with Feed("127.0.0.1", place.broker.port) as feed:
        for step in place.script.play():
            if step.number == kill_at:
                place.agent.send_signal(signal.SIGKILL)
                place.agent.wait(10)
                place.agent = place.start()
            for message in step.messages:
                feed.publish(message.topic, message.payload)
                sent += message.readings
        assert feed.drain(30.0)
    wait_for(lambda: place.journal_readings() >= sent, "all readings are in SQLite")
    wait_for(lambda: place.unsent() == 0, "all messages are sent")
    return sent


def check_told_is_written(place: Site, sent: int) -> None:
    """Each reading once; each revision of each alarm in SQLite was received, in order, from rev 1 on."""
    assert place.journal_readings() == sent
    with closing(open_readonly(place.database)) as db:
        written = {row.alarm_id: [e.rev for e in events(db, row.alarm_id)] for row in alarms(db, limit=10_000)}
    received: dict[str, list[int]] = {}
    for event in place.told():
        revs = received.setdefault(str(event["alarm"]), [])
        if event["rev"] not in revs:  # at least once: a repeat has the same id and rev
            revs.append(int(str(event["rev"])))
    assert received == written
    assert all(revs == list(range(1, len(revs) + 1)) for revs in written.values())


def test_the_demo_plant_raises_updates_and_clears_one_alarm_across_a_kill(tmp_path: Path) -> None:
    """The bearing's alarm names the cause, quotes the technician and is cleared after the repair."""
    with site(tmp_path, plant_script(time.time())) as place:
        sent = play(place, kill_at=125)
        check_told_is_written(place, sent)
        risk = [event for event in place.told() if event["kind"] == "risk"]

    assert {event["asset"] for event in risk} == {"p-101"}
    transitions = Counter(str(event["transition"]) for event in risk)
    assert transitions["raised"] == transitions["cleared"] == 1
    assert any("noisy" in str(event["summary"]) for event in risk)
    assert any(event["mode"] == "VIB" and "drive-end bearing" in str(event["summary"]) for event in risk)


@pytest.mark.data
@pytest.mark.long
def test_engines_near_failure_alarm_and_young_ones_do_not_across_a_kill(tmp_path: Path, data_folder: Path) -> None:
    """Five engines of FD001 near their failure are alarmed, the five farthest from it are not."""
    with site(tmp_path, engines_script(data_folder, time.time())) as place:
        sent = play(place, kill_at=place.script.steps - 60)
        check_told_is_written(place, sent)
        raised = {str(e["asset"]) for e in place.told() if e["kind"] == "risk" and e["transition"] == "raised"}
        with closing(open_readonly(place.database)) as db:
            written = {row.asset for row in alarms(db, limit=10_000) if row.kind == "risk"}
        due = {machine.asset for machine in place.script.machines if machine.truth.fails}

    assert raised == written
    assert raised == due
