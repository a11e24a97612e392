"""Samples over time → an SVG: a panel a value, events as lines, readable on light and dark pages. Measures nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from bench.trend import HOUR_S, Sample, Trend

WIDTH, LEFT, RIGHT = 860, 110, 640
TOP, PANEL, GAP = 56, 92, 34
LABELS = 660
STYLE = """\
svg { --ground: #ffffff; --ink: #24292f; --faint: #6e7781; --line: #d8dee4; --ours: #0969da; --event: #bc4c00; }
@media (prefers-color-scheme: dark) {
  svg { --ground: #161b22; --ink: #e6edf3; --faint: #8d96a0; --line: #30363d; --ours: #58a6ff; --event: #f0883e; }
}
text { fill: var(--ink); font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
.faint { fill: var(--faint); font-size: 12px; }
.title { font-size: 15px; font-weight: 600; }
.line { stroke: var(--line); stroke-width: 1; }
.ours { stroke: var(--ours); stroke-width: 1.5; fill: none; }
.warm { fill: var(--line); fill-opacity: 0.35; }
.event { stroke: var(--event); stroke-width: 1; stroke-dasharray: 2 3; }"""


@dataclass(frozen=True, slots=True)
class Events:
    """What happened on the way."""

    word: str  # what they are
    times_s: tuple[float, ...]  # since the start


def chart(title: str, samples: Sequence[Sample], trends: Sequence[Trend], warm_s: float, events: Events) -> str:
    """The SVG; what lies before `warm_s` is shown grey."""
    end = samples[-1].time_s or 1.0
    height = TOP + len(trends) * (PANEL + GAP) + 20
    bottom = height - GAP - 12
    said = "; ".join(f"{t.limit.name}: {t.per_hour:+.2f} {t.limit.unit} an hour" for t in trends)
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    warm = f'width="{_x(min(warm_s, end), end) - LEFT:.1f}" height="{bottom - TOP:.1f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title><desc>{escape(said)}</desc>",
        f"<style>\n{STYLE}\n</style>",
        f'<rect width="{WIDTH}" height="{height}" rx="8" style="fill: var(--ground)"/>',
        f'<text class="title" x="{LEFT}" y="28">{escape(title)}</text>',
        f'<rect class="warm" x="{LEFT}" y="{TOP}" {warm}/>',
    ]
    places = [f"{_x(at, end):.1f}" for at in events.times_s]
    parts += [f'<line class="event" x1="{x}" x2="{x}" y1="{TOP}" y2="{bottom}"/>' for x in places]
    for place, trend in enumerate(trends):
        parts += _panel(TOP + place * (PANEL + GAP), trend, [(s.time_s, s.values[place]) for s in samples], end)
    legend = f"{_long(end)}; grey: warm-up, dashed: {escape(events.word)}"
    parts.append(f'<text class="faint" x="{LEFT}" y="{height - 14}">0</text>')
    parts.append(f'<text class="faint" x="{RIGHT}" y="{height - 14}" text-anchor="end">{legend}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(top: float, trend: Trend, points: Sequence[tuple[float, float]], end: float) -> Iterator[str]:
    """One value over time, on an axis from below its least to above its largest."""
    least, most = min(value for _, value in points), max(value for _, value in points)
    room = max((most - least) * 0.15, abs(most) * 0.02, 0.5)
    low, high = least - room, most + room

    def y(value: float) -> float:
        return top + PANEL - (value - low) / (high - low) * PANEL

    for value in (least, most):
        yield f'<line class="line" x1="{LEFT}" x2="{RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        yield f'<text class="faint" x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.1f}</text>'
    places = [(f"{_x(time, end):.1f}", f"{y(value):.1f}") for time, value in points]
    flat = [a[1] == b[1] == c[1] for a, b, c in zip(places, places[1:], places[2:], strict=False)]
    kept = [places[0], *(place for place, is_flat in zip(places[1:-1], flat, strict=True) if not is_flat), places[-1]]
    way = " ".join(f"{across},{down}" for across, down in kept)
    yield f'<polyline class="ours" points="{way}"/>'
    name = ", ".join(word for word in (trend.limit.name, trend.limit.unit) if word)
    yield f'<text x="{LABELS}" y="{top + PANEL / 2 - 6:.1f}">{escape(name)}</text>'
    verdict = "" if trend.within else ": passed"
    yield (
        f'<text class="faint" x="{LABELS}" y="{top + PANEL / 2 + 12:.1f}">{trend.per_hour:+.2f} an hour, '
        f"≤ {trend.allowed:.2f}{verdict}</text>"
    )


def _x(time_s: float, end: float) -> float:
    return LEFT + time_s / end * (RIGHT - LEFT)


def _long(seconds: float) -> str:
    return f"{seconds / HOUR_S:.1f} h" if seconds >= HOUR_S else f"{seconds / 60.0:.1f} min"
