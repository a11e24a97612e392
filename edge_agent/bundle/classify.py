"""The risk model: text → calibrated scores by onnxruntime, batch 1. The only import of onnxruntime for serving."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from edge_agent.bundle.encode import Encoded, TextEncoder, read_tokenizer
from edge_agent.bundle.manifest import RISK, TOKENIZER, Manifest
from edge_agent.core.types import Scores
from edge_agent.errors import BundleError
from edge_agent.ports import ModelInfo

Logits = NDArray[np.float64]

CHANNEL_OF: Final = "channel_of"
_BINARY: Final = 2  # logits of a foreign classifier that only knows sound and failing


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """A session that spins no thread and keeps to one core: a verdict costs milliseconds, a gateway has better to do.

    Raises:
        BundleError: the file is no ONNX model that this runtime reads.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's own classes derive from Exception only
        raise BundleError(
            f"{path} cannot be opened by onnxruntime {onnxruntime.__version__}: {str(error).splitlines()[0]:.200}",
            hint="the bundle is damaged or was made for a newer runtime: install it again",
        ) from error


class OnnxRiskModel:
    """A `ports.RiskModel`: own encoders with channel binding, or any encoder with `input_ids` and `attention_mask`."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._manifest = manifest
        self.path = folder / RISK
        self._session = open_session(self.path)
        self._inputs = tuple(entry.name for entry in self._session.get_inputs())
        unknown = set(self._inputs) - {"input_ids", "attention_mask", "token_type_ids", CHANNEL_OF}
        if unknown or "input_ids" not in self._inputs:
            raise BundleError(
                f"{self.path} has inputs {', '.join(self._inputs)}",
                hint="a risk model takes input_ids, attention_mask, and perhaps token_type_ids or channel_of",
            )
        self._output = self._session.get_outputs()[0].name
        tokenizer = read_tokenizer(folder / TOKENIZER)
        self.encoder = TextEncoder(tokenizer, manifest.buckets, bound=CHANNEL_OF in self._inputs)
        self._info = ModelInfo(
            name=manifest.name,
            version=manifest.version,
            sha256=manifest.files[RISK],
            labels=manifest.labels,
            threshold=manifest.threshold,
            horizon=manifest.horizon,
            stranger_threshold=manifest.stranger_threshold,
        )

    @property
    def info(self) -> ModelInfo:
        """Which model speaks."""
        return self._info

    def logits(self, text: str) -> Logits:
        """The raw answer of the model to one text, (1 + labels,) or (2,).

        Raises:
            BundleError: the model answered something that is no number, or of the wrong shape.
        """
        return self.run(self.encoder.encode(text))

    def run(self, encoded: Encoded) -> Logits:
        """As `logits`, of a text already encoded."""
        given = {
            "input_ids": encoded.input_ids,
            "attention_mask": encoded.attention_mask,
            CHANNEL_OF: encoded.channel_of,
        }
        absent = np.zeros_like(encoded.input_ids)  # token_type_ids of a foreign encoder
        answer = self._session.run([self._output], {name: given.get(name, absent) for name in self._inputs})[0]
        logits = np.asarray(answer, dtype=np.float64).reshape(-1)
        if len(logits) not in {_BINARY, 1 + len(self._manifest.labels)}:
            raise BundleError(
                f"bundle {self._info.name!r}: {len(logits)} logits for {len(self._manifest.labels)} labels",
                hint="a risk model answers one logit for the risk and one per label, or two in all",
            )
        if not all(map(math.isfinite, logits.tolist())):
            raise BundleError(
                f"bundle {self._info.name!r}: the model answered NaN", hint="do not use this bundle: install another"
            )
        return logits

    def score(self, text: str) -> Scores:
        """Calibrated scores of one text."""
        encoded = self.encoder.encode(text)
        return self.calibrated(self.run(encoded), stranger=self.encoder.stranger(encoded.input_ids))

    def calibrated(self, logits: Logits, *, stranger: bool = False) -> Scores:
        """Logits as probabilities, by the manifest's calibration and conformal bounds.

        A `stranger` is an asset whose class has no reference: its text states no level but `q?`.
        """
        risk_logit, *modes = logits.tolist()  # numpy takes three times as long for so few
        if len(logits) == _BINARY and len(self._manifest.labels) + 1 != _BINARY:
            risk_logit, modes = modes[0] - risk_logit, [0.0] * len(self._manifest.labels)
        calibration, conformal = self._manifest.reading(stranger=stranger)
        scaled = min(max(risk_logit / calibration.temperature + calibration.bias, -30.0), 30.0)
        risk = 1.0 / (1.0 + math.exp(-scaled))
        best = max(modes)
        shares = [math.exp(mode - best) for mode in modes]
        whole = sum(shares)
        return Scores(
            risk=risk,
            modes=tuple(share / whole for share in shares),
            undecided=conformal.undecided(risk),
        )
