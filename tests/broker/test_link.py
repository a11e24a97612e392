"""The link on a real mosquitto, cut by a proxy; and on a stub where a broker must misbehave."""

from __future__ import annotations

import logging
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from edge_agent.config import Broker
from edge_agent.mqtt.link import CLOSE_S, PahoLink
from edge_agent.ports import Arrival
from tests.broker.conftest import StartBroker
from tests.links import STATE, AlwaysRoom, Probe, message, onlooker, opened, paho_link
from tests.mosquitto import Mosquitto, Proxy, free_port, until
from tests.stub_broker import (
    ACCEPT_5,
    ACCEPT_311,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    REFUSE_VERSION,
    SUBSCRIBE,
    StubBroker,
)

pytestmark = pytest.mark.broker


def at(port: int, **settings: object) -> Broker:
    """How to reach a broker on this computer."""
    return Broker.model_validate({"host": "127.0.0.1", "port": port, **settings})


@pytest.fixture
def stub() -> Iterator[StubBroker]:
    one = StubBroker(ACCEPT_5)
    yield one
    one.close()


def opened_at_once(link: PahoLink) -> Probe:
    """A link that is opened, connected or not."""
    probe = Probe(link)
    link.open(probe.arrivals.append, probe.changes.append)
    return probe


# ------------------------------------------------------------------------------------------------ state


def test_the_state_is_online_offline_when_cut_and_stopped_after_a_goodbye(broker: Mosquitto, proxy: Proxy) -> None:
    with onlooker(broker.port, STATE) as seen:
        with opened(paho_link(at(proxy.port), "gw")) as probe:
            until(lambda: seen.payloads(STATE) == [b"online"], "birth")
            proxy.cut()
            until(lambda: seen.payloads(STATE)[1:] == [b"offline"], "will")
            proxy.restore()
            until(lambda: seen.payloads(STATE)[2:] == [b"online"], "birth again")
            assert probe.link.epoch == 2
        until(lambda: seen.payloads(STATE)[3:] == [b"stopped"], "goodbye")
    with onlooker(broker.port, STATE) as later:
        until(lambda: later.heard != [], "retained")
        assert later.heard == [(STATE, b"stopped", True)]


def test_without_a_farewell_a_clean_end_leaves_the_state_as_it_was(broker: Mosquitto) -> None:
    link = PahoLink(
        at(broker.port),
        "gw",
        subscriptions=(),
        will=message(STATE, b"offline"),
        birth=lambda: message(STATE, b"online"),
        relief=AlwaysRoom(),
    )
    with onlooker(broker.port, "#") as seen:
        with opened(link):
            until(lambda: seen.payloads(STATE) == [b"online"], "birth")
        seen.publish("fence", b"1")
        until(lambda: seen.payloads("fence") == [b"1"], "fence")
        assert seen.payloads(STATE) == [b"online"]


# ------------------------------------------------------------------------------------------------ session


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_new_process_gets_what_the_old_one_did_not_acknowledge(broker: Mosquitto, protocol: str) -> None:
    settings = at(broker.port, protocol=protocol)
    with onlooker(broker.port) as sender:
        with opened(paho_link(settings, "gw", "in/#")) as first:
            subscribed(broker, 1)
            sender.publish("in/a", b"1", b"2", b"3")
            until(lambda: first.payloads == [b"1", b"2", b"3"], "three")
            first.link.ack([first.arrivals[0]])
        sender.publish("in/a", b"4")
        with opened(paho_link(settings, "gw", "in/#")) as second:
            until(lambda: len(second.arrivals) == 3, "the rest")
            assert second.payloads == [b"2", b"3", b"4"]
            assert [a.dup for a in second.arrivals] == [True, True, False]
            assert [a.mid for a in second.arrivals[:2]] == [a.mid for a in first.arrivals[1:]]
            assert isinstance(second.link, PahoLink)
            assert second.link.session_present


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_no_more_than_the_receive_maximum_waits_in_memory(broker: Mosquitto, protocol: str) -> None:
    """Whatever the broker keeps to: mosquitto 2.0.11 forgets the maximum after the first acknowledgement."""
    settings = at(broker.port, receive_maximum=20, protocol=protocol)
    with opened(paho_link(settings, "gw", "in/#")) as probe, onlooker(broker.port) as sender:
        subscribed(broker, 1)
        sender.publish_all("in/a", 500)
        done, most, end = 0, 0, time.monotonic() + 20
        while done < 500 and time.monotonic() < end:
            most = max(most, len(probe.arrivals) - done)
            taken = probe.arrivals[done : done + 10]
            probe.link.ack(taken)
            done += len(taken)
            time.sleep(0.001)  # an engine takes its time, too

        assert done == 500
        assert 15 <= most <= 20
        assert [a.mid for a in probe.arrivals] == list(range(1, 501))


