"""The log of looks at test splits."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from edge_agent.bundle.manifest import RISK, read_manifest
from edge_agent.training.evaluations import EVALUATIONS, append_evaluation
from tests.bundle.tiny import TINY

pytestmark = pytest.mark.train


def test_every_look_at_a_test_split_is_a_line_of_its_own(tmp_path: Path) -> None:
    manifest = read_manifest(TINY)
    before = dt.datetime.now(tz=dt.UTC).replace(microsecond=0)
    append_evaluation(tmp_path / "runs", "edge-agent evaluate bundle A", manifest, {"f1": 0.5, "of": "7 engines"})
    append_evaluation(tmp_path / "runs", "edge-agent evaluate bundle B", manifest, {"f1": float("nan")})

    lines = (tmp_path / "runs" / EVALUATIONS).read_text(encoding="utf-8").splitlines()
    first, second = map(json.loads, lines)
    assert first["command"] == "edge-agent evaluate bundle A"
    assert first["bundle"] == {"name": manifest.name, "version": manifest.version, "sha256": manifest.files[RISK]}
    assert first["figures"] == {"f1": 0.5, "of": "7 engines"}
    assert before <= dt.datetime.fromisoformat(first["time"]) <= dt.datetime.now(tz=dt.UTC)
    assert second["figures"] == {"f1": None}
