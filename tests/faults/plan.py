"""What the machines of a run say: messages with unique ids, drawn from a seed.

The id of a reading is (asset, channel, serial); the serial lies in the low bits of its value, exactly, because values
are float32 in the journal: 64 ≤ value < 128 has steps of 2^-17, of which the lower 2^14 are the serial and the upper
512 are what the machine measures. So a stored value says which message it came from, and no other can look like it.

Kinds of messages: readings that bear their time (the alarms and verdicts on them can be repeated exactly), bare numbers
whose time is that of arrival (a redelivery is no repeat of the same reading), and log lines.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass

STEP_S = 60.0
TIMED = ("motor-1", "motor-2", "motor-3", "motor-4", "motor-5", "motor-6")
CHANNELS = ("vib", "temp")
UNTIMED = "gauge-1"
GUSH = "gush-1"  # of a class in which every reading brings a window and a verdict; said by `flood` only
HIGH = 112.0  # hard limit of vib
LOWEST, LEVELS, SERIALS = 64.0, 512, 1 << 14
_STEP, _GRAIN = 2.0**-3, 2.0**-17
_USUAL, _EXCITED = (100, 260), (300, 512)  # levels of a sound machine and of one that alarms
_EXCITE, _CALM = 0.06, 0.4  # chances per step that a machine goes bad, and is well again
_LOG, _UNTIMED = 0.08, 0.25  # chances per step of a log line and of a bare number


@dataclass(frozen=True, slots=True)
class Message:
    """One message and what it must be in the journal: a reading's (asset, channel, value), or a log line's text."""

    number: int
    topic: str
    payload: bytes
    stored: tuple[str, str, float | str]
    time: float | None  # None where the message bears none


class Plan:
    """Hands out messages; the same seed and the same calls give the same messages."""

    def __init__(self, seed: int, start: float) -> None:
        self.messages: list[Message] = []
        self._rng, self._start = random.Random(f"plan {seed}"), start
        self._steps: Counter[str] = Counter()
        self._serials: Counter[tuple[str, str]] = Counter()
        self._bad: set[str] = set()

    def burst(self, steps: int) -> list[Message]:
        """The next messages: so many steps of machines drawn at random, complete, with what is said meanwhile."""
        first = len(self.messages)
        for _ in range(steps):
            asset = self._rng.choice(TIMED)
            time = self._start + STEP_S * self._steps[asset]
            self._steps[asset] += 1
            self._turn(asset)
            if self._rng.random() < _LOG:
                self._log(asset, time)
            if self._rng.random() < _UNTIMED:
                self._reading(UNTIMED, "vib", None)
            for number, channel in enumerate(self._rng.sample(CHANNELS, len(CHANNELS))):
                self._reading(asset, channel, time + number)
        return self.messages[first:]

    def _turn(self, asset: str) -> None:
        """Let a machine go bad, or be well again, now and then."""
        if self._rng.random() < (_CALM if asset in self._bad else _EXCITE):
            self._bad ^= {asset}

    def _reading(self, asset: str, channel: str, time: float | None) -> None:
        serial = self._serials[asset, channel]
        self._serials[asset, channel] += 1
        assert serial < SERIALS, f"the ids of {asset}/{channel} are used up: a shorter run"
        low, high = _EXCITED if asset in self._bad and channel == "vib" else _USUAL
        value = LOWEST + self._rng.randrange(low, high) * _STEP + serial * _GRAIN
        if time is None:
            topic, payload = f"raw/{asset}/{channel}", str(value)
        else:
            topic, payload = f"plant/{asset}/{channel}", json.dumps({"value": value, "ts": time})
        self._add(topic, payload, (asset, channel, value), time)

    def _log(self, asset: str, time: float) -> None:
        text = f"note {len(self.messages)}: {self._rng.choice(('noisy bearing', 'greased', 'runs hot', 'all well'))}"
        self._add(f"logs/{asset}", json.dumps({"text": text, "ts": time}), (asset, "log", text), time)

    def _add(self, topic: str, payload: str, stored: tuple[str, str, float | str], time: float | None) -> None:
        self.messages.append(Message(len(self.messages), topic, payload.encode(), stored, time))
