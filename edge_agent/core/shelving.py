"""Who asked not to be paged, for what, and until when: shelving, suppression, work orders, and too many raises.

Flags beside the alarm conditions (OPC UA Part 9 §5.8.10 ShelvedState, §5.8.2 SuppressedState; ISA-18.2 clause 11): they
move no condition. Rules:
1. A flag belongs to one kind of an asset's alarms, or to `ALL` of them. `ALL` never covers a hard limit: that is
   shelved only by its own name (promise G9).
2. Of two orders about one flag the one issued later counts, by its own time and then its request id: whatever the order
   in which they arrive, and however often, the flag ends the same (promise G10).
3. Who ends a flag of one kind ends for it what was ordered before of `ALL` or by a work order; who ends `ALL` ends what
   was ordered before of each kind, hard limits included. What has ended stays so, whatever is ordered later. Of orders
   of the same moment about a kind and about `ALL` the one that ends counts.
4. Nothing is shelved for ever: each shelf has a length, counted anew where the clock is found to have gone back.
5. An open work order shelves the asset; a repair that closes it ends what was shelved for it.
6. More raises of one asset within a while than the policy allows page nobody; hard limits are not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
    """The newest order that shelves; `until` 0.0 where it is over."""

    issued: Issued
    length_s: float
    until: float  # wall clock, Unix seconds


@dataclass(frozen=True, slots=True)
class Suppression:
    """The newest order that suppresses; not `on` where it is over."""

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
    unshelved: dict[str, Issued] = field(default_factory=dict)  # by kind or `ALL`: the newest order that ends
    unsuppressed: dict[str, Issued] = field(default_factory=dict)
    burst: float = 0.0  # event time of the first of the raises counted
    raises: int = 0  # since then

    def __bool__(self) -> bool:
        held = self.shelves or self.suppressions or self.orders
        return bool(held or self.unshelved or self.unsuppressed or self.raises)

    # ------------------------------------------------------------------------------------------------ asked

    def shelved_until(self, kind: str) -> float | None:
        """Until when a kind of alarm is shelved (wall clock); None where it is not."""
        held = [self.shelves[name].until for name in _standing(self.shelves, self.unshelved, kind)]
        if not kind.startswith(_LIMIT):
            ended = _newest(self.unshelved, {kind, ALL})
            held += [order.until for order in self.orders.values() if order.open and order.issued.time > ended]
        return max((until for until in held if until > 0.0), default=None)

    def suppressed(self, kind: str) -> str:
        """By what a kind of alarm is suppressed: `operator`, or empty."""
        standing = _standing(self.suppressions, self.unsuppressed, kind)
        return OPERATOR if any(self.suppressions[name].on for name in standing) else ""

    # ------------------------------------------------------------------------------------------------ ordered

    def shelve(self, kind: str, issued: Issued, length_s: float, now: float) -> bool:
        """Shelve a kind for so long from when that was ordered, 0.0 ends it; False where a later order stands."""
        known = self.shelves.get(kind)
        newest = _newer(issued, known, self.unshelved.get(kind))
        if length_s == 0.0:
            self.unshelved[kind] = max(issued, self.unshelved.get(kind, issued))
            if known is not None and known.issued <= issued:
                self.shelves[kind] = replace(known, until=0.0)
        elif newest:
            until = min(issued.time, now) + length_s
            self.shelves[kind] = Shelf(issued, length_s, until if until > now else 0.0)
        return newest

    def suppress(self, kind: str, issued: Issued, *, on: bool) -> bool:
        """Suppress a kind until that is taken back; False where a later order stands."""
        known = self.suppressions.get(kind)
        newest = _newer(issued, known, self.unsuppressed.get(kind))
        if not on:
            self.unsuppressed[kind] = max(issued, self.unsuppressed.get(kind, issued))
            if known is not None and known.issued <= issued:
                self.suppressions[kind] = replace(known, on=False)
        elif newest:
            self.suppressions[kind] = Suppression(issued, on=True)
        return newest

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
        yield from self.unshelved.values()
        yield from self.unsuppressed.values()

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
        for ends in (self.unshelved, self.unsuppressed):
            ends.update({name: issued.at_most(latest) for name, issued in ends.items()})
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


def _newer(issued: Issued, known: Shelf | Suppression | None, end: Issued | None) -> bool:
    """Whether an order was given later than what is known of the same flag."""
    return (known is None or issued > known.issued) and (end is None or issued > end)


def _standing(held: Mapping[str, Shelf | Suppression], ends: Mapping[str, Issued], kind: str) -> Iterator[str]:
    """By which names a kind is covered, its own or `ALL`, without an end since by the other of the two."""
    for name in _names(kind):
        if name in held and held[name].issued.time > _newest(ends, {kind, ALL} - {name}):
            yield name


def _newest(ends: Mapping[str, Issued], names: Iterable[str]) -> float:
    """When the last of the orders that end was given, of those about some names; before everything where none was."""
    return max((ends[name].time for name in names if name in ends), default=-inf)


def _names(kind: str) -> Iterator[str]:
    yield kind
    if not kind.startswith(_LIMIT):
        yield ALL
