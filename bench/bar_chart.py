"""What was measured → an SVG: a panel a figure, a bar a contender, for light and dark pages. Measures nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from bench.figures import shown
from bench.trend_chart import STYLE

WIDTH, LEFT, RIGHT = 860, 220, 720
TOP, BAR, GAP, PANEL_GAP = 56, 20, 8, 40


@dataclass(frozen=True, slots=True)
class Panel:
    """One figure of all contenders, in their order."""

    title: str
    values: tuple[float, ...]
    unit: str = ""


def bars(title: str, names: Sequence[str], panels: Sequence[Panel]) -> str:
    """The SVG; the first name is ours."""
    height = TOP + len(panels) * (len(names) * (BAR + GAP) + PANEL_GAP)
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    said = "; ".join(f"{p.title}: " + ", ".join(map(_pair, names, p.values)) for p in panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title><desc>{escape(said)}</desc>",
        f"<style>\n{STYLE}\n.bar {{ fill: var(--faint); }}\n.mine {{ fill: var(--ours); }}</style>",
        f'<rect width="{WIDTH}" height="{height}" rx="8" style="fill: var(--ground)"/>',
        f'<text class="title" x="24" y="28">{escape(title)}</text>',
    ]
    top = TOP
    for panel in panels:
        parts += _panel(top, names, panel)
        top += len(names) * (BAR + GAP) + PANEL_GAP
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(top: int, names: Sequence[str], panel: Panel) -> Iterator[str]:
    most = max(panel.values) or 1.0
    yield f'<text x="24" y="{top + 12}">{escape(panel.title)}</text>'
    for place, (name, value) in enumerate(zip(names, panel.values, strict=True)):
        y = top + 20 + place * (BAR + GAP)
        width = value / most * (RIGHT - LEFT)
        told = f"{shown(value)} {panel.unit}".rstrip()
        yield f'<text class="faint" x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>'
        yield (
            f'<rect class="{"bar" if place else "mine"}" x="{LEFT}" y="{y}" width="{max(width, 1.0):.1f}"'
            f' height="{BAR}"/>'
        )
        yield f'<text class="faint" x="{LEFT + width + 8:.1f}" y="{y + 14}">{escape(told)}</text>'


def _pair(name: str, value: float) -> str:
    return f"{name} {shown(value)}"
