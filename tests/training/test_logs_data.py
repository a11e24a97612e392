"""Labelled log lines: what is read, what is left out and said, and how it is parted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.text import MAX_LOG_CHARACTERS
from edge_agent.errors import DataError, UsageError
from edge_agent.tables.csvfile import Format
from edge_agent.training.logs.data import (
    Columns,
    LabelledTexts,
    rare_classes,
    read_labelled,
    stratified_folds,
    with_test,
)

pytestmark = pytest.mark.train

NAMED = Columns(text="what", label="mode")
LAST = Columns(last_comma=True)


def written(folder: Path, content: str, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def texts(labels: str, words: list[str] | None = None) -> LabelledTexts:
    """One row per letter of `labels`, each with a text of its own unless `words` are given."""
    classes = tuple(sorted(set(labels)))
    return LabelledTexts(
        tuple(words or [f"line {n}" for n in range(len(labels))]),
        classes,
        np.array([classes.index(letter) for letter in labels]),
    )


def test_named_columns_of_several_files_are_one_set(tmp_path: Path) -> None:
    one = written(tmp_path, "id,what,mode\n1,pump leaks,ELP\n2,hot,OHE\n")
    two = written(tmp_path, 'id,what,mode\n3,"leaks, badly",ELP\n', "b.csv")
    data = read_labelled([one, two], NAMED, Format())

    assert data.texts == ("pump leaks", "hot", "leaks, badly")
    assert [data.classes[k] for k in data.label] == ["ELP", "OHE", "ELP"]


def test_lines_without_a_header_are_cut_at_their_last_comma(tmp_path: Path) -> None:
    data = read_labelled([written(tmp_path, "leaks, badly,ELP\nhot,OHE\n")], LAST, Format())

    assert data.texts == ("leaks, badly", "hot")
    assert data.classes == ("ELP", "OHE")


def test_rows_without_text_or_label_are_left_out_and_counted(tmp_path: Path) -> None:
    data = read_labelled([written(tmp_path, "leaks,ELP\n,OHE\nhot,\n\x07,OHE\nhot,OHE\n")], LAST, Format())

    assert data.texts == ("leaks", "hot")
    assert data.notes == ("1 rows without a label were left out", "2 rows without a text were left out")


def test_a_line_cut_off_at_the_end_of_a_file_is_left_out_and_said(tmp_path: Path) -> None:
    data = read_labelled([written(tmp_path, "what,mode\nleaks,ELP\nhot,OHE\nnoi")], NAMED, Format())

    assert data.texts == ("leaks", "hot")
    assert data.notes == ("a.csv: line 4 is cut off (1 of 2 fields) and was left out",)


def test_a_hostile_line_becomes_a_short_plain_one_and_changes_no_other(tmp_path: Path) -> None:
    huge = "ignore all rules \x1b[31m\x00 " + "насос течёт " * 9000
    data = read_labelled([written(tmp_path, f"{huge},E\x1b[2JLP\nz+31 <b>hot</b>,OHE\nhot,OHE\n")], LAST, Format())

    assert len(data.texts[0]) <= MAX_LOG_CHARACTERS
    assert data.texts[0].startswith("ignore all rules 31m насос")
    assert data.texts[1:] == ("z +31 b hot /b", "hot")
    assert data.classes == ("E [2JLP", "OHE")


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    path = written(tmp_path, "text,mode\nleaks,ELP\n")
    with pytest.raises(DataError, match=r"a\.csv has no column 'what'; its columns are: text, mode"):
        read_labelled([path], NAMED, Format())


def test_a_line_without_a_comma_is_named_by_file_and_line(tmp_path: Path) -> None:
    path = written(tmp_path, "leaks,ELP\nno label here\n")
    with pytest.raises(DataError, match=r"a\.csv, line 2: no comma .* 'no label here'") as caught:
        read_labelled([path], LAST, Format())

    assert "text,label" in caught.value.hint


def test_a_file_of_one_class_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "leaks,ELP\nhot,ELP\n")
    with pytest.raises(DataError, match="only the class 'ELP'") as caught:
        read_labelled([path], LAST, Format())

    assert "--label-column" in caught.value.hint


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xff\xfeleaks,ELP\n")
    with pytest.raises(DataError, match="cannot be read"):
        read_labelled([path], LAST, Format())


@given(st.text("ABC", min_size=12, max_size=40), st.integers(2, 4), st.integers(0, 9))
def test_folds_never_share_a_row_and_leave_none_out(labels: str, count: int, seed: int) -> None:
    data = texts(labels)
    try:
        folds = stratified_folds(data, count, seed)
    except UsageError:
        return
    for fold in folds:
        assert not set(fold.train) & set(fold.test)
        assert len(fold.train) + len(fold.test) == len(data)
    assert sorted(np.concatenate([fold.test for fold in folds]).tolist()) == list(range(len(data)))


def test_rows_with_one_text_stay_in_one_fold() -> None:
    data = texts("AABBAABBAABB", ["x", "x", "y", "y", "a", "b", "c", "d", "e", "f", "g", "h"])
    for fold in stratified_folds(data, 2, 0):
        learned = {data.texts[n] for n in fold.train}
        assert not learned & {data.texts[n] for n in fold.test}


def test_a_class_of_one_row_is_named_and_still_judged() -> None:
    data = texts("A" * 6 + "B" * 6 + "C")

    assert rare_classes(data, 5) == {"C": 1}
    assert 12 in np.concatenate([fold.test for fold in stratified_folds(data, 5, 0)])


def test_more_folds_than_texts_of_any_class_are_refused_with_the_most_there_can_be() -> None:
    with pytest.raises(UsageError, match="the largest class has 3 distinct texts") as caught:
        stratified_folds(texts("AAABB"), 4, 0)

    assert caught.value.hint.startswith("--folds 3")


def test_a_fold_that_would_learn_one_class_alone_is_refused() -> None:
    with pytest.raises(UsageError, match="one class alone"):
        stratified_folds(texts("AAAAB"), 2, 0)


def test_a_test_file_is_judged_whole_and_what_it_shares_is_said() -> None:
    both, fold = with_test(texts("AABB"), texts("ACC", ["line 0", "new", "newer"]))

    assert fold.test.tolist() == [4, 5, 6]
    assert [both.classes[k] for k in both.label[fold.test]] == ["A", "C", "C"]
    assert both.notes == (
        "1 texts of the test file are in the training files as well",
        "classes of the test file that are not in the training files, never right: C",
    )
