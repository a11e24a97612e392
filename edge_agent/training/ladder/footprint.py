"""What one verdict costs: milliseconds beside others in the same minutes, and memory in a process of its own.

Quality is none of its business. As a program (`python -m edge_agent.training.ladder.footprint PATH`) it opens a model
as the agent would, judges a while and prints its peak resident memory; torch is never imported by it.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np

from edge_agent.bundle.classify import open_session

Call = Callable[[], object]

TOKENS: Final = 96  # length of the text that all encoders are timed at
_WARM: Final = 20
_JUDGED: Final = 20  # verdicts before memory is read
_PATIENCE_S: Final = 120.0
_STATUS: Final = Path("/proc/self/status")
_PEAK: Final = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)  # getrusage would count the parent's before exec


def medians_ms(calls: Sequence[Call], rounds: int) -> list[float]:
    """Median milliseconds of each call; the calls take turns, so that a busy moment hits all of them."""
    for call in calls:
        for _ in range(_WARM):
            call()
    spent: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, seconds in zip(calls, spent, strict=True):
            began = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - began)
    return [median(seconds) * 1e3 for seconds in spent]


def session_call(path: Path) -> Call:
    """One run of an encoder on `TOKENS` tokens, batch 1, one thread, without its tokenizer."""
    session = open_session(path)
    ones = np.ones((1, TOKENS), dtype=np.int64)
    given = {entry.name: ones for entry in session.get_inputs()}
    return lambda: session.run(None, given)


def trees_call(path: Path) -> Call:
    """One prediction of boosted trees on a row of statistics, one thread."""
    import lightgbm  # noqa: PLC0415 - encoders are not to pay for its memory

    trees = lightgbm.Booster(model_file=str(path))
    row = np.zeros((1, trees.num_feature()), dtype=np.float32)
    return lambda: trees.predict(row, num_threads=1)


def peak_mb(*models: Path) -> float | None:
    """Peak resident memory of a process that opens the models and judges a while, MB; None where it is not known."""
    command = [sys.executable, "-m", "edge_agent.training.ladder.footprint", *map(str, models)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_PATIENCE_S)  # noqa: S603
    found = _PEAK.search(done.stdout)
    return None if found is None else int(found[1]) * 1024 / 1e6


def _judge_alone(models: Sequence[Path]) -> str:
    """The status of this process after it has judged by each of the models; empty where the system does not tell."""
    calls = [session_call(path) if path.suffix == ".onnx" else trees_call(path) for path in models]
    for call in calls:
        for _ in range(_JUDGED):
            call()
    return _STATUS.read_text(encoding="utf-8") if _STATUS.exists() else ""


if __name__ == "__main__":
    sys.stdout.write(_judge_alone([Path(argument) for argument in sys.argv[1:]]))
