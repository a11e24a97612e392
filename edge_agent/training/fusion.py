"""What reading the log beside the sensors is worth: failure modes by both, by the sensors alone, by the log alone.

One model, the same window without its log lines and without its channel lines, and what the verdict makes of both. No
public set pairs real sensors with real log lines of one machine, so the windows are composed: simulated sensors with
the simulator's technicians, and simulated sensors with real work-order lines of the same failure mode (FMC-MWO2KG,
labels never learned from). Measured on fleets that were never learned from. No training belongs here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from sklearn.metrics import f1_score

from edge_agent.bundle.encode import Kind, Line, TextEncoder
from edge_agent.bundle.load import Bundle
from edge_agent.core.text import clean
from edge_agent.core.verdict import agreed
from edge_agent.training.examples import Examples
from edge_agent.training.runs import MODES, UNKNOWN
from edge_agent.training.scoring import Floats, Indices, Interval, answers_of

WORDS: Final[Mapping[str, tuple[str, ...]]] = {  # label of the work orders → our codes
    "Vibration": ("VIB",), "Noise": ("NOI",), "Overheating": ("OHE",), "Leaking": ("ELP", "ELU"),
    "Low output": ("LOO",), "Erratic output": ("ERO",), "Plugged / choked": ("PLU",),
    "Abnormal instrument reading": ("AIR",), "Structural deficiency": ("STD",), "Breakdown": ("BRD",),
}  # fmt: skip
_MOST: Final = 500  # windows per failure mode
_RESAMPLES: Final = 300
_PART: Final = 1_000_000  # no set has so many assets


@dataclass(frozen=True, slots=True)
class Ablation:
    """Macro-F1 over the failure modes of N windows with log lines, by what of the text was read."""

    windows: int
    modes: tuple[str, ...]
    both: Interval
    sensors: Interval
    logs: Interval
    gain: Interval  # both minus the better of the others, paired over resampled assets


@dataclass(frozen=True, slots=True)
class _Case:
    """One window with its log lines, perhaps replaced by real ones."""

    lines: tuple[Line, ...]
    mode: int
    asset: int


def ablate(bundle: Bundle, parts: Sequence[Examples], real: Mapping[str, Sequence[str]] | None = None) -> Ablation:
    """The ablation over all windows that have log lines; with `real` (mode → lines) those lines take their place.

    With `real` only windows of a mode that has such lines are read, so no window is told apart by its style alone.
    """
    encoder = bundle.risk.encoder
    cases = _balanced(list(_cases(parts)))
    if real is not None:
        cases = _composed(cases, real, encoder)
    truth = np.array([case.mode for case in cases])
    assets = np.array([case.asset for case in cases])
    kept = (set(Kind) - {Kind.LOG}, {Kind.HEAD, Kind.LOG})
    texts = [[[line for line in case.lines if line.kind in kinds] for case in cases] for kinds in kept]
    read, told = (_shares(answers_of(bundle.risk, some)[:, 1:]) for some in texts)
    both = np.array([agreed(r, t) for r, t in zip(read.tolist(), told.tolist(), strict=True)])
    return _compared(truth, assets, [one.argmax(axis=1) for one in (both, read, told)])


def _shares(logits: Floats) -> Floats:
    """Logits → probabilities, row by row."""
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    out: Floats = shares / shares.sum(axis=1, keepdims=True)
    return out


def _cases(parts: Sequence[Examples]) -> Iterator[_Case]:
    for number, part in enumerate(parts):
        for n in np.flatnonzero(part.mode != UNKNOWN).tolist():
            kinds = part.line_kind[int(part.first_line[n]) : int(part.first_line[n + 1])]
            if (kinds == Kind.LOG).any():
                yield _Case(tuple(part.lines(n)), int(part.mode[n]), int(part.run[n]) + _PART * number)


def _balanced(cases: Sequence[_Case]) -> list[_Case]:
    """At most so many windows of each mode, evenly spaced."""
    out: list[_Case] = []
    for mode in sorted({case.mode for case in cases}):
        some = [case for case in cases if case.mode == mode]
        out += [some[i] for i in np.unique(np.linspace(0, len(some) - 1, min(_MOST, len(some))).astype(int)).tolist()]
    return out


def _composed(cases: Sequence[_Case], real: Mapping[str, Sequence[str]], encoder: TextEncoder) -> list[_Case]:
    """The cases whose mode has real lines, with one of them (drawn by a fixed seed) as the only log line."""
    rng = np.random.default_rng(1)
    out = []
    for case in cases:
        lines = real.get(MODES[case.mode], ())
        if lines:
            text = clean(lines[int(rng.integers(len(lines)))])
            told = [line for line in encoder.lines(f"x\nlog <8h {text}") if line.kind is Kind.LOG]
            rest = [line for line in case.lines if line.kind is not Kind.LOG]
            out.append(_Case((*rest, *told), case.mode, case.asset))
    return out


def _compared(truth: Indices, assets: Indices, said: Sequence[Indices]) -> Ablation:
    labels = np.unique(truth)
    rng = np.random.default_rng(1)
    order = np.argsort(assets, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(assets[order])) + 1)
    drawn = [np.concatenate([groups[g] for g in rng.integers(0, len(groups), len(groups))]) for _ in range(_RESAMPLES)]
    whole = np.array([_macro(truth, one, labels) for one in said])
    resampled = np.array([[_macro(truth[rows], one[rows], labels) for one in said] for rows in drawn])  # (R, 3)
    better = 1 + int(np.argmax(whole[1:]))
    gains = resampled[:, 0] - resampled[:, better]
    both, sensors, logs = (_interval(float(v), column) for v, column in zip(whole, resampled.T, strict=True))
    gain = _interval(float(whole[0] - whole[better]), gains)
    return Ablation(len(truth), tuple(MODES[i] for i in labels.tolist()), both, sensors, logs, gain)


def _macro(truth: Indices, said: Indices, labels: Indices) -> float:
    present = [label for label in labels.tolist() if (truth == label).any()]
    return float(f1_score(truth, said, labels=present, average="macro", zero_division=0.0))


def _interval(value: float, resampled: Floats) -> Interval:
    low, high = np.percentile(resampled, (2.5, 97.5))
    return Interval(value, float(low), float(high))


def real_lines(folder: Path) -> dict[str, list[str]]:
    """Real work-order lines by our failure modes, from FMC-MWO2KG; empty where it is not there."""
    out: dict[str, list[str]] = {}
    for name in ("train.txt", "dev.txt"):
        path = folder / name
        if not path.exists():
            continue
        for row in path.read_text(encoding="utf-8").splitlines():
            text, _, label = row.rpartition(",")
            for code in WORDS.get(label.strip(), ()):
                out.setdefault(code, []).append(text)
    return out
