"""The publisher against a real broker."""

from __future__ import annotations

import gc
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge_agent.errors import LinkError, UsageError
from edge_agent.mqtt.feed import Feed, Login, parse_broker
from edge_agent.mqtt.watch import Watch
from tests.offline.conftest import Mosquitto

Start = Callable[..., Mosquitto]
DEADLINE_S = 20.0
HOUR = timedelta(hours=1)
SECRET = "swordfish"  # noqa: S105 - nobody's


@contextmanager
def listening(port: int, topic: str) -> Iterator[Watch]:
    """A subscriber on the loopback broker."""
    watch = Watch("127.0.0.1", port, [topic])
    watch.open()
    try:
        yield watch
    finally:
        watch.close()


def publish_many(feed: Feed, count: int) -> None:
    """Publish numbers."""
    for i in range(count):
        feed.publish("t/x", str(i).encode())


def received(watch: Watch, count: int) -> list[bytes]:
    """The next payloads."""
    end = time.monotonic() + DEADLINE_S
    found: list[bytes] = []
    while len(found) < count and time.monotonic() < end:
        message = watch.take(0.2)
        if message is not None:
            found.append(message.payload)
    return found


@pytest.mark.parametrize(
    ("text", "broker"),
    [
        ("localhost", ("localhost", 1883, False)),
        ("10.0.0.5:2883", ("10.0.0.5", 2883, False)),
        ("mqtt://broker:1884", ("broker", 1884, False)),
        ("mqtts://broker", ("broker", 8883, True)),
        ("[::1]:1885", ("::1", 1885, False)),
    ],
)
def test_broker_is_read(text: str, broker: tuple[str, int, bool]) -> None:
    assert parse_broker(text) == broker


@pytest.mark.parametrize("text", ["", ":1883", "host:port", "host:99999", "http://host", "mqtt://user:secret@host"])
def test_what_is_no_broker_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no broker"):
        parse_broker(text)


def test_password_is_not_shown() -> None:
    assert SECRET not in repr(Login(user="u", password=SECRET))


@pytest.mark.broker
@pytest.mark.parametrize("version", [5, 4])
def test_all_messages_arrive_in_order(mosquitto: Mosquitto, version: int) -> None:
    with listening(mosquitto.port, "t/#") as watch, Feed("127.0.0.1", mosquitto.port, Login(version=version)) as feed:
        publish_many(feed, 500)

        assert feed.drain()
        assert feed.acknowledged == 500
        assert received(watch, 500) == [str(i).encode() for i in range(500)]


@pytest.mark.broker
def test_window_is_never_exceeded(mosquitto: Mosquitto) -> None:
    with Feed("127.0.0.1", mosquitto.port, window=3) as feed:
        for i in range(50):
            feed.publish("t/x", b"1")

            assert i + 1 - feed.acknowledged <= 3


@pytest.mark.broker
def test_broker_that_takes_fewer_at_once_is_obeyed(start_mosquitto: Start) -> None:
    broker = start_mosquitto("allow_anonymous true", "max_inflight_messages 2")

    with Feed("127.0.0.1", broker.port) as feed:
        for i in range(30):
            feed.publish("t/x", b"1")

            assert i + 1 - feed.acknowledged <= 2


@pytest.mark.broker
def test_retained_message_is_kept_by_the_broker(mosquitto: Mosquitto) -> None:
    with Feed("127.0.0.1", mosquitto.port) as feed:
        feed.publish("t/kept", b"42", retain=True)
        assert feed.drain()

    with listening(mosquitto.port, "t/kept") as watch:
        assert received(watch, 1) == [b"42"]


@pytest.mark.broker
def test_broker_that_comes_back_gets_the_rest(mosquitto: Mosquitto) -> None:
    with Feed("127.0.0.1", mosquitto.port, window=10) as feed:
        feed.publish("t/x", b"first")
        assert feed.drain()
        mosquitto.stop()
        sender = threading.Thread(target=publish_many, args=(feed, 40))
        sender.start()
        mosquitto.start()
        sender.join(DEADLINE_S)

        assert not sender.is_alive()
        assert feed.drain(DEADLINE_S)
        assert feed.acknowledged == 41


@pytest.mark.broker
def test_broker_that_stays_away_ends_the_patience(mosquitto: Mosquitto) -> None:
    with Feed("127.0.0.1", mosquitto.port, window=2, patience_s=0.5) as feed:
        feed.publish("t/x", b"1")
        assert feed.drain()
        mosquitto.stop()

        feed.publish("t/x", b"2")
        feed.publish("t/x", b"3")

        with pytest.raises(LinkError, match=r"is away for 0\.5 s; 2 messages are open"):
            feed.publish("t/x", b"4")
        assert not feed.drain(0.1)
        mosquitto.start()


@pytest.mark.broker
def test_refused_message_is_an_error_with_the_reason(start_mosquitto: Start, tmp_path: Path) -> None:
    (tmp_path / "acl").write_text("topic read t/#\n")
    broker = start_mosquitto("allow_anonymous true", f"acl_file {tmp_path / 'acl'}")

    with Feed("127.0.0.1", broker.port) as feed:
        feed.publish("t/x", b"1")
        with pytest.raises(LinkError, match="refused a message: Not authorized") as caught:
            feed.drain()

    assert "access list" in caught.value.hint


@pytest.mark.broker
def test_wrong_password_is_said(start_mosquitto: Start) -> None:
    broker = start_mosquitto("allow_anonymous false")

    with pytest.raises(LinkError, match="refused the connection: Not authorized") as caught:
        Feed("127.0.0.1", broker.port, Login(user="u", password=SECRET)).connect()

    assert "password" in caught.value.hint


def certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key beside it; valid for an hour."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    authority = x509.BasicConstraints(ca=True, path_length=None)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - HOUR, now + HOUR)
        .add_extension(alternative, critical=False)
        .add_extension(authority, critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "broker.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "broker.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.mark.broker
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # paho leaves a failed socket open
def test_encrypted_connection_trusts_the_named_authority_only(start_mosquitto: Start, tmp_path: Path) -> None:
    trusted = certificate(tmp_path)
    broker = start_mosquitto("allow_anonymous true", f"certfile {trusted}", f"keyfile {tmp_path / 'broker.key'}")

    with Feed("127.0.0.1", broker.port, Login(tls=True, ca=trusted)) as feed:
        feed.publish("t/x", b"1")
        assert feed.drain()
    with pytest.raises(LinkError, match="certificate verify failed"):
        Feed("127.0.0.1", broker.port, Login(tls=True)).connect()
    gc.collect()  # here, where its warning is known


@pytest.mark.broker
def test_topic_with_a_wildcard_is_refused_and_nothing_waits_for_it(mosquitto: Mosquitto) -> None:
    with Feed("127.0.0.1", mosquitto.port) as feed:
        with pytest.raises(LinkError, match="no message can be sent to 't/#'"):
            feed.publish("t/#", b"1")

        assert feed.drain(0.0)


def test_broker_that_is_not_there_is_said() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with pytest.raises(LinkError, match=f"broker 127.0.0.1:{port} cannot be reached"):
        Feed("127.0.0.1", port).connect()


def test_listener_that_is_no_broker_is_said() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as mute,
        pytest.raises(LinkError, match=r"has not answered within 0\.3 s") as caught,
    ):
        Feed("127.0.0.1", mute.getsockname()[1]).connect(timeout_s=0.3)

    assert "no MQTT broker" in caught.value.hint
