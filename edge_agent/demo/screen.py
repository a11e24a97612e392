"""Where the page is shown: redrawn in place on a terminal, plain lines anywhere else.

Escape sequences belong here and nowhere else: alternate screen, hidden cursor, and both given back whatever happens.
Source: ECMA-48; xterm control sequences for 1049 (alternate screen) and 25 (cursor).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, Self, TextIO

from edge_agent.demo.ink import Look

_ENTER: Final = "\x1b[?1049h\x1b[?25l\x1b[2J"
_LEAVE: Final = "\x1b[?25h\x1b[?1049l"
_HOME: Final = "\x1b[H"
_REST_OF_LINE: Final = "\x1b[K"
_REST_OF_PAGE: Final = "\x1b[J"
FALLBACK: Final = (80, 24)


def look_of(stream: TextIO, environment: Mapping[str, str]) -> Look:
    """What a stream can show. Source: no-color.org (any value but the empty one forbids colour)."""
    encoding = (getattr(stream, "encoding", None) or "").lower().replace("-", "")
    return Look(colour=live(stream, environment) and not environment.get("NO_COLOR"), unicode=encoding == "utf8")


def live(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether a page can be redrawn in place."""
    return stream.isatty() and environment.get("TERM", "") not in {"", "dumb"}


class Screen:
    """A live terminal, for as long as the `with` lasts."""

    def __init__(self, stream: TextIO = sys.stdout) -> None:
        self._stream = stream

    def __enter__(self) -> Self:
        self._write(_ENTER)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write(_LEAVE)

    def size(self) -> tuple[int, int]:
        """Columns and lines, as they are now."""
        try:
            columns, lines = os.get_terminal_size(self._stream.fileno())
        except OSError:
            return FALLBACK
        return (columns, lines) if columns and lines else FALLBACK

    def draw(self, lines: Sequence[str]) -> None:
        """Show a page: one write, nothing cleared that is drawn again, so nothing flickers."""
        self._write(_HOME + "\r\n".join(line + _REST_OF_LINE for line in lines) + _REST_OF_PAGE)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
