"""From a bundle back to the encoder: the weights are those that answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from edge_agent.bundle.load import Bundle, default_bundle, load_bundle, read_golden
from edge_agent.errors import BundleError
from edge_agent.training.export import quantize
from edge_agent.training.model import RiskEncoder
from edge_agent.training.served import write_served
from edge_agent.training.weights import encoder_of
from tests.bundle.tiny import TINY

pytestmark = pytest.mark.train


@pytest.mark.parametrize("folder", [TINY, default_bundle()], ids=["tiny", "default"])
def test_the_encoder_answers_as_the_int8_session_does(folder: Path) -> None:
    bundle = load_bundle(folder)
    model = encoder_of(bundle)
    for case in read_golden(folder):
        encoded = bundle.risk.encoder.encode(case.text)
        with torch.no_grad():
            found = model(*(torch.from_numpy(part) for part in encoded))[0].numpy()
        expected = bundle.risk.run(encoded)

        assert np.abs(found - expected).max() < 0.1 * max(1.0, np.abs(expected).max())
        assert found[1:].argmax() == expected[1:].argmax() or case.mode_probability < 0.6


def test_the_weights_of_a_float_export_come_back_exactly(tmp_path: Path) -> None:
    bundle = load_bundle(TINY)
    model = encoder_of(bundle)
    write_served(model, tmp_path / "float.onnx")
    bundle.risk.path = tmp_path / "float.onnx"
    again = encoder_of(bundle)

    assert again.shape == model.shape
    for name, weight in model.state_dict().items():
        least = 1e-7 if name == "positions.weight" else 0.0  # these are stored with a place added
        torch.testing.assert_close(again.state_dict()[name], weight, rtol=0.0, atol=least)


def between_steps(bundle: Bundle) -> RiskEncoder:
    """The encoder of a bundle, its tables moved off the steps that int8 has."""
    model = encoder_of(bundle)
    torch.manual_seed(1)
    with torch.no_grad():
        for table in (model.head.weight, model.tokens.weight):
            table.mul_(1.0 + 0.01 * torch.rand(table.shape))
    return model


def largest_gap(model: RiskEncoder, other: RiskEncoder, name: str) -> float:
    """The largest difference of one parameter, in shares of its largest value."""
    one, two = model.state_dict()[name], other.state_dict()[name]
    return float((one - two).abs().max() / one.abs().max())


@pytest.mark.parametrize("per_channel", [False, True])
def test_a_float_head_comes_back_exactly_from_an_int8_file(tmp_path: Path, *, per_channel: bool) -> None:
    bundle = load_bundle(TINY)
    model = between_steps(bundle)
    write_served(model, tmp_path / "float.onnx")
    quantize(tmp_path / "float.onnx", tmp_path / "int8.onnx", per_channel=per_channel)
    bundle.risk.path = tmp_path / "int8.onnx"
    again = encoder_of(bundle)

    assert largest_gap(model, again, "head.weight") == 0.0
    assert 0.0 < largest_gap(model, again, "tokens.weight") < 0.01


def test_an_int8_head_is_read_as_well(tmp_path: Path) -> None:
    bundle = load_bundle(TINY)
    model = between_steps(bundle)
    write_served(model, tmp_path / "float.onnx")
    quantize_dynamic(
        tmp_path / "float.onnx", tmp_path / "int8.onnx", op_types_to_quantize=["MatMul", "Gemm", "Gather"],
        weight_type=QuantType.QInt8, extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )  # fmt: skip
    bundle.risk.path = tmp_path / "int8.onnx"

    assert 0.0 < largest_gap(model, encoder_of(bundle), "head.weight") < 0.01


def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    bundle = load_bundle(TINY)
    bundle.risk.path = tmp_path / "risk.onnx"
    bundle.risk.path.write_bytes(b"\x00\xff not onnx")

    with pytest.raises(BundleError, match=r"risk\.onnx"):
        encoder_of(bundle)


def test_an_encoder_without_channel_binding_is_refused() -> None:
    bundle: Bundle = load_bundle(TINY)
    bundle.risk.encoder.bound = False

    with pytest.raises(BundleError, match="no channel binding") as caught:
        encoder_of(replace(bundle))
    assert "train base" in caught.value.hint
