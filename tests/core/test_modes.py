"""The table of failure modes."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.modes import MODES, NONE, mode


def test_every_code_finds_its_own_row() -> None:
    assert all(mode(code).code == code for code in MODES)


def test_codes_are_three_capitals_but_for_none() -> None:
    assert all(re.fullmatch("[A-Z]{3}", code) for code in MODES if code != NONE)


def test_names_and_checks_hold_no_number_that_a_summary_would_have_to_prove() -> None:
    assert not [row for row in MODES.values() if re.search(r"\d", row.name + row.check)]


def test_every_check_is_one_sentence() -> None:
    assert all(row.check.endswith(".") and ". " not in row.check for row in MODES.values())


@given(code=st.text())
def test_a_code_outside_the_table_is_shown_as_other(code: str) -> None:
    assert mode(code) is (MODES[code] if code in MODES else MODES["OTH"])