class Full:
    """The port `Relief` of who has no place for QoS 0."""

    def __init__(self) -> None:
        self.lost = 0

    def full(self) -> str:
        return "inbox_full"

    def shed(self, cause: str, count: int) -> None:
        assert cause == "inbox_full"
        self.lost += count


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_where_there_is_no_place_qos_0_is_counted_and_qos_1_handed_over(broker: Mosquitto, protocol: str) -> None:
    relief = Full()
    link = paho_link(at(broker.port, protocol=protocol), "gw", "in/#", relief=relief)
    with opened(link) as probe, onlooker(broker.port) as sender:
        until(lambda: broker.subscribed("gw"), "it has subscribed")
        for k in range(20):
            sender.publish("in/a", b"flood", qos=0)
            sender.publish("in/a", str(k).encode())
        until(lambda: relief.lost == 20, "all of QoS 0 is counted")
        until(lambda: len(probe.payloads) == 20, "and all of QoS 1 is there")

    assert probe.payloads == [str(k).encode() for k in range(20)]


def test_an_overfull_link_still_speaks(stub: StubBroker) -> None:
    with opened(paho_link(at(stub.port, receive_maximum=2), "gw", "in/#")) as probe:
        for mid in range(1, 8):
            stub.say(b"\x32\x08\x00\x02ab\x00" + bytes([mid]) + b"\x00x")
        until(lambda: len(probe.arrivals) == 2, "as many as allowed")
        probe.publish(message("out/alarm"))
        until(lambda: any(b"out/alarm" in packet for packet in stub.got(PUBLISH)), "the alarm goes out")
        assert len(probe.arrivals) == 2
        assert probe.link.alive(time.monotonic())
        probe.link.ack([probe.arrivals[0]])
        until(lambda: len(probe.arrivals) == 3, "room for one more")


def test_each_message_of_a_batch_is_acknowledged_once_and_in_order(stub: StubBroker) -> None:
    with opened(paho_link(at(stub.port), "gw", "in/#")) as probe:
        for mid in range(1, 51):
            stub.say(b"\x32\x08\x00\x02ab\x00" + bytes([mid]) + b"\x00x")
        until(lambda: len(probe.arrivals) == 50, "all")
        probe.link.ack(probe.arrivals)
        until(lambda: len(stub.got(PUBACK)) == 50, "each is acknowledged")

        assert [packet[1:] for packet in stub.got(PUBACK)] == [bytes([0, mid]) for mid in range(1, 51)]


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_message_of_quality_two_is_taken_and_completed(stub: StubBroker, protocol: str) -> None:
    """We never ask for it; a session that another client has left might."""
    stub.connack = ACCEPT_5 if protocol == "5" else ACCEPT_311
    with opened(paho_link(at(stub.port, protocol=protocol), "gw", "in/#")) as probe:
        stub.say(b"\x34\x08\x00\x02ab\x00\x07\x00x" if protocol == "5" else b"\x34\x07\x00\x02ab\x00\x07x")
        until(lambda: stub.got(PUBREC) != [], "received")
        stub.say(b"\x62\x02\x00\x07")
        until(lambda: len(probe.arrivals) == 1, "the message")
        probe.link.ack(probe.arrivals)
        until(lambda: stub.got(PUBCOMP) != [], "completed")

        assert (probe.arrivals[0].topic, probe.arrivals[0].payload, probe.arrivals[0].qos) == ("ab", b"x", 2)


