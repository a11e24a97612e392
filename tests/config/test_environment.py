"""The environment and credentials beside the file, and secrets that nobody may read in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.config import check, load
from edge_agent.config.problems import SECRET
from tests.config.files import BROKER, fields, good


def test_the_environment_counts_more_than_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_AGENT__BROKER__HOST", "192.0.2.10")
    monkeypatch.setenv("EDGE_AGENT__BROKER__TLS__ENABLED", "true")
    monkeypatch.setenv("EDGE_AGENT__HEALTH__PORT", "9108")
    config = load(good(file))

    assert (config.broker.host, config.broker.effective_port, config.health.port) == ("192.0.2.10", 8883, 9108)


def test_a_bad_value_of_the_environment_names_the_variable(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_AGENT__BROKER__PORT", "many")
    monkeypatch.setenv("EDGE_AGENT__BROKER__HOTS", "h")
    problems = {p.field: p for p in check(good(file))}

    assert "EDGE_AGENT__BROKER__PORT" in problems["broker.port"].reason
    assert problems["broker.hots"].remedy.startswith("did you mean `host`?")


def test_an_unknown_section_in_the_environment_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_AGENT__BROKR__HOST", "h")
    monkeypatch.setenv("EDGE_AGENT__ZZZ", "h")
    problems = check(good(file))

    assert [(p.field, p.value) for p in problems] == [
        ("$EDGE_AGENT__BROKR__HOST", SECRET),
        ("$EDGE_AGENT__ZZZ", SECRET),
    ]
    assert problems[0].remedy == "did you mean EDGE_AGENT__BROKER__...?"


def test_a_variable_for_a_whole_table_must_be_json(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_AGENT__SOURCE", "plant/#")

    assert "is no JSON" in check(good(file))[0].reason


def test_a_password_in_the_file_is_refused_and_not_repeated(file: Path) -> None:
    problems = check(good(file, broker=BROKER + 'username = "u"\npassword = "hunter2"\n'))

    assert [(p.field, p.value) for p in problems] == [("broker.password", SECRET)]
    assert "hunter2" not in "".join(map(str, problems))


def test_the_password_comes_from_environment_then_file_then_credential(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def password(broker: str) -> str | None:
        secret = load(good(file, broker=broker)).broker.password
        return None if secret is None else secret.get_secret_value()

    (tmp_path / "mqtt-password").write_text("from credential\n", encoding="utf-8")
    (tmp_path / "secret").write_text("from file\nsecond line\n", encoding="utf-8")
    named = BROKER + 'username = "u"\n'
    assert password(named) is None
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert password(named) == "from credential"
    assert password(BROKER) is None  # no user: the credential was meant for another setup
    assert password(f'{named}password_file = "{tmp_path / "secret"}"\n') == "from file"
    monkeypatch.setenv("EDGE_AGENT__BROKER__PASSWORD", "from environment")
    assert password(f'{named}password_file = "{tmp_path / "secret"}"\n') == "from environment"


def test_a_missing_credential_is_no_fault(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    assert load(good(file, broker=BROKER + 'username = "u"\n')).broker.password is None


def test_a_password_cannot_be_printed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_AGENT__BROKER__PASSWORD", "hunter2")
    config = load(good(file, broker=BROKER + 'username = "u"\n'))

    assert "hunter2" not in f"{config!r} {config} {config.model_dump()} {config.model_dump_json()}"


def test_a_password_is_not_in_the_report_of_what_is_wrong(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_AGENT__BROKER__PASSWORD__X", "hunter2")
    problems = check(good(file))

    assert "broker.password" in "".join(fields(problems))
    assert "hunter2" not in "".join(map(str, problems))


def test_an_empty_password_file_is_told(file: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("", encoding="utf-8")
    problems = check(good(file, broker=f'{BROKER}username = "u"\npassword_file = "{tmp_path / "secret"}"\n'))

    assert [(p.field, p.reason) for p in problems] == [("broker.password_file", "the file of the password is empty")]
