"""What people read, word by word."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from edge_agent.offline.backtest import Alarm
from edge_agent.offline.figures import Figures, figures
from edge_agent.offline.show import account, as_json, left_out, legend, plot, rules, table
from edge_agent.tables.truth import Episode
from tests.offline.test_figures import COUNTED, DATED, HOUR, course

NAMES = {"window": "risk ≥ {threshold}", "alarm": "alarm", "best": "best", "always": "always"}


def told(*, dated: bool, raised: float, mode: str = "") -> Figures:
    """Twelve windows; the episode is the last four; an alarm is raised and stands."""
    step = HOUR if dated else 1.0
    one = course(
        [0.1] * 8 + [0.9] * 4, [0] * 8 + [1] * 4, step=step, learning=2,
        alarms=[Alarm(raised * step, math.inf, "VIB", 0.9)], episodes=[Episode(8 * step, 11 * step, mode)],
    )  # fmt: skip
    return figures("pump", [([one], DATED if dated else COUNTED)])


def missed() -> Figures:
    """As `told`, but nobody says anything."""
    quiet = [course([0.1] * 12, [0] * 8 + [1] * 4, episodes=[Episode(8.0, 11.0)]) for _ in range(10)]
    return figures("plant", [(quiet, COUNTED)])


def test_lead_is_told_in_hours_where_time_is_in_dates() -> None:
    lines = list(account(told(dated=True, raised=8), failing=True))

    assert "failures: 1 of 1 told, 3 h ahead (median; 3 h to 3 h)" in lines
    assert any("0 per asset and week of event time" in line for line in lines)


def test_lead_is_told_in_steps_where_time_is_a_count() -> None:
    lines = list(account(told(dated=False, raised=9), failing=True))

    assert "failures: 1 of 1 told, 2 steps ahead (median; 2 steps to 2 steps)" in lines
    assert "alarms: 1 raised, 0 of them false: 0 per 1000 windows" in lines


def test_delay_is_told_where_rows_are_labelled() -> None:
    after = list(account(told(dated=True, raised=9), failing=False))
    before = list(account(told(dated=True, raised=5), failing=False))

    assert "labelled stretches: 1 of 1 told, raised 60 min after the start (median)" in after
    assert "labelled stretches: 1 of 1 told, raised 3 h before the start (median)" in before
    assert "  1 of them by an alarm that stood before the stretch began" in before


def test_no_lead_is_told_where_files_have_no_common_time() -> None:
    lines = list(account(replace(told(dated=True, raised=8), dates=None), failing=True))

    assert "failures: 1 of 1 told" in lines


def test_missed_failures_are_named_up_to_a_number() -> None:
    lines = list(account(missed(), failing=True))

    assert "failures: 0 of 10 told" in lines
    assert "  missed: pump, pump, pump, pump, pump, pump, pump, pump and 2 more" in lines


def test_modes_are_named_and_compared_with_the_known_ones() -> None:
    lines = list(account(told(dated=True, raised=8, mode="OHE"), failing=True))

    assert "failure mode right: 0 of 1" in lines
    assert "failure modes named: vibration (VIB) 4" in lines


def test_hidden_failures_are_counted_apart() -> None:
    one = course([0.1] * 5, [0] * 5, episodes=[Episode(50.0, 60.0)])

    assert "failures without a judged window, not counted: 1" in list(
        account(figures("p", [([one], COUNTED)]), failing=True)
    )


def test_what_was_not_judged_is_said() -> None:
    one = replace(course([0.1] * 6, [0, 0, 0, math.nan, 0, 0], learning=2, uncertain=[5]), shared=7, other_alarms=1)

    assert [line.split(" ", 2)[:2] for line in left_out(figures("p", [([one], COUNTED)]))] == [
        ["not", "judged:"], ["not", "judged:"], ["uncertain:", "1"], ["averaged:", "7"], ["silence:", "1"],
    ]  # fmt: skip


def test_table_has_a_line_per_file_and_one_for_all() -> None:
    one = told(dated=False, raised=8)

    lines = list(table([one, one], replace(one, name="all files")))

    assert [line.split()[0] for line in lines] == ["file", "pump", "pump", "all"]
    assert lines[1].split()[1:] == ["1", "10", "40.0", "%", "1.000", "1.000", "1.000", "0.0", "0.0", "1", "0", "1/1"]
    assert len(list(table([one], one))) == 2


def test_every_rule_has_its_line() -> None:
    lines = list(rules(told(dated=False, raised=8), NAMES))

    assert [line.split("  ")[0] for line in lines[1:]] == ["risk ≥ 0.500", "alarm", "always"]
    assert lines[-1].split()[1:] == ["0.400", "1.000", "0.571", "100.0", "%", "0.0", "%"]


def test_plot_shows_baseline_risk_failing_rows_and_alarms() -> None:
    one = course(
        [0.0, 0.0, 0.3, 0.6, 0.9, 1.0], [0, 0, 0, 0, 1, 1], learning=2, alarms=[Alarm(3.0, 5.0, "VIB", 0.9)]
    )  # fmt: skip

    assert list(plot([one], 80, plain=False)) == ["pump  ░░▃▅██", "         !#·"]
    assert list(plot([one], 80, plain=True)) == ["pump  ::,~##", "         !#."]
    assert legend(plain=True).isascii()


def test_long_life_is_drawn_within_the_width_by_its_highest_risks() -> None:
    risk = [0.0] * 1000
    risk[500] = 1.0

    (line,) = plot([course(risk, [0] * 1000)], 46, plain=False)

    assert len(line) == 46
    assert line.count("█") == 1


def test_asset_without_a_verdict_is_not_drawn() -> None:
    assert list(plot([course([], [])], 80, plain=False)) == []


@pytest.mark.parametrize("known", [True, False])
def test_json_names_every_figure(known: bool) -> None:  # noqa: FBT001
    found = as_json(told(dated=True, raised=8) if known else missed())

    assert {"pr_auc", "roc_auc", "prevalence", "rules", "episodes", "detected", "median_lead", "false_alarms"} <= set(
        found
    )
    assert found["detected"] == int(known)
    assert found["median_lead"] == (3 * HOUR if known else None)
