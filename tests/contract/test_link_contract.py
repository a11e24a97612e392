"""What every Link keeps to: the fake by which the service is tested, and the real one on a real broker."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from edge_agent.config import Broker
from edge_agent.ports import Link
from tests.fake_link import FakeLink
from tests.links import Onlooker, Probe, message, opened, paho_link
from tests.mosquitto import Mosquitto, Proxy, until


class Setting(Protocol):
    """A link with its broker in the hands of the test."""

    @property
    def link(self) -> Link: ...

    def send(self, *payloads: bytes, qos: int = 1) -> None: ...

    def cut(self) -> None: ...

    def restore(self) -> None: ...

    def taken(self) -> list[bytes]: ...

    def close(self) -> None: ...


class FakeSetting:
    """The fake."""

    def __init__(self) -> None:
        self.link = FakeLink()
        self.cut, self.restore = self.link.cut, self.link.restore

    def send(self, *payloads: bytes, qos: int = 1) -> None:
        for payload in payloads:
            self.link.deliver("in/a", payload, qos)

    def taken(self) -> list[bytes]:
        return [m.payload for m in self.link.published if m.topic == "out/a"]

    def close(self) -> None:
        self.link.close()


class RealSetting:
    """paho, mosquitto, and a proxy between them."""

    def __init__(self, folder: Path, protocol: str) -> None:
        self._broker = Mosquitto(folder)
        self._proxy = Proxy(self._broker.port)
        self._onlooker = Onlooker(self._broker.port, "out/#")
        settings = Broker.model_validate({"host": "127.0.0.1", "port": self._proxy.port, "protocol": protocol})
        self.link = paho_link(settings, "contract", "in/#")
        self.cut, self.restore = self._proxy.cut, self._proxy.restore

    def send(self, *payloads: bytes, qos: int = 1) -> None:
        self._onlooker.publish("in/a", *payloads, qos=qos)

    def taken(self) -> list[bytes]:
        return self._onlooker.payloads("out/a")

    def close(self) -> None:
        self._onlooker.close()
        self._proxy.close()
        self._broker.stop()


@pytest.fixture(
    params=["fake", pytest.param("5", marks=pytest.mark.broker), pytest.param("3.1.1", marks=pytest.mark.broker)]
)
def setting(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Setting]:
    made: Setting = FakeSetting() if request.param == "fake" else RealSetting(tmp_path, request.param)
    yield made
    made.close()


def test_before_it_is_opened_a_link_is_not_connected(setting: Setting) -> None:
    assert not setting.link.connected
    assert setting.link.epoch == 0


def test_a_connection_is_told_and_counted(setting: Setting) -> None:
    with opened(setting.link) as probe:
        until(lambda: probe.changes == [True], "the change is told")
        assert setting.link.epoch == 1
        assert setting.link.alive(time.monotonic())
    assert probe.changes == [True, False]
    assert not setting.link.connected


def test_messages_arrive_in_order_with_epoch_and_quality(setting: Setting) -> None:
    with settled(setting) as probe:
        setting.send(b"1", b"2")
        setting.send(b"3", qos=0)
        until(lambda: len(probe.arrivals) == 3, "three messages")

        assert probe.payloads == [b"1", b"2", b"3"]
        assert {(a.epoch, a.topic, a.dup) for a in probe.arrivals} == {(1, "in/a", False)}
        assert [a.qos for a in probe.arrivals] == [1, 1, 0]
        assert [bool(a.mid) for a in probe.arrivals] == [True, True, False]
        assert probe.arrivals[0].mid != probe.arrivals[1].mid


def test_what_is_not_acknowledged_comes_again_and_the_rest_does_not(setting: Setting) -> None:
    with settled(setting) as probe:
        setting.send(b"1", b"2", b"3")
        until(lambda: len(probe.arrivals) == 3, "three messages")
        acked, *kept = probe.arrivals
        setting.link.ack([acked])
        let_through(setting)
        setting.cut()
        until(lambda: not setting.link.connected, "cut")
        probe.arrivals.clear()
        setting.send(b"4")
        setting.restore()
        until(lambda: len(probe.arrivals) == 3, "two again and a new one")

        assert probe.payloads == [b"2", b"3", b"4"]
        assert [a.dup for a in probe.arrivals] == [True, True, False]
        assert [a.mid for a in probe.arrivals[:2]] == [a.mid for a in kept]
        assert {a.epoch for a in probe.arrivals} == {2}


def test_an_acknowledgement_of_an_older_connection_is_dropped(setting: Setting) -> None:
    with settled(setting) as probe:
        setting.send(b"1")
        until(lambda: len(probe.arrivals) == 1, "the message")
        reconnect(setting)
        until(lambda: len(probe.arrivals) == 2, "again")
        setting.link.ack([probe.arrivals[0]])  # of the first connection
        let_through(setting)
        reconnect(setting)
        until(lambda: len(probe.arrivals) == 3, "and again: that was no acknowledgement")
        setting.link.ack([probe.arrivals[2]])
        let_through(setting)
        reconnect(setting)
        setting.send(b"2")
        until(lambda: len(probe.arrivals) == 4, "news only")

        assert probe.payloads == [b"1", b"1", b"1", b"2"]


def test_a_published_message_is_confirmed(setting: Setting) -> None:
    with opened(setting.link) as probe:
        probe.publish(message("out/a", b"1"), message("out/a", b"2", qos=0))
        until(lambda: len(probe.done) == 2, "both confirmed")

        assert probe.done == [(True, "acknowledged")] * 2
        until(lambda: setting.taken() == [b"1", b"2"], "the broker has both")


def test_nothing_is_published_without_a_connection_and_nothing_is_kept_for_later(setting: Setting) -> None:
    with opened(setting.link) as probe:
        setting.cut()
        until(lambda: not setting.link.connected, "cut")
        probe.publish(message("out/a", b"lost"))
        assert probe.done == [(False, "disconnected")]
        setting.restore()
        until(lambda: setting.link.connected, "back")
        probe.publish(message("out/a", b"kept"))
        until(lambda: setting.taken() != [], "published")

        assert setting.taken() == [b"kept"]
        assert probe.changes == [True, False, True]


def test_after_closing_nothing_is_published(setting: Setting) -> None:
    with opened(setting.link) as probe:
        pass
    probe.publish(message("out/a"))

    assert probe.done == [(False, "disconnected")]
    assert setting.taken() == []


@contextmanager
def settled(setting: Setting) -> Iterator[Probe]:
    """An open link whose subscription has taken effect; the port does not tell when."""
    with opened(setting.link) as probe:

        def through() -> bool:
            setting.send(b"there yet?", qos=0)
            return bool(probe.arrivals)

        until(through, "a message comes through")
        setting.send(b"fence", qos=0)
        until(lambda: probe.payloads[-1] == b"fence", "all of them came through")
        probe.arrivals.clear()
        yield probe


def reconnect(setting: Setting) -> None:
    """Cut and mend the connection."""
    epoch = setting.link.epoch
    setting.cut()
    until(lambda: not setting.link.connected, "cut")
    setting.restore()
    until(lambda: setting.link.connected and setting.link.epoch > epoch, "back")


def let_through(setting: Setting) -> None:
    """Let acknowledgements reach the broker: a message behind them has arrived there."""
    done: list[bool] = []
    setting.link.publish(message("fence"), lambda delivered, _reason: done.append(delivered))
    until(lambda: done == [True], "the fence was taken")
