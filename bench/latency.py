"""From the last reading of a window to the alarm at another client, over a real broker and a real disk.

Two ways are taken: a hard limit, which no model sees, and a risk, which costs a verdict. Windows are due at a fixed
rate whether or not the last alarm has come, so that a slow moment is not spared its consequences. A window is complete
with its last channel (`complete`), so nothing waits for event time. What the path is made of, verdict and commit, is
measured in the same run by the agent's own parts on the same readings.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median

import numpy as np
from numpy.typing import NDArray

from bench.agent import Agent, wait_for
from bench.figures import SECONDS_TO_MS, Figure, UnmeasuredError, percentile, spread
from bench.site import ROW, Onlooker, Place, Setting, reserve, row, running_broker, scalar
from edge_agent.app import origin_of, store_settings
from edge_agent.bundle.load import Bundle, default_bundle, load_bundle
from edge_agent.config import load
from edge_agent.core.pipeline import Judge, Pipeline
from edge_agent.core.types import AlarmEvent, ChannelSpec, ClassSpec, Limits, Reading, Scores, Transition
from edge_agent.core.wire import alarm_messages
from edge_agent.demo.broker import HOST
from edge_agent.mqtt.feed import Feed
from edge_agent.ports import Batch
from edge_agent.simulate.history import MIN_STEPS, simulate_run
from edge_agent.simulate.machines import class_spec
from edge_agent.store.journal import open_journal

BENCH = "latency"
RATE = 10.0  # windows a second
STEP_S = 60.0
START = 1_760_000_000.0 - 1_760_000_000.0 % STEP_S
EVENTS = "pdm/v1/+/+/+/event"
READINGS = "plant/+/+"  # the broker keeps them from the start: `link_up` comes before the subscription
DEADLINE_S = 120.0
SETTLE_S = 3.0  # after the last window
BUDGET = 5.0

LIMIT_WINDOWS = (400, 40)  # every other one crosses
LIMIT_ASSETS = 10
LIMIT = 7.1
LIMIT_SPEC = ClassSpec(
    name="press",
    channels=(
        *(ChannelSpec(name=f"c{i}", unit="bar") for i in range(3)),
        ChannelSpec(name="vib", unit="mm/s", component="crank bearing", limits=Limits(high_alarm=LIMIT)),
    ),
    step_s=STEP_S,
    complete=True,
    verdict_every=10_000,
    silent_after_s=86_400.0,
)

RISK_ASSETS = (150, 20)
RISK_ROUNDS = 3  # at most; a window on which the model is undecided raises nothing
LEAST_ALARMS = (50, 5)
RISK_KIND = "pump"
RISK_SPEC = replace(
    class_spec(RISK_KIND), step_s=STEP_S, complete=True, baseline_steps=45, silent_after_s=86_400.0
)  # 45 steps: enough for joint channels, so that the texts are of full length
RISK_POLICY = ("raise_at = 0.0001", "on_windows = 1")  # each asset raises at its first decided window


@dataclass(frozen=True, slots=True)
class Parts:
    """What the path is made of, as seconds."""

    verdicts: list[float]
    commits: list[float]


def measure(setting: Setting) -> tuple[list[Figure], list[str]]:
    """Delay of limit alarms and of risk alarms, and how it compares with a verdict and a commit."""
    with running_broker(setting.new(BENCH)) as broker:
        limits = _limits(Place(setting.folder / BENCH, "limits", broker.port), setting.size(*LIMIT_WINDOWS))
        place = Place(setting.folder / BENCH, "risks", broker.port)
        values = _pumps(setting.size(*RISK_ASSETS))
        risks = _risks(place, values, setting.size(*LEAST_ALARMS))
        parts = _parts(place, values, load_bundle(default_bundle()))
    basis = median(parts.verdicts) + median(parts.commits)
    paced = f"alarms, {RATE:.0f} windows a second"
    return [
        *spread(BENCH, "limit alarm, reading to alarm", limits, paced),
        *spread(BENCH, "risk alarm, reading to alarm", risks, paced + ", a verdict each"),
        Figure(
            bench=BENCH, name="verdict in the same run, p50", value=median(parts.verdicts) * SECONDS_TO_MS, unit="ms",
            how=f"{len(parts.verdicts)} texts, one process alone",
        ),
        Figure(
            bench=BENCH, name="fsynced commit in the same run, p50", value=median(parts.commits) * SECONDS_TO_MS,
            unit="ms", how=f"{len(parts.commits)} commits of one alarm",
        ),
        Figure(
            bench=BENCH, name="risk alarm p99 to verdict and commit", value=percentile(risks, 0.99) / basis, unit="x",
            budget=BUDGET, how="p99 to the sum of the two medians",
        ),
    ], []  # fmt: skip


# ------------------------------------------------------------------------------------------------ limits


def _limits(place: Place, windows: int) -> list[float]:
    """Seconds from a reading beyond its limit to the alarm."""
    place.write(LIMIT_SPEC, "limit_off_s = 0")
    reserve(place.port, f"edge-agent-{place.name}", READINGS)
    sent: dict[tuple[str, float], float] = {}
    with Onlooker(place.port, EVENTS) as onlooker, Agent(place.config) as agent, Feed(HOST, place.port) as feed:
        wait_for(lambda: agent.said("link_up"), "the agent connects", DEADLINE_S)
        due = time.monotonic() + 1.0
        for k in range(windows):
            turn, number = divmod(k, LIMIT_ASSETS)
            asset, moment = f"press-{number}", START + turn * STEP_S
            _sleep_until(due + k / RATE)
            for i in range(3):
                feed.publish(f"plant/{asset}/c{i}", scalar(2.0 + i + turn % 3 / 10.0, moment))
            value = LIMIT + 1.0 + turn / 100.0 if turn % 2 else 2.0
            sent[asset, moment] = time.monotonic()
            feed.publish(f"plant/{asset}/vib", scalar(value, moment))
        time.sleep(SETTLE_S)
        return _delays(onlooker, sent)


# ------------------------------------------------------------------------------------------------ risks


def _pumps(assets: int) -> list[NDArray[np.float64]]:
    """Sound pumps, (steps, channels) each; where an instrument said nothing its median stands."""
    runs = [simulate_run(RISK_KIND, 2 * k + 1, fault=None, steps=MIN_STEPS).values for k in range(assets)]
    return [np.where(np.isnan(values), np.nanmedian(values, axis=0), values) for values in runs]


def _risks(place: Place, values: Sequence[NDArray[np.float64]], least: int) -> list[float]:
    """Seconds from the last reading of a window to the risk alarm it raises.

    Raises:
        UnmeasuredError: the model was undecided on too many windows.
    """
    place.write(RISK_SPEC, *RISK_POLICY)
    reserve(place.port, f"edge-agent-{place.name}", READINGS)
    names = [channel.name for channel in RISK_SPEC.channels]
    sent: dict[tuple[str, float], float] = {}
    with Onlooker(place.port, EVENTS) as onlooker, Agent(place.config) as agent, Feed(HOST, place.port) as feed:
        wait_for(lambda: agent.said("link_up"), "the agent connects", DEADLINE_S)
        for step in range(RISK_SPEC.baseline_steps):
            for number, pump in enumerate(values):
                body = row(dict(zip(names, pump[step].tolist(), strict=True)), START + step * STEP_S)
                feed.publish(f"plant/pump-{number}/{ROW}", body)
        learned = RISK_SPEC.baseline_steps * len(values) * len(names)
        wait_for(lambda: place.readings() >= learned, "the agent learns the baselines", DEADLINE_S)
        due = time.monotonic() + SETTLE_S
        for k in range(RISK_ROUNDS * len(values)):
            turn, number = divmod(k, len(values))
            if number == 0 and len(_delays(onlooker, sent)) >= least:
                break
            moment = START + (RISK_SPEC.baseline_steps + turn) * STEP_S
            reading = values[number][RISK_SPEC.baseline_steps + turn].tolist()
            _sleep_until(due + k / RATE)
            for name, value in zip(names[:-1], reading[:-1], strict=True):
                feed.publish(f"plant/pump-{number}/{name}", scalar(value, moment))
            sent[f"pump-{number}", moment + STEP_S] = time.monotonic()
            feed.publish(f"plant/pump-{number}/{names[-1]}", scalar(reading[-1], moment))
        time.sleep(SETTLE_S)
        delays = _delays(onlooker, sent)
    if len(delays) < least:
        raise UnmeasuredError(
            f"{len(delays)} risk alarms of {least} wanted: the model was undecided on the other windows"
        )
    return delays


def _parts(place: Place, values: Sequence[NDArray[np.float64]], bundle: Bundle) -> Parts:
    """The same readings through the agent's own pipeline and journal in this process, verdicts and commits timed."""
    config = load(place.config)
    parts, events = Parts([], []), list[AlarmEvent]()

    def score(text: str) -> Scores:
        began = time.perf_counter()
        scores = bundle.risk.score(text)
        parts.verdicts.append(time.perf_counter() - began)
        return scores

    judge = Judge(score=score, labels=bundle.risk.info.labels, threshold=bundle.risk.info.threshold)
    pipeline = Pipeline(config.class_specs(), config.asset_class, bundle.references, config.policy(), judge)
    names = [channel.name for channel in RISK_SPEC.channels]
    for number, pump in enumerate(values):
        for step in range(RISK_SPEC.baseline_steps + RISK_ROUNDS):
            pipeline.judging = step >= RISK_SPEC.baseline_steps
            for name, value in zip(names, pump[step].tolist(), strict=True):
                events += pipeline.reading(Reading(f"pump-{number}", name, START + step * STEP_S, value)).events
    settings = replace(store_settings(config), path=place.folder / "commits.db")
    with closing(open_journal(settings)) as journal:
        for event in events:
            messages = alarm_messages(event, origin_of(config, bundle), observed=event.time, clock="synced")
            readings = [Reading(event.asset, name, event.time, 2.0) for name in names]
            batch = Batch(readings=readings, events=[event], outgoing=list(messages))
            began = time.perf_counter()
            journal.commit(batch)
            parts.commits.append(time.perf_counter() - began)
    return parts


# ------------------------------------------------------------------------------------------------ both


def _delays(onlooker: Onlooker, sent: dict[tuple[str, float], float]) -> list[float]:
    """Seconds from the reading that raised an alarm to the first arrival of its event."""
    delays: dict[tuple[str, float], float] = {}
    for arrived, payload in list(onlooker.heard):
        data = json.loads(payload)["data"]
        key = data["asset"], datetime.fromisoformat(data["time"]).timestamp()
        if data["transition"] == Transition.RAISED and key in sent:
            delays.setdefault(key, arrived - sent[key])
    return list(delays.values())


def _sleep_until(moment: float) -> None:
    time.sleep(max(moment - time.monotonic(), 0.0))
