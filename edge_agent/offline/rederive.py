"""Stored readings → the alarm once more, by the pipeline that made it; and the first place where the rows disagree.

The journal holds readings in the order in which they were decided on, but not between which of them a log line came.
That is found from the stored verdicts: a line was known from the first text on that holds it. Nothing is scored before
the condition of the alarm was first seen; until then only the texts are compared.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from edge_agent.bundle.load import Bundle
from edge_agent.config import Config
from edge_agent.core import snapshot
from edge_agent.core.alarm import AlarmState, Delays, Finding, acknowledge, closed, subject
from edge_agent.core.facts import facts_of
from edge_agent.core.pipeline import CLOSE, Judge, Outcome, Pipeline
from edge_agent.core.report import Told
from edge_agent.core.shelving import RATE
from edge_agent.core.text import Parts, parts, render
from edge_agent.core.types import (
    HOLD,
    OPERATED,
    RELEARN,
    ROLL,
    SET,
    AlarmEvent,
    LogLine,
    Reading,
    Transition,
    Verdict,
    Window,
)
from edge_agent.offline.explanation import Derived, Difference
from edge_agent.offline.likeness import near
from edge_agent.store.audit import BlockRow

ANY_CHANNEL: Final = "any channel"  # evidence of a silence noticed because nothing arrived


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be derived again, and from which rows."""

    events: Sequence[AlarmEvent]  # the revisions as stored, oldest first
    verdicts: Mapping[float, tuple[int, Verdict]]  # end of the window → row id and verdict, of the asset
    logs: Sequence[LogLine]  # of the asset, in the order in which they came
    earlier_quote: float  # event time of the newest line quoted by earlier episodes
    exact: bool  # same runtime and processor: every word must agree


