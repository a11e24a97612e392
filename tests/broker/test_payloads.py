"""What plants send, over a real broker into a real journal: each payload of docs/sources.md by its table."""

from __future__ import annotations

import json
import signal
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from edge_agent.errors import StoreError
from edge_agent.store import queries
from tests.mosquitto import until
from tests.small_agent import PATIENCE_S, SmallAgent, small_agent
from tests.test_sources_page import CASES, CHANNELS, PAYLOADS, blocks

pytestmark = pytest.mark.broker

UNITS = "".join(f'[[class.channel]]\nname = "{name}"\nunit = "{unit}"\n' for name, unit in CHANNELS.items())


def stored(agent: SmallAgent) -> list[tuple[str, str, float]]:
    """Asset, channel and value of every reading in the journal; empty while there is none."""
    try:
        with closing(queries.open_readonly(agent.database)) as db:
            return [(one.asset, one.channel, one.value) for one in queries.unpack(db, 0.0, 4e9) if one.channel]
    except StoreError:
        return []


def test_every_payload_of_the_page_becomes_readings_in_the_journal(tmp_path: Path) -> None:
    """All tables of the page in one configuration; readings whose times lie apart are stored, judged or not."""
    expected = sorted((asset, channel) for *_, rows, _ in CASES for asset, channel, _, _ in rows)
    with small_agent(tmp_path, tmp_path / "edge-agent.db") as agent:
        head, classes = agent.config.read_text(encoding="utf-8").split("[[source]]")
        tables = "".join(block for title in dict.fromkeys(case[0] for case in CASES) for block in blocks(title, "toml"))
        pump = classes.split("[[class.channel]]")[0].split("[[class]]")[1]
        agent.config.write_text(f'{head}{tables}[[class]]{pump}{UNITS}[assets]\n"*" = "pump"\n', encoding="utf-8")
        agent.start()
        for _, topic, file, _, _ in CASES:
            agent.ear.publish(topic, (PAYLOADS / file).read_bytes())
        until(lambda: len(stored(agent)) >= len(expected), "all readings are in SQLite", PATIENCE_S)

        found = stored(agent)
        assert sorted((asset, channel.lstrip("<>")) for asset, channel, _ in found) == expected
        assert sorted(value for *_, value in found) == pytest.approx(
            sorted(value for *_, rows, _ in CASES for *_, value in rows), rel=1e-3
        )


def test_a_change_of_unit_is_told_across_a_kill(tmp_path: Path) -> None:
    """Three steps before the kill and the rest after it are five in a row; the limit is crossed, and said to be."""
    normal = 60.0 + np.random.default_rng(5).normal(0.0, 0.5, 60)
    with small_agent(tmp_path, tmp_path / "edge-agent.db") as agent:
        text = agent.config.read_text(encoding="utf-8").replace('name = "temp"', 'name = "temp"\nunit = "degC"')
        agent.config.write_text(text.replace("baseline_steps = 1000", "baseline_steps = 20\nstep_s = 1"), "utf-8")
        agent.start()
        agent.send("temp", *normal[:40], *(normal[40:43] * 1.8 + 32.0))
        agent.wait_for_readings(float(np.float32(normal[42] * 1.8 + 32.0)))
        agent.stop(signal.SIGKILL)
        agent.start()
        agent.send("temp", *(normal[43:50] * 1.8 + 32.0))
        until(lambda: any(event["kind"] == "unit:temp" for event in agent.told()), "the unit is told", PATIENCE_S)

        assert {(e["kind"], e["transition"]) for e in agent.told()} == {
            ("limit:temp", "raised"),
            ("unit:temp", "raised"),
        }
        event = next(event for event in agent.told() if event["kind"] == "unit:temp")
        assert str(event["summary"]).startswith("temp reads like degF, its class says degC: ")
        assert json.dumps(event["evidence"]).count('"rule": "unit"') == 2
