"""The commands `replay` and `backtest`: options in, text out. What they do is in the modules beside this one."""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Final

import click

from edge_agent.bundle.decisions import judge_by
from edge_agent.bundle.load import default_bundle, load_bundle
from edge_agent.core.types import AlarmPolicy, Verdict
from edge_agent.errors import DataError, LinkError, UsageError
from edge_agent.mqtt.feed import Feed, Login, parse_broker
from edge_agent.offline.backtest import UNKNOWN_CLASS, Watch
from edge_agent.offline.replay import Addressing, Pace, Replay, Stamp, rows_of, stamp_for
from edge_agent.offline.report import document, drawing, report
from edge_agent.offline.study import Case, StudySettings, prepare, study
from edge_agent.tables.options import FILE, FileCommand, file_options, step_option
from edge_agent.tables.progress import progress as progress_bar
from edge_agent.tables.series import FileSettings, load
from edge_agent.tables.truth import HORIZON, TruthSource

_POLICY: Final = AlarmPolicy()
_PLOT_WIDTH: Final = 110
_GOODBYE_S: Final = 2.0  # after Ctrl-C, for acknowledgements under way
_PASSWORD: Final = "EDGE_AGENT_PASSWORD"  # noqa: S105 - the name of a variable


# ------------------------------------------------------------------------------------------------ backtest


@click.command(cls=FileCommand)
@click.argument("files", nargs=-1, required=True, type=FILE, metavar="FILE...")
@file_options
@step_option
@click.option("--label", default="", metavar="COLUMN", help="0/1 per row: anomaly, or failure imminent.")
@click.option("--positive", multiple=True, metavar="VALUE", help="Label value that means failing; repeatable.")
@click.option("--failure-time", default="", metavar="COLUMN", help="Holds the time of the failure.")
@click.option("--failures", type=FILE, help="CSV with asset,time[,mode]: when machines failed.")
@click.option("--run-to-failure", is_flag=True, help="The last row of each asset is its failure.")
@click.option("--rul", "ruls", type=FILE, multiple=True, help="Steps left after the last row, one line an asset.")
@click.option(
    "--failure-within", "horizon", type=click.IntRange(min=1), default=HORIZON, show_default=True, metavar="STEPS",
    help="A row is failing when the failure lies no farther ahead.",
)  # fmt: skip
@click.option(
    "--baseline", type=click.IntRange(min=2), metavar="STEPS", help="Healthy steps at the start of each asset."
)
@click.option("--class", "asset_class", default="", metavar="NAME", help="Asset class of the bundle. Default: unknown.")
@click.option("--logs", type=FILE, help="CSV with asset,time,text: the maintenance log.")
@click.option("--bundle", "bundle_path", type=click.Path(path_type=Path), help="Default: the packaged one.")
@click.option("--threshold", type=click.FloatRange(0.0, 1.0), metavar="P", help="Instead of the bundle's.")
@click.option("--best-threshold", is_flag=True, help="Also state the threshold that is best on these very labels.")
@click.option(
    "--on-windows", type=click.IntRange(min=1), default=_POLICY.on_windows, show_default=True, help="To raise."
)
@click.option(
    "--off-windows", type=click.IntRange(min=1), default=_POLICY.off_windows, show_default=True, help="To clear."
)
@click.option("--every", type=click.IntRange(min=1), default=1, show_default=True, help="Judge each Nth step only.")
@click.option("--last", "last_only", is_flag=True, help="Score only the last window of each asset.")
@click.option(
    "--verdicts", type=click.Path(dir_okay=False, path_type=Path), help="Write every verdict to this CSV file."
)
@click.option("--plot", "plotted", is_flag=True, help="Draw the risk of each asset over time.")
@click.option("--json", "in_json", is_flag=True, help="JSON instead of tables.")
@click.option("--progress/--no-progress", default=None, help="Progress bar on stderr. Default: on a terminal.")
def backtest(  # noqa: PLR0913 - one argument an option
    *, files: tuple[Path, ...], how: FileSettings, positive: tuple[str, ...], failures: Path | None,
    run_to_failure: bool, ruls: tuple[Path, ...], horizon: int, baseline: int | None, asset_class: str,
    logs: Path | None, bundle_path: Path | None, threshold: float | None, best_threshold: bool, on_windows: int,
    off_windows: int, every: int, last_only: bool, verdicts: Path | None, plotted: bool, in_json: bool,
    progress: bool | None,
) -> None:  # fmt: skip
    """Run the agent's decisions over CSV files, offline.

    The same windows, text, model and alarms as in the field, on any file of sensor values; .gz is read as it is. With
    labels or failures it tells how good they were. The threshold is the bundle's: it is never fitted to your labels.

    \b
    Examples:
      edge-agent backtest pump.csv
      edge-agent backtest skab/*.csv --label anomaly --ignore changepoint --baseline 400
      edge-agent backtest bearings.csv --run-to-failure --plot
      edge-agent backtest plant.csv --time ts --asset machine --failures failures.csv --logs log.csv
      edge-agent backtest train_FD001.txt.gz --preset cmapss --run-to-failure
      edge-agent backtest test_FD001.txt.gz --preset cmapss --rul RUL_FD001.txt.gz
    """
    source = TruthSource(
        label=how.layout.label, positive=positive, failure_time=how.layout.failure_time, failures=failures,
        run_to_failure=run_to_failure, horizon=horizon,
    )  # fmt: skip
    given = (source.label, source.failure_time, failures, run_to_failure, ruls)
    if sum(map(bool, given)) > 1:
        raise UsageError(
            "more than one of --label, --failure-time, --failures, --run-to-failure and --rul", hint="give one of them"
        )
    preset = how.preset
    settings = StudySettings(
        how=how, source=source, ruls=ruls,
        asset_class=asset_class or (preset.asset_class if preset else UNKNOWN_CLASS),
        baseline_steps=baseline or (preset.baseline_steps if preset else None), every=every,
        policy=AlarmPolicy(raise_at=threshold, on_windows=on_windows, off_windows=off_windows),
        logs=logs, best=best_threshold, last_only=last_only,
    )  # fmt: skip
    bundle = load_bundle(bundle_path or default_bundle())
    cases = prepare(files, settings, bundle.references)
    judge = judge_by(bundle.risk.info, bundle.risk.score)
    started = time.monotonic()
    with ExitStack() as stack:
        step = stack.enter_context(progress_bar(sum(case.dataset.rows for case in cases), "judging", shown=progress))
        note = stack.enter_context(_verdict_file(verdicts))
        done = study(cases, settings, judge, bundle.references, lambda case: Watch(step, note(case)))
    took_s = time.monotonic() - started
    if in_json:
        click.echo(json.dumps(document(done, settings, bundle.manifest), indent=2))
        return
    for line in report(done, settings, bundle.manifest):
        click.echo(line)
    if plotted:
        width = min(shutil.get_terminal_size().columns, _PLOT_WIDTH)
        for line in drawing(done, width, plain=not (sys.stdout.encoding or "").lower().startswith("utf")):
            click.echo(line)
    count = sum(len(course.risk) for result in done.files for course in result.courses)
    click.echo(f"\n{count} verdicts in {took_s:.1f} s")
    if verdicts is not None:
        click.echo(f"every verdict is in {verdicts}")


