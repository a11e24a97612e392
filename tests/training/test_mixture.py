"""What a batch is made of."""

from __future__ import annotations

import numpy as np
import pytest

from edge_agent.training.mixture import Shares, sources_of, targets_of
from edge_agent.training.recipe import STRANGE_RIGS, Prepared, Scale, prepare
from edge_agent.training.runs import UNKNOWN

pytestmark = pytest.mark.train

SHARES = Shares(turbofan=0.5, strange=1.0, told=0.2, rigs=0.1)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """A small training without C-MAPSS."""
    scale = Scale(train_runs=12, held_out_runs=6, train_rigs=2, held_out_rigs=2, vocabulary=1024)
    return prepare(None, tmp_path_factory.mktemp("runs"), scale, lambda _: None)


def targets(prepared: Prepared) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """The truth itself as the target."""
    return {name: part.risk for name, part in prepared.learned.items()}


def test_shares_add_up_and_rigs_have_theirs(prepared: Prepared) -> None:
    sources = sources_of(prepared, targets(prepared), SHARES)

    assert sum(source.share for source in sources) == pytest.approx(1.0)
    rigs = [source.share for source in sources if source.examples is prepared.learned[STRANGE_RIGS]]
    assert rigs == [pytest.approx(0.1)]


def test_told_windows_show_all_failure_modes_alike(prepared: Prepared) -> None:
    plain = len(sources_of(prepared, targets(prepared), Shares(turbofan=0.5, strange=1.0)))
    told = sources_of(prepared, targets(prepared), Shares(turbofan=0.5, strange=1.0, told=0.2))[plain - 1 :]
    by_mode: dict[int, float] = {}
    for source in told:
        (mode,) = np.unique(source.examples.mode)
        by_mode[int(mode)] = by_mode.get(int(mode), 0.0) + source.share

    assert UNKNOWN not in by_mode
    assert np.ptp([share for mode, share in by_mode.items() if mode > 0]) == pytest.approx(0.0)


def test_rigs_are_judged_after_commissioning_only_and_risky_where_a_fault_shows(prepared: Prepared) -> None:
    part = prepared.learned[STRANGE_RIGS]

    assert not part.learning.any()
    assert np.array_equal(part.risk > 0, part.left <= 0)


def test_rigs_are_taught_by_their_own_labels(prepared: Prepared) -> None:
    found = targets_of(prepared, lambda _: None)

    assert np.array_equal(found[STRANGE_RIGS], prepared.learned[STRANGE_RIGS].risk)
    assert set(found) == set(prepared.learned)
