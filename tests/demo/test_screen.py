"""What a stream can show, and that a terminal is given back as it was."""

from __future__ import annotations

import io
from typing import Self

import pytest

from edge_agent.demo.ink import Look
from edge_agent.demo.screen import FALLBACK, Screen, live, look_of

XTERM = {"TERM": "xterm"}


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    @classmethod
    def new(cls, encoding: str = "utf-8") -> Self:
        return cls(io.BytesIO(), encoding=encoding)

    def isatty(self) -> bool:
        return True

    @property
    def text(self) -> str:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode()


def test_only_a_capable_terminal_is_drawn_on() -> None:
    assert live(Terminal.new(), XTERM)
    assert not live(Terminal.new(), {"TERM": "dumb"})
    assert not live(Terminal.new(), {})
    assert not live(io.StringIO(), XTERM)


def test_colour_and_glyphs_follow_the_terminal_and_the_wish() -> None:
    assert look_of(Terminal.new(), XTERM) == Look(colour=True, unicode=True)
    assert look_of(Terminal.new(), {**XTERM, "NO_COLOR": "1"}) == Look(colour=False, unicode=True)
    assert look_of(Terminal.new(), {**XTERM, "NO_COLOR": ""}) == Look(colour=True, unicode=True)
    assert look_of(Terminal.new("latin-1"), XTERM) == Look(colour=True, unicode=False)
    assert look_of(io.StringIO(), XTERM) == Look(colour=False, unicode=False)


def test_the_terminal_is_given_back_even_after_an_error() -> None:
    terminal = Terminal.new()
    with pytest.raises(ZeroDivisionError), Screen(terminal):
        raise ZeroDivisionError
    text = terminal.text
    assert text.startswith("\x1b[?1049h\x1b[?25l")
    assert text.endswith("\x1b[?25h\x1b[?1049l")


def test_a_page_is_drawn_over_the_last_one_without_clearing_it() -> None:
    terminal = Terminal.new()
    with Screen(terminal) as screen:
        before = len(terminal.text)
        screen.draw(["one", "two"])
        drawn = terminal.text[before:]
        assert screen.size() == FALLBACK  # it has no size of its own
    assert drawn == "\x1b[Hone\x1b[K\r\ntwo\x1b[K\x1b[J"