def test_a_retained_message_says_that_it_is_one(broker: Mosquitto) -> None:
    with onlooker(broker.port) as sender:
        sender.publish("in/a", b"old", retain=True)
        with opened(paho_link(at(broker.port), "gw", "in/#")) as probe:
            until(lambda: probe.payloads == [b"old"], "the retained one")
            sender.publish("in/a", b"new", retain=True)
            until(lambda: probe.payloads == [b"old", b"new"], "and a fresh one")

            assert [arrival.retain for arrival in probe.arrivals] == [True, False]


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_broker_that_has_forgotten_us_is_subscribed_to_anew(broker: Mosquitto, protocol: str) -> None:
    with opened(paho_link(at(broker.port, protocol=protocol), "gw", "in/#")) as probe:
        subscribed(broker, 1)
        broker.stop()
        until(lambda: not probe.link.connected, "gone")
        broker.start()
        until(lambda: probe.link.connected, "back")
        subscribed(broker, 2)
        with onlooker(broker.port) as sender:
            sender.publish("in/a", b"1")
        until(lambda: probe.payloads == [b"1"], "the message")
        assert probe.arrivals[0].epoch == 2
        assert isinstance(probe.link, PahoLink)
        assert not probe.link.session_present


def test_a_retained_reading_is_not_sent_again_at_each_connection(broker: Mosquitto, proxy: Proxy) -> None:
    with onlooker(broker.port) as sender:
        sender.publish("in/a", b"old", retain=True)
        with opened(paho_link(at(proxy.port), "gw", "in/#")) as probe:
            until(lambda: probe.payloads == [b"old"], "once")
            probe.link.ack([probe.arrivals[0]])
            fence(probe)
            proxy.cut()
            until(lambda: not probe.link.connected, "cut")
            proxy.restore()
            until(lambda: probe.link.connected, "back")
            subscribed(broker, 2)
            sender.publish("in/b", b"new")
            until(lambda: probe.payloads == [b"old", b"new"], "only what is new")


def test_a_filter_added_to_the_configuration_is_subscribed_to_in_a_living_session(broker: Mosquitto) -> None:
    with opened(paho_link(at(broker.port), "gw", "in/#")):
        subscribed(broker, 1)
    with opened(paho_link(at(broker.port), "gw", "in/#", "more/#")) as probe, onlooker(broker.port) as sender:
        subscribed(broker, 2)
        sender.publish("more/a", b"1")
        until(lambda: probe.payloads == [b"1"], "by the new filter")


# ------------------------------------------------------------------------------------------------ publishing


