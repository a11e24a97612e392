"""An alarm's stored rows against each other, against the model, and against the readings they came from.

Three kinds of witnesses, and each row is named by the first that contradicts it: a row against itself, the model on a
stored text, the pipeline on the stored readings. What could not be asked is said, never passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from typing import Final

from edge_agent.bundle.decisions import judge_of, voice_of
from edge_agent.bundle.load import Bundle
from edge_agent.config import Config
from edge_agent.core import summary
from edge_agent.core.cache import RememberedScores
from edge_agent.core.evidence import UNKNOWN, Moves, occlude
from edge_agent.core.identity import digest
from edge_agent.core.pipeline import Judge
from edge_agent.core.snapshot import TRACKS
from edge_agent.core.text import clean
from edge_agent.core.types import AlarmEvent, LogLine, Status, Transition, Verdict
from edge_agent.core.verdict import judge_text
from edge_agent.core.voice import STATE, Voice, load_voice
from edge_agent.errors import BundleError
from edge_agent.offline.explanation import Difference, Explanation, Revision
from edge_agent.offline.likeness import said, same
from edge_agent.offline.rederive import Case, Rederivation, from_snapshot
from edge_agent.store.audit import Audit, VerdictRow

SNAPSHOT_BLOCK: Final = "tracks_block"  # as the engine names it
_TEXTS: Final = 4096  # whose scores are remembered: the texts of an episode are looked at several times
_SOURCES: Final = {"template", "model"}
_FLAGS: Final = {"voice", "shelved_until", "suppressed", "actor", "comment"}  # of a revision, not of its readings


def examine(
    audit: Audit, alarm: str, config: Config, bundle: Bundle, watch: Callable[[int], Callable[[], None]]
) -> Explanation:
    """An alarm with all that can be said for and against its rows; `watch` is told how many blocks will be read."""
    return _Examination(audit, alarm, config, bundle).run(watch)


class _Examination:
    """One alarm being checked."""

    def __init__(self, audit: Audit, alarm: str, config: Config, bundle: Bundle) -> None:
        self._audit, self._config, self._bundle = audit, config, bundle
        score = RememberedScores(bundle.risk.score, _TEXTS, lambda _known: None)
        self._judge: Judge = replace(judge_of(config, bundle, lambda _known: None), score=score)
        self._tolerance = 0.0
        self._found = Explanation(alarm, None, voice_of(config, bundle))
        self._events: list[AlarmEvent] = []
        self._whole = True  # every revision is there and can be read
        self._verdicts: dict[float, VerdictRow] = {}
        self._logs: list[LogLine] = []

    def run(self, watch: Callable[[int], Callable[[], None]]) -> Explanation:
        """All checks, the cheap ones first."""
        found = self._found
        self._read_events()
        if not self._events:
            return found
        same_model, same_rules = self._hear_voice()
        self._read_rows()
        for event in self._events:
            self._check_words(event)
        self._check_acknowledged()
        scored = self._risk_kind() and same_model and self._check_verdicts()
        for event in self._events:
            self._show(event, scored=scored)
        if same_model and same_rules:
            self._derive(watch)
        return found

    # ------------------------------------------------------------------------------------------------ rows alone

    def _read_events(self) -> None:
        found = self._found
        expected = 1
        for row in self._audit.events(found.alarm):
            for rev in range(expected, row.rev):
                self._differs(f"alarm_event rev {rev}", "is missing")
                self._whole = False
            expected = row.rev + 1
            for fault in row.faults:
                self._differs(f"alarm_event rev {row.rev}", fault)
            if row.event is not None:
                self._events.append(row.event)
            self._whole &= row.event is not None

    def _hear_voice(self) -> tuple[bool, bool]:
        """Whether the model and the rules at hand are those that judged; says so where they are not."""
        found = self._found
        keys = sorted({event.voice for event in self._events})
        voices = [voice for voice in map(self._voice, keys) if voice is not None]
        if len(voices) < len(keys):
            found.unchecked.append("who judged was not recorded: the model and the settings at hand are taken for it")
        if not voices:
            found.exact = False
            self._tolerance = self._bundle.manifest.golden_tolerance
            return True, True
        found.then = voices[-1]
        found.exact = all(voice.same_bits(found.now) for voice in voices)
        self._tolerance = 0.0 if found.exact else self._bundle.manifest.golden_tolerance
        other = next((voice for voice in voices if voice.bundle != found.now.bundle), None)
        if other is not None:
            found.unchecked.append(
                f"risk and evidence: the bundle that judged was {other.model}@{other.version}"
                f" (risk.onnx {other.sha256[:12]}…), not the one at hand; name it with --bundle"
            )
        changed = any(voice.rules != found.now.rules for voice in voices)
        if changed:
            found.unchecked.append("the readings: classes or alarm policy have changed since; name the old --config")
        return other is None, not changed

    def _voice(self, key: str) -> Voice | None:
        """The voice of a key; None where it was not recorded, or cannot be read."""
        blob = self._audit.state(STATE + key)
        if blob is None:
            return None
        try:
            voice = load_voice(blob)
        except ValueError as error:
            self._differs(f"state {STATE}{key}", str(error))
            return None
        if voice.key != key:
            self._differs(f"state {STATE}{key}", "does not say what its name was made of")
        return voice

    def _read_rows(self) -> None:
        asset, first, last = self._events[0].asset, self._events[0].first, self._events[-1].time
        for verdict_row in self._audit.verdicts(asset):
            self._verdicts[verdict_row.verdict.time] = verdict_row
        for row in self._audit.logs(asset):
            self._found.logs += 1
            self._logs.append(row.line)
            if row.line.id != row.id:
                self._differs(f"log_line {row.id}", f"does not say what its id was made of: {clean(row.line.text)!r}")
        self._found.verdicts = sum(1 for time in self._verdicts if first <= time <= last)

    def _check_words(self, event: AlarmEvent) -> None:
        """Quotes against the log, the summary against the evidence it is made from."""
        row = f"alarm_event rev {event.rev}"
        known = {line.id: line for line in self._logs}
        for quote in event.quotes:
            line = known.get(quote.id)
            if line is None:
                self._found.unchecked.append(f"the quote {quote.text!r} of rev {event.rev}: its log line is gone")
            elif (line.time, clean(line.text)) != (quote.time, quote.text):
                self._differs(row, f"quotes {quote.text!r}, log line {quote.id} says {clean(line.text)!r}")
        if event.summary_source not in _SOURCES:
            self._differs(row, f"summary source is {event.summary_source!r}")
        if event.summary_source == "model" and self._bundle.report is not None and self._found.exact:
            return  # written again with the revisions
        if event.summary_source == "model":
            self._found.unchecked.append(f"the words of rev {event.rev}: the report model wrote them")
            return
        again = _template(event)
        if again != event.summary:
            self._differs(row, f"summary is {event.summary!r}, its evidence gives {again!r}")
        if event.transition is Transition.RAISED and event.rev == 1:  # later ones tell people of what history knew
            made = digest("alarm", event.asset, event.kind, str(event.episode), f"{event.time:.6f}")
            if made != event.id:
                self._differs(row, "its id does not belong to its asset, kind, episode and time")

    def _check_acknowledged(self) -> None:
        """Who acknowledged, against the commands as they were written down."""
        orders = self._audit.acknowledgements(self._found.alarm)
        for event in self._events:
            if event.transition is Transition.ACKED and event.actor not in orders:
                self._differs(f"alarm_event rev {event.rev}", f"acknowledged by {event.actor!r}, no command says so")

    # ------------------------------------------------------------------------------------------------ the model

    def _risk_kind(self) -> bool:
        return self._events[0].kind == "risk"

    def _check_verdicts(self) -> bool:
        """Score the texts of the episode again; whether that was possible."""
        first, last = self._events[0].first, self._events[-1].time
        for time in sorted(time for time in self._verdicts if first <= time <= last):
            row = self._verdicts[time]
            stored = row.verdict
            try:
                again = judge_text(
                    stored.text, self._judge.score, self._judge.labels, asset=stored.asset, time=stored.time
                )
            except BundleError as error:
                self._differs(f"verdict {row.id}", f"its text cannot be scored: {error}")
                return False
            for name in self._contradicted(stored, again):
                self._differs(
                    f"verdict {row.id}",
                    f"{name} is {getattr(stored, name)!r}, the model gives {getattr(again, name)!r} for its text",
                )
        return True

    def _contradicted(self, stored: Verdict, again: Verdict) -> Iterator[str]:
        if abs(stored.risk - again.risk) > self._tolerance:
            yield "risk"
        if self._found.exact and (stored.mode, stored.mode_probability) != (again.mode, again.mode_probability):
            yield "mode" if stored.mode != again.mode else "mode_probability"
        if (stored.status is Status.PROVISIONAL) != (again.status is Status.PROVISIONAL) or (
            self._found.exact and stored.status is not again.status
        ):
            yield "status"

    def _show(self, event: AlarmEvent, *, scored: bool) -> None:
        """The revision with its text and what moved its risk; both checked against the event."""
        row = self._verdicts.get(event.time) if event.kind == "risk" else None
        name = f"alarm_event rev {event.rev}"
        if row is None:
            if event.kind == "risk" and min(self._verdicts, default=event.time) < event.time:  # not by retention
                self._differs(name, "no verdict is stored for its time, though older ones are")
            elif event.kind == "risk":
                self._found.unchecked.append(f"the risk of rev {event.rev}: its verdict was deleted with its age")
            self._found.revisions.append(Revision(event, "", UNKNOWN))
            return
        if event.risk != row.verdict.risk:
            self._differs(name, f"risk is {event.risk!r}, verdict {row.id} says {row.verdict.risk!r}")
        if event.mode != row.verdict.mode:
            self._differs(name, f"mode is {event.mode!r}, verdict {row.id} says {row.verdict.mode!r}")
        moves = UNKNOWN
        if scored and event.active:
            moves = occlude(row.verdict.text, row.verdict.risk, self._judge.score)
            self._check_moves(event, moves, name)
        self._found.revisions.append(Revision(event, row.verdict.text, moves))

    def _check_moves(self, event: AlarmEvent, moves: Moves, name: str) -> None:
        by_channel = dict(moves.channels)
        by_age = sorted(event.quotes, key=lambda quote: (quote.time, quote.text), reverse=True)
        pairs: list[tuple[str, float | None, float | None]] = [
            *((fact.channel, fact.contribution, by_channel.get(fact.channel)) for fact in event.evidence),
            *((quote.text, quote.contribution, again) for quote, again in zip(by_age, moves.logs, strict=False)),
        ]
        for what, stored, again in pairs:
            if stored is not None and (again is None or abs(stored - again) > 2 * self._tolerance):
                self._differs(name, f"contribution of {what} is {stored!r}, the model gives {again!r}")

    # ------------------------------------------------------------------------------------------------ the readings

    def _derive(self, watch: Callable[[int], Callable[[], None]]) -> None:
        found = self._found
        case = Case(
            events=self._events,
            verdicts={time: (row.id, row.verdict) for time, row in self._verdicts.items()},
            logs=self._logs,
            earlier_quote=self._audit.earlier_quote(self._events[0]),
            exact=found.exact,
        )
        pipeline = Rederivation(self._config, self._bundle, self._judge, case)
        ids = self._start(pipeline)
        if ids is None:
            found.unchecked.append("the readings: those before the alarm have been deleted, as [store] says")
            return
        derived = found.derived = pipeline.derive(self._audit.blocks(ids), watch(len(ids)))
        found.differences += derived.differences
        if derived.differences or not self._whole:
            found.unchecked.append("the revisions against the readings: a row before them differs")
        else:
            self._compare(derived.events)

    def _start(self, pipeline: Rederivation) -> Sequence[int] | None:
        """The blocks to take: all of them where the first is still there, else those after the snapshot."""
        ids = self._audit.block_ids()
        if ids[:1] == [1]:
            return ids
        blob, at = self._audit.state(TRACKS), self._audit.state(SNAPSHOT_BLOCK)
        if not ids or blob is None or at is None or ids[0] > int(at) + 1:
            return None
        try:
            usable = from_snapshot(pipeline, blob, self._events[0])
        except ValueError as error:
            self._differs("state tracks", str(error))
            return None
        return [block for block in ids if block > int(at)] if usable else None

    def _compare(self, derived: Sequence[AlarmEvent]) -> None:
        """The revisions as stored against those derived; of one that was contradicted already nothing more is said."""
        again = {event.rev: event for event in derived}
        named = {difference.row for difference in self._found.differences}
        for stored in self._events:
            name = f"alarm_event rev {stored.rev}"
            if name in named:
                continue
            if stored.rev not in again:
                self._differs(name, f"the readings give no revision {stored.rev}")
                continue
            for entry in fields(AlarmEvent):
                was, now = getattr(stored, entry.name), getattr(again[stored.rev], entry.name)
                if entry.name not in _FLAGS and not same(was, now, self._tolerance):
                    self._differs(name, f"{entry.name} is {said(was)}, the readings give {said(now)}")

    def _differs(self, row: str, what: str) -> None:
        found = Difference(row, what)
        if found not in self._found.differences:
            self._found.differences.append(found)


def _template(event: AlarmEvent) -> str:
    """The summary by template; that of the event itself where its evidence does not say enough."""
    cleared = event.latched or not event.active
    if event.kind == "risk":
        return (
            summary.of_recovery(event.evidence)
            if cleared
            else summary.of_risk(event.mode, event.evidence, event.quotes)
        )
    return summary.of_limit(event.evidence[0]) if event.kind.startswith("limit:") and not cleared else event.summary
