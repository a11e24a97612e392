"""The last good bundle: kept when one has passed its checks, used when one has not (G4)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge_agent.bundle import lastgood
from edge_agent.bundle.lastgood import choose_bundle, keep_last_good
from edge_agent.bundle.load import file_sha256
from edge_agent.bundle.manifest import MANIFEST, read_manifest
from edge_agent.errors import BundleError
from tests.bundle.tiny import TINY


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy of the tiny bundle that a test may spoil."""
    return Path(shutil.copytree(TINY, tmp_path / "bundle"))


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """Where the last good one is kept; nothing is there yet."""
    return tmp_path / "agent.db.bundle"


def flip(path: Path, place: int = 100) -> None:
    """Flip a bit of a file."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def newer(folder: Path) -> str:
    """Make the bundle in a folder version 2; the name a copy of it has."""
    manifest = folder / MANIFEST
    text = manifest.read_text(encoding="utf-8").replace('version = "1.0.0"', 'version = "2.0.0"')
    manifest.write_text(text, encoding="utf-8")
    return file_sha256(manifest)


def test_a_sound_bundle_is_used_and_kept(bundle: Path, copies: Path) -> None:
    chosen = choose_bundle(bundle, copies)
    keep_last_good(bundle, copies)

    assert chosen.fault is None
    (copy,) = copies.iterdir()
    assert copy.name == file_sha256(bundle / MANIFEST)
    assert {path.name for path in copy.iterdir()} == {MANIFEST, *read_manifest(bundle).files}
    assert choose_bundle(copy, copies).bundle.manifest == chosen.bundle.manifest


@pytest.mark.parametrize("name", [MANIFEST, "risk.onnx", "tokenizer.json", "classes.json", "golden.jsonl"])
def test_a_bundle_with_a_damaged_file_gives_way_to_the_last_good_one(
    bundle: Path, copies: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    keep_last_good(bundle, copies)
    flip(bundle / name, place=3)

    chosen = choose_bundle(bundle, copies)

    assert chosen.bundle.manifest == read_manifest(TINY)
    assert chosen.fault is not None
    assert str(bundle) in f"{chosen.fault} {chosen.fault.hint}"
    assert "bundle_fallback" in caplog.text


def test_a_bundle_that_is_gone_gives_way_to_the_last_good_one(bundle: Path, copies: Path) -> None:
    keep_last_good(bundle, copies)
    shutil.rmtree(bundle)

    assert choose_bundle(bundle, copies).bundle.manifest == read_manifest(TINY)


def test_without_a_last_good_one_a_damaged_bundle_is_refused(bundle: Path, copies: Path) -> None:
    flip(bundle / "risk.onnx")

    with pytest.raises(BundleError, match="does not match its sha256") as raised:
        choose_bundle(bundle, copies)
    assert raised.value.exit_code == 78


@pytest.mark.parametrize("name", [MANIFEST, "risk.onnx"])
def test_a_damaged_copy_never_judges(bundle: Path, copies: Path, name: str) -> None:
    keep_last_good(bundle, copies)
    flip(next(copies.iterdir()) / name)
    flip(bundle / "risk.onnx")

    with pytest.raises(BundleError, match="does not match its sha256"):
        choose_bundle(bundle, copies)


def test_a_damaged_copy_is_renewed(bundle: Path, copies: Path) -> None:
    keep_last_good(bundle, copies)
    flip(next(copies.iterdir()) / "risk.onnx")
    keep_last_good(bundle, copies)
    flip(bundle / "risk.onnx")

    assert choose_bundle(bundle, copies).fault is not None


def test_a_whole_copy_is_not_written_again(bundle: Path, copies: Path) -> None:
    keep_last_good(bundle, copies)
    before = {path: path.stat().st_mtime_ns for path in copies.rglob("*")}
    keep_last_good(bundle, copies)

    assert {path: path.stat().st_mtime_ns for path in copies.rglob("*")} == before


def test_a_new_bundle_takes_the_place_of_the_one_before(bundle: Path, copies: Path) -> None:
    keep_last_good(bundle, copies)
    name = newer(bundle)
    keep_last_good(bundle, copies)

    assert [copy.name for copy in copies.iterdir()] == [name]
    flip(bundle / "risk.onnx")
    assert choose_bundle(bundle, copies).bundle.manifest.version == "2.0.0"


def test_a_bundle_that_changes_while_it_is_copied_is_not_kept(
    bundle: Path, copies: Path, caplog: pytest.LogCaptureFixture
) -> None:
    flip(bundle / "risk.onnx")  # after its checks
    keep_last_good(bundle, copies)

    assert "last_good_not_kept" in caplog.text
    with pytest.raises(BundleError):
        choose_bundle(bundle, copies)


def test_the_last_free_space_is_left_to_alarms(
    bundle: Path, copies: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lastgood, "RESERVE_BYTES", shutil.disk_usage(copies.parent).total)
    keep_last_good(bundle, copies)

    assert "last_good_not_kept" in caplog.text
    assert not copies.exists()
