"""Board → lines: the page of the live terminal, and the single lines where there is none. Pure.

Whatever the size of the terminal, `page` gives at most `height` lines of at most `width` cells: columns go in order of
what can be missed, then old alarms, then machines.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from edge_agent.core.modes import NONE
from edge_agent.core.types import Status, Transition
from edge_agent.core.wire import AlarmData
from edge_agent.demo.board import Board, Row, seconds
from edge_agent.demo.ink import Line, Look, Span, bar, cells, course, fit, inked, wrapped

GAP: Final = "  "
BAR: Final = 10
VALUE: Final = 4
LOW_PAGE: Final = 16  # a page this low has no blank lines
NARROW: Final = 72  # below, a summary begins on a line of its own
TRANSITION_WIDTH: Final = max(len(t) for t in Transition)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What the player knows of now; none of it comes from the agent."""

    title: str
    broker: str
    phase: str
    start: float  # event time of the first step
    step_s: float
    clock: str  # strftime format of event times
    word: str  # what a step is called
    index: int  # steps played
    steps: int
    rate: float  # readings sent a second
    logs: bool  # somebody writes a maintenance log

    @property
    def time(self) -> float:
        """Event time of now."""
        return self.start + self.index * self.step_s


@dataclass(frozen=True, slots=True)
class _Columns:
    """Cells of each column; 0: left out."""

    name: int
    kind: int
    bar: int
    trail: int
    mode: int
    log: int


def page(board: Board, moment: Moment, width: int, height: int, look: Look) -> list[str]:
    """The whole page."""
    blank: list[Line] = [] if height <= LOW_PAGE else [[]]
    head = _head(board, moment, width, look) + blank
    rows = _rows(board, moment, width, look)
    room = height - len(head)
    if len(rows) > room:
        rows = [*rows[: max(room - 1, 0)], [Span(f"and {len(rows) - max(room - 1, 0)} more machines", "dim")]]
    lines = head + rows
    left = height - len(lines) - len(blank)
    if left > 1:
        lines += blank + _alarms(board, moment, width, left, look)
    return [inked(line, width, look) for line in lines[: max(height, 0)]]


def event_text(data: AlarmData, board: Board, clock: str, look: Look) -> str:
    """An alarm event in one line, however long."""
    row = board.rows.get(data.asset)
    name = data.asset if row is None else row.name
    risk = "" if data.risk is None else f" risk {data.risk:.2f}"
    line = [
        Span(f"{_at(seconds(data.time), clock)}  ALARM {name} "), Span(data.severity.upper(), _style(data)),
        Span(f" {data.transition}{risk}: {data.summary}"),
    ]  # fmt: skip
    return inked(line, sum(cells(span.text) for span in line), look)


def step_text(board: Board, moment: Moment) -> str:
    """Where the show stands, in one line."""
    risks = (f"{row.name} {'-' if row.risk is None else f'{row.risk.risk:.2f}'}" for row in board.rows.values())
    learning = any(row.risk is not None and row.risk.status == Status.PROVISIONAL for row in board.rows.values())
    note = " (learning)" if learning else ""
    at = _at(moment.time, moment.clock)
    return f"{at}  {moment.word} {moment.index}/{moment.steps}  risk{note}: {', '.join(risks)}"


# ---------------------------------------------------------------------------------------------------- head


def _head(board: Board, moment: Moment, width: int, look: Look) -> list[Line]:
    title = f"edge-agent demo: {moment.title}"
    space = width - cells(title) - cells(moment.broker)
    where = [Span(" " * space), Span(moment.broker, "dim")] if space > len(GAP) else []
    health = board.health
    facts = [
        f"event time {_at(moment.time, moment.clock)}",
        f"{moment.word} {moment.index}/{moment.steps}",
        f"agent {board.state}",
        f"{moment.rate:.0f} readings/s sent",
    ]
    if health is not None:
        facts += [f"{health.readings} written", f"{health.verdicts} verdicts", f"{health.rss_bytes / 1e6:.0f} MB"]
        if health.faults:
            facts.append(f"{sum(health.faults.values())} refused")
    mark = "▶ " if look.unicode else "> "
    return [
        [Span(title, "bold"), *where],
        [Span(look.dot.join(facts), "" if board.state == "online" else "warning")],
        [Span(mark + moment.phase, "bold")],
    ]


# ---------------------------------------------------------------------------------------------------- machines


def _rows(board: Board, moment: Moment, width: int, look: Look) -> list[Line]:
    rows = list(board.rows.values())
    names, kinds = max(cells(row.name) for row in rows), max(cells(row.asset_class) for row in rows)
    columns = _columns(width, names, kinds, 18 if moment.logs else width)
    head = [
        Span("  " + fit("", columns.name, look)), _cell("class", columns.kind, look),
        _cell("risk", columns.bar, look), _cell("" if columns.bar else "risk", VALUE, look),
        _cell("risk so far", columns.trail, look), _cell("failure mode", columns.mode, look),
        _cell("newest log line", columns.log, look),
    ]  # fmt: skip
    return [[Span(span.text, "dim") for span in head], *(_row(row, columns, moment, look) for row in rows)]


