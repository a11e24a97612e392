"""An agent as users start it, on one pump with a hard limit, at a real broker; and an ear that hears it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from edge_agent.errors import StoreError
from edge_agent.store import queries
from tests.bundle.tiny import TINY
from tests.links import Onlooker
from tests.mosquitto import Mosquitto, until
from tests.rabbitmq import RabbitMq

ROOT = Path(__file__).parents[1]
PATIENCE_S = 90.0  # for what takes a second on a computer that has nothing else to do
START = 1_760_000_000.0
LIMIT = 90.0
CLIENT_ID = "edge-agent-gw"
CONFIG = """
[gateway]
tenant = "t"
site = "s"
name = "gw"
[broker]
host = "127.0.0.1"
port = {port}
protocol = "{protocol}"
[store]
path = {database}
[bundle]
path = {bundle}
[health]
period_s = 5
[alarm]
limit_off_s = 0
[[source]]
topic = "plant/{{asset}}/{{channel}}"
[source.json]
value = "value"
time = "ts"
[[class]]
name = "pump"
baseline_steps = 1000
silent_after_s = 864000
[[class.channel]]
name = "flow"
[[class.channel]]
name = "temp"
high_alarm = {limit}
[assets]
"*" = "pump"
"""


class SmallAgent:
    """One agent, its broker and an ear; `database` may lie anywhere."""

    def __init__(
        self,
        folder: Path,
        database: Path,
        *,
        bundle: Path = TINY,
        broker: Mosquitto | RabbitMq | None = None,
        more: str = "",
    ) -> None:
        self.folder, self.database = folder, database
        self.more = more  # lines of its configuration
        self.config = folder / "edge-agent.toml"
        self.broker = Mosquitto(folder, "max_queued_messages 0") if broker is None else broker
        self.set_bundle(bundle)
        self.listen()
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder / "agent.log"
        self._second = 0

    def set_bundle(self, bundle: Path) -> None:
        """Write a configuration that names this bundle."""
        text = CONFIG.format(
            port=self.broker.port,
            protocol=self.broker.protocol,
            database=json.dumps(str(self.database)),
            bundle=json.dumps(str(bundle)),
            limit=LIMIT,
        )
        self.config.write_text(text + self.more, encoding="utf-8")

    def listen(self) -> None:
        """Hear what it says from now on, with a new ear."""
        self.ear = Onlooker(self.broker.port, "pdm/v1/#", protocol=self.broker.protocol)

    # ------------------------------------------------------------------------------------------------ life

    def start(self, *, environment: Mapping[str, str] | None = None, under: Sequence[str] = ()) -> None:
        """Start it, if need be under another command, and wait until it is online."""
        before = len(self.states())
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*under, sys.executable, "-m", "edge_agent", "run", str(self.config)],
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
                stderr=log,
            )
        until(lambda: self._alive() and "online" in self.states()[before:], "the agent is online", PATIENCE_S)
        until(lambda: self.broker.subscribed(CLIENT_ID), "it has subscribed once", PATIENCE_S)

    @property
    def pid(self) -> int:
        """Of the agent, or of the command it runs under."""
        assert self._process is not None
        return self._process.pid

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Its exit code, after a signal."""
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(PATIENCE_S)

    def ended(self) -> int:
        """Its exit code, once it has ended by itself."""
        assert self._process is not None
        return self._process.wait(PATIENCE_S)

    def refused(self, *, under: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """What it says and how it ends where it cannot start."""
        command = [*under, sys.executable, "-m", "edge_agent", "run", str(self.config)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)

    def reload(self) -> None:
        """SIGHUP, and wait until it is online again."""
        assert self._process is not None
        before = len(self.states())
        self._process.send_signal(signal.SIGHUP)
        until(lambda: self._alive() and "online" in self.states()[before:], "the agent is online again", PATIENCE_S)

    def close(self) -> None:
        """End everything that was started."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(PATIENCE_S)
        self.ear.close()
        self.broker.stop()

    def _alive(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        return True

    # ------------------------------------------------------------------------------------------------ its world

    def send(self, channel: str, *values: float) -> None:
        """One reading a second; the broker has them when this returns."""
        for value in values:
            self._second += 1
            payload = json.dumps({"value": value, "ts": START + self._second}).encode()
            self.ear.publish(f"plant/p1/{channel}", payload)

    def told(self) -> list[dict[str, object]]:
        """What it said on its `event` topic: the `data` of each CloudEvent, with its `type`."""
        envelopes = [json.loads(payload) for payload in self.ear.payloads("pdm/v1/t/s/gw/event")]
        return [{**envelope["data"], "type": envelope["type"]} for envelope in envelopes]

    def states(self) -> list[str]:
        """What it said of itself: online, stopped, offline."""
        return [json.loads(payload)["state"] for payload in self.ear.payloads("pdm/v1/t/s/gw/state")]

    def health(self) -> dict[str, object]:
        """The newest health message; empty before the first."""
        said = self.ear.payloads("pdm/v1/t/s/gw/health")
        newest: dict[str, object] = json.loads(said[-1]) if said else {}
        return newest

    def log(self) -> str:
        """What it wrote."""
        return self._log.read_text(encoding="utf-8")

    def readings(self, database: Path | None = None) -> Counter[float]:
        """How often each value is in the journal; empty while there is none."""
        try:
            with closing(queries.open_readonly(database or self.database)) as db:
                return Counter(one.value for one in queries.unpack(db, 0.0, 4e9) if one.channel)
        except StoreError:
            return Counter()

    def wait_for_readings(self, *values: float) -> None:
        """Wait until each is in the journal, once."""
        until(lambda: self._alive() and self._once(values), f"{len(values)} readings are in SQLite", PATIENCE_S)

    def _once(self, values: Sequence[float]) -> bool:
        found = self.readings()
        return all(found[value] == 1 for value in values)


@contextmanager
def small_agent(
    folder: Path, database: Path, *, bundle: Path = TINY, broker: Mosquitto | RabbitMq | None = None, more: str = ""
) -> Iterator[SmallAgent]:
    """A small agent for one test, not started; `more` are lines of its configuration."""
    agent = SmallAgent(folder, database, bundle=bundle, broker=broker, more=more)
    try:
        yield agent
    finally:
        agent.close()
