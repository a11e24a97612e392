"""What is said to whom and when: introductions, what stands, answers, and what is taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edge_agent.core.outputs.dialect import said
from edge_agent.core.outputs.interpreter import ANSWER_S, Interpreter, withdrawn
from edge_agent.core.types import AlarmEvent, Outgoing, Transition
from edge_agent.core.wire import LANE_STATE, AlarmData, RiskPayload, risk_payload
from tests.core.outputs.told import CLEARED, CRITICAL, NOON, RAISED, VERDICT, data_of


class Plain:
    """A dialect that says what it hears; it keeps on a retained topic what stands."""

    name = "plain"
    listens = ("plain/status",)

    def introduced(self, asset: str, asset_class: str, occasion: str) -> Sequence[Outgoing]:
        return [self._said(asset, occasion, f"plain/{asset}/who", asset_class)]

    def standing(self, asset: str, alarms: Sequence[AlarmEvent], occasion: str) -> Sequence[Outgoing]:
        said_of = [f"{alarm.kind} {alarm.rev}" for alarm in alarms]
        return [self._said(asset, occasion, f"plain/{asset}/alarms", said_of)]

    def alarm(self, alarm: AlarmData) -> Sequence[Outgoing]:
        return [self._said(alarm.asset, f"{alarm.alarm} {alarm.rev}", "plain/alarm", alarm.transition)]

    def risk(self, risk: RiskPayload) -> Sequence[Outgoing]:
        return [self._said(risk.asset, risk.time, "plain/risk", risk.risk)]

    def asks(self, topic: str, payload: bytes) -> bool:
        return (topic, payload) == ("plain/status", b"who?")

    def _said(self, asset: str, occasion: str, topic: str, body: object) -> Outgoing:
        retain = topic.startswith(f"plain/{asset}")
        return said(self.name, asset, occasion, topic, body, lane=LANE_STATE, group=topic, retain=retain)


def class_of(asset: str) -> str | None:
    return "pump" if asset.startswith("p") else None


def interpreter(*standing: AlarmEvent, run: str = "r1") -> Interpreter:
    return Interpreter([Plain()], class_of, standing=standing, run=run)


def told(subject: Interpreter, *events: AlarmEvent) -> list[Outgoing]:
    return [message for event in events for message in subject.alarm(event, data_of(event))]


def spoken(messages: Sequence[Outgoing] | None) -> list[tuple[str, bytes]]:
    return [(message.topic, message.payload) for message in messages or ()]


def stands(messages: Sequence[Outgoing]) -> list[bytes]:
    return [message.payload for message in messages if message.topic == "plain/p1/alarms"]


def test_an_asset_is_introduced_once_a_run_by_whatever_is_first_heard_of_it() -> None:
    introduction = ("plain/p1/who", b'"pump"')
    for first in (
        lambda subject: subject.met("p1"),
        lambda subject: subject.risk(risk_payload(VERDICT)),
        lambda subject: told(subject, RAISED),
    ):
        subject = interpreter()
        assert spoken(first(subject))[0] == introduction
        assert introduction not in spoken(subject.met("p1") + subject.risk(risk_payload(VERDICT)))


def test_an_asset_that_no_class_takes_is_not_introduced() -> None:
    assert interpreter().met("x1") == []


def test_what_stands_is_said_worst_first_whenever_it_changes() -> None:
    subject = interpreter()
    messages = told(subject, RAISED, CRITICAL, replace(RAISED, rev=2, transition=Transition.UPDATED), CLEARED)

    assert stands(messages) == [
        b"[]", b'["risk 1"]', b'["limit:temp 1","risk 1"]', b'["limit:temp 1","risk 2"]', b'["limit:temp 1"]',
    ]  # fmt: skip


def test_what_stood_before_a_restart_is_said_with_the_introduction() -> None:
    assert spoken(interpreter(RAISED).met("p1")) == [("plain/p1/who", b'"pump"'), ("plain/p1/alarms", b'["risk 1"]')]


def test_what_is_over_is_told_to_no_dialect() -> None:
    subject = interpreter()

    assert told(subject, replace(RAISED, historical=True)) == []
    assert stands(subject.met("p1")) == [b"[]"]


def test_a_revision_that_is_told_again_gives_the_same_keys_and_ends_in_the_same_state() -> None:
    subject = interpreter()
    subject.met("p1")
    once, again = told(subject, RAISED, CLEARED), told(subject, RAISED, CLEARED)

    assert [message.key for message in once] == [message.key for message in again]
    assert stands(again)[-1] == b"[]"
    assert len({message.key for message in once}) == len(once)


def test_a_question_is_answered_with_everybody_who_was_met_under_keys_of_its_own() -> None:
    subject = interpreter()
    first = subject.met("p1") + subject.met("p2")
    answer, later = (subject.heard("plain/status", b"who?", time) or [] for time in (NOON, NOON + ANSWER_S))

    assert spoken(answer) == spoken(later) == [("plain/p1/who", b'"pump"'), ("plain/p2/who", b'"pump"')]
    assert len({m.key for m in (*first, *answer, *later)}) == len(first) + 4


def test_who_asks_again_at_once_was_answered() -> None:
    subject = interpreter()
    subject.met("p1")
    answers = [subject.heard("plain/status", b"who?", NOON + second) for second in (0.0, 0.1, 9.9, -5.0, 10.0)]

    assert [len(answer or ()) for answer in answers] == [1, 0, 0, 0, 1]


def test_a_message_on_its_topic_that_asks_nothing_is_taken_and_not_answered() -> None:
    subject = interpreter()
    subject.met("p1")

    assert subject.listens == ("plain/status",)
    assert subject.heard("plain/status", b"bye", NOON) == []
    assert subject.heard("plain/status", b"who?", NOON) != []
    assert subject.heard("plant/p1/temp", b"who?", NOON) is None


def test_a_restart_introduces_anew() -> None:
    assert interpreter(run="r1").met("p1")[0].key != interpreter(run="r2").met("p1")[0].key


def test_without_a_dialect_nothing_is_said() -> None:
    silent = Interpreter((), class_of)

    assert silent.met("p1") == told(silent, RAISED) == silent.risk(risk_payload(VERDICT)) == []
    assert silent.listens == ()


def test_what_was_said_of_an_asset_that_is_gone_elsewhere_or_by_a_dialect_that_is_off_is_taken_back() -> None:
    kept = interpreter().met("p1")
    gone = [message._replace(key=message.key.replace("/p1/", "/x1/")) for message in kept]
    moved = [message._replace(topic=f"old/{message.topic}") for message in kept]
    taken = withdrawn([*kept, *gone, *moved], [Plain()], class_of, "r2")

    assert [(m.topic, m.payload, m.retain, m.lane, m.group) for m in taken] == [
        (m.topic, b"", True, m.lane, m.group) for m in (*gone, *moved)
    ]
    assert [message.topic for message in withdrawn(kept, (), class_of, "r2")] == [message.topic for message in kept]
    assert withdrawn(kept, (), class_of, "r2")[0].key != withdrawn(kept, (), class_of, "r3")[0].key


def test_what_is_shelved_or_suppressed_pages_nobody_and_does_not_stand() -> None:
    subject = interpreter()
    shelved = replace(RAISED, rev=RAISED.rev + 1, transition=Transition.SHELVED, shelved_until=RAISED.time + 3600.0)
    updated = replace(shelved, rev=shelved.rev + 1, transition=Transition.UPDATED)
    back = replace(RAISED, rev=updated.rev + 1, transition=Transition.UNSHELVED)
    messages = [told(subject, event) for event in (RAISED, shelved, updated, back)]

    said_ = [[payload for topic, payload in spoken(one) if topic == "plain/alarm"] for one in messages]
    assert said_ == [[b'"raised"'], [b'"shelved"'], [], [b'"unshelved"']]
    assert [bool(stands(one)[-1].strip(b"[]")) for one in messages] == [True, False, False, True]
    assert not stands(interpreter(updated).met("p1"))[-1].strip(b"[]")
