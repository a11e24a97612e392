"""Paths into JSON."""

from __future__ import annotations

import pytest

from edge_agent.core.paths import MISSING, parse_path, pick

DOCUMENT = {"data": {"sensors": [{"value": 1.5}, {"value": None}]}, "0": "zero"}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("", DOCUMENT),
        ("0", "zero"),
        ("data.sensors[0].value", 1.5),
        ("data.sensors[1].value", None),
        ("data.sensors[2].value", MISSING),
        ("data.sensors.value", MISSING),
        ("data[0]", MISSING),
        ("nothing", MISSING),
    ],
)
def test_a_path_leads_to_a_value_or_nowhere(path: str, found: object) -> None:
    assert pick(DOCUMENT, parse_path(path)) is found


def test_an_index_may_come_first() -> None:
    assert pick([[1, 2]], parse_path("[0][1]")) == 2


@pytest.mark.parametrize("path", [".", "a..b", "a.", "a[x]", "a[-1]", "a]", "a.[0]", "a[0]b"])
def test_a_wrong_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is no step of a path"):
        parse_path(path)
