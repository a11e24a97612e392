"""Everything a show needs, started in order and stopped in order: folder, broker, onlooker, agent, feed.

The agent runs as in production: `python -m edge_agent run CONFIG`, a process of its own that knows nothing of a demo.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from edge_agent.demo.broker import start_broker
from edge_agent.demo.child import Child
from edge_agent.demo.script import LOG_LEVEL, Script
from edge_agent.demo.settings import ADDRESS, CONFIG_NAME, DATABASE_NAME, write_settings
from edge_agent.errors import EdgeAgentError, UsageError
from edge_agent.mqtt.feed import Feed
from edge_agent.mqtt.watch import Watch

LOG_LINES: Final = 12  # of a dead agent, shown


class Stage:
    """A broker with the agent on it, for as long as the `with` lasts."""

    def __init__(
        self, script: Script, *, keep: Path | None, broker: str | None, port: int | None, say: Callable[[str], None]
    ) -> None:
        """Set everything up.

        Raises:
            EdgeAgentError: a part of it did not start; what had started is stopped.
        """
        with ExitStack() as stack:
            self.kept = keep is not None
            self.folder = _new(keep) if keep is not None else Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="edge-agent-demo-", ignore_cleanup_errors=True))
            )  # fmt: skip
            running = start_broker(self.folder, kind=broker, port=port)
            stack.callback(running.stop)
            self.broker = f"{running.kind} on {running.host}:{running.port}"
            self.port = running.port
            say(f"broker: {self.broker}")
            self.watch = Watch(running.host, running.port, (f"{ADDRESS.root}/#", f"plant/+/{LOG_LEVEL}"))
            self.watch.open()
            stack.callback(self.watch.close)
            self.config = self.folder / CONFIG_NAME
            self.database = self.folder / DATABASE_NAME
            write_settings(self.config, self.database, script, running.host, running.port)
            command = (sys.executable, "-m", "edge_agent", "run", str(self.config))
            say(f"agent: {' '.join(command)}")
            self._agent = Child(command, self.folder / "agent.log")
            stack.callback(self._agent.stop)
            self.feed = Feed(running.host, running.port)
            self.feed.connect()
            stack.callback(self.feed.close)
            self._stack = stack.pop_all()

    @property
    def agent_pid(self) -> int:
        """Process id of the agent."""
        return self._agent.pid

    def check(self) -> None:
        """Make sure that the agent lives.

        Raises:
            EdgeAgentError: it does not.
        """
        code = self._agent.exit_code
        if code is not None:
            raise EdgeAgentError(
                f"the agent ended with exit code {code}; its last lines:{self.last_lines()}",
                hint="run it by itself: edge-agent demo --keep DIR, then edge-agent run DIR/" + CONFIG_NAME,
            )

    def last_lines(self) -> str:
        """What the agent said last, indented."""
        return "".join(f"\n    {line}" for line in self._agent.tail(LOG_LINES))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


def _new(folder: Path) -> Path:
    """The folder, made; an earlier show in it is not written over.

    Raises:
        UsageError: there is one, or the folder cannot be made.
    """
    for name in (CONFIG_NAME, DATABASE_NAME):
        if (folder / name).exists():
            raise UsageError(f"{folder / name} is there already", hint="name a new folder, or remove that one")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"folder {folder} cannot be made: {error}", hint="name one you may write to") from error
    return folder.resolve()
