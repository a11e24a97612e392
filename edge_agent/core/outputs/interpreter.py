"""What all dialects that are switched on have to say; and what they must know for it: who has been met, what stands.

Belongs to one thread. What is historical pages nobody, so no dialect hears of it; of what is shelved or suppressed they
hear that it is, and it does not stand for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from edge_agent.core.outputs.dialect import Dialect
from edge_agent.core.types import AlarmEvent, Outgoing, Transition
from edge_agent.core.wire import AlarmData, RiskPayload

ANSWER_S: Final = 10.0  # a system starts no more often; who asks faster would fill the outbox
_PARTS: Final = 4  # of a key: the prefix, dialect, asset, digest


class Interpreter:
    """The dialects of one run."""

    def __init__(
        self,
        dialects: Sequence[Dialect],
        class_of: Callable[[str], str | None],
        *,
        standing: Iterable[AlarmEvent] = (),
        run: str = "",
    ) -> None:
        """Nobody is met yet.

        Args:
            dialects: those that are switched on.
            class_of: the class of an asset; what has none is not introduced.
            standing: the newest revision people were told of every alarm that stands.
            run: an id of this run, which introduces everybody anew.
        """
        self._dialects, self._class_of, self._run = tuple(dialects), class_of, run
        self._standing: dict[str, dict[str, AlarmEvent]] = {}  # by asset and kind
        for event in standing:
            if event.quiet:
                continue
            self._standing.setdefault(event.asset, {})[event.kind] = event
        self._met: dict[str, str] = {}  # asset → class
        self._listening = {topic: dialect for dialect in self._dialects for topic in dialect.listens}
        self._answered: dict[str, float] = {}  # dialect → when it was last asked and answered

    @property
    def listens(self) -> tuple[str, ...]:
        """The topics to subscribe to."""
        return tuple(self._listening)

    def met(self, asset: str) -> list[Outgoing]:
        """What is said of an asset that was heard of: who it is and what stands, once a run."""
        if asset in self._met or not self._dialects:
            return []
        asset_class = self._class_of(asset)
        if asset_class is None:
            return []
        self._met[asset] = asset_class
        messages: list[Outgoing] = []
        for dialect in self._dialects:
            messages += dialect.introduced(asset, asset_class, self._run)
            messages += dialect.standing(asset, self._stands(asset), self._run)
        return messages

    def alarm(self, event: AlarmEvent, data: AlarmData) -> list[Outgoing]:
        """What is said of one revision of an alarm; `data` is its payload."""
        if event.historical or not self._dialects:
            return []
        messages = self.met(event.asset)
        kinds = self._standing.setdefault(event.asset, {})
        if event.active and not event.quiet:
            kinds[event.kind] = event
        else:
            kinds.pop(event.kind, None)
        occasion = f"{event.id} {event.rev}"
        told = not event.quiet or event.transition in {Transition.SHELVED, Transition.SUPPRESSED}
        for dialect in self._dialects:
            messages += dialect.alarm(data) if told else ()
            messages += dialect.standing(event.asset, self._stands(event.asset), occasion)
        return messages

    def risk(self, risk: RiskPayload) -> list[Outgoing]:
        """What is said of a risk."""
        messages = self.met(risk.asset)
        return messages + [message for dialect in self._dialects for message in dialect.risk(risk)]

    def heard(self, topic: str, payload: bytes, time: float) -> list[Outgoing] | None:
        """The answer to a message that came at `time`; None where it is for none of the dialects."""
        dialect = self._listening.get(topic)
        if dialect is None:
            return None
        last = self._answered.get(dialect.name)
        if not dialect.asks(topic, payload) or (last is not None and abs(time - last) < ANSWER_S):
            return []
        self._answered[dialect.name] = time
        occasion = f"{self._run} {time:.6f}"
        return [m for asset, name in self._met.items() for m in dialect.introduced(asset, name, occasion)]

    def _stands(self, asset: str) -> tuple[AlarmEvent, ...]:
        """The worst first; of those equally bad the one first seen."""
        events = self._standing.get(asset, {}).values()
        return tuple(sorted(events, key=lambda event: (-event.severity_number, event.first, event.kind)))


def withdrawn(
    retained: Iterable[Outgoing], dialects: Sequence[Dialect], class_of: Callable[[str], str | None], run: str
) -> list[Outgoing]:
    """What empties the retained topics that no dialect fills any more.

    Args:
        retained: the newest message of each topic that dialects have filled.
        dialects: those that are switched on; what others said before is taken back.
        class_of: the class of an asset; None where it is gone from the configuration.
        run: an id of this run.
    """
    stale = []
    for message in retained:
        asset = message.key.split("/", _PARTS - 1)[2]
        asset_class = class_of(asset)
        filled = {
            said.topic
            for dialect in dialects
            if asset_class is not None
            for said in (*dialect.introduced(asset, asset_class, run), *dialect.standing(asset, (), run))
        }
        if message.topic not in filled:
            stale.append(message._replace(key=f"{message.key}-withdrawn-{run}", payload=b""))
    return stale
