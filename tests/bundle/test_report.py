"""The report role of a bundle: loaded, checked, and never outside the facts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from edge_agent.bundle.load import load_bundle, read_golden_summaries
from edge_agent.bundle.manifest import REPORT_GOLDEN, REPORT_HASHED, REPORT_TOKENS, read_manifest
from edge_agent.bundle.report import OnnxReportModel
from edge_agent.core.facts import Facts
from edge_agent.core.report import VERSION, grammar_of
from edge_agent.errors import BundleError
from tests.bundle.telling import TELLING, signed, telling_bundle
from tests.bundle.tiny import TINY
from tests.core.told_facts import BEARING, any_facts, channel

MODEL = OnnxReportModel(TELLING)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle that writes summaries."""
    return telling_bundle(tmp_path / "bundle")


def test_a_bundle_without_a_report_model_works_and_writes_nothing() -> None:
    assert read_manifest(TINY).report == ""
    assert load_bundle(TINY).report is None


def test_a_bundle_with_a_report_model_writes_its_golden_summaries_exactly(bundle: Path) -> None:
    model = load_bundle(bundle).report
    golden = read_golden_summaries(bundle)

    assert model is not None
    assert read_manifest(bundle).report == VERSION
    assert [model.summarise(case.facts) for case in golden] == [case.summary for case in golden]


@pytest.mark.parametrize("name", REPORT_HASHED)
def test_an_altered_or_missing_file_is_refused(bundle: Path, name: str) -> None:
    with (bundle / name).open("ab") as stream:
        stream.write(b" ")
    with pytest.raises(BundleError, match=f"{name} does not match its sha256"):
        load_bundle(bundle)
    (bundle / name).unlink()
    with pytest.raises(BundleError, match=name):
        load_bundle(bundle)


def test_a_manifest_that_promises_summaries_must_name_their_files(bundle: Path) -> None:
    manifest = bundle / "bundle.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace('"report.onnx"', '"other.onnx"'), encoding="utf-8")

    with pytest.raises(BundleError, match=r"must name .*report\.onnx"):
        load_bundle(bundle)


def test_a_report_model_for_other_frames_is_refused(bundle: Path) -> None:
    manifest = bundle / "bundle.toml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace(VERSION, "report/0"), encoding="utf-8")

    with pytest.raises(BundleError, match="report/0"):
        load_bundle(bundle)


def test_a_report_model_that_no_longer_writes_what_it_wrote_is_refused(bundle: Path) -> None:
    rows = [json.loads(row) for row in (bundle / REPORT_GOLDEN).read_text(encoding="utf-8").splitlines()]
    rows[0]["summary"] += " Really."
    (bundle / REPORT_GOLDEN).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    with pytest.raises(BundleError, match="self-test: summary"):
        load_bundle(signed(bundle))


def test_a_vocabulary_without_a_word_of_the_frames_is_refused(bundle: Path) -> None:
    path = bundle / REPORT_TOKENS
    path.write_text(path.read_text(encoding="utf-8").replace('"likely"', '"unlikely"'), encoding="utf-8")

    with pytest.raises(BundleError, match="lacks 1 words of the summaries, 'likely' first"):
        load_bundle(signed(bundle))


def test_a_model_that_is_no_decoder_is_refused(bundle: Path) -> None:
    (bundle / "report.onnx").write_bytes((TINY / "risk.onnx").read_bytes())

    with pytest.raises(BundleError, match="has inputs input_ids"):
        load_bundle(signed(bundle))


@given(any_facts())
@settings(max_examples=60, deadline=None)
def test_whatever_the_facts_what_is_written_holds_to_them_or_is_nothing(facts: Facts) -> None:
    tokens = MODEL.write(facts).tokens
    text = MODEL.summarise(facts)

    assert (text is None) == (not grammar_of(facts).accepts(tokens))
    assert text is None or text.endswith(".")


def test_the_same_facts_are_told_in_the_same_words() -> None:
    assert MODEL.summarise(BEARING) == MODEL.summarise(BEARING)


def test_another_style_is_told_in_other_words() -> None:
    assert len({MODEL.summarise(replace(BEARING, style=style)) for style in range(12)}) > 1


def test_facts_that_fit_in_no_sentence_are_left_to_the_template() -> None:
    endless = replace(BEARING, channels=(channel("vib", 2.0, 1.0, unit="per second " * 30),))

    assert MODEL.summarise(endless) is None


def test_the_cache_changes_nothing() -> None:
    ids = list(range(20, 60))
    whole, _ = MODEL._read(ids, MODEL._empty)
    _, cache = MODEL._read(ids[:25], MODEL._empty)
    parted, grown = MODEL._read(ids[25:], cache)

    assert grown[0].shape[2] == len(ids)
    np.testing.assert_allclose(parted, whole, atol=0.1 * float(np.abs(whole).max()))


def test_a_model_that_answers_nan_is_an_error() -> None:
    model = OnnxReportModel(TELLING)
    model._session = _Answering(len(model._past))

    with pytest.raises(BundleError, match="NaN"):
        model.summarise(BEARING)


class _Answering:
    """A session that always answers NaN."""

    def __init__(self, past: int) -> None:
        self._past = past

    def run(self, _outputs: list[str], _inputs: object) -> list[object]:
        return [np.full((1, 1, 600), np.nan), *[np.zeros((1, 1, 1, 1), np.float32)] * self._past]
