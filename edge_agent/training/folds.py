"""What protocols of k folds on public sets share: answers kept on disk, an encoder's logits. Knows no data set.

Nothing is learned or chosen here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from edge_agent.bundle.encode import TextEncoder
from edge_agent.training.batches import Batch, collate
from edge_agent.training.examples import Examples
from edge_agent.training.scoring import Floats, Indices

Arrays = Mapping[str, NDArray[np.generic]]

_BATCH: Final = 128


def kept(path: Path, make: Callable[[], Arrays]) -> dict[str, NDArray[np.generic]]:
    """The arrays at `path`; where it is not there they are made and written first, wholly or not at all."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = make()
        partial = path.with_suffix(".partial.npz")
        with partial.open("wb") as stream:
            np.savez(stream, **made)  # type: ignore[arg-type]  # a keyword of numpy's own is a bool
        partial.replace(path)
    with np.load(path) as stored:
        return {name: stored[name] for name in stored.files}


def logits_of_rows(
    forward: Callable[[Batch], torch.Tensor], encoder: TextEncoder, made: Examples, rows: Indices
) -> Floats:
    """What a model answers in float to the chosen examples, (len(rows), outputs)."""
    out = []
    for some in np.array_split(rows, max(1, len(rows) // _BATCH)):
        lines = [made.lines(n) for n in some.tolist()]
        batch = collate(lines, encoder, made.risk[some], made.mode[some].astype(np.int64))
        with torch.no_grad():
            out.append(forward(batch).numpy())
    return np.concatenate(out).astype(np.float64)


def digest_of(*parts: NDArray[np.generic] | str) -> str:
    """A short name for what decides an answer: values and words."""
    hashed = hashlib.blake2s(digest_size=6)
    for part in parts:
        hashed.update(part.encode() if isinstance(part, str) else np.ascontiguousarray(part).tobytes())
    return hashed.hexdigest()
