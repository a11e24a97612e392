"""Who is measured: how each is configured, started, and where what it has kept or passed on is counted.

Each takes the same messages from the same kind of broker in a session that outlives its process. Rivals pass on what
they buffered to a second broker; the agent is no forwarder, its readings are counted in its own SQLite file.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from bench.agent import Started
from bench.figures import UnmeasuredError
from bench.ingest import SPEC
from bench.rivals.flow import SETTINGS, flow
from bench.rivals.install import NODE_RED, NODE_RED_SQLITE, THINGSBOARD, node_red, thingsboard_gateway
from bench.site import Place
from edge_agent import __version__
from edge_agent.demo.broker import HOST
from edge_agent.store.queries import open_readonly, unpack

TOPIC = "plant/+/+"
CHANNELS = frozenset(channel.name for channel in SPEC.channels)
ANSWER_S = 10.0
LIMITS = {"maxPayloadSize": 65536, "maxInflightMessages": 100, "rateLimits": {}, "gatewayRateLimits": {}}


class Contender(Protocol):
    """Something that takes messages and must not lose them."""

    name: str
    how: str  # how it was configured, and where it was counted

    def prepare(self, folder: Path, near: int, far: int) -> None:
        """Write its configuration into an empty folder, and begin to count; ports of the two brokers."""
        ...

    def start(self) -> Started:
        """A new process of it."""
        ...

    def arrived(self) -> Counter[int]:
        """Number of each message → how often it has arrived so far."""
        ...

    def count(self) -> int:
        """About how many have arrived so far; cheap."""
        ...

    def close(self) -> None:
        """Stop counting."""
        ...


@dataclass
class EdgeAgent:
    """The agent as users start it; verdicts are beyond the end, as in the ingest benchmark."""

    name: str = f"edge-agent {__version__}"
    how: str = "defaults, verdicts off; MQTT 5, session kept; counted in its SQLite, every commit synced"

    def prepare(self, folder: Path, near: int, far: int) -> None:  # noqa: ARG002 - it passes nothing on
        """Write the configuration."""
        self._place = Place(folder, "agent", near)
        self._place.write(SPEC)

    def start(self) -> Started:
        """The agent."""
        return Started(["-m", "edge_agent", "run", str(self._place.config)], self._place.folder / "agent.log")

    def arrived(self) -> Counter[int]:
        """The values of all readings in SQLite."""
        if not self._place.database.exists():
            return Counter()
        with closing(open_readonly(self._place.database)) as db:
            return Counter(int(reading.value) for reading in unpack(db, 0.0, 4e9) if reading.channel in CHANNELS)

    def count(self) -> int:
        """How many readings SQLite holds, as the heads of the blocks tell: cheap, so that asking costs it nothing."""
        return self._place.readings()

    def close(self) -> None:
        """Nothing to stop."""


class FarEnd:
    """The other end of a rival: counts what arrives, and answers what ThingsBoard is asked at each connection."""

    def __init__(self, port: int, topic: str) -> None:
        self._topic, self._ready, self._lock = topic, threading.Event(), threading.Lock()
        self._heard: Counter[int] = Counter()
        client = self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        client.on_connect = lambda client, *_: client.subscribe([(topic, 1), ("v1/devices/me/rpc/request/+", 1)])
        client.on_subscribe = lambda *_: self._ready.set()
        client.on_message = self._message
        client.connect(HOST, port)

    def open(self) -> Self:
        """Begin to count.

        Raises:
            UnmeasuredError: the broker does not answer.
        """
        self._client.loop_start()
        if not self._ready.wait(ANSWER_S):
            raise UnmeasuredError("the broker at the far end does not answer")
        return self

    def heard(self) -> Counter[int]:
        """Number of each message → how often."""
        with self._lock:
            return self._heard.copy()

    def count(self) -> int:
        """How many different ones."""
        return len(self._heard)

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def _message(self, client: Client, _data: object, message: MQTTMessage) -> None:
        told = json.loads(message.payload)
        if message.topic.startswith("v1/devices/me/rpc/request/"):
            if told.get("method") == "getSessionLimits":
                client.publish(message.topic.replace("request", "response"), json.dumps(LIMITS), qos=1)
            return
        with self._lock:
            if "v" in told:
                self._heard[int(told["v"])] += 1
            else:  # ThingsBoard's gateway API: device → entries, each with its values
                entries = [entry["values"] for rows in told.values() for entry in rows]
                self._heard.update(int(value) for values in entries for value in values.values())


@dataclass
class ThingsBoard:
    """thingsboard-gateway with its SQLite storage, before a ThingsBoard that sets no rate limits."""

    rivals: Path
    name: str = f"thingsboard-gateway {THINGSBOARD}"
    how: str = (
        "storage sqlite, connector MQTT 5, QoS 1, cleanStart false, sessionExpiryInterval 3600, to ThingsBoard QoS 1;"
        " else its defaults (WAL, synchronous NORMAL); counted at the far end"
    )

    def prepare(self, folder: Path, near: int, far: int) -> None:
        """Write tb_gateway.json, mqtt.json and the log settings that come with it."""
        self._folder, self._python = folder, thingsboard_gateway(self.rivals)
        config = folder / "config"
        config.mkdir()
        (folder / "logs").mkdir()
        [logs] = self._python.parents[1].glob("lib/python*/site-packages/thingsboard_gateway/config/logs.json")
        shutil.copyfile(logs, config / "logs.json")
        (config / "tb_gateway.json").write_text(json.dumps(_gateway(far), indent=2), encoding="utf-8")
        (config / "mqtt.json").write_text(json.dumps(_connector(near), indent=2), encoding="utf-8")
        self._end = FarEnd(far, "v1/gateway/telemetry").open()

    def start(self) -> Started:
        """The gateway."""
        command = ["-c", "from thingsboard_gateway.tb_gateway import daemon; daemon()"]
        settings = {"TB_GW_CONFIG_DIR": str(self._folder / "config")}
        log = self._folder / "thingsboard.log"
        return Started(command, log, settings, program=str(self._python), folder=self._folder)

    def arrived(self) -> Counter[int]:
        """What ThingsBoard has been told."""
        return self._end.heard()

    def count(self) -> int:
        """How many different ones."""
        return self._end.count()

    def close(self) -> None:
        """Leave the far end."""
        self._end.close()


@dataclass
class NodeRed:
    """Node-RED with the store-and-forward flow that its community recommends: SQLite first, then on in batches."""

    rivals: Path
    name: str = f"Node-RED {NODE_RED}"
    how: str = (
        f"node-red-node-sqlite {NODE_RED_SQLITE}; mqtt in QoS 1, fixed client id, clean session off; each message into"
        " SQLite (WAL, synchronous NORMAL), the oldest 100 to mqtt out QoS 1, each deleted when acknowledged;"
        " counted at the far end"
    )

    def prepare(self, folder: Path, near: int, far: int) -> None:
        """Write settings and flow."""
        self._folder, (self._node, self._script) = folder, node_red(self.rivals)
        (folder / "settings.js").write_text(SETTINGS, encoding="utf-8")
        written = flow(TOPIC, HOST, near, far, str(folder / "buffer.db"))
        (folder / "flows.json").write_text(json.dumps(written, indent=1), encoding="utf-8")
        self._end = FarEnd(far, "far/#").open()

    def start(self) -> Started:
        """Node-RED."""
        command = [str(self._script), "--userDir", str(self._folder), "--settings", str(self._folder / "settings.js")]
        return Started(command, self._folder / "node-red.log", program=self._node, folder=self._folder)

    def arrived(self) -> Counter[int]:
        """What the far broker has been sent."""
        return self._end.heard()

    def count(self) -> int:
        """How many different ones."""
        return self._end.count()

    def close(self) -> None:
        """Leave the far end."""
        self._end.close()


def _gateway(far: int) -> dict[str, object]:
    return {
        "thingsboard": {
            "host": HOST,
            "port": far,
            "remoteShell": False,
            "remoteConfiguration": False,
            "statistics": {"enable": False},
            "qos": 1,
            "security": {"type": "accessToken", "accessToken": "bench"},
        },
        "storage": {"type": "sqlite", "data_file_path": "./data/"},
        "grpc": {"enabled": False},
        "connectors": [{"name": "near", "type": "mqtt", "configuration": "mqtt.json"}],
    }


def _connector(near: int) -> dict[str, object]:
    device = {
        "deviceNameExpressionSource": "topic",
        "deviceNameExpression": "(?<=plant/)[^/]+",
        "deviceProfileExpressionSource": "constant",
        "deviceProfileExpression": "default",
    }
    # a key a channel: entries of one device, key and time are one to ThingsBoard
    value = {"type": "integer", "key": "c[0-9]+$", "keySource": "topic", "value": "${v}", "tsField": "${ms}"}
    return {
        "broker": {
            "host": HOST,
            "port": near,
            "clientId": "thingsboard-gateway",
            "version": 5,
            "cleanStart": False,
            "cleanSession": False,
            "sessionExpiryInterval": 3600,
            "security": {"type": "anonymous"},
        },
        "mapping": [
            {
                "topicFilter": TOPIC,
                "subscriptionQos": 1,
                "converter": {"type": "json", "deviceInfo": device, "attributes": [], "timeseries": [value]},
            }
        ],
    }
