"""What the report model learns from: the truth of the simulator, and summaries that tell it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.bundle.load import load_bundle
from edge_agent.core.facts import STYLES, Facts
from edge_agent.core.grammar import MOST_NAMED
from edge_agent.core.report import ASK, NEEDED, grammar_of, named, prompt, realise
from edge_agent.simulate.faults import find_fault
from edge_agent.simulate.history import simulate_run
from edge_agent.training.report.data import IGNORED, LONGEST, Alarm, alarms_of, rows, vocabulary
from edge_agent.training.report.target import target
from edge_agent.training.report.truth import moved, standing
from tests.bundle.tiny import TINY
from tests.core.told_facts import BEARING, any_facts

pytestmark = pytest.mark.train

WORDS = vocabulary(["bearing noisy", "bearing hot"])
ALARM = Alarm(BEARING, ("vib_de_mms", "bearing_temp_de_c"), ("vib_de_mms",), 0.9, "VIB", 1)


@given(any_facts(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_grammar_lets_every_target_through(facts: Facts, dice: object) -> None:
    order = list(range(1, len(facts.channels) + 1))
    dice.shuffle(order)  # type: ignore[attr-defined]  # random.Random, which hypothesis does not export
    summary = target(facts, order[:MOST_NAMED])

    assert summary is None or grammar_of(facts).accepts(summary)


@pytest.mark.parametrize("style", range(STYLES))
@pytest.mark.parametrize("told", [(1,), (2, 1), (3, 1), (1, 2, 3), (3, 1, 2)])
def test_a_target_names_what_it_is_told_the_leading_one_first(style: int, told: tuple[int, ...]) -> None:
    summary = target(replace(BEARING, style=style), told)

    assert summary is not None
    assert named(summary)[0] == told[0]
    assert set(named(summary)) == set(told)


def test_styles_differ_in_their_words() -> None:
    texts = {realise(target(replace(BEARING, style=s), [1, 2]) or (), grammar_of(BEARING)) for s in range(STYLES)}

    assert None not in texts
    assert len(texts) > STYLES // 2


def test_a_fault_moves_its_channels_once_it_shows_and_no_more_after_the_repair() -> None:
    run = simulate_run("pump", 9, fault="bearing_wear_de", steps=400)
    assert run.failure is not None
    assert run.repaired is not None
    driven = {effect.channel for effect in find_fault("pump", "bearing_wear_de").effects}

    assert run.onset is not None
    assert run.severity[run.onset + 5] > 0
    assert moved(run, run.onset + 5) == ()  # it is there, but too slight to be seen
    assert moved(run, run.failure)[0] == "vib_de_mms"
    assert set(moved(run, run.failure)) <= driven
    assert moved(run, run.repaired) == ()


def test_of_a_failing_instrument_its_channel_alone_is_moved() -> None:
    run = simulate_run("pump", 9, fault="sensor_drift", steps=300)
    assert run.failure is not None

    assert moved(run, run.failure) == (run.channel,)


def test_a_healthy_machine_has_no_alarms_and_a_failing_one_only_while_it_runs() -> None:
    bundle = load_bundle(TINY)
    healthy = simulate_run("fan", 4, fault=None, steps=200)
    failing = simulate_run("fan", 4, fault="belt_slip", steps=300)
    alarms = list(alarms_of([(0, healthy), (1, failing)], bundle, per_run=6))

    assert {alarm.run for alarm in alarms} == {1}
    assert 0 < len(alarms) <= 6
    for alarm in alarms:
        step = int(np.searchsorted(failing.times, alarm.facts.time - failing.spec.step_s))
        assert alarm.truth == moved(failing, step) != ()
        assert not standing(failing, step)


def test_a_row_is_prompt_and_summary_with_the_truth_about_each_candidate() -> None:
    made = rows([ALARM], WORDS, seed=1)
    first = int(made.begins[0])

    assert len(made) > 1
    assert made.lengths.max() <= LONGEST
    for ids, begin, asked, told in zip(made.ids, made.begins, made.asked, made.told, strict=True):
        places = asked[told != IGNORED]
        assert [WORDS[i][:2] for i in ids[places]] == ["<S"] * len(places)
        assert WORDS[ids[places[0] - 1]] == ASK
        assert WORDS[ids[begin - 1]] == "[WRITE]"
        assert told[0] == 1  # the channel that is moved most is never left out
    assert WORDS[made.ids[0][first]] != "[PAD]"


def test_the_vocabulary_holds_what_every_bundle_needs_and_frequent_words() -> None:
    assert set(NEEDED) <= set(WORDS)
    assert "log:bearing" in WORDS
    assert "log:noisy" not in WORDS
    assert "name:vib" in WORDS
    assert len(set(WORDS)) == len(WORDS)


def test_what_the_model_reads_is_mostly_known() -> None:
    unknown = [token for token in prompt(replace(BEARING, log="")) if token not in WORDS]

    assert unknown == []
