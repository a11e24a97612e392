"""Facts for the tests of summaries: a bearing that fails, and any facts whatever."""

from __future__ import annotations

import random
import string

from hypothesis import strategies as st

from edge_agent.core.facts import MAX_CHANNELS, STYLES, ChannelFact, Facts
from edge_agent.core.grammar import Grammar
from edge_agent.core.modes import MODES
from edge_agent.core.text import ORDINALS, clean

WORDS = ("q93", "z+31", "z+12", "z+09", "z-02")
AT = 1_760_000_000.0


def channel(name: str, value: float, baseline: float, *, unit: str = "mm/s", component: str = "motor") -> ChannelFact:
    """A channel far from its normal that no longer moves."""
    return ChannelFact(name, component, unit, value, baseline, size=2, motion=0, ordinals=WORDS)


BEARING = Facts(
    asset="pump-07",
    asset_class="pump",
    mode="VIB",
    first=AT,
    time=AT + 120.0,
    channels=(
        channel("vib_de_mms", 4.21, 2.03, component="drive-end bearing"),
        channel("bearing_temp_de_c", 61.2, 50.1, unit="°C"),
        channel("flow_m3h", 80.0, 85.0, unit="m³/h"),
    ),
    log="bearing noisy at drive end",
    style=3,
)

_name = st.text(string.ascii_lowercase + "_", min_size=1, max_size=20)
_size = st.floats(0.01, 1e6)


@st.composite
def channels(draw: st.DrawFn) -> ChannelFact:
    """Any channel that reads otherwise than its normal."""
    baseline = draw(_size)
    return ChannelFact(
        name=draw(_name),
        component=draw(st.sampled_from(["", "motor", "drive-end bearing", "high-pressure compressor stage"])),
        unit=draw(st.sampled_from(["", "mm/s", "°C", "m³/h", "parts per million"])),
        value=baseline * draw(st.sampled_from([0.1, 0.5, 1.5, 20.0])),
        baseline=baseline,
        size=draw(st.integers(0, 2)),
        motion=draw(st.integers(-1, 1)),
        ordinals=tuple(draw(st.lists(st.sampled_from(ORDINALS), min_size=5, max_size=5))),
    )


@st.composite
def any_facts(draw: st.DrawFn) -> Facts:
    """Any facts: from no channel to the most, with and without mode and log, hostile lines among them."""
    told = draw(st.lists(channels(), max_size=MAX_CHANNELS, unique_by=lambda c: c.name))
    return Facts(
        asset=draw(_name),
        asset_class="pump",
        mode=draw(st.sampled_from(sorted(MODES))),
        first=AT,
        time=AT + draw(st.sampled_from([0.0, 60.0, 200_000.0])),
        channels=tuple(told),
        log=clean(draw(st.text(max_size=300))),
        style=draw(st.integers(0, STYLES - 1)),
    )


def walk(grammar: Grammar, seed: int) -> tuple[str, ...]:
    """A summary chosen by dice; empty where the facts allow none."""
    dice = random.Random(seed)
    state, tokens = grammar.start, []
    while not state.done:
        allowed = sorted(grammar.allowed(state))
        if not allowed:
            break
        tokens.append(dice.choice(allowed))
        state = grammar.advance(state, tokens[-1])
    assert state.done or not tokens, f"a dead end after {tokens}"
    return tuple(tokens)
