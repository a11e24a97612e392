"""Coloured text of a known width: what terminals need and pure functions can give.

A line is a list of spans; `inked` cuts it to a width and colours it. Widths are in terminal cells.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

SGR: Final = {
    "bold": "1", "dim": "2", "good": "32", "low": "36", "medium": "33", "high": "31", "critical": "1;97;41",
    "warning": "1;33",
}  # fmt: skip
_RESET: Final = "\x1b[0m"
_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_ASCII_BLOCKS: Final = "_.:-=+*#"


class Span(NamedTuple):
    """A piece of a line in one style; "" is the terminal's own."""

    text: str
    style: str = ""


Line = list[Span]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the terminal can show."""

    colour: bool = True
    unicode: bool = True

    @property
    def cut(self) -> str:
        """What stands for text that was cut off."""
        return "…" if self.unicode else "~"

    @property
    def dot(self) -> str:
        """What stands between facts."""
        return " · " if self.unicode else " | "


def plain(text: str) -> str:
    """Text without anything a terminal could take for a command."""
    return "".join(c if c.isprintable() else " " for c in text)


def cells(text: str) -> int:
    """How wide a text is."""
    return sum(_cells(c) for c in text)


def fit(text: str, width: int, look: Look) -> str:
    """The text in exactly that many cells: padded, or cut with a mark."""
    text = plain(text)
    if cells(text) > width:
        text = _head(text, width - 1) + look.cut if width > 0 else ""
    return text + " " * (width - cells(text))


def inked(line: Line, width: int, look: Look) -> str:
    """A line as the terminal takes it, at most `width` cells wide; blanks at its end are left out."""
    parts = []
    left = width
    for span in line:
        if left <= 0:
            break
        text = plain(span.text)
        if cells(text) > left:
            text = fit(text, left, look)
        left -= cells(text)
        if not look.unicode:
            text = text.encode("ascii", "replace").decode()
        code = SGR.get(span.style) if look.colour and text.strip() else None
        parts.append(f"\x1b[{code}m{text}{_RESET}" if code else text)
    return "".join(parts).rstrip(" ")


def bar(share: float, width: int, look: Look) -> str:
    """A bar filled to `share` (0..1)."""
    full, empty = ("█", "░") if look.unicode else ("#", ".")
    filled = round(min(max(share, 0.0), 1.0) * width)
    return full * filled + empty * (width - filled)


def course(points: Sequence[float | None], total: int, width: int, look: Look) -> str:
    """A whole course of `total` points (0..1) in `width` columns, each the highest of its share; blank to come."""
    blocks = _BLOCKS if look.unicode else _ASCII_BLOCKS
    width = min(width, total)
    text = ""
    for column in range(width):
        share = [p for p in points[column * total // width : (column + 1) * total // width] if p is not None]
        text += blocks[min(int(max(share) * len(blocks)), len(blocks) - 1)] if share else " "
    return text


def wrapped(text: str, width: int, hang: int = 0) -> list[str]:
    """The text in lines of at most `width` cells, broken between words; all but the first begin with `hang` blanks."""
    lines = textwrap.wrap(plain(text), max(width, 8), subsequent_indent=" " * hang, break_on_hyphens=False)
    return lines or [""]


def _head(text: str, width: int) -> str:
    """The longest beginning of a text that is at most so wide."""
    used = 0
    for i, c in enumerate(text):
        used += _cells(c)
        if used > width:
            return text[:i]
    return text


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
