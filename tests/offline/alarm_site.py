"""A journal written by the real engine with a real model: what `explain` is given. Only the broker is a fake."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from edge_agent.app import engine_settings, origin_of, pipeline_of, store_settings
from edge_agent.bundle.decisions import voice_of
from edge_agent.bundle.load import Bundle, load_bundle
from edge_agent.config import Config, load
from edge_agent.core.decode import Decoder
from edge_agent.demo.script import Message
from edge_agent.metrics import Metrics
from edge_agent.ports import Arrival, Batch
from edge_agent.service.clock import ClockWatch
from edge_agent.service.engine import Engine
from edge_agent.service.inbox import Inbox
from edge_agent.store.journal import open_journal
from tests.bundle.tiny import TINY
from tests.service.parts import LinkRecorder

START = 1_760_000_000.0 // 60 * 60
STEPS = 66
LINES = (  # step of arrival, step of writing, text
    (42, 42, "de brg noisy, hot"),
    (46, 43, "vib high at coupling"),
    (50, 50, "bearing replaced"),
)
ODD, SOUND = 40, 49  # the bearing of p1 goes; it has been replaced
KILL = 48  # the agent, in the middle of the alarm
MUTE = 30  # p2's flow falls silent

CONFIG = """
[gateway]
tenant = "t"
site = "s"
name = "gw"
[broker]
host = "127.0.0.1"
[store]
path = {database}
[bundle]
path = {bundle}
cache_texts = {texts}
[alarm]
raise_at = {raise_at}
clear_at = {clear_at}
off_windows = 2
update_step = 0.02
[[source]]
topic = "logs/{{asset}}"
kind = "log"
[source.json]
text = "text"
time = "ts"
[[source]]
topic = "plant/{{asset}}/{{channel}}"
[source.json]
value = "v"
time = "ts"
[[class]]
name = "pump"
step_s = 60
baseline_steps = 20
[[class.channel]]
name = "vib"
unit = "mm/s"
component = "drive-end bearing"
[[class.channel]]
name = "temp"
unit = "degC"
high_alarm = 95.0
[[class.channel]]
name = "flow"
unit = "m3/h"
[assets]
"*" = "pump"
"""


def write_config(folder: Path, *, bundle: Path = TINY, raise_at: float = 0.1, texts: int = 1024) -> Path:
    """A configuration file in a folder, its database beside it."""
    path = folder / "edge-agent.toml"
    database = json.dumps(str(folder / "edge-agent.db"))
    path.write_text(
        CONFIG.format(
            database=database, bundle=json.dumps(str(bundle)), raise_at=raise_at, clear_at=raise_at * 0.9, texts=texts
        ),
        encoding="utf-8",
    )
    return path


def story() -> list[list[Message]]:
    """What two pumps and a technician send in each step."""
    rng = np.random.default_rng(7)
    steps = []
    for i in range(STEPS):
        away = max(i - ODD, 0) if i < SOUND else 0
        sent = [
            message("logs/p1", text=text, ts=START + 60.0 * written) for arrives, written, text in LINES if arrives == i
        ]
        for k, (name, usual, noise, step) in enumerate(
            (("vib", 2.0, 0.1, 0.8), ("temp", 60.0, 1.0, 8.0), ("flow", 20.0, 0.5, 0.0))
        ):
            for asset, factor in (("p1", 1.0), ("p2", 0.0)):
                value = usual + float(rng.normal(0.0, noise)) + factor * away * step
                if (asset, name) != ("p2", "flow") or i < MUTE:
                    sent.append(message(f"plant/{asset}/{name}", v=value, ts=START + 60.0 * i + 5 + k))
        steps.append(sent)
    return steps


def message(topic: str, **fields: float | str) -> Message:
    """A message with these fields as JSON."""
    return Message(topic, json.dumps(fields).encode(), 1)


def _nothing(_site: Site, _step: int) -> Iterable[Message]:
    return ()


class Site:
    """An engine as the agent runs it, without a broker."""

    def __init__(self, config: Path) -> None:
        self.config: Config = load(config)
        self.bundle: Bundle = load_bundle(self.config.bundle.path or TINY)
        self.link, self.inbox, self.metrics = LinkRecorder(), Inbox(10_000), Metrics()
        self.mid = 0
        voice = voice_of(self.config, self.bundle)
        self.journal = journal = open_journal(store_settings(self.config))
        journal.commit(Batch(states={voice.state: voice.dump()}))
        self.engine = Engine(
            decoder=Decoder(self.config.sources(), 100),
            pipeline=pipeline_of(self.config, self.bundle, self.metrics),
            journal=journal,
            link=self.link,
            inbox=self.inbox,
            origin=origin_of(self.config, self.bundle),
            metrics=self.metrics,
            clock=ClockWatch(wall=lambda: START),
            settings=replace(engine_settings(self.config), batch_s=0.005),
            committed=lambda _ids: None,
            urgent=lambda _message: None,
        )
        self.engine.restore()

    def take(self, messages: Iterable[Message]) -> None:
        """Take messages in, and commit them."""
        for sent in messages:
            self.mid = self.mid % 60_000 + 1
            assert self.inbox.offer(Arrival(1, self.mid, 1, sent.topic, sent.payload, START))
        while len(self.inbox):
            self.engine.turn()


def played(
    folder: Path, *, first: int = 0, stop_at: int = STEPS, orders: Callable[[Site, int], Iterable[Message]] = _nothing
) -> Site:
    """The story from a step to before another, played to an agent that is killed once; its journal is still open.

    `orders` says after each step what people do then.
    """
    config = write_config(folder)
    site = Site(config)
    for number, messages in enumerate(story()[:stop_at]):
        if number < first:
            continue
        if number == KILL:
            site.journal.close()  # no snapshot: what was in memory is gone
            site = Site(config)
        site.take(messages)
        site.take(orders(site, number))
    return site
