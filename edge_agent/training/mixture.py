"""Prepared data → what a batch is made of: targets, and the share of every set. Trains nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_agent.bundle.encode import Kind
from edge_agent.simulate.turbofan import SPEC
from edge_agent.training import teacher
from edge_agent.training.batches import Source
from edge_agent.training.examples import Examples, subset
from edge_agent.training.recipe import LEARNED, STRANGE_RIGS, Prepared, Say
from edge_agent.training.runs import UNKNOWN
from edge_agent.training.scoring import Indices


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """What a batch is made of; what C-MAPSS leaves goes to the simulator."""

    turbofan: float  # where there is C-MAPSS
    strange: float  # weight of a window shown without its class beside one shown with it
    told: float = 0.0  # windows with log lines, all failure modes alike
    rigs: float = 0.0  # machines nobody declared


def targets_of(prepared: Prepared, say: Say) -> dict[str, NDArray[np.float32]]:
    """What the risk is learned by: per class, the mean of the truth and of boosted trees out of fold."""
    sets = prepared.learned
    targets = {STRANGE_RIGS: sets[STRANGE_RIGS].risk} if STRANGE_RIGS in sets else {}  # no two have the same channels
    for label, names in _by_class(sets).items():
        path = prepared.cache / f"teacher-{label}.npy"
        if not path.exists():
            say(f"teaching {label}: boosted trees by asset-wise folds ...")
            np.save(path, np.concatenate(teacher.soft_targets([sets[name] for name in names])))
        cuts = np.cumsum([len(sets[name]) for name in names])[:-1]
        targets |= dict(zip(names, np.split(np.load(path), cuts), strict=True))
    return targets


def _by_class(sets: Mapping[str, Examples]) -> dict[str, list[str]]:
    """The sets by class and by whether the class is known: the turbofan sets are one class."""
    grouped: dict[str, list[str]] = {}
    for name in sets:
        if name == STRANGE_RIGS:
            continue
        label = SPEC.name if is_turbofan(name) else name.rstrip("?")
        grouped.setdefault(f"{label}-strange" if name.endswith("?") else label, []).append(name)
    return grouped


def sources_of(prepared: Prepared, targets: Mapping[str, NDArray[np.float32]], shares: Shares) -> list[Source]:
    """The learned sets with their shares of a batch."""
    sets = prepared.learned
    rigs = shares.rigs if STRANGE_RIGS in sets else 0.0
    turbofan = shares.turbofan if any(map(is_turbofan, sets)) else 0.0
    classes = [name for name in sets if name != STRANGE_RIGS]
    weight = {name: shares.strange if name.endswith("?") else 1.0 for name in classes}
    weight = {name: weight[name] * len(sets[name].risk) ** 0.5 for name in classes}  # small sets are not to drown
    for wanted, share in ((True, turbofan), (False, 1 - turbofan - rigs - shares.told)):
        names = [name for name in classes if is_turbofan(name) == wanted]
        total = sum(weight[name] for name in names)
        weight |= {name: weight[name] / total * share for name in names}
    sources = [Source(sets[name], targets[name], weight[name]) for name in classes]
    if rigs:
        sources.append(Source(sets[STRANGE_RIGS], targets[STRANGE_RIGS], rigs))
    return sources + (_told(prepared, targets, shares.told) if shares.told else [])


def _told(prepared: Prepared, targets: Mapping[str, NDArray[np.float32]], share: float) -> list[Source]:
    """Windows of known classes with log lines: as many sound ones as there are, all failure modes alike."""
    rows: dict[int, list[tuple[str, Indices]]] = {}
    for name, part in prepared.learned.items():
        if not name.endswith("?"):
            logs = np.add.reduceat(part.line_kind == Kind.LOG, part.first_line[:-1]) > 0
            for mode in np.unique(part.mode[logs & (part.mode != UNKNOWN)]).tolist():
                rows.setdefault(mode, []).append((name, np.flatnonzero(logs & (part.mode == mode))))
    count = {mode: sum(len(some) for _, some in found) for mode, found in rows.items()}
    sound = count.get(0, 0) / max(sum(count.values()), 1)
    each = (1.0 - sound) / max(len(count) - (0 in count), 1)
    return [
        Source(
            subset(prepared.learned[name], some), targets[name][some],
            share * (sound if mode == 0 else each) * len(some) / count[mode],
        )
        for mode, found in rows.items()
        for name, some in found
    ]  # fmt: skip


def is_turbofan(name: str) -> bool:
    """Whether a set, or a set shown without its class, is of C-MAPSS."""
    return name.rstrip("?") in LEARNED
