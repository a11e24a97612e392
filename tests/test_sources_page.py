"""docs/sources.md: every table of the page is accepted, and reads the payload that stands beside it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from edge_agent.config import load
from edge_agent.core.decode import Decoder, Reason

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
PAYLOADS = ROOT / "tests" / "data" / "payloads"
NOW = 1717243205.0
HEAD = """
[gateway]
tenant = "acme"
site = "plant-1"
name = "gw-1"
[broker]
host = "127.0.0.1"
[assets]
"*" = "machine"
[[class]]
name = "machine"
"""
CHANNELS = {
    "temp": "degC", "vib": "mm/s", "power": "kW", "power.sum": "kWh", "current": "A",
    "vib.rms": "m/s2", "vib.peak": "m/s2", "vib.crest": "", "vib.kurtosis": "", "vib.shaft": "m/s2",
    "vib.high": "mm/s2",
}  # fmt: skip
Row = tuple[str, str, float, float]  # asset, channel, seconds after NOW, value


def blocks(title: str, language: str) -> list[str]:
    """The blocks of one language in the section of a title."""
    section = PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def decoder(title: str, folder: Path) -> Decoder:
    """What reads messages by a table of the page."""
    channels = "".join(f'[[class.channel]]\nname = "{name}"\nunit = "{unit}"\n' for name, unit in CHANNELS.items())
    file = folder / "edge-agent.toml"
    file.write_text(HEAD + channels + "".join(blocks(title, "toml")), encoding="utf-8")
    return Decoder(load(file).sources())


CASES: list[tuple[str, str, str, list[Row], list[Reason]]] = [
    (
        "SenML", "plant-1/hall-3/senml", "senml-vibration-node.json",
        [
            ("urn-dev-mac-0024befffe804ff1", "temp", -4.75, 48.5),
            ("urn-dev-mac-0024befffe804ff1", "vib", -4.75, 2.3),
            ("urn-dev-mac-0024befffe804ff1", "temp", -14.75, 48.2),
            ("urn-dev-mac-0024befffe804ff1", "power", -4.75, 1.2),
            ("urn-dev-mac-0024befffe804ff1", "power.sum", -4.75, 1.5),
        ],
        [Reason.NOT_A_NUMBER, Reason.BOOLEAN],
    ),
    (
        "ThingsBoard gateway", "v1/gateway/telemetry", "thingsboard-gateway.json",
        [
            ("press-4", "temp", -5, 48.5), ("press-4", "vib", -5, 2.3), ("press-4", "temp", -4, 48.6),
            ("press-4", "vib", -4, 2.4), ("press-5", "temp", 0, 51.0), ("press-5", "temp", 0, 51.1),
        ],
        [Reason.NOT_A_NUMBER],
    ),
    (
        "ThingsBoard device", "plant-1/pump-7/telemetry", "thingsboard-device.json",
        [("pump-7", "temp", -4.488, 48.5), ("pump-7", "temp", 0, 48.6)],
        [Reason.BOOLEAN, Reason.UNKNOWN_CHANNEL],
    ),
    (
        "Zigbee2MQTT", "zigbee2mqtt/pump-7", "zigbee2mqtt-plug.json",
        [("pump-7", "temp", -2, 48.5), ("pump-7", "current", -2, 5.2), ("pump-7", "power", -2, 1.2)],
        [],
    ),
    (
        "Tasmota", "tele/pump-7/SENSOR", "tasmota-sensor.json",
        [("pump-7", "temp", 0, 48.5), ("pump-7", "power", 0, 1.2), ("pump-7", "current", 0, 5.2)],
        [],
    ),
    (
        "Waveform", "plant-1/pump-7/vib/waveform", "waveform.json",
        [
            ("pump-7", "vib.rms", -5, 0.142952), ("pump-7", "vib.peak", -5, 0.237523),
            ("pump-7", "vib.crest", -5, 1.661564), ("pump-7", "vib.kurtosis", -5, 1.665744),
            ("pump-7", "vib.shaft", -5, 0.138687), ("pump-7", "vib.high", -5, 34.6717),
        ],
        [],
    ),
    (
        "One number that names itself", "plant-1/pump-7/tags", "json-unit.json",
        [("pump-7", "temp", -2, 48.5)],
        [],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("title", "topic", "file", "rows", "refused"), CASES, ids=[c[2] for c in CASES])
def test_a_payload_of_the_page_is_read_by_its_table(  # noqa: PLR0913 - the columns of the table above
    tmp_path: Path, title: str, topic: str, file: str, rows: list[Row], refused: list[Reason]
) -> None:
    """Readings in their order, and what is left out by reason."""
    found = decoder(title, tmp_path).decode(topic, (PAYLOADS / file).read_bytes(), NOW)

    assert [(r.asset, r.channel) for r in found.readings] == [(asset, channel) for asset, channel, _, _ in rows]
    assert [r.time - NOW for r in found.readings] == pytest.approx([time for _, _, time, _ in rows], abs=1e-3)
    assert [r.value for r in found.readings] == pytest.approx([value for _, _, _, value in rows], rel=1e-3)
    assert [fault.reason for fault in found.faults] == refused


@pytest.mark.parametrize(("title", "topic", "file"), [c[:3] for c in CASES], ids=[c[2] for c in CASES])
def test_the_page_shows_the_payload_that_is_read(title: str, topic: str, file: str) -> None:
    """And names the topic it comes on."""
    payload = json.loads((PAYLOADS / file).read_text(encoding="utf-8"))

    assert payload in [json.loads(block) for block in blocks(title, "json")]
    assert f"`{topic}`" in PAGE


def test_every_payload_kept_is_on_the_page() -> None:
    """A sample that nothing reads says nothing."""
    assert sorted(path.name for path in PAYLOADS.iterdir()) == sorted({case[2] for case in CASES})
