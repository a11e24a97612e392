"""The faults: each a function of a site and of random numbers, back when it has happened and the agent runs again.

A kill is SIGKILL at a moment of the protocol, named after what the agent had just done; so no hook is needed in the
agent. Faults do not judge, and wait only for what is sure to come.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from functools import partial

from tests.faults.mqtt5 import Kind
from tests.faults.proxy import Share, Trap, Way
from tests.faults.site import Site

TRIES = 5  # bursts until a trap must have sprung
SPRING_S = 1.5
LOOK_S = 0.0005
FULL = 100  # steps that fill buffers
EVENT = b"/event"

Fault = Callable[[Site, random.Random], None]


def _burst(rng: random.Random) -> int:
    """Steps of machines said at once; two readings each, and what else is said."""
    return rng.choice((6, 15, 30))


def _into(site: Site, rng: random.Random, trap: Trap) -> None:
    """Let the machines talk until the trap has sprung."""
    site.proxy.arm(trap)
    for _ in range(TRIES):
        site.publish(_burst(rng))
        if trap.sprung.wait(SPRING_S):
            break
    site.proxy.arm(None)
    site.missed += not trap.sprung.is_set()


def _kill_at(  # noqa: PLR0913 - the moment, in words
    site: Site, rng: random.Random, way: Way, kind: Kind, most: int, share: Share, ending: bytes = b""
) -> None:
    """Kill the agent at one of the first `most` packets that fit, and start it again."""
    _into(site, rng, Trap(way, kind, rng.randint(1, most), share, site.kill, ending))
    site.kill()
    site.bury()
    site.start()


# -------------------------------------------------------------------------------------------------------- kills

kill_with_messages_uncommitted: Fault = partial(_kill_at, way=Way.DOWN, kind=Kind.PUBLISH, most=40, share=Share.ALL)
kill_before_puback: Fault = partial(_kill_at, way=Way.UP, kind=Kind.PUBACK, most=1, share=Share.NOTHING)
kill_between_pubacks: Fault = partial(_kill_at, way=Way.UP, kind=Kind.PUBACK, most=8, share=Share.ALL)
kill_inside_puback: Fault = partial(_kill_at, way=Way.UP, kind=Kind.PUBACK, most=8, share=Share.HALF)
kill_after_pubacks: Fault = partial(_kill_at, way=Way.UP, kind=Kind.PUBACK, most=40, share=Share.ALL)
kill_before_alarm: Fault = partial(
    _kill_at, way=Way.UP, kind=Kind.PUBLISH, most=3, share=Share.NOTHING, ending=EVENT
)  # fmt: skip
kill_inside_alarm: Fault = partial(_kill_at, way=Way.UP, kind=Kind.PUBLISH, most=3, share=Share.HALF, ending=EVENT)
kill_before_alarm_puback: Fault = partial(
    _kill_at, way=Way.UP, kind=Kind.PUBLISH, most=3, share=Share.ALL, ending=EVENT
)  # fmt: skip
kill_after_alarm_puback: Fault = partial(_kill_at, way=Way.DOWN, kind=Kind.PUBACK, most=6, share=Share.ALL)


def kill_connecting(site: Site, rng: random.Random) -> None:
    """Kill a starting agent at a packet of its introduction."""
    way, kind = rng.choice(
        ((Way.UP, Kind.CONNECT), (Way.DOWN, Kind.CONNACK), (Way.UP, Kind.SUBSCRIBE), (Way.DOWN, Kind.SUBACK))
    )
    site.publish(_burst(rng))
    site.kill()
    site.bury()
    trap = Trap(way, kind, 1, rng.choice(list(Share)), site.kill)
    site.proxy.arm(trap)
    site.start()
    trap.sprung.wait(TRIES * SPRING_S)
    site.proxy.arm(None)
    site.kill()
    site.bury()
    site.start()


def kill_starting(site: Site, rng: random.Random) -> None:
    """Kill a starting agent after a time in which it loads, rebuilds and perhaps connects."""
    site.publish(_burst(rng))
    site.kill()
    site.bury()
    site.start()
    time.sleep(rng.uniform(0.0, 0.3))
    site.kill()
    site.bury()
    site.start()


def kill_stopping(site: Site, rng: random.Random) -> None:
    """Kill an agent that was asked to stop."""
    site.publish(_burst(rng))
    time.sleep(rng.uniform(0.0, 0.1))
    site.send_signal(signal.SIGTERM)
    time.sleep(rng.uniform(0.0, 0.15))
    site.kill()
    site.bury((-signal.SIGKILL, -signal.SIGTERM, 0))  # SIGTERM: before it listened
    site.start()


def kill_writing(site: Site, rng: random.Random) -> None:
    """Kill the agent as soon as its write-ahead log has grown: in the middle of a commit, or right after."""
    log = site.database.with_name(f"{site.database.name}-wal")

    def size() -> int:
        return log.stat().st_mtime_ns if log.exists() else 0

    before, growths = size(), rng.randint(1, 4)
    site.publish(_burst(rng))
    end = time.monotonic() + SPRING_S
    while growths and time.monotonic() < end:
        time.sleep(LOOK_S)
        if (now := size()) != before:
            before, growths = now, growths - 1
    site.kill()
    site.bury()
    site.start()


def kill_any_time(site: Site, rng: random.Random) -> None:
    """Kill the agent at no special moment."""
    site.publish(_burst(rng))
    time.sleep(rng.uniform(0.0, 0.4))
    site.kill()
    site.bury()
    site.start()


def kill_frozen(site: Site, rng: random.Random) -> None:
    """Freeze the agent, let messages come, kill it."""
    site.send_signal(signal.SIGSTOP)
    site.publish(_burst(rng))
    time.sleep(rng.uniform(0.0, 0.1))
    site.kill()
    site.bury()
    site.start()


# -------------------------------------------------------------------------------------------------------- the network


def cut(site: Site, rng: random.Random) -> None:
    """Cut the connection before, inside or after a packet; the agent lives."""
    way, kind, most = rng.choice(((Way.DOWN, Kind.PUBLISH, 40), (Way.UP, Kind.PUBACK, 20), (Way.DOWN, Kind.PUBACK, 3)))
    _cut(site, rng, Trap(way, kind, rng.randint(1, most), rng.choice(list(Share)), site.proxy.cut))


def cut_alarm(site: Site, rng: random.Random) -> None:
    """Cut the connection before, inside or after an alarm; the agent lives."""
    _cut(site, rng, Trap(Way.UP, Kind.PUBLISH, rng.randint(1, 3), rng.choice(list(Share)), site.proxy.cut, EVENT))


def _cut(site: Site, rng: random.Random, trap: Trap) -> None:
    site.await_subscription()
    site.proxy.subscribed.clear()
    _into(site, rng, trap)
    if not trap.sprung.is_set():
        site.proxy.cut()
    site.await_subscription()


def stall(site: Site, rng: random.Random) -> None:
    """Let nothing through for a while."""
    site.proxy.flow.clear()
    site.publish(_burst(rng))
    time.sleep(rng.uniform(0.1, 0.8))
    site.proxy.flow.set()


def half_open(site: Site, rng: random.Random) -> None:
    """Cut the agent's end only: the broker goes on sending into the dark, until the agent is there a second time."""
    site.await_subscription()
    site.publish(_burst(rng))
    site.proxy.subscribed.clear()
    site.proxy.linger = True
    site.proxy.cut_agent()
    site.publish(_burst(rng))
    site.await_subscription()
    site.proxy.linger = False


