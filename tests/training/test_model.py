"""The encoder: binding, and the way to int8."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from edge_agent.bundle.classify import open_session
from edge_agent.bundle.encode import Encoded, TextEncoder, read_tokenizer
from edge_agent.core.text import ORDINALS
from edge_agent.training.export import quantize
from edge_agent.training.model import RiskEncoder, Shape, thermometer
from edge_agent.training.report.model import ReportDecoder, export_decoder
from edge_agent.training.report.model import Shape as DecoderShape
from edge_agent.training.runs import MODES
from edge_agent.training.served import write_served
from tests.bundle.tiny import TINY

pytestmark = pytest.mark.train

A = "flow_m3h q93 q91 q88 z+31 z+12 z+09 z-02"
B = "never_seen q03 q01 q08 z-31 z-12 z-09 z+02"


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    """The encoder of the tiny bundle."""
    return TextEncoder(read_tokenizer(TINY / "tokenizer.json"))


@pytest.fixture(scope="module")
def model(encoder: TextEncoder) -> RiskEncoder:
    """Random weights, large enough that every input shows."""
    torch.manual_seed(1)
    shape = Shape(encoder.tokenizer.get_vocab_size(), len(MODES), encoder.first_ordinal, len(ORDINALS), 64, 2, 2, 128)
    model = RiskEncoder(shape).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.mul_(4.0)
    return model


def answer(model: RiskEncoder, encoded: Encoded) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """The logits of one text."""
    with torch.no_grad():
        return np.asarray(model(*(torch.from_numpy(part) for part in encoded)).numpy())


def test_the_order_of_channel_lines_does_not_matter(model: RiskEncoder, encoder: TextEncoder) -> None:
    one = answer(model, encoder.encode(f"pump cond 1\n{A}\n{B}\nlog <1h noisy"))
    two = answer(model, encoder.encode(f"pump cond 1\n{B}\n{A}\nlog <1h noisy"))

    np.testing.assert_allclose(one, two, atol=1e-4)


def test_the_order_of_words_in_a_log_matters(model: RiskEncoder, encoder: TextEncoder) -> None:
    one = answer(model, encoder.encode(f"pump\n{A}\nlog <1h not noisy but hot"))
    two = answer(model, encoder.encode(f"pump\n{A}\nlog <1h noisy but not hot"))

    assert np.abs(one - two).max() > 1e-3


def test_exchanging_the_values_of_two_channels_matters(model: RiskEncoder, encoder: TextEncoder) -> None:
    one = answer(model, encoder.encode(f"pump\n{A}\n{B}"))
    two = answer(model, encoder.encode(f"pump\nflow_m3h {B.split(' ', 1)[1]}\nnever_seen {A.split(' ', 1)[1]}"))

    assert np.abs(one - two).max() > 1e-3


def test_exchanging_two_statistics_of_a_channel_matters(model: RiskEncoder, encoder: TextEncoder) -> None:
    one = answer(model, encoder.encode("pump\nflow_m3h q50 q50 q50 z+31 z+00 z+00 z+00"))
    two = answer(model, encoder.encode("pump\nflow_m3h q50 q50 q50 z+00 z+31 z+00 z+00"))

    assert np.abs(one - two).max() > 1e-3


def test_padding_changes_nothing(model: RiskEncoder, encoder: TextEncoder) -> None:
    ids, binding = encoder.assemble(encoder.lines(f"pump\n{A}"))
    short = encoder.padded(ids, binding)
    long = Encoded(*(np.pad(part, ((0, 0), (0, 64))) for part in short))

    np.testing.assert_allclose(answer(model, short), answer(model, long), atol=1e-4)


def test_the_exported_graph_answers_as_the_model(tmp_path: Path, model: RiskEncoder, encoder: TextEncoder) -> None:
    write_served(model, tmp_path / "float.onnx")
    session = open_session(tmp_path / "float.onnx")
    told = "log <1h alarm warning learning\nlog <8h q05 z+31 noisy"  # values that belong to no channel
    texts = (f"pump\n{A}", f"pump cond 3\n{A}\n{B}\n{told}", "\n".join(["pump", *[A] * 20]), f"pump\n{A} {A}", "pump")
    for text in texts:
        encoded = encoder.encode(text)
        found = session.run(None, encoded._asdict())[0]

        np.testing.assert_allclose(found, answer(model, encoded), atol=1e-3)


def test_the_exported_graph_answers_many_texts_at_once(
    tmp_path: Path, model: RiskEncoder, encoder: TextEncoder
) -> None:
    write_served(model, tmp_path / "float.onnx")
    session = open_session(tmp_path / "float.onnx")
    rows = [encoder.encode(text) for text in (f"pump\n{A}\nlog <1h hot", f"pump cond 3\n{B}", "pump")]
    batch = Encoded(*(np.concatenate(parts) for parts in zip(*rows, strict=True)))
    found = session.run(None, batch._asdict())[0]

    expected = np.concatenate([answer(model, row) for row in rows]).reshape(found.shape)

    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("per_channel", [False, True])
def test_int8_is_small_and_near_to_float(
    tmp_path: Path, model: RiskEncoder, encoder: TextEncoder, *, per_channel: bool
) -> None:
    write_served(model, tmp_path / "float.onnx")
    quantize(tmp_path / "float.onnx", tmp_path / "int8.onnx", per_channel=per_channel)
    encoded = encoder.encode(f"pump cond 3\n{A}\n{B}\nlog <1h bearing noisy")
    found = open_session(tmp_path / "int8.onnx").run(None, encoded._asdict())[0]
    expected = answer(model, encoded)

    assert (tmp_path / "int8.onnx").stat().st_size < 0.45 * (tmp_path / "float.onnx").stat().st_size
    assert np.abs(found - expected).max() < 0.15 * np.abs(expected).max()


@pytest.mark.parametrize("per_channel", [False, True])
def test_in_int8_head_and_places_alone_have_float_weights(
    tmp_path: Path, model: RiskEncoder, *, per_channel: bool
) -> None:
    write_served(model, tmp_path / "float.onnx")
    quantize(tmp_path / "float.onnx", tmp_path / "int8.onnx", per_channel=per_channel)
    kept = {
        weight.name: onnx.numpy_helper.to_array(weight)
        for weight in onnx.load(str(tmp_path / "int8.onnx")).graph.initializer
        if weight.data_type == onnx.TensorProto.FLOAT and len(weight.dims) > 1
    }

    head = next(values for name, values in kept.items() if name.startswith("head."))
    assert {name.partition(".")[0] for name in kept} == {"head", "spots"}
    assert np.array_equal(head.T, model.head.weight.detach().numpy())


def test_in_int8_the_head_of_a_decoder_has_float_weights(tmp_path: Path) -> None:
    decoder = ReportDecoder(DecoderShape(vocabulary=50, dim=32, layers=1, heads=2, inner=48))
    export_decoder(decoder, tmp_path / "float.onnx")
    quantize(tmp_path / "float.onnx", tmp_path / "int8.onnx", per_channel=False)
    kept = [
        onnx.numpy_helper.to_array(weight)
        for weight in onnx.load(str(tmp_path / "int8.onnx")).graph.initializer
        if weight.data_type == onnx.TensorProto.FLOAT and len(weight.dims) > 1
    ]

    assert len(kept) == 1
    assert np.array_equal(kept[0].T, decoder.head.weight.detach().numpy())


def test_a_thermometer_code_is_nearer_for_nearer_ordinals() -> None:
    code = thermometer(20, 32)
    distance = (code[5] - code).norm(dim=1)

    assert (distance[6:].diff() > 0).all()
    assert (distance[:6].diff() < 0).all()
