"""How long to wait before the next try, as a function of what is passed in: no clock, no random source of its own."""

from __future__ import annotations

_MAX_DOUBLINGS = 30  # 2 ** 30 s is beyond any cap; a larger exponent only risks an overflow


def delay(attempt: int, random01: float, base: float = 1.0, cap: float = 60.0) -> float:
    """Seconds before try number `attempt` (0 first): doubled each time up to `cap`, then jittered to half..whole of it.

    `random01` lies in 0..1. Half of the wait is kept fixed, so that a gateway never hammers the broker; the other half
    is random, so that hundreds of gateways do not come back in the same second.
    Source: "equal jitter", M. Brooker, Exponential Backoff And Jitter, 2015.
    """
    whole = min(cap, base * 2.0 ** min(max(attempt, 0), _MAX_DOUBLINGS))
    return whole / 2 + whole / 2 * random01
