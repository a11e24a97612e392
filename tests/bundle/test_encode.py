"""Text → ids and channel binding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from edge_agent.bundle.encode import LOG_TOKENS, Kind, TextEncoder, read_tokenizer
from edge_agent.core.text import ORDINALS
from edge_agent.errors import BundleError
from tests.bundle.tiny import TINY

VALUES = "q93 q91 q88 z+31 z+12 z+09 z-02"


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """The tokenizer of the tiny bundle."""
    return read_tokenizer(TINY / "tokenizer.json")


@pytest.fixture(scope="module")
def encoder(tokenizer: Tokenizer) -> TextEncoder:
    """An encoder that binds."""
    return TextEncoder(tokenizer)


def test_every_ordinal_is_one_token_and_they_lie_in_one_block(encoder: TextEncoder) -> None:
    ids = [encoder.lines(f"pump\nx {word}")[1].ids[-1] for word in ORDINALS]

    assert ids == list(range(encoder.first_ordinal, encoder.first_ordinal + len(ORDINALS)))


def test_a_line_of_a_known_channel_takes_eight_tokens(encoder: TextEncoder) -> None:
    line = encoder.lines(f"pump cond 2\nflow_m3h {VALUES}")[1]

    assert (line.kind, len(line.ids)) == (Kind.CHANNEL, 8)


def test_a_line_break_costs_no_token(encoder: TextEncoder) -> None:
    one, two = f"flow_m3h {VALUES}", f"never_seen {VALUES}"

    assert [len(line.ids) for line in encoder.lines(f"pump\n{one}\n{two}")] == [
        1,
        len(encoder.lines(f"pump\n{one}")[1].ids),
        len(encoder.lines(f"pump\n{two}")[1].ids),
    ]


def test_every_token_of_a_channel_line_points_at_the_first_of_its_line(encoder: TextEncoder) -> None:
    encoded = encoder.encode(f"pump cond 2\nnever_seen {VALUES}\nflow_m3h {VALUES} alarm\nlog <8h flow_m3h low")
    lines = encoder.lines(f"pump cond 2\nnever_seen {VALUES}\nflow_m3h {VALUES} alarm\nlog <8h flow_m3h low")
    first = 1 + len(lines[0].ids)
    second = first + len(lines[1].ids)
    expected = [0] * first + [first] * len(lines[1].ids) + [second] * len(lines[2].ids)

    assert encoded.channel_of[0, : len(expected)].tolist() == expected
    assert not encoded.channel_of[0, len(expected) :].any()


def test_a_name_never_seen_has_several_tokens_before_its_values(encoder: TextEncoder) -> None:
    line = encoder.lines(f"pump\nxq_zz9 {VALUES}")[1]

    assert len(line.ids) > 8
    assert all(i >= encoder.first_ordinal for i in line.ids)


def read_as_a_whole(tokenizer: Tokenizer, text: str) -> list[list[int]]:
    """The token ids of each line, by one call for all of the text: a token lies where its last character does."""
    encoding = tokenizer.encode(text, add_special_tokens=False)
    lines: list[list[int]] = [[] for _ in text.split("\n")]
    for token, (_, end) in zip(encoding.ids, encoding.offsets, strict=True):
        lines[text.count("\n", 0, end - 1)].append(token)
    return [ids for ids in lines if ids]


ODD = (
    "q05",
    "z+30",
    "[MASK]",
    "[SEP]x",
    "q?",
    "<8h",
    "don't",
    "'s",
    "q05q05",
    "-q05",
    "q05.",
    "Ġx",
    "e\u0301",
    "\u0301",
)
WORDS = st.one_of(st.sampled_from([*ORDINALS[:4], "log", "pump", "flow_m3h", "alarm", *ODD]), st.text(max_size=6))
BLANKS = st.sampled_from([*[" "] * 12, *["\n"] * 6, "", "\t", "  ", "\u00a0"])


@given(st.lists(st.tuples(WORDS, BLANKS), max_size=10))
def test_words_read_one_by_one_are_the_tokens_of_the_whole_text(
    tokenizer: Tokenizer, encoder: TextEncoder, words: list[tuple[str, str]]
) -> None:
    text = "".join(word + blank for word, blank in words)

    for shown in (text, text.rstrip(" \n")):  # with a blank at its end no text is read word by word
        assert [list(line.ids) for line in encoder.lines(shown)] == read_as_a_whole(tokenizer, shown)


def test_more_words_than_are_kept_change_nothing(tokenizer: Tokenizer) -> None:
    encoder = TextEncoder(tokenizer)
    first = encoder.lines("pump\nlog <1h seal w0 worn")
    for n in range(5_000):
        encoder.lines(f"pump\nlog <1h seal w{n} worn")

    assert encoder.lines("pump\nlog <1h seal w0 worn") == first


def test_lines_are_told_apart(encoder: TextEncoder) -> None:
    text = f"pump cond 1 learning\nflow_m3h {VALUES}\nsilent vib_de_mms\nlog <1h pump noisy"

    assert [line.kind for line in encoder.lines(text)] == [Kind.HEAD, Kind.CHANNEL, Kind.SILENT, Kind.LOG]


@pytest.mark.parametrize(("tokens", "width"), [(3, 32), (40, 64), (180, 192)])
def test_a_text_is_padded_to_the_shortest_bucket_that_holds_it(encoder: TextEncoder, tokens: int, width: int) -> None:
    encoded = encoder.padded([7] * tokens, [0] * tokens)

    assert encoded.input_ids.shape == (1, width)
    assert int(encoded.attention_mask.sum()) == tokens
    assert (encoded.input_ids[0, tokens:] == encoder.pad).all()


def test_a_long_text_loses_its_dullest_channels_and_keeps_its_newest_log(encoder: TextEncoder) -> None:
    channels = [f"channel_{i} {VALUES}" for i in range(30)]
    text = "\n".join(["pump", *channels, "log <1h bearing noisy at drive end", "log >1w " + "seal leaking " * 12])

    encoded = encoder.encode(text)
    lines = encoder.lines(text)
    ids = encoded.input_ids[0].tolist()
    newest = list(lines[31].ids)

    assert encoded.input_ids.shape == (1, 192)
    assert ids[2 : 2 + len(lines[1].ids)] == list(lines[1].ids)
    assert any(ids[k : k + len(newest)] == newest for k in range(len(ids)))
    assert int(((encoded.channel_of == 0) & (encoded.attention_mask == 1)).sum()) == 2 + LOG_TOKENS


def test_no_channel_line_is_cut_in_two(encoder: TextEncoder) -> None:
    text = "\n".join(["pump", *(f"flow_m3h {VALUES}" for _ in range(40))])

    binding = encoder.encode(text).channel_of[0]
    _, counts = np.unique(binding[binding > 0], return_counts=True)

    assert (counts == 8).all()


def test_a_foreign_tokenizer_is_used_without_binding(tokenizer: Tokenizer) -> None:
    encoded = TextEncoder(tokenizer, bound=False).encode(f"pump\nflow_m3h {VALUES}")

    assert not encoded.channel_of.any()


def test_a_tokenizer_without_ordinals_cannot_bind() -> None:
    from tokenizers.models import BPE  # noqa: PLC0415 - only here

    with pytest.raises(BundleError, match="ordinal words"):
        TextEncoder(Tokenizer(BPE()))


def test_a_stranger_is_who_states_no_level_whatever_the_joint_channels_say(encoder: TextEncoder) -> None:
    known = "pump\nvib q50 q50 q50 z+01 z+00 z+00 z+00\njoint_spe q? q? q? z+01 z+00 z+00 z+00"
    strange = "pump\nvib q? q? q? z+01 z+00 z+00 z+00\njoint_spe q? q? q? z+01 z+00 z+00 z+00"

    assert not encoder.stranger(encoder.encode(known).input_ids)
    assert encoder.stranger(encoder.encode(strange).input_ids)
