"""The outbox against a real broker: restarted, replaced, refusing, limiting, with certificates that expire (G2)."""

from __future__ import annotations

import ipaddress
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography import x509

from edge_agent.config import Broker
from edge_agent.core.types import Outgoing
from edge_agent.metrics import Metrics
from edge_agent.mqtt.link import PahoLink
from edge_agent.ports import Batch
from edge_agent.service.inbox import Delivered, Forgotten, Inbox
from edge_agent.service.publisher import Publisher
from edge_agent.service.pulse import Pulse, Worker
from edge_agent.store.database import StoreSettings
from edge_agent.store.journal import open_journal
from edge_agent.store.outbox import open_outbox
from tests.authority import Authority, Pair, encrypted
from tests.broker.conftest import StartBroker
from tests.links import onlooker, paho_link
from tests.mosquitto import Mosquitto, until
from tests.stub_broker import ACCEPT_5, PUBLISH, StubBroker

pytestmark = [
    pytest.mark.broker,
    pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"),  # as in test_tls,
    pytest.mark.long,
]
ME = "gw"
LOCALHOST = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]


def message(topic: str, *, lane: int = 0, retain: bool = False, payload: bytes = b"x") -> Outgoing:
    """A message whose group is all of its topic but the last level."""
    return Outgoing(topic, topic, payload, 1, retain, lane, topic.rpartition("/")[0] or topic)


class Desk:
    """A journal, its outbox, a publisher on a thread and a link; the test plays the engine."""

    def __init__(self, folder: Path, broker: Broker, *, per_s: float = 1000.0) -> None:
        settings = StoreSettings(path=folder / "journal.db", reserve_bytes=0)
        self.journal = open_journal(settings)
        self.inbox = Inbox(1000)
        self.link: PahoLink = paho_link(broker, ME, "in/#")
        self.publisher = Publisher(
            open_outbox(settings.path), self.link, self.inbox, Metrics(), per_s=per_s, retry_s=0.01
        )
        self._worker = Worker("publisher", self.publisher.turn, Pulse("publisher", 15.0), threading.Event())
        self._worker.start()
        self.link.open(lambda _arrival: None, self._changed)

    def commit(self, *messages: Outgoing) -> None:
        """As the engine does."""
        self.journal.commit(Batch(outgoing=list(messages)))
        self.publisher.committed(())

    def settle(self) -> bool:
        """Mark what the broker has acknowledged; whether everything is sent."""
        sent, again = [], False
        while (item := self.inbox.take(0)) is not None:
            if isinstance(item, Delivered):
                sent.append(item.id)
            again |= isinstance(item, Forgotten)
        self.journal.commit(Batch(sent=sent, again=again))
        self.publisher.committed(tuple(sent))
        [(left,)] = self.journal._conn.execute("SELECT count(*) FROM outbox WHERE sent IS NULL").fetchall()
        return left == 0 and self.publisher.idle

    def close(self) -> None:
        self._worker.stop(5)
        self.publisher.close()
        self.link.close()
        self.journal.close()

    def _changed(self, connected: bool) -> None:  # noqa: FBT001 - the port's callback
        if connected and not self.link.session_present:
            self.inbox.note(Forgotten(self.link.epoch))
        self.publisher.wake()


def at(port: int, **settings: object) -> Broker:
    return Broker.model_validate({"host": "127.0.0.1", "port": port, **settings})


@pytest.fixture
def desk(tmp_path: Path, broker: Mosquitto) -> Iterator[Desk]:
    with closing(Desk(tmp_path, at(broker.port))) as one:
        yield one


def heard(broker: Mosquitto) -> list[str]:
    """Topics of all messages the broker got from us but for our state, in order, as its log tells."""
    log = broker.log.read_text(encoding="utf-8")
    return [t for t in re.findall(rf"Received PUBLISH from {ME} \(.*?'([^']*)'", log) if not t.startswith("pdm/")]


def first_of_each(topics: list[str]) -> list[str]:
    return list(dict.fromkeys(topics))


# ---------------------------------------------------------------------------------------------------- outages