@contextmanager
def _verdict_file(path: Path | None) -> Iterator[Callable[[Case], Callable[[Verdict, float], None]]]:
    """What takes the verdicts of a file; they are written where a path is given."""
    if path is None:
        yield lambda _case: lambda _verdict, _label: None
        return
    try:
        stream = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error}", hint="--verdicts takes a file to write") from error
    with stream:
        writer = csv.writer(stream)
        writer.writerow(("file", "asset", "time", "risk", "mode", "status", "label", "text"))

        def taker(case: Case) -> Callable[[Verdict, float], None]:
            def take(verdict: Verdict, label: float) -> None:
                known = "" if math.isnan(label) else int(label)
                row = (
                    case.name,
                    verdict.asset,
                    f"{verdict.time:.10g}",
                    f"{verdict.risk:.4f}",
                    verdict.mode,
                    verdict.status,
                )
                writer.writerow((*row, known, verdict.text))

            return take

        yield taker


# ------------------------------------------------------------------------------------------------ replay


def _speed(_context: click.Context, _parameter: click.Parameter, value: str) -> float:
    if value == "max":
        return 0.0
    try:
        speed = float(value)
    except ValueError:
        speed = -1.0
    if not 0.0 < speed < float("inf"):
        raise UsageError(
            f"--speed {value!r} is no speed", hint="--speed 10 is ten times as fast as it was; --speed max"
        )
    return speed


