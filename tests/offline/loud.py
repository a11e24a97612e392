"""A risk model for tests: it finds a text the riskier the more channels lie far from their baseline. No randomness."""

from __future__ import annotations

import re

from edge_agent.core.pipeline import Judge
from edge_agent.core.types import Scores
from edge_agent.ports import ModelInfo

FAR = 30  # ordinal of |z| of about 6
_Z = re.compile(r" z([+-]\d+)")
_JOINT = "joint_"  # how channels move together: a matter of chance after a baseline of 20 steps


class LoudModel:
    """RiskModel: 1 - 0.5 ** (number of far words); `VIB` where there is one. `texts` holds what it was asked."""

    def __init__(self, threshold: float = 0.5) -> None:
        self.info = ModelInfo("loud", "1", "0" * 64, ("none", "VIB"), threshold, "within 30 steps")
        self.texts: list[str] = []

    def score(self, text: str) -> Scores:
        self.texts.append(text)
        lines = [line for line in text.splitlines() if not line.startswith(_JOINT)]
        loud = sum(abs(int(word)) >= FAR for line in lines for word in _Z.findall(line))
        return Scores(1.0 - 0.5**loud, (0.0, 1.0) if loud else (1.0, 0.0))

    def judge(self) -> Judge:
        """The model as the pipeline sees it."""
        return Judge(score=self.score, labels=self.info.labels, threshold=self.info.threshold)
