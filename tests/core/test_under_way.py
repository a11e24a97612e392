"""Commands under way: written and read again they are the same."""

from __future__ import annotations

import json

import pytest

from edge_agent.core.commands import Command, command
from edge_agent.core.properties import Reply
from edge_agent.core.under_way import MOST_REPLIES, UnderWay, dumped, loaded

NOON = 1_717_243_200.123456
DESK = Reply("desk/answers", b"\x00\xff")


def asked(name: str, payload: bytes, reply: Reply = DESK, via: str = "mqtt") -> Command:
    """A command that came at noon."""
    found = command(name, payload, reply, received=NOON, via=via)
    assert isinstance(found, Command)
    return found


@pytest.mark.parametrize(
    "one",
    [
        asked("ask", b'{"asset": "p1", "request_id": "r-1", "comment": "l\xc3\xa4uft?"}'),
        asked("model-activate", b'{"bundle": "press@2", "time": 1717243000.5, "actor": "anna"}'),
        asked("reload", b"", Reply(), "local"),
    ],
)
def test_what_is_written_is_read_again_with_the_request_id_it_had(one: Command) -> None:
    other = Reply("elsewhere", b"")
    found = [UnderWay(one, (one.reply, other), starts=2), UnderWay(one, (one.reply,))]

    assert loaded(dumped(found)) == found
    assert loaded(dumped([])) == []


def test_who_asks_again_is_answered_as_well_and_nobody_twice() -> None:
    one = UnderWay(asked("reload", b""), (DESK,))
    for n in range(1, MOST_REPLIES):
        also = one.also(DESK._replace(correlation=bytes([n])))
        assert also is not None
        one = also

    assert [reply.correlation for reply in one.replies] == [DESK.correlation, b"\x01", b"\x02", b"\x03"]
    assert one.also(DESK) is one
    assert one.also(Reply("elsewhere")) is None


def test_a_start_that_finds_it_is_counted() -> None:
    assert UnderWay(asked("reload", b""), (DESK,)).found_again().found_again().starts == 2


def test_what_a_former_version_wrote_was_found_by_no_start() -> None:
    former = {name: value for name, value in GOOD.items() if name != "starts"}

    assert [one.starts for one in loaded(json.dumps([{**former, "kills": 2}]).encode())] == [0]


GOOD = json.loads(dumped([UnderWay(asked("reload", b""), (DESK,))]))[0]


@pytest.mark.parametrize(
    "written",
    [
        b"\x00",
        b"{}",
        json.dumps([{**GOOD, "name": "shutdown"}]).encode(),
        json.dumps([{**GOOD, "payload": '{"asset": "p1"}'}]).encode(),
        json.dumps([{**GOOD, "replies": [["desk", "no hex"]]}]).encode(),
        json.dumps([{**GOOD, "replies": []}]).encode(),
    ],
)
def test_what_is_damaged_or_of_another_version_is_said(written: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        loaded(written)
