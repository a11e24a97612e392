"""Trains the tokenizer: the text's fixed words as single tokens, byte-level BPE of maintenance language for the rest.

The fixed words come first and in a fixed order, ordinals as one block: the model computes with their ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from edge_agent.bundle.encode import LOG, SILENT, SPECIAL, UNK, ZONES
from edge_agent.core.text import AGES, ORDINALS

VOCABULARY: Final = 4096
MIN_FREQUENCY: Final = 2
STRUCTURE: Final = (LOG, SILENT, "cond", "learning")


def train_tokenizer(texts: Iterable[str], names: Sequence[str], vocabulary: int = VOCABULARY) -> Tokenizer:
    """A tokenizer for the log texts, with a token of its own for every class and channel name."""
    ages = tuple(word for _, word in AGES)
    words = list(dict.fromkeys((*SPECIAL, *ORDINALS, *ZONES, *STRUCTURE, *ages, *names)))
    tokenizer = Tokenizer(models.BPE(unk_token=UNK))
    tokenizer.normalizer = normalizers.Replace("\n", " ")
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, min_frequency=MIN_FREQUENCY, special_tokens=words,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
    )  # fmt: skip
    tokenizer.train_from_iterator((f" {text}" for text in texts), trainer)
    stored = json.loads(tokenizer.to_str())
    stored["added_tokens"] = [
        {
            "id": i, "content": word, "single_word": word not in SPECIAL, "lstrip": True, "rstrip": False,
            "normalized": False, "special": word in SPECIAL,
        }
        for i, word in enumerate(words)
    ]  # fmt: skip
    return Tokenizer.from_str(json.dumps(stored))
