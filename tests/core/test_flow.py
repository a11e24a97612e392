"""How readings arrive: ordinary, old, late, of the future; and when an asset's clock was set."""

from __future__ import annotations

import math

import pytest

from edge_agent.core.flow import Flow, Way
from tests.core.pump import PUMP

HOUR = 3600.0
NOW = 1_700_000_000.0
CHANNELS = ("vib", "temp", "flow")


def take(flow: Flow, time: float, arrival: float, channel: str = "vib", judged: float = -math.inf) -> Way:
    """The way of a reading of an asset of which all three channels were heard lately."""
    if flow.ordinary(channel, time, arrival):
        return Way.JUDGED
    return flow.take(channel, time, arrival, judged=judged, heard=CHANNELS)


def heard(lag: float = 2.0) -> Flow:
    """The flow of a pump that was heard every second for a minute until NOW, with this lag."""
    flow = Flow.of(PUMP)
    for second in range(-60, 1):
        for channel in CHANNELS:
            assert take(flow, NOW + second - lag, NOW + second, channel) is Way.JUDGED
    return flow


@pytest.mark.parametrize("lag", [0.0, 2.0, 10 * 365 * 86400.0, -HOUR])
def test_any_steady_lag_is_ordinary(lag: float) -> None:
    assert heard(lag).lag == lag


def test_a_lag_may_drift_as_far_as_it_likes() -> None:
    flow = Flow.of(PUMP)

    assert {take(flow, NOW + i, NOW + 3.0 * i) for i in range(2000)} == {Way.JUDGED}
    assert flow.lag == 2.0 * 1999


def test_a_reading_out_of_order_by_less_than_an_outage_is_judged_at_once_and_moves_no_lag() -> None:
    flow = heard()

    assert take(flow, NOW - 300.0, NOW + 1.0) is Way.JUDGED
    assert (flow.lag, flow.newest) == (2.0, NOW - 2.0)


def test_an_old_reading_that_was_not_judged_yet_holds_the_asset_until_none_came_for_a_while() -> None:
    flow = heard()
    back = NOW + 6 * HOUR

    assert take(flow, NOW, back, judged=NOW - 60.0) is Way.HELD
    assert take(flow, back, back + 8.0) is Way.HELD
    assert take(flow, NOW + HOUR, back + 9.0) is Way.HELD
    assert not flow.due(back + 18.9)
    assert take(flow, back + 19.0, back + 19.0) is Way.HELD  # the present goes on and does not prolong it
    assert flow.due(back + 19.0)


def test_after_a_gap_a_buffer_is_waited_for() -> None:
    flow = heard()

    assert take(flow, NOW + HOUR, NOW + HOUR) is Way.HELD
    assert not flow.due(NOW + HOUR + 9.9)
    assert flow.due(NOW + HOUR + 10.0)
    flow.release(NOW + HOUR + 10.0)
    assert take(flow, NOW + HOUR + 11.0, NOW + HOUR + 11.0) is Way.JUDGED


def test_no_buffer_is_waited_for_longer_than_its_horizon() -> None:
    flow = heard()
    back = NOW + 6 * HOUR
    ways = {take(flow, NOW + 20.0 * i, back + i) for i in range(601)}

    assert ways == {Way.HELD}
    assert not flow.due(back + 599.0)
    assert flow.due(back + 600.0)


def test_a_limit_crossed_now_waits_for_a_buffer_no_longer_than_it_takes_to_settle() -> None:
    flow = heard()
    back = NOW + HOUR
    take(flow, NOW + 1.0, back)
    flow.crossed(back + 1.0)
    flow.crossed(back + 5.0)
    take(flow, NOW + 2.0, back + 10.0)

    assert flow.pressing
    assert not flow.due(back + 10.9)
    assert flow.due(back + 11.0)


def test_what_is_older_than_what_was_judged_is_late_and_holds_nobody() -> None:
    flow = heard()

    assert take(flow, NOW - HOUR, NOW + 1.0, judged=NOW - 60.0) is Way.LATE
    assert take(flow, NOW, NOW + 1.0, "temp") is Way.JUDGED


def test_one_sensor_of_the_future_moves_nobody_elses_time() -> None:
    flow = heard()
    far = 10 * 365 * 86400.0
    for second in range(1, 2000):
        assert take(flow, NOW + second + far, NOW + second, "vib") is Way.FUTURE
        assert take(flow, NOW + second - 2.0, NOW + second, "temp") is Way.JUDGED
        assert take(flow, NOW + second - 2.0, NOW + second, "flow") is Way.JUDGED
    assert flow.newest == NOW + 1999 - 2.0


def test_a_sensor_whose_clock_is_right_again_is_judged_again() -> None:
    flow = heard()
    take(flow, NOW + HOUR, NOW + 1.0, "vib")

    assert flow.strays
    assert take(flow, NOW + 2.0, NOW + 3.0, "vib") is Way.JUDGED
    assert not flow.strays


