"""TLS against a real mosquitto: what works, and what people are told when it does not."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from edge_agent.config import Broker, Tls
from edge_agent.errors import LinkError
from edge_agent.mqtt import tls
from tests.authority import Authority, Pair, encrypted
from tests.broker.conftest import StartBroker
from tests.links import Probe, opened, paho_link
from tests.mosquitto import Mosquitto, free_port, until

pytestmark = [
    pytest.mark.broker,
    # paho leaves the socket of a failed handshake to the garbage collector, which closes it at once
    pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"),
]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "plant-ca")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("other"), "other-ca")


@pytest.fixture(scope="module")
def server(authority: Authority) -> Pair:
    return authority.sign("server", "IP:127.0.0.1,DNS:localhost")


@pytest.fixture(scope="module")
def gateway(authority: Authority) -> Pair:
    return authority.sign("gateway", "DNS:gw-1")


def at(port: int, host: str = "127.0.0.1", **settings: object) -> Broker:
    return Broker.model_validate({"host": host, "port": port, "tls": settings})


def problem_of(broker: Broker) -> LinkError:
    """What the link says of a broker it cannot get to."""
    link = paho_link(broker, "gw")
    probe = Probe(link)
    link.open(probe.arrivals.append, probe.changes.append)
    until(lambda: link.problem is not None, "told")
    found = link.problem
    assert found is not None
    assert link.fault() is None
    assert not link.connected
    link.close()
    return found


def test_a_broker_of_a_trusted_authority_is_connected_to(
    start_broker: StartBroker, authority: Authority, server: Pair
) -> None:
    port = start_broker(*encrypted(authority, server)).port

    for host in ("127.0.0.1", "localhost"):
        broker = at(port, host, ca=authority.pair.certificate)
        with opened(paho_link(broker, "gw")):
            assert broker.tls is not None
            assert tls.probe(broker, tls.client_context(broker.tls)) is None


def test_a_certificate_of_ours_opens_what_asks_for_one(
    start_broker: StartBroker, authority: Authority, server: Pair, gateway: Pair
) -> None:
    port = start_broker(*encrypted(authority, server, "require_certificate true")).port
    ours = at(port, ca=authority.pair.certificate, certificate=gateway.certificate, key=gateway.key)

    with opened(paho_link(ours, "gw")):
        pass
    missing = problem_of(at(port, ca=authority.pair.certificate))
    assert "certificate_required" in str(missing)
    assert "add `certificate` and `key`" in missing.hint


def test_a_certificate_of_ours_by_a_stranger_is_told(
    start_broker: StartBroker, authority: Authority, stranger: Authority, server: Pair
) -> None:
    port = start_broker(*encrypted(authority, server, "require_certificate true")).port
    theirs = stranger.sign("thief", "DNS:gw-1")
    found = problem_of(at(port, ca=authority.pair.certificate, certificate=theirs.certificate, key=theirs.key))

    assert "TLS failed" in str(found)
    assert "have it signed by the authority the broker knows" in found.hint


def test_a_broker_of_an_unknown_authority_is_refused(
    start_broker: StartBroker, authority: Authority, stranger: Authority, server: Pair
) -> None:
    port = start_broker(*encrypted(authority, server)).port

    for broker in (at(port, ca=stranger.pair.certificate), at(port)):
        found = problem_of(broker)
        assert "its certificate is not accepted" in str(found)
        assert "as `ca` of [broker.tls]" in found.hint


def test_a_certificate_for_another_name_is_refused(start_broker: StartBroker, authority: Authority) -> None:
    other = authority.sign("elsewhere", "DNS:elsewhere.example")
    port = start_broker(*encrypted(authority, other)).port

    found = problem_of(at(port, ca=authority.pair.certificate))
    assert "write the broker's name as `host`" in found.hint
    found = problem_of(at(port, "localhost", ca=authority.pair.certificate))
    assert "write the name it is for as `host`" in found.hint


def test_tls_on_a_plain_port_is_told(broker: Mosquitto, authority: Authority) -> None:
    found = problem_of(at(broker.port, ca=authority.pair.certificate))

    assert "the port does not speak TLS" in found.hint


def test_a_plain_connection_to_a_port_for_tls_is_told(
    start_broker: StartBroker, authority: Authority, server: Pair
) -> None:
    port = start_broker(*encrypted(authority, server)).port
    found = problem_of(Broker.model_validate({"host": "127.0.0.1", "port": port}))

    assert "a port for TLS needs [broker.tls]" in found.hint


def test_a_probe_of_a_port_that_nobody_listens_on_says_so(authority: Authority) -> None:
    broker = at(free_port(), ca=authority.pair.certificate)
    assert broker.tls is not None
    found = tls.probe(broker, tls.client_context(broker.tls))

    assert found is not None
    assert "nobody listens there" in str(found)


def test_versions_before_1_2_are_not_spoken(authority: Authority) -> None:
    context = tls.client_context(Tls(ca=authority.pair.certificate))

    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_files_that_cannot_be_used_are_told(
    tmp_path: Path, authority: Authority, stranger: Authority, gateway: Pair
) -> None:
    text = tmp_path / "text.pem"
    text.write_text("no certificate", encoding="utf-8")
    locked = tmp_path / "locked.key"
    program = shutil.which("openssl")
    assert program is not None
    subprocess.run(
        [program, "pkey", "-in", str(gateway.key), "-aes256", "-passout", "pass:hunter2", "-out", str(locked)],
        check=True, timeout=30,
    )  # fmt: skip
    ca, good = authority.pair.certificate, gateway.certificate
    cases = [
        (Tls(ca=text), "give a PEM file"),
        (Tls(ca=tmp_path / "missing"), "put the file there"),
        (Tls(ca=ca, certificate=text, key=gateway.key), "give a PEM file"),
        (Tls(ca=ca, certificate=good, key=tmp_path / "missing"), "put the file there"),
        (Tls(ca=ca, certificate=good, key=stranger.pair.key), "do not belong together"),
        (Tls(ca=ca, certificate=good, key=locked), "remove the passphrase"),
    ]
    for settings, said in cases:
        with pytest.raises(LinkError) as caught:
            tls.client_context(settings)
        assert said in caught.value.hint
        assert "TLS file" in str(caught.value)
