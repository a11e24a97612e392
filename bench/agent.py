"""The agent under measurement: a process started as a user starts it, and what the kernel tells of a process.

It inherits no settings of another agent, listens to its own notify socket, and is ended with the `with` block.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.figures import UnmeasuredError

READY_S = 60.0
STOP_S = 20.0
POLL_S = 0.002
_NOT_INHERITED = ("EDGE_AGENT__", "NOTIFY_SOCKET", "WATCHDOG_", "CREDENTIALS_DIRECTORY")
_TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")
_CPU_FIELDS = (11, 12)  # utime and stime, counted after the name of the command
_DATAGRAM = 4096


def cpu_s(pid: int) -> float:
    """Processor time of a process and all its threads. Source: proc(5), stat fields 14 and 15."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return sum(int(fields[i]) for i in _CPU_FIELDS) * _TICK_S


def resident_mb(pid: int) -> float:
    """Resident memory of a process in 10^6 bytes. Source: proc(5), status, VmRSS."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024 / 1e6


def wait_for(claim: Callable[[], bool], what: str, deadline_s: float, poll_s: float = POLL_S) -> None:
    """Look every so often until a claim holds.

    Raises:
        UnmeasuredError: it did not within the time.
    """
    end = time.monotonic() + deadline_s
    while not claim():
        if time.monotonic() > end:
            raise UnmeasuredError(f"not within {deadline_s:.0f} s: {what}")
        time.sleep(poll_s)


class Started:
    """A process whose output goes to a file."""

    def __init__(
        self,
        command: list[str],
        log: Path,
        environment: dict[str, str] | None = None,
        *,
        program: str = sys.executable,
        folder: Path | None = None,
    ) -> None:
        self.log = log
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
        with log.open("wb") as output:
            self.began = time.monotonic()
            self._process = subprocess.Popen(  # noqa: S603 - our own command lines
                [program, *command],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**inherited, **(environment or {})},
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def said(self, word: str) -> bool:
        """Whether its output holds a word.

        Raises:
            UnmeasuredError: it has ended without it.
        """
        ended = self._process.poll() is not None
        found = word.encode() in self.log.read_bytes()
        if ended and not found:
            raise UnmeasuredError(f"ended with {self._process.returncode}: {self._tail()}")
        return found

    def wait(self, deadline_s: float) -> None:
        """Let it end by itself.

        Raises:
            UnmeasuredError: it did not within the time.
        """
        try:
            self._process.wait(deadline_s)
        except subprocess.TimeoutExpired as error:
            raise UnmeasuredError(f"not done within {deadline_s:.0f} s: {self._tail()}") from error

    def stop(self) -> None:
        """Ask it to end, insist later; safe to call twice."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait()

    def _tail(self) -> str:
        return " / ".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-3:])


class Agent(Started):
    """`python -m edge_agent run CONFIG`, or what stands in its place and takes a configuration last."""

    def __init__(self, config: Path, *, command: Sequence[str] = ("-m", "edge_agent", "run")) -> None:
        address = config.with_name(f"notify-{time.monotonic_ns()}")
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(str(address))
        self._notify.settimeout(0.2)
        super().__init__([*command, str(config)], config.with_suffix(".log"), {"NOTIFY_SOCKET": str(address)})

    def ready_s(self) -> float:
        """Seconds from the start of the process until it has told READY=1.

        Raises:
            UnmeasuredError: it ended, or said nothing for `READY_S`.
        """
        while time.monotonic() < self.began + READY_S:
            with suppress(TimeoutError):
                if b"READY=1" in self._notify.recv(_DATAGRAM):
                    return time.monotonic() - self.began
            if self._process.poll() is not None:
                raise UnmeasuredError(f"the agent ended with {self._process.returncode}: {self._tail()}")
        raise UnmeasuredError(f"the agent was not ready within {READY_S:.0f} s: {self._tail()}")

    def stop(self) -> None:
        """As for any process; the socket goes with it."""
        super().stop()
        self._notify.close()

    def kill(self) -> None:
        """As for any process; the socket goes with it."""
        super().kill()
        self._notify.close()
