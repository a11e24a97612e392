"""Many machines: memory and processor time of the decisions alone, with neither broker nor journal nor model.

`python -m bench.assets ASSETS` measures one size in a process of its own, so that no size is charged with what another
has left behind. Ten channels a machine, a reading per channel and step: each tenth reading closes a window, computes
its features against a class reference and renders its text for a model that answers at once.
"""

from __future__ import annotations

import json
import os
import sys
import time
from itertools import count

import numpy as np

from bench.agent import Started, resident_mb
from bench.figures import Figure
from bench.site import Setting
from edge_agent.core.baseline import GRID, Reference
from edge_agent.core.pipeline import Judge, Pipeline
from edge_agent.core.types import AlarmPolicy, ChannelSpec, ClassSpec, Reading, Scores

BENCH = "assets"
SIZES = ((10, 1_000, 10_000), (10, 200, 1_000))
CHANNELS = 10
BASELINE_STEPS = 10  # short, so that the largest size is through with learning
TIMED_READINGS = 50_000  # at least, after the baselines are learned
DEADLINE_S = 900.0
MOST_KB, MOST_GROWTH = 20.0, 1.3
START = 1_760_000_000.0 - 1_760_000_000.0 % 60.0
SPEC = ClassSpec(
    name="machine",
    channels=tuple(ChannelSpec(name=f"c{i}", unit="mm/s") for i in range(CHANNELS)),
    step_s=60.0,
    complete=True,
    baseline_steps=BASELINE_STEPS,
)


def measure(setting: Setting) -> tuple[list[Figure], list[str]]:
    """Time per reading and memory per machine at three sizes."""
    folder = setting.new(BENCH)
    found: list[tuple[int, float, float]] = []
    for assets in setting.size(*SIZES):
        log = folder / f"{assets}.json"
        with Started(["-m", "bench.assets", str(assets)], log) as process:
            process.wait(DEADLINE_S)
        reading_us, asset_kb = json.loads(log.read_text(encoding="utf-8"))
        found.append((assets, reading_us, asset_kb))
    how = f"{CHANNELS} channels, a window with its text every {CHANNELS} readings"
    times = [
        Figure(bench=BENCH, name=f"{assets:,} assets, a reading", value=us, unit="µs", how=how)
        for assets, us, _ in found
    ]
    memory = [
        Figure(
            bench=BENCH,
            name=f"{assets:,} assets, each",
            value=kb,
            unit="kB",
            budget=MOST_KB,
            how="resident, windows and baselines",
        )
        for assets, _, kb in found[1:]  # ten are lost in the allocator's granularity
    ]
    growth = Figure(
        bench=BENCH, name=f"a reading, {found[-1][0]:,} to {found[0][0]:,} assets", value=found[-1][1] / found[0][1],
        unit="x", budget=MOST_GROWTH, how="1 is flat",
    )  # fmt: skip
    return [*times, growth, *memory], []


def one_size(assets: int) -> tuple[float, float]:
    """Microseconds of processor per reading and kilobytes per machine."""
    grid = np.tile((GRID - 0.5) * 8.0, (CHANNELS, 1))
    reference = Reference(
        tuple(channel.name for channel in SPEC.channels), (), np.zeros((1, 0)), np.zeros(0),
        np.full((1, CHANNELS), 2.0), np.full((1, CHANNELS), 0.1), grid,
    )  # fmt: skip
    judge = Judge(score=lambda _text: Scores(0.01, (1.0, 0.0)), labels=("none", "VIB"), threshold=0.5)
    pipeline = Pipeline({"machine": SPEC}, lambda _asset: "machine", {"machine": reference}, AlarmPolicy(), judge)
    names = [f"m{number}" for number in range(assets)]
    channels = [channel.name for channel in SPEC.channels]
    values = np.random.default_rng(3).normal(2.0, 0.1, 997).tolist()  # a prime, so that no machine repeats itself soon
    place = iter(count())

    def take(step: int) -> None:
        for name in names:
            for channel in channels:
                pipeline.reading(Reading(name, channel, START + 60.0 * step, values[next(place) % len(values)]))

    before = resident_mb(os.getpid())
    for step in range(BASELINE_STEPS + 1):
        take(step)
    after = resident_mb(os.getpid())
    steps = max(TIMED_READINGS // (assets * CHANNELS), 2)
    began = time.process_time()
    for step in range(BASELINE_STEPS + 1, BASELINE_STEPS + 1 + steps):
        take(step)
    spent = time.process_time() - began
    return spent / (steps * assets * CHANNELS) * 1e6, (after - before) * 1e3 / assets


if __name__ == "__main__":
    print(json.dumps(one_size(int(sys.argv[1]))))
