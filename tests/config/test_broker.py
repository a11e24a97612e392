"""[broker] and [broker.tls]: what they mean, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.config import check, load
from tests.config.files import BROKER, fields, good


def test_the_port_follows_from_tls(file: Path) -> None:
    tls = BROKER + "[broker.tls]\n"

    assert load(good(file)).broker.effective_port == 1883
    assert load(good(file, broker=tls)).broker.effective_port == 8883
    assert load(good(file, broker=tls + "enabled = false\n")).broker.effective_port == 1883
    assert load(good(file, broker=BROKER + "port = 9\n[broker.tls]\n")).broker.effective_port == 9


def test_the_protocol_may_be_written_as_a_number(file: Path) -> None:
    assert load(good(file, broker=BROKER + "protocol = 5\n")).broker.protocol == "5"


@pytest.mark.parametrize("host", ["broker.plant.example", "192.0.2.10", "::1", "2001:db8::1", "b\u00fcro.example"])
def test_a_host_is_a_name_or_an_address(file: Path, host: str) -> None:
    assert load(good(file, broker=f'[broker]\nhost = "{host}"\n')).broker.host == host


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("mqtts://broker", "is a web address"),
        ("broker:1883", "holds a port"),
        ("1:2:3", "is no host name"),
        ("a..b", "is no host name"),
        ("x" * 64, "is no host name"),
        ("", "is empty"),
    ],
)
def test_a_host_that_is_none_is_refused(file: Path, host: str, reason: str) -> None:
    assert [p.reason for p in check(good(file, broker=f'[broker]\nhost = "{host}"\n'))] == [reason]


@pytest.mark.parametrize(
    ("tls", "expected"),
    [
        ("certificate = '{here}'\n", ["broker.tls.key"]),
        ("key = '{here}'\n", ["broker.tls.certificate"]),
        ("certificate = '{here}'\nkey = '{here}'\n", []),
        ("ca = '{folder}'\n", ["broker.tls.ca"]),
        ("insecure = true\n", ["broker.tls.insecure"]),
    ],
)
def test_tls_files_are_looked_at(file: Path, tmp_path: Path, tls: str, expected: list[str]) -> None:
    here = tmp_path / "x.pem"
    here.write_text("x", encoding="utf-8")
    text = tls.replace("{here}", str(here)).replace("{folder}", str(tmp_path))

    assert fields(check(good(file, broker=BROKER + "[broker.tls]\n" + text))) == expected


def test_a_password_needs_a_user(file: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x", encoding="utf-8")
    problems = check(good(file, broker=f'{BROKER}password_file = "{tmp_path / "secret"}"\n'))

    assert fields(problems) == ["broker.username"]
