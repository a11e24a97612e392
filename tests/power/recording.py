"""A process recorded by the shim: compiled here, preloaded here, its log read here. No judgement."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import pytest

SHIM = Path(__file__).with_name("shim.c")
ROOT = Path(__file__).parents[2]
_HEAD = struct.Struct("<BBHiQQ")  # `struct record` of the shim
CREATED, TRUNCATED, IS_FOLDER = 1, 2, 4


class Kind(StrEnum):
    """What happened: one letter in the log."""

    OPEN = "O"
    CLOSE = "C"
    WRITE = "W"
    TRUNCATE = "T"
    SYNC = "F"
    MAKE_FOLDER = "M"
    RENAME = "N"
    REMOVE = "U"
    PRINT = "P"
    SEND = "S"
    RECEIVE = "R"


class Record(NamedTuple):
    """One thing that happened."""

    kind: Kind
    flags: int
    fd: int
    offset: int  # of a write; the new length of a truncation
    data: bytes  # what was written or said; a path; two paths with a NUL between them


def compile_shim(folder: Path) -> Path:
    """The shim as a library; skips the test where no compiler is, but fails it in CI."""
    compiler = shutil.which("cc")
    if compiler is None:
        assert "CI" not in os.environ, "no C compiler: the power cut cannot be tried"
        pytest.skip("no C compiler (cc): the shim that records writes cannot be built")
    library = folder / "shim.so"
    flags = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, "-o", str(library), str(SHIM), "-ldl", "-lpthread"], check=True, timeout=60)
    return library


@dataclass(frozen=True, slots=True)
class Recording:
    """What a process does to a folder from now on."""

    shim: Path
    folder: Path
    start: Path  # a copy of the folder as it was before
    log: Path

    def environment(self) -> dict[str, str]:
        """The environment in which the process is recorded."""
        return {
            **os.environ,
            "LD_PRELOAD": str(self.shim),
            "POWER_FOLDER": str(self.folder),
            "POWER_LOG": str(self.log),
        }


def begin(shim: Path, folder: Path) -> Recording:
    """A recording of what will happen in a folder, which is made where it is missing."""
    folder.mkdir(exist_ok=True)
    real = folder.resolve()
    start = real.with_name(f"{real.name}-before")
    shutil.copytree(real, start)
    return Recording(shim, real, start, real.with_name(f"{real.name}.log"))


def read_log(log: Path) -> Iterator[Record]:
    """What was recorded, in order; the last record may be cut, where the process was killed."""
    with log.open("rb") as file:
        while len(head := file.read(_HEAD.size)) == _HEAD.size:
            kind, flags, _, fd, offset, length = _HEAD.unpack(head)
            data = file.read(length)
            if len(data) < length:
                return
            yield Record(Kind(chr(kind)), flags, fd, offset, data)
