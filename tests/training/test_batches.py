"""Examples and batches: what is learned is what is served."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from edge_agent.bundle.encode import Kind, TextEncoder, read_tokenizer
from edge_agent.bundle.references import rounded
from edge_agent.core.baseline import Reference
from edge_agent.core.text import LEVELS, render
from edge_agent.training import fleet, references
from edge_agent.training.batches import NO_AUGMENTATION, Augmentation, Augmenter, Source, collate, stream
from edge_agent.training.examples import Examples, build, cached
from edge_agent.training.runs import Run, recent_logs, windows_of
from tests.bundle.tiny import TINY

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    """The encoder of the tiny bundle."""
    return TextEncoder(read_tokenizer(TINY / "tokenizer.json"))


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    """Some lives of one class, short."""
    lives = [run for run in fleet.load_fleet(5, 12) if run.group == "pump"] or fleet.load_fleet(5, 1)
    return [replace(run, times=run.times[:150], values=run.values[:150]) for run in lives[:2]]


@pytest.fixture(scope="module")
def reference(runs: list[Run]) -> Reference:
    """Their class."""
    return rounded(references.fit(runs))


@pytest.fixture(scope="module")
def examples(runs: list[Run], reference: Reference, encoder: TextEncoder) -> Examples:
    """Their windows."""
    return build(runs, reference, encoder)


def test_a_batch_without_augmentation_is_what_the_agent_feeds_the_model(
    runs: list[Run], reference: Reference, encoder: TextEncoder, examples: Examples
) -> None:
    number = 0
    for run in runs:
        for window in windows_of(run, reference):
            served = encoder.encode(render(window, recent_logs(run.logs, window, run.spec)))
            batch = collate(
                [examples.lines(number)], encoder, examples.risk[[number]], examples.mode[[number]].astype(np.int64)
            )
            seen = int(served.attention_mask.sum())
            assert int(batch.attention_mask.sum()) == seen
            assert batch.input_ids[0, :seen].tolist() == served.input_ids[0, :seen].tolist()
            assert batch.channel_of[0, :seen].tolist() == served.channel_of[0, :seen].tolist()
            number += 1

    assert number == len(examples) > 100


def test_every_window_carries_the_truth_of_its_own_step(
    runs: list[Run], reference: Reference, examples: Examples
) -> None:
    expected = [run.left[run.step_of(window)] for run in runs for window in windows_of(run, reference)]

    np.testing.assert_array_equal(examples.left, expected)
    np.testing.assert_array_equal(examples.risk, np.array(expected) <= 30)


def test_cached_examples_are_the_same(
    tmp_path: Path, runs: list[Run], reference: Reference, encoder: TextEncoder, examples: Examples
) -> None:
    path = tmp_path / "cache.npz"
    first, second = (cached(path, runs, reference, encoder) for _ in range(2))

    for name in Examples.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(first, name), getattr(examples, name))
        np.testing.assert_array_equal(getattr(second, name), getattr(examples, name))


def changed(examples: Examples, encoder: TextEncoder, how: Augmentation) -> list[tuple[int, ...]]:
    """The channel lines of one window after augmentation."""
    augmenter = Augmenter(encoder, how, np.random.default_rng(1))
    return [line.ids for line in augmenter.lines(examples.lines(100)) if line.kind is Kind.CHANNEL]


def test_no_augmentation_changes_nothing_but_order(examples: Examples, encoder: TextEncoder) -> None:
    before = [line.ids for line in examples.lines(100) if line.kind is Kind.CHANNEL]

    assert sorted(changed(examples, encoder, NO_AUGMENTATION)) == sorted(before)


def test_jitter_moves_ordinals_a_little_and_stays_in_their_scale(examples: Examples, encoder: TextEncoder) -> None:
    before = sorted(line.ids for line in examples.lines(100) if line.kind is Kind.CHANNEL)
    after = sorted(changed(examples, encoder, replace(NO_AUGMENTATION, jitter=3)))
    border = encoder.first_ordinal + 1 + len(LEVELS)
    moves = {new - old for b, a in zip(before, after, strict=True) for old, new in zip(b, a, strict=True)}

    assert [ids[0] for ids in after] == [ids[0] for ids in before]
    assert moves <= set(range(-3, 4))
    assert len(moves) > 3
    for b, a in zip(before, after, strict=True):
        assert [i < border for i in b] == [i < border for i in a]


def test_dropping_leaves_at_least_half_of_the_channels(examples: Examples, encoder: TextEncoder) -> None:
    before = [line for line in examples.lines(100) if line.kind is Kind.CHANNEL]
    augmenter = Augmenter(encoder, replace(NO_AUGMENTATION, drop=50), np.random.default_rng(2))
    counts = {sum(line.kind is Kind.CHANNEL for line in augmenter.lines(examples.lines(100))) for _ in range(50)}

    assert min(counts) >= len(before) - len(before) // 2
    assert len(counts) > 1


def test_renamed_channels_keep_their_values(examples: Examples, encoder: TextEncoder) -> None:
    before = {line.ids[-7:]: line.ids[:-7] for line in examples.lines(100) if line.kind is Kind.CHANNEL}
    after = {ids[-7:]: ids[:-7] for ids in changed(examples, encoder, replace(NO_AUGMENTATION, rename=1.0))}

    assert after.keys() == before.keys()
    assert all(after[values] != before[values] for values in after)


def test_forgotten_levels_are_said_to_be_unknown(examples: Examples, encoder: TextEncoder) -> None:
    for ids in changed(examples, encoder, replace(NO_AUGMENTATION, forget_levels=1.0)):
        assert ids[-7:-4] == (encoder.first_ordinal,) * 3


def test_logs_can_be_left_out(examples: Examples, encoder: TextEncoder) -> None:
    with_logs = next(n for n in range(len(examples)) if any(x.kind is Kind.LOG for x in examples.lines(n)))
    augmenter = Augmenter(encoder, replace(NO_AUGMENTATION, drop_logs=1.0), np.random.default_rng(1))

    assert all(line.kind is not Kind.LOG for line in augmenter.lines(examples.lines(with_logs)))


def test_the_same_seed_gives_the_same_batches(examples: Examples, encoder: TextEncoder) -> None:
    source = Source(examples, examples.risk, 1.0)
    one, two = (list(islice(stream([source], encoder, 8, Augmentation(), 3), 3)) for _ in range(2))

    for a, b in zip(one, two, strict=True):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_array_equal(x, y)


def told(examples: Examples) -> int:
    """A window of the examples with log lines."""
    return next(n for n in range(len(examples)) if any(line.kind is Kind.LOG for line in examples.lines(n)))


def test_a_reworded_log_line_is_one_of_its_mode_and_keeps_its_age(examples: Examples, encoder: TextEncoder) -> None:
    lines = examples.lines(told(examples))
    words: dict[int, list[tuple[int, ...]]] = {1: [(7, 8, 9)], 2: [(10, 11)]}
    augmenter = Augmenter(encoder, replace(NO_AUGMENTATION, reworded=1.0), np.random.default_rng(1), words)
    before = next(line for line in lines if line.kind is Kind.LOG)

    after = [line for line in augmenter.lines(lines, mode=2) if line.kind is Kind.LOG]

    assert after[0].ids == (*before.ids[:2], 10, 11)


def test_a_window_without_known_mode_keeps_its_own_words(examples: Examples, encoder: TextEncoder) -> None:
    lines = examples.lines(told(examples))
    augmenter = Augmenter(encoder, replace(NO_AUGMENTATION, reworded=1.0), np.random.default_rng(1), {1: [(7, 8, 9)]})

    assert augmenter.lines(lines) == lines


def test_told_examples_are_the_windows_with_log_lines_alone(
    runs: list[Run], reference: Reference, encoder: TextEncoder, examples: Examples
) -> None:
    only = build(runs, reference, encoder, told=True)
    with_logs = [n for n in range(len(examples)) if any(line.kind is Kind.LOG for line in examples.lines(n))]

    assert [only.lines(n) for n in range(len(only))] == [examples.lines(n) for n in with_logs]
