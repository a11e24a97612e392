"""Maintenance-log texts whose licence allows learning from them, for the tokenizer and the noise model.

Each reader skips quietly when its file is not there: the tokenizer then learns from what there is.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

from edge_agent.core.text import clean

LICENCES = {
    "maintnorm": "MIT",
    "maintie": "MIT",
    "fmc_mwo2kg": "Apache-2.0",
    "omin_faa": "US Government work",
}


def read_corpus(folder: Path) -> dict[str, list[str]]:
    """Cleaned log texts by source; sources without their files are left out."""
    readers = {"maintnorm": _maintnorm, "maintie": _maintie, "fmc_mwo2kg": _fmc, "omin_faa": _omin}
    found = {name: [clean(text) for text in reader(folder / name)] for name, reader in readers.items()}
    return {name: texts for name, texts in found.items() if texts}


def _maintnorm(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("data/company_*/train.norm")):
        raw: list[str] = []
        for row in [*path.read_text(encoding="utf-8").splitlines(), ""]:
            if row.strip():
                raw.append(row.split("\t")[0])
            elif raw:
                yield " ".join(raw)
                raw = []


def _maintie(folder: Path) -> Iterator[str]:
    path = folder / "gold_release.json"
    if path.exists():
        yield from (record["text"] for record in json.loads(path.read_text(encoding="utf-8")))


def _fmc(folder: Path) -> Iterator[str]:
    path = folder / "train.txt"
    if path.exists():
        yield from (row.rpartition(",")[0] for row in path.read_text(encoding="utf-8").splitlines() if row)


def _omin(folder: Path) -> Iterator[str]:
    path = folder / "Maintenance_Text_data.csv.gz"
    if path.exists():
        with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
            yield from (row["c119"] for row in csv.DictReader(lines))
