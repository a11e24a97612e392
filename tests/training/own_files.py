"""CSV files of a small plant: machines that get hot and shake before they fail."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge_agent.tables.csvfile import Format
from edge_agent.tables.layout import Layout
from edge_agent.tables.series import FileSettings
from edge_agent.training.plant.histories import PlantSettings

HOW = FileSettings(form=Format(), layout=Layout())
SETTINGS = PlantSettings(asset_class="press", horizon=10, baseline_steps=20)
WEAR = 15  # steps before a failure in which it shows


def write(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    """Write a CSV file; its path."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def plant_rows(assets: int, steps: int, failing: int, *, at: int | None = None) -> tuple[list[list[object]], ...]:
    """Rows of time, asset, heat and shake; and failures of the first `failing` assets, at step `at` or the end."""
    rng = np.random.default_rng(3)
    rows: list[list[object]] = []
    failures: list[list[object]] = []
    for asset in range(assets):
        end = steps - 1 if at is None else at
        for step in range(steps):
            worn = max(0.0, 1.0 - (end - step) / WEAR) if asset < failing and step <= end else 0.0
            heat, shake = 60 + rng.normal() + 12 * worn, 2 + 0.1 * rng.normal() + 2 * worn
            rows.append([step, f"press-{asset}", round(heat, 3), round(shake, 4)])
        if asset < failing:
            failures.append([f"press-{asset}", end, "OHE"])
    return rows, failures


def plant_files(folder: Path, assets: int = 9, steps: int = 80, failing: int = 7) -> tuple[Path, Path]:
    """The data and failures of a plant that suffices for a split by asset."""
    rows, failures = plant_rows(assets, steps, failing)
    return (
        write(folder / "plant.csv", ("time", "asset", "heat_c", "shake_mm_s"), rows),
        write(folder / "failures.csv", ("asset", "time", "mode"), failures),
    )
