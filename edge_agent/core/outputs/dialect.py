"""What a dialect is: our assets, alarms and risks in, messages for another system out.

A dialect holds no state. Its messages are made by `said`: a repeat has the same key, by which the outbox knows it
(promise G2). Their lanes decide what becomes of them: an alarm is never shed, of a state the newest of a group counts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final, Protocol

from edge_agent.core.identity import digest
from edge_agent.core.types import AlarmEvent, Outgoing
from edge_agent.core.wire import AlarmData, RiskPayload

KEYS: Final = "out/"  # how the key of every message of a dialect begins; then come its name and the asset


class Dialect(Protocol):
    """The words of one system.

    `occasion` is a text that is new whenever a message is meant to be sent anew, and the same when it is repeated.
    """

    @property
    def name(self) -> str:
        """Its name in keys and groups, a word of `a-z` and `_`."""
        ...

    @property
    def listens(self) -> tuple[str, ...]:
        """The topics, without wildcards, on which that system asks; their messages are no readings."""
        ...

    def introduced(self, asset: str, asset_class: str, occasion: str) -> Sequence[Outgoing]:
        """What makes an asset known: said when it is first heard of in a run, and when the system asks for it."""

    def standing(self, asset: str, alarms: Sequence[AlarmEvent], occasion: str) -> Sequence[Outgoing]:
        """All alarms of an asset that stand, the worst first: said with its introduction, and when one has moved."""

    def alarm(self, alarm: AlarmData) -> Sequence[Outgoing]:
        """One revision of an alarm, never one that is over."""

    def risk(self, risk: RiskPayload) -> Sequence[Outgoing]:
        """The risk of an asset where it has changed enough to be told."""

    def asks(self, topic: str, payload: bytes) -> bool:
        """Whether a message on a topic of `listens` asks to be introduced to all assets again."""


def said(  # noqa: PLR0913 - what a message has
    dialect: str, asset: str, occasion: str, topic: str, body: object, *, lane: int, group: str, retain: bool = False
) -> Outgoing:
    """The message of a dialect about an asset; `body` becomes JSON. Messages of one `group` are sent in order.

    The group is no group of other messages: what the broker refuses must not hold up our own alarms.
    """
    key = f"{KEYS}{dialect}/{asset}/{digest(topic, group, occasion)}"
    payload = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    return Outgoing(key, topic, payload, 1, retain, lane, f"{dialect}/{group}")
