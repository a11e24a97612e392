"""What the agent writes to flash: bytes per reading, and what that is a day at 100 readings a second.

The readings are those of ten minutes and more at 100 a second, but come as fast as the agent takes them: it commits per
half receive window, so the commits are the same, and a checkpoint of the log falls into every 200 of them. A day is
extrapolated. Not in it: deleting what is past its age, and what the file system writes for its own journal.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.agent import Agent, wait_for
from bench.figures import Figure, UnmeasuredError
from bench.ingest import DEADLINE_S, POLL_S, SPEC, TOPIC, preload
from bench.site import Place, Setting, reserve, running_broker

BENCH = "flash"
MESSAGES = (60_000, 4_000)
READINGS_A_DAY = 100 * 86_400
MOST_GB = 1.0


def measure(setting: Setting) -> tuple[list[Figure], list[str]]:
    """Bytes per reading, gigabytes a day, and the size of the file beside them."""
    messages = setting.size(*MESSAGES)
    with running_broker(setting.new(BENCH)) as broker:
        place = Place(setting.folder / BENCH, BENCH, broker.port)
        place.write(replace(SPEC, verdict_every=1, baseline_steps=5))
        reserve(place.port, f"edge-agent-{place.name}", TOPIC)
        preload(place.port, messages)
        with Agent(place.config) as agent:
            wait_for(lambda: agent.said("ready"), "the agent starts", DEADLINE_S)
            before = _written(agent.pid)
            wait_for(lambda: place.readings() >= messages, "the agent commits all messages", DEADLINE_S, POLL_S)
            written = _written(agent.pid) - before
        stored = sum(file.stat().st_size for file in place.folder.glob(place.database.name))
    if not written:
        raise UnmeasuredError(f"the kernel counts no bytes written below {setting.folder}: is it in memory?")
    each = written / messages
    how = f"{messages} readings in commits of half a receive window of 400, a verdict a minute on 20 assets"
    return [
        Figure(bench=BENCH, name="written per reading", value=each, unit="bytes", how=how),
        Figure(
            bench=BENCH, name="at 100 readings a second", value=each * READINGS_A_DAY / 1e9, unit="GB/day",
            budget=MOST_GB, how="extrapolated; deletions not in it",
        ),
        Figure(
            bench=BENCH, name="kept per reading", value=stored / messages, unit="bytes", how="the file, after a stop"
        ),
    ], []  # fmt: skip


def _written(pid: int) -> int:
    """Bytes a process has caused to be written. Source: proc(5), /proc/pid/io, write_bytes."""
    lines = Path(f"/proc/{pid}/io").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes:"))