def _row(row: Row, columns: _Columns, moment: Moment, look: Look) -> Line:
    alarm, risk = row.alarm, row.risk
    mark = "  " if alarm is None else ("● " if look.unicode else "! ")
    if alarm is not None:
        style = _style(alarm)
    else:
        style = "good" if risk is not None and risk.status == Status.DECIDED else "dim"
    value = 0.0 if risk is None else risk.risk
    tint = "high" if style == "critical" else style  # a white column on red is hard to read
    return [
        Span(mark, tint), Span(fit(row.name, columns.name, look), "bold" if alarm is not None else ""),
        _cell(row.asset_class, columns.kind, look),
        _cell(bar(value, columns.bar, look), columns.bar, look, tint),
        _cell("  -" if risk is None else f"{value:.2f}", VALUE, look, tint),
        _cell(course(_risks(row, moment), moment.steps, columns.trail, look), columns.trail, look, tint),
        _cell(_mode(row), columns.mode, look, "dim" if alarm is None else ""),
        _cell(f'"{row.log}"' if row.log else "", columns.log, look, "dim"),
    ]  # fmt: skip


def _columns(width: int, name: int, kind: int, log: int) -> _Columns:
    """What fits, the most telling columns first; what is left over is shared out."""
    name = min(name, 14)
    left = width - 2 - name - len(GAP) - VALUE
    given: dict[str, int] = {}
    for column, least in (("mode", 13), ("bar", BAR), ("trail", 12), ("kind", kind), ("log", log)):
        if left >= least + len(GAP):
            given[column] = least
            left -= least + len(GAP)
    if "mode" in given:
        given["mode"] += min(left, 9)
        left -= min(left, 9)
    if "trail" in given:
        more = min(left // 2 if "log" in given else left, 48)
        given["trail"] += more
        left -= more
    if "log" in given:
        given["log"] += left
    return _Columns(
        name=name, kind=given.get("kind", 0), bar=given.get("bar", 0), trail=given.get("trail", 0),
        mode=given.get("mode", 0), log=given.get("log", 0),
    )  # fmt: skip


def _cell(text: str, width: int, look: Look, style: str = "") -> Span:
    return Span(GAP + fit(text, width, look), style) if width else Span("")


def _risks(row: Row, moment: Moment) -> list[float | None]:
    """The risk at each step played so far: what was told last holds until the next; None before the first."""
    told = iter([*row.trail, (math.inf, 0.0)])
    risk: float | None = None
    time, following = next(told)
    risks = []
    for number in range(moment.index):
        while time <= moment.start + (number + 1) * moment.step_s:  # a verdict bears the end of its step
            risk = following
            time, following = next(told)
        risks.append(risk)
    return risks


def _mode(row: Row) -> str:
    """The failure mode in words, or why there is none."""
    risk = row.risk
    if risk is None:
        return "no verdict yet"
    if risk.status == Status.PROVISIONAL:
        return "learning"
    if risk.status == Status.STANDING:
        return "not running"
    if risk.status == Status.MISCONFIGURED:
        return "in another unit"
    name = "-" if risk.mode == NONE else risk.mode_name
    return f"{name} (uncertain)" if risk.status == Status.UNCERTAIN else name


# ---------------------------------------------------------------------------------------------------- alarms


def _alarms(board: Board, moment: Moment, width: int, height: int, look: Look) -> list[Line]:
    """The alarm events, newest first and each in full, as far as the height goes."""
    if not board.events:
        return [[Span("Alarms: none so far", "dim")]]
    standing = sum(len(row.standing) for row in board.rows.values())
    lines: list[Line] = [[Span(f"Alarms, newest first ({standing} standing)", "bold")]]
    for count, data in enumerate(reversed(board.events)):
        block = _alarm(data, board, moment, width, look)
        if len(lines) + len(block) > height - (count + 1 < len(board.events)):
            room = height - len(lines) - 1
            if count == 0:  # the newest is shown as far as it goes
                lines += block[: room + 1]
            elif room >= 0:
                lines.append([Span(f"{len(board.events) - count} earlier events", "dim")])
            break
        lines += block
    return lines


def _alarm(data: AlarmData, board: Board, moment: Moment, width: int, look: Look) -> list[Line]:
    row = board.rows.get(data.asset)
    name = data.asset if row is None else row.name
    names = max(cells(r.name) for r in board.rows.values())
    head: Line = [
        Span(f"{_at(seconds(data.time), moment.clock)}{GAP}{fit(name, names, look)}{GAP}"),
        Span(f"{data.severity.upper():<8}", _style(data)),
        Span(f"{GAP}{data.transition:<{TRANSITION_WIDTH}}", "good" if not data.active else "bold"),
    ]
    style = "" if data.active else "dim"
    if data.risk is not None:
        head.append(Span(f"{GAP}{data.risk:4.2f}"))
    if width < NARROW:
        return [head, *([Span(f"{GAP}{part}", style)] for part in wrapped(data.summary, width - len(GAP)))]
    indent = sum(cells(span.text) for span in head) + len(GAP)
    first, *more = wrapped(data.summary, width - indent)
    return [[*head, Span(GAP + first, style)], *([Span(" " * indent + part, style)] for part in more)]


def _style(data: AlarmData) -> str:
    return "good" if not data.active else data.severity


def _at(time: float, clock: str) -> str:
    return datetime.fromtimestamp(time).astimezone().strftime(clock)
