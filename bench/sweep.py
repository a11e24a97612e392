"""Durable ingest over the size of a commit and the fsync mode: what does waiting for the disk cost, and who pays it?

As in `ingest`, the messages wait at the broker. A commit is half of `receive_maximum`. The agent's own mode is FULL;
the others run through `bench.synchronous` and are no setting of it.
"""

from __future__ import annotations

from functools import partial

from bench.agent import Agent
from bench.bar_chart import Panel, bars
from bench.figures import Figure
from bench.ingest import SPEC, take_in
from bench.site import Place, Setting, running_broker

BENCH = "sweep"
MESSAGES = (20_000, 2_000)
MODES = ("FULL", "NORMAL", "OFF")
WINDOWS = ((20, 100, 400, 2000), (20, 400))
PICTURE = "ingest.svg"


def measure(setting: Setting) -> tuple[list[Figure], list[str]]:
    """Messages a second of each mode at each window."""
    messages = setting.size(*MESSAGES)
    found: dict[tuple[str, int], Figure] = {}
    with running_broker(setting.new(BENCH)) as broker:
        for window in setting.size(*WINDOWS):
            for mode in MODES:  # in turn, so that a busy moment hits all
                place = Place(setting.folder / BENCH, f"{mode.lower()}-{window}", broker.port)
                place.write(SPEC, receive_maximum=window)
                start = partial(Agent, place.config, command=("-m", "bench.synchronous", mode))
                drain = take_in(place, messages, start)
                found[mode, window] = Figure(
                    bench=BENCH, name=f"commits of {window // 2}, {mode}", value=messages / drain.seconds,
                    unit="msg/s", how=f"{messages} messages, processor {drain.cpu_s / messages * 1e6:.1f} µs/msg",
                )  # fmt: skip
    if setting.plots is not None:
        panels = [
            Panel(f"commits of {window // 2} messages", tuple(found[mode, window].value for mode in MODES), "msg/s")
            for window in setting.size(*WINDOWS)
        ]
        names = ("FULL, the agent's", *MODES[1:])
        picture = bars("Durable ingest: size of a commit, and fsync mode of SQLite", names, panels)
        (setting.plots / PICTURE).write_text(picture, encoding="utf-8")
    return list(found.values()), []
