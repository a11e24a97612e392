"""The configuration the demo writes: valid, complete, and one the agent reads the demo's messages with."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.config import check, load
from edge_agent.core.decode import Decoder
from edge_agent.core.types import Limits, LogLine, Reading
from edge_agent.demo.engines import engines_script
from edge_agent.demo.script import Script, plant_script
from edge_agent.demo.settings import ADDRESS, HIGH_ALARMS, write_settings
from edge_agent.simulate.plant import PUMP, STEPS, Plant
from tests.demo.test_engines import write

NOW = 1_800_000_000.0


@pytest.fixture(params=["plant", "engines"])
def script(request: pytest.FixtureRequest, tmp_path: Path) -> Script:
    return plant_script(NOW) if request.param == "plant" else engines_script(write(tmp_path, list(range(12))), NOW)


@pytest.fixture
def config(script: Script, tmp_path: Path) -> Path:
    path = tmp_path / "edge-agent.toml"
    write_settings(path, tmp_path / "a b.db", script, "127.0.0.1", 18831)
    return path


def test_the_agent_accepts_the_configuration(config: Path, script: Script) -> None:
    assert check(config) == []
    loaded = load(config)
    assert loaded.address == ADDRESS
    assert loaded.broker.effective_port == 18831
    assert loaded.store.path == config.with_name("a b.db")
    assert len(loaded.assets) == len(script.machines)


def test_each_machine_gets_its_class_as_the_model_knows_it(config: Path, script: Script) -> None:
    loaded = load(config)
    specs = loaded.class_specs()
    for machine in script.machines:
        written = specs[loaded.asset_class(machine.asset) or ""]
        assert [(c.name, c.unit, c.component, c.condition) for c in written.channels] == [
            (c.name, c.unit, c.component, c.condition) for c in machine.spec.channels
        ]
        assert (written.step_s, written.baseline_steps) == (machine.spec.step_s, machine.spec.baseline_steps)
        assert (written.complete, written.running) == (machine.spec.complete, machine.spec.running)


def test_the_failing_machine_has_no_hard_limit(config: Path, script: Script) -> None:
    specs = load(config).class_specs()
    for machine in script.machines:
        limits = {c.name: c.limits for c in specs[machine.spec.name].channels if c.limits != Limits()}
        expected = {channel for name, channel in HIGH_ALARMS if name == machine.spec.name}
        assert set(limits) == expected
        assert not (machine.truth.fails and limits)


def test_every_message_is_read_by_the_configuration(config: Path, script: Script) -> None:
    decoder = Decoder(load(config).sources())
    readings: list[Reading] = []
    logs: list[LogLine] = []
    for step in script.play():
        for message in step.messages:
            decoded = decoder.decode(message.topic, message.payload, 0.0)
            assert decoded.faults == ()
            assert len(decoded.readings) == message.readings
            readings += decoded.readings
            logs += decoded.logs
    assert {reading.asset for reading in readings} == {machine.asset for machine in script.machines}
    assert min(reading.time for reading in readings) == script.start
    assert bool(logs) is not script.rows


def test_no_healthy_machine_comes_near_its_hard_limit() -> None:
    limits = {(p, c): v for (p, c), v in HIGH_ALARMS.items()}
    plant = Plant()
    classes = {asset: spec.name for asset, spec in plant.specs.items()}
    highest = {
        key: max(
            event.value
            for event in plant
            if isinstance(event, Reading) and (classes[event.asset], event.channel) == key
        )
        for key in limits
    }
    assert all(highest[key] < 0.95 * limits[key] for key in limits)
    assert classes[PUMP] not in {name for name, _ in limits}
    assert len(plant.times) == STEPS
