"""Maintenance-log texts whose licence allows learning from them: for tokenizer, pre-training and noise model.

Each reader skips quietly when its file is not there: the tokenizer then learns from what there is.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from edge_agent.core.text import clean

LICENCES = {
    "maintnorm": "MIT",
    "maintie": "MIT",
    "fmc_mwo2kg": "Apache-2.0",
    "omin_faa": "US Government work",
}
WORK_ORDERS = ("maintnorm", "maintie", "fmc_mwo2kg")  # of the last its typed work orders, without the labelled texts
_CLAUSE = re.compile(r"[.;]")


def read_corpus(folder: Path) -> dict[str, list[str]]:
    """Cleaned log texts by source; sources without their files are left out."""
    readers = {"maintnorm": _maintnorm, "maintie": _maintie, "fmc_mwo2kg": _fmc, "omin_faa": _omin}
    found = {name: [clean(text) for text in reader(folder / name)] for name, reader in readers.items()}
    return {name: texts for name, texts in found.items() if texts}


def read_lines(folder: Path) -> tuple[str, ...]:
    """Distinct log lines to learn from without labels: the corpus, long records by the clause, and work orders."""
    found = read_corpus(folder)
    clauses = (clause.strip() for record in found.pop("omin_faa", []) for clause in _CLAUSE.split(record))
    more = [clean(text) for reader in (_maintnorm_normalised, _redcoat) for text in reader(folder)]
    lines = [*(line for texts in found.values() for line in texts), *more, *clauses]
    return tuple(dict.fromkeys(line for line in lines if line))


def read_work_orders(folder: Path) -> tuple[str, ...]:
    """Distinct cleaned short texts of work orders, as typed."""
    texts = [*_maintnorm(folder / "maintnorm"), *_maintie(folder / "maintie"), *_redcoat(folder)]
    return tuple(dict.fromkeys(line for line in map(clean, texts) if line))


def read_labelled(folder: Path) -> tuple[str, ...]:
    """The texts, without labels, that people gave a failure mode: what models are judged by."""
    return tuple(text for name in ("train.txt", "dev.txt") for text in _fmc(folder / "fmc_mwo2kg", name))


def read_shorthand(folder: Path) -> dict[str, tuple[str, ...]]:
    """Normalised word → how it was really typed, commonest first; words with digits are left out."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for text in _maintnorm_pairs(folder / "maintnorm"):
        for raw, normal in text:
            typed, meant = clean(raw), clean(normal)
            if typed and meant and typed != meant and " " not in meant and not any(map(str.isdigit, typed + normal)):
                counts[meant][typed] += 1
    return {meant: tuple(typed for typed, _ in ranked.most_common()) for meant, ranked in counts.items()}


def _maintnorm_pairs(folder: Path) -> Iterator[list[tuple[str, str]]]:
    """Text by text the pairs of raw and normalised word."""
    for path in sorted(folder.glob("data/company_*/train.norm")):
        pairs: list[tuple[str, str]] = []
        for row in [*path.read_text(encoding="utf-8").splitlines(), ""]:
            if row.strip():
                raw, _, normal = row.partition("\t")
                pairs.append((raw, normal))
            elif pairs:
                yield pairs
                pairs = []


def _maintnorm(folder: Path) -> Iterator[str]:
    yield from (" ".join(raw for raw, _ in pairs) for pairs in _maintnorm_pairs(folder))


def _maintnorm_normalised(folder: Path) -> Iterator[str]:
    yield from (" ".join(normal for _, normal in pairs) for pairs in _maintnorm_pairs(folder / "maintnorm"))


def _redcoat(folder: Path) -> Iterator[str]:
    for path in sorted((folder / "fmc_mwo2kg").glob("redcoat_typing_*.json")):
        rows = path.read_text(encoding="utf-8").splitlines()
        yield from (" ".join(json.loads(row)["tokens"]) for row in rows if row.strip())


def _maintie(folder: Path) -> Iterator[str]:
    path = folder / "gold_release.json"
    if path.exists():
        yield from (record["text"] for record in json.loads(path.read_text(encoding="utf-8")))


def _fmc(folder: Path, name: str = "train.txt") -> Iterator[str]:
    path = folder / name
    if path.exists():
        yield from (row.rpartition(",")[0] for row in path.read_text(encoding="utf-8").splitlines() if row)


def _omin(folder: Path) -> Iterator[str]:
    path = folder / "Maintenance_Text_data.csv.gz"
    if path.exists():
        with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
            yield from (row["c119"] for row in csv.DictReader(lines))
