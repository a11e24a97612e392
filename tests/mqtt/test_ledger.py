"""What is under way on a connection, whichever thread comes first; without a broker."""

from __future__ import annotations

from paho.mqtt.enums import MQTTErrorCode

from edge_agent.mqtt.ledger import DISCONNECTED, MAX_UNACKED_BYTES, QUEUE_FULL, Ledger
from edge_agent.ports import Arrival

GIVEN = MQTTErrorCode.MQTT_ERR_SUCCESS
Told = list[tuple[bool, str]]


def begun(most: int = 10) -> Ledger:
    """An account of a first connection."""
    ledger = Ledger(most)
    ledger.begin()
    return ledger


def arrival(epoch: int, qos: int = 1, payload: bytes = b"x") -> Arrival:
    """A message that came on the connection of this epoch."""
    return Arrival(epoch, 1, qos, "in/a", payload, 0.0, dup=False, retain=False)


def sent(ledger: Ledger, mid: int, told: Told, *, epoch: int = 1, code: MQTTErrorCode = GIVEN) -> None:
    """Note that a message was given to paho."""
    ledger.sent(epoch, mid, code, "out/a", lambda delivered, reason: told.append((delivered, reason)))


def test_an_answer_is_for_the_message_of_its_packet_id_once() -> None:
    ledger, told = begun(), Told()
    sent(ledger, 7, told)
    found = ledger.answered(7, (True, ""))

    assert found is not None
    assert found[0] == "out/a"
    found[1](True, "")
    assert (ledger.end(), told) == (True, [(True, "")])


def test_an_answer_that_comes_before_the_packet_id_is_known_is_not_lost() -> None:
    ledger, told = begun(), Told()

    assert ledger.answered(7, (False, "quota_exceeded")) is None
    sent(ledger, 7, told)
    assert told == [(False, "quota_exceeded")]


def test_an_early_answer_of_a_former_connection_is_for_nobody() -> None:
    ledger, told = begun(), Told()
    ledger.answered(7, (True, ""))
    ledger.end()
    ledger.begin()
    sent(ledger, 7, told, epoch=2)

    assert told == []


def test_what_is_on_its_way_when_the_connection_ends_is_given_up() -> None:
    ledger, told = begun(), Told()
    sent(ledger, 7, told)

    assert (ledger.end(), ledger.end(), ledger.current()) == (True, False, None)
    assert told == [(False, DISCONNECTED)]


def test_a_message_given_to_paho_while_the_connection_changed_is_given_up_and_its_answer_heard_by_nobody() -> None:
    ledger, told = begun(), Told()
    ledger.end()
    ledger.begin()
    sent(ledger, 7, told, epoch=1)
    found = ledger.answered(7, (True, ""))

    assert found is not None
    found[1](True, "")
    assert told == [(False, DISCONNECTED)]


def test_a_message_that_paho_has_no_place_for_is_not_waited_for() -> None:
    ledger, told = begun(), Told()
    sent(ledger, 7, told, code=MQTTErrorCode.MQTT_ERR_QUEUE_SIZE)
    ledger.end()

    assert told == [(False, QUEUE_FULL)]


def test_only_messages_of_this_connection_are_answered_and_make_room() -> None:
    ledger = begun(most=2)
    ledger.took([arrival(1)])
    ledger.end()
    ledger.begin()
    new = [arrival(2), arrival(2, qos=0)]
    ledger.took(new)
    assert (ledger.current(), ledger.room()) == (2, 1)

    with ledger.answering([arrival(1), *new]) as ours:
        assert ours == new[:1]
    assert ledger.room() == 2


def test_there_is_no_room_beyond_so_many_bytes() -> None:
    ledger, large = begun(), arrival(1, payload=bytes(MAX_UNACKED_BYTES))
    ledger.took([large])
    assert ledger.room() == 0

    with ledger.answering([large]):
        pass
    assert ledger.room() == 10
