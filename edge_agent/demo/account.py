"""What happened, honestly: the agent's alarms against the truth of the script. Pure.

Every alarm that was not due is counted as false, on the failing machine too: before anything was wrong, and after the
repair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from edge_agent.core.types import Transition
from edge_agent.core.wire import AlarmData
from edge_agent.demo.board import seconds
from edge_agent.demo.script import MINUTE_S, Machine, Script


@dataclass(frozen=True, slots=True)
class Episode:
    """One alarm from its raise to its end, in steps of the script."""

    asset: str
    kind: str
    events: tuple[AlarmData, ...]
    raised: int
    cleared: int | None

    @property
    def quote(self) -> str:
        """The first log line it quotes."""
        return next((quote.text for data in self.events for quote in data.log), "")


@dataclass(frozen=True, slots=True)
class Account:
    """The lines to print, and whether the show went as it should."""

    lines: tuple[str, ...]
    passed: bool


def episodes(events: Sequence[AlarmData], script: Script) -> list[Episode]:
    """The alarms behind a list of events, in order of their raise."""
    grouped: dict[str, list[AlarmData]] = {}
    for data in events:
        grouped.setdefault(data.alarm, []).append(data)
    found = []
    for group in grouped.values():
        over = next((data for data in group if data.transition is Transition.CLEARED), None)
        found.append(
            Episode(
                group[0].asset, group[0].kind, tuple(group), script.number(seconds(group[0].time)),
                None if over is None else script.number(seconds(over.time)),
            )
        )  # fmt: skip
    return sorted(found, key=lambda episode: episode.raised)


def due(episode: Episode, machine: Machine | None) -> bool:
    """Whether an alarm was about something real."""
    if machine is None or not machine.truth.fails or episode.kind != "risk":
        return False
    truth = machine.truth
    return (truth.onset is None or episode.raised >= truth.onset) and (
        truth.restart is None or episode.raised < truth.restart
    )


def account(events: Sequence[AlarmData], script: Script) -> Account:
    """The account of a whole show."""
    found = episodes(events, script)
    right = [e for e in found if due(e, script.machine(e.asset))]
    false = [e for e in found if not due(e, script.machine(e.asset))]
    failing = [m for m in script.machines if m.truth.fails]
    lines: list[str] = []
    passed = bool(right)
    for machine in failing:
        own = [e for e in right if e.asset == machine.asset]
        lines += [line for e in own for line in _told(e, machine, script)]
        if not own:
            lines.append(f"{machine.name}: NO ALARM, though it fails")
        if machine.truth.restart is not None:
            passed = passed and bool(own) and own[-1].cleared is not None
    if len(failing) > 1:
        lines.append(f"{len({e.asset for e in right})} of {len(failing)} failing machines had an alarm")
    sound = len(script.machines) - len(failing)
    healthy = f"{sound} of {len(script.machines)} machines gave no reason for one"
    lines.append(f"{_count(len(false), 'false alarm')}; {healthy}")
    lines += [f"  {_name(e, script)}: {_when(e, script)}, {_said(e)}" for e in false]
    return Account(tuple(lines), passed)


def _told(episode: Episode, machine: Machine, script: Script) -> list[str]:
    truth = machine.truth
    when = f"{machine.name}: alarm {_when(episode, script)}"
    if truth.failure is not None:
        left = truth.failure - episode.raised
        when += f", {_span(left, script)} {'before' if left >= 0 else 'AFTER'} {script.end_of_life}"
    lines = [when, f"  it said: {_said(episode)}"]
    if episode.quote:
        lines.append(f'  it quoted the log: "{episode.quote}"')
    changes = sum(1 for data in episode.events if data.transition not in {Transition.RAISED, Transition.CLEARED})
    if changes:
        lines.append(f"  it told {_count(changes, 'change')} while it stood")
    if episode.cleared is not None:
        end = f"  cleared at {script.word} {episode.cleared}"
        if truth.restart is not None:
            after = episode.cleared - truth.restart
            end += f", {_span(after, script)} {'after' if after >= 0 else 'before'} the repaired machine started"
        lines.append(end)
    elif truth.restart is not None:
        lines.append("  NOT CLEARED, though it was repaired")
    return lines


def _said(episode: Episode) -> str:
    """What the alarm said when it was raised, and the most severe it came to say."""
    first, worst = episode.events[0], max(episode.events, key=lambda data: (data.severity_number, data.risk or 0.0))
    words = [first.severity, first.mode_name if episode.kind == "risk" else episode.kind]
    if first.risk is not None:
        words.append(f"risk {first.risk:.2f}")
    if worst.severity != first.severity:
        words.append(f"later {worst.severity}, {worst.mode_name}")
    return ", ".join(words)


def _when(episode: Episode, script: Script) -> str:
    at = datetime.fromtimestamp(seconds(episode.events[0].time)).astimezone().strftime(script.clock)
    return f"raised at {script.word} {episode.raised} ({at})"


def _span(steps: int, script: Script) -> str:
    if script.step_s >= MINUTE_S:
        return f"{abs(steps) * script.step_s / MINUTE_S:.0f} min"
    return _count(abs(steps), script.word)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _name(episode: Episode, script: Script) -> str:
    machine = script.machine(episode.asset)
    return episode.asset if machine is None else machine.name
