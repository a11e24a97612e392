"""A broker with a narrow window is found out by what follows an answer, and is not kept waiting."""

from __future__ import annotations

from edge_agent.service.patience import LEAST, SILENCE_S, Patience

BATCH_S = 2.0


def answer_after(patience: Patience, messages: int, silence_s: float, then_s: float) -> None:
    """So many messages at once, silence, our answer, and after a while the next message."""
    start = 100.0
    for _ in range(messages):
        patience.came(start)
    patience.answered(start + silence_s, messages)
    patience.came(start + silence_s + then_s)


def test_at_first_a_batch_is_waited_for() -> None:
    assert Patience().wait_s(1000, BATCH_S) == BATCH_S


def test_a_broker_that_sends_at_once_after_the_answer_had_been_waiting() -> None:
    """EMQX lets 32 through where a batch is 200: with the pause of a batch it would be 16 messages a second."""
    patience = Patience()
    answer_after(patience, 32, BATCH_S, 0.001)

    assert patience.wait_s(32, BATCH_S) == SILENCE_S
    assert patience.wait_s(LEAST - 1, BATCH_S) == BATCH_S


def test_a_narrow_broker_is_answered_although_other_messages_go_on() -> None:
    """QoS 0 needs no answer, so it comes all the time."""
    patience = Patience()
    answer_after(patience, 32, BATCH_S, 0.001)
    last = 100.0 + BATCH_S + 0.001

    assert patience.over(32, last + 2 * SILENCE_S)
    assert not patience.over(32, last)
    assert not Patience().over(32, last + 2 * SILENCE_S)


def test_sensors_that_speak_once_a_second_are_no_narrow_broker() -> None:
    """What comes next comes when it is due."""
    patience = Patience()
    answer_after(patience, 32, BATCH_S, 0.001)
    answer_after(patience, 100, 0.2, 0.8)

    assert patience.wait_s(100, BATCH_S) == BATCH_S


def test_messages_without_a_silence_say_nothing() -> None:
    """An even flow goes on after every answer."""
    patience = Patience()
    answer_after(patience, 200, 0.01, 0.001)

    assert not patience.narrow


def test_few_messages_say_nothing() -> None:
    patience = Patience()
    answer_after(patience, LEAST - 1, BATCH_S, 0.001)

    assert not patience.narrow


def test_a_commit_without_messages_says_nothing() -> None:
    patience = Patience()
    patience.answered(500.0, 0)
    patience.came(500.001)

    assert not patience.narrow
