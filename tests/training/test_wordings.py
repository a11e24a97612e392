"""Real log lines by the failure mode their words name."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.bundle.encode import Kind, Line, TextEncoder, read_tokenizer
from edge_agent.core.text import AGES
from edge_agent.training.runs import MODES
from edge_agent.training.wordings import FRAME, named_mode, read_wordings, tokens_of
from tests.bundle.tiny import TINY

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    """The encoder of the tiny bundle."""
    return TextEncoder(read_tokenizer(TINY / "tokenizer.json"))


@pytest.mark.parametrize(
    ("line", "mode"),
    [
        ("hyd hose leaking rh side", "ELU"),
        ("valve passing", "INL"),
        ("strainer blocked", "PLU"),
        ("weekly service 250hr", "none"),
        ("bearing noisy and leaking", None),
        ("change out motor", None),
    ],
)
def test_a_line_has_the_one_mode_that_it_names(line: str, mode: str | None) -> None:
    assert named_mode(line) == mode


@pytest.mark.parametrize("age", [word for _, word in AGES])
def test_frame_and_words_together_are_the_line_as_the_agent_shows_it(encoder: TextEncoder, age: str) -> None:
    whole = next(one for one in encoder.lines(f"x\nlog {age} strainer blocked") if one.kind is Kind.LOG)

    assert whole == Line(Kind.LOG, whole.ids[:FRAME] + tokens_of("strainer blocked", encoder))


def test_lines_that_people_labelled_are_left_out(tmp_path: Path, encoder: TextEncoder) -> None:
    for name, text in (("train.txt", "Oil leaking,Leaking\n"), ("dev.txt", "pump blocked,Plugged / choked\n")):
        (tmp_path / "fmc_mwo2kg").mkdir(exist_ok=True)
        (tmp_path / "fmc_mwo2kg" / name).write_text(text, encoding="utf-8")
    (tmp_path / "fmc_mwo2kg" / "redcoat_typing_train.json").write_text(
        '{"tokens": ["oil", "leaking"]}\n{"tokens": ["Pump", "blocked"]}\n{"tokens": ["seal", "weeping"]}\n',
        encoding="utf-8",
    )

    found = read_wordings(tmp_path, encoder)

    assert found == {
        MODES.index(code): (tokens_of("seal weeping", encoder),) for code in sorted(("ELP", "ELU"), key=MODES.index)
    }
