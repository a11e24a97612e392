"""Where the tiny bundle lies. It is made by `edge-agent train base --quick --out tests/data/tiny-bundle`."""

from __future__ import annotations

from pathlib import Path

TINY = Path(__file__).parents[1] / "data" / "tiny-bundle"
