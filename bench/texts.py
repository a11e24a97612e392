"""What the model reads when the agent runs: texts of simulated machines, rendered by the agent's own pipeline."""

from __future__ import annotations

import math
from collections.abc import Iterator

from edge_agent.bundle.load import Bundle
from edge_agent.core.pipeline import Judge, Pipeline
from edge_agent.core.types import AlarmPolicy, LogLine, Reading, Scores
from edge_agent.simulate.history import Run, simulate_fleet

SEED = 5_001  # odd: no machine of it was ever trained on
EVERY = 5  # steps between two texts of one machine, so that they differ


def texts(bundle: Bundle, runs: int) -> list[str]:
    """The texts of a fleet, in order; log lines are in them as the agent would put them."""
    labels = bundle.risk.info.labels
    plain = Scores(0.0, tuple(1.0 if i == 0 else 0.0 for i in range(len(labels))))
    judge = Judge(score=lambda _text: plain, labels=labels, threshold=1.0)
    found: list[str] = []
    for run in simulate_fleet(SEED, runs):
        name = run.spec.name
        class_of = {run.asset: name}.get
        pipeline = Pipeline({name: run.spec}, class_of, bundle.references, AlarmPolicy(), judge)
        said = sorted(run.logs, key=lambda line: line.time)
        number = 0
        for event in _events(run, said):
            if isinstance(event, LogLine):
                pipeline.log(event)
                continue
            for verdict in pipeline.reading(event).verdicts:
                number += 1
                if number % EVERY == 0:
                    found.append(verdict.text)
    return found


def _events(run: Run, logs: list[LogLine]) -> Iterator[Reading | LogLine]:
    waiting = iter(logs)
    line = next(waiting, None)
    for time, values in zip(run.times.tolist(), run.values.tolist(), strict=True):
        while line is not None and line.time <= time:
            yield line
            line = next(waiting, None)
        for channel, value in zip(run.spec.channels, values, strict=True):
            if math.isfinite(value):
                yield Reading(run.asset, channel.name, time, value)
