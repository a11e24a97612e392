"""Windows and log lines → text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.text import (
    AGES,
    DULL,
    LEVELS,
    MAX_CHANNELS,
    MAX_LOG_CHARACTERS,
    ORDINALS,
    VALUES,
    ZS,
    age,
    clean,
    level_ordinal,
    ordinals,
    parts,
    render,
    shown,
    z_ordinal,
)
from edge_agent.core.types import ChannelState, LogLine, Window
from tests.core.pump import channel, window

GOLDEN = Path(__file__).parents[1] / "data" / "golden_texts.txt"
END = window().end
HOUR = 3600.0
Z = st.floats(-1000, 1000)
LEVEL = st.one_of(
    st.floats(0, 1), st.floats(-10, 11), st.sampled_from((0.0, 0.0005, 0.005, 0.01, 0.29, 0.99, 0.9995, 1.0))
)
PIECES = (
    *ORDINALS[::7], "q", "z", "+", "-", "5", "?", "under", "over", "1", " ", "\n", "<1h", "log", "silent vib", "cond 3",
    "Q50", "\uff3150", "q\u200b50", "\u2028", "\x00", "é", "[CLS]", '"', "\u0130", "\ud800",
)  # fmt: skip
HOSTILE = st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join))


def line(text: str, hours: float = 1.0) -> LogLine:
    """A log line so many hours before the end of the window."""
    return LogLine("p1", END - hours * HOUR, text)


# --------------------------------------------------------------------------------------------- the golden file

LEARNT = (0.5, 0.52, 0.51)
DRIFT = (
    channel("vib", 12.4, levels=(0.97, 0.93, 0.88), trend=6.0, slope=9.5, spread=1.1),
    channel("temp", 2.2, unit="degC", levels=(0.71, 0.68, 0.66), trend=0.8, slope=1.4, spread=0.2),
    channel("flow", -1.0, unit="m3/h", levels=(0.40, 0.44, 0.47), trend=-0.6, slope=-0.9, spread=-0.1),
    channel("joint_spe", 4.0, unit="", component="", trend=2.0, slope=3.1, spread=0.7),
)
CASES: dict[str, tuple[Window, Sequence[LogLine]]] = {
    "healthy: channels that have not moved say nothing": (
        window(channel("vib", 0.01, levels=LEARNT), channel("temp", 0.3, levels=LEARNT, trend=-0.2), regime=0),
        (),
    ),
    "drift: the most unusual first": (window(*DRIFT, regime=2), ()),
    "unknown class: no level": (window(channel("vib", 3.0, trend=1.0), channel("temp", -0.4)), ()),
    "tails and beyond the class": (
        window(
            channel("a", 5.0, levels=(0.0001, 0.0007, 0.0015)), channel("b", 4.0, levels=(0.003, 0.007, 0.0123)),
            channel("c", 3.0, levels=(0.9999, 0.9991, 0.9985)), channel("d", 2.0, levels=(0.997, 0.993, 0.985)),
            channel("e", 1.0, levels=(-0.2, -1.0, -9.0)), channel("f", 0.5, levels=(1.2, 2.0, 9.0)), regime=0,
        ),
        (),
    ),
    "silent channels": (window(channel("vib", 0.5), silent=("temp", "flow")), ()),
    "learning": (window(channel("vib", 0.2), learning=True, regime=1), ()),
    "zones come first": (
        window(channel("vib", 9.0), channel("temp", 0.0, zone="warning"), channel("flow", 0.2, zone="alarm")),
        (),
    ),
    "logs: newest first, none can write a word of ours": (
        window(channel("vib", 2.0)),
        (
            line("Bearing NOISY at drive-end, greased.", 7.5),
            line("vib q99 z+31 over4 under1 q? z-02", 0.5),
            line("ok\nsilent temp\nlog <1h all good\r\n\x1b[2J[CLS]<script>alert(1)</script>", 20.0),
            line("Lager heiß — Öl gewechselt (50 °C, 3.5 bar) " + "x" * 200, 100.0),
            line("seal replaced", 24 * 30),
        ),
    ),
}  # fmt: skip


def test_rendered_texts_are_those_of_the_golden_file(pytestconfig: pytest.Config) -> None:
    found = "\n".join(f"== {name}\n{render(*case)}\n" for name, case in CASES.items())
    if pytestconfig.getoption("--regenerate-golden"):
        GOLDEN.write_text(found, encoding="utf-8")

    assert found == GOLDEN.read_text(encoding="utf-8")


# --------------------------------------------------------------------------------------------- ordinals


@given(first=LEVEL, second=LEVEL)
@settings(max_examples=300)
def test_level_words_never_fall_when_the_level_rises(first: float, second: float) -> None:
    low, high = sorted((first, second))

    assert 0 <= level_ordinal(low) <= level_ordinal(high) < len(LEVELS)


@given(first=Z, second=Z)
def test_z_words_never_fall_when_z_rises(first: float, second: float) -> None:
    low, high = sorted((first, second))

    assert 0 <= z_ordinal(low) <= z_ordinal(high) < len(ZS)


@given(z=Z)
def test_z_words_are_the_same_on_both_sides_of_zero(z: float) -> None:
    assert z_ordinal(z) + z_ordinal(-z) == len(ZS) - 1


@pytest.mark.parametrize(
    ("level", "word"),
    [
        (-4.0, "under4"), (-1.5, "under3"), (-0.5, "under2"), (-1e-9, "under1"),
        (0.0, "q00d"), (0.0005, "q00c"), (0.001, "q00b"), (0.002, "q00a"), (0.005, "q00"), (0.01, "q01"),
        (0.505, "q50"), (0.99, "q99"), (0.9975, "q99a"), (0.9985, "q99b"), (0.9992, "q99c"), (0.9996, "q99d"),
        (1.0, "q99d"), (1.001, "over1"), (1.5, "over2"), (2.5, "over3"), (5.0, "over4"),
    ],
)  # fmt: skip
def test_a_level_has_its_word(level: float, word: str) -> None:
    assert LEVELS[level_ordinal(level)] == word


def test_every_level_word_stands_for_some_level() -> None:
    levels = [*(i / 20000 for i in range(20001)), *(s * d for s in (-1, 1) for d in (0.2, 1.0, 2.0, 5.0))]
    levels = [level if 0 <= level <= 1 and level not in {0.2, 1.0} else level + (level > 0) for level in levels]

    assert {level_ordinal(level) for level in levels} == set(range(len(LEVELS)))


@pytest.mark.parametrize(
    ("z", "word"), [(0.0, "z+00"), (0.0417, "z+01"), (-1.0, "z-11"), (1000.0, "z+60"), (-75.0, "z-60")]
)
def test_a_z_has_its_word(z: float, word: str) -> None:
    assert ZS[z_ordinal(z)] == word


def test_no_ordinal_word_means_two_things() -> None:
    assert len(set(ORDINALS)) == len(ORDINALS)


def test_the_seven_ordinals_stand_in_their_order() -> None:
    moved = channel("vib", 1.0, levels=(0.1, 0.2, 0.3), trend=2.0, slope=3.0, spread=-1.0)

    assert [ORDINALS[i] for i in ordinals(moved)] == ["q10", "q20", "q30", "z+11", "z+17", "z+22", "z-11"]
    assert [ORDINALS[i] for i in ordinals(channel())][:3] == ["q?"] * 3


# --------------------------------------------------------------------------------------------- channel lines

CHANNEL = st.builds(
    ChannelState,
    name=st.from_regex(r"[a-z]{1,4}_[a-z0-9]{1,4}", fullmatch=True),
    unit=st.just("bar"),
    component=st.just(""),
    value=st.just(1.0),
    baseline=st.just(1.0),
    levels=st.none() | st.tuples(LEVEL, LEVEL, LEVEL),
    shift=Z,
    trend=Z,
    slope=Z,
    spread=st.floats(-8, 10),
    zone=st.sampled_from(("normal", "warning", "alarm")),
)


@given(channels=st.lists(CHANNEL, max_size=MAX_CHANNELS + 4, unique_by=lambda c: c.name))
def test_a_channel_line_is_a_name_seven_ordinals_and_perhaps_a_zone(channels: list[ChannelState]) -> None:
    head, *rest = render(window(*channels)).split("\n")

    assert head == "pump"
    assert len(rest) <= MAX_CHANNELS
    for written in rest:
        name, *words = written.split(" ")
        own = next(c for c in channels if c.name == name)
        assert [word for word in words if word in ORDINALS] == words[:VALUES]
        assert words[VALUES:] == ([] if own.zone == "normal" else [own.zone])


@given(channels=st.lists(CHANNEL, min_size=2, max_size=MAX_CHANNELS + 4, unique_by=lambda c: c.name))
def test_what_is_left_out_is_never_more_unusual_than_what_is_shown(channels: list[ChannelState]) -> None:
    found = shown(window(*channels))
    left_out = [c for c in channels if c not in found]
    keys = [(c.zone != "normal", c.oddity) for c in found]

    assert keys == sorted(keys, reverse=True)
    if len(found) == MAX_CHANNELS:
        assert all((c.zone != "normal", c.oddity) <= keys[-1] for c in left_out)
    else:
        assert all(c.oddity <= DULL and c.zone == "normal" for c in left_out)


@given(channels=st.lists(CHANNEL, max_size=8, unique_by=lambda c: c.name), data=st.data())
def test_the_order_of_channels_and_logs_does_not_change_the_text(
    channels: list[ChannelState], data: st.DataObject
) -> None:
    logs = [line("a", 1), line("b", 1), line("c", 2)]

    expected = render(window(*channels), logs)
    assert render(window(*data.draw(st.permutations(channels))), data.draw(st.permutations(logs))) == expected


# --------------------------------------------------------------------------------------------- log lines


@given(text=HOSTILE)
@settings(max_examples=500)
def test_a_log_line_cannot_write_an_ordinal_an_age_or_a_line_of_ours(text: str) -> None:
    plain = render(window(channel("vib", 2.0))).split("\n")
    *before, log = render(window(channel("vib", 2.0)), [line(text)]).split("\n")
    words = log.split(" ")

    assert before == plain
    assert words[:2] == ["log", "<8h"]
    assert not {*ORDINALS, *(word for _, word in AGES)}.intersection(words[2:])
    assert log.isprintable()


@given(text=HOSTILE)
def test_no_ordinal_stands_between_other_characters_of_a_log_line_either(text: str) -> None:
    """A tokenizer finds an added word wherever no letter or digit stands beside it."""
    ours = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, ORDINALS)) + r")(?!\w)")

    assert not ours.search(clean(text))


@given(text=HOSTILE)
def test_a_cleaned_line_is_short_and_cleaning_it_again_changes_nothing(text: str) -> None:
    assert len(clean(text)) <= MAX_LOG_CHARACTERS
    assert clean(clean(text)) == clean(text)


def test_ordinary_words_of_technicians_are_kept() -> None:
    assert clean("  Replaced SEAL (2x), 50 °C; pump #3 o.k.?  ") == "replaced seal (2x), 50 °c; pump #3 o.k.?"
    assert clean("queue overheated, undersized") == "queue overheated, undersized"


@pytest.mark.parametrize(
    ("hours", "word"), [(0.0, "<1h"), (1.0, "<8h"), (8.0, "<1d"), (24.0, "<1w"), (168.0, ">1w"), (1e9, ">1w")]
)
def test_an_age_falls_into_its_bucket(hours: float, word: str) -> None:
    assert age(hours * HOUR) == word


def test_a_log_line_of_the_future_is_new() -> None:
    assert render(window(), [line("clock ahead", -5)]) == "pump\nlog <1h clock ahead"


# --------------------------------------------------------------------------------------------- taken apart


@given(channels=st.lists(CHANNEL, max_size=6, unique_by=lambda c: c.name), logs=st.lists(HOSTILE, max_size=3))
def test_a_text_taken_apart_gives_the_same_text_again(channels: list[ChannelState], logs: list[str]) -> None:
    given_ = window(*channels, silent=("temp", "flow"), regime=3)
    text = render(given_, [LogLine("p1", END - 60.0 * i, said) for i, said in enumerate(logs)])
    found = parts(text)

    assert found.text == text
    assert [line.split(" ")[0] for line in found.channels] == [c.name for c in shown(given_)]
    assert (found.silent, len(found.logs)) == (("silent temp flow",), len(logs))


def test_channels_called_log_and_silent_are_channels() -> None:
    found = parts(render(window(channel("log", 3.0), channel("silent", 2.0), silent=("q50",)), [line("noisy", 0.5)]))

    assert [name.split(" ")[0] for name in found.channels] == ["log", "silent"]
    assert (found.silent, found.logs) == (("silent q50",), ("log <1h noisy",))


@pytest.mark.parametrize("learning", [True, False])
def test_a_text_says_whether_the_baseline_is_still_learned(learning: bool) -> None:  # noqa: FBT001 - a table
    assert parts(render(window(channel("vib", 2.0), learning=learning, regime=1))).learning is learning
