"""Loaders, splits, references and the tokenizer."""

from __future__ import annotations

import gzip
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_agent.core.text import ORDINALS
from edge_agent.core.window import Windower
from edge_agent.errors import DataError
from edge_agent.training import cmapss, corpus, fleet, references
from edge_agent.training.recipe import split_engines
from edge_agent.training.runs import MODES, UNKNOWN, Run, windows_of
from edge_agent.training.tokens import train_tokenizer

pytestmark = pytest.mark.train

DATA = Path(os.environ.get("EDGE_AGENT_DATA", Path(__file__).parents[3] / "shared" / "data"))
needs_data = pytest.mark.skipif(not (DATA / "cmapss").is_dir(), reason="set EDGE_AGENT_DATA to the folder with cmapss/")


def engines(units: int = 3, cycles: int = 40) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """A table in the format of C-MAPSS."""
    rng = np.random.default_rng(1)
    rows = [[unit, cycle, *rng.normal(100, 1, 24)] for unit in range(1, units + 1) for cycle in range(1, cycles + 1)]
    return np.array(rows)


def write(path: Path, table: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
    """Write a table as the data set's files are."""
    with gzip.open(path, "wt") as stream:
        np.savetxt(stream, table)


def test_a_training_engine_fails_at_its_last_cycle(tmp_path: Path) -> None:
    write(tmp_path / "train_FD001.txt.gz", engines())
    runs = cmapss.load_train(tmp_path, "FD001")

    assert len({run.asset for run in runs}) == 3
    assert [run.left[-1] for run in runs] == [0.0] * 3
    assert runs[0].risky.sum() == 31


def test_a_test_engine_fails_as_many_cycles_later_as_stated(tmp_path: Path) -> None:
    write(tmp_path / "test_FD001.txt.gz", engines())
    write(tmp_path / "RUL_FD001.txt.gz", np.array([[7.0], [30.0], [200.0]]))
    runs = cmapss.load_test(tmp_path, "FD001")

    assert [run.left[-1] for run in runs] == [7.0, 30.0, 200.0]
    assert [bool(run.risky[-1]) for run in runs] == [True, True, False]
    assert [run.modes[-1] for run in runs] == [MODES.index("PDE"), MODES.index("PDE"), 0]


@pytest.mark.parametrize("spoil", ["missing", "columns", "units", "text"])
def test_wrong_files_are_refused_with_a_hint(tmp_path: Path, spoil: str) -> None:
    table = engines()[:, :-1] if spoil == "columns" else engines()
    write(tmp_path / "test_FD001.txt.gz", table)
    write(tmp_path / "RUL_FD001.txt.gz", np.array([[7.0]] * (2 if spoil == "units" else 3)))
    if spoil == "missing":
        (tmp_path / "RUL_FD001.txt.gz").unlink()
    if spoil == "text":
        (tmp_path / "test_FD001.txt.gz").write_text("no gzip", encoding="utf-8")

    with pytest.raises(DataError) as caught:
        cmapss.load_test(tmp_path, "FD001")

    assert "--data" in caught.value.hint


def test_engines_are_either_learned_from_or_held_out(tmp_path: Path) -> None:
    write(tmp_path / "train_FD001.txt.gz", engines(20, 5))
    runs = cmapss.load_train(tmp_path, "FD001")
    learned, held = split_engines(runs)

    assert {run.asset for run in learned} | {run.asset for run in held} == {run.asset for run in runs}
    assert {run.asset for run in learned} & {run.asset for run in held} == set()
    assert len(held) == 3


def test_fleets_of_different_seeds_share_no_machine() -> None:
    seeds = (fleet.TRAINING_SEED, fleet.VALIDATION_SEED, fleet.TEST_SEED)
    values = [fleet.load_fleet(seed, 3)[0].values[:5].tobytes() for seed in seeds]

    assert len(set(values)) == 3


def test_a_repaired_machine_is_sound_again() -> None:
    lives = fleet.load_fleet(3, 30)
    after = [run for run in lives if run.asset.endswith("-1")]

    assert after
    for run in after:
        assert not run.risky.any()
        assert (run.modes == 0).all()
        assert all(line.time >= run.times[0] for line in run.logs)


def test_a_window_before_a_failure_never_counts_as_sound() -> None:
    for run in fleet.load_fleet(3, 20):
        assert not (run.risky & (run.modes == 0)).any()


def test_modes_of_the_simulator_are_labels() -> None:
    named = {MODES[mode] for run in fleet.load_fleet(3, 60) for mode in set(run.modes.tolist()) - {UNKNOWN}}

    assert {"none", "VIB"} < named


@pytest.fixture(scope="module")
def pumps() -> list[Run]:
    """Some lives of pumps."""
    return [run for run in fleet.load_fleet(7, 40) if run.group == "pump"]


def test_the_class_reference_puts_healthy_machines_in_its_middle(pumps: list[Run]) -> None:
    reference = references.fit(pumps)
    healthy = [run for run in pumps if (run.modes == 0).all()]
    levels = [
        channel.levels[2]
        for run in healthy
        for window in list(windows_of(run, reference))[-20:]
        for channel in window.channels
        if channel.levels is not None
    ]

    assert 0.2 < float(np.median(levels)) < 0.8


def test_a_reference_serves_every_channel_that_is_judged(pumps: list[Run]) -> None:
    reference = references.fit(pumps)

    assert Windower(pumps[0].spec, reference).reference is reference
    assert (reference.scale > 0).all()
    assert (np.diff(reference.grid, axis=1) >= 0).all()


def test_a_missing_value_leaves_the_span_mean_as_it_was() -> None:
    values = np.array([[1.0], [np.nan], [1.0]])

    np.testing.assert_allclose(references.span_mean(values), [[1.0], [1.0], [1.0]])


def test_a_run_with_gaps_gives_windows_of_what_was_measured(pumps: list[Run]) -> None:
    values = pumps[0].values.copy()
    values[60:70] = np.nan
    run = replace(pumps[0], values=values)
    starts = [window.start for window in windows_of(run, None)]

    assert len(starts) < len(run.times)
    assert not {float(t) for t in run.times[60:70]} & set(starts)


def test_fixed_words_come_first_and_in_order() -> None:
    tokenizer = train_tokenizer(["bearing noisy at drive end"] * 5, ["pump", "flow_m3h"], 600)

    assert tokenizer.token_to_id("[PAD]") == 0
    first = tokenizer.token_to_id(ORDINALS[0])
    assert first is not None
    assert [tokenizer.token_to_id(word) for word in ORDINALS] == list(range(first, first + len(ORDINALS)))
    assert tokenizer.encode("pump").ids == [tokenizer.token_to_id("pump")]


def test_a_corpus_without_files_is_empty(tmp_path: Path) -> None:
    assert corpus.read_corpus(tmp_path) == {}


@pytest.mark.data
@needs_data
def test_the_corpus_holds_every_licensed_source_cleaned() -> None:
    texts = corpus.read_corpus(DATA)

    assert set(texts) == set(corpus.LICENCES)
    assert len(texts["maintnorm"]) == 9600
    assert not any("\n" in line or line != line.lower() for part in texts.values() for line in part)


@pytest.mark.data
@needs_data
def test_the_six_regimes_of_fd002_are_found() -> None:
    runs = cmapss.load_train(DATA / "cmapss", "FD002")

    assert len(references.fit(runs[::20]).regimes) == 6


@pytest.mark.data
@needs_data
@pytest.mark.parametrize(("name", "count", "risky"), [("FD001", 100, 25), ("FD003", 100, None)])
def test_the_test_set_is_the_published_one(name: str, count: int, risky: int | None) -> None:
    runs = cmapss.load_test(DATA / "cmapss", name)

    assert len(runs) == count
    if risky is not None:  # the 93-engine protocol
        old = [run for run in runs if len(run.times) >= 50]
        assert (len(old), sum(bool(run.risky[-1]) for run in old)) == (93, risky)
