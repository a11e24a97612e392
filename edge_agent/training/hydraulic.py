"""The hydraulic test rig of ZeMA: files → cycles as rows in the agent's text, states of components, folds of blocks.

Source: N. Helwig, E. Pignanelli, A. Schütze, Condition Monitoring of a Complex Hydraulic System Using Multivariate
Statistics, I2MTC 2015; UCI, CC BY 4.0. The rig was run in one state for some cycles, then in the next: cycles of one
such block are alike whatever was changed, so whole blocks are dealt to folds. Nothing is learned here.
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from edge_agent.errors import DataError
from edge_agent.training.scoring import Floats, Indices
from edge_agent.training.snapshots import Snapshots

STATES: Final[Mapping[str, tuple[int, ...]]] = {
    "cooler": (3, 20, 100), "valve": (73, 80, 90, 100), "pump": (0, 1, 2), "accumulator": (90, 100, 115, 130),
}  # fmt: skip  # as the first columns of profile.txt name them
_BEST: Final = (100, 100, 0, 130)
_PROFILE: Final = "profile"
_STABLE: Final = 1  # columns of profile.txt after the states: whether the rig had settled; never read
_CYCLE_S: Final = 60
_DRIVEN: Final = ("FS1", "SE")  # sensors that follow the load at once: a channel for each phase of it
_SLOW: Final = ("CE", "CP", "FS2", "TS1", "TS2", "TS3", "TS4", "VS1")  # a channel for the whole cycle
_PHASES: Final = {"b": (9, 19), "c": (19, 29), "d": (29, 39), "e": (39, 49), "f": (49, 60)}  # s; from 0 to 9 it idles
_SWITCHING: Final = 0.3  # of a phase, until the load has been switched
_EDGE: Final = 0.1  # of a phase, over which its ends are averaged
_HINT: Final = "--data takes the unpacked folder of UCI's 'Condition monitoring of hydraulic systems', files unchanged"


@dataclass(frozen=True, slots=True)
class Rig:
    """N cycles: statistics of their sensors, and in which state each component was."""

    rows: Snapshots  # 7 statistics a channel; the label is 1 where some component is not at its best
    states: Indices  # (N, components) index into STATES
    block: Indices  # (N,) number of the stretch of consecutive cycles in one state


def load(folder: Path) -> Rig:
    """The cycles of the files in `folder`, plain or gzipped.

    Raises:
        DataError: a file is missing, is no table of numbers, or has another count of cycles than the others.
    """
    profile = _table(folder, _PROFILE)
    if profile.shape[1] != len(STATES) + _STABLE:
        raise DataError(f"{folder / _PROFILE}.txt has {profile.shape[1]} columns, not 5", hint=_HINT)
    sensors = {name: _sensor(folder, name, len(profile)) for name in (*_DRIVEN, *_SLOW)}
    spans = {f"{name.lower()}{phase}": (name, span) for name in _DRIVEN for phase, span in _PHASES.items()}
    spans |= {name.lower(): (name, (0, _CYCLE_S)) for name in _SLOW}
    values = [statistics(_during(sensors[name], span)) for name, span in spans.values()]
    states = _states(folder, profile[:, : len(STATES)])
    changed = (states[1:] != states[:-1]).any(axis=1)
    sound = (profile[:, : len(STATES)] == np.array(_BEST)).all(axis=1)
    return Rig(
        Snapshots("hydraulic", tuple(spans), np.concatenate(values, axis=1), (~sound).astype(np.float32)),
        states,
        np.append(0, np.cumsum(changed)),
    )


def statistics(samples: Floats) -> Floats:
    """What a channel line says of a stretch of a cycle, (N, samples) → (N, 7).

    Three to be stated as levels: the settled value (median once the load is switched), the lowest and the highest.
    Four as distances: the mean; the end less the beginning, once settled; the slope per sample by least squares; the
    deviation.
    """
    count = samples.shape[1]
    start, edge = int(_SWITCHING * count), max(1, int(_EDGE * count))
    place = np.arange(count) - (count - 1) / 2
    return np.column_stack([
        np.median(samples[:, start:], axis=1), samples.min(axis=1), samples.max(axis=1), samples.mean(axis=1),
        samples[:, -edge:].mean(axis=1) - samples[:, start : start + edge].mean(axis=1),
        samples @ place / (place @ place), samples.std(axis=1),
    ])  # fmt: skip


def deal(states: Indices, block: Indices, count: int, seed: int) -> Indices:
    """The fold of each row, (N,): whole blocks, the largest first, each where it evens out the states most.

    Raises:
        DataError: a state would be missing in what some fold is judged from.
    """
    sizes = [len(names) for names in STATES.values()]
    marks = np.concatenate([np.eye(size)[states[:, k]] for k, size in enumerate(sizes)], axis=1)  # (N, all states)
    unique, number = np.unique(block, return_inverse=True)
    weight = np.zeros((len(unique), marks.shape[1]))
    np.add.at(weight, number, marks)
    drawn = np.random.default_rng(seed).permutation(len(unique))
    drawn = drawn[np.argsort(-weight[drawn].sum(axis=1), kind="stable")]
    wanted = np.maximum(weight.sum(axis=0) / count, 1.0)
    held, fold = np.zeros((count, marks.shape[1])), np.zeros(len(unique), dtype=np.int64)
    for one in drawn.tolist():
        before, after = (held - wanted) / wanted, (held + weight[one] - wanted) / wanted
        fold[one] = int(np.argmin((after**2 - before**2).sum(axis=1)))
        held[fold[one]] += weight[one]
    if (lacking := (held.sum(axis=0) - held == 0).any(axis=0)).any():
        state = [f"{name} {value}" for name, values in STATES.items() for value in values][int(np.argmax(lacking))]
        raise DataError(f"all cycles of {state} fall into one of {count} folds", hint=_HINT)
    return fold[number]


def _during(samples: Floats, span: tuple[int, int]) -> Floats:
    """The samples of a stretch of the cycle in seconds."""
    each_s = samples.shape[1] // _CYCLE_S
    return samples[:, span[0] * each_s : span[1] * each_s]


def _sensor(folder: Path, name: str, cycles: int) -> Floats:
    """The samples of a sensor, (cycles, samples)."""
    samples = _table(folder, name)
    if len(samples) != cycles:
        raise DataError(
            f"{folder}: {name} holds {len(samples)} cycles, {_PROFILE}.txt {cycles}: they do not belong together",
            hint=_HINT,
        )
    if samples.shape[1] % _CYCLE_S:
        raise DataError(
            f"{folder}: {name} has {samples.shape[1]} samples a cycle, no multiple of {_CYCLE_S}", hint=_HINT
        )
    return samples


def _states(folder: Path, profile: Floats) -> Indices:
    """Indices into STATES, (N, components)."""
    found = []
    for (name, values), column in zip(STATES.items(), profile.T, strict=True):
        if strange := sorted(set(column.tolist()) - set(values)):
            known = ", ".join(str(value) for value in values)
            raise DataError(f"{folder / _PROFILE}.txt: {name} is {strange[0]:g}, none of {known}", hint=_HINT)
        found.append(np.searchsorted(values, column))
    return np.column_stack(found).astype(np.int64)


def _table(folder: Path, name: str) -> Floats:
    """The numbers of `name`.txt or `name`.txt.gz, (rows, columns)."""
    tried: Sequence[Path] = [folder / f"{name}.txt", folder / f"{name}.txt.gz"]
    path = next((one for one in tried if one.exists()), None)
    if path is None:
        raise DataError(f"{folder} holds neither {tried[0].name} nor {tried[1].name}", hint=_HINT)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that there are no rows is said below
            table: Floats = np.loadtxt(path, ndmin=2)
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is no table of numbers: {error}", hint=_HINT) from error
    if not table.size or not np.isfinite(table).all():
        lacking = "holds no numbers" if not table.size else "holds NaN or infinite values"
        raise DataError(f"{path} {lacking}", hint=_HINT)
    return table