@pytest.mark.parametrize("kept", [True, False])
def test_nothing_is_lost_and_each_alarm_keeps_its_order_across_restarts_of_the_broker(
    tmp_path: Path, start_broker: StartBroker, *, kept: bool
) -> None:
    """With its sessions kept on disk and without; five restarts in the middle of 400 messages of ten alarms."""
    store = (f"persistence_location {tmp_path}/", "persistence true", "autosave_interval 1", "autosave_on_changes true")
    broker = start_broker(*(store if kept else ()))
    with closing(Desk(tmp_path, at(broker.port))) as desk:
        wanted: list[str] = []
        for round_number in range(5):
            topics = [f"alarm/{alarm}/{round_number}-{n}" for n in range(8) for alarm in range(10)]
            wanted += topics
            desk.commit(*map(message, topics))
            before = len(heard(broker))
            until(lambda seen=before: desk.settle() or len(heard(broker)) > seen + 20, "some are sent")  # type: ignore[misc]
            broker.stop()
            broker.start()
        until(desk.settle, "everything is sent")
        got = first_of_each(heard(broker))

    assert sorted(got) == sorted(wanted)
    for alarm in range(10):
        ours = f"alarm/{alarm}/"
        assert [t for t in got if t.startswith(ours)] == [t for t in wanted if t.startswith(ours)]


def test_an_empty_broker_in_place_of_the_old_one_is_given_what_it_was_to_keep(desk: Desk, broker: Mosquitto) -> None:
    """The standing alarm and the newest risk; neither old revisions nor events."""
    desk.commit(message("alarm/a", retain=True, payload=b"rev 1"), message("event/a"))
    desk.commit(message("risk/p1", lane=1, retain=True, payload=b"0.4"))
    until(desk.settle, "all sent")
    desk.journal.commit(Batch(outgoing=[message("alarm/a", retain=True, payload=b"rev 2")._replace(key="a2")]))
    desk.publisher.committed(())
    until(desk.settle, "the second revision is sent")
    before = len(heard(broker))
    epoch = desk.link.epoch
    broker.stop()  # without persistence: everything is forgotten
    broker.start()
    until(lambda: desk.link.epoch > epoch and not desk.settle(), "it is found to be empty")
    until(desk.settle, "it was given everything again")

    assert first_of_each(heard(broker)[before:]) == ["alarm/a", "risk/p1"]
    with onlooker(broker.port, "alarm/#", "risk/#") as late:
        until(lambda: len(late.heard) == 2, "the retained messages are there")
        assert sorted(late.heard) == [("alarm/a", b"rev 2", True), ("risk/p1", b"0.4", True)]


def test_a_backlog_comes_alarms_first_then_states_then_history(desk: Desk, broker: Mosquitto) -> None:
    until(lambda: desk.link.connected, "connected")
    until(desk.settle, "nothing left")
    broker.stop()
    until(lambda: not desk.link.connected, "cut")
    names = ("alarm", "risk", "history")
    for number in range(40):
        desk.commit(*(message(f"{names[lane]}/{number}/x", lane=lane) for lane in (2, 1, 0)))
    broker.start()
    until(desk.settle, "all sent")
    got = [topic.split("/")[0] for topic in first_of_each(heard(broker))]

    assert got == ["alarm"] * 40 + ["risk"] * 40 + ["history"] * 40


# ---------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("code", "reason", "hint"),
    [
        (0x87, "not_authorized", "does not let this user in"),
        (0x88, "server_unavailable", "we go on trying"),
        (0x89, "server_busy", "we go on trying"),
        (0x8A, "banned", "ask its administrator"),
        (0x97, "quota_exceeded", "ask its administrator"),
        (0x9C, "use_another_server", "`host`"),
        (0x9D, "server_moved", "`host`"),
        (0x9F, "connection_rate_exceeded", "we wait longer each time"),
    ],
)
def test_a_refused_connection_is_told_and_what_is_to_be_sent_waits_until_it_is_let_in(
    tmp_path: Path, code: int, reason: str, hint: str
) -> None:
    stub = StubBroker(b"\x20\x03\x00" + bytes([code]) + b"\x00")
    try:
        with closing(Desk(tmp_path, at(stub.port))) as desk:
            desk.commit(message("alarm/a"))
            until(lambda: desk.link._tries.count >= 2, "refused twice")
            assert desk.link.problem is not None
            assert reason in str(desk.link.problem)
            assert hint in desk.link.problem.hint
            assert not desk.settle()

            stub.connack = ACCEPT_5
            until(lambda: any(b"alarm/a" in packet for packet in stub.got(PUBLISH)), "the alarm is sent")
            assert desk.link.problem is None
    finally:
        stub.close()


