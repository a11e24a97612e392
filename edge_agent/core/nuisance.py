"""Alarms looked over as a whole: which of them are a nuisance, and what would make them fewer. Pure.

Nothing here changes a setting: what is proposed is for a person to accept (ISA-18.2, monitoring and assessment).
Source: ISA-18.2-2016 clause 16 and EEMUA 191 (chattering, fleeting, stale, floods; one alarm per ten minutes is what
an operator can live with). Chattering is told over ten minutes instead of one, since our delays are of minutes.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edge_agent.core.types import AlarmEvent, Transition

CHATTERING_RAISES: Final = 3
CHATTERING_S: Final = 600.0
FLEETING_S: Final = 300.0
STALE_S: Final = 86400.0
FLOOD_RAISES: Final = 10
FLOOD_S: Final = 600.0
MIN_FLEETING: Final = 3  # of one condition, and most of its alarms, before that is worth a proposal
DAY_S: Final = 86400.0


@dataclass(frozen=True, slots=True)
class Past:
    """One alarm from its raise on, as the journal tells it; times are event times, Unix seconds."""

    alarm: str
    asset: str
    kind: str
    raised: float
    cleared: float | None  # None: it stands
    peak: float | None  # highest risk it was told with; None where its kind has none
    acked: bool = False
    quiet: bool = False  # raised while shelved or suppressed: it paged nobody
    label: str = ""  # what an acknowledgement said: real, false, known, planned; empty: nothing


@dataclass(frozen=True, slots=True)
class Burden:
    """What the alarms of one condition (asset and kind) ask of people."""

    asset: str
    kind: str
    raises: int
    chattering: int  # raises within `CHATTERING_S` of the two before
    fleeting: int  # over within `FLEETING_S` before anybody acknowledged them
    stale: bool  # stands, and has for longer than `STALE_S`
    labels: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """The alarms of a while."""

    alarms: int
    per_day: float
    flood_s: float  # seconds that lie in floods
    burdens: tuple[Burden, ...]  # the heaviest first
    proposals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A `raise_at` that keeps to a budget of false alarms, by what people called real and false."""

    raise_at: float
    false_per_day: float
    recall: float  # share of the real ones that would still be raised
    real: int
    false: int


class Nuisance(StrEnum):
    """What makes an alarm a nuisance, as it is counted while the agent runs."""

    CHATTERING = "chattering"
    FLEETING = "fleeting"
    FLOOD = "flood"
    STALE = "stale"


class Watch:
    """Counts nuisances from the events as they are told; keeps a few times of each condition."""

    def __init__(self) -> None:
        self._raises: dict[tuple[str, str], deque[float]] = {}  # the newest of each condition
        self._all: deque[float] = deque(maxlen=FLOOD_RAISES)
        self._stale: set[str] = set()  # alarms that were counted as stale

    def note(self, event: AlarmEvent) -> list[Nuisance]:
        """What an event shows; nothing of what pages nobody."""
        if not event.active:
            self._stale.discard(event.id)
        if event.quiet:
            return []
        if event.transition is Transition.RAISED:
            return self._raised(event)
        if event.transition is Transition.CLEARED:
            raised = self._raises.get((event.asset, event.kind))
            soon = raised is not None and 0.0 <= event.time - raised[-1] <= FLEETING_S
            return [Nuisance.FLEETING] if soon and not event.acked else []
        if event.active and event.time - event.first > STALE_S and event.id not in self._stale:
            self._stale.add(event.id)
            return [Nuisance.STALE]
        return []

    def _raised(self, event: AlarmEvent) -> list[Nuisance]:
        own = self._raises.setdefault((event.asset, event.kind), deque(maxlen=CHATTERING_RAISES))
        own.append(event.time)
        self._all.append(event.time)
        found = []
        if len(own) == CHATTERING_RAISES and 0.0 <= own[-1] - own[0] <= CHATTERING_S:
            found.append(Nuisance.CHATTERING)
        if len(self._all) == FLOOD_RAISES and 0.0 <= self._all[-1] - self._all[0] <= FLOOD_S:
            found.append(Nuisance.FLOOD)
        return found


