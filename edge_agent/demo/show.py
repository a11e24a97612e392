"""The show: plays a script through MQTT at its pace, looks on, and draws. One thread, one loop.

The player never runs more than `AHEAD_S` seconds before what the agent says it has written, so that a slow computer
shows the same story more slowly instead of a backlog.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

from edge_agent.demo.board import Board
from edge_agent.demo.ink import Look
from edge_agent.demo.screen import Screen
from edge_agent.demo.script import Script, Step
from edge_agent.demo.settings import ADDRESS
from edge_agent.demo.stage import Stage
from edge_agent.demo.view import Moment, event_text, page, step_text
from edge_agent.errors import EdgeAgentError

AHEAD_S: Final = 8.0  # of the script at its pace; the agent tells every 5 s how far it is
FRAME_S: Final = 0.1  # between two drawings
LOOK_S: Final = 0.05
DRAIN_S: Final = 30.0
STALL_S: Final = 120.0  # without progress of the agent; a cold start on a Pi Zero is slow
LAST_WORDS_S: Final = 1.5  # after the last reading is written its verdict is on its way
EVERY: Final = 20  # steps between two plain lines
RATE_S: Final = 5.0  # over which readings a second are counted
DONE: Final = "everything is played; the agent takes the last readings"
ENDED: Final = "the script has ended; agent and broker still run, Ctrl-C ends them"


class Show:
    """One performance on a stage; `screen` None: plain lines by `say`."""

    def __init__(  # noqa: PLR0913 - one argument a part
        self, stage: Stage, script: Script, speed: float, screen: Screen | None, look: Look, say: Callable[[str], None]
    ) -> None:
        self.board = Board(ADDRESS, [(m.asset, m.name, m.spec.name) for m in script.machines])
        self._stage, self._script, self._speed = stage, script, speed
        self._screen, self._look, self._say = screen, look, say
        self._number = 0  # steps played
        self._sent = 0  # readings
        self._rates: deque[tuple[float, int]] = deque()
        self._phase = "the agent starts: model self-test, database, broker"
        self._told_state = self._told_phase = ""
        self._drawn = 0.0

    def perform(self) -> None:
        """Play everything and wait until the agent has judged it.

        Raises:
            EdgeAgentError: the agent died or stood still.
        """
        script = self._script
        self._wait(lambda: self.board.state == "online", "come online")
        due = time.monotonic()
        for step in script.play():
            self._phase = script.phase(step.number)
            self._play(step)
            due = max(due + script.wall_s / self._speed, time.monotonic() - script.wall_s)
            self._look_on(due)
            self._keep_near(int(AHEAD_S * self._speed / script.wall_s * sum(m.readings for m in step.messages)))
        if not self._stage.feed.drain(DRAIN_S):
            raise EdgeAgentError(f"the broker has not acknowledged all readings within {DRAIN_S:.0f} s")
        self._phase = DONE
        self._wait(lambda: self._ahead() <= 0, "take what was sent")
        self._look_on(time.monotonic() + LAST_WORDS_S)

    def linger(self) -> None:
        """Show what comes until somebody presses Ctrl-C."""
        self._phase = ENDED
        while True:
            self._look_on(time.monotonic() + 1.0)

    def picture(self, width: int, height: int) -> list[str]:
        """The page as it is now."""
        return page(self.board, self._moment(), width, height, self._look)

    # ------------------------------------------------------------------------------------------------ playing

    def _play(self, step: Step) -> None:
        for message in step.messages:
            self._stage.feed.publish(message.topic, message.payload)
            self._sent += message.readings
        self._number = step.number + 1
        self._rates.append((time.monotonic(), self._sent))
        while len(self._rates) > 1 and self._rates[0][0] < time.monotonic() - RATE_S:
            self._rates.popleft()
        if self._screen is None and self._number % EVERY == 0:
            self._say(step_text(self.board, self._moment()))

    def _keep_near(self, most: int) -> None:
        if self._ahead() > most > 0:
            phase = self._phase
            self._phase = f"{phase} (waiting for the agent)"
            self._wait(lambda: self._ahead() <= most, "take what was sent")
            self._phase = phase

    def _ahead(self) -> int:
        """Readings sent that the agent has not yet written or refused, by its own word."""
        health = self.board.health
        return self._sent if health is None else self._sent - health.readings - sum(health.faults.values())

    def _wait(self, done: Callable[[], bool], what: str) -> None:
        """Look on until it is done.

        Raises:
            EdgeAgentError: the agent died, or made no progress for `STALL_S`.
        """
        ahead, since = self._ahead(), time.monotonic()
        while not done():
            self._look_on(time.monotonic() + LOOK_S)
            if self._ahead() != ahead:
                ahead, since = self._ahead(), time.monotonic()
            if time.monotonic() - since > STALL_S:
                raise EdgeAgentError(
                    f"the agent did not {what} within {STALL_S:.0f} s; its last lines:{self._stage.last_lines()}"
                )

    # ------------------------------------------------------------------------------------------------ looking on

    def _look_on(self, until: float) -> None:
        """Take messages and draw, at least once, until a monotonic time."""
        while True:
            self._stage.check()
            self._draw()
            received = self._stage.watch.take(min(LOOK_S, until - time.monotonic()))
            while received is not None:
                data = self.board.take(received.topic, received.payload)
                if data is not None and self._screen is None:
                    self._say(event_text(data, self.board, self._script.clock, self._look))
                received = self._stage.watch.take(0)
            if time.monotonic() >= until:
                return

    def _draw(self) -> None:
        if self._screen is None:
            if self._told_state != self.board.state:
                self._told_state = self.board.state
                self._say(f"agent: {self.board.state}")
            if self._told_phase != self._phase:
                self._told_phase = self._phase
                self._say(f"-- {self._phase}")
        elif time.monotonic() - self._drawn >= FRAME_S:
            self._drawn = time.monotonic()
            self._screen.draw(self.picture(*self._screen.size()))

    def _moment(self) -> Moment:
        script = self._script
        (began, before), (now, sent) = (self._rates[0], self._rates[-1]) if self._rates else ((0.0, 0), (0.0, 0))
        return Moment(
            title=script.title,
            broker=self._stage.broker,
            phase=self._phase,
            start=script.start,
            step_s=script.step_s,
            clock=script.clock,
            word=script.word,
            index=self._number,
            steps=script.steps,
            logs=not script.rows,
            rate=(sent - before) / (now - began) if now > began else 0.0,
        )
