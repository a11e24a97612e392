"""A backlog after an outage: how fast what waits in the outbox reaches the broker, unpaced and at the default pace.

The messages are committed through the agent's own journal before it starts; an independent client notes each arrival.
The rate is of the arrivals between the first and the last.
"""

from __future__ import annotations

import json

from bench.agent import Agent, wait_for
from bench.figures import Figure
from bench.ingest import DEADLINE_S, SPEC
from bench.site import PUBLISH_PER_S, SITE, TENANT, Onlooker, Place, Setting, running_broker
from edge_agent.app import store_settings
from edge_agent.config import load
from edge_agent.core.types import Outgoing
from edge_agent.core.wire import LANE_HISTORY
from edge_agent.ports import Batch
from edge_agent.store.journal import open_journal

BENCH = "drain"
MESSAGES = (20_000, 2_000)
PACED = (4_000, 1_000)
GROUPS = 100
UNPACED = 100_000.0  # a second: more than it can
PAYLOAD = json.dumps({"text": "x" * 400}).encode()  # about as long as an alarm event


def measure(setting: Setting) -> tuple[list[Figure], list[str]]:
    """Messages a second, without a pace and with the default one."""
    with running_broker(setting.new(BENCH)) as broker:
        unpaced = _drain(Place(setting.folder / BENCH, "unpaced", broker.port), setting.size(*MESSAGES), UNPACED)
        paced = _drain(Place(setting.folder / BENCH, "paced", broker.port), setting.size(*PACED), PUBLISH_PER_S)
    how = "messages of {} bytes, QoS 1, each marked as sent in SQLite".format
    return [
        Figure(
            bench=BENCH, name="backlog without a pace", value=unpaced, unit="msg/s",
            how=f"{setting.size(*MESSAGES)} {how(len(PAYLOAD))}",
        ),
        Figure(
            bench=BENCH, name=f"backlog at publish_per_s = {PUBLISH_PER_S:.0f}", value=paced, unit="msg/s",
            how=f"{setting.size(*PACED)} {how(len(PAYLOAD))}; the first second's worth goes at once",
        ),
    ], []  # fmt: skip


def _drain(place: Place, messages: int, publish_per_s: float) -> float:
    place.write(SPEC, publish_per_s=publish_per_s)
    topic = f"pdm/v1/{TENANT}/{SITE}/{place.name}/backlog"
    journal = open_journal(store_settings(load(place.config)))
    journal.commit(Batch(outgoing=[_message(topic, number) for number in range(messages)]))
    journal.close()
    with Onlooker(place.port, topic) as onlooker, Agent(place.config):
        wait_for(lambda: len(onlooker.heard) >= messages, "the backlog arrives", DEADLINE_S)
        moments = [moment for moment, _ in onlooker.heard]
    return (len(moments) - 1) / (moments[-1] - moments[0])


def _message(topic: str, number: int) -> Outgoing:
    """A message of one of a hundred groups, of which one at a time may be on its way."""
    group = f"asset-{number % GROUPS}"
    return Outgoing(key=str(number), topic=topic, payload=PAYLOAD, qos=1, retain=False, lane=LANE_HISTORY, group=group)
