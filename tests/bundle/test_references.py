"""Class references on disk."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edge_agent.bundle.references import format_references, parse_references, rounded
from edge_agent.core.baseline import GRID, Reference
from edge_agent.errors import BundleError


def reference(regimes: int = 2) -> Reference:
    """A reference of three channels and one condition."""
    rng = np.random.default_rng(1)
    return Reference(
        ("a", "b", "c"), ("load",), rng.random((regimes, 1)), rng.random(1), rng.random((regimes, 3)),
        rng.random((regimes, 3)), np.sort(rng.random((3, len(GRID))), axis=1),
    )  # fmt: skip


def test_a_reference_keeps_six_digits_and_its_shapes() -> None:
    before = reference()
    after = parse_references(format_references({"pump": before}), Path("classes.json"))["pump"]

    assert (after.channels, after.conditions) == (before.channels, before.conditions)
    for name in ("regimes", "condition_scale", "center", "scale", "grid"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name), rtol=1e-6)


def test_a_reference_without_conditions_keeps_its_one_regime() -> None:
    plain = Reference(
        ("a",), (), np.zeros((1, 0)), np.zeros(0), np.ones((1, 1)), np.ones((1, 1)), np.zeros((1, len(GRID)))
    )

    assert rounded(plain).regimes.shape == (1, 0)


def test_rounding_twice_changes_nothing() -> None:
    once = rounded(reference())

    assert format_references({"x": rounded(once)}) == format_references({"x": once})


@pytest.mark.parametrize("field", ["center", "grid", "regimes", "condition_scale"])
def test_arrays_of_the_wrong_shape_are_refused(field: str) -> None:
    stored = json.loads(format_references({"pump": reference()}))
    stored["pump"][field] = stored["pump"][field][:-1]

    with pytest.raises(BundleError, match="'pump'"):
        parse_references(json.dumps(stored), Path("classes.json"))


def test_falling_quantiles_are_refused() -> None:
    stored = json.loads(format_references({"pump": reference()}))
    stored["pump"]["grid"][0].reverse()

    with pytest.raises(BundleError, match="fall"):
        parse_references(json.dumps(stored), Path("classes.json"))


@pytest.mark.parametrize("text", ["", "[]", '{"pump": {}}', '{"pump": {"channels": 3}}', "\x00"])
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(BundleError, match=r"classes\.json"):
        parse_references(text, Path("classes.json"))
