"""A long run: does anything grow? `python -m bench.soak [--minutes N | --days N]`, an hour by default.

The agent as a user starts it, with a mosquitto of its own that is restarted now and then and forgets everything each
time, and the simulated plant in real time: five machines, a reading of each channel a second, log lines, and a bearing
that fails and is replaced every four minutes, so that alarms come and go. Memory, file descriptors, threads and the
size of the database are sampled; after a warm-up their slopes are held to limits. Exit code 1: one was passed, or the
agent has ended. A picture, all samples and the agent's log are left in the folder.
"""

from __future__ import annotations

import csv
import json
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, groupby
from pathlib import Path
from typing import Self

import click

from bench.agent import Agent, resident_mb
from bench.figures import UnmeasuredError
from bench.trend import HEAD, HOUR_S, Limit, Sample, Trend, trends
from bench.trend_chart import Events, chart
from edge_agent.core.types import LogLine, Reading
from edge_agent.demo.broker import HOST, Broker, start_broker
from edge_agent.demo.script import LOG_LEVEL, plant_script
from edge_agent.demo.settings import CONFIG_NAME, DATABASE_NAME, settings
from edge_agent.errors import EdgeAgentError
from edge_agent.mqtt.feed import Feed
from edge_agent.simulate.plant import DEMO_SEED, Plant, WorkOrder

STEP_S = 1.0
MAX_MB = 16  # the smallest journal there is: in a run of hours it is full, and stays so
LOG_MB = 20  # what the write-ahead log may add
WARM_SHARE, LEAST_WARM_S = 0.2, 60.0
RESTART_S = 300.0  # between restarts of the broker; in a short run a fifth of it
AWAY_S = 5.0
MOST_SAMPLES = 2000
LIMITS = (
    Limit(name="memory", unit="MB", per_hour=1.0, allowance=4.0),
    Limit(name="file descriptors", unit="", per_hour=0.0, allowance=2.0),
    Limit(name="threads", unit="", per_hour=0.0, allowance=0.5),
    Limit(name="database with its log", unit="MB", per_hour=40.0, allowance=LOG_MB, most=MAX_MB + LOG_MB),
)


class Run:
    """One soak."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.samples: list[Sample] = []
        self.restarts: list[float] = []
        self.published = 0
        self._folder, self._seconds = folder, seconds
        self._restart_s = min(RESTART_S, seconds / 5.0)
        self._broker: Broker = start_broker(folder, kind="mosquitto")
        self._port = self._broker.port
        self._began = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._broker.stop()

    def write_config(self) -> Path:
        """The demo's configuration, but in real time and with the smallest journal."""
        script = plant_script(time.time())
        machines = tuple(
            replace(m, spec=replace(m.spec, step_s=STEP_S, lateness_s=0.5, silent_after_s=60.0, log_horizon_s=3600.0))
            for m in script.machines
        )
        config = self._folder / CONFIG_NAME
        written = settings(config, self._folder / DATABASE_NAME, replace(script, machines=machines), HOST, self._port)
        config.write_text(written.replace("[store]\n", f"[store]\nmax_mb = {MAX_MB}\n"), encoding="utf-8")
        return config

    def go(self, agent: Agent) -> None:
        """Feed, restart and sample until the time is over.

        Raises:
            UnmeasuredError: the agent has ended.
        """
        self._began = time.monotonic()
        every = max(self._seconds / MOST_SAMPLES, STEP_S)
        next_sample, next_restart = 0.0, self._restart_s
        with Feed(HOST, self._port) as feed:
            for second, messages in _plant_in_real_time():
                now = time.monotonic() - self._began
                if now >= self._seconds:
                    return
                time.sleep(max(second * STEP_S - now, 0.0))
                for topic, payload in messages:
                    feed.publish(topic, payload)
                    self.published += 1
                if now >= next_restart:
                    next_restart += self._restart_s
                    self._restart(now)
                if now >= next_sample:
                    next_sample = now + every
                    agent.said("ready")  # raises when the agent has ended
                    self.samples.append(Sample(now, self._measure(agent.pid)))
                    click.echo(f"\r{now / self._seconds:4.0%} {self._told()}", nl=False, err=True)

    def _restart(self, now: float) -> None:
        self._broker.stop()
        time.sleep(AWAY_S)
        self._broker = start_broker(self._folder, kind="mosquitto", port=self._port)
        self.restarts.append(now)

    def _measure(self, pid: int) -> tuple[float, ...]:
        """As `LIMITS` has it. Source: proc(5)."""
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
        threads = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("Threads:"))
        stored = sum(file.stat().st_size for file in self._folder.glob(f"{DATABASE_NAME}*") if file.is_file())
        return resident_mb(pid), float(len(list(Path(f"/proc/{pid}/fd").iterdir()))), float(threads), stored / 1e6

    def _told(self) -> str:
        memory, files, threads, stored = self.samples[-1].values
        return f"{memory:.1f} MB, {files:.0f} files, {threads:.0f} threads, database {stored:.1f} MB   "


