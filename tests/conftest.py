"""Options and profiles that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples in every run and no deadline: two shared cores are slow at times, and a test must not fail by it.
settings.register_profile("repository", max_examples=60, deadline=None, derandomize=True, database=None)
settings.load_profile("repository")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flag that writes golden files anew."""
    parser.addoption(
        "--regenerate-golden", action="store_true", help="write the golden files anew instead of comparing with them"
    )


DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"  # beside the project, never in it


@pytest.fixture
def data_folder() -> Path:
    """The public data sets; a test that asks for them is skipped where they are not."""
    folder = Path(os.environ.get("EDGE_AGENT_DATA", DATA))
    if not folder.is_dir():
        pytest.skip(f"no data sets at {folder}; EDGE_AGENT_DATA names another folder")
    return folder