def test_a_broker_that_cuts_each_new_connection_is_come_back_to_ever_more_slowly(tmp_path: Path) -> None:
    """Being let in for a moment is no reason to hurry."""
    stub = StubBroker(ACCEPT_5)
    waits: list[float] = []
    try:
        with closing(Desk(tmp_path, at(stub.port))) as desk:
            for connection in range(1, 5):
                until(lambda number=connection: desk.link.epoch == number and desk.link.connected, "let in")  # type: ignore[misc]
                stub.drop()
                until(lambda number=connection: desk.link._tries.count >= number, "cut")  # type: ignore[misc]
                waits.append(desk.link._tries.wait_s)
    finally:
        stub.close()

    assert waits[-1] > waits[0]


# ---------------------------------------------------------------------------------------------------- certificates


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "plant-ca")


def put(pair: Pair, certificate: Path, key: Path) -> None:
    """Put a pair where another was, as a renewal does."""
    shutil.copy(pair.key, key)
    shutil.copy(pair.certificate, certificate)


def test_when_the_brokers_certificate_expires_alarms_wait_and_go_once_it_is_renewed(
    tmp_path: Path, start_broker: StartBroker, authority: Authority
) -> None:
    expired = authority.sign_expired("old-server", [*LOCALHOST])
    broker = start_broker(*encrypted(authority, expired))
    with closing(Desk(tmp_path, at(broker.port, tls={"ca": authority.pair.certificate}))) as desk:
        desk.commit(message("alarm/a"))
        until(lambda: desk.link.problem is not None, "told")
        assert desk.link.problem is not None
        assert "expired" in str(desk.link.problem)
        assert "renew it at the broker" in desk.link.problem.hint
        assert not desk.settle()

        put(authority.sign("new-server", "IP:127.0.0.1"), expired.certificate, expired.key)
        broker.stop()
        broker.start()
        until(desk.settle, "the alarm is sent")


def test_when_our_certificate_expires_a_renewed_one_is_taken_up_without_a_restart(
    tmp_path: Path, start_broker: StartBroker, authority: Authority
) -> None:
    server = authority.sign("server-2", "IP:127.0.0.1")
    broker = start_broker(*encrypted(authority, server, "require_certificate true"))
    ours = authority.sign_expired("old-gateway", [x509.DNSName("gw-1")])
    tls = {"ca": authority.pair.certificate, "certificate": ours.certificate, "key": ours.key}
    with closing(Desk(tmp_path, at(broker.port, tls=tls))) as desk:
        desk.commit(message("alarm/a"))
        until(lambda: "expired" in str(desk.link.problem), "told")
        assert desk.link.problem is not None
        assert "renew `certificate` of [broker.tls]" in desk.link.problem.hint
        assert not desk.settle()

        put(authority.sign("new-gateway", "DNS:gw-1"), ours.certificate, ours.key)
        until(desk.settle, "the alarm is sent")


def test_a_renewal_that_is_half_done_leaves_the_old_certificate_in_force(
    tmp_path: Path, start_broker: StartBroker, authority: Authority
) -> None:
    server = authority.sign("server-3", "IP:127.0.0.1")
    broker = start_broker(*encrypted(authority, server, "require_certificate true"))
    ours = authority.sign("gateway-3", "DNS:gw-1")
    tls = {"ca": authority.pair.certificate, "certificate": ours.certificate, "key": ours.key}
    with closing(Desk(tmp_path, at(broker.port, tls=tls))) as desk:
        until(lambda: desk.link.connected, "connected")
        epoch = desk.link.epoch
        ours.certificate.write_text("-----BEGIN CERTIFICATE-----\nhalf", encoding="ascii")
        broker.stop()
        broker.start()
        until(lambda: desk.link.epoch > epoch and desk.link.connected, "connected again")
        assert desk.link.fault() is None