def deaf(site: Site, rng: random.Random) -> None:
    """Cut the broker's end only: the agent reads what is still in its buffers, and acknowledges it into the dark.

    With mosquitto 2.0.11 that can be hundreds: where messages wait it sends more than the receive maximum (issue 2301).
    """
    site.await_subscription()
    site.send_signal(signal.SIGSTOP)
    site.publish(FULL)
    time.sleep(rng.uniform(0.1, 0.3))
    before = len(site.ledger.deliveries)
    site.send_signal(signal.SIGCONT)
    end = time.monotonic() + SPRING_S
    while len(site.ledger.deliveries) < before + FULL and time.monotonic() < end:
        time.sleep(LOOK_S)
    site.proxy.subscribed.clear()
    site.proxy.deafen()
    site.await_subscription()  # when it has missed an answer (keepalive)


# -------------------------------------------------------------------------------------------------------- the agent


def freeze(site: Site, rng: random.Random) -> None:
    """Freeze the agent, let messages come, let it go on."""
    site.send_signal(signal.SIGSTOP)
    site.publish(_burst(rng))
    time.sleep(rng.uniform(0.1, 0.8))
    site.send_signal(signal.SIGCONT)


def restart(site: Site, rng: random.Random) -> None:
    """Stop the agent and start it again."""
    site.publish(_burst(rng))
    site.await_subscription()  # or it may not listen to signals yet
    site.stop()
    site.start()


def reload(site: Site, rng: random.Random) -> None:
    """Let the agent read its configuration again."""
    site.publish(_burst(rng))
    site.await_subscription()
    site.proxy.subscribed.clear()
    site.send_signal(signal.SIGHUP)
    site.await_subscription()


# -------------------------------------------------------------------------------------------------------- the broker


def broker_restart(site: Site, rng: random.Random) -> None:
    """Stop the broker and start it again; it has written down what it owes."""
    site.publish(_burst(rng))
    site.restart_broker(kill=False)
    site.await_subscription()


def broker_kill(site: Site, rng: random.Random) -> None:
    """Kill the broker and start it again with what it had written."""
    site.publish(_burst(rng))
    time.sleep(rng.uniform(0.0, 0.3))
    site.restart_broker(kill=True)
    site.await_subscription()


def broker_empty(site: Site, rng: random.Random) -> None:
    """Kill the broker and put an empty one in its place."""
    site.publish(_burst(rng))
    time.sleep(rng.uniform(0.0, 0.3))
    site.restart_broker(kill=True, empty=True)
    site.await_subscription()


KILLS: dict[str, Fault] = {
    "with messages uncommitted": kill_with_messages_uncommitted,
    "before the PUBACK": kill_before_puback,
    "between PUBACKs": kill_between_pubacks,
    "inside a PUBACK": kill_inside_puback,
    "after PUBACKs": kill_after_pubacks,
    "before an alarm is sent": kill_before_alarm,
    "inside an alarm": kill_inside_alarm,
    "before the PUBACK of an alarm": kill_before_alarm_puback,
    "after the PUBACK of an alarm": kill_after_alarm_puback,
    "connecting": kill_connecting,
    "starting": kill_starting,
    "stopping": kill_stopping,
    "writing": kill_writing,
    "at any time": kill_any_time,
    "frozen": kill_frozen,
}
DISTURBANCES: dict[str, Fault] = {
    "connection cut": cut,
    "connection cut at an alarm": cut_alarm,
    "connection stalled": stall,
    "broker's end half open": half_open,
    "agent frozen": freeze,
    "agent restarted": restart,
    "agent reloaded": reload,
}
SLOW: dict[str, Fault] = {"agent's end half open": deaf}  # until the keepalive is over
BROKER: dict[str, Fault] = {
    "broker restarted": broker_restart,
    "broker killed": broker_kill,
    "broker replaced by an empty one": broker_empty,
}
ALL = KILLS | DISTURBANCES | SLOW | BROKER
