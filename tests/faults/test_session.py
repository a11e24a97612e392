"""Packet ids begin anew with a new session: what the agent remembers of the old one must not make it deaf (G1)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.agents import Nursery
from tests.faults.judge import open_books
from tests.faults.mqtt5 import Kind
from tests.faults.plan import UNTIMED, Message, Plan
from tests.faults.proxy import Share, Trap, Way
from tests.faults.site import Site
from tests.mosquitto import until

pytestmark = pytest.mark.broker
FIRST, STANDSTILL = (
    Message(n, f"raw/{UNTIMED}/vib", str(value).encode(), (UNTIMED, "vib", value), None)
    for n, value in enumerate((70.0, 70.5))
)


def cut(site: Site) -> None:
    """Break the connection; the agent comes back by itself."""
    site.proxy.cut()


def kill(site: Site) -> None:
    """End the agent."""
    site.kill()


@pytest.mark.parametrize("end", [cut, kill])
def test_the_same_value_under_the_same_packet_id_of_a_new_session_is_another_reading(
    end: Callable[[Site], None], tmp_path: Path, nursery: Nursery
) -> None:
    """It is lost on its way from an empty broker and comes again with the DUP flag: the agent has never seen it."""
    with Site(tmp_path, Plan(1, 0.0), nursery) as site:
        site.send([FIRST, STANDSTILL])
        site.settle()
        site.restart_broker(kill=True, empty=True)
        site.await_subscription()
        site.send([FIRST])
        until(lambda: len(site.ledger.deliveries) == 3 and site.ledger.deliveries[-1].acked, "the session is in use")
        site.proxy.subscribed.clear()
        lost_on_the_way = Trap(Way.DOWN, Kind.PUBLISH, 1, Share.NOTHING, lambda: end(site))
        site.proxy.arm(lost_on_the_way)
        site.send([STANDSTILL])
        assert lost_on_the_way.sprung.wait(20.0)
        site.proxy.arm(None)
        if end is kill:
            site.bury()
            site.start()
        site.await_subscription()
        _, before, _, now = site.ledger.deliveries
        until(lambda: now.acked, "the agent acknowledges the second reading")
        site.stop()

    assert (before.mid, now.times) == (now.mid, 2)
    assert open_books(site.database).stored[STANDSTILL.stored] == 2
