"""What people, work orders and the clock do to alarms: acknowledge, shelve, suppress; and what is told of it.

Every action answers with what it changed, or why nothing: an action that was taken before, or is older than what
counts, changes nothing and is no fault, so that repeats and any order of arrival end the same (promise G10). No text of
a log line comes here (promise G9).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from edge_agent.core.alarm import acknowledge
from edge_agent.core.conditions import Conditions, Outcome
from edge_agent.core.shelving import ALL, Flags, Issued
from edge_agent.core.types import Transition


class Answer(StrEnum):
    """What came of an action: only `DONE` is as it was asked for."""

    DONE = "done"
    ALREADY = "already"  # it was so before
    OUTDATED = "outdated"  # a later order about the same, or about the whole asset, counts
    OVER = "over"  # the time it was asked for has passed
    CLOSED = "closed"  # the alarm is not open any more
    UNKNOWN_ALARM = "unknown_alarm"
    UNKNOWN_ASSET = "unknown_asset"
    UNKNOWN_KIND = "unknown_kind"


@dataclass(frozen=True, slots=True)
class By:
    """Who acts, when that was ordered, and what they say."""

    actor: str
    issued: Issued
    comment: str = ""


@dataclass(slots=True)
class Acted:
    """What an action brought."""

    answer: Answer
    outcome: Outcome = field(default_factory=Outcome)


class Operated(Conditions):
    """The conditions of one agent, with the hands of people on them."""

    def condition_of(self, alarm: str) -> tuple[str, str] | None:
        """Asset and kind whose newest episode has this alarm id, open or not; None where there is none."""
        return next((key for key, state in self.alarms.items() if state.id == alarm), None)

    def acknowledge(self, alarm: str, by: By) -> Acted:
        """Acknowledge an alarm by its id."""
        key = self.condition_of(alarm)
        if key is None:
            return Acted(Answer.UNKNOWN_ALARM)
        state = self.alarms[key]
        if not state.open:
            return Acted(Answer.ALREADY if state.acked else Answer.CLOSED)
        self.alarms[key], events = acknowledge(state, self._newest(key, state))
        acted = Acted(Answer.DONE if events else Answer.ALREADY, Outcome(conditions_changed=bool(events)))
        for event in events:
            self._tell(replace(event, actor=by.actor, comment=by.comment), acted.outcome)
        return acted

    def shelve(self, asset: str, kind: str, length_s: float, by: By, now: float) -> Acted:
        """Let a kind of alarm of an asset (or `ALL` but hard limits) page nobody for so long; 0.0 ends that."""

        def shelved(flags: Flags) -> Answer:
            length = min(length_s, self._policy.shelve_most_s)
            if not flags.shelve(kind, by.issued, length, now):
                return Answer.OUTDATED
            if length > 0.0 and flags.shelves[kind].until == 0.0:
                return Answer.OVER
            return Answer.DONE if (flags.shelved_until(kind) is not None) is (length > 0.0) else Answer.OUTDATED

        return self._flagged(asset, shelved, by)

    def suppress(self, asset: str, kind: str, by: By, *, on: bool) -> Acted:
        """Let a kind of alarm of an asset page nobody until that is taken back (ISA-18.2: suppressed by design)."""

        def suppressed(flags: Flags) -> Answer:
            newer = flags.suppress(kind, by.issued, on=on)
            return Answer.DONE if newer and bool(flags.suppressed(kind)) is on else Answer.OUTDATED

        return self._flagged(asset, suppressed, by)

    def work_order(self, asset: str, number: str, by: By, now: float, *, opened: bool) -> Acted:
        """Shelve all but the hard limits of an asset while a work order is open."""

        def ordered(flags: Flags) -> Answer:
            known = flags.order(number, by.issued, opened=opened, length_s=self._policy.maintenance_s, now=now)
            if not known or (opened and number not in flags.orders):  # forgotten at once: so many later ones are open
                return Answer.OUTDATED
            if opened and not flags.orders[number].open:
                return Answer.OVER
            return Answer.OUTDATED if opened and flags.shelved_until(ALL) is None else Answer.DONE

        return self._flagged(asset, ordered, by)

    def expire(self, now: float) -> dict[str, Outcome]:
        """End what was shelved for long enough, by the wall clock; by asset what is told of it."""
        due = [asset for asset, flags in self.flags.items() if flags.due(now)]
        return {asset: self._flagged(asset, _expired(now), By("", Issued(now, ""))).outcome for asset in due}

    def _flagged(self, asset: str, change: Callable[[Flags], Answer], by: By) -> Acted:
        """Change the flags of an asset, and tell of each open alarm that is quiet now and was not, or the reverse."""
        flags = self.flags.setdefault(asset, Flags())
        standing = [key for key, state in self.alarms.items() if key[0] == asset and state.open]
        before = {key: (flags.shelved_until(key[1]), flags.suppressed(key[1])) for key in standing}
        answer = change(flags)
        acted = Acted(answer, Outcome(conditions_changed=answer is not Answer.ALREADY))
        for key in standing:
            after = (flags.shelved_until(key[1]), flags.suppressed(key[1]))
            for transition in _changes(before[key], after):
                state = self.alarms[key]
                self.alarms[key] = replace(state, rev=state.rev + 1)
                event = replace(
                    self._newest(key, state),
                    rev=state.rev + 1,
                    transition=transition,
                    actor=by.actor,
                    comment=by.comment,
                )
                self._tell(event, acted.outcome)
        return acted


def _expired(now: float) -> Callable[[Flags], Answer]:
    return lambda flags: Answer.DONE if flags.expire(now) else Answer.ALREADY


def _changes(before: tuple[float | None, str], after: tuple[float | None, str]) -> Iterable[Transition]:
    if before[0] != after[0]:
        yield Transition.UNSHELVED if after[0] is None else Transition.SHELVED
    if before[1] != after[1]:
        yield Transition.SUPPRESSED if after[1] else Transition.UNSUPPRESSED
