"""SKAB (a real water-pump loop): the agent on a machine nobody declared, beside PCA and beside always alarming.

Protocol: the first 400 rows of a file are the healthy baseline, every later row is judged, all files are pooled.
Nothing is learned from SKAB, and no threshold is chosen on it.

Source: I. Katser, V. Kozitsin, Skoltech Anomaly Benchmark, 2020.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score, roc_auc_score

from edge_agent.bundle.load import Bundle
from edge_agent.core.baseline import Floats
from edge_agent.core.types import ChannelSpec, ClassSpec, Reading, Status
from edge_agent.core.verdict import judge
from edge_agent.core.window import Windower
from edge_agent.errors import DataError
from edge_agent.tables.csvfile import Format, open_csv
from edge_agent.tables.table import read_table
from edge_agent.training.scoring import Interval, bootstrapped

Say = Callable[[str], None]

BASELINE: Final = 400  # rows
CLASS: Final = "unknown"
_LABEL: Final = "anomaly"
_NO_CHANNELS: Final = ("datetime", _LABEL, "changepoint")
_VARIANCE: Final = 0.9  # explained by the components that PCA keeps
_LIMIT: Final = 0.99  # quantile of the baseline from which T² or Q alarms
_MEDIAN: Final = 3  # rows of the moving median of T² and Q, as the benchmark's own T² takes it


@dataclass(frozen=True, slots=True)
class Recording:
    """One file."""

    name: str
    channels: tuple[str, ...]
    values: Floats  # (rows, n)
    anomaly: NDArray[np.bool_]  # (rows,)


@dataclass(frozen=True, slots=True)
class Rows:
    """All judged rows of one method, pooled."""

    key: str  # in the log of evaluations
    name: str
    file: NDArray[np.int64]  # (N,)
    truth: NDArray[np.bool_]  # (N,)
    score: Floats  # (N,) higher is worse
    said: NDArray[np.bool_]  # (N,)


@dataclass(frozen=True, slots=True)
class Found:
    """The figures of one method."""

    key: str
    name: str
    rows: int
    f1: Interval
    false_alarms: Interval  # share of sound rows
    missed: Interval  # share of anomalous rows
    roc_auc: Interval


def load(folder: Path) -> list[Recording]:
    """The recordings of a folder of SKAB, by name.

    Raises:
        DataError: no file, or one that is no such recording.
    """
    paths = sorted(folder.glob("*.csv"))
    if not paths:
        raise DataError(f"{folder} holds no *.csv", hint="--data takes a folder of SKAB, such as skab/valve1")
    return [_read(path) for path in paths]


def _read(path: Path) -> Recording:
    file = open_csv(path, Format())
    names = [name for name in file.names if name not in _NO_CHANNELS]
    table = read_table(file, texts=[], numbers=[file.column(name) for name in (*names, _LABEL)])
    values = np.column_stack([table.numbers[file.column(name)] for name in names]).astype(np.float32)
    if len(values) <= BASELINE:
        raise DataError(f"{path} has {len(values)} rows", hint=f"the protocol needs more than {BASELINE}")
    channels = tuple(name.lower().replace(" ", "_") for name in names)
    return Recording(path.stem, channels, values.astype(np.float64), table.numbers[file.column(_LABEL)] > 0)


def judged_by_agent(bundle: Bundle, recordings: Sequence[Recording], say: Say) -> Rows:
    """What the agent says of every row after the baseline: alarming is a decided verdict at its threshold."""
    info = bundle.risk.info
    threshold = info.threshold if info.stranger_threshold is None else info.stranger_threshold
    parts = []
    for number, one in enumerate(recordings):
        say(f"{one.name}: {number + 1} of {len(recordings)} recordings ...")
        spec = ClassSpec(
            name=CLASS, channels=tuple(ChannelSpec(name=name) for name in one.channels), step_s=1.0, complete=True,
            baseline_steps=BASELINE, silent_after_s=1e9,
        )  # fmt: skip
        windower = Windower(spec)
        for row, values in enumerate(one.values.tolist()):
            for name, value in zip(one.channels, values, strict=True):
                for window in windower.push(Reading(one.name, name, float(row), value)):
                    if window.learning:
                        continue
                    verdict = judge(window, (), bundle.risk.score, info.labels)
                    said = verdict.status is Status.DECIDED and verdict.risk >= threshold
                    parts.append((number, one.anomaly[int(window.start)], verdict.risk, said))
    file, truth, score, said_of = zip(*parts, strict=True)
    return Rows(
        "skab", f"bundle {info.name} {info.version}", np.array(file), np.array(truth), np.array(score),
        np.array(said_of),
    )  # fmt: skip


def judged_by_pca(recordings: Sequence[Recording]) -> Rows:
    """What plain PCA says: T² or Q of the scaled row beyond the 99 % quantile of the baseline's own.

    Source: J. E. Jackson, G. S. Mudholkar, Control Procedures for Residuals Associated With PCA, 1979.
    """
    parts = [_pca(one) for one in recordings]
    return Rows(
        "skab_pca", "PCA, T² and Q", np.repeat(np.arange(len(parts)), [len(score) for score in parts]),
        np.concatenate([one.anomaly[BASELINE:] for one in recordings]), np.concatenate(parts),
        np.concatenate(parts) > 1.0,
    )  # fmt: skip


def _pca(one: Recording) -> Floats:
    """T² and Q over their limits, the larger of the two, (rows after the baseline,)."""
    healthy = one.values[:BASELINE]
    center, scale = healthy.mean(axis=0), healthy.std(axis=0)
    z = (one.values - center) / np.where(scale > 0, scale, 1.0)
    _, singular, axes = np.linalg.svd(z[:BASELINE], full_matrices=False)
    variance = singular**2 / (BASELINE - 1)
    kept = 1 + int(np.searchsorted(np.cumsum(variance) / variance.sum(), _VARIANCE))
    scores = z @ axes[:kept].T
    t2 = (scores**2 / variance[:kept]).sum(axis=1)
    q = ((z - scores @ axes[:kept]) ** 2).sum(axis=1)
    over = [_smoothed(one) / np.quantile(_smoothed(one)[:BASELINE], _LIMIT) for one in (t2, q)]
    return np.maximum(*over)[BASELINE:]


def _smoothed(values: Floats) -> Floats:
    """The moving median of the newest rows, (N,) → (N,)."""
    padded = np.concatenate([np.full(_MEDIAN - 1, values[0]), values])
    smoothed: Floats = np.median(np.lib.stride_tricks.sliding_window_view(padded, _MEDIAN), axis=1)
    return smoothed


def always(rows: Rows) -> Rows:
    """The same rows, alarming at every one."""
    n = len(rows.truth)
    return Rows("skab_always", "always alarming", rows.file, rows.truth, np.zeros(n), np.ones(n, np.bool_))


def summarise(rows: Rows) -> Found:
    """The figures of one method over all its rows, intervals bootstrapped by file."""
    truth, said = rows.truth.astype(np.float64), rows.said.astype(np.float64)
    return Found(
        rows.key, rows.name, len(truth),
        bootstrapped(lambda t, s: float(f1_score(t > 0, s > 0, zero_division=0.0)), truth, said, rows.file),
        bootstrapped(lambda t, s: _share(s > 0, t <= 0), truth, said, rows.file),
        bootstrapped(lambda t, s: _share(s <= 0, t > 0), truth, said, rows.file),
        bootstrapped(lambda t, s: float(roc_auc_score(t > 0, s)), truth, rows.score, rows.file),
    )  # fmt: skip


def _share(said: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    return float(said[among].mean()) if among.any() else 0.0


def lines(found: Sequence[Found]) -> Iterator[str]:
    """The figures as a Markdown table."""
    yield "| SKAB, every row after the baseline | F1 | false alarms | missed | ROC-AUC |"
    yield "|---|---|---|---|---|"
    for one in found:
        yield f"| {one.name} | {one.f1} | {one.false_alarms} | {one.missed} | {one.roc_auc} |"


def flat(found: Sequence[Found]) -> dict[str, float | str]:
    """The figures by name, for the log of evaluations."""
    out: dict[str, float | str] = {}
    for one in found:
        for what, value in (
            ("f1", one.f1), ("false_alarms", one.false_alarms), ("missed", one.missed), ("roc_auc", one.roc_auc),
        ):  # fmt: skip
            out |= {f"{one.key}_{what}": value.value, f"{one.key}_{what}_low": value.low,
                    f"{one.key}_{what}_high": value.high}  # fmt: skip
    return out
