"""Commands that take time, from when they are taken until they are answered: a small state of the journal.

Each is run once, whoever repeats its request id meanwhile: all who asked are told the one outcome. What a kill or a
stop left under way is taken up again by the next start, because its message was acknowledged long before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from edge_agent.core.commands import Command, command
from edge_agent.core.properties import Reply

MOST_UNDER_WAY: Final = 16  # more are not accepted; what was accepted stays, and finds its place at the next start too
MOST_REPLIES: Final = 4  # who repeats a request as often with other correlation data is told to wait
MOST_STARTS: Final = 3  # of the agent that found it the oldest under way: it may be what hangs, or ends the agent


@dataclass(frozen=True, slots=True)
class UnderWay:
    """One command under way."""

    asked: Command
    replies: tuple[Reply, ...]  # where its outcome is to go
    starts: int = 0  # that found it the oldest, which is the one that runs

    def also(self, reply: Reply) -> UnderWay | None:
        """The same, answered there as well; None where there is no more room."""
        if reply in self.replies:
            return self
        return None if len(self.replies) >= MOST_REPLIES else replace(self, replies=(*self.replies, reply))

    def found_again(self) -> UnderWay:
        """The same, found by one start more."""
        return replace(self, starts=self.starts + 1)


class _Kept(BaseModel):
    """One command as it is written down: all that makes it again."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    name: str
    payload: str
    received: float
    via: str
    replies: tuple[tuple[str, str], ...] = Field(min_length=1)  # topic, correlation data in hexadecimal
    starts: int = 0


_ALL: Final = TypeAdapter(tuple[_Kept, ...])


def dumped(under_way: Iterable[UnderWay]) -> bytes:
    """What is written of the commands under way."""
    return _ALL.dump_json(
        tuple(
            _Kept(
                name=one.asked.name,
                payload=one.asked.payload,
                received=one.asked.received,
                via=one.asked.via,
                replies=tuple((reply.topic, reply.correlation.hex()) for reply in one.replies),
                starts=one.starts,
            )
            for one in under_way
        )
    )


def loaded(written: bytes) -> list[UnderWay]:
    """The commands that were under way, oldest first, with the request ids they had.

    Raises:
        ValueError: what is written cannot be read.
    """
    found = []
    for kept in _ALL.validate_json(written):
        replies = tuple(Reply(topic, bytes.fromhex(correlation)) for topic, correlation in kept.replies)
        asked = command(kept.name, kept.payload.encode(), replies[0], received=kept.received, via=kept.via)
        if not isinstance(asked, Command):
            message = f"{kept.name}: {asked.detail}"
            raise ValueError(message)  # noqa: TRY004 - of what is written, not of a type
        found.append(UnderWay(asked, replies, kept.starts))
    return found
