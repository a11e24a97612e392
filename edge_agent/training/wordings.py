"""Real maintenance-log lines by the failure mode that their words name, to learn beside the simulator's technicians.

No set with our labels may be learned from, so the mode comes from plain words ("leaking" is a leak). Lines that name no
mode or several are left out. What people labelled (FMC-MWO2KG) is kept out as well: it is what fusion is measured with.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from edge_agent.bundle.encode import Kind, TextEncoder
from edge_agent.core.text import AGES, clean
from edge_agent.training import corpus
from edge_agent.training.runs import MODES

Wordings = Mapping[int, Sequence[tuple[int, ...]]]  # index into MODES → lines in tokens, without `log` and age

FRAME: Final = 2  # leading tokens of every log line: `log` and its age
ROUTINE: Final = "none"
_NAMED: Final[Mapping[str, str]] = {
    "VIB": r"\bvibrat\w*|\bout of balance\b|\bimbalance\w*",
    "NOI": r"\bnois\w+|\bsqueal\w*|\brattl\w*|\bknocking\b",
    "OHE": r"\boverheat\w*|\bhigh temp\w*|\brunning hot\b|\bhot\b",
    "INL": r"\bpassing\b|\binternal leak\w*",
    "ELU": r"\bleak\w*|\bweep\w*|\bdripp\w*",
    "LOO": r"\blow (?:flow|output|pressure|power|press)\b|\bnot pumping\b|\bno flow\b|\bslow\b|\bweak\b",
    "ERO": r"\berratic\w*|\bsurg(?:ing|es)\b|\bhunting\b|\bfluctuat\w*|\bintermittent\w*",
    "PLU": r"\bblock(?:ed|age|ing)\b|\bplugg\w*|\bchok\w+|\bclog\w*|\bbogged\b",
    "AIR": r"\b(?:sensor|gauge|gage|transmitter|probe|thermocouple|indicator|transducer|detector)s?\b",
    "STD": r"\bcrack\w*|\bbent\b|\bcorroded\b|\bbroken weld\w*",
}
_ROUTINE: Final = re.compile(r"\b(?:inspect|servic|greas|lubricat|calibrat|paint|wash|clean)\w*")
_INSTEAD: Final = {"ELU": ("ELP",)}  # a leak may be of the process fluid as well as of a utility


def read_wordings(data: Path, encoder: TextEncoder) -> Wordings:
    """The real lines under `data` by mode, each once; empty where nothing is there."""
    withheld = {clean(text) for text in corpus.read_labelled(data)}
    lines = [line for line in corpus.read_work_orders(data) if line not in withheld]
    found: defaultdict[int, list[tuple[int, ...]]] = defaultdict(list)
    for line in lines:
        mode = named_mode(line)
        if mode is not None:
            ids = tokens_of(line, encoder)
            for code in (mode, *_INSTEAD.get(mode, ())):
                found[MODES.index(code)].append(ids)
    return {mode: tuple(dict.fromkeys(some)) for mode, some in sorted(found.items())}


def named_mode(line: str) -> str | None:
    """The failure mode a cleaned line names, `none` for routine work; None where it names none or several."""
    named = [mode for mode, words in _NAMED.items() if re.search(words, line)]
    if named == ["INL", "ELU"]:
        named = ["INL"]
    if len(named) == 1:
        return named[0]
    return ROUTINE if not named and _ROUTINE.search(line) else None


def tokens_of(line: str, encoder: TextEncoder) -> tuple[int, ...]:
    """The tokens of a cleaned log line, without `log` and age."""
    told = [one for one in encoder.lines(f"x\nlog {AGES[0][1]} {line}") if one.kind is Kind.LOG]
    return told[0].ids[FRAME:]
