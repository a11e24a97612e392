"""A whole file: what is no TOML, what cannot be read, what is missing or stands in the wrong place."""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.config import Config, check
from edge_agent.config.loading import _judge
from tests.config.files import GATEWAY, SOURCE, fields, good, good_without_source, uncommented, write


@pytest.mark.parametrize(
    ("text", "line", "column", "remedy"),
    [
        ("a = True", 1, 5, "true and false in small letters"),
        ("a = 1\nb c = 2", 2, 3, "write `key = value`"),
        ("[a]\nb = 1\n[a]\n", 3, 3, "join the two"),
        ('a = "C:\\qx"', 1, 10, "write \\\\ for one backslash"),
        ('a = "x\nb = 1', 1, 7, "on the same line"),
        ("[a\n", 1, 3, "[name] or [[name]]"),
        ("a = [1\n", 1, 7, "close the list"),
        ("a = {b = 1", 1, 11, "close the table with }"),
        ("= 1", 1, 1, "begin the line with a key"),
        ('a = "x', 1, 7, "close the text"),
        ("a.b = 1\na = 2\n", 2, 6, "a key may stand once"),
        ('password = "hunter2', 1, 20, "close the text"),
    ],
)
def test_a_syntax_error_has_a_place_and_a_remedy(file: Path, text: str, line: int, column: int, remedy: str) -> None:
    (problem,) = check(write(file, text))

    assert problem.field == f"line {line}, column {column}"
    assert remedy in problem.remedy
    assert "hunter2" not in str(problem)


def test_a_file_that_cannot_be_read_is_told(file: Path, tmp_path: Path) -> None:
    assert [p.reason for p in check(file)] == ["there is no such file"]
    assert [p.reason for p in check(tmp_path)] == ["cannot be read: Is a directory"]
    file.write_bytes(b'a = "\xff"')
    assert [p.reason for p in check(file)] == ["is not UTF-8 at byte 5"]
    file.write_bytes(b"\xef\xbb\xbf" + f"{SOURCE}\n{good_without_source()}".encode())
    assert check(file) == []


def test_an_empty_file_lacks_what_has_no_default(file: Path) -> None:
    assert fields(check(write(file, ""))) == ["gateway", "broker", "source", "class"]


CASES = {
    "gateway.name": GATEWAY.replace("gw-1", "GW 1"),
    "gateway.tenant": GATEWAY.replace('tenant = "acme"\n', ""),
    "gatewy": GATEWAY.replace("[gateway]", "[gatewy]") + GATEWAY,
    "classes": GATEWAY + '[[classes]]\nname = "x"\n',
    "broker": "broker = 5\n" + GATEWAY,
}


@pytest.mark.parametrize("field", CASES)
def test_a_wrong_head_is_told(file: Path, field: str) -> None:
    replaced = {"gateway": CASES[field]}
    if field == "broker":
        replaced["broker"] = ""
    assert fields(check(good(file, **replaced))) == [field]


def test_one_wrong_key_hides_no_other_fault(file: Path) -> None:
    problems = check(good(file, gateway=GATEWAY + "x = 1\n", assets='[assets]\n"*" = "pmp"\n'))

    assert fields(problems) == ["gateway.x", 'assets."*"']


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(st.text(max_size=8), deeper, max_size=3),
    max_leaves=6,
)
DOCUMENT = tomllib.loads(uncommented())


def places(tree: object, at: tuple[int | str, ...] = ()) -> list[tuple[int | str, ...]]:
    below = list(tree.items()) if isinstance(tree, dict) else list(enumerate(tree)) if isinstance(tree, list) else []
    return [at] * bool(at) + [place for key, value in below for place in places(value, (*at, key))]


@given(st.sampled_from(places(DOCUMENT)), VALUES, st.text(max_size=8))
def test_no_document_whatever_breaks_the_check(place: tuple[int | str, ...], value: object, key: str) -> None:
    document = copy.deepcopy(DOCUMENT)
    parent: object = document
    for step in place[:-1]:
        parent = parent[step]  # type: ignore[index]
    parent[place[-1]] = value  # type: ignore[index]
    if isinstance(parent, dict):
        parent[key] = value
    found = _judge(document, {})

    assert isinstance(found, Config) or found
    if isinstance(found, list):
        assert all(p.field and p.value and p.reason and p.remedy for p in found)
