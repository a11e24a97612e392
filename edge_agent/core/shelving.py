"""Who asked not to be paged, for what, and until when: shelving, suppression, work orders, and too many raises.

Flags beside the alarm conditions (OPC UA Part 9 §5.8.10 ShelvedState, §5.8.2 SuppressedState; ISA-18.2 clause 11): they
move no condition. Rules:
1. A flag belongs to one kind of an asset's alarms, or to `ALL` of them. `ALL` never covers a hard limit: that is
   shelved only by its own name (promise G9).
2. Of two orders about one flag the one issued later counts, by its own time and then its request id: whatever the order
   in which they arrive, and however often, the flag ends the same (promise G10).
3. Who ends a flag of one kind ends for it what was ordered before of `ALL` or by a work order; who ends `ALL` ends what
   was ordered before of each kind, hard limits included. Of orders of the same moment the one that ends counts.
4. Nothing is shelved for ever: each shelf has a length, counted anew where the clock is found to have gone back.
5. An open work order shelves the asset; a repair that closes it ends what was shelved for it.
6. More raises of one asset within a while than the policy allows page nobody; hard limits are not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from math import inf
from typing import Final, NamedTuple

ALL: Final = "*"
OPERATOR, RATE = "operator", "rate"
_LIMIT: Final = "limit:"
MAX_AHEAD_S: Final = 300.0  # of our clock: an asker whose clock is farther ahead would overrule all that follow
MAX_ORDERS: Final = 32  # work orders remembered of one asset: closed ones go first


class Issued(NamedTuple):
    """When an order was given, and which: what decides between two of them."""

    time: float
    request: str

    def at_most(self, latest: float) -> Issued:
        """The same order, given then if it was given later."""
        return self._replace(time=min(self.time, latest))


@dataclass(frozen=True, slots=True)
class Shelf:
    """One shelving, or the order that ended one; `until` 0.0 where it is over."""

    issued: Issued
    length_s: float  # 0.0: an order that ends
    until: float  # wall clock, Unix seconds


@dataclass(frozen=True, slots=True)
class Suppression:
    """One suppression, or its end."""

    issued: Issued
    on: bool


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """One work order of an asset, as the newest message about it said."""

    issued: Issued
    open: bool
    until: float  # it shelves no longer than this, wall clock


@dataclass(slots=True)
class Flags:
    """All flags of one asset; small, written with its conditions."""

    shelves: dict[str, Shelf] = field(default_factory=dict)  # by kind or `ALL`
    suppressions: dict[str, Suppression] = field(default_factory=dict)
    orders: dict[str, WorkOrder] = field(default_factory=dict)  # by number
    burst: float = 0.0  # event time of the first of the raises counted
    raises: int = 0  # since then

    def __bool__(self) -> bool:
        return bool(self.shelves or self.suppressions or self.orders or self.raises)

    # ------------------------------------------------------------------------------------------------ asked

    def shelved_until(self, kind: str) -> float | None:
        """Until when a kind of alarm is shelved (wall clock); None where it is not."""
        ended = _newest(self.shelves[name].issued for name in (kind, ALL) if self._ends(name))
        holds: list[Shelf | WorkOrder] = [self.shelves[name] for name in _names(kind) if name in self.shelves]
        if not kind.startswith(_LIMIT):
            holds += [order for order in self.orders.values() if order.open]
        return max((held.until for held in holds if held.until > 0.0 and held.issued.time > ended), default=None)

    def suppressed(self, kind: str) -> str:
        """By what a kind of alarm is suppressed: `operator`, or empty."""
        known = {name: self.suppressions[name] for name in (kind, ALL) if name in self.suppressions}
        ended = _newest(one.issued for one in known.values() if not one.on)
        held = any(known[name].on and known[name].issued.time > ended for name in _names(kind) if name in known)
        return OPERATOR if held else ""

    def _ends(self, name: str) -> bool:
        """Whether the newest order about a shelf was to end it."""
        return name in self.shelves and self.shelves[name].length_s == 0.0

    # ------------------------------------------------------------------------------------------------ ordered

    def shelve(self, kind: str, issued: Issued, length_s: float, now: float) -> bool:
        """Shelve a kind for so long from when that was ordered, 0.0 ends it; False where a later order stands."""
        known = self.shelves.get(kind)
        if known is not None and known.issued >= issued:
            return False
        until = min(issued.time, now) + length_s
        self.shelves[kind] = Shelf(issued, length_s, until if until > now else 0.0)
        return True

    def suppress(self, kind: str, issued: Issued, *, on: bool) -> bool:
        """Suppress a kind until that is taken back; False where a later order stands."""
        known = self.suppressions.get(kind)
        if known is not None and known.issued >= issued:
            return False
        self.suppressions[kind] = Suppression(issued, on)
        return True

    def order(self, number: str, issued: Issued, *, opened: bool, length_s: float, now: float) -> bool:
        """Note that a work order was opened or closed; False where a later message about it is known."""
        known = self.orders.get(number)
        if known is not None and known.issued >= issued:
            return False
        until = min(issued.time, now) + length_s
        self.orders[number] = WorkOrder(issued, opened and until > now, until)
        while len(self.orders) > MAX_ORDERS:
            del self.orders[min(self.orders, key=lambda name: (self.orders[name].open, self.orders[name].issued))]
        return True

    def due(self, now: float) -> bool:
        """Whether `expire` would change anything."""
        if any(issued.time > now + MAX_AHEAD_S for issued in self._issued()):
            return True
        shelves = any(0.0 < s.until <= now or s.until - now > s.length_s for s in self.shelves.values())
        return shelves or any(order.open and order.until <= now for order in self.orders.values())

    def expire(self, now: float) -> bool:
        """End what is over by the wall clock; whether anything changed.

        A shelf that would last longer than its whole length was made by a clock that has gone back since; an order of
        farther ahead than any may be was given by one, and counts as one of as far ahead as it may be.
        """
        changed = self._set_back(now + MAX_AHEAD_S)
        for kind, shelf in self.shelves.items():
            if 0.0 < shelf.until <= now:
                self.shelves[kind] = replace(shelf, until=0.0)
                changed = True
            elif shelf.until - now > shelf.length_s:
                self.shelves[kind] = Shelf(shelf.issued, shelf.length_s, now + shelf.length_s)
                changed = True
        for number, order in self.orders.items():
            if order.open and order.until <= now:
                self.orders[number] = WorkOrder(order.issued, open=False, until=order.until)
                changed = True
        return changed

    def _issued(self) -> Iterator[Issued]:
        yield from (shelf.issued for shelf in self.shelves.values())
        yield from (suppression.issued for suppression in self.suppressions.values())
        yield from (order.issued for order in self.orders.values())

    def _set_back(self, latest: float) -> bool:
        """Let no order have been given later than that; whether any was. A work order ends by so much earlier."""
        if not any(issued.time > latest for issued in self._issued()):
            return False
        for kind, shelf in self.shelves.items():
            self.shelves[kind] = replace(shelf, issued=shelf.issued.at_most(latest))
        for kind, suppression in self.suppressions.items():
            self.suppressions[kind] = replace(suppression, issued=suppression.issued.at_most(latest))
        for number, order in self.orders.items():
            issued = order.issued.at_most(latest)
            until = order.until + issued.time - order.issued.time
            self.orders[number] = replace(order, issued=issued, until=until)
        return True

    # ------------------------------------------------------------------------------------------------ too many

    def raised(self, time: float, most: int, within_s: float) -> bool:
        """Count a raise (event time); whether there is room for it."""
        told = self.room(time, most, within_s)
        if self.raises == 0 or not self.burst <= time < self.burst + within_s:
            self.burst, self.raises = time, 0
        self.raises += 1
        return told

    def room(self, time: float, most: int, within_s: float) -> bool:
        """Whether one more raise would be told."""
        return self.raises < most or not self.burst <= time < self.burst + within_s


def _newest(issued: Iterable[Issued]) -> float:
    """When the last of them was issued; before everything where there is none."""
    return max((one.time for one in issued), default=-inf)


def _names(kind: str) -> Iterator[str]:
    yield kind
    if not kind.startswith(_LIMIT):
        yield ALL