@click.command(cls=FileCommand)
@click.argument("file", type=FILE)
@click.option("--broker", required=True, metavar="HOST:PORT", help="mqtts://host:port for TLS.")
@click.option("--topic", required=True, help="Such as 'plant/site/{asset}/{channel}'.")
@file_options
@click.option("--json-rows", is_flag=True, help="One JSON object per row instead of one number per channel.")
@click.option("--stamp", type=click.Choice(list(Stamp)), help="Time in JSON rows. Default: file, where it has dates.")
@click.option("--speed", default="1", callback=_speed, metavar="FACTOR|max", help="Times event time. Default: 1.")
@click.option("--rate", type=click.FloatRange(min=0.0, min_open=True), metavar="ROWS/S", help="Instead of --speed.")
@click.option(
    "--start", type=click.IntRange(min=1), default=1, show_default=True, metavar="ROW", help="Go on from a row."
)
@click.option("--rows", "most", type=click.IntRange(min=1), metavar="N", help="Send so many rows only.")
@click.option("--user", default="", help="User at the broker.")
@click.option("--password-file", type=FILE, help=f"Holds the password. Default: the variable {_PASSWORD}.")
@click.option("--ca", type=FILE, help="Certificate of the authority that signed the broker's.")
@click.option("--client-id", default="", help="Default: the broker makes one.")
@click.option("--mqtt", "version", type=click.Choice(["5", "3.1.1"]), default="5", show_default=True, help="Version.")
@click.option("--progress/--no-progress", default=None, help="Progress bar on stderr. Default: on a terminal.")
def replay(  # noqa: PLR0913 - one argument an option
    *, file: Path, how: FileSettings, broker: str, topic: str, json_rows: bool, stamp: str | None, speed: float,
    rate: float | None, start: int, most: int | None, user: str, password_file: Path | None, ca: Path | None,
    client_id: str, version: str, progress: bool | None,
) -> None:  # fmt: skip
    """Send a CSV file to a broker at a chosen speed.

    Each value is one message (QoS 1), or each row one JSON object; missing values are not sent. Ends when the broker
    has acknowledged everything. After Ctrl-C it names the row to go on from.

    \b
    Examples:
      edge-agent replay pump.csv --broker localhost:1883 --topic 'plant/site/{asset}/{channel}' --speed 60
      edge-agent replay pump.csv --broker localhost:1883 --topic 'plant/site/{asset}' --json-rows --rate 50
      edge-agent replay train_FD001.txt.gz --preset cmapss --broker localhost --topic 'jets/{asset}' --json-rows
    """
    host, port, tls = parse_broker(broker)
    dataset = load(file, how)
    stamped = stamp_for(dataset, Stamp(stamp) if stamp else None)
    addressing = Addressing(topic, json_rows=json_rows, stamp=stamped, assets=len(dataset.series))
    if start > dataset.rows:
        raise UsageError(f"--start {start}: {file} has {dataset.rows} rows", hint="name a row of the file")
    last = dataset.rows if most is None else min(dataset.rows, start - 1 + most)
    password = password_file.read_text(encoding="utf-8").strip() if password_file else os.environ.get(_PASSWORD, "")
    login = Login(
        user=user,
        password=password,
        tls=tls or ca is not None,
        ca=ca,
        client_id=client_id,
        version=5 if version == "5" else 4,
    )
    sender = Replay(addressing, Pace(speed=speed, rate=rate or 0.0))
    with Feed(host, port, login) as feed:
        try:
            with progress_bar(last - start + 1, "sending", shown=progress) as step:
                sender.send(islice(rows_of(dataset), start - 1, last), feed, step)
            complete = feed.drain()
        except KeyboardInterrupt:
            feed.drain(_GOODBYE_S)
            click.echo(f"\nstopped; go on with --start {sender.resume(feed)}", err=True)
            raise click.Abort from None
        except LinkError as error:
            raise LinkError(str(error), hint=f"{error.hint}; go on with --start {sender.resume(feed)}") from error
        if not complete:
            raise LinkError(
                f"broker {host}:{port} has not acknowledged everything",
                hint=f"check the broker, then go on with --start {sender.resume(feed)}",
            )
    click.echo(f"{sender.rows} rows, {sender.messages} messages sent and acknowledged")
