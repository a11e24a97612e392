"""Fleets of simulated machines → rows and alarms for the report model, on all cores, cached on disk.

A fleet is cut into parts that are built apart; a part that is there is not built again. No torch belongs here.
"""

from __future__ import annotations

import hashlib
import inspect
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np

from edge_agent.bundle.load import load_bundle
from edge_agent.bundle.manifest import MANIFEST
from edge_agent.core import facts, report, wording
from edge_agent.simulate.history import simulate_fleet
from edge_agent.training.report import data as report_data
from edge_agent.training.report import target as report_target
from edge_agent.training.report import truth as report_truth
from edge_agent.training.report.data import SEED, Alarm, Rows, alarms_of, rows, vocabulary

Say = Callable[[str], None]

_PART: Final = 50  # runs
_PER_RUN: Final = 24  # alarms of a run that is learned from
_VOCABULARY_RUNS: Final = 300


def words_of(runs: int) -> tuple[str, ...]:
    """The vocabulary of a model that learns from so many runs."""
    fleet = simulate_fleet(SEED, min(runs, _VOCABULARY_RUNS))
    return vocabulary(line.text for run in fleet for line in run.logs)


def learned_rows(bundle: Path, folder: Path, words: Sequence[str], runs: int, say: Say) -> Rows:
    """The rows of the fleet that is learned from, cached under `folder`."""
    key = hashlib.blake2s("\n".join((*words, *_marks(bundle))).encode(), digest_size=6).hexdigest()
    cache = folder / f"report-{key}"
    cache.mkdir(parents=True, exist_ok=True)
    parts = {cache / f"rows-{first}-{count}.npz": (first, count) for first, count in _cut(runs)}
    missing = {path: part for path, part in parts.items() if not path.exists()}
    if missing:
        say(f"simulating {sum(count for _, count in missing.values())} lives and their alarms into {cache} ...")
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = [pool.submit(_write_rows, path, bundle, words, *part) for path, part in missing.items()]
        for done, future in enumerate(futures, start=1):
            future.result()
            say(f"{done}/{len(futures)} parts of the fleet")
    columns = []
    for path in parts:
        with np.load(path) as stored:
            columns.append([stored[name] for name in Rows.__dataclass_fields__])
    return Rows(*(np.concatenate(column) for column in zip(*columns, strict=True)))


def measured_alarms(bundle: Path, seed: int, runs: int, per_run: int) -> list[Alarm]:
    """The alarms of a fleet of another seed, built on all cores."""
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = [pool.submit(_alarms, bundle, seed, *part, per_run) for part in _cut(runs)]
        return [alarm for future in futures for alarm in future.result()]


def _cut(runs: int) -> list[tuple[int, int]]:
    """First run and number of runs of each part."""
    return [(first, min(_PART, runs - first)) for first in range(0, runs, _PART)]


def _alarms(bundle: Path, seed: int, first: int, count: int, per_run: int) -> list[Alarm]:
    fleet = islice(enumerate(simulate_fleet(seed, first + count)), first, None)
    return list(alarms_of(fleet, load_bundle(bundle), per_run))


def _write_rows(path: Path, bundle: Path, words: Sequence[str], first: int, count: int) -> None:
    made = rows(_alarms(bundle, SEED, first, count, _PER_RUN), words, SEED + first)
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **{name: getattr(made, name) for name in Rows.__dataclass_fields__})
    partial.replace(path)


def _marks(bundle: Path) -> list[str]:
    """What tells these rows from those of another bundle or another version of the code."""
    code = [inspect.getsource(module) for module in (facts, report, wording, report_data, report_target, report_truth)]
    return [(bundle / MANIFEST).read_text(encoding="utf-8"), *code]
