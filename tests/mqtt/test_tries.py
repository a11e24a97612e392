"""Tries to connect: what follows from those before, without a broker."""

from __future__ import annotations

from edge_agent.config import Broker
from edge_agent.mqtt import reasons
from edge_agent.mqtt.tries import QUICK_CUTS, Tries


def tries() -> Tries:
    """None made yet, to a broker without TLS; the wait doubles from 1 to 8 s, of which half is left to chance."""
    return Tries(Broker.model_validate({"host": "127.0.0.1", "port": 9}), None, 1.0, 8.0)


def test_the_wait_doubles_up_to_its_cap() -> None:
    target = tries()

    for whole in (1.0, 2.0, 4.0, 8.0, 8.0):
        assert whole / 2 <= target.next_wait() == target.wait_s <= whole


def test_short_connections_in_a_row_look_like_a_second_client_with_our_id() -> None:
    target = tries()
    hints = []
    for _ in range(QUICK_CUTS):
        target.begin()
        target.accepted()
        hints.append(target.cut("unspecified_error").hint)

    assert [hint == reasons.TAKEOVER for hint in hints] == [False] * (QUICK_CUTS - 1) + [True]


def test_a_broker_that_says_so_needs_no_second_short_connection() -> None:
    target = tries()
    target.accepted()

    assert target.cut("session_taken_over").hint == reasons.TAKEOVER


def test_only_a_broker_that_hung_up_without_an_answer_needs_a_reason() -> None:
    target = tries()
    target.begin()
    found = target.hung_up()
    target.refused("Not authorized")
    answered = target.hung_up()
    target.begin()

    assert (str(found), answered) == ("broker 127.0.0.1:9: closed the connection", None)
    assert str(target.hung_up()) == str(found)
