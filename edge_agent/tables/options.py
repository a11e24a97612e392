"""The command-line options that `backtest` and `replay` share: how a file is written and which column is what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypedDict, cast

import click

from edge_agent.errors import UsageError
from edge_agent.tables.csvfile import AUTO, Format
from edge_agent.tables.layout import Layout
from edge_agent.tables.presets import PRESETS
from edge_agent.tables.series import FileSettings

FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)

Decorator = Callable[[Callable[..., None]], Callable[..., None]]


class _Given(TypedDict, total=False):
    """What click has read of the shared options; the last three belong to `backtest` alone."""

    time: tuple[str, ...]
    by_row: bool
    time_format: str
    asset: str
    channels: tuple[str, ...]
    conditions: tuple[str, ...]
    ignore: tuple[str, ...]
    preset: str | None
    separator: str
    decimal: str
    encoding: str
    no_header: bool
    columns: tuple[str, ...]
    step_s: float | None
    label: str
    failure_time: str


class FileCommand(click.Command):
    """A command that gets the shared options as one value, `how`."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click declares it
        """Gather the options, then call the command."""
        given = {name: ctx.params.pop(name) for name in _Given.__annotations__ if name in ctx.params}
        ctx.params["how"] = file_settings(cast("_Given", given))
        return super().invoke(ctx)


def file_settings(given: _Given) -> FileSettings:
    """The options as settings; a preset fills what was not said."""
    preset = PRESETS.get(given["preset"] or "")
    columns, separator, asset = given["columns"], given["separator"], given["asset"]
    time, conditions = given["time"], given["conditions"]
    if preset is not None:
        columns, separator, asset = columns or preset.columns, separator or preset.separator, asset or preset.asset
        time, conditions = time or (preset.time,), conditions or preset.conditions
    layout = Layout(
        time=() if given["by_row"] else time, by_row=given["by_row"], time_format=given["time_format"], asset=asset,
        channels=given["channels"], conditions=conditions, ignore=given["ignore"], label=given.get("label", ""),
        failure_time=given.get("failure_time", ""),
    )  # fmt: skip
    header = not (given["no_header"] or columns)
    form = Format(separator=separator or AUTO, header=header, columns=columns, encoding=given["encoding"])
    return FileSettings(
        form=form, layout=layout, decimal=given["decimal"], step_s=given.get("step_s"), preset=preset
    )  # fmt: skip


def _split(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",")) if value else ()


def _step(_context: click.Context, _parameter: click.Parameter, value: str) -> float | None:
    if value == AUTO:
        return None
    try:
        step_s = float(value)
    except ValueError:
        step_s = 0.0
    if not 0.0 < step_s < float("inf"):
        raise UsageError(
            f"--step {value!r} is no number of seconds", hint="--step 60, or --step auto: one row one step"
        )
    return step_s


def _columns(name: str, dest: str, text: str) -> Decorator:
    return click.option(name, dest, multiple=True, metavar="COLUMN", help=text)


_SHARED: Final[Sequence[Decorator]] = (
    _columns("--time", "time", "Time: numbers or ISO dates; twice for date and time of day. Default: guessed by name."),
    click.option("--by-row", is_flag=True, help="Take the row number as time."),
    click.option("--time-format", default="", metavar="STRPTIME", help="How dates are written: '%d.%m.%Y %H:%M:%S'."),
    click.option("--asset", default="", metavar="COLUMN", help="Names the machine. Default: one machine per file."),
    _columns("--channel", "channels", "A measured value; repeatable. Default: every other column of numbers."),
    _columns("--condition", "conditions", "An operating condition such as load or set point; repeatable."),
    _columns("--ignore", "ignore", "A column to leave out; repeatable."),
    click.option("--preset", type=click.Choice(sorted(PRESETS)), help="A known kind of file: cmapss (NASA turbofan)."),
    click.option("--separator", default="", metavar="CHAR", help="A character, tab, whitespace or auto (default)."),
    click.option("--decimal", default=AUTO, metavar="SIGN", help="Decimal sign: . or , or auto (default)."),
    click.option("--encoding", default="utf-8", show_default=True, help="Of the text; a byte-order mark goes before."),
    click.option("--no-header", is_flag=True, help="The first line is data; columns are c1, c2, ..."),
    click.option("--columns", default="", callback=_split, metavar="A,B,C", help="Names for a file without a header."),
)
step_option: Final[Decorator] = click.option(
    "--step", "step_s", default=AUTO, callback=_step, metavar="SECONDS|auto",
    help="Length of a step; auto (default): the typical distance of two rows, so that one row is one step.",
)  # fmt: skip


def file_options(command: Callable[..., None]) -> Callable[..., None]:
    """A command with the shared options."""
    for option in reversed(_SHARED):
        command = option(command)
    return command
