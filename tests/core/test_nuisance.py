"""Alarms looked over as a whole."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.nuisance import FLOOD_S, Nuisance, Past, Threshold, Watch, assess, failures, threshold
from edge_agent.core.types import AlarmEvent, Transition
from tests.store.journal_values import some_event

DAY = 86400.0


def past(raised: float, length: float | None = 3600.0, kind: str = "risk", **more: object) -> Past:
    """An alarm of p1."""
    fields: dict[str, object] = {"peak": None, **more}
    cleared = None if length is None else raised + length
    return Past(f"a{raised:g}", str(fields.pop("asset", "p1")), kind, raised, cleared, **fields)  # type: ignore[arg-type]


def test_quiet_alarms_are_nobodys_burden() -> None:
    found = assess([past(0.0), past(100.0, quiet=True)], DAY)

    assert (found.alarms, found.per_day) == (1, 1.0)
    assert assess([], DAY).burdens == ()


@pytest.mark.parametrize(
    ("kind", "remedy"), [("limit:vib", "deadband"), ("risk", "off_windows"), ("silence", "off_windows")]
)
def test_three_raises_within_ten_minutes_chatter(kind: str, remedy: str) -> None:
    found = assess([past(t, 60.0, kind, acked=True) for t in (0.0, 200.0, 600.0, 5000.0)], DAY)

    assert found.burdens[0].chattering == 1
    assert remedy in found.proposals[0]
    assert assess([past(t, 60.0, kind, acked=True) for t in (0.0, 200.0, 601.0)], DAY).proposals == ()


@pytest.mark.parametrize(("kind", "remedy"), [("limit:vib", "limit_on_s"), ("risk", "on_windows")])
def test_what_is_over_before_anybody_saw_it_is_fleeting(kind: str, remedy: str) -> None:
    found = assess([past(t * 3600.0, 120.0, kind) for t in range(4)], DAY)

    assert found.burdens[0].fleeting == 4
    assert remedy in found.proposals[0]
    assert assess([past(t * 3600.0, 120.0, kind, acked=True) for t in range(4)], DAY).proposals == ()
    assert assess([past(t * 3600.0, 120.0, kind) for t in range(2)], DAY).proposals == ()


def test_what_stands_for_more_than_a_day_is_stale() -> None:
    assert assess([past(0.0, None)], DAY + 1).burdens[0].stale
    assert "stands for more than a day" in assess([past(0.0, None)], DAY + 1).proposals[0]
    assert not assess([past(0.0, None)], DAY).burdens[0].stale


def test_ten_alarms_in_ten_minutes_are_a_flood_whoever_they_come_from() -> None:
    calm = [past(60.0 * t, asset=f"p{t}") for t in range(9)]
    flood = [past(60.0 * t, asset=f"p{t}") for t in range(12)]

    assert assess(calm, DAY).flood_s == 0.0
    assert assess(flood, DAY).flood_s == pytest.approx(60.0 * 3)


@given(st.lists(st.floats(0.0, 5 * FLOOD_S), max_size=40))
def test_a_flood_is_no_longer_than_the_time_it_lies_in(times: list[float]) -> None:
    found = assess([past(t) for t in times], DAY)

    assert 0.0 <= found.flood_s <= 6 * FLOOD_S


def test_the_heaviest_condition_comes_first_with_what_people_called_it() -> None:
    calm = [past(t * 7200.0, asset="p2", label="real") for t in range(3)]
    wild = [past(t * 100.0, 60.0, label="false") for t in range(5)]
    found = assess([*calm, *wild], DAY)

    assert [(burden.asset, burden.labels) for burden in found.burdens] == [
        ("p1", (("false", 5),)), ("p2", (("real", 3),)),
    ]  # fmt: skip


def labelled(**peaks: list[float]) -> list[Past]:
    """Alarms by risk with these peaks, by label."""
    found = [past(n * 3600.0, peak=p, label=label) for label, ps in peaks.items() for n, p in enumerate(ps)]
    return [*found, past(0.0, kind="limit:vib", label="false"), past(0.0, peak=0.7)]


def test_a_threshold_keeps_to_the_budget_and_to_the_real_ones() -> None:
    alarms = labelled(real=[0.8, 0.9, 0.95], false=[0.55, 0.6, 0.7, 0.85])

    assert threshold(alarms, 10.0, 0.1, 0.9) == Threshold(0.8, 0.1, 1.0, 3, 4)
    assert threshold(alarms, 10.0, 0.3, 0.9) == Threshold(0.6, 0.3, 1.0, 3, 4)


def test_without_real_alarms_the_budget_alone_counts() -> None:
    found = threshold(labelled(false=[0.6, 0.7]), 1.0, 0.0, 0.9)

    assert found == Threshold(0.701, 0.0, 1.0, 0, 2)


def test_no_threshold_lies_above_every_risk() -> None:
    assert isinstance(threshold(labelled(false=[0.6, 0.9997]), 1.0, 0.0, 0.9), str)


def test_a_budget_that_would_cost_real_alarms_is_refused_with_the_reason() -> None:
    found = threshold(labelled(real=[0.6, 0.65], false=[0.9, 0.95]), 1.0, 0.0, 0.9)

    assert isinstance(found, str)
    assert "fine-tune" in found


def test_what_people_called_real_is_a_failure_and_a_limit_unless_they_called_it_otherwise() -> None:
    alarms = [
        past(0.0, label="real"),
        past(1.0),
        past(2.0, kind="limit:vib"),
        past(3.0, kind="limit:vib", label="planned"),
    ]

    assert [alarm.raised for alarm in failures(alarms)] == [0.0, 2.0]


def test_without_false_alarms_there_is_nothing_to_propose() -> None:
    assert "nothing to have fewer of" in str(threshold(labelled(real=[0.9]), 1.0, 0.0, 0.9))


# --------------------------------------------------------------------------------------------- while it runs


def event(transition: Transition, time: float, asset: str = "p1", **changes: object) -> AlarmEvent:
    """An event of a risk alarm that was first seen at nought."""
    plain = replace(some_event("a1"), asset=asset, transition=transition, time=time, first=0.0, acked=False)
    return replace(plain, **changes)  # type: ignore[arg-type]  # the dataclass refuses unknown names


def seen(*events: AlarmEvent) -> list[list[Nuisance]]:
    """What each of the events shows, one after the other."""
    watch = Watch()
    return [watch.note(one) for one in events]


def test_the_third_raise_within_ten_minutes_is_counted_as_chattering() -> None:
    times = [0.0, 300.0, 600.0, 901.0]

    assert seen(*(event(Transition.RAISED, time) for time in times)) == [[], [], [Nuisance.CHATTERING], []]


def test_the_tenth_raise_of_anybody_within_ten_minutes_is_counted_as_a_flood() -> None:
    found = seen(*(event(Transition.RAISED, 10.0 * n, f"p{n}") for n in range(11)))

    assert found == [[]] * 9 + [[Nuisance.FLOOD]] * 2


def test_what_clears_at_once_without_having_been_acknowledged_is_counted_as_fleeting() -> None:
    raised = event(Transition.RAISED, 100.0)

    assert seen(raised, event(Transition.CLEARED, 400.0))[1] == [Nuisance.FLEETING]
    assert seen(raised, event(Transition.CLEARED, 401.0))[1] == []
    assert seen(raised, event(Transition.CLEARED, 200.0, acked=True))[1] == []
    assert seen(event(Transition.CLEARED, 200.0)) == [[]]


def test_what_stands_for_more_than_a_day_is_counted_once() -> None:
    later = [event(Transition.UPDATED, DAY), event(Transition.UPDATED, DAY + 1), event(Transition.REALARMED, DAY + 2)]

    over = event(Transition.CLEARED, DAY + 3, active=False, suppressed="operator")

    assert seen(*later) == [[], [Nuisance.STALE], []]
    assert seen(*later, over, later[1])[-1] == [Nuisance.STALE]


def test_what_pages_nobody_is_not_counted() -> None:
    assert seen(*(event(Transition.RAISED, float(n), suppressed="rate") for n in range(5))) == [[]] * 5