@pytest.mark.parametrize("leap", [HOUR, -HOUR, 14 * 86400.0, -14 * 86400.0])
def test_when_most_channels_keep_to_another_lag_the_clock_was_set(leap: float) -> None:
    flow = heard()
    ways = [
        take(flow, NOW + second + leap, NOW + second, channel, judged=NOW - 60.0)
        for second in range(1, 13)
        for channel in CHANNELS
    ]

    assert ways.count(Way.RESET) == 1
    at = ways.index(Way.RESET)
    assert set(ways[:at]) == {Way.FUTURE if leap > 0 else Way.LATE}
    assert set(ways[at + 1 :]) == {Way.JUDGED}
    assert at <= 3 * 11
    assert flow.lag == pytest.approx(-leap)


def test_the_buffer_of_a_sensor_is_no_clock_that_was_set() -> None:
    """Most channels of the asset were away while one was not: their old readings are late, however many they are."""
    flow = heard()
    for minute in range(120):
        take(flow, NOW + 60.0 * minute, NOW + 60.0 * minute, "flow")
    back = NOW + 7200.0
    ways = {
        take(flow, NOW + 3.0 * i, back + i / 100.0, channel, judged=back - 60.0)
        for i in range(2400)
        for channel in ("vib", "temp")
    }

    assert ways == {Way.LATE, Way.JUDGED}  # the newest of it is of the present


def test_a_source_that_comes_back_with_a_longer_delay_is_judged_with_it_after_a_while() -> None:
    flow = heard()
    back = NOW + HOUR
    for i in range(12):
        for channel in CHANNELS:
            take(flow, back - 1200.0 + i, back + i, channel, judged=NOW - 60.0)

    assert flow.lag == 1200.0
    assert flow.due(back + 21.0)
    flow.release(back + 21.0)
    assert take(flow, back - 1200.0 + 22.0, back + 22.0, judged=NOW - 60.0) is Way.JUDGED


def test_a_clock_that_was_set_while_its_asset_is_on_hold_ends_the_hold() -> None:
    flow = heard()
    take(flow, NOW + HOUR, NOW + HOUR)
    assert flow.holding
    ways = [take(flow, NOW + i, NOW + HOUR + i, channel, judged=NOW + 600.0) for i in range(12) for channel in CHANNELS]

    assert Way.RESET in ways
    assert not flow.holding


# --------------------------------------------------------------------------------------------- without a usual lag


def test_the_first_reading_of_all_says_what_is_usual() -> None:
    flow = Flow.of(PUMP)

    assert take(flow, NOW - 10 * HOUR, NOW) is Way.JUDGED
    assert (flow.lag, flow.newest) == (10 * HOUR, NOW - 10 * HOUR)


def test_without_a_usual_lag_a_reading_soon_after_the_last_one_is_judged() -> None:
    flow = Flow.of(PUMP, newest=NOW)

    assert take(flow, NOW - 1.0, 5.0) is Way.JUDGED
    assert (flow.lag, flow.newest) == (6.0 - NOW, NOW)


def test_without_a_usual_lag_everything_after_a_gap_is_held_and_the_newest_says_what_is_usual() -> None:
    flow = Flow.of(PUMP, newest=NOW)
    ways = [take(flow, NOW + hours * HOUR, 100.0 + i) for i, hours in enumerate((3.0, 1.0, 6.0, 2.0))]

    assert set(ways) == {Way.HELD}
    assert not flow.due(112.9)  # 2 h came last, at 103 s
    assert flow.due(113.0)
    flow.release(113.0)
    assert flow.lag == 113.0 - (NOW + 6 * HOUR)


def test_without_a_usual_lag_channels_stamped_a_little_apart_are_no_buffer() -> None:
    flow = Flow.of(PUMP, newest=NOW)
    for second in range(20):
        take(flow, NOW + HOUR + second, 100.0 + second, "vib")
        take(flow, NOW + HOUR + second - 0.2, 100.0 + second, "temp")

    assert flow.holding
    assert flow.due(100.0 + flow.settle_s)


def test_without_a_usual_lag_a_boot_at_1970_goes_on_after_a_while() -> None:
    flow = Flow.of(PUMP, newest=NOW)
    ways = [take(flow, second, second, channel, judged=NOW) for second in range(30) for channel in CHANNELS]

    assert ways[0] is Way.LATE
    assert ways[-1] is Way.JUDGED
    assert ways.count(Way.RESET) == 1
    assert flow.lag == 0.0


def test_a_lag_is_to_be_written_down_when_it_has_moved_by_half_an_outage() -> None:
    flow = heard()
    assert flow.moved
    flow.noted = 2.0
    assert not flow.moved
    take(flow, NOW, NOW + 400.0)
    assert flow.moved
    assert not Flow.of(PUMP).moved
