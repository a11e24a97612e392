"""A folder to write CSV files in, and the way to read them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent.tables.csvfile import Format
from edge_agent.tables.layout import Layout
from edge_agent.tables.series import Dataset, FileSettings, load

Write = Callable[..., Path]
Load = Callable[..., Dataset]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of lines; its path."""

    def written(*lines: str, name: str = "pump.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))
        return path

    return written


@pytest.fixture
def load_lines(write: Write) -> Load:
    """Write a file of lines and read it as series."""

    def loaded(*lines: str, layout: Layout | None = None, form: Format | None = None, decimal: str = "auto") -> Dataset:
        return load(write(*lines), FileSettings(form=form or Format(), layout=layout or Layout(), decimal=decimal))

    return loaded
