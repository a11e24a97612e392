"""The clerk: runs errands that would keep the engine from its alarms: answering questions, looking a bundle over.

Its own thread; what came of an errand goes back through the inbox and is written and answered there. Nothing an alarm
waits for is done here, and whatever goes wrong is the asker's answer.
"""

from __future__ import annotations

import logging
import queue

from edge_agent.core.commands import AskRequest, Command, ModelActivateRequest, ReloadRequest
from edge_agent.errors import EdgeAgentError
from edge_agent.ports import Errands
from edge_agent.service.inbox import ErrandDone, Inbox

logger = logging.getLogger(__name__)

IDLE_S = 1.0


class Clerk:
    """Owns what the errands need."""

    def __init__(self, errands: Errands, inbox: Inbox) -> None:
        self._errands, self._inbox = errands, inbox
        self._waiting: queue.SimpleQueue[Command | None] = queue.SimpleQueue()  # the commander bounds it

    def run(self, asked: Command) -> None:
        """Engine: take an errand."""
        self._waiting.put(asked)

    def wake(self) -> None:
        """Any thread: let an idle turn end at once."""
        if self._waiting.empty():
            self._waiting.put(None)

    def turn(self) -> None:
        """One turn: run the oldest errand."""
        try:
            asked = self._waiting.get(timeout=IDLE_S)
        except queue.Empty:
            return
        if asked is not None:
            self._inbox.note(self._done(asked))

    def _done(self, asked: Command) -> ErrandDone:
        request = asked.request
        try:
            if isinstance(request, AskRequest):
                return ErrandDone(asked, text=self._errands.ask(request.asset))
            if isinstance(request, ModelActivateRequest):
                self._errands.activate(request.bundle)
            elif isinstance(request, ReloadRequest):
                self._errands.check()
            return ErrandDone(asked, reload=True)
        except EdgeAgentError as error:
            return ErrandDone(asked, refusal=f"{error}; {error.hint}" if error.hint else str(error))
        except Exception:
            logger.exception("errand_failed name=%s request=%s", asked.name, asked.request_id)
            return ErrandDone(asked, refusal="it failed unexpectedly; the log of the agent says how")
