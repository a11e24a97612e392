"""The bundle that is shipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_agent.bundle.load import Bundle, load_bundle, read_golden
from edge_agent.core.modes import MODES
from edge_agent.core.text import render
from edge_agent.simulate.machines import CLASSES
from edge_agent.training import cmapss
from edge_agent.training.runs import windows_of

DEFAULT = Path(__file__).parents[2] / "models" / "default"
DATA = Path(os.environ.get("EDGE_AGENT_DATA", Path(__file__).parents[3] / "shared" / "data"))
ONE_ENGINE = 0.025  # what one engine of 93 moves F1 by, and another processor may


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """The shipped bundle."""
    return load_bundle(DEFAULT)


def test_it_is_small_enough_for_a_gateway() -> None:
    assert sum(path.stat().st_size for path in DEFAULT.iterdir()) <= 10_000_000


def test_it_names_the_modes_that_people_have_words_for(bundle: Bundle) -> None:
    assert bundle.risk.info.labels == tuple(MODES)


def test_it_knows_turbofans_and_every_simulated_class(bundle: Bundle) -> None:
    assert set(bundle.references) == {"turbofan", *CLASSES}


def test_its_self_test_has_risky_and_sound_cases(bundle: Bundle) -> None:
    risks = [case.risk for case in read_golden(DEFAULT)]

    assert min(risks) < 0.5 * bundle.manifest.threshold
    assert max(risks) > bundle.manifest.threshold


def test_its_figures_stand_in_its_card(bundle: Bundle) -> None:
    card = (DEFAULT / "MODEL_CARD.md").read_text(encoding="utf-8")

    for name in ("fd001_f1", "fd001_pr_auc", "transfer_pr_auc", "simulator_pr_auc"):
        assert f"{float(bundle.manifest.figures[name]):.3f}" in card


def test_every_source_it_learned_from_has_a_licence_that_allows_it(bundle: Bundle) -> None:
    allowed = ("MIT", "Apache-2.0", "US Government work", "as this project")

    assert all(source.licence in allowed for source in bundle.manifest.data)


def test_a_worn_out_machine_scores_higher_than_a_new_one(bundle: Bundle) -> None:
    sound = "turbofan cond 0\n" + "\n".join(f"{c} q50 q50 q50 z+02 z-01 z+01 z+00" for c in ("Ps30", "T50", "phi"))
    worn = (
        "turbofan cond 0\nPs30 q98 q96 q94 z+35 z+13 z+15 z+01\nT50 q99b q98 q95 z+36 z+20 z+25 z+04\n"
        "phi q01 q02 q03 z-35 z-15 z-22 z+03\nNRc q97 q96 q95 z+42 z+24 z+32 z+05"
    )

    assert bundle.risk.score(sound).risk < 0.1
    assert bundle.risk.score(worn).risk > bundle.manifest.threshold


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "cmapss").is_dir(), reason="set EDGE_AGENT_DATA to the folder with cmapss/")
def test_the_f1_of_its_card_is_what_the_93_engine_protocol_gives(bundle: Bundle) -> None:
    right = wrong = missed = 0
    for run in cmapss.load_test(DATA / "cmapss", "FD001"):
        if len(run.times) < 50:
            continue
        *_, last = windows_of(run, bundle.references["turbofan"])
        said = bundle.risk.score(render(last)).risk >= bundle.manifest.threshold
        true = bool(run.risky[-1])
        right, wrong, missed = right + (said and true), wrong + (said and not true), missed + (true and not said)
    f1 = 2 * right / (2 * right + wrong + missed)

    assert right + missed == 25
    assert f1 == pytest.approx(float(bundle.manifest.figures["fd001_f1"]), abs=ONE_ENGINE)
