"""The comparison with rivals: the script counts what is lost, the flow is one, the picture says what was measured."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET  # our own output
from collections import Counter
from pathlib import Path

import pytest

from bench.agent import Started
from bench.bar_chart import Panel, bars
from bench.rivals.contenders import TOPIC, FarEnd
from bench.rivals.flow import flow
from bench.rivals.script import kills, message, rush

LOST, TWICE = 10, 7  # every tenth, every seventh


class Forgetful:
    """Takes every message as it comes, but has never seen some of them, and others twice."""

    name = "forgetful"
    how = "to be found out"

    def prepare(self, folder: Path, near: int, far: int) -> None:
        self._folder, self._end = folder, FarEnd(near, TOPIC).open()
        assert far != near

    def start(self) -> Started:
        return Started(["-c", "import time; time.sleep(60)"], self._folder / "log")

    def arrived(self) -> Counter[int]:
        return Counter({n: 2 if n % TWICE == 0 else 1 for n in self._end.heard() if n % LOST})

    def count(self) -> int:
        return len(self.arrived())

    def close(self) -> None:
        self._end.close()


@pytest.mark.broker
def test_the_script_counts_what_a_contender_loses_and_repeats(tmp_path: Path) -> None:
    told: list[int] = []

    found = kills(Forgetful(), tmp_path, 1, seed=1, rate=100, tell=told.append, quiet_s=1.0)

    assert told == [1]
    assert found.sent >= 100  # a second without it, at least
    assert abs(found.lost - found.sent / LOST) <= 1
    assert abs(found.repeated - found.sent / TWICE * (1 - 1 / LOST)) <= 2


@pytest.mark.broker
def test_a_rush_says_what_is_missing_without_any_kill(tmp_path: Path) -> None:
    found = rush(Forgetful(), tmp_path, 500, quiet_s=1.0)

    assert found.missing == 500 / LOST
    assert found.per_s > 0


def test_no_two_messages_are_of_one_channel_and_time() -> None:
    """ThingsBoard keeps one value of a key and time: another would look lost."""
    sent = [message(number) for number in range(1000)]

    assert len({(topic, json.loads(payload)["ms"]) for topic, payload in sent}) == len(sent)
    assert [json.loads(payload)["v"] for _, payload in sent] == list(range(1000))


def test_every_wire_of_the_flow_leads_to_a_node() -> None:
    nodes = flow("plant/#", "127.0.0.1", 1883, 1884, "buffer.db")
    names = {node["id"] for node in nodes}
    wires = [to for node in nodes for outputs in node.get("wires", []) for to in outputs]  # type: ignore[attr-defined]

    assert len(names) == len(nodes)
    assert set(wires) <= names


def test_no_node_of_the_flow_seems_to_refer_to_itself() -> None:
    """Node-RED takes any property that is an id for a reference, and starts nothing where they form a circle."""
    for node in flow("plant/#", "127.0.0.1", 1883, 1884, "buffer.db"):
        assert [name for name, value in node.items() if value == node["id"]] == ["id"]


def test_the_picture_says_every_value_and_marks_the_first_as_ours() -> None:
    picture = bars(
        "Who <loses>", ("ours", "theirs"), [Panel("lost", (0.0, 41.0)), Panel("memory", (120.0, 80.0), "MB")]
    )

    text = "".join(ET.fromstring(picture).itertext())  # noqa: S314 - as above
    for word in ("Who <loses>", "ours", "theirs", "41", "120 MB", "80.0 MB"):
        assert word in text
    assert picture.count('class="mine"') == 2