def assess(alarms: Sequence[Past], now: float) -> Assessment:
    """The alarms that paged somebody, looked over; `now` is the event time up to which they were watched."""
    told = sorted((alarm for alarm in alarms if not alarm.quiet), key=lambda alarm: alarm.raised)
    conditions: dict[tuple[str, str], list[Past]] = {}
    for alarm in told:
        conditions.setdefault((alarm.asset, alarm.kind), []).append(alarm)
    burdens = sorted(
        (_burden(asset, kind, own, now) for (asset, kind), own in conditions.items()),
        key=lambda burden: (-burden.chattering - burden.fleeting, -burden.raises, burden.asset, burden.kind),
    )
    days = max((now - told[0].raised) / DAY_S, 1.0) if told else 1.0
    proposals = [line for burden in burdens for line in _proposals(burden)]
    return Assessment(len(told), len(told) / days, _flood_s(told), tuple(burdens), tuple(proposals))


def threshold(alarms: Sequence[Past], days: float, budget_per_day: float, least_recall: float) -> Threshold | str:
    """The lowest `raise_at` within a budget of false alarms that keeps a share of the real ones, or why there is none.

    Known and planned alarms count as neither. Risks below the threshold of the time are not known here, so nothing is
    proposed below the lowest peak seen.
    """
    judged = [(a.peak, a.label) for a in alarms if a.kind == "risk" and a.peak is not None]
    real = sorted(peak for peak, label in judged if label == "real")
    false = sorted(peak for peak, label in judged if label == "false")
    if not false:
        return "no alarm by risk was acknowledged as false: there is nothing to have fewer of"
    for level in sorted({*real, *false, round(false[-1] + 0.001, 3)}):  # the last is above all that was false
        kept = sum(1 for peak in real if peak >= level)
        wrong = sum(1 for peak in false if peak >= level) / max(days, 1.0)
        recall = kept / len(real) if real else 1.0
        if recall < least_recall or level >= 1.0:
            return (
                f"no threshold brings the {len(false)} false alarm(s) down to {budget_per_day:g} a day "
                f"without losing more than {1 - least_recall:.0%} of the {len(real)} real one(s): "
                "look at their causes, or fine-tune"
            )
        if wrong <= budget_per_day:
            return Threshold(level, wrong, recall, len(real), len(false))
    raise AssertionError(false)  # pragma: no cover - above the highest there is none left


def failures(alarms: Sequence[Past]) -> list[Past]:
    """The alarms that tell of a failure: what people called real, and hard limits nobody called anything."""
    return [a for a in alarms if a.label == "real" or (a.kind.startswith("limit:") and not a.label)]


def _burden(asset: str, kind: str, alarms: Sequence[Past], now: float) -> Burden:
    raises = [alarm.raised for alarm in alarms]
    pairs = zip(raises, raises[CHATTERING_RAISES - 1 :], strict=False)
    stands = next((alarm for alarm in alarms if alarm.cleared is None), None)
    labels = Counter(alarm.label for alarm in alarms if alarm.label)
    return Burden(
        asset,
        kind,
        len(alarms),
        chattering=sum(1 for first, third in pairs if third - first <= CHATTERING_S),
        fleeting=sum(1 for a in alarms if a.cleared is not None and a.cleared - a.raised <= FLEETING_S and not a.acked),
        stale=stands is not None and now - stands.raised > STALE_S,
        labels=tuple(sorted(labels.items())),
    )


def _flood_s(alarms: Sequence[Past]) -> float:
    """Seconds in which `FLOOD_RAISES` or more alarms had come in the `FLOOD_S` before (all of one operator)."""
    total, end = 0.0, float("-inf")
    times = [alarm.raised for alarm in alarms]
    for first, last in zip(times, times[FLOOD_RAISES - 1 :], strict=False):
        if last - first <= FLOOD_S:
            total += first + FLOOD_S - max(last, end)
            end = first + FLOOD_S
    return total


def _proposals(burden: Burden) -> Iterator[str]:
    about = f"{burden.asset} {burden.kind}"
    if burden.chattering and burden.kind.startswith("limit:"):
        yield f"{about} chatters: give its channel a `deadband`, or raise `limit_off_s` of [alarm]"
    elif burden.chattering:
        yield f"{about} chatters: raise `off_windows` of [alarm], or lower `clear_at`"
    elif burden.fleeting >= MIN_FLEETING and 2 * burden.fleeting > burden.raises:
        wait = "limit_on_s" if burden.kind.startswith("limit:") else "on_windows"
        yield f"{about} comes and goes before anybody sees it: raise `{wait}` of [alarm]"
    if burden.stale:
        yield f"{about} stands for more than a day: mend it, shelve it with a reason, or set its limits right"
