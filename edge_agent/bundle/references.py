"""`classes.json`: the class references of a bundle, compact (six digits are below any sensor's noise)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from edge_agent.core.baseline import GRID, Floats, Reference
from edge_agent.errors import BundleError

_DIGITS: Final = 7
_Number = Annotated[float, Field(allow_inf_nan=False)]
_Row = list[_Number]


class _Stored(BaseModel):
    model_config = ConfigDict(extra="forbid")

    channels: list[str]
    conditions: list[str]
    regimes: list[_Row]
    condition_scale: _Row
    center: list[_Row]
    scale: list[_Row]
    grid: list[_Row]


_CLASSES = TypeAdapter(dict[str, _Stored])


def format_references(references: Mapping[str, Reference]) -> str:
    """The references as JSON text."""
    stored = {
        name: {
            "channels": list(r.channels), "conditions": list(r.conditions), "regimes": _rounded(r.regimes),
            "condition_scale": _rounded(r.condition_scale), "center": _rounded(r.center), "scale": _rounded(r.scale),
            "grid": _rounded(r.grid),
        }
        for name, r in references.items()
    }  # fmt: skip
    return json.dumps(stored, separators=(",", ":")) + "\n"


def rounded(reference: Reference) -> Reference:
    """The reference as it will be read from a bundle: train with this, or training and serving differ."""
    return parse_references(format_references({"": reference}), Path("classes.json"))[""]


def parse_references(text: str, path: Path) -> dict[str, Reference]:
    """The references in JSON text; `path` is named in errors.

    Raises:
        BundleError: the text is not what `format_references` writes, or its shapes do not agree.
    """
    try:
        stored = _CLASSES.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        raise BundleError(
            f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}",
            hint="the bundle is damaged: install it again",
        ) from error
    return {name: _reference(name, one, path) for name, one in stored.items()}


def _reference(name: str, stored: _Stored, path: Path) -> Reference:
    n, c, r = len(stored.channels), len(stored.conditions), len(stored.regimes)
    try:
        reference = Reference(
            tuple(stored.channels), tuple(stored.conditions),
            np.array(stored.regimes, dtype=np.float64).reshape(r, c),
            np.array(stored.condition_scale, dtype=np.float64).reshape(c),
            np.array(stored.center, dtype=np.float64).reshape(r, n),
            np.array(stored.scale, dtype=np.float64).reshape(r, n),
            np.array(stored.grid, dtype=np.float64).reshape(n, len(GRID)),
        )  # fmt: skip
    except ValueError as error:
        raise BundleError(
            f"{path}: class {name!r}: arrays do not fit {n} channels, {c} conditions and {r} regimes: {error}",
            hint="the bundle is damaged: install it again",
        ) from error
    if r == 0 or (np.diff(reference.grid, axis=1) < 0).any():
        raise BundleError(
            f"{path}: class {name!r}: quantiles that fall, or no regime", hint="the bundle is damaged: install it again"
        )
    return reference


def _rounded(values: Floats) -> list[object]:
    flat = [float(f"{value:.{_DIGITS}g}") for value in values.ravel().tolist()]
    listed: list[object] = np.array(flat).reshape(values.shape).tolist()
    return listed
