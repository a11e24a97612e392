"""The clerk: errands run beside the engine, and their ends come back through the inbox."""

from __future__ import annotations

import json

import pytest

from edge_agent.core.commands import Command, command
from edge_agent.core.properties import Reply
from edge_agent.errors import BundleError, ConfigError
from edge_agent.service.clerk import Clerk
from edge_agent.service.inbox import ErrandDone, Inbox


class Errands:
    """The port `Errands`, told what to raise."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.done: list[str] = []

    def _do(self, what: str) -> None:
        if self.error is not None:
            raise self.error
        self.done.append(what)

    def ask(self, asset: str) -> str:
        self._do(f"ask {asset}")
        return f"{asset} is well"

    def activate(self, bundle: str) -> None:
        self._do(f"activate {bundle}")

    def check(self) -> None:
        self._do("check")


def asked(name: str, **fields: str) -> Command:
    """A command that takes time."""
    found = command(name, json.dumps(fields).encode(), Reply(), received=1e9, via="mqtt")
    assert isinstance(found, Command)
    return found


def done(errand: Command, errands: Errands) -> ErrandDone:
    """What came of an errand."""
    inbox = Inbox(10)
    clerk = Clerk(errands, inbox)
    clerk.run(errand)
    clerk.turn()
    item = inbox.take(0)
    assert isinstance(item, ErrandDone)
    return item


@pytest.mark.parametrize(
    ("errand", "did", "text", "reload"),
    [
        (asked("ask", asset="p1"), "ask p1", "p1 is well", False),
        (asked("model-activate", bundle="press@2"), "activate press@2", "", True),
        (asked("reload"), "check", "", True),
    ],
)
def test_an_errand_is_done_and_its_end_comes_back(errand: Command, did: str, text: str, *, reload: bool) -> None:
    errands = Errands()
    end = done(errand, errands)

    assert errands.done == [did]
    assert (end.asked, end.refusal, end.text, end.reload) == (errand, "", text, reload)


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        (ConfigError("2 problems", hint="correct them"), "2 problems; correct them"),
        (BundleError("no such bundle"), "no such bundle"),
        (RuntimeError("?"), "it failed unexpectedly; the log of the agent says how"),
    ],
)
def test_whatever_goes_wrong_is_the_askers_answer(error: Exception, refusal: str) -> None:
    end = done(asked("reload"), Errands(error))

    assert (end.refusal, end.reload) == (refusal, False)


def test_an_idle_clerk_can_be_woken() -> None:
    inbox = Inbox(10)
    clerk = Clerk(Errands(), inbox)
    clerk.wake()
    clerk.turn()

    assert inbox.take(0) is None
