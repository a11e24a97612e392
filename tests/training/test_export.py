"""What goes into a bundle beside its risk model."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge_agent.bundle.load import default_bundle, load_bundle
from edge_agent.bundle.manifest import HASHED
from edge_agent.training.export import with_report
from tests.bundle.tiny import TINY

pytestmark = pytest.mark.train


def test_the_report_model_of_another_bundle_comes_along(tmp_path: Path) -> None:
    other = load_bundle(default_bundle())
    for name in HASHED:
        shutil.copyfile(TINY / name, tmp_path / name)
    manifest = with_report(load_bundle(TINY).manifest, other, tmp_path)
    found = load_bundle(tmp_path)

    assert found.report is not None
    assert found.manifest == manifest
    assert manifest.files["report.onnx"] == other.manifest.files["report.onnx"]


def test_a_bundle_without_report_model_brings_none(tmp_path: Path) -> None:
    manifest = load_bundle(default_bundle()).manifest

    assert with_report(manifest, load_bundle(TINY), tmp_path) is manifest
    assert not list(tmp_path.iterdir())
