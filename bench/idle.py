"""An agent with little to do: ten machines, a reading a second each, a verdict on each in a minute."""

from __future__ import annotations

import time
from dataclasses import replace

from bench.agent import Agent, cpu_s, resident_mb, wait_for
from bench.figures import Figure
from bench.site import Place, Setting, running_broker, scalar
from edge_agent.core.types import ClassSpec
from edge_agent.demo.broker import HOST
from edge_agent.mqtt.feed import Feed
from edge_agent.simulate.machines import class_spec

BENCH = "idle"
ASSETS = 10
PERIOD_S = (60.0, 15.0)  # also the step of the class: a verdict on each machine in every period
WARM_S = 5.0
DEADLINE_S = 30.0
MOST_MB, MOST_CPU = 130.0, 1.0
KIND = "motor"


def measure(setting: Setting) -> tuple[list[Figure], list[str]]:
    """Resident memory at the end of a period, and processor time during it."""
    period = setting.size(*PERIOD_S)
    spec = replace(class_spec(KIND), step_s=period)
    with running_broker(setting.new(BENCH)) as broker:
        place = Place(setting.folder / BENCH, BENCH, broker.port)
        place.write(spec)
        with Agent(place.config) as agent, Feed(HOST, broker.port) as feed:
            wait_for(lambda: agent.said("link_up"), "the agent connects", DEADLINE_S)
            began = resident_mb(agent.pid)
            _feed(feed, spec, WARM_S)
            spent = cpu_s(agent.pid)
            since = time.monotonic()
            _feed(feed, spec, period)
            share = (cpu_s(agent.pid) - spent) / (time.monotonic() - since) * 100.0
            resident = resident_mb(agent.pid)
    how = f"{ASSETS} assets, a reading a second each, a verdict on each in {period:.0f} s"
    return [
        Figure(bench=BENCH, name="resident memory when ready", value=began, unit="MB", how="default bundle"),
        Figure(
            bench=BENCH, name=f"resident memory after {period + WARM_S:.0f} s", value=resident, unit="MB",
            budget=MOST_MB, how=how,
        ),
        Figure(bench=BENCH, name="processor", value=share, unit="% of a core", budget=MOST_CPU, how=how),
    ], []  # fmt: skip


def _feed(feed: Feed, spec: ClassSpec, seconds: float) -> None:
    """A reading a second of each machine, its channels in turn; the machines do not speak at the same moment."""
    due = time.monotonic()
    for k in range(int(seconds) * ASSETS):
        time.sleep(max(due + k / ASSETS - time.monotonic(), 0.0))
        second, number = divmod(k, ASSETS)
        channel = spec.channels[second % len(spec.channels)]
        feed.publish(f"plant/motor-{number}/{channel.name}", scalar(20.0 + (k * 7 % 13) / 10.0, time.time()))
