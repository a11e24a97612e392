"""Configuration files to try: the tables of a small right one, and how tests write and read them."""

from __future__ import annotations

import re
from pathlib import Path

from edge_agent.config import Problem

EXAMPLE = Path(__file__).parents[2] / "deploy" / "edge-agent.toml"
GATEWAY = '[gateway]\ntenant = "acme"\nsite = "plant-1"\nname = "gw-1"\n'
BROKER = '[broker]\nhost = "127.0.0.1"\n'
SOURCE = '[[source]]\ntopic = "plant/{asset}/{channel}"\n'
SPARKPLUG = '[[source]]\ntopic = "spBv1.0/plant1/#"\nformat = "sparkplug"\n'
JSON_SOURCE = '[[source]]\ntopic = "a/{asset}"\n[source.json]\n'
WAVE = (
    '[[source]]\ntopic = "w/{asset}/{channel}"\nformat = "waveform"\n'
    '[source.json]\nvalue = "s"\nrate = "fs"\n[source.waveform]\nfeatures = ["rms"]\n'
)
CLASS = '[[class]]\nname = "pump"\n[[class.channel]]\nname = "vib"\nunit = "mm/s"\n'
RMS = '[[class.channel]]\nname = "vib.rms"\nunit = "m/s2"\n'
ASSETS = '[assets]\n"*" = "pump"\n'


def write(file: Path, *tables: str) -> Path:
    file.write_text("\n".join(tables), encoding="utf-8")
    return file


def good(file: Path, **replaced: str) -> Path:
    tables = {"gateway": GATEWAY, "broker": BROKER, "source": SOURCE, "classes": CLASS, "assets": ASSETS}
    return write(file, *{**tables, **replaced}.values())


def good_without_source() -> str:
    return f"{GATEWAY}\n{BROKER}\n{CLASS}{RMS}\n{ASSETS}"


def uncommented() -> str:
    """The example with every key behind a single # switched on."""
    return re.sub(r"^#(\[|[a-z_]+ =)", r"\1", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)


def fields(problems: list[Problem]) -> list[str]:
    return [problem.field for problem in problems]
