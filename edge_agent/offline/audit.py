"""The commands `audit` and `labels`: which alarms are a nuisance, and what people called them."""

from __future__ import annotations

import csv
import json
import re
import sys
import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from edge_agent.config import load
from edge_agent.core.nuisance import DAY_S, Assessment, Threshold, assess, threshold
from edge_agent.core.wire import stamp
from edge_agent.errors import UsageError
from edge_agent.store.pasts import pasts
from edge_agent.store.queries import open_readonly

DEFAULT_CONFIG: Final = "/etc/edge-agent/edge-agent.toml"
BEARABLE_PER_DAY: Final = 144.0  # of one operator: one in ten minutes (EEMUA 191)
_PATH = click.Path(path_type=Path)
_SHOWN: Final = 20


@click.command()
@click.option("--database", "-d", type=_PATH, help="SQLite file; default: the one CONFIG names.")
@click.option("--config", "-c", type=_PATH, default=DEFAULT_CONFIG, show_default=True, help="Names the file.")
@click.option("--days", default=30.0, show_default=True, help="Look at so many days back.")
@click.option(
    "--budget", default=None, metavar="N/TIME", help="False alarms that are bearable, such as 1/week or 2/day."
)
@click.option("--recall", default=0.9, show_default=True, help="Share of the real ones that a threshold must keep.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of tables.")
def audit(  # noqa: PLR0913 - one argument an option
    *, database: Path | None, config: Path, days: float, budget: str | None, recall: float, as_json: bool
) -> None:
    """Look the alarms over: which chatter, come and go, stand for days or come in floods; and what would help.

    Nothing is changed: what is proposed is yours to accept. With --budget a threshold is proposed by what people said
    when they acknowledged (`edge-agent ack --label`), with a floor on the real alarms it keeps.

    \b
    Examples:
      edge-agent audit
      edge-agent audit --days 90 --budget 1/week
      edge-agent audit -d /var/lib/edge-agent/edge-agent.db --json
    """  # noqa: D301 - click's backslash-b is a real backspace
    now = time.time()
    with closing(open_readonly(database or load(config).store.path)) as db:
        found = pasts(db, now - days * DAY_S)
    newest = max((alarm.cleared or alarm.raised for alarm in found), default=now)
    until = now if newest > now - days * DAY_S else newest
    assessed = assess(found, until)
    proposed = None if budget is None else threshold(found, days, per_day(budget), recall)
    if as_json:
        more = asdict(proposed) if isinstance(proposed, Threshold) else proposed
        click.echo(json.dumps({**asdict(assessed), "threshold": more}, indent=2))
        return
    click.echo("\n".join(_page(assessed, days)))
    if isinstance(proposed, Threshold):
        click.echo(
            f"\nwith raise_at = {proposed.raise_at:g} in [alarm]: {proposed.false_per_day:.3g} false alarm(s) a day,"
            f" {proposed.recall:.0%} of the real ones kept (by {proposed.real} real and {proposed.false} false)"
        )
    elif proposed is not None:
        click.echo(f"\n{proposed}")


@click.command()
@click.option("--database", "-d", type=_PATH, help="SQLite file; default: the one CONFIG names.")
@click.option("--config", "-c", type=_PATH, default=DEFAULT_CONFIG, show_default=True, help="Names the file.")
@click.option("--all", "every", is_flag=True, help="Also alarms nobody has called anything.")
def labels(*, database: Path | None, config: Path, every: bool) -> None:
    """Print what people called alarms as CSV: asset,time,kind,label,peak_risk,alarm; for fine-tuning and for people.

    \b
    Examples:
      edge-agent labels > labels.csv
      edge-agent labels --all
    """  # noqa: D301
    with closing(open_readonly(database or load(config).store.path)) as db:
        found = pasts(db, 0.0)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["asset", "time", "kind", "label", "peak_risk", "alarm"])
    for one in found:
        if one.label or every:
            peak = "" if one.peak is None else f"{one.peak:.4f}"
            out.writerow([one.asset, stamp(one.raised), one.kind, one.label, peak, one.alarm])


def per_day(budget: str) -> float:
    """The false alarms a day of a budget such as 1/week.

    Raises:
        UsageError: it is none.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)/(day|week|month)", budget.strip())
    if found is None:
        raise UsageError(f"{budget!r} is no budget", hint="write a number per day, week or month: 1/week")
    return float(found[1]) / {"day": 1.0, "week": 7.0, "month": 30.0}[found[2]]


def _page(found: Assessment, days: float) -> list[str]:
    if not found.alarms:
        return [f"no alarm has paged anybody in {days:g} days"]
    load_ = "bearable" if found.per_day <= BEARABLE_PER_DAY else "more than one operator can live with"
    head = f"{found.alarms} alarm(s) in {days:g} days, {found.per_day:.3g} a day: {load_}"
    lines = [
        f"{head}; floods: {found.flood_s / 60:.0f} min",
        "",
        f"{'asset':<20} {'kind':<16} {'raises':>6} {'chattering':>10} {'fleeting':>8} {'stale':>5}  called",
    ]
    for burden in found.burdens[:_SHOWN]:
        called = ", ".join(f"{label} {count}" for label, count in burden.labels)
        stale = "yes" if burden.stale else ""
        lines.append(
            f"{burden.asset:<20} {burden.kind:<16} {burden.raises:>6} {burden.chattering:>10} {burden.fleeting:>8}"
            f" {stale:>5}  {called}".rstrip()
        )
    if len(found.burdens) > _SHOWN:
        lines.append(f"and {len(found.burdens) - _SHOWN} more")
    return [*lines, *(["", *found.proposals[:_SHOWN]] if found.proposals else [])]
