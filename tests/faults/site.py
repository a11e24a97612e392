"""One gateway under trial: broker, proxy, agent, a machine that sends and an ear that records all the agent says.

Only puts together and takes apart; which faults come when is said in `campaign`, what follows from it in `judge`.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from edge_agent.store import queries
from tests.bundle.tiny import TINY
from tests.faults.agents import Nursery
from tests.faults.brokers import Broker
from tests.faults.ledger import Ledger
from tests.faults.mqtt5 import Client, Published
from tests.faults.plan import GUSH, HIGH, STEP_S, TIMED, UNTIMED, Message, Plan
from tests.faults.proxy import Proxy

PATIENCE_S = 60.0  # for what happens at once on a computer that has nothing else to do
LOOK_S = 0.01
STARTS = 5  # until the last message must have been sent
WINDOW = 500  # messages the sender has under way
CONFIG = """
[gateway]
tenant = "t"
site = "s"
name = "gw"
[broker]
host = "127.0.0.1"
port = {port}
keepalive_s = 5
receive_maximum = {receive_maximum}
[store]
path = {database}
[bundle]
path = {bundle}
[alarm]
raise_at = 0.1
clear_at = 0.09
off_windows = 2
limit_off_s = 0
[[source]]
topic = "logs/{{asset}}"
kind = "log"
[source.json]
text = "text"
time = "ts"
[[source]]
topic = "plant/{{asset}}/{{channel}}"
[source.json]
value = "value"
time = "ts"
[[source]]
topic = "raw/{{asset}}/{{channel}}"
[[class]]
name = "motor"
step_s = {step_s}
complete = true
baseline_steps = 8
silent_after_s = 864000
[[class.channel]]
name = "vib"
unit = "mm/s"
high_alarm = {high}
[[class.channel]]
name = "temp"
unit = "degC"
[[class]]
name = "gauge"
step_s = {step_s}
baseline_steps = 100000
silent_after_s = 864000
[[class.channel]]
name = "vib"
[[class]]
name = "gush"
step_s = 0.001
complete = true
silent_after_s = 864000
[[class.channel]]
name = "vib"
[assets]
"{gush}" = "gush"
"{timed}-*" = "motor"
"{untimed}" = "gauge"
"""


def write_config(folder: Path, port: int, receive_maximum: int) -> Path:
    """A configuration file in a folder; the database will lie beside it."""
    path = folder / "edge-agent.toml"
    text = CONFIG.format(
        port=port,
        receive_maximum=receive_maximum,
        database=json.dumps(str(folder / "edge-agent.db")),
        bundle=json.dumps(str(TINY)),
        step_s=STEP_S,
        high=HIGH,
        timed=TIMED[0].split("-")[0],
        untimed=UNTIMED,
        gush=GUSH,
    )
    path.write_text(text, encoding="utf-8")
    return path


class Site:
    """Everything of one run. `pid` is the agent that was started last."""

    def __init__(  # noqa: PLR0913 - what a run may choose
        self,
        folder: Path,
        plan: Plan,
        nursery: Nursery,
        *,
        receive_maximum: int = 20,
        persistent: bool = False,
        direct: bool = False,
        flaw: str = "",
    ) -> None:
        """Start all of it; comes back when the agent is there.

        Args:
            folder: an empty one, for database and logs.
            plan: what the machines will say.
            nursery: starts the agents.
            receive_maximum: messages the agent may have unacknowledged.
            persistent: whether the broker keeps sessions on its disk.
            direct: whether the agent speaks with the broker past the proxy: then nobody keeps a ledger.
            flaw: what to break in the agent on purpose; empty for nothing.
        """
        self.folder, self.plan, self.ledger = folder, plan, Ledger()
        self.heard: list[Published] = []
        self.surprises: list[str] = []  # ends of the agent that nobody had asked for
        self.missed = 0  # traps that did not spring: the agent was killed at some other moment
        self._nursery, self._flaw = nursery, flaw
        self.broker = Broker(folder, persistent=persistent)
        self.proxy = Proxy(self.broker.port, self.ledger)
        self.config = write_config(folder, self.broker.port if direct else self.proxy.port, receive_maximum)
        self.database = folder / "edge-agent.db"
        self._meet_broker()
        self.start()
        try:
            self._wait_alive(self._online, "the agent says that it is online")
            if not direct:
                self.await_subscription()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------------------------------------ agent

    def start(self) -> None:
        """Start the agent; it must not be running."""
        self.proxy.subscribed.clear()
        self.pid = self._nursery.run(self.config, self._flaw)

    def send_signal(self, number: signal.Signals) -> None:
        """Send the agent a signal."""
        with suppress(ProcessLookupError):  # it was quicker, and is buried
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End the agent at once; any thread may."""
        self.send_signal(signal.SIGKILL)

    def bury(self, expected: tuple[int, ...] = (-signal.SIGKILL,)) -> int:
        """Wait for the end of the agent; how it ended."""
        status = self._nursery.ended(self.pid, PATIENCE_S)
        assert status is not None, "the agent does not end"
        if status not in expected:
            self.surprises.append(f"agent {self.pid} ended with {status}")
        return status

    def stop(self) -> None:
        """Stop the agent as a service manager does."""
        self.send_signal(signal.SIGTERM)
        self.bury((0,))

    def await_subscription(self) -> None:
        """Wait until the agent has subscribed anew; whoever calls has cleared `proxy.subscribed` before."""
        self._wait_alive(self.proxy.subscribed.is_set, "the agent subscribes")

    # ------------------------------------------------------------------------------------------------ sender, broker

    def publish(self, steps: int) -> None:
        """Let the machines go so many steps on, and say what they have to say."""
        self.send(self.plan.burst(steps))

    def send(self, messages: Sequence[Message]) -> None:
        """Let the machines say this; comes back when the broker is not far behind."""
        self.ledger.sending(messages)
        self._sender.publish([(m.number, m.topic, m.payload) for m in messages])
        assert self._sender.wait(WINDOW, PATIENCE_S), "the broker acknowledges nothing"

    def restart_broker(self, *, kill: bool, empty: bool = False) -> None:
        """End the broker and start it again, perhaps without what it knew; the agent finds it last."""
        self.proxy.open = False
        if kill:
            self.broker.kill()
        else:
            self.broker.stop()
        for client in (self._sender, self._recorder):
            client.close()
        if empty:
            self.broker.empty()
        if kill:
            self.ledger.broker_died(emptied=empty)
        self.proxy.subscribed.clear()
        self.broker.start()
        self._meet_broker()
        self.proxy.open = True

    def settle(self) -> None:
        """Wait until the agent has acknowledged and told everything."""
        assert self._sender.wait(0, PATIENCE_S), "the broker acknowledges nothing"
        self.catch_up(0)
        self._wait_alive(lambda: self.unsent() == 0, "all messages of the outbox are sent", self.unsent)

    def finish(self) -> None:
        """Settle and stop; what a stop leaves unsent (it waits two seconds at most) is the next start's to send."""
        for _ in range(STARTS):
            self.settle()
            self.stop()
            if not self.unsent():
                return
            self.start()
            self.await_subscription()
        raise AssertionError(f"{self.unsent()} messages are left in the outbox after {STARTS} starts")

    def catch_up(self, most: int) -> None:
        """Wait until the agent is at most so many messages behind."""
        behind = self.ledger.waiting
        self._wait_alive(lambda: behind() <= most, f"the agent is at most {most} messages behind", behind)

    def unsent(self) -> int:
        """Messages waiting in the outbox."""
        with closing(queries.open_readonly(self.database)) as db:
            return queries.unsent(db, time.time())[0]

    def close(self) -> None:
        """End everything but the nursery."""
        if self._nursery.ended(self.pid, 0.0) is None:
            self.kill()
            self._nursery.ended(self.pid, PATIENCE_S)
        for client in (self._sender, self._recorder):
            client.close()
        self.proxy.close()
        self.broker.stop()

    def _online(self) -> bool:
        return any(message.topic.endswith("/state") and b'"online"' in message.payload for message in self.heard)

    def _meet_broker(self) -> None:
        """Let the recorder listen and the sender connect."""
        port = self.broker.port
        self._recorder = Client(port, "recorder", keep=True, subscribe="pdm/v1/#", heard=self.heard.append)
        self._sender = Client(port, "sender", accepted=self.ledger.accept)

    def _wait_alive(self, claim: Callable[[], bool], what: str, left: Callable[[], int] = lambda: 0) -> None:
        """Wait while the agent lives and, where something is left to be done, while it becomes other than it was."""
        end, before = time.monotonic() + PATIENCE_S, left()
        while not claim():
            ended = self._nursery.ended(self.pid, 0.0)
            assert ended is None, f"the agent ended with {ended}; see {self.folder / 'agent.log'}"
            if (now := left()) != before:
                end, before = time.monotonic() + PATIENCE_S, now
            assert time.monotonic() < end, f"not within {PATIENCE_S:.0f} s, and {before} left: {what}"
            time.sleep(LOOK_S)
