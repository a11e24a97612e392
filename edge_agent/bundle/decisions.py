"""A configuration and a bundle → the decisions they make together: what `run` and `explain` both judge by.

Wiring of pure parts only; no thread, no file but those of the bundle.
"""

from __future__ import annotations

from collections.abc import Callable

from edge_agent import __version__
from edge_agent.bundle.load import Bundle
from edge_agent.bundle.manifest import format_manifest
from edge_agent.bundle.runtime import processor, runtime
from edge_agent.config import Config
from edge_agent.core.cache import RememberedScores
from edge_agent.core.identity import digest
from edge_agent.core.pipeline import Judge
from edge_agent.core.verdict import Score
from edge_agent.core.voice import Voice
from edge_agent.ports import ModelInfo


def judge_of(config: Config, bundle: Bundle, counted: Callable[[bool], None]) -> Judge:
    """Who judges; `counted` is told of every text scored whether it was remembered."""
    info, texts = bundle.risk.info, config.bundle.cache_texts
    score = RememberedScores(bundle.risk.score, texts, counted) if texts else bundle.risk.score
    return judge_by(info, score, voice_of(config, bundle).key)


def judge_by(info: ModelInfo, score: Score, voice: str = "") -> Judge:
    """A judge with the labels and thresholds of a model."""
    return Judge(
        score=score, labels=info.labels, threshold=info.threshold, stranger_threshold=info.stranger_threshold,
        voice=voice,
    )  # fmt: skip


def voice_of(config: Config, bundle: Bundle) -> Voice:
    """The name of who judges here: kept beside the alarms, so that they can be derived again."""
    info = bundle.risk.info
    rules = (repr(config.class_specs()), repr(config.catalogue.classes), repr(config.policy()))
    return Voice(
        model=info.name,
        version=info.version,
        sha256=info.sha256,
        bundle=digest(format_manifest(bundle.manifest)),
        rules=digest(*rules),
        runtime=runtime(),
        processor=processor(),
        agent=__version__,
    )