def _plant_in_real_time() -> Iterator[tuple[int, list[tuple[str, bytes]]]]:
    """Number of the second and its messages, for ever: one life of the plant after another, each of another seed."""
    seconds = count()
    for lap in count():
        plant = Plant(DEMO_SEED + lap)
        for _, events in groupby(plant, key=lambda event, plant=plant: int((event.time - plant.start) / plant.step_s)):  # type: ignore[misc]
            yield next(seconds), [_message(event, time.time()) for event in events]


def _message(event: Reading | LogLine | WorkOrder, now: float) -> tuple[str, bytes]:
    """Topic and payload as a gateway or a tablet sends them at this moment."""
    asset = event.asset.lower()
    if isinstance(event, Reading):
        return f"plant/{asset}/{event.channel}", json.dumps({"v": event.value, "ts": round(now, 3)}).encode()
    line = {"text": event.text, "ts": round(now, 3)}
    return f"plant/{asset}/{LOG_LEVEL}", json.dumps(line).encode()


@click.command()
@click.option("--minutes", type=click.FloatRange(min=2), default=60.0, show_default=True, help="How long.")
@click.option("--days", type=click.FloatRange(min=0.01), help="How long, in days.")
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), default=Path("/var/tmp/edge-agent-soak"),  # noqa: S108
    show_default=True, help="Where everything is left; on a disk, not in memory.",
)  # fmt: skip
def main(minutes: float, days: float | None, folder: Path) -> None:
    """Run the agent for long and see whether memory, files, threads or the database grow."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))  # so that everything started is stopped
    seconds = days * 24 * HOUR_S if days is not None else minutes * 60.0
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{DATABASE_NAME}*"):
        shutil.rmtree(old) if old.is_dir() else old.unlink()  # the copy of the last good bundle is a folder
    failure = ""
    try:
        with Run(folder, seconds) as run, Agent(run.write_config()) as agent:
            agent.ready_s()
            try:
                run.go(agent)
            except (UnmeasuredError, EdgeAgentError) as error:
                failure = str(error)
    except (UnmeasuredError, EdgeAgentError) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
    click.echo(err=True)
    sys.exit(_report(folder, run, seconds, failure))


def _report(folder: Path, run: Run, seconds: float, failure: str) -> int:
    """Print the table, leave picture and samples; the exit code."""
    with (folder / "soak.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["seconds", *(limit.name for limit in LIMITS)])
        writer.writerows([f"{s.time_s:.1f}", *(f"{value:.3f}" for value in s.values)] for s in run.samples)
    warm_s = max(WARM_SHARE * seconds, min(LEAST_WARM_S, seconds / 2))
    found: list[Trend] = []
    try:
        found = trends(run.samples, LIMITS, warm_s)
    except ValueError as error:
        failure = failure or str(error)
    restarts = len(run.restarts)
    title = f"{seconds / 60.0:.0f} minutes, {run.published:,} messages, {restarts} restarts of the broker"
    click.echo(f"{title}\n\n{HEAD}\n" + "\n".join(trend.row for trend in found))
    if found:
        picture = chart(title, run.samples, found, warm_s, Events("the broker restarted, empty", tuple(run.restarts)))
        (folder / "soak.svg").write_text(picture, encoding="utf-8")
        click.echo(f"\nPicture, samples and the agent's log: {folder}")
    if failure:
        click.echo(f"Error: {failure}", err=True)
    return 1 if failure or not all(trend.within for trend in found) else 0


if __name__ == "__main__":
    main()
