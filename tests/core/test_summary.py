"""Facts → the summary by template."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.modes import MODES
from edge_agent.core.summary import figure, of_limit, of_recovery, of_risk, of_silence
from edge_agent.core.types import Evidence, Quote

VALUE = st.floats(allow_nan=False, allow_infinity=False)
NAME = st.sampled_from(("vib", "T24", "Ps30", "vib_2h"))
FACTS = st.lists(
    st.builds(
        Evidence,
        channel=NAME, component=st.sampled_from(("", "stage 2 bearing", "motor")), value=VALUE,
        unit=st.sampled_from(("", "mm/s", "m/s2", "kg/m3")), baseline=st.none() | VALUE, shift=st.none() | VALUE,
        limit=VALUE, rule=st.just("deviation"),
    ),
    max_size=4,
)  # fmt: skip
QUOTES = st.lists(st.builds(Quote, st.just("q"), st.just(0.0), st.sampled_from(("noisy", "runs at 80 c"))), max_size=2)
NUMBER = re.compile(r"-?\d[\d.]*(?:e[+-]\d+)?")


def numbers_not_proven(text: str, facts: list[Evidence], quotes: list[Quote]) -> list[str]:
    """The numbers of a summary that no fact holds, names and quoted words set aside."""
    names = {name for fact in facts for name in (fact.channel, fact.component, fact.unit) if name}
    for name in sorted(names | {quote.text for quote in quotes}, key=len, reverse=True):
        text = text.replace(name, " ")
    proven = {figure(v) for fact in facts for v in (fact.value, fact.baseline, fact.limit) if v is not None}
    return [number for number in NUMBER.findall(text) if number.rstrip(".") not in proven]


# --------------------------------------------------------------------------------------------- no invented number


@given(code=st.sampled_from([*MODES, "<b>77</b>"]), facts=FACTS, quotes=QUOTES)
@settings(max_examples=200)
def test_every_number_of_a_risk_summary_is_in_its_evidence(
    code: str, facts: list[Evidence], quotes: list[Quote]
) -> None:
    assert numbers_not_proven(of_risk(code, facts, quotes), facts, quotes) == []


@given(facts=FACTS.filter(bool))
def test_every_number_of_a_limit_summary_is_in_its_evidence(facts: list[Evidence]) -> None:
    assert numbers_not_proven(of_limit(facts[0]), facts, []) == []


@given(facts=FACTS)
def test_a_silence_summary_holds_no_number(facts: list[Evidence]) -> None:
    assert numbers_not_proven(of_silence(facts, more=True), facts, []) == []


def test_an_invented_number_would_be_found() -> None:
    fact = Evidence("T24", "", 3.0, "m/s2", 2.0, None, None, "deviation")

    assert numbers_not_proven("T24 3.00 m/s2, above its normal 2.00 m/s2; 95 per cent", [fact], []) == ["95"]


# --------------------------------------------------------------------------------------------- figures


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0"), (-0.0, "0"), (math.nan, "0"), (math.inf, "0"), (1.0, "1.00"), (-4.25, "-4.25"), (12.345, "12.3"),
        (123.45, "123"), (123456.7, "123457"), (0.01234, "0.0123"), (0.0001, "0.000100"),
        (0.00001234, "1.23e-05"), (9.99e8, "999000000"), (1e9, "1.00e+09"), (-3.4e38, "-3.40e+38"),
    ],
)  # fmt: skip
def test_a_number_has_three_digits_that_count(value: float, expected: str) -> None:
    assert figure(value) == expected


@given(value=st.floats(-1e300, 1e300))
def test_a_figure_is_short_and_near_its_value(value: float) -> None:
    assert len(figure(value)) <= 11
    assert float(figure(value)) == pytest.approx(value, rel=0.006)


# --------------------------------------------------------------------------------------------- sentences

BEARING = Evidence("vib", "drive-end bearing", 6.82, "mm/s", 2.0, 12.0, None, "deviation")
TEMPERATURE = Evidence("temp", "motor", 55.0, "degC", 60.0, -5.0, None, "deviation")


def test_a_risk_summary_says_what_where_how_far_and_what_to_check() -> None:
    quote = Quote("q", 0.0, "bearing noisy")

    assert of_risk("VIB", [BEARING, TEMPERATURE], [quote]) == (
        "Likely vibration (VIB) at drive-end bearing: vib 6.82 mm/s, above its normal 2.00 mm/s, "
        'temp 55.0 degC, below its normal 60.0 degC; log: "bearing noisy". '
        "Check bearing condition, lubrication, balance and alignment."
    )


def test_a_risk_without_a_mode_or_a_fact_says_so() -> None:
    assert of_risk("none", [], []) == (
        "Unusual behaviour: no single channel stands out. Watch the trend and compare with a sister machine."
    )


def test_a_code_that_is_not_in_the_table_is_never_shown() -> None:
    assert of_risk("<script>", [], []).startswith("Likely other (OTH): ")


@pytest.mark.parametrize(
    ("value", "limit", "side"), [(8.0, 7.0, "above"), (3.0, 5.0, "below"), (7.0, 7.0, "at"), (7.0, None, "at")]
)
def test_a_limit_summary_says_on_which_side(value: float, limit: float | None, side: str) -> None:
    fact = Evidence("vib", "", value, "mm/s", None, None, limit, "limit")
    bound = figure(value if limit is None else limit)

    assert of_limit(fact) == f"vib {figure(value)} mm/s is {side} its limit {bound} mm/s."


def test_a_value_without_unit_or_baseline_stands_alone() -> None:
    assert "x 3.00. " in of_risk("OTH", [Evidence("x", "", 3.0, "", None, None, None, "deviation")], [])


def test_a_silence_summary_names_the_channels() -> None:
    silent = [Evidence(name, "", 0.0, "", None, None, None, "silence") for name in ("vib", "temp")]

    assert of_silence(silent).startswith("No readings from vib, temp. ")
    assert of_silence(silent, more=True).startswith("No readings from vib, temp and others. ")


def test_a_recovery_says_how_near_to_normal_the_farthest_channel_is() -> None:
    """A cleared alarm does not speak of causes."""
    fact = Evidence("vib", "drive-end bearing", 2.01, "mm/s", 1.94, 0.5, None, "deviation")

    assert of_recovery((fact,)) == "The risk is low again: vib 2.01 mm/s, above its normal 1.94 mm/s."
    assert of_recovery(()) == "The risk is low again."
