"""What people, work orders and the clock do to alarms; and that both sides of a split network end alike (G10)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge_agent.core.conditions import Outcome
from edge_agent.core.operating import Acted, Answer, By
from edge_agent.core.pipeline import Pipeline
from edge_agent.core.report import Told
from edge_agent.core.shelving import ALL, MAX_ORDERS, Issued
from edge_agent.core.types import AlarmEvent, AlarmPolicy, Limits, Reading, Transition
from tests.core.pump import PUMP, VIB, outcomes, pipeline, reading_of

NOON = 1_717_243_200.0
HOUR = 3600.0
AT_ONCE = AlarmPolicy(limit_on_s=0.0, limit_off_s=0.0, realarm_s=0.0)


def by(seconds: float = 0.0, request: str = "r", actor: str = "anna", comment: str = "") -> By:
    """Who acts, so many seconds after noon."""
    return By(actor, Issued(NOON + seconds, request), comment)


def hot(policy: AlarmPolicy = AT_ONCE) -> tuple[Pipeline, AlarmEvent]:
    """A pump with a standing hard limit, and the event of its raise."""
    target = pipeline(policy=policy)
    [outcome] = outcomes(target, [reading_of("vib", 9.0, 10.0)])
    return target, outcome.events[0]


def silent(target: Pipeline) -> AlarmEvent:
    """The event of a silence of the pump."""
    [event] = target.silent("p1").events
    return event


def told(acted: Acted) -> list[tuple[str, Transition]]:
    """Kind and transition of what was told."""
    return [(event.kind, event.transition) for event in acted.outcome.events]


# --------------------------------------------------------------------------------------------- acknowledging


def test_an_acknowledgement_is_told_with_who_and_why() -> None:
    target, raised = hot()
    acted = target.acknowledge(raised.id, by(comment="on my way"))

    [event] = acted.outcome.events
    assert acted.answer is Answer.DONE
    assert (event.transition, event.actor, event.comment, event.acked) == (Transition.ACKED, "anna", "on my way", True)
    assert acted.outcome.conditions_changed


def test_what_follows_was_done_by_nobody() -> None:
    target, raised = hot()
    target.acknowledge(raised.id, by())
    [outcome] = outcomes(target, [reading_of("vib", 2.0, 20.0)])

    assert [(event.transition, event.actor, event.open) for event in outcome.events] == [
        (Transition.CLEARED, "", False)
    ]


@pytest.mark.parametrize(
    ("alarm", "cleared", "times", "answer"),
    [
        ("", False, 1, Answer.DONE),
        ("", False, 2, Answer.ALREADY),
        ("", True, 1, Answer.DONE),
        ("", True, 2, Answer.ALREADY),
        ("another", False, 1, Answer.UNKNOWN_ALARM),
    ],
)
def test_what_an_acknowledgement_answers(alarm: str, *, cleared: bool, times: int, answer: Answer) -> None:
    target, raised = hot()
    if cleared:
        outcomes(target, [reading_of("vib", 2.0, 20.0)])
    acted = [target.acknowledge(alarm or raised.id, by()) for _ in range(times)][-1]

    assert acted.answer is answer
    assert bool(acted.outcome.events) is (answer is Answer.DONE)


def test_an_alarm_that_needed_no_acknowledgement_is_closed() -> None:
    target, raised = hot(replace(AT_ONCE, ack_required=False))
    outcomes(target, [reading_of("vib", 2.0, 20.0)])

    assert target.acknowledge(raised.id, by()).answer is Answer.CLOSED


def test_an_alarm_nobody_acknowledged_is_closed_by_the_next_raise() -> None:
    target, first = hot()
    outcomes(target, [reading_of("vib", 2.0, 20.0)])
    [outcome] = outcomes(target, [reading_of("vib", 9.0, 30.0)])

    assert [(e.id == first.id, e.transition, e.open) for e in outcome.events] == [
        (True, Transition.CLOSED, False), (False, Transition.RAISED, True),
    ]  # fmt: skip
    assert target.acknowledge(first.id, by()).answer is Answer.UNKNOWN_ALARM


def test_what_the_next_raise_closes_was_closed_by_nobody() -> None:
    target, _ = hot()
    outcomes(target, [reading_of("vib", 2.0, 20.0)])
    target.suppress("p1", "limit:vib", by(comment="for the test run"), on=True)
    [outcome] = outcomes(target, [reading_of("vib", 9.0, 30.0)])

    assert [(e.transition, e.actor, e.comment) for e in outcome.events] == [
        (Transition.CLOSED, "", ""), (Transition.RAISED, "", ""),
    ]  # fmt: skip


def test_an_episode_whose_last_event_was_lost_can_still_be_acknowledged() -> None:
    target, raised = hot()
    target.newest.clear()
    [event] = target.acknowledge(raised.id, by()).outcome.events

    assert (event.id, event.rev, event.severity_number, event.kind) == (raised.id, 2, 900, "limit:vib")


# --------------------------------------------------------------------------------------------- shelving


def test_shelving_an_asset_leaves_its_hard_limits() -> None:
    target, _ = hot()
    silent(target)
    acted = target.shelve("p1", ALL, HOUR, by(), NOON)

    assert told(acted) == [("silence", Transition.SHELVED)]
    assert acted.outcome.events[0].shelved_until == NOON + HOUR
    assert acted.outcome.events[0].quiet


def test_what_is_raised_while_shelved_is_told_as_shelved() -> None:
    target, _ = hot()
    target.shelve("p1", ALL, HOUR, by(), NOON)
    event = silent(target)

    assert (event.transition, event.shelved_until) == (Transition.RAISED, NOON + HOUR)


def test_a_shelf_that_is_over_tells_people_of_what_still_stands() -> None:
    target, _ = hot()
    target.shelve("p1", ALL, HOUR, by(), NOON)
    silent(target)

    assert target.expire(NOON + HOUR - 1) == {}
    [outcome] = target.expire(NOON + HOUR).values()
    assert [(e.kind, e.transition, e.quiet) for e in outcome.events] == [("silence", Transition.UNSHELVED, False)]
    assert target.expire(NOON + 2 * HOUR) == {}


def test_a_clock_that_goes_back_is_written_down_with_the_revision_it_told() -> None:
    """The next revision had the same number after a restart, and was taken for a repeat."""
    target, _ = hot()
    target.shelve("p1", "limit:vib", HOUR, by(), NOON)
    outcome = target.expire(NOON - 86400)["p1"]

    assert [(event.transition, event.rev) for event in outcome.events] == [(Transition.SHELVED, 3)]
    assert outcome.conditions_changed


def test_ending_the_shelving_of_an_asset_ends_that_of_each_of_its_kinds() -> None:
    target, _ = hot()
    target.shelve("p1", "limit:vib", HOUR, by(), NOON)
    target.shelve("p1", ALL, HOUR, by(), NOON)
    acted = target.shelve("p1", ALL, 0.0, by(1), NOON)

    assert told(acted) == [("limit:vib", Transition.UNSHELVED)]


def test_one_alarm_of_a_shelved_asset_can_be_told_again() -> None:
    """Before, the answer was `done` and the alarm stayed shelved with its asset."""
    target, _ = hot()
    silent(target)
    target.shelve("p1", ALL, HOUR, by(), NOON)
    target.work_order("p1", "4711", by(1), NOON, opened=True)
    acted = target.shelve("p1", "silence", 0.0, by(2), NOON)

    assert (acted.answer, told(acted)) == (Answer.DONE, [("silence", Transition.UNSHELVED)])
    assert target.flags["p1"].shelved_until("risk") is not None


def test_ending_a_shelving_ends_what_a_work_order_shelved_before() -> None:
    target, _ = hot()
    silent(target)
    target.work_order("p1", "4711", by(), NOON, opened=True)
    ended = target.shelve("p1", ALL, 0.0, by(1), NOON)
    late = target.work_order("p1", "4710", by(0.5), NOON, opened=True)
    again = target.work_order("p1", "4712", by(2), NOON, opened=True)

    assert (ended.answer, told(ended)) == (Answer.DONE, [("silence", Transition.UNSHELVED)])
    assert (late.answer, told(late)) == (Answer.OUTDATED, [])
    assert (again.answer, told(again)) == (Answer.DONE, [("silence", Transition.SHELVED)])


def test_a_work_order_that_finds_no_place_among_open_ones_is_outdated() -> None:
    """It ended the agent: the oldest of more than can be remembered was looked for after it was forgotten."""
    target, _ = hot()
    for n in range(MAX_ORDERS):
        target.work_order("p1", f"open-{n}", by(n), NOON, opened=True)
    acted = target.work_order("p1", "older", by(-1), NOON, opened=True)

    assert (acted.answer, told(acted)) == (Answer.OUTDATED, [])


def test_what_a_later_order_about_the_asset_overrules_says_so_and_is_written() -> None:
    target, _ = hot()
    silent(target)
    target.shelve("p1", ALL, HOUR, by(2), NOON)
    ended = target.shelve("p1", "silence", 0.0, by(1), NOON)
    target.suppress("p1", ALL, by(2), on=False)
    suppressed = target.suppress("p1", "silence", by(1), on=True)
    target.shelve("p1", ALL, 0.0, by(4), NOON)
    shelved = target.shelve("p1", "silence", HOUR, by(3), NOON)

    assert [(acted.answer, told(acted)) for acted in (ended, suppressed, shelved)] == [(Answer.OUTDATED, [])] * 3
    assert ended.outcome.conditions_changed


def test_a_suppressed_asset_taken_back_has_no_hard_limit_left_suppressed() -> None:
    target, _ = hot()
    target.suppress("p1", "limit:vib", by(), on=True)
    acted = target.suppress("p1", ALL, by(1), on=False)

    assert (acted.answer, told(acted)) == (Answer.DONE, [("limit:vib", Transition.UNSUPPRESSED)])


def test_a_hard_limit_taken_back_with_its_asset_stays_told_when_the_asset_is_shelved_again() -> None:
    """G9: an order that says all but hard limits silences none, not even one it had nothing to do with."""
    target, _ = hot()
    target.shelve("p1", "limit:vib", 8 * HOUR, by(), NOON)
    target.suppress("p1", "limit:vib", by(), on=True)
    target.shelve("p1", ALL, 0.0, by(1), NOON)
    target.suppress("p1", ALL, by(1), on=False)
    again = (target.shelve("p1", ALL, HOUR, by(2), NOON), target.suppress("p1", ALL, by(2), on=True))

    assert [(acted.answer, told(acted)) for acted in again] == [(Answer.DONE, [])] * 2


def test_a_shelf_within_a_work_order_that_was_ended_lasts_no_longer_than_it_was_ordered() -> None:
    target, _ = hot()
    silent(target)
    target.work_order("p1", "4711", by(), NOON, opened=True)
    target.shelve("p1", "silence", 0.0, by(1), NOON)
    [event] = target.shelve("p1", "silence", 600.0, by(HOUR), NOON + HOUR).outcome.events

    assert event.shelved_until == NOON + HOUR + 600.0


def test_an_end_that_arrives_after_a_later_order_of_its_name_ends_what_was_before_it() -> None:
    target, _ = hot()
    target.shelve("p1", "limit:vib", 8 * HOUR, by(), NOON)
    target.shelve("p1", ALL, HOUR, by(2), NOON)
    acted = target.shelve("p1", ALL, 0.0, by(1), NOON)

    assert (acted.answer, told(acted)) == (Answer.OUTDATED, [("limit:vib", Transition.UNSHELVED)])


def test_nothing_is_shelved_for_longer_than_the_policy_allows() -> None:
    target, _ = hot(replace(AT_ONCE, shelve_most_s=HOUR))
    [event] = target.shelve("p1", "limit:vib", 100 * HOUR, by(), NOON).outcome.events

    assert event.shelved_until == NOON + HOUR


def test_an_older_order_and_one_that_comes_too_late_change_nothing() -> None:
    target, _ = hot()
    late = target.shelve("p1", "limit:vib", HOUR, by(), NOON + 2 * HOUR)
    older = target.shelve("p1", "limit:vib", HOUR, by(-1), NOON)

    assert (late.answer, told(late)) == (Answer.OVER, [])
    assert (older.answer, told(older)) == (Answer.OUTDATED, [])


def test_suppression_holds_until_it_is_taken_back() -> None:
    target, _ = hot()
    on = target.suppress("p1", "limit:vib", by(), on=True)
    again = target.suppress("p1", "limit:vib", by(), on=True)
    off = target.suppress("p1", "limit:vib", by(1), on=False)

    assert (told(on), on.outcome.events[0].suppressed) == ([("limit:vib", Transition.SUPPRESSED)], "operator")
    assert (again.answer, told(again)) == (Answer.OUTDATED, [])
    assert (told(off), off.outcome.events[0].quiet) == ([("limit:vib", Transition.UNSUPPRESSED)], False)


def test_a_work_order_shelves_all_but_hard_limits_and_its_end_tells_what_still_stands() -> None:
    target, _ = hot()
    silent(target)
    opened = target.work_order("p1", "4711", by(actor="order 4711"), NOON, opened=True)
    shut = target.work_order("p1", "4711", by(60), NOON + 60, opened=False)

    assert told(opened) == [("silence", Transition.SHELVED)]
    assert opened.outcome.events[0].shelved_until == NOON + AT_ONCE.maintenance_s
    assert told(shut) == [("silence", Transition.UNSHELVED)]
    assert target.work_order("p1", "4711", by(), NOON, opened=True).answer is Answer.OUTDATED
    assert target.work_order("p1", "old", by(-30 * 86400), NOON, opened=True).answer is Answer.OVER


def test_an_asset_has_the_kinds_of_its_channels_and_of_its_alarms() -> None:
    target, raised = hot()
    target.alarms["p1", "limit:gone"] = target.alarms["p1", raised.kind]  # of a class before it was changed
    kinds = ("*", "risk", "silence", "limit:temp", "unit:temp", "limit:gone", "limit:none", "unit:gone")

    assert [kind for kind in kinds if not target.has_kind("p1", kind)] == ["limit:none", "unit:gone"]
    assert not target.has_kind("x1", "limit:vib")


def test_flags_of_one_asset_are_nobody_elses() -> None:
    target, _ = hot()
    target.shelve("p2", ALL, HOUR, by(), NOON)

    assert silent(target).shelved_until is None


# --------------------------------------------------------------------------------------------- hysteresis, floods


def test_a_value_that_chatters_about_its_limit_pages_once() -> None:
    """ISA-18.2: a deadband keeps what goes to and fro by less than it one alarm."""
    spec = replace(PUMP, channels=(replace(VIB, limits=Limits(high_alarm=7.0, deadband=0.5)), *PUMP.channels[1:]))
    target = pipeline(spec, policy=AT_ONCE)
    values = [7.1, 6.9, 7.2, 6.6, 7.05, 6.8] * 10
    found = outcomes(target, [reading_of("vib", value, 10.0 * i) for i, value in enumerate([*values, 6.4])])

    assert [e.transition for o in found for e in o.events] == [Transition.RAISED, Transition.CLEARED]


def test_a_low_limit_has_its_deadband_above() -> None:
    limits = Limits(low_alarm=5.0, deadband=0.5)

    assert [limits.near(value) for value in (4.9, 5.4, 5.5)] == [5.0, 5.0, None]
    assert Limits().near(1.0) is None


def silence(target: Pipeline, time: float, *channels: str) -> list[AlarmEvent]:
    """What is told of the channels that are silent."""
    outcome = Outcome()
    target._silence("p1", time, channels, outcome)
    return outcome.events


def raised_and_over(target: Pipeline, times: int) -> list[AlarmEvent]:
    """The raises of a silence that comes and goes, a minute apart."""
    told_ = [
        e for i in range(times) for e in (*silence(target, 1000.0 + 60 * i, "vib"), *silence(target, 1030.0 + 60 * i))
    ]
    return [event for event in told_ if event.transition is Transition.RAISED]


def test_of_too_many_raises_the_last_page_nobody() -> None:
    target = pipeline(policy=replace(AT_ONCE, most_raises=3, raises_s=HOUR))
    found = raised_and_over(target, 5)

    assert [event.suppressed for event in found] == ["", "", "", "rate", "rate"]


def test_what_was_one_too_many_and_still_stands_is_told_once_there_is_room() -> None:
    target = pipeline(policy=replace(AT_ONCE, most_raises=1, raises_s=600.0))
    raised_and_over(target, 1)
    silence(target, 1100.0, "vib")
    before = silence(target, 1500.0, "vib")
    [after] = silence(target, 1600.0, "vib")

    assert before == []
    assert (after.transition, after.quiet, after.rev) == (Transition.REALARMED, False, 2)


def test_what_is_over_tells_nobody_of_an_alarm_that_was_one_too_many() -> None:
    target = pipeline(policy=replace(AT_ONCE, most_raises=1, raises_s=600.0))
    raised_and_over(target, 1)
    silence(target, 1100.0, "vib")
    outcome = Outcome()
    target._silence("p1", 1700.0, ("vib",), outcome, historical=True)
    assert outcome.events == []

    [after] = silence(target, 1800.0, "vib")
    assert after.transition is Transition.REALARMED


def test_hard_limits_are_never_one_too_many() -> None:
    target = pipeline(policy=replace(AT_ONCE, most_raises=1))
    found = outcomes(target, [reading_of("vib", v, 10.0 * i) for i, v in enumerate([9.0, 2.0] * 5)])

    assert {e.suppressed for o in found for e in o.events} == {""}


def test_nothing_that_is_over_counts_as_a_raise() -> None:
    target = pipeline(policy=replace(AT_ONCE, most_raises=1))
    target._silence("p1", 1000.0, ("vib",), Outcome(), historical=True)

    assert not target.flags


# --------------------------------------------------------------------------------------------- both sides of a split


class Split(RuleBasedStateMachine):
    """An edge and a fleet that hear each other late, in any order, and more than once.

    The fleet holds the newest revision of each alarm; its commands and the edge's events lie in two bags, from which
    anything may be delivered at any time, again and again. Once all of both is delivered, both sides agree.
    """

    def __init__(self) -> None:
        super().__init__()
        self.edge = pipeline(policy=AT_ONCE)
        self.control = pipeline(policy=AT_ONCE)  # hears of each command once, when it is given
        self.time, self.asked = 0.0, 0
        self.events: list[AlarmEvent] = []
        self.fleet: dict[str, AlarmEvent] = {}
        self.commands: list[tuple[str, str, By]] = []
        self.delivered: set[int] = set()

    def heard(self, events: list[AlarmEvent]) -> None:
        self.events += events

    @rule(value=st.sampled_from([2.0, 9.0]))
    def read(self, value: float) -> None:
        self.time += 10.0
        for outcome in outcomes(self.edge, [reading_of("vib", value, self.time)]):
            self.heard(outcome.events)
        outcomes(self.control, [reading_of("vib", value, self.time)])

    @precondition(lambda self: self.fleet)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        self.ask("ack", data.draw(st.sampled_from(sorted(self.fleet))))

    @rule(
        what=st.sampled_from(["shelve", "unshelve", "suppress", "unsuppress"]), kind=st.sampled_from(["limit:vib", ALL])
    )
    def flag(self, what: str, kind: str) -> None:
        self.ask(what, kind)

    def ask(self, what: str, about: str) -> None:
        self.asked += 1
        self.commands.append((what, about, by(self.asked, f"r{self.asked}")))

    @precondition(lambda self: self.commands)
    @rule(data=st.data())
    def command_arrives(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.commands) - 1))
        self.delivered.add(index)
        self.heard(self.obeyed(self.edge, index))

    @precondition(lambda self: self.events)
    @rule(data=st.data())
    def event_arrives(self, data: st.DataObject) -> None:
        self.told(data.draw(st.sampled_from(self.events)))

    def obeyed(self, target: Pipeline, index: int) -> list[AlarmEvent]:
        what, about, order = self.commands[index]
        if what == "ack":
            return target.acknowledge(about, order).outcome.events
        if what.endswith("shelve"):
            return target.shelve("p1", about, HOUR if what == "shelve" else 0.0, order, NOON + 500).outcome.events
        return target.suppress("p1", about, order, on=what == "suppress").outcome.events

    def told(self, event: AlarmEvent) -> None:
        known = self.fleet.get(event.id)
        if known is None or event.rev > known.rev:
            self.fleet[event.id] = event

    @invariant()
    def revisions_follow_each_other(self) -> None:
        revs: dict[str, int] = {}
        for event in self.events:
            assert event.rev == revs.get(event.id, 0) + 1
            revs[event.id] = event.rev

    def teardown(self) -> None:
        for index in reversed(range(len(self.commands))):
            if index not in self.delivered:
                self.heard(self.obeyed(self.edge, index))
        for index in range(len(self.commands)):
            self.heard(self.obeyed(self.edge, index))
            self.obeyed(self.control, index)
        for event in reversed(self.events):
            self.told(event)
        state = self.edge.alarms.get(("p1", "limit:vib"))
        flags = [
            (t.flags["p1"].shelved_until("limit:vib"), t.flags["p1"].suppressed("limit:vib"))
            for t in (self.edge, self.control)
            if "p1" in t.flags
        ]
        assert len({*flags}) <= 1
        if state is not None and state.id:
            assert state.acked is self.control.alarms["p1", "limit:vib"].acked
            newest = self.fleet[state.id]
            assert (newest.rev, newest.open, newest.active) == (state.rev, state.open, state.active)
            assert newest.acked is state.acked
            if newest.open and flags:
                assert (newest.shelved_until, newest.suppressed) == flags[0]
        for known in self.fleet.values():
            assert known.open is (state is not None and known.id == state.id and state.open)


TestSplit = Split.TestCase
TestSplit.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_a_reading_moves_no_flag() -> None:
    target, _ = hot()
    target.shelve("p1", ALL, HOUR, by(), NOON)
    before = dict(target.flags["p1"].shelves)
    outcomes(target, [Reading("p1", "vib", 20.0, 9.0), Reading("p1", "vib", 30.0, 2.0)])

    assert target.flags["p1"].shelves == before


def test_better_words_are_told_with_the_flags_of_now() -> None:
    target, raised = hot()
    target.shelve("p1", "limit:vib", HOUR, by(), NOON)
    outcome = target.reworded(raised, Told("In other words.", ""))

    assert outcome is not None
    [event] = outcome.events
    assert (event.summary, event.rev, event.shelved_until) == ("In other words.", 3, NOON + HOUR)
    assert target.reworded(raised, Told("Too late.", "")) is None
    assert target.reworded(replace(raised, asset="p2"), Told("Of nobody.", "")) is None
