"""The manifest: strict in, the same out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge_agent.bundle.manifest import Conformal, format_manifest, read_manifest
from edge_agent.errors import BundleError
from tests.bundle.tiny import TINY


def test_a_manifest_written_and_read_is_the_same(tmp_path: Path) -> None:
    manifest = read_manifest(TINY)
    (tmp_path / "bundle.toml").write_text(format_manifest(manifest), encoding="utf-8")

    assert read_manifest(tmp_path) == manifest


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("format = 1", "format = 2", "format"),
        ('labels = ["none"', 'labels = ["VIB"', "none"),
        ("threshold = ", "treshold = 0.5\nthreshold = ", "treshold"),
        ('name = "', 'name = "Bad Name ', "name"),
        ("[calibration]", "[calibration", "no TOML"),
        ('"risk.onnx" = ', '"other.onnx" = ', "files"),
    ],
)
def test_a_wrong_manifest_is_refused_and_the_fault_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = (TINY / "bundle.toml").read_text(encoding="utf-8")
    (tmp_path / "bundle.toml").write_text(text.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(BundleError, match=said) as caught:
        read_manifest(tmp_path)

    assert caught.value.hint


def test_a_folder_without_manifest_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"bundle\.toml cannot be read"):
        read_manifest(tmp_path)


def test_a_manifest_that_is_no_text_is_refused(tmp_path: Path) -> None:
    shutil.copyfile(TINY / "risk.onnx", tmp_path / "bundle.toml")

    with pytest.raises(BundleError):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("sound_to", "failing_from", "risk", "undecided"),
    [
        (0.2, 0.6, 0.1, False),
        (0.2, 0.6, 0.4, True),  # neither class
        (0.2, 0.6, 0.7, False),
        (0.6, 0.2, 0.1, False),
        (0.6, 0.2, 0.4, True),  # both classes
        (0.6, 0.2, 0.7, False),
    ],
)
def test_a_risk_is_undecided_where_both_or_neither_class_may_be(
    sound_to: float, failing_from: float, risk: float, *, undecided: bool
) -> None:
    assert Conformal(alpha=0.1, sound_to=sound_to, failing_from=failing_from).undecided(risk) is undecided


def test_strangers_are_read_by_their_own_calibration_where_there_is_one() -> None:
    manifest = read_manifest(TINY)
    own = manifest.calibration.model_copy(update={"bias": 1.5})
    both = manifest.model_copy(
        update={
            "stranger_calibration": own,
            "stranger_conformal": manifest.conformal,
            "stranger_threshold": 0.4,
        }
    )
    bare = both.model_copy(
        update={"stranger_calibration": None, "stranger_conformal": None, "stranger_threshold": None}
    )

    assert bare.reading(stranger=True) == (manifest.calibration, manifest.conformal)
    assert both.reading(stranger=True) == (own, manifest.conformal)
    assert both.reading(stranger=False) == (manifest.calibration, manifest.conformal)


def test_a_manifest_with_a_calibration_for_strangers_reads_as_written(tmp_path: Path) -> None:
    manifest = read_manifest(TINY)
    given = {
        "stranger_calibration": manifest.calibration,
        "stranger_conformal": manifest.conformal,
        "stranger_threshold": 0.4,
    }
    (tmp_path / "bundle.toml").write_text(format_manifest(manifest.model_copy(update=given)), encoding="utf-8")

    assert read_manifest(tmp_path) == manifest.model_copy(update=given)


def test_half_of_what_strangers_need_is_refused(tmp_path: Path) -> None:
    manifest = read_manifest(TINY)
    half = manifest.model_copy(update={"stranger_calibration": manifest.calibration, "stranger_conformal": None})
    (tmp_path / "bundle.toml").write_text(format_manifest(half), encoding="utf-8")

    with pytest.raises(BundleError, match="belong together"):
        read_manifest(tmp_path)
