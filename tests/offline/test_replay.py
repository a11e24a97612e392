"""Rows as messages: topics, payloads, pace, and where to go on."""

from __future__ import annotations

import json

import pytest

from edge_agent.errors import DataError, LinkError, UsageError
from edge_agent.offline.replay import Addressing, Message, Pace, Replay, Row, Stamp, rows_of, stamp_for
from edge_agent.tables.layout import Layout
from tests.offline.conftest import Load

TOPIC = "plant/site/{asset}/{channel}"


class Broker:
    """Publisher: takes messages, acknowledges the first `acknowledged`; refuses from the `refuses`-th on."""

    def __init__(self, acknowledged: int | None = None, refuses: int | None = None) -> None:
        self.taken: list[Message] = []
        self._most, self._refuses = acknowledged, refuses

    @property
    def acknowledged(self) -> int:
        return len(self.taken) if self._most is None else min(self._most, len(self.taken))

    def publish(self, topic: str, payload: bytes) -> None:
        if len(self.taken) == self._refuses:
            raise LinkError("told to refuse")
        self.taken.append(Message(topic, payload))

    def drain(self, timeout_s: float) -> bool:
        return timeout_s >= 0 and self.acknowledged == len(self.taken)


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def scalar(assets: int = 1) -> Addressing:
    return Addressing(TOPIC, json_rows=False, stamp=Stamp.NONE, assets=assets)


def test_rows_of_all_assets_are_in_order_of_time(load_lines: Load) -> None:
    dataset = load_lines(
        "time,m,x,y", "3,b,1,2", "1,a,3,", "2,b,4,5", "1,b,6,7", layout=Layout(asset="m")
    )  # fmt: skip

    assert list(rows_of(dataset)) == [
        Row(1, 1.0, "b", {"x": 6.0, "y": 7.0}),
        Row(2, 1.0, "a", {"x": 3.0}),
        Row(3, 2.0, "b", {"x": 4.0, "y": 5.0}),
        Row(4, 3.0, "b", {"x": 1.0, "y": 2.0}),
    ]


def test_scalar_messages_leave_out_missing_values() -> None:
    assert scalar().messages(Row(1, 5.0, "p1", {"vib": 2.25, "temp": 60.0}), 0.0) == [
        Message("plant/site/p1/vib", b"2.25"),
        Message("plant/site/p1/temp", b"60.0"),
    ]
    assert scalar().messages(Row(1, 5.0, "p1", {}), 0.0) == []


@pytest.mark.parametrize(("stamp", "head"), [(Stamp.FILE, {"ts": 5.0}), (Stamp.NOW, {"ts": 99.5}), (Stamp.NONE, {})])
def test_json_rows_carry_the_time_that_is_wanted(stamp: Stamp, head: dict[str, float]) -> None:
    addressing = Addressing("plant/{asset}", json_rows=True, stamp=stamp, assets=1)

    (message,) = addressing.messages(Row(1, 5.0, "p1", {"vib": 2.25}), 99.5)

    assert message.topic == "plant/p1"
    assert json.loads(message.payload) == {**head, "vib": 2.25}


@pytest.mark.parametrize(
    ("topic", "json_rows", "assets", "message"),
    [
        ("plant/{asset}", False, 1, "must name {channel}"),
        (TOPIC, True, 1, "must not name {channel}"),
        ("plant/{channel}", False, 2, "would mix 2 assets"),
        ("plant/{machine}/{channel}", False, 1, "nothing to put for {machine}"),
        ("plant/+/{channel}", False, 1, "no topic to write to"),
        ("plant/{asset}/{channel}/#", False, 1, "no topic to write to"),
        ("plant/a{asset}/{channel}", False, 1, "must be plain text"),
        ("", False, 1, "a topic needs"),
    ],
)
def test_topic_that_cannot_work_is_refused(topic: str, json_rows: bool, assets: int, message: str) -> None:  # noqa: FBT001
    with pytest.raises(UsageError, match=message):
        Addressing(topic, json_rows=json_rows, stamp=Stamp.NONE, assets=assets)


@pytest.mark.parametrize(("asset", "channel"), [("a/b", "x"), ("a", "x+y"), ("a", "flow #2")])
def test_name_that_cannot_stand_in_a_topic_is_refused(asset: str, channel: str) -> None:
    with pytest.raises(DataError, match="cannot stand in a topic"):
        scalar().messages(Row(1, 5.0, asset, {channel: 1.0}), 0.0)


@pytest.mark.parametrize(
    ("pace", "moments"),
    [
        (Pace(speed=2.0), [0.0, 5.0, 15.0]),
        (Pace(rate=4.0), [0.0, 0.25, 0.5]),
        (Pace(speed=0.0), [0.0, 0.0, 0.0]),
    ],
)
def test_rows_are_sent_when_they_are_due(pace: Pace, moments: list[float]) -> None:
    time, sent = Time(), []
    rows = [Row(i, t, "p", {"x": 1.0}) for i, t in enumerate((100.0, 110.0, 130.0), 1)]
    replay = Replay(scalar(), pace, clock=time.read, wall=time.read, sleep=time.sleep)

    replay.send(rows, Broker(), lambda: sent.append(time.now - 1000.0))

    assert sent == pytest.approx(moments)
    assert (replay.rows, replay.messages) == (3, 3)


def test_row_to_go_on_from_is_the_first_not_wholly_acknowledged() -> None:
    rows = [Row(i, 0.0, "p", {"x": 1.0, "y": 2.0}) for i in range(7, 12)]
    replay, broker = Replay(scalar(), Pace(speed=0.0)), Broker(acknowledged=5)

    replay.send(rows, broker)

    assert replay.resume(broker) == 9


def test_row_to_go_on_from_is_known_after_a_refusal() -> None:
    rows = [Row(i, 0.0, "p", {"x": 1.0, "y": 2.0}) for i in range(1, 6)]
    replay, broker = Replay(scalar(), Pace(speed=0.0)), Broker(refuses=3)

    with pytest.raises(LinkError):
        replay.send(rows, broker)

    assert replay.resume(broker) == 2


def test_row_to_go_on_from_is_past_the_end_when_all_is_done() -> None:
    replay, broker = Replay(scalar(), Pace(speed=0.0)), Broker()
    replay.send([Row(i, 0.0, "p", {"x": 1.0}) for i in (1, 2)], broker)

    assert replay.resume(broker) == 3


def test_file_without_dates_has_no_time_to_send(load_lines: Load) -> None:
    counted, dated = load_lines("time,x", "1,5"), load_lines("time,x", "2024-05-01 12:00,5")

    assert (stamp_for(counted, None), stamp_for(dated, None)) == (Stamp.NONE, Stamp.FILE)
    assert stamp_for(counted, Stamp.NOW) is Stamp.NOW
    with pytest.raises(UsageError, match="has no dates"):
        stamp_for(counted, Stamp.FILE)
