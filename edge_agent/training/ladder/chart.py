"""Points → an SVG: quality against milliseconds, size as area, readable on light and dark pages. Measures nothing.

The picture follows the reader's colour scheme by itself. Labels stand in a column beside the plot, joined to their
points by lines, so that points close together stay readable.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

_WIDTH: Final = 860
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 590, 52, 372  # of the plot
_HEIGHT: Final = 424
_LABELS: Final = 622  # x of the column of labels
_LABEL_GAP: Final = 34
_AREA: Final = 90.0  # square pixels of radius per MB: area grows with size
_LEAST_RADIUS: Final = 4.0
_STEPS: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)  # between lines of the quality axis
_MOST_LINES: Final = 6
_ROOM: Final = 0.25  # of the range of qualities, above and below
_STYLE: Final = """\
svg { --ground: #ffffff; --ink: #24292f; --faint: #6e7781; --line: #d8dee4; --ours: #0969da; --trees: #bc4c00; }
@media (prefers-color-scheme: dark) {
  svg { --ground: #161b22; --ink: #e6edf3; --faint: #8d96a0; --line: #30363d; --ours: #58a6ff; --trees: #f0883e; }
}
text { fill: var(--ink); font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
.faint { fill: var(--faint); font-size: 12px; }
.title { font-size: 15px; font-weight: 600; }
.line { stroke: var(--line); stroke-width: 1; }
.way { stroke: var(--ours); stroke-width: 1.5; stroke-dasharray: 2 4; fill: none; }
.lead { stroke: var(--faint); stroke-width: 0.75; fill: none; }
.ours { fill: var(--ours); fill-opacity: 0.35; stroke: var(--ours); stroke-width: 1.5; }
.other { fill: var(--trees); fill-opacity: 0.35; stroke: var(--trees); stroke-width: 1.5; }"""


@dataclass(frozen=True, slots=True)
class Point:
    """One model."""

    name: str
    ms: float
    mb: float
    quality: float
    ours: bool = True  # a stage of the encoder; the others are compared with


@dataclass(frozen=True, slots=True)
class Mark:
    """A time to compare with that has no quality."""

    name: str
    ms: float


def chart(title: str, quality: str, points: Sequence[Point], marks: Sequence[Mark] = ()) -> str:
    """The SVG; `quality` says what the upward axis is. Points are joined in the order given where they are ours."""
    across = _Times([*(p.ms for p in points), *(m.ms for m in marks)])
    up = _Qualities([p.quality for p in points])
    said = "; ".join(f"{p.name}: {p.quality:.3f} in {p.ms:.2f} ms, {p.mb:.1f} MB" for p in points)
    size = f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title><desc>{escape(said)}</desc>",
        f"<style>\n{_STYLE}\n</style>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="8" style="fill: var(--ground)"/>',
        f'<text class="title" x="{_LEFT}" y="26">{escape(title)}</text>',
        *_axes(across, up, quality),
        *_marks(across, marks),
    ]
    ours = [f"{across.x(p.ms):.1f},{up.y(p.quality):.1f}" for p in points if p.ours]
    parts.append(f'<polyline class="way" points="{" ".join(ours)}"/>')
    parts += _points(across, up, points)
    return "\n".join([*parts, "</svg>"]) + "\n"


class _Times:
    """Milliseconds → x, on a logarithmic scale of whole decades and halves of them."""

    def __init__(self, times: Sequence[float]) -> None:
        self.low = math.log10(min(times)) - 0.15
        self.high = max(math.log10(max(times)), self.low + 0.5) + 0.15

    def x(self, ms: float) -> float:
        return _LEFT + (math.log10(ms) - self.low) / (self.high - self.low) * (_RIGHT - _LEFT)

    def ticks(self) -> list[float]:
        decades = range(math.floor(self.low), math.ceil(self.high) + 1)
        every = [step * 10.0**decade for decade in decades for step in (1, 2, 5)]
        return [tick for tick in every if self.low <= math.log10(tick) <= self.high]


class _Qualities:
    """Quality → y. The axis shows the range that occurs, not zero: what is compared lies close together."""

    def __init__(self, qualities: Sequence[float]) -> None:
        least, most = min(qualities), max(qualities)
        room = max((most - least) * _ROOM, _STEPS[0])
        self.low, self.high = least - room, most + room

    def y(self, quality: float) -> float:
        return _BOTTOM - (quality - self.low) / (self.high - self.low) * (_BOTTOM - _TOP)

    def ticks(self) -> list[float]:
        wide = self.high - self.low
        step = next((step for step in _STEPS if wide / step <= _MOST_LINES), _STEPS[-1])
        first = math.ceil(self.low / step)
        return [k * step for k in range(first, math.floor(self.high / step) + 1)]


def _axes(across: _Times, up: _Qualities, quality: str) -> Iterator[str]:
    for tick in up.ticks():
        y = up.y(tick)
        yield f'<line class="line" x1="{_LEFT}" x2="{_RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="faint" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:.3f}</text>'
    for tick in across.ticks():
        x = across.x(tick)
        yield f'<line class="line" x1="{x:.1f}" x2="{x:.1f}" y1="{_BOTTOM}" y2="{_BOTTOM + 5}"/>'
        yield f'<text class="faint" x="{x:.1f}" y="{_BOTTOM + 19}" text-anchor="middle">{tick:g}</text>'
    middle = (_LEFT + _RIGHT) / 2
    yield f'<line class="line" x1="{_LEFT}" x2="{_RIGHT}" y1="{_BOTTOM}" y2="{_BOTTOM}"/>'
    yield (
        f'<text class="faint" x="{middle}" y="{_BOTTOM + 40}" text-anchor="middle">milliseconds per verdict, '
        "one thread, logarithmic; area: size on disk</text>"
    )
    height = (_TOP + _BOTTOM) / 2
    yield (
        f'<text class="faint" x="20" y="{height}" text-anchor="middle" '
        f'transform="rotate(-90 20 {height})">{escape(quality)}</text>'
    )


def _marks(across: _Times, marks: Sequence[Mark]) -> Iterator[str]:
    for mark in marks:
        x = across.x(mark.ms)
        yield f'<line class="lead" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_BOTTOM}" stroke-dasharray="6 4"/>'
        yield (
            f'<text class="faint" x="{x + 20:.1f}" y="{_TOP - 6}" text-anchor="end">'
            f"{escape(mark.name)}: {mark.ms:.3g} ms</text>"
        )


def _points(across: _Times, up: _Qualities, points: Sequence[Point]) -> Iterator[str]:
    """Circles, the large ones below, and their labels from top to bottom without overlap."""
    places = {p.name: (across.x(p.ms), up.y(p.quality), max(math.sqrt(_AREA * p.mb), _LEAST_RADIUS)) for p in points}
    for p in sorted(points, key=lambda p: -p.mb):
        x, y, radius = places[p.name]
        yield f'<circle class="{"ours" if p.ours else "other"}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>'
    free = float(_TOP)
    for rest, p in zip(range(len(points), 0, -1), sorted(points, key=lambda p: -p.quality), strict=True):
        x, y, radius = places[p.name]
        beside = max(free, min(y, _BOTTOM - (rest - 1) * _LABEL_GAP))
        free = beside + _LABEL_GAP
        yield f'<path class="lead" d="M{x + radius:.1f} {y:.1f} L{_RIGHT + 10} {beside:.1f} H{_LABELS - 6}"/>'
        yield (
            f'<text x="{_LABELS}" y="{beside:.1f}">{escape(p.name)}</text><text class="faint" x="{_LABELS}" '
            f'y="{beside + 14:.1f}">{p.quality:.3f} in {p.ms:.2f} ms, {p.mb:.1f} MB</text>'
        )
