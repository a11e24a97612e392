"""`evaluations.jsonl` in the runs folder: a line for every time a test split was looked at. Nothing is measured here.

A test split that is looked at often is no test split any more; the log says how often that was, and for what.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from edge_agent.bundle.manifest import RISK, Manifest

EVALUATIONS: Final = "evaluations.jsonl"

Measured = Mapping[str, float | str]


def append_evaluation(folder: Path, command: str, manifest: Manifest, figures: Measured) -> None:
    """Append time, command, model and figures to the log in the runs folder; a figure that is NaN becomes null."""
    line = {
        "time": dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds"),
        "command": command,
        "bundle": {"name": manifest.name, "version": manifest.version, "sha256": manifest.files[RISK]},
        "figures": {name: None if _missing(value) else value for name, value in figures.items()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / EVALUATIONS).open("a", encoding="utf-8") as log:
        log.write(json.dumps(line, allow_nan=False) + "\n")


def _missing(value: float | str) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
