"""Encoders of other makers: BERT-shaped, without channel binding, with a tokenizer of their own."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import Tensor, nn

from edge_agent.bundle.load import file_sha256, load_bundle
from edge_agent.bundle.manifest import read_manifest
from edge_agent.errors import BundleError
from edge_agent.training.export import write_manifest
from tests.bundle.tiny import TINY

pytestmark = pytest.mark.train

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "pump", "hot", "noisy")


class Foreign(nn.Module):
    """Counts words with weights: two logits, as sequence classifiers give."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(len(WORDS), 2)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """Token ids, mask and types (B, T) → (B, 2)."""
        seen = self.words(input_ids + token_type_ids) * attention_mask.unsqueeze(2)
        total: Tensor = seen.sum(dim=1)
        return total


def foreign_bundle(folder: Path, inputs: tuple[str, ...] = ("input_ids", "attention_mask", "token_type_ids")) -> Path:
    """The tiny bundle with a foreign model and tokenizer in it."""
    shutil.copytree(TINY, folder)
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))  # noqa: S106
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    model = Foreign().eval()
    with torch.no_grad():
        model.words.weight.zero_()
        model.words.weight[WORDS.index("hot"), 1] = 2.0
        model.words.weight[WORDS.index("[CLS]"), 1] = -1.0
    example = torch.ones((1, 8), dtype=torch.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model, (example, example, 0 * example), str(folder / "risk.onnx"), input_names=list(inputs),
            output_names=["logits"], dynamic_axes={name: {1: "length"} for name in inputs}, opset_version=17,
            dynamo=False,
        )  # fmt: skip
    (folder / "golden.jsonl").write_text(
        '{"text": "pump hot", "risk": 0.73, "mode": "none", "mode_probability": 0.05}\n', encoding="utf-8"
    )
    manifest = read_manifest(TINY)
    write_manifest(
        folder,
        manifest.model_copy(
            update={
                "files": {name: file_sha256(folder / name) for name in manifest.files},
                "calibration": manifest.calibration.model_copy(update={"temperature": 1.0, "bias": 0.0}),
            }
        ),
    )
    return folder


def test_a_foreign_encoder_fills_the_role(tmp_path: Path) -> None:
    model = load_bundle(foreign_bundle(tmp_path / "foreign")).risk

    assert model.score("pump hot").risk == pytest.approx(0.731, abs=0.001)  # sigmoid(2 - 1)
    assert model.score("pump noisy").risk == pytest.approx(0.269, abs=0.001)


def test_a_foreign_encoder_takes_a_text_of_any_length(tmp_path: Path) -> None:
    model = load_bundle(foreign_bundle(tmp_path / "foreign")).risk

    assert model.score("pump " * 1000).risk == pytest.approx(0.269, abs=0.001)


def test_an_input_nobody_knows_is_refused(tmp_path: Path) -> None:
    folder = foreign_bundle(tmp_path / "foreign", ("input_ids", "attention_mask", "pixel_values"))

    with pytest.raises(BundleError, match="pixel_values"):
        load_bundle(folder)
