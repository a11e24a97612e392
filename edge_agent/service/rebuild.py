"""Journal → pipeline at start, and the snapshot that makes the next start short.

What was on disk when the process ended is all that is known here: snapshot first, then the readings after it, and
conditions as their last commit left them. Called before the engine's first turn, or between two; nothing is judged,
told or acknowledged here.
"""

from __future__ import annotations

import logging

from edge_agent.core import snapshot
from edge_agent.core.pipeline import Pipeline
from edge_agent.ports import Journal

logger = logging.getLogger(__name__)

SNAPSHOT_BLOCK = "tracks_block"  # id of the last block of readings inside the `tracks` snapshot


def rebuild(pipeline: Pipeline, journal: Journal) -> int:
    """Put windows, baselines, conditions and recent log lines back; how many readings were pushed again for it."""
    states = journal.states()
    block = _restore_tracks(pipeline, states) if snapshot.TRACKS in states else 0
    pipeline.judging = False
    replayed = 0
    for _, readings in journal.readings_since(block):
        for reading in readings:
            pipeline.reading(reading)
        replayed += len(readings)
    pipeline.judging = True
    for name, blob in states.items():
        if name.startswith(snapshot.ALARMS):
            _restore_alarms(pipeline, name.removeprefix(snapshot.ALARMS), blob)
    for key, state in pipeline.alarms.items():
        event = journal.newest_event(state.id) if state.open else None
        if event is not None:
            pipeline.newest[key] = event
    newest = [t.newest for w in pipeline.windowers.values() for t in w.tracks.values()]
    horizon = max((w.spec.log_horizon_s for w in pipeline.windowers.values()), default=0.0)
    if newest:
        for line in journal.recent_logs(min(newest) - horizon):
            pipeline.log(line)
    return replayed


def snapshot_states(pipeline: Pipeline, journal: Journal) -> dict[str, bytes]:
    """The named states of a snapshot as of now; every reading the pipeline has taken must be in the journal."""
    return {
        snapshot.TRACKS: snapshot.dump_tracks(pipeline),
        SNAPSHOT_BLOCK: str(journal.last_block()).encode(),
    }


def _restore_tracks(pipeline: Pipeline, states: dict[str, bytes]) -> int:
    """Load the snapshot; the block after which readings are pushed again: all of them where it is damaged (G4)."""
    try:
        left_out = snapshot.load_tracks(pipeline, states[snapshot.TRACKS])
        block = int(states.get(SNAPSHOT_BLOCK, b"0"))
    except ValueError as error:
        logger.error("snapshot_damaged error=%s (rebuilt from the readings on disk)", error)  # noqa: TRY400
        return 0
    if left_out:
        logger.warning("baseline_dropped assets=%d reason=class_changed first=%s", len(left_out), left_out[0])
    return block


def _restore_alarms(pipeline: Pipeline, asset: str, blob: bytes) -> None:
    try:
        snapshot.load_alarms(pipeline, asset, blob)
    except ValueError as error:
        logger.error("conditions_damaged asset=%s error=%s (they begin anew)", asset, error)  # noqa: TRY400
