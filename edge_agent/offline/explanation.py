"""What came of checking an alarm: values only, for whoever checks, derives or shows it."""

from __future__ import annotations

from dataclasses import dataclass, field

from edge_agent.core.evidence import Moves
from edge_agent.core.types import AlarmEvent
from edge_agent.core.voice import Voice


@dataclass(frozen=True, slots=True)
class Difference:
    """A stored row that is not what the others make of it."""

    row: str  # such as `verdict 812`
    what: str


@dataclass(slots=True)
class Derived:
    """What the stored readings gave."""

    events: list[AlarmEvent] = field(default_factory=list)  # revisions derived anew
    readings: int = 0  # of the asset, taken
    blocks: int = 0  # that held some
    texts: int = 0  # compared with a stored verdict
    differences: list[Difference] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision as stored, with what the model read for it and what moved its risk."""

    event: AlarmEvent
    text: str  # empty where no verdict is stored for it, or none belongs to it
    moves: Moves


@dataclass(slots=True)
class Explanation:
    """What came of checking one alarm."""

    alarm: str
    then: Voice | None  # who judged; None where it was not recorded
    now: Voice
    revisions: list[Revision] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)  # what could not be asked, and why
    derived: Derived | None = None  # None where the readings could not be asked
    verdicts: int = 0  # scored again
    logs: int = 0  # lines whose id was checked
    exact: bool = True  # the same runtime and processor: byte for byte

    @property
    def word(self) -> str:
        """The outcome: `verified`, `verified in part` or `differs`."""
        if self.differences:
            return "differs"
        return "verified in part" if self.unchecked else "verified"
