"""Arithmetic of derived channels."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.expression import MAX_LENGTH, compile_condition, compile_expression, names_in

VALUES = {"a": 3.0, "b": 4.0, "zero": 0.0, "gone": math.nan, "huge": 1e308}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a * b + 1", 13.0),
        ("a - b", -1.0),
        ("-a / +b", -0.75),
        ("sqrt(a ** 2 + b ** 2)", 5.0),
        ("min(a, b, 2) + max(a, b)", 6.0),
        ("abs(a - b)", 1.0),
        (" 2 ** -1 ", 0.5),
        ("1e3", 1000.0),
    ],
)
def test_an_expression_has_the_value_that_arithmetic_gives(source: str, expected: float) -> None:
    assert compile_expression(source)(VALUES) == expected


@pytest.mark.parametrize(
    "source",
    [
        "missing + 1",
        "max(a, gone)",
        "min(gone, a)",
        "gone ** 0",
        "a / zero",
        "sqrt(a - b)",
        "(a - b) ** 0.5",
        "huge * 10",
        "huge ** 2",
    ],
)
def test_a_value_that_is_missing_or_cannot_be_computed_is_nan(source: str) -> None:
    assert math.isnan(compile_expression(source)(VALUES))


@pytest.mark.parametrize(
    "source",
    [
        "", "a +", "a b", "a = 1", "(" * 240 + "a" + ")" * 240,
        "'a'", "True", "1j", "a.real", "a[0]", "a if b else 1", "a < b", "a % b", "a // b", "~a", "not a",
        "lambda: 1", "[a]", "(a, b)", "a @ b", "a; b", "a\x00",
        "__import__('os')", "a.__class__", "eval(a)", "print(a)", "open(a)", "max", "min + 1",
        "min()", "min(a)", "max(*a)", "sqrt(a, b)", "abs()", "min(a, b, key=a)", "sqrt(x=a)", "(min)(a)",
        "1" + "0" * 400, "~" * 490 + "a",
    ],
)  # fmt: skip
def test_what_is_no_plain_arithmetic_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match=r"no arithmetic|not allowed|nests too deeply|null bytes"):
        compile_expression(source)


def test_a_refusal_names_the_part_that_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"'x\.real' is not allowed"):
        compile_expression("a + x.real")


def test_an_expression_has_a_largest_length() -> None:
    longest = "a" + " " * (MAX_LENGTH - 1)

    assert compile_expression(longest)(VALUES) == 3.0
    with pytest.raises(ValueError, match="501 characters; at most 500"):
        compile_expression(longest + " ")


def test_names_are_the_channels_and_not_the_functions() -> None:
    assert names_in("max(vib_de, vib_nde) / sqrt(speed) + 2") == {"vib_de", "vib_nde", "speed"}
    with pytest.raises(ValueError, match="no arithmetic"):
        names_in("a +")


@given(source=st.text(alphabet="ab0123.+-*/() ,minsqrt_'[]~", max_size=60))
def test_any_text_is_either_refused_or_computes_a_number(source: str) -> None:
    try:
        compute = compile_expression(source)
    except ValueError:
        return

    assert isinstance(compute(VALUES), float)


# --------------------------------------------------------------------------------------------- conditions


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a > 2", True),
        ("a > 3", False),
        ("a >= 3", True),
        ("a < 3", False),
        ("a <= 3", True),
        ("2 < a < b", True),
        ("2 < a < b < 4", False),
        ("a * b > 10 and b - a <= 1", True),
        ("a > b or zero < 1", True),
        ("a > b or (b > a and zero > 0)", False),
        ("a > b and gone > 1", False),  # whatever the missing one would say
        ("b > a or gone > 1", True),
        ("b > a and gone > 1", None),
        ("a > b or gone > 1", None),
        ("missing > 1", None),
        ("a / zero > 1", None),
    ],
)
def test_a_condition_holds_or_not_or_cannot_be_told(source: str, *, expected: bool | None) -> None:
    assert compile_condition(source)(VALUES) is expected


@pytest.mark.parametrize(
    "source",
    ["", "a", "a + b", "a == 1", "a != 1", "a in b", "a is b", "not a > 1", "a > 1 if b else a", "a > 'x'",
     "(a > 1) + 1", "a > open(b)", "a > __import__('os')", "a > 1 and b", "a > b.c",
     "(" * 240 + "a" + ")" * 240 + "> 1", "-" * 480 + "a > 1"],
)  # fmt: skip
def test_what_is_no_condition_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match=r"no arithmetic|no condition|not allowed|nests too deeply"):
        compile_condition(source)


def test_the_names_of_a_condition_are_its_channels() -> None:
    assert names_in("max(load_a, load_b) > 5 and speed > 10") == {"load_a", "load_b", "speed"}
