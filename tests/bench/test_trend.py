"""What a soak concludes from its samples: slopes, limits, and a picture that says the same."""

from __future__ import annotations

import xml.etree.ElementTree as ET  # our own output

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.trend import HOUR_S, Limit, Sample, slope, trends
from bench.trend_chart import Events, chart

MEMORY = Limit(name="memory", unit="MB", per_hour=1.0, allowance=2.0)


def samples(values: list[float], every_s: float = 60.0) -> list[Sample]:
    return [Sample(number * every_s, (value,)) for number, value in enumerate(values)]


@given(st.floats(-100, 100), st.floats(-1e4, 1e4), st.integers(10, 300))
def test_the_slope_of_a_line_is_its_own(rise: float, begin: float, count: int) -> None:
    assert slope([(n / 7, begin + rise * n / 7) for n in range(count)]) == pytest.approx(rise, abs=1e-6)


def test_a_few_wild_samples_do_not_move_the_slope() -> None:
    points = [(float(n), 100.0 + (500.0 if n % 10 == 9 else 0.0)) for n in range(100)]

    assert slope(points) == 0.0


def test_a_leak_passes_its_limit_in_a_long_run() -> None:
    """Two megabytes an hour where one is allowed: four hours are enough to tell, whatever the noise."""
    leaking = samples([100.0 + 2.0 * n / 60 + n % 3 for n in range(4 * 60)])
    [trend] = trends(leaking, [MEMORY], warm_s=0.0)

    assert trend.per_hour == pytest.approx(2.0, abs=0.1)
    assert trend.allowed == pytest.approx(1.5, abs=0.01)
    assert not trend.within


def test_what_grows_during_the_warm_up_is_not_counted() -> None:
    warming = samples([100.0 + min(n, 30) for n in range(120)])
    [trend] = trends(warming, [MEMORY], warm_s=30 * 60.0)

    assert trend.per_hour == 0.0
    assert trend.within


def test_a_bound_is_passed_by_a_single_sample() -> None:
    bounded = Limit(name="database", unit="MB", per_hour=1e9, allowance=0.0, most=36.0)
    [trend] = trends(samples([1.0] * 50 + [36.1] + [1.0] * 50), [bounded], warm_s=0.0)

    assert not trend.within
    assert "**passed**" in trend.row


def test_too_few_samples_are_no_result() -> None:
    with pytest.raises(ValueError, match="too few"):
        trends(samples([1.0] * 12), [MEMORY], warm_s=3 * 60.0)


def test_the_picture_is_sound_and_has_a_line_for_each_event() -> None:
    run = samples([100.0 + n % 5 for n in range(100)])
    found = trends(run, [MEMORY], warm_s=600.0)
    drawn = chart("an <odd> title", run, found, 600.0, Events("restarts", (HOUR_S / 2, HOUR_S)))
    lines = ET.fromstring(drawn).findall("{http://www.w3.org/2000/svg}line")  # noqa: S314 - our own output

    assert [line.get("class") for line in lines].count("event") == 2
    assert "an &lt;odd&gt; title" in drawn
