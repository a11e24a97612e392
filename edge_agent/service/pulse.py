"""Evidence that a thread moves: each beats once per turn of its loop; the watchdog is fed from these beats only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Pulse:
    """The last beat of one activity, on the monotonic clock."""

    def __init__(self, name: str, limit_s: float) -> None:
        self.name = name
        self.limit_s = limit_s
        self._last = time.monotonic()

    def beat(self) -> None:
        """Say that one turn is done."""
        self._last = time.monotonic()

    def age(self) -> float:
        """Seconds since the last beat."""
        return time.monotonic() - self._last

    @property
    def alive(self) -> bool:
        """Whether the last beat is recent enough."""
        return self.age() < self.limit_s


class Worker:
    """A thread that takes turns until told to stop; an unexpected exception ends it and is kept for the supervisor."""

    def __init__(self, name: str, turn: Callable[[], None], pulse: Pulse, failed: threading.Event) -> None:
        self.pulse = pulse
        self.fault: BaseException | None = None
        self._turn = turn
        self._failed = failed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Ask for the end and wait; False when the thread did not end in time."""
        self._stop.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._turn()
                self.pulse.beat()
        except Exception as error:  # noqa: BLE001 - any fault ends the process, the supervisor reports it once
            self.fault = error
            self._failed.set()
