"""What the journal knows of an asset → an answer in words: what is wrong, since when, what was done, what to check.

Nothing in an answer is new (promise G7): its numbers, times, units and names are those of stored rows, its advice is
that of tables, and what a model worded is the summary that was checked when it was told. So nothing is counted, no time
is subtracted from another, and log lines are quoted as the model read them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from edge_agent.core.modes import NONE, mode
from edge_agent.core.text import clean
from edge_agent.core.types import AlarmEvent, LogLine, Status, Verdict

CHECKS: Final = {  # by kind of alarm; of a risk alarm by its failure mode (core/modes.py)
    "limit": "Bring the machine back within its limit or stop it; check the sensor where other readings disagree.",
    "silence": "Check the sensor, its cable and the gateway's connection.",
}
_DOUBTS: Final = {
    Status.PROVISIONAL: ", while its normal is still being learned",
    Status.UNCERTAIN: ", on which the model was undecided",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """An alarm from its raise to its end."""

    worst: AlarmEvent  # the gravest revision, the newest of several
    end: AlarmEvent  # the revision with which it was over; people may have acknowledged it since
    said: LogLine | None = None  # newest log line written while it stood


@dataclass(frozen=True, slots=True, kw_only=True)
class AskFacts:
    """All that an answer may rest on."""

    asset: str
    asked: float  # when, Unix seconds
    known: bool = True  # whether the journal holds anything of the asset
    near: tuple[str, ...] = ()  # names that look alike, where it is not known
    standing: tuple[AlarmEvent, ...] = ()  # newest revision of each alarm that stands, the gravest first
    past: tuple[Episode, ...] = ()  # alarms that are over, newest first
    log: tuple[LogLine, ...] = ()  # newest first
    verdict: Verdict | None = None  # the newest


def answer(facts: AskFacts) -> str:
    """The answer: a paragraph a line, none of which is empty."""
    return "\n".join(_unknown(facts) if not facts.known else _paragraphs(facts))


def moment(time: float) -> str:
    """A time as answers state it: UTC, to the minute."""
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M} UTC"


def _unknown(facts: AskFacts) -> Iterator[str]:
    yield f"This journal holds nothing of {f'an asset {facts.asset}' if facts.asset else 'an asset of such a name'}."
    if facts.near:
        yield f"Names that look alike: {', '.join(facts.near)}."


def _paragraphs(facts: AskFacts) -> Iterator[str]:
    yield f"{facts.asset}, as of {moment(facts.asked)}. {_verdict(facts.verdict)}"
    yield from (_stands(event) for event in facts.standing)
    if not facts.standing:
        yield "No alarm stands."
    if facts.log:
        lines = "; ".join(f"{moment(line.time)} {_quoted(line)}" for line in facts.log)
        yield f"In the log, newest first: {lines}."
    if facts.past:
        yield f"Earlier alarms, newest first: {'; '.join(map(_episode, facts.past))}."
    advice = dict.fromkeys(check for event in facts.standing if (check := _check(event)) not in event.summary)
    if advice:
        yield " ".join(advice)


def _stands(event: AlarmEvent) -> str:
    said = [f"{event.severity.capitalize()} alarm since {moment(event.first)}"]
    said += [] if event.risk is None else [f"risk {event.risk:.2f}"]
    said += ["acknowledged"] if event.acked else []
    said += [] if event.shelved_until is None else [f"shelved until {moment(event.shelved_until)}"]
    said += ["suppressed"] if event.suppressed else []
    return f"{', '.join(said)}: {event.summary}"


def _verdict(verdict: Verdict | None) -> str:
    if verdict is None:
        return "It was not judged lately."
    return f"Last verdict: risk {verdict.risk:.2f} at {moment(verdict.time)}{_DOUBTS.get(verdict.status, '')}."


def _episode(episode: Episode) -> str:
    said = "" if episode.said is None else f", log meanwhile: {_quoted(episode.said)}"
    return (
        f"{_subject(episode.worst)}, {episode.worst.severity}, since {moment(episode.end.first)}, "
        f"over at {moment(episode.end.time)}{said}"
    )


def _subject(event: AlarmEvent) -> str:
    kind, _, channel = event.kind.partition(":")
    if kind == "risk":
        return "unusual behaviour" if event.mode == NONE else mode(event.mode).name
    return f"{kind} of {channel}" if channel else kind


def _check(event: AlarmEvent) -> str:
    return CHECKS.get(event.kind.partition(":")[0], mode(event.mode).check)


def _quoted(line: LogLine) -> str:
    order = clean(line.order or "")
    return f'"{clean(line.text)}"' + (f" (work order {order})" if order else "")
