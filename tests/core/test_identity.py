"""Names and ids."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.identity import digest, mark, slug


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Pump 3/B", "pump-3-b"),
        ("Überhitzer Süd", "uberhitzer-sud"),
        ("--a__b--", "a__b"),
        ("泵", ""),
        ("+/#", ""),
        ("x" * 100, "x" * 64),
        ("a" * 63 + " b", "a" * 63),
    ],
)
def test_a_slug_keeps_what_a_topic_level_may_hold(name: str, expected: str) -> None:
    assert slug(name) == expected


@given(name=st.text())
def test_a_slug_is_a_topic_level_or_nothing(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9_-]{0,64}", slug(name))


@given(name=st.text(alphabet="aZ9 -_é/", max_size=90))
def test_the_slug_of_a_slug_is_itself(name: str) -> None:
    assert slug(slug(name)) == slug(name)


def test_a_digest_is_the_same_on_every_machine() -> None:
    assert digest("alarm", "p1", "risk") == "5b61fc75dddd6b5b"


@given(parts=st.lists(st.text(), min_size=1))
def test_a_digest_has_sixteen_hexadecimal_digits_whatever_the_text(parts: list[str]) -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", digest(*parts, "\ud800"))


def test_parts_of_a_digest_cannot_run_into_each_other() -> None:
    assert len({digest("ab", "c"), digest("a", "bc"), digest("abc"), digest("a\x1fb", "c"), digest("a", "b", "c")}) == 5


@given(topic=st.text(max_size=40), payload=st.binary(max_size=300))
def test_a_mark_is_the_digest_that_older_journals_hold(topic: str, payload: bytes) -> None:
    """Or what an older agent had not acknowledged would count twice after an update."""
    assert mark(topic, payload).hex() == digest(topic, payload.hex())
