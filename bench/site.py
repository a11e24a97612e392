"""A broker, the configuration of an agent as a user would write it, and an onlooker that notes when things arrive."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self, TypeVar

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from bench.figures import UnmeasuredError
from edge_agent.core.types import ClassSpec, Limits
from edge_agent.demo.broker import HOST, Broker, find_mosquitto, start_broker

Size = TypeVar("Size")
TENANT, SITE = "bench", "plant"
SESSION_S = 3600
CONNECT_S = 10.0
RECEIVE_MAXIMUM, PUBLISH_PER_S = 400, 200.0  # as the agent's defaults
ROW = "row"  # last level of the topic that carries all channels of an asset

_HEAD = """\
[gateway]
tenant = {tenant}
site = {site}
name = {name}

[broker]
host = {host}
port = {port}
receive_maximum = {receive_maximum}
publish_per_s = {publish_per_s}

[store]
path = {database}

[health]
period_s = 60

[bundle]
cache_texts = 0

[alarm]
{alarm}

[[source]]
topic = {rows}
[source.json]
time = "ts"
channels = {{ "*" = "" }}

[[source]]
topic = {scalars}
[source.json]
value = "v"
time = "ts"

[assets]
"*" = {name_of_class}

"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where and how large benchmarks are made."""

    folder: Path  # on the disk that is to be measured
    quick: bool = False
    plots: Path | None = None  # where pictures go

    def size(self, full: Size, quick: Size) -> Size:
        """A size of the full run or of the quick one."""
        return quick if self.quick else full

    def new(self, name: str) -> Path:
        """An empty folder."""
        folder = self.folder / name
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        return folder


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one agent and the port of its broker."""

    folder: Path
    name: str
    port: int

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / f"{self.name}.toml"

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / f"{self.name}.db"

    def write(
        self, spec: ClassSpec, *alarm: str, receive_maximum: int = RECEIVE_MAXIMUM, publish_per_s: float = PUBLISH_PER_S
    ) -> None:
        """Write the configuration: all assets of one class; `alarm` are lines of [alarm]."""
        head = _HEAD.format(
            receive_maximum=receive_maximum, publish_per_s=publish_per_s,
            tenant=_text(TENANT), site=_text(SITE), name=_text(self.name), host=_text(HOST), port=self.port,
            database=_text(str(self.database)), alarm="\n".join(alarm), rows=_text(f"plant/{{asset}}/{ROW}"),
            scalars=_text("plant/{asset}/{channel}"), name_of_class=_text(spec.name),
        )  # fmt: skip
        self.config.write_text(head + "\n".join(_class(spec)), encoding="utf-8")

    def readings(self) -> int:
        """Readings committed, as the heads of the blocks tell; 0 before there is a table."""
        if not self.database.exists():
            return 0
        with closing(sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True)) as db:
            if not db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'reading_block'").fetchone()[0]:
                return 0
            return int(db.execute("SELECT coalesce(sum(readings), 0) FROM reading_block").fetchone()[0])


@contextmanager
def running_broker(folder: Path) -> Iterator[Broker]:
    """A mosquitto that keeps any number of messages in memory.

    Raises:
        UnmeasuredError: it is not installed.
    """
    if find_mosquitto() is None:
        raise UnmeasuredError("mosquitto is not installed (sudo apt-get install mosquitto)")
    broker = start_broker(folder, kind="mosquitto")
    try:
        yield broker
    finally:
        broker.stop()


class Onlooker:
    """Another client: notes what arrives, with the monotonic time of its arrival."""

    def __init__(self, port: int, topic: str) -> None:
        self.heard: list[tuple[float, bytes]] = []
        self._subscribed = threading.Event()
        self._topic = topic
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.connect(HOST, port)

    def __enter__(self) -> Self:
        self._client.loop_start()
        if not self._subscribed.wait(CONNECT_S):
            raise UnmeasuredError("the broker does not answer the onlooker")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(
        self, client: Client, _data: object, _flags: ConnectFlags, _code: ReasonCode, _properties: Properties | None
    ) -> None:
        client.subscribe(self._topic, qos=1)

    def _on_subscribe(
        self, _client: Client, _data: object, _mid: int, _codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        self._subscribed.set()

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.heard.append((time.monotonic(), bytes(message.payload)))


def durable_client(client_id: str, *, receive_maximum: int) -> tuple[Client, Properties]:
    """A client whose session outlives its connection, and the properties to connect it with."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = SESSION_S
    properties.ReceiveMaximum = receive_maximum
    return Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTv5), properties


def reserve(port: int, client_id: str, topic: str) -> None:
    """Make a session at the broker that keeps the messages of a topic until its owner comes.

    Raises:
        UnmeasuredError: the broker does not answer.
    """
    client, properties = durable_client(client_id, receive_maximum=100)
    left = threading.Event()

    def on_disconnect(
        _client: Client, _data: object, _flags: DisconnectFlags, _code: ReasonCode, _properties: Properties | None
    ) -> None:
        left.set()

    client.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
    client.on_subscribe = lambda client, *_: client.disconnect()
    client.on_disconnect = on_disconnect
    client.connect(HOST, port, clean_start=False, properties=properties)
    client.loop_start()
    if not left.wait(CONNECT_S):
        raise UnmeasuredError("the broker does not answer")
    client.loop_stop()


def scalar(channel_value: float, moment: float) -> bytes:
    """One reading as JSON."""
    return json.dumps({"v": float(f"{channel_value:.6g}"), "ts": round(moment, 3)}).encode()


def row(values: dict[str, float], moment: float) -> bytes:
    """All readings of an asset at one moment as JSON."""
    return json.dumps({"ts": round(moment, 3), **values}).encode()


def _class(spec: ClassSpec) -> Iterator[str]:
    yield "[[class]]"
    yield f"name = {_text(spec.name)}"
    yield f"complete = {str(spec.complete).lower()}"
    for name in ("step_s", "verdict_every", "baseline_steps", "silent_after_s"):
        yield f"{name} = {getattr(spec, name)}"
    for channel in spec.channels:
        yield "[[class.channel]]"
        yield f"name = {_text(channel.name)}"
        yield f"unit = {_text(channel.unit)}"
        yield f"component = {_text(channel.component)}"
        yield f"condition = {str(channel.condition).lower()}"
        for limit in fields(Limits):
            value = getattr(channel.limits, limit.name)
            if value is not None:
                yield f"{limit.name} = {value}"
    yield ""


def _text(value: str) -> str:
    """A TOML basic string; JSON's escapes are TOML's too (Source: TOML 1.0, strings)."""
    return json.dumps(value, ensure_ascii=False)
