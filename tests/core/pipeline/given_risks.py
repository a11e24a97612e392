"""Models that say given risks, and the events of a pump that has learnt and is given them."""

from __future__ import annotations

from collections.abc import Callable

from edge_agent.core.types import AlarmEvent, AlarmPolicy, Scores, Transition
from tests.core.pump import PUMP, events, noise, outcomes, pipeline, readings, scores

LEARNT = PUMP.baseline_steps  # windows before the first decided verdict
RAISED, CLEARED = Transition.RAISED, Transition.CLEARED
ALARMING = AlarmPolicy(on_windows=1, off_windows=1, raise_at=0.3, clear_at=0.2)


def in_turn(answers: list[Scores]) -> Callable[[str], Scores]:
    """A model that says the next answer of each window it is asked of, and the last one for ever.

    A text that lacks lines of the one before is the same window, looked at for what moved its risk.
    """
    left, lines, said = iter(answers), frozenset[str](), answers[-1]

    def score(text: str) -> Scores:
        nonlocal lines, said
        asked = frozenset(text.splitlines())
        if not asked < lines:
            lines, said = asked, next(left, answers[-1])
        return said

    return score


def by_step(risks: list[float], mode: str = "VIB") -> Callable[[str], Scores]:
    """A model that says the next of the risks of each window, and the last one for ever."""
    return in_turn([scores(risk, mode) for risk in risks])


def told(risks: list[float], policy: AlarmPolicy | None = None) -> list[AlarmEvent]:
    """The events of an asset that has learnt and then is given these risks, one a window."""
    target = pipeline(score=by_step([0.0] * LEARNT + risks), policy=policy)
    return events(outcomes(target, readings(noise(LEARNT + len(risks) + 1))))


def kinds(found: list[AlarmEvent]) -> list[tuple[str, Transition]]:
    """What happened to which alarm."""
    return [(event.kind, event.transition) for event in found]
