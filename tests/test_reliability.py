"""Every test that docs/reliability.md names is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")


def test_every_test_that_the_reliability_page_names_is_there() -> None:
    """A renamed test would leave a promise without its proof."""
    missing, file = [], ""
    for path, name in re.findall(r"`(tests/[\w/.]+|…)(?:::(\w+))?`", PAGE):
        file = file if path == "…" else path
        if path.endswith("/") or (ROOT / path).is_dir():
            continue
        source = ROOT / file
        if not source.exists() or (name and f"def {name}(" not in source.read_text(encoding="utf-8")):
            missing.append(f"{file}::{name}")

    assert missing == []
