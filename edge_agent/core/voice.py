"""Who judged: the model, the rules and the processor an alarm event comes from, so that it can be derived again.

Events carry only the key of a voice; the voice itself is written once, as a named state. Two voices are compared here;
what follows from a difference is the reader's to say.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Final

from edge_agent.core.identity import digest

STATE: Final = "voice/"  # prefix of the name under which a voice is kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """One way to judge. The same voice says the same of the same readings, byte for byte."""

    model: str
    version: str
    sha256: str  # of the risk model file
    bundle: str  # digest of the manifest, which holds the hashes of all files, calibration and thresholds
    rules: str  # digest of classes, asset globs and alarm policy
    runtime: str  # versions of what computes
    processor: str
    agent: str  # version of the agent

    @property
    def key(self) -> str:
        """A digest of all of it."""
        return digest(*(str(value) for value in asdict(self).values()))

    @property
    def state(self) -> str:
        """The name under which it is kept."""
        return STATE + self.key

    def same_bits(self, other: Voice) -> bool:
        """Whether both compute alike to the last bit: same runtime, same processor."""
        return (self.runtime, self.processor) == (other.runtime, other.processor)

    def dump(self) -> bytes:
        """The voice as JSON."""
        return json.dumps(asdict(self), separators=(",", ":")).encode()


def load_voice(blob: bytes) -> Voice:
    """The voice that `dump` wrote; fields a newer agent has added are left out.

    Raises:
        ValueError: the blob is not one of ours.
    """
    try:
        written = json.loads(blob)
        return Voice(**{field.name: str(written[field.name]) for field in fields(Voice)})
    except (TypeError, KeyError) as error:
        message = f"voice cannot be read: {error!r}"
        raise ValueError(message) from error
