"""What of a batch that cannot be written is kept in memory, and what makes way (promise G3).

The order is declared: commands of QoS 0, readings, verdicts and log lines of QoS 0 beyond their bounds, and all but the
newest state of a group; what the broker waits to see acknowledged is bounded by the link, and alarms are never dropped.
"""

from __future__ import annotations

from edge_agent.core.wire import LANE_STATE
from edge_agent.ports import Batch

MOST_READINGS = 50_000  # of QoS 0; about 10 MB
MOST_LOGS = 5_000  # of QoS 0; a line has up to 4,000 characters
MOST_VERDICTS = 10_000  # with their texts, about 10 MB
UNWRITABLE = "unwritable"  # cause


def trim(batch: Batch) -> int:
    """Number of verdicts dropped, the oldest; of states that wait to be told only the newest of each group stays."""
    newest = {message.group: message.key for message in batch.outgoing if message.lane == LANE_STATE}
    batch.outgoing = [m for m in batch.outgoing if m.lane != LANE_STATE or newest[m.group] == m.key]
    over = max(len(batch.verdicts) - MOST_VERDICTS, 0)
    del batch.verdicts[:over]
    return over
