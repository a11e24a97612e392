"""Whatever weights a bundle has, words, numbers, zones, topics and advice come from tables; hard limits alarm (G8)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from edge_agent.core.modes import MODES
from edge_agent.core.pipeline import Judge, Pipeline
from edge_agent.core.text import parts
from edge_agent.core.topics import Address
from edge_agent.core.types import AlarmPolicy, LogLine, Outgoing
from edge_agent.core.wire import ModelPayload, Origin, alarm_messages, risk_message
from tests.bundle.random_weights import with_random_weights
from tests.bundle.tiny import TINY
from tests.core.hostile import LINES
from tests.core.pump import PUMP, noise, outcomes, readings

DRAWS = 12
LEARNT = PUMP.baseline_steps
STEPS = LEARNT + 12
TABLE = ((0.95, "critical", 900), (0.8, "high", 700), (0.0, "medium", 500))  # risk from which, word, number
ORIGIN = Origin(
    address=Address("t", "s", "gw"), model=ModelPayload(name="m", version="1", sha256="0"), horizon="30 steps",
    config="c", boot_id="b", agent="0",
)  # fmt: skip
TOPICS = {"pdm/v1/t/s/gw/event", "pdm/v1/t/s/gw/asset/p1/risk"}


@dataclass(frozen=True, slots=True)
class Draw:
    """What one draw of weights says of the same pump."""

    texts: tuple[str, ...]
    messages: tuple[Outgoing, ...]

    @property
    def alarms(self) -> list[dict[str, object]]:
        """The `data` of every event."""
        return [json.loads(m.payload)["data"] for m in self.messages if m.topic.endswith("/event")]

    def of(self, kind: str) -> list[dict[str, object]]:
        """Those of one kind."""
        return [data for data in self.alarms if data["kind"] == kind]


def draw(folder: Path, seed: int) -> Draw:
    """A pump whose vibration passes warning and limit, judged with random weights; its log is hostile."""
    model = with_random_weights(TINY, folder, seed)
    target = Pipeline(
        {PUMP.name: PUMP}, lambda _: PUMP.name, {},
        AlarmPolicy(on_windows=1, off_windows=1, raise_at=0.5, clear_at=0.4, limit_off_s=0.0),
        Judge(score=cache(model.score), labels=model.info.labels, threshold=0.5),
    )  # fmt: skip
    target.log(LogLine("p1", 60.0, LINES[seed % len(LINES)]))
    values = noise(STEPS)
    values["vib"][LEARNT + 2 : LEARNT + 4] = 5.0
    values["vib"][LEARNT + 4 : LEARNT + 6] = 9.0
    values["temp"][LEARNT + 8 :] += 20.0
    found = outcomes(target, readings(values))
    verdicts = [verdict for outcome in found for verdict in outcome.verdicts]
    told = [event for outcome in found for event in outcome.events]
    messages = [m for e in told for m in alarm_messages(e, ORIGIN, observed=e.time, clock="synced")]
    return Draw(
        tuple(_without_log(v.text) for v in verdicts), (*messages, *(risk_message(v, ORIGIN) for v in verdicts))
    )


def _without_log(text: str) -> str:
    lines = parts(text)
    return "\n".join((lines.head, *lines.channels, *lines.silent))


@pytest.fixture(scope="module")
def draws(tmp_path_factory: pytest.TempPathFactory) -> list[Draw]:
    """Many draws of weights."""
    folder = tmp_path_factory.mktemp("random")
    return [draw(folder / str(seed), seed) for seed in range(DRAWS)]


def test_the_draws_differ_and_raise_alarms_of_every_severity(draws: list[Draw]) -> None:
    """Else nothing below would be shown."""
    risks = [data for one in draws for data in one.of("risk")]

    assert {data["severity"] for data in risks} == {"medium", "high", "critical"}
    assert len({data["mode"] for data in risks}) > 5
    assert len({one.messages for one in draws}) == DRAWS


def test_risk_and_severity_go_together_by_the_table(draws: list[Draw]) -> None:
    for data in (data for one in draws for data in one.of("risk")):
        risk, said = float(str(data["risk"])), (data["severity"], data["severity_number"])
        assert said in {(word, number) for _, word, number in TABLE}
        if data["transition"] in {"raised", "escalated"}:
            assert said == next((word, number) for least, word, number in TABLE if risk >= least - 5e-5)


def test_hard_limits_alarm_with_the_same_words_whatever_the_weights(draws: list[Draw]) -> None:
    first = draws[0].of("limit:vib")

    assert [data["transition"] for data in first] == ["raised", "cleared"]
    assert {data["severity"] for data in first} == {"critical"}
    assert [one.of("limit:vib") for one in draws] == [first] * DRAWS


def test_zones_and_texts_are_those_of_the_readings(draws: list[Draw]) -> None:
    zones = [line.split(" ")[-1] for text in draws[0].texts for line in text.split("\n") if line.startswith("vib ")]

    assert {"warning", "alarm"} <= set(zones)
    assert {one.texts for one in draws} == {draws[0].texts}


def test_topics_are_those_of_the_asset_and_its_alarms(draws: list[Draw]) -> None:
    for one in draws:
        ids = {f"pdm/v1/t/s/gw/asset/p1/alarm/{data['alarm']}" for data in one.alarms}
        assert {m.topic for m in one.messages} == TOPICS | ids
        assert {(m.qos, m.lane) for m in one.messages if m.topic != "pdm/v1/t/s/gw/asset/p1/risk"} == {(1, 0)}


def test_modes_and_advice_are_rows_of_the_table(draws: list[Draw]) -> None:
    for data in (data for one in draws for data in one.of("risk")):
        known = MODES[str(data["mode"])]
        assert data["mode_name"] == known.name
        if data["active"]:
            assert str(data["summary"]).endswith(f". {known.check}")
