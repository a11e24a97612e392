"""Errors of the world → words people can act on."""

from __future__ import annotations

import socket
import ssl

import pytest

from edge_agent.mqtt.reasons import of_connect, of_refusal, permission_hint, reason_key


def test_the_name_of_a_reason_becomes_a_word() -> None:
    assert reason_key("Not authorized") == "not_authorized"
    assert reason_key("Keep alive timeout") == "keep_alive_timeout"


@pytest.mark.parametrize(
    ("error", "said", "hint"),
    [
        (ConnectionRefusedError(), "nobody listens there", "check that the broker runs"),
        (socket.gaierror(-2, "Name or service not known"), "its name is not known", "`host` of [broker]"),
        (TimeoutError(), "does not answer", "firewalls"),
        (ConnectionResetError(), "closed the connection", "a port for TLS needs [broker.tls]"),
        (OSError(101, "Network is unreachable"), "Network is unreachable", "network of this computer"),
        (UnicodeError("label too long"), "no host name", "correct `host`"),
        (None, "no connection", "network of this computer"),
    ],
)
def test_an_error_while_connecting_is_explained(error: BaseException | None, said: str, hint: str) -> None:
    found = of_connect(error, "b:1883", encrypted=False)

    assert str(found).startswith("broker b:1883: ")
    assert said in str(found)
    assert hint in found.hint


@pytest.mark.parametrize(
    ("error", "said", "hint"),
    [
        (ssl.SSLEOFError(8, "EOF"), "during the tls handshake", "does not speak TLS"),
        (ConnectionResetError(), "during the tls handshake", "does not speak TLS"),
        (ssl.SSLError(1, "[SSL: UNSUPPORTED_PROTOCOL] old"), "tls failed", "TLS 1.1 or older"),
        (ssl.SSLError(1, "[SSL: SOMETHING_NEW] news"), "tls failed", "see the broker's log"),
        (ConnectionRefusedError(), "nobody listens there", "check that the broker runs"),
    ],
)
def test_an_error_of_tls_is_explained(error: BaseException, said: str, hint: str) -> None:
    found = of_connect(error, "b:8883", encrypted=True)

    assert said in str(found).lower()
    assert hint in found.hint


@pytest.mark.parametrize(
    ("name", "protocol", "hint"),
    [
        ("Unsupported protocol version", "5", 'protocol = "3.1.1"'),
        ("Unsupported protocol version", "3.1.1", 'protocol = "5"'),
        ("Bad user name or password", "5", "password_file"),
        ("Not authorized", "5", "`username`"),
        ("Client identifier not valid", "5", "`client_id`"),
        ("Payload format invalid", "5", "see the broker's log"),
    ],
)
def test_a_refused_connection_is_explained(name: str, protocol: str, hint: str) -> None:
    found = of_refusal(name, "b:1883", protocol)

    assert reason_key(name) in str(found)
    assert hint in found.hint


def test_only_a_missing_permission_points_to_the_access_list() -> None:
    assert "access list" in permission_hint("not_authorized")
    assert "access list" not in permission_hint("quota_exceeded")
