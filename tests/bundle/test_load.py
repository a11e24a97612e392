"""Loading a bundle: what fails a check is never active."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from edge_agent.bundle.load import file_sha256, load_bundle, read_golden
from edge_agent.bundle.manifest import HASHED, read_manifest
from edge_agent.errors import BundleError
from tests.bundle.tiny import TINY


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy of the tiny bundle that a test may spoil."""
    return Path(shutil.copytree(TINY, tmp_path / "bundle"))


def rewrite(folder: Path, name: str, text: str) -> None:
    """Change a file and its hash: as somebody would who makes a bundle by hand."""
    before = file_sha256(folder / name)
    (folder / name).write_text(text, encoding="utf-8")
    manifest = folder / "bundle.toml"
    manifest.write_text(
        manifest.read_text(encoding="utf-8").replace(before, file_sha256(folder / name)), encoding="utf-8"
    )


def test_a_sound_bundle_loads_and_scores() -> None:
    loaded = load_bundle(TINY)
    scores = loaded.risk.score(read_golden(TINY)[0].text)

    assert 0.0 <= scores.risk <= 1.0
    assert len(scores.modes) == len(loaded.risk.info.labels)
    assert sum(scores.modes) == pytest.approx(1.0)
    assert loaded.risk.info.sha256 == loaded.manifest.files["risk.onnx"]
    assert "pump" in loaded.references


def test_the_same_text_scores_the_same_bits() -> None:
    model = load_bundle(TINY).risk
    text = read_golden(TINY)[0].text

    assert model.score(text) == model.score(text)


@pytest.mark.parametrize("name", HASHED)
def test_an_altered_file_is_refused(bundle: Path, name: str) -> None:
    with (bundle / name).open("r+b") as stream:
        stream.seek(100)
        byte = stream.read(1)
        stream.seek(100)
        stream.write(bytes([byte[0] ^ 1]))

    with pytest.raises(BundleError, match=f"{name} does not match its sha256"):
        load_bundle(bundle)


@pytest.mark.parametrize("name", HASHED)
def test_a_missing_file_is_refused(bundle: Path, name: str) -> None:
    (bundle / name).unlink()

    with pytest.raises(BundleError, match=name):
        load_bundle(bundle)


def test_another_version_of_the_text_is_refused(bundle: Path) -> None:
    manifest = bundle / "bundle.toml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("text/1", "text/0"), encoding="utf-8")

    with pytest.raises(BundleError, match="text/0"):
        load_bundle(bundle)


def test_a_model_that_no_longer_says_what_it_said_is_refused(bundle: Path) -> None:
    rows = [json.loads(row) for row in (bundle / "golden.jsonl").read_text(encoding="utf-8").splitlines()]
    rows[-1]["risk"] = 1.0 - round(rows[-1]["risk"])
    rewrite(bundle, "golden.jsonl", "".join(json.dumps(row) + "\n" for row in rows))

    with pytest.raises(BundleError, match="self-test"):
        load_bundle(bundle)


def test_permuted_labels_are_refused(bundle: Path) -> None:
    rows = [json.loads(row) for row in (bundle / "golden.jsonl").read_text(encoding="utf-8").splitlines()]
    for row in rows:
        row["mode"], row["mode_probability"] = "FTS", 0.9
    rewrite(bundle, "golden.jsonl", "".join(json.dumps(row) + "\n" for row in rows))

    with pytest.raises(BundleError, match="where FTS was recorded"):
        load_bundle(bundle)


@pytest.mark.parametrize("text", ["", "{}\n", "not json\n"])
def test_a_bundle_without_golden_cases_is_refused(bundle: Path, text: str) -> None:
    rewrite(bundle, "golden.jsonl", text)

    with pytest.raises(BundleError):
        load_bundle(bundle)


@pytest.mark.parametrize("name", ["risk.onnx", "tokenizer.json", "classes.json"])
def test_a_file_that_is_something_else_is_refused(bundle: Path, name: str) -> None:
    rewrite(bundle, name, "something else")

    with pytest.raises(BundleError):
        load_bundle(bundle)


def test_a_model_that_answers_nan_is_refused() -> None:
    model = load_bundle(TINY).risk
    model._session = _Answering(np.full((1, 1 + len(model.info.labels)), np.nan))

    with pytest.raises(BundleError, match="NaN"):
        model.score("pump")


def test_a_foreign_classifier_of_two_classes_gives_a_risk_and_no_mode() -> None:
    model = load_bundle(TINY).risk
    calibration = read_manifest(TINY).calibration
    scores = model.calibrated(np.array([0.5, 1.5]))

    assert scores.risk == pytest.approx(1 / (1 + np.exp(-(1.0 / calibration.temperature + calibration.bias))))
    assert len(set(scores.modes)) == 1


def threads() -> int:
    """Threads of this process, those of native libraries included."""
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.exists() else threading.active_count()


def test_a_session_starts_no_thread() -> None:
    before = threads()
    model = load_bundle(TINY).risk
    model.score("pump")
    after = threads()

    assert after == before


def test_scoring_leaves_an_empty_home_empty(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path; from edge_agent.bundle.load import load_bundle; "
        f"load_bundle(Path({str(TINY)!r})).risk.score('pump')"
    )
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment.pop("ORT_DISABLE_TELEMETRY", None)

    subprocess.run([sys.executable, "-c", script], check=True, env=environment, timeout=60)

    assert list(tmp_path.iterdir()) == []


class _Answering:
    """A session that always gives the same answer."""

    def __init__(self, answer: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
        self._answer = answer

    def run(self, _outputs: list[str], _inputs: object) -> list[object]:
        return [self._answer]
