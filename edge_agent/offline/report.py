"""A whole study → what `backtest` prints, or its JSON document: order and headings; the parts are in `show.py`."""

from __future__ import annotations

from collections.abc import Iterator

from edge_agent.bundle.manifest import Manifest
from edge_agent.offline.show import Json, account, as_json, left_out, legend, plot, rules, table
from edge_agent.offline.study import Study, StudySettings


def report(done: Study, settings: StudySettings, manifest: Manifest) -> Iterator[str]:
    """The figures of a study for people, line by line."""
    policy, pooled = settings.policy, done.pooled
    whose = "the bundle's own; not fitted to these files" if policy.raise_at is None else "given with --threshold"
    yield f"bundle {manifest.name} {manifest.version}: {manifest.horizon}; threshold {done.threshold:.3f} ({whose})"
    judged = "the last window of each asset" if settings.last_only else f"every {settings.every} step(s)"
    yield f"class {settings.asset_class}; baseline {done.baseline_steps} steps; judged {judged}"
    yield ""
    yield from table([result.figures for result in done.files], pooled)
    yield ""
    if pooled.false_alarms is None:
        yield "no outcome is known, so nothing is scored: --label, --failures, --run-to-failure ... say what happened"
    else:
        names = {
            "window": f"risk ≥ {{threshold}} ({whose})",
            "alarm": f"an alarm stands (raised after {policy.on_windows} windows, cleared after {policy.off_windows})",
            "best": "risk ≥ {threshold}: best F1 on THESE labels, flattering",
            "always": "always",
        }
        yield from rules(pooled, names)
        yield ""
        yield from account(pooled, failing=settings.source.failing or bool(settings.ruls))
    yield from left_out(pooled)
    for files, note in done.notes():
        yield f"note{f' ({files})' if files else ''}: {note}"


def drawing(done: Study, width: int, *, plain: bool) -> Iterator[str]:
    """The risk of all assets over time; `plain` without block characters."""
    yield legend(plain=plain)
    for result in done.files:
        if len(done.files) > 1:
            yield f"{result.case.name}:"
        yield from plot(result.courses, width, plain=plain)


def document(done: Study, settings: StudySettings, manifest: Manifest) -> dict[str, Json]:
    """The figures of a study as a JSON object."""
    policy = settings.policy
    return {
        "version": 1,
        "bundle": {"name": manifest.name, "version": manifest.version, "horizon": manifest.horizon},
        "threshold": {"value": done.threshold, "source": "bundle" if policy.raise_at is None else "option"},
        "class": settings.asset_class,
        "baseline_steps": done.baseline_steps,
        "every": settings.every,
        "on_windows": policy.on_windows,
        "off_windows": policy.off_windows,
        "files": [as_json(result.figures) for result in done.files],
        "pooled": as_json(done.pooled),
        "notes": [f"{files}: {note}" if files else note for files, note in done.notes()],
    }
