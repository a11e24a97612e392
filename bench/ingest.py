"""Durable ingest: QoS 1, MQTT 5, real broker, real disk, against a bare paho loop that only counts.

The messages wait at the broker before the clock starts, so that no publisher competes for the processor. The clock runs
from the connection to the last message counted, or, for the agent, committed. No verdict is made: `verdict_every` is
beyond the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from bench.agent import Agent, Started, cpu_s, wait_for
from bench.counter import CONNECTED, COUNTED
from bench.figures import Figure, UnmeasuredError
from bench.site import Place, Setting, reserve, running_broker, scalar
from edge_agent.core.types import ChannelSpec, ClassSpec
from edge_agent.demo.broker import HOST
from edge_agent.mqtt.feed import Feed
from edge_agent.store.queries import open_readonly, unpack

BENCH = "ingest"
MESSAGES = (20_000, 2_000)
ROUNDS = (3, 1)
ASSETS, CHANNELS = 20, 5
START = 1_760_000_000.0 - 1_760_000_000.0 % 60.0
DEADLINE_S = 120.0
POLL_S = 0.01  # a look into SQLite costs the machine something
TOPIC = "plant/+/+"
LEAST_RATE, MOST_CPU = 0.7, 1.5
SPEC = ClassSpec(
    name="machine",
    channels=tuple(ChannelSpec(name=f"c{i}", unit="mm/s") for i in range(CHANNELS)),
    step_s=60.0,
    verdict_every=10_000,
    baseline_steps=10_000,
    silent_after_s=86_400.0,
)


@dataclass(frozen=True, slots=True)
class Drain:
    """How one client took all messages."""

    seconds: float
    cpu_s: float


def measure(setting: Setting) -> tuple[list[Figure], list[str]]:
    """Rates, processor time per message and their ratios; steps of a minute, then of a second."""
    messages, rounds = setting.size(*MESSAGES), setting.size(*ROUNDS)
    with running_broker(setting.new(BENCH)) as broker:
        bare, agent = [], []
        for number in range(rounds):  # in turn, so that a busy moment hits both
            bare.append(_bare(setting.folder / BENCH, broker.port, messages, number))
            place = Place(setting.folder / BENCH, f"minute-{number}", broker.port)
            agent.append(_agent(place, SPEC, messages))
        place = Place(setting.folder / BENCH, "second", broker.port)
        dense = _agent(place, replace(SPEC, step_s=1.0, complete=True), messages)
    rates = [messages / drain.seconds for drain in agent]
    costs = [drain.cpu_s / messages * 1e6 for drain in agent]
    bare_rates = [messages / drain.seconds for drain in bare]
    bare_costs = [drain.cpu_s / messages * 1e6 for drain in bare]
    each = f"{messages} messages, {rounds} rounds in turn, {ASSETS} assets of {CHANNELS} channels, steps of 60 readings"
    windows = f"{messages} messages, steps of a reading per channel"
    return [
        Figure(bench=BENCH, name="bare paho loop", value=median(bare_rates), unit="msg/s", how=each),
        Figure(bench=BENCH, name="agent", value=median(rates), unit="msg/s", how=each),
        Figure(
            bench=BENCH, name="agent to bare loop", value=median(rates) / median(bare_rates), unit="x",
            budget=LEAST_RATE, at_least=True, how="medians, end to end",
        ),
        Figure(bench=BENCH, name="bare paho loop, processor", value=median(bare_costs), unit="µs/msg", how=each),
        Figure(bench=BENCH, name="agent, processor", value=median(costs), unit="µs/msg", how=each),
        Figure(
            bench=BENCH, name="agent to bare loop, processor", value=median(costs) / median(bare_costs), unit="x",
            budget=MOST_CPU, how="medians",
        ),
        Figure(
            bench=BENCH, name=f"agent, a window every {CHANNELS} messages", value=messages / dense.seconds,
            unit="msg/s", how=windows,
        ),
        Figure(
            bench=BENCH, name="the same, processor", value=dense.cpu_s / messages * 1e6, unit="µs/msg", how=windows
        ),
    ], []  # fmt: skip


def _bare(folder: Path, port: int, messages: int, number: int) -> Drain:
    client_id = f"bare-{number}"
    reserve(port, client_id, TOPIC)
    preload(port, messages)
    command = ["-m", "bench.counter", str(port), client_id, TOPIC, str(messages)]
    with Started(command, folder / f"{client_id}.log") as counter:
        wait_for(lambda: counter.said(CONNECTED), "the bare loop connects", DEADLINE_S)
        began, spent = time.monotonic(), cpu_s(counter.pid)
        wait_for(lambda: counter.said(COUNTED), "the bare loop counts all messages", DEADLINE_S)
        return Drain(time.monotonic() - began, cpu_s(counter.pid) - spent)


def _agent(place: Place, spec: ClassSpec, messages: int) -> Drain:
    place.write(spec)
    return take_in(place, messages, lambda: Agent(place.config))


def take_in(place: Place, messages: int, start: Callable[[], Agent]) -> Drain:
    """How an agent takes in so many messages that wait at the broker.

    Raises:
        UnmeasuredError: it does not, or SQLite does not hold each once.
    """
    reserve(place.port, f"edge-agent-{place.name}", TOPIC)
    preload(place.port, messages)
    with start() as agent:
        wait_for(lambda: agent.said("link_up"), "the agent connects", DEADLINE_S)
        began, spent = time.monotonic(), cpu_s(agent.pid)
        wait_for(lambda: place.readings() >= messages, "the agent commits all messages", DEADLINE_S, POLL_S)
        drain = Drain(time.monotonic() - began, cpu_s(agent.pid) - spent)
    with closing(open_readonly(place.database)) as db:
        stored = sum(1 for reading in unpack(db, 0.0, 4e9) if reading.channel)
    if stored != messages:
        raise UnmeasuredError(f"{messages} messages were sent, {stored} readings are in SQLite")
    return drain


def preload(port: int, messages: int) -> None:
    """Publish a reading a second of each channel, in order of time."""
    with Feed(HOST, port) as feed:
        for k in range(messages):
            tick, channel = divmod(k, ASSETS * CHANNELS)
            asset, name = divmod(channel, CHANNELS)
            feed.publish(f"plant/m{asset:02d}/c{name}", scalar(2.0 + (k * 7 % 13) / 10.0, START + tick))
        if not feed.drain(DEADLINE_S):
            raise UnmeasuredError("the broker has not acknowledged all messages")
