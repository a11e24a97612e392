"""A notice on the wire: a CloudEvent of a type of its own, the same id for the same happening."""

from __future__ import annotations

import json

from edge_agent.core.notice import NOTICE_TYPE, Notice, NoticeData, NoticeEvent, notice_message
from edge_agent.core.topics import Address
from edge_agent.core.wire import ALARM_TYPE, LANE_ALARM, ModelPayload, Origin

ORIGIN = Origin(
    address=Address("acme", "plant-1", "gw-1"),
    model=ModelPayload(name="tiny", version="1", sha256="0" * 64),
    horizon="fails within 30 steps",
    config="c0",
    boot_id="b0",
    agent="0.0.0",
)
DATA = NoticeData(
    notice=Notice.JOURNAL_SET_ASIDE,
    about="/var/lib/edge-agent/edge-agent.db.bad-20260101T000000Z",
    reason="file is not a database",
    remedy="look at the disk",
    time="2026-01-01T00:00:00Z",
    clock="synced",
    boot_id="b0",
    agent="0.0.0",
)


def test_a_notice_travels_with_the_alarms_and_is_told_apart_by_its_type() -> None:
    message = notice_message(DATA, ORIGIN)
    envelope = NoticeEvent.model_validate_json(message.payload)
    assert (message.topic, message.qos, message.retain) == ("pdm/v1/acme/plant-1/gw-1/event", 1, False)
    assert message.lane == LANE_ALARM
    assert envelope.data == DATA
    written = json.loads(message.payload)
    assert written["type"] == NOTICE_TYPE
    assert written["type"] != ALARM_TYPE
    assert written["data"]["notice"] == "journal_set_aside"


def test_the_same_happening_is_one_notice_and_another_is_another() -> None:
    again = notice_message(DATA, ORIGIN)
    other = notice_message(DATA.model_copy(update={"about": "/elsewhere"}), ORIGIN)
    assert notice_message(DATA, ORIGIN) == again
    assert other.key != again.key
