"""The core starts no thread, reads no clock, opens no file or socket and logs nothing: checked by its own source."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "edge_agent" / "core"
MODULES = sorted(CORE.rglob("*.py"))
ALLOWED = {
    "__future__", "array", "ast", "bisect", "collections", "dataclasses", "datetime", "edge_agent", "enum", "fnmatch",
    "functools", "hashlib", "itertools", "json", "math", "numpy", "operator", "pydantic", "pydantic_core", "re",
    "struct", "sys", "typing", "unicodedata", "zlib",
}  # fmt: skip
CLOCKS = {"now", "utcnow", "today"}


def imported(source: str) -> set[str]:
    """All modules that a source imports, at whatever depth of it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    return names


def clock_reads(source: str) -> list[str]:
    """What a source takes from `datetime` that depends on when it is called."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute) and node.attr in CLOCKS]
    return [ast.unparse(node) for node in nodes]


def test_there_are_modules_to_check() -> None:
    assert {"pipeline.py", "decode.py", "window.py"} <= {path.name for path in MODULES}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(CORE)))
def test_a_module_of_the_core_imports_only_what_computes(path: Path) -> None:
    assert {name.partition(".")[0] for name in imported(path.read_text(encoding="utf-8"))} <= ALLOWED


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(CORE)))
def test_a_module_of_the_core_knows_only_the_core_and_the_errors(path: Path) -> None:
    own = {name for name in imported(path.read_text(encoding="utf-8")) if name.startswith("edge_agent")}

    assert [name for name in own if not name.startswith("edge_agent.core") and name != "edge_agent.errors"] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(CORE)))
def test_a_module_of_the_core_does_not_ask_what_time_it_is(path: Path) -> None:
    assert clock_reads(path.read_text(encoding="utf-8")) == []


def test_an_impure_module_would_be_found() -> None:
    source = "def f():\n    import sqlite3\n    from os import path\n    return datetime.now(UTC)\n"

    assert imported(source) == {"sqlite3", "os"}
    assert imported(source).isdisjoint(ALLOWED)
    assert clock_reads(source) == ["datetime.now"]
