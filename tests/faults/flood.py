"""A flood: messages of QoS 0 faster than the agent can take them, while one machine says something that must alarm.

Measures, and judges nothing: how much more came than was stored, how the memory went, and how long the alarm took.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from edge_agent.store import queries
from tests.faults.agents import Nursery
from tests.faults.mqtt5 import Client, publish
from tests.faults.plan import HIGH, Message
from tests.faults.site import Site, write_config
from tests.mosquitto import until
from tests.stub_broker import ACCEPT_5, PUBLISH, SUBSCRIBE, StubBroker

CHUNK = 500  # messages written at once
LOOK_S = 0.05
FLAT = 0.10  # share by which memory may grow once the buffers are full
DRAIN_S = 120.0  # until the last alarm of a drowned agent; far more than anybody should wait
_ALARMING = "motor-1"  # the machine that alarms; the flooding one may alarm as well
_STORED = "SELECT coalesce(sum(readings), 0) AS n FROM reading_block"


@dataclass(frozen=True, slots=True)
class Flood:
    """What was measured."""

    seconds: float
    sent: int
    stored: int
    before_bytes: int  # resident memory before,
    early_bytes: int  # the median of the second quarter of the flood: buffers are full by then,
    most_bytes: int  # and the most after that
    alarm_s: float  # from the sending of what must alarm to the alarm at another client

    @property
    def times(self) -> float:
        """How many times faster it came than the agent took it."""
        return self.sent / max(self.stored, 1)

    @property
    def growth(self) -> float:
        """By which share memory grew once the buffers were full."""
        return self.most_bytes / self.early_bytes - 1.0

    def __str__(self) -> str:
        return (
            f"flood of {self.seconds:.0f} s: {self.sent} messages, {self.times:.1f} times what was stored;"
            f" memory {self.before_bytes / 1e6:.0f} MB before, {self.early_bytes / 1e6:.0f} MB early,"
            f" {self.most_bytes / 1e6:.0f} MB at most; an alarm took {self.alarm_s:.2f} s"
        )


def flood(site: Site, asset: str, seconds: float) -> Flood:
    """Flood an agent that is up with readings of a machine, and raise an alarm of another in the middle."""
    before, stored_before, heard_before = resident_bytes(site.pid), _stored(site.database), len(site.heard)

    def told() -> bool:
        return any(message.topic.endswith("/event") and _told(message.payload) for message in site.heard[heard_before:])

    hose = _Hose(site.broker.port, asset)
    sizes: list[int] = []
    began, asked, alarm_s = time.monotonic(), 0.0, 0.0
    while (now := time.monotonic()) - began < seconds:
        sizes.append(resident_bytes(site.pid))
        if not asked and now - began >= seconds / 2:
            asked = now
            site.send([_alarming(time.time())])
        if asked and not alarm_s and told():
            alarm_s = now - asked
        time.sleep(LOOK_S)
    lasted = time.monotonic() - began
    stored = _stored(site.database) - stored_before
    sent = hose.stop()
    until(told, "the alarm is heard", DRAIN_S)
    return _measured(lasted, sent, stored, before, sizes, alarm_s or time.monotonic() - asked)


def torrent(folder: Path, nursery: Nursery, asset: str, seconds: float) -> Flood:
    """The same from a broker that is nothing but a socket: as fast as the agent reads, faster than a real one sends."""
    stub = StubBroker(ACCEPT_5)
    pid = nursery.run(write_config(folder, stub.port, 200), "")
    database = folder / "edge-agent.db"
    try:
        until(lambda: bool(stub.got(SUBSCRIBE)), "the agent subscribes", DRAIN_S)
        before = resident_bytes(pid)
        chunk = publish(f"raw/{asset}/vib", b"70.5") * CHUNK
        sizes: list[int] = []
        sent, began, asked, alarm_s = 0, time.monotonic(), 0.0, 0.0
        while (now := time.monotonic()) - began < seconds or not alarm_s:
            assert now - began < DRAIN_S, "the alarm is not heard"
            if not asked and now - began >= seconds / 2:
                asked = now
                alarming = _alarming(time.time())
                stub.say(publish(alarming.topic, alarming.payload, mid=1))
            if asked and not alarm_s and any(_told(packet) for packet in stub.got(PUBLISH)):
                alarm_s = now - asked
            stub.say(chunk)
            sent += CHUNK
            if now - began >= len(sizes) * LOOK_S:
                sizes.append(resident_bytes(pid))
        lasted = time.monotonic() - began
        stored = _stored(database)
    finally:
        stub.close()
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        nursery.ended(pid, DRAIN_S)
    return _measured(lasted, sent, stored, before, sizes, alarm_s)


def resident_bytes(pid: int) -> int:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"process {pid} has no memory")


class _Hose:
    """Sends one reading again and again, as fast as the broker takes it."""

    def __init__(self, port: int, asset: str) -> None:
        self._client = Client(port, "hose")
        self._chunk = publish(f"raw/{asset}/vib", b"70.5") * CHUNK
        self._sent, self._stop = 0, threading.Event()
        self._thread = threading.Thread(target=self._run, name="hose", daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """How many messages were sent."""
        self._stop.set()
        self._thread.join(DRAIN_S)
        self._client.close()
        return self._sent

    def _run(self) -> None:
        while not self._stop.is_set() and not self._client.gone.is_set():
            self._client.send(self._chunk)
            self._sent += CHUNK


def _told(said: bytes) -> bool:
    """Whether a message is about an alarm of the machine that was to alarm."""
    return b'"asset":"%s"' % _ALARMING.encode() in said and b'"alarm":' in said


def _measured(  # noqa: PLR0913 - what was measured
    seconds: float, sent: int, stored: int, before: int, sizes: Sequence[int], alarm_s: float
) -> Flood:
    quarter = len(sizes) // 4
    return Flood(
        seconds=seconds,
        sent=sent,
        stored=stored,
        before_bytes=before,
        early_bytes=int(median(sizes[quarter : 2 * quarter])),
        most_bytes=max(sizes[2 * quarter :]),
        alarm_s=alarm_s,
    )


def _alarming(now: float) -> Message:
    """A reading beyond its limit."""
    payload = f'{{"value": {HIGH + 1.0}, "ts": {now:.3f}}}'.encode()
    return Message(-1, f"plant/{_ALARMING}/vib", payload, (_ALARMING, "vib", HIGH + 1.0), now)


def _stored(database: Path) -> int:
    with closing(queries.open_readonly(database)) as db:
        [row] = db.query(_STORED)
        return int(row["n"])
