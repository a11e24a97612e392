"""The judgement: from the ledger, from SQLite and from what a listener recorded, not from the agent's word.

1. Readings and log lines (G1): stored at least as often as the agent acknowledged a delivery, at most as often as it
   was delivered; so exactly once where the broker handed it over once. What a living broker accepted was delivered.
2. Alarm messages (G2): every revision in SQLite was heard, in order, repeats alike to the byte, and nothing else.
3. Alarms and verdicts: a second agent is given what the first was given, in the same order, without faults. Verdicts
   are equal; so are alarms, but for one thing that is a matter of luck by design: a raise is told again with what moved
   its risk as soon as there is time, and not at all if the agent dies before (docs/decisions.md). That revision is left
   out, and the revisions of risk alarms are then compared in order and content, not by number.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from edge_agent.core.types import AlarmEvent, Transition
from edge_agent.store import queries
from tests.faults.ledger import Ledger
from tests.faults.mqtt5 import Published
from tests.faults.plan import UNTIMED, Message

SHOWN = 20  # findings of one kind that are told
_VERDICTS = "SELECT asset, time, text, risk, mode, status FROM verdict WHERE asset != ?"
_TOLD = ("/event", "/history")  # ends of the topics that bring transitions

Key = tuple[str, str, float | str]
Story = list[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Books:
    """What SQLite holds at the end."""

    stored: Counter[Key]
    times: dict[Key, float]
    verdicts: Counter[tuple[object, ...]]
    alarms: dict[str, list[AlarmEvent]]
    unsent: int


@dataclass(slots=True)
class Account:
    """What a run has brought."""

    numbers: dict[str, int] = field(default_factory=dict)
    findings: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    @property
    def total(self) -> int:
        """How many things are wrong."""
        return sum(len(found) for found in self.findings.values())


def open_books(database: Path) -> Books:
    """What a journal holds; its agent has stopped."""
    with closing(queries.open_readonly(database)) as db:
        stored, times = Counter[Key](), dict[Key, float]()
        for reading in queries.unpack(db, 0.0, math.inf):
            if reading.channel:  # else the mark of an asset that went quiet
                key: Key = (reading.asset, reading.channel, reading.value)
                stored[key] += 1
                times[key] = reading.time
        for line in queries.log_lines(db):
            key = (line.asset, "log", line.text)
            stored[key] += 1
            times[key] = line.time
        verdicts = Counter(tuple(row.values()) for row in db.query(_VERDICTS, [UNTIMED]))
        rows = queries.alarms(db, limit=-1)
        alarms = {row.alarm_id: queries.events(db, row.alarm_id) for row in rows}
        return Books(stored, times, verdicts, alarms, queries.unsent(db, 0.0)[0])


def judge(
    ledger: Ledger, messages: Sequence[Message], heard: Iterable[Published], books: Books, quiet: Books
) -> Account:
    """What is wrong; `quiet` are the books of the agent without faults."""
    account = Account()
    _inputs(account, ledger, messages, books)
    _told(account, heard, books)
    _same(account, books, quiet)
    return account


def given(ledger: Ledger, messages: Sequence[Message], books: Books) -> list[Message]:
    """What the agent was given and took, each as often and in the order in which it was delivered."""
    left, order = Counter(books.stored), []
    for delivery in ledger.deliveries:
        message = messages[delivery.number]
        if left[message.stored]:
            left[message.stored] -= 1
            order.append(message)
    return order


def _inputs(account: Account, ledger: Ledger, messages: Sequence[Message], books: Books) -> None:
    delivered, acked = Counter[int](), Counter[int]()
    for delivery in ledger.deliveries:
        delivered[delivery.number] += 1
        acked[delivery.number] += delivery.acked and not delivery.unsure
    found = account.findings
    for message in messages:
        stored, least, most = books.stored[message.stored], acked[message.number], delivered[message.number]
        if message.stored[1] == "log":  # the same line twice is one line
            least, most = min(least, 1), min(most, 1)
        if stored < least:
            found["acknowledged, but lost"].append(f"{message.stored}: {stored} stored, {least} acknowledged")
        if stored > most:
            found["stored twice"].append(f"{message.stored}: {stored} stored, {most} delivered")
        if stored and message.time is not None and abs(books.times[message.stored] - message.time) > 1e-3:
            found["altered"].append(f"{message.stored}: of {books.times[message.stored]}, not {message.time}")
        if not most and message.number in ledger.accepted - ledger.excused:
            found["accepted by the broker, never delivered"].append(f"{message.stored}")
    known = {message.stored for message in messages}
    found["stored, but never sent"] += [f"{key}" for key in books.stored if key not in known]
    found["strange"] += ledger.strange
    account.numbers |= {
        "messages sent": len(messages),
        "accepted by the broker": len(ledger.accepted),
        "deliveries": len(ledger.deliveries),
        "of them repeated by the broker": sum(delivery.times > 1 for delivery in ledger.deliveries),
        "acknowledged by the agent": sum(acked.values()),
        "lost by a broker that was killed": sum(not delivered[number] for number in ledger.excused),
        "readings and log lines stored": books.stored.total(),
    }


def _told(account: Account, heard: Iterable[Published], books: Books) -> None:
    first, repeats = dict[tuple[str, int], bytes](), 0
    order: dict[str, list[int]] = defaultdict(list)
    found = account.findings
    for message in heard:
        if not message.topic.endswith(_TOLD):
            continue
        data = json.loads(message.payload)["data"]
        alarm, rev = str(data["alarm"]), int(data["rev"])
        repeats += (alarm, rev) in first
        if first.setdefault((alarm, rev), message.payload) != message.payload:
            found["told differently"].append(f"{alarm} rev {rev}")
        if rev not in order[alarm]:
            order[alarm].append(rev)
    written = {(alarm, event.rev) for alarm, events in books.alarms.items() for event in events}
    found["alarm message lost"] += [f"{alarm} rev {rev}" for alarm, rev in sorted(written - first.keys())]
    found["told, but not written"] += [f"{alarm} rev {rev}" for alarm, rev in sorted(first.keys() - written)]
    found["told out of order"] += [f"{alarm}: {revs}" for alarm, revs in order.items() if revs != sorted(revs)]
    found["never sent"] += [f"{books.unsent} messages"] if books.unsent else []
    account.numbers |= {"alarm messages written": len(written), "repeats heard": repeats}


def _same(account: Account, books: Books, quiet: Books) -> None:
    found = account.findings
    for alarm in sorted(books.alarms.keys() | quiet.alarms.keys()):
        mine, theirs = books.alarms.get(alarm, []), quiet.alarms.get(alarm, [])
        if not mine or not theirs:
            where = "with" if mine else "without"
            found["alarm differs"].append(f"{alarm} {(mine or theirs)[0].kind}: only {where} faults")
        elif _story(mine) != _story(theirs):
            found["alarm differs"].append(f"{alarm}: {_story(mine)}, without faults {_story(theirs)}")
        if [event.rev for event in mine] != list(range(1, len(mine) + 1)):
            found["revisions are not consecutive"].append(f"{alarm}: {[event.rev for event in mine]}")
    for verdict in ((books.verdicts - quiet.verdicts) | (quiet.verdicts - books.verdicts)).elements():
        found["verdict differs"].append(f"{verdict}")
    account.numbers |= {"alarms": len(books.alarms), "verdicts": books.verdicts.total()}


def _story(events: Sequence[AlarmEvent]) -> Story:
    """What happened to an alarm, without the revision that says what moved its risk."""
    risk = events[0].kind == "risk"
    story: Story = []
    for before, event in zip([None, *events], events, strict=False):
        explained = before is not None and event.transition is Transition.UPDATED and event.time == before.time
        if not (risk and explained):
            told = () if risk else (event.rev, event.summary)
            story.append((event.transition.value, event.time, event.severity, event.mode, event.risk, *told))
    return story