class Rederivation(Pipeline):
    """The pipeline of the agent, for one alarm of one asset, fed from the journal."""

    def __init__(self, config: Config, bundle: Bundle, judge: Judge, case: Case) -> None:
        super().__init__(config.class_specs(), config.asset_class, bundle.references, config.policy(), judge)
        first = case.events[0]
        self.found = Derived()
        self._case, self._waiting = case, deque(case.logs)
        self._report = bundle.report if case.exact else None  # another processor may choose other words
        self._since = self._block = 0  # the block in which the last text agreed, and the one at hand
        self._asset, self._kind = first.asset, first.kind
        if first.episode > 1:
            self.alarms[self._asset, self._kind] = AlarmState(
                episode=first.episode - 1, newest_quote=case.earlier_quote
            )

    # ------------------------------------------------------------------------------------------------ readings

    def derive(self, blocks: Iterator[BlockRow], passed: Callable[[], None]) -> Derived:
        """Take the readings of these blocks until all revisions are derived; `passed` is called after each block."""
        for block in blocks:
            if self._block and block.id > self._block + 1:
                self.found.differences.append(Difference(f"reading_block {self._block + 1}", "is missing"))
                return self.found
            if block.damage:
                self.found.differences.append(Difference(f"reading_block {block.id}", block.damage))
                return self.found
            own = [reading for reading in block.readings if reading.asset == self._asset]
            self._block = block.id
            self._since = self._since or block.id
            self.found.blocks += bool(own)
            for reading in own:
                self._take(reading)
                if self._done(reading.time):
                    return self.found
            passed()
        self._unheard()
        return self.found

    def _take(self, reading: Reading) -> None:
        self._unheard()
        self.found.readings += 1
        windower = self.windower(reading.asset)
        if windower is None:
            return
        rolled = reading.channel in {HOLD, RELEARN, ROLL, SET} or self._asset in self.aside
        if rolled or reading.time >= self._begin:
            self._keep(self.reading(reading))
            return
        close = reading.channel == CLOSE
        windows = windower.flush(reading.asset, reading.time) if close else windower.push(reading)
        for window in windows:
            if self.due(window):
                self.recent(window)

    @property
    def _begin(self) -> float:
        """Event time before which nothing belongs to the alarm: earlier episodes are not derived."""
        windower = self.windower(self._asset)
        return self._case.events[0].first - (0.0 if windower is None else windower.spec.step_s)

    def _step(self, finding: Finding, delays: Delays, outcome: Outcome) -> AlarmEvent | None:
        """As in the agent, but for what was put aside and judged together with the alarm: it may begin before it."""
        return None if finding.time < self._begin else super()._step(finding, delays, outcome)

    def _keep(self, outcome: Outcome) -> None:
        """Keep the events of this alarm, and those that follow from them without a reading."""
        for event in outcome.events:
            known = self.found.events
            if event.kind != self._kind or event.transition is Transition.CLOSED or (known and event.id != known[0].id):
                continue
            known.append(self._as_told(event))
            self._operated()
            if not self._next_is(Transition.UPDATED, event.time):
                continue
            if self._next().summary_source == "model":
                self._reworded(event, next((window for told, window in outcome.tellable if told == event), None))
            elif event.transition is Transition.RAISED:
                for told in self.explain().values():
                    self._keep(told)

    def _as_told(self, event: AlarmEvent) -> AlarmEvent:
        """The event; in the words as stored where a model's frame held them, and none can be made here."""
        if self._report is not None or len(self.found.events) >= len(self._case.events):
            return event
        told = self._next()
        if told.rev != event.rev or told.summary_source != "model":
            return event
        return replace(event, summary=told.summary, summary_source=told.summary_source)

    def _operated(self) -> None:
        """Take over what people and the clock did after the newest revision: no reading tells of it.

        It says nothing of the machine, so all else of it must be as in the revision before.
        """
        key = (self._asset, self._kind)
        while len(self.found.events) < len(self._case.events):
            stored, before, state = self._next(), self.found.events[-1], self.alarms[key]
            if stored.transition is Transition.ACKED:
                self.alarms[key], acked = acknowledge(state, before)
                if not acked:
                    return
                self.found.events += acked
            elif stored.transition is Transition.CLOSED:
                self.found.events.append(closed(state, before))
                return
            elif stored.transition in OPERATED:
                self.alarms[key] = replace(state, rev=state.rev + 1)
                self.found.events.append(replace(before, rev=state.rev + 1, transition=stored.transition))
            elif state.muted and stored.suppressed != RATE:
                self.alarms[key] = replace(state, rev=state.rev + 1, content=state.rev + 1, muted=False)
                again = replace(before, rev=state.rev + 1, transition=Transition.REALARMED, time=stored.time)
                self.found.events.append(again)
            else:
                return

    def _count(self, key: tuple[str, str], event: AlarmEvent) -> None:
        """Whether a raise was one too many follows from others of the asset: as it was told."""
        del event
        if key == (self._asset, self._kind) and self._case.events[0].suppressed == RATE:
            self.alarms[key] = replace(self.alarms[key], muted=True)

    def _unmuted(self, key: tuple[str, str], finding: Finding) -> None:
        """Nothing of its own: as it was told."""

    def _reworded(self, event: AlarmEvent, window: Window | None) -> None:
        """A revision that changed nothing but the words: written again, or taken over where they may differ here."""
        stored, state = self._next(), self.alarms[self._asset, self._kind]
        words: Told | None = Told(stored.summary, "")
        if self._report is not None:  # words that nobody could have asked for are nobody's
            words = None if window is None else self._report.tell(facts_of(event, window))
        told = words or Told("", "")
        rev = state.rev + 1
        self.alarms[self._asset, self._kind] = replace(
            state, rev=rev, content=rev, frame=told.frame, framed=subject(event)
        )
        self.found.events.append(
            replace(
                event,
                rev=rev,
                acked=state.acked,
                transition=Transition.UPDATED,
                summary=told.text,
                summary_source=stored.summary_source,
            )
        )
        self._operated()

    def _unheard(self) -> None:
        """A silence that was noticed because nothing arrived: no reading tells of it, but its time is known."""
        track = self._track()
        if track is None or self._kind != "silence" or len(self.found.events) >= len(self._case.events):
            return
        told, spec = self._next(), self.windowers[track[0]].spec
        if told.evidence and told.evidence[0].channel == ANY_CHANNEL and told.time == track[1] + spec.silent_after_s:
            self._keep(self.silent(self._asset))

    def _track(self) -> tuple[str, float] | None:
        """Class and newest event time of the asset."""
        windower = self.windower(self._asset)
        if windower is None or self._asset not in windower.tracks:
            return None
        return windower.spec.name, windower.tracks[self._asset].newest

    def _next(self) -> AlarmEvent:
        return self._case.events[len(self.found.events)]

    def _next_is(self, transition: Transition, time: float) -> bool:
        if len(self.found.events) >= len(self._case.events):
            return False
        return self._next().transition is transition and self._next().time == time

    def _done(self, time: float) -> bool:
        if self._asset in self.aside:
            return False
        windower = self.windower(self._asset)
        behind = 0.0 if windower is None else 2 * windower.spec.step_s + windower.spec.lateness_s
        return len(self.found.events) >= len(self._case.events) or time > self._case.events[-1].time + behind

    # ------------------------------------------------------------------------------------------------ texts

    def recent(self, window: Window) -> list[LogLine]:
        """The log lines that were known when this window was judged; compares its text with the stored one."""
        row, verdict = self._case.verdicts.get(window.end, (0, None))
        if verdict is None:
            return super().recent(window)
        stored = parts(verdict.text)
        lines = self._known(window, stored)
        derived = parts(render(window, lines))
        self.found.texts += 1
        if derived == stored or (not self._case.exact and near(derived.text, stored.text)):
            self._since = self._block
        elif not self.found.differences:  # the first place tells; what comes after follows from it
            self.found.differences.append(self._difference(row, stored, derived))
        return lines

    def _known(self, window: Window, stored: Parts) -> list[LogLine]:
        """The log lines the stored text holds, if those that have come by now, or some more, give it."""
        known, waiting = list(self.logs.get(window.asset, ())), self._waiting.copy()
        while parts(render(window, super().recent(window))).logs != stored.logs:
            if not self._waiting:
                self.logs[window.asset], self._waiting = known, waiting
                break
            self.log(self._waiting.popleft())
        return super().recent(window)

    def _difference(self, row: int, stored: Parts, derived: Parts) -> Difference:
        if replace(stored, logs=()) == replace(derived, logs=()):
            said = next((line for line in stored.logs if line not in derived.logs), "no such line")
            return Difference("log_line", f"verdict {row} read `{said}`, which the stored lines do not give")
        pairs = zip(
            (stored.head, *stored.channels, *stored.silent), (derived.head, *derived.channels, *derived.silent),
            strict=False,
        )  # fmt: skip
        was, now = next(((a, b) for a, b in pairs if a != b), ("fewer lines", "more lines"))
        blocks = f"{self._block}" if self._since == self._block else f"{self._since} to {self._block}"
        return Difference(f"reading_block {blocks}", f"verdict {row} read `{was}`, the readings give `{now}`")


def from_snapshot(pipeline: Rederivation, blob: bytes, event: AlarmEvent) -> bool:
    """Whether windows as the snapshot holds them are a start: of this class, and from before the alarm.

    Raises:
        ValueError: the snapshot is not one of ours.
    """
    left_out = snapshot.load_tracks(pipeline, blob)
    windower = pipeline.windower(event.asset)
    track = None if windower is None else windower.tracks.get(event.asset)
    if windower is None or track is None or event.asset in left_out:
        return False
    return max(track.newest, (track.closed + 1) * windower.spec.step_s) < event.first - windower.spec.step_s
