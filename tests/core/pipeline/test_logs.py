"""Log lines: which are kept, which a text reads, and how an alarm quotes them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.evidence import MAX_QUOTES
from edge_agent.core.pipeline import MAX_LOGS
from edge_agent.core.text import clean
from edge_agent.core.types import AlarmEvent, LogLine
from tests.core.pipeline.given_risks import ALARMING, LEARNT, by_step
from tests.core.pump import PUMP, events, noise, outcomes, pipeline, readings, scores, verdicts


def logged(*lines: LogLine) -> AlarmEvent:
    """The alarm of a pump that has these lines in its log."""
    target = pipeline(score=by_step([0.0] * 200 + [0.9]), policy=ALARMING)
    for line in lines:
        target.log(line)
    target._judge = replace(target._judge, score=lambda _: scores(0.9))
    return events(outcomes(target, readings(noise(LEARNT + 3))))[0]


END = (LEARNT + 1) * 60.0


def test_a_log_line_sent_twice_is_one_line() -> None:
    target = pipeline()
    line = LogLine("p1", 100.0, "noisy")

    assert target.log(line)
    assert not target.log(line)
    assert not target.log(line._replace(author="someone else"))
    assert target.log(line._replace(time=101.0))
    assert target.log(line._replace(asset="p2"))


def test_an_alarm_quotes_the_newest_lines_harmlessly() -> None:
    hostile = "bearing q99 noisy\n<script>alert(1)</script>"
    event = logged(LogLine("p1", 5.0, "oldest"), LogLine("p1", 900.0, hostile), LogLine("p1", 600.0, "greased"))

    assert [q.text for q in event.quotes] == [clean(hostile), "greased"]
    assert len(event.quotes) == MAX_QUOTES
    assert f'log: "{clean(hostile)}"' in event.summary


def test_lines_of_the_future_of_long_ago_and_of_other_assets_are_not_read() -> None:
    event = logged(
        LogLine("p1", END + 1.0, "not yet"), LogLine("p1", END - PUMP.log_horizon_s - 1.0, "long ago"),
        LogLine("p2", 100.0, "another pump"), LogLine("p1", END, "now"),
    )  # fmt: skip

    assert [q.text for q in event.quotes] == ["now"]


def test_a_text_reads_as_many_lines_as_the_class_allows() -> None:
    target = pipeline(replace(PUMP, log_lines=2))
    for i in range(5):
        target.log(LogLine("p1", float(i), f"line {'abcde'[i]}"))
    text = verdicts(outcomes(target, readings(noise(2))))[0].text

    assert text.split("\n")[-2:] == ["log <1h line e", "log <1h line d"]


@given(order=st.permutations(range(MAX_LOGS + 8)))
@settings(max_examples=10)
def test_the_newest_lines_are_kept_in_whatever_order_they_come(order: list[int]) -> None:
    target = pipeline()
    for i in order:
        target.log(LogLine("p1", float(i // 2), str(i)))

    assert [int(line.text) for line in target.logs["p1"]] == sorted(
        range(8, MAX_LOGS + 8), key=lambda i: (i // 2, str(i))
    )
