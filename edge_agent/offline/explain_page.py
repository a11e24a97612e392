"""An explanation → what people read: a page of plain text for 80 columns, and the same as JSON.

Nothing is checked or computed here that `examine` has not found.
"""

from __future__ import annotations

import textwrap
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Final

from edge_agent.core.summary import figure
from edge_agent.core.text import parts
from edge_agent.core.voice import Voice
from edge_agent.offline.explanation import Explanation, Revision

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_WIDTH: Final = 80
_LABEL: Final = 54  # characters before a bar
_BAR: Final = 16  # characters of a bar of 1.0
_NAME: Final = 22  # characters of a channel's name before its ordinals


def page(found: Explanation) -> Iterator[str]:
    """The explanation, line by line; what a terminal would obey in a stored text is shown as a question mark."""
    for line in _lines(found):
        yield "".join(letter if letter.isprintable() else "?" for letter in line)


def document(found: Explanation) -> dict[str, Json]:
    """The explanation as JSON."""
    derived = found.derived
    return {
        "alarm": found.alarm,
        "outcome": found.word,
        "exact": found.exact,
        "judged_by": None if found.then is None else _plain(found.then),
        "here": _plain(found.now),
        "revisions": [
            {
                "event": _json(asdict(revision.event)),
                "text": revision.text,
                "contributions": {
                    "channels": dict(revision.moves.channels),
                    "log": list(revision.moves.logs),
                },
            }
            for revision in found.revisions
        ],
        "differences": [{"row": one.row, "what": one.what} for one in found.differences],
        "unchecked": list(found.unchecked),
        "checked": {
            "readings": 0 if derived is None else derived.readings,
            "texts": 0 if derived is None else derived.texts,
            "verdicts": found.verdicts,
            "log_lines": found.logs,
            "revisions": len(found.revisions),
        },
    }


def _judged_by(found: Explanation) -> Iterator[str]:
    voice = found.now if found.then is None else found.then
    yield f"judged by {voice.model}@{voice.version} (risk.onnx sha256 {voice.sha256[:16]}…)"
    if found.then is not None:
        yield from _wrapped(f"on {voice.processor}; {voice.runtime}; edge-agent {voice.agent}", "  ")


def _lines(found: Explanation) -> Iterator[str]:
    if found.revisions:
        first = found.revisions[0].event
        yield f"alarm {found.alarm}: {first.kind} of {first.asset}, episode {first.episode}"
        yield from _judged_by(found)
    told = ""
    for revision in found.revisions:
        yield ""
        yield from _revision(revision, told)
        told = revision.event.summary
    charted = [revision for revision in found.revisions if revision.moves.channels]
    if charted:
        yield ""
        yield from _read(max(charted, key=lambda revision: revision.event.risk or 0.0))
    yield ""
    yield from _outcome(found)


def _revision(revision: Revision, told: str) -> Iterator[str]:
    """One revision; its summary where it is not the one told before."""
    event = revision.event
    risk = "" if event.risk is None else f"risk {event.risk:.3f}"
    code = event.mode if event.kind == "risk" else ""
    line = f"rev {event.rev:<3} {_local(event.time)}  {event.transition:<12} {event.severity:<9} {risk}  {code}"
    yield line.rstrip()
    if event.summary != told:
        yield from _wrapped(event.summary, "  ")
    for fact in event.evidence:
        normal = "" if fact.baseline is None else f", normal {figure(fact.baseline)}"
        limit = "" if fact.limit is None else f", limit {figure(fact.limit)}"
        value = "" if event.kind == "silence" else f" {figure(fact.value)} {fact.unit}"
        yield _barred(f"{fact.channel}{value}{normal}{limit}", fact.contribution)
    for quote in event.quotes:
        yield _barred(f'{time.strftime("%H:%M", time.localtime(quote.time))} "{quote.text}"', quote.contribution)


def _read(revision: Revision) -> Iterator[str]:
    """The text that the model read for a revision, a bar for each line that was left out in turn."""
    lines, logs, moved = parts(revision.text), revision.moves.logs, dict(revision.moves.channels)
    yield from _wrapped(
        f"What the model read for rev {revision.event.rev}, risk {revision.event.risk:.3f}; a bar is how far the risk"
        " falls without the line:",
        "",
    )
    yield f"  {lines.head}"
    for line in lines.channels:
        name, _, ordinals = line.partition(" ")
        yield _barred(f"{name:<{_NAME}} {ordinals}", moved.get(name))
    yield from (f"  {line}"[:_WIDTH] for line in lines.silent)
    for i, line in enumerate(lines.logs):
        yield _barred(line, logs[i] if i < len(logs) else None)


def _barred(label: str, by: float | None) -> str:
    """A line with a bar at its end: # raises the risk, - lowers it; plain where nothing is known."""
    short = label if len(label) <= _LABEL else f"{label[: _LABEL - 1]}…"
    if by is None:
        return f"  {short}"
    return f"  {short:<{_LABEL}} {by:+.2f} {('#' if by > 0 else '-') * round(abs(by) * _BAR)}".rstrip()


def _outcome(found: Explanation) -> Iterator[str]:
    derived = found.derived
    counts = [f"{len(found.revisions)} revisions", f"{found.verdicts} verdicts", f"{found.logs} log lines"]
    if derived is not None:
        counts += [f"{derived.readings} readings in {derived.blocks} blocks", f"{derived.texts} texts"]
    yield from _wrapped(f"looked at {', '.join(counts)}", "")
    for reason in found.unchecked:
        yield from _wrapped(f"not checked: {reason}", "", "  ")
    for difference in found.differences:
        yield from _wrapped(f"differs: {difference.row}: {difference.what}", "", "  ")
    how = "byte for byte" if found.exact else "within the bundle's tolerance: another runtime or processor"
    yield f"{found.word}, {how}" if not found.differences else f"differs: {len(found.differences)} row(s) named above"


def _wrapped(text: str, indent: str, later: str | None = None) -> Iterator[str]:
    after = indent if later is None else later
    yield from textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=after, break_on_hyphens=False)


def _local(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))


def _plain(voice: Voice) -> dict[str, Json]:
    return {name: str(value) for name, value in asdict(voice).items()}


def _json(value: object) -> Json:
    """Plain values of a dataclass as JSON has them."""
    if isinstance(value, dict):
        return {str(name): _json(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_json(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)