def test_a_forbidden_topic_is_told_with_its_reason_and_a_hint(
    start_broker: StartBroker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    acl = tmp_path / "acl"
    acl.write_text("topic readwrite pdm/#\n", encoding="utf-8")
    acl.chmod(0o700)
    with opened(paho_link(at(start_broker(f"acl_file {acl}").port), "gw")) as probe:
        probe.publish(message("other/a"), message("other/a"), message("pdm/v1/a"))
        until(lambda: len(probe.done) == 3, "three answers")

        assert sorted(probe.done) == [(False, "not_authorized"), (False, "not_authorized"), (True, "acknowledged")]
    told = [r.getMessage() for r in caplog.records if r.getMessage().startswith("publish_refused")]
    assert len(told) == 1
    assert "topic=other/a reason=not_authorized hint=the broker's access list" in told[0]


def test_what_is_on_its_way_when_the_connection_ends_is_given_up(stub: StubBroker) -> None:
    with opened(paho_link(at(stub.port), "gw")) as probe:
        probe.publish(*(message(f"out/{n}") for n in range(16)))
        assert probe.done == []
        stub.drop()
        until(lambda: len(probe.done) == 16, "all given up")

        assert set(probe.done) == {(False, "disconnected")}
        until(lambda: probe.link.epoch == 2, "back")
        assert not [p for p in stub.got(PUBLISH)[-1:] if b"out/" in p], "nothing of it is sent again by itself"


def test_many_threads_may_publish_at_once(broker: Mosquitto) -> None:
    with opened(paho_link(at(broker.port), "gw")) as probe:
        threads = [
            threading.Thread(target=lambda: probe.publish(*(message("out/a") for _ in range(50)))) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        until(lambda: len(probe.done) == 200, "all confirmed")

        assert set(probe.done) == {(True, "acknowledged")}


def test_more_than_a_thousand_unconfirmed_messages_are_refused(stub: StubBroker) -> None:
    with opened(paho_link(at(stub.port), "gw")) as probe:
        probe.publish(*(message("out/a") for _ in range(1001)))

        assert set(probe.done) == {(False, "queue_full")}


def test_a_broker_with_a_narrow_window_is_told_of(stub: StubBroker, caplog: pytest.LogCaptureFixture) -> None:
    stub.connack = b"\x20\x06\x00\x00\x03\x21\x00\x05"  # receive maximum 5
    with caplog.at_level(logging.WARNING), opened(paho_link(at(stub.port), "gw")) as probe:
        until(lambda: probe.changes == [True], "told")

    assert [r for r in caplog.records if r.getMessage().startswith("link_narrow")]


# ------------------------------------------------------------------------------------------------ what can go wrong


def test_a_broker_that_is_not_there_is_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    link = paho_link(at(port), "gw")
    probe = opened_at_once(link)
    until(lambda: link.problem is not None, "told")
    assert link.problem is not None
    assert "nobody listens there" in str(link.problem)
    assert "`host` and `port`" in link.problem.hint
    assert link.alive(time.monotonic())
    until(lambda: link._tries.count > 3, "tries go on")
    broker = Mosquitto(tmp_path, port=port)
    until(lambda: link.connected, "connected at last")
    assert link.problem is None
    link.close()
    broker.stop()
    assert probe.changes == [True, False]
    assert len([r for r in caplog.records if r.getMessage().startswith("link_down")]) == 1, "repeats are not logged"


def test_small_messages_are_not_held_back_by_the_operating_system(broker: Mosquitto) -> None:
    """Nagle's algorithm would put an alarm 40 ms behind an acknowledgement."""
    with opened(paho_link(at(broker.port), "gw")) as probe:
        assert isinstance(probe.link, PahoLink)
        intake = probe.link._client._intake

        assert intake is not None
        sock = intake._stream
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_a_callback_that_raises_is_a_fault_and_the_thread_lives_on(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    link = paho_link(at(broker.port), "gw", "in/#")
    heard: list[bytes] = []

    def fail_once(arrival: object) -> None:
        heard.append(b"")
        if len(heard) == 1:
            message = "a bug"
            raise RuntimeError(message)
        assert arrival

    link.open(fail_once, lambda _connected: None)
    subscribed(broker, 1)
    assert link.fault() is None
    with onlooker(broker.port) as sender:
        sender.publish("in/a", b"1", b"2")
    until(lambda: len(heard) == 2, "the second message")

    assert isinstance(link.fault(), RuntimeError)
    assert not link.alive(time.monotonic())
    assert link.connected
    link.close()
    assert [r for r in caplog.records if r.getMessage() == "link_fault" and r.exc_info]


def test_a_thread_that_does_not_move_is_not_alive(broker: Mosquitto) -> None:
    release = threading.Event()
    link = paho_link(at(broker.port), "gw", "in/#")

    def block(_arrival: Arrival) -> None:
        release.wait(20)

    link.open(block, lambda _connected: None)
    subscribed(broker, 1)
    assert link.alive(time.monotonic())
    with onlooker(broker.port) as sender:
        sender.publish("in/a", b"1")
    pulse = link._client.pulse
    assert link.alive(pulse + 29)
    assert not link.alive(pulse + 31)
    release.set()
    link.close()


def test_a_link_that_is_closed_leaves_no_socket_open(broker: Mosquitto) -> None:
    """Nothing is left to the garbage collector, which may come to a socket before its owner."""
    with opened(paho_link(at(broker.port), "gw")) as probe:
        client = probe.link._client  # type: ignore[attr-defined]
        sockets = [client._sock, client._sockpairR, client._sockpairW]
        assert all(one.fileno() >= 0 for one in sockets)

    assert [one.fileno() for one in sockets] == [-1, -1, -1]


def test_a_link_that_is_closed_is_not_alive(broker: Mosquitto) -> None:
    with opened(paho_link(at(broker.port), "gw")) as probe:
        pass
    assert not probe.link.alive(time.monotonic())


def test_a_wrong_password_is_told_and_the_right_one_works(
    start_broker: StartBroker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text("", encoding="utf-8")
    passwords.chmod(0o700)
    program = shutil.which("mosquitto_passwd")
    assert program is not None, "it comes with mosquitto"
    subprocess.run([program, "-b", str(passwords), "gw", "hunter2"], check=True, timeout=20)
    port = start_broker("allow_anonymous false", f"password_file {passwords}").port
    for protocol in ("5", "3.1.1"):
        wrong = paho_link(at(port, username="gw", password=SecretStr("hunter3"), protocol=protocol), "gw")
        opened_at_once(wrong)
        until(lambda link=wrong: link.problem is not None, "told")  # type: ignore[misc]  # bound now, not later
        assert wrong.problem is not None
        assert "not_authorized" in str(wrong.problem) or "bad_user" in str(wrong.problem)
        assert "password" in wrong.problem.hint
        wrong.close()
        with opened(paho_link(at(port, username="gw", password=SecretStr("hunter2"), protocol=protocol), "gw")):
            pass
    assert "hunter" not in caplog.text


def test_a_broker_of_another_version_is_told(stub: StubBroker) -> None:
    stub.connack = REFUSE_VERSION
    link = paho_link(at(stub.port), "gw")
    opened_at_once(link)
    until(lambda: link.problem is not None, "told")

    assert link.problem is not None
    assert "unsupported_protocol_version" in str(link.problem)
    assert 'protocol = "3.1.1"' in link.problem.hint
    assert link.fault() is None
    link.close()


def test_a_broker_that_hangs_up_without_a_word_is_told(stub: StubBroker) -> None:
    stub.connack = b""
    link = paho_link(at(stub.port), "gw")
    opened_at_once(link)
    until(lambda: stub.packets != [], "asked")
    stub.drop()
    until(lambda: link.problem is not None, "told")

    assert link.problem is not None
    assert "[broker.tls]" in link.problem.hint
    link.close()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_two_clients_of_one_id_are_found_out(broker: Mosquitto, protocol: str) -> None:
    links = [paho_link(at(broker.port, protocol=protocol), "twin") for _ in range(2)]
    for link in links:
        opened_at_once(link)
    until(lambda: any("client id" in link.problem.hint for link in links if link.problem), "found out")
    for link in links:
        link.close()


def test_a_topic_that_is_no_text_is_acknowledged_and_forgotten(stub: StubBroker) -> None:
    with opened(paho_link(at(stub.port), "gw")) as probe:
        stub.say(b"\x32\x08\x00\x02\xff\xfe\x00\x07\x00x")
        until(lambda: stub.got(PUBACK) != [], "acknowledged")

        assert probe.arrivals == []
        assert isinstance(probe.link, PahoLink)
        assert probe.link.fault() is None


def test_a_refused_subscription_is_told_with_a_hint(stub: StubBroker) -> None:
    stub.connack = ACCEPT_311
    with opened(paho_link(at(stub.port, protocol="3.1.1"), "gw", "in/#", "secret/#")) as probe:
        until(lambda: stub.got(SUBSCRIBE) != [], "asked")
        mid = stub.got(SUBSCRIBE)[0][1:3]
        stub.say(b"\x90\x04" + mid + b"\x01\x80")
        link = probe.link
        assert isinstance(link, PahoLink)
        until(lambda: link.problem is not None, "told")

        assert link.problem is not None
        assert "'secret/#'" in str(link.problem)
        assert "access list" in link.problem.hint


def test_closing_takes_no_longer_when_the_broker_is_frozen(stub: StubBroker) -> None:
    link = paho_link(at(stub.port), "gw")
    opened_at_once(link)
    until(lambda: link.connected, "connected")
    stub.freeze()
    for _ in range(8):  # more than the buffers between us hold
        link.publish(message("out/a", b"x" * 2_000_000), lambda _delivered, _reason: None)
    begin = time.monotonic()
    link.close()

    assert time.monotonic() - begin < 3 * CLOSE_S
    assert not [t for t in threading.enumerate() if t.name.startswith("paho-mqtt-client-gw")]


# ------------------------------------------------------------------------------------------------ helpers


def subscribed(broker: Mosquitto, times: int) -> None:
    """Wait until the broker has confirmed so many subscriptions of `gw`."""
    until(
        lambda: broker.log.read_text(encoding="utf-8").count("Sending SUBACK to gw") >= times,
        f"subscribed {times} times",
    )


def fence(probe: Probe) -> None:
    """Let everything reach the broker that was sent before."""
    done: list[bool] = []
    probe.link.publish(message("fence"), lambda delivered, _reason: done.append(delivered))
    until(lambda: done == [True], "the fence was taken")
