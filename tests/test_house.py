"""Rules of the house that no linter knows: what every file of the repository must or must never say."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "edge_agent"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Written in pieces, or this file would be the first to break the rule.
REGISTRIES = [("pypi", "org"), ("pythonhosted", "org"), ("registry", "npmjs"), ("deb", "debian", "org")]
HOMES = ["work", "root", "farm"]
FOREIGN = re.compile(
    "|".join([*(r"\.".join(host) for host in REGISTRIES), *(rf"(?<![\w.~-])/{home}/" for home in HOMES)]).encode()
)
IMPURE_CALLS = {"open", "input", "print", "breakpoint", "exec", "eval"}
IMPURE_METHODS = {"now", "today", "utcnow", "open", "read_text", "write_text", "read_bytes", "write_bytes", "urandom"}

# One inference of y = x, as onnx.proto has it: field number and wire type, length, content.
IDENTITY = """
import edge_agent
import numpy
import onnxruntime

def field(number, content):
    return bytes([number << 3 | 2, len(content)]) + content

def value(name):
    dimension = field(1, field(1, b"\\x08\\x01"))
    return field(1, name) + field(2, field(1, b"\\x08\\x01" + field(2, dimension)))

node = field(1, b"x") + field(2, b"y") + field(4, b"Identity")
graph = field(1, node) + field(2, b"g") + field(11, value(b"x")) + field(12, value(b"y"))
model = b"\\x08\\x08" + field(7, graph) + field(8, b"\\x10\\x0d")
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
print(session.run(None, {"x": numpy.ones(1, "float32")})[0][0])
"""


def repository_files() -> list[Path]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git work tree: there is no list of its files")
    command = [git, "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout.split(b"\0")
    paths = (ROOT / os.fsdecode(name) for name in names if name)
    return [path for path in paths if path.is_file()]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_says_what_belongs_in_it(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match.group().decode()}"
        for path in repository_files()
        if (match := FOREIGN.search(path.read_bytes()))
    ]

    assert found == []


def test_foreign_names_would_be_found() -> None:
    assert FOREIGN.search(b"see https://" + b"pypi" + b".org/simple")
    assert FOREIGN.search(b"open('/" + b"work/main')")
    assert not FOREIGN.search(b"/opt/edge-agent/ and site/work/order")


@pytest.mark.parametrize("module", sorted((PACKAGE / "core").rglob("*.py")), ids=lambda path: path.name)
def test_core_reads_no_clock_and_no_file(module: Path) -> None:
    """The import contract cannot see builtins and methods, so they are looked for here."""
    calls = [node for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    impure = [
        f"line {call.lineno}: {ast.unparse(call.func)}"
        for call in calls
        if (isinstance(call.func, ast.Name) and call.func.id in IMPURE_CALLS)
        or (isinstance(call.func, ast.Attribute) and call.func.attr in IMPURE_METHODS)
    ]

    assert impure == []


def test_an_inference_leaves_the_home_folder_empty(tmp_path: Path) -> None:
    """From 1.29 on, onnxruntime keeps a device id and a database of events there, unless the package prevents it."""
    environment = {"HOME": str(tmp_path), "PATH": os.defpath, "PYTHONPATH": str(ROOT)}  # nothing inherited
    command = [sys.executable, "-c", IDENTITY]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)

    assert result.stdout.strip() == "1.0", result.stderr
    assert [str(path) for path in tmp_path.rglob("*")] == []
