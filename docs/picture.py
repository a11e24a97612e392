"""Turns a terminal screen with colours (`tmux capture-pane -ep`) into an SVG, for the README.

Usage: tmux capture-pane -ep -t SESSION | python docs/picture.py > docs/alarm.svg
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html import escape
from typing import NamedTuple

_SGR = re.compile(r"\x1b\[([0-9;]*)m")
_NORMAL = ("#3b4252", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d8dee9")
_BRIGHT_ONES = ("#7f848e", "#ff7b86", "#b5e890", "#ffd68a", "#7fc4ff", "#dd99f0", "#7fd5df", "#ffffff")
_COLOURS = dict(zip((*range(30, 38), *range(90, 98)), _NORMAL + _BRIGHT_ONES, strict=True))
_CELL_W, _CELL_H, _MARGIN = 8.4, 18, 14
_FONT = "ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace"
_PLAIN, _GROUND = "#d8dee9", "#1e222a"
_BRIGHT = 60  # from a colour's code to that of its bright one


class Look(NamedTuple):
    """How a run of characters looks."""

    colour: str = _PLAIN
    bold: bool = False
    swapped: bool = False

    def after(self, code: int) -> Look:
        """The look after one SGR code; an unknown one changes nothing."""
        if code in _COLOURS:
            return self._replace(colour=_COLOURS[code + _BRIGHT if self.bold and code < _BRIGHT else code])
        changed = {
            0: Look(),
            1: self._replace(bold=True),
            2: self._replace(colour=_COLOURS[90]),
            7: self._replace(swapped=True),
            39: self._replace(colour=_PLAIN),
        }
        return changed.get(code, self)


def spans(line: str) -> Iterator[tuple[int, str, Look]]:
    """Runs of one look in a line: column, text, look."""
    look, column = Look(), 0
    for number, part in enumerate(_SGR.split(line)):
        if number % 2:
            for code in (part or "0").split(";"):
                look = look.after(int(code or 0))
        elif part:
            yield column, part, look
            column += len(part)


def picture(screen: str) -> str:
    """The SVG of a screen."""
    lines = screen.rstrip().splitlines()
    columns = max((len(_SGR.sub("", line)) for line in lines), default=0)
    width, height = columns * _CELL_W + 2 * _MARGIN, len(lines) * _CELL_H + 2 * _MARGIN
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"'
    parts = [
        f'{head} viewBox="0 0 {width:.0f} {height:.0f}" font-family="{_FONT}" font-size="14">',
        f'<rect width="100%" height="100%" rx="8" fill="{_GROUND}"/>',
    ]
    for row, line in enumerate(lines):
        y = _MARGIN + row * _CELL_H
        for column, text, look in spans(line):
            x, w = _MARGIN + column * _CELL_W, len(text) * _CELL_W
            if look.swapped:
                parts.append(f'<rect x="{x:.1f}" y="{y}" width="{w:.1f}" height="{_CELL_H}" fill="{look.colour}"/>')
            ink = _GROUND if look.swapped else look.colour
            weight = ' font-weight="bold"' if look.bold else ""
            parts.append(
                f'<text x="{x:.1f}" y="{y + 14}" fill="{ink}"{weight} xml:space="preserve" textLength="{w:.1f}" '
                f'lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
            )
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(picture(sys.stdin.read()))
