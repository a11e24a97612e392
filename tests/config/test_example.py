"""The example that is installed: it can be used, shows every key, and shows the defaults."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from edge_agent.config import Broker, check, load
from edge_agent.config.sections.agent import Bundle, Gateway, Health, Log, Store
from edge_agent.config.sections.alarm import Alarm, SeverityRow, SeverityWord
from edge_agent.config.sections.asset_class import AssetClass, Channel
from edge_agent.config.sections.broker import Tls
from edge_agent.config.sections.outputs import Outputs, Sparkplug
from edge_agent.config.sections.source import Json, Source, WaveformTable
from edge_agent.core.decode import Decoder
from edge_agent.core.types import AlarmPolicy, Reading
from tests.config.files import EXAMPLE, fields, good, uncommented, write

SECTIONS: dict[str, type[BaseModel]] = {
    "gateway": Gateway, "broker": Broker, "broker.tls": Tls, "source": Source, "source.json": Json,
    "source.waveform": WaveformTable, "class": AssetClass,
    "class.channel": Channel, "alarm": Alarm, "alarm.severity": SeverityRow, "alarm.limit_severity": SeverityWord,
    "outputs": Outputs, "sparkplug": Sparkplug, "store": Store, "bundle": Bundle, "health": Health, "log": Log,
}  # fmt: skip


def test_the_example_can_be_used_as_it_is() -> None:
    config = load(EXAMPLE)
    found = Decoder(config.sources()).decode("plant-1/hall-3/Pump 7/vib", b"2.5", 0.0)

    assert check(EXAMPLE) == []
    assert found.readings == (Reading("pump-7", "vib", 0.0, 2.5),)
    assert config.asset_class("pump-7") == "pump"


def test_everything_in_the_example_can_be_switched_on(file: Path) -> None:
    problems = check(write(file, uncommented()))

    assert fields(problems) == [
        "broker.password_file", "broker.tls.ca", "broker.tls.certificate", "broker.tls.key", "source[6].class",
    ]  # fmt: skip


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_there_is_stands_in_the_example(section: str) -> None:
    tables: list[dict[str, object]] = [tomllib.loads(uncommented())]
    for part in section.split("."):
        found = [table[part] for table in tables if part in table]
        below = [item for one in found for item in (one if isinstance(one, list) else [one])]
        tables = [table for table in below if isinstance(table, dict)]
    written = {key for table in tables for key in table}

    expected = {info.alias or name for name, info in SECTIONS[section].model_fields.items()}
    assert expected - written <= {"password"}  # which must not stand in the file


def test_what_the_example_shows_behind_a_sign_is_the_default() -> None:
    shown = tomllib.loads(uncommented())
    alarm = Alarm.model_validate(shown["alarm"])

    assert Store.model_validate(shown["store"]) == Store()
    assert Health.model_validate(shown["health"]) == Health()
    assert Log.model_validate(shown["log"]) == Log()
    assert alarm.model_dump(
        exclude={"severity", "limit_severity", "silence_severity", "unit_severity", "raise_at", "clear_at"}
    ) == (
        Alarm().model_dump(
            exclude={"severity", "limit_severity", "silence_severity", "unit_severity", "raise_at", "clear_at"}
        )
    )
    for key in ("port", "protocol", "keepalive_s", "session_expiry_s", "receive_maximum"):
        usual = Broker(host="h").effective_port if key == "port" else getattr(Broker(host="h"), key)
        assert shown["broker"][key] == usual
    pump = AssetClass.model_validate(shown["class"][0])
    usual_class = AssetClass.model_validate({"name": "x", "channel": [{"name": "y"}]})
    own = {"name", "channel", "running"}
    assert pump.model_dump(exclude=own) == usual_class.model_dump(exclude=own)


def test_the_severity_table_of_the_example_is_the_default(file: Path) -> None:
    tables = re.search(r"^\[alarm\].*?(?=^# -)", uncommented(), re.MULTILINE | re.DOTALL)
    assert tables is not None
    lines = "\n".join(line for line in tables[0].splitlines() if not line.startswith(("raise_at", "clear_at")))

    assert load(good(file, alarm=lines)).policy() == AlarmPolicy()
