"""Paths into decoded JSON, such as `data.sensors[0].value`: parsed once, then followed for every message."""

from __future__ import annotations

import re
from typing import Final

Path = tuple[str | int, ...]
MISSING: Final = object()
_SEGMENT = re.compile(r"([^.\[\]]*)((?:\[\d{1,9}\])*)")
_INDEX = re.compile(r"\d+")


def parse_path(text: str) -> Path:
    """The steps of a dotted path; the empty path is the document itself.

    Raises:
        ValueError: the text is no path; says which part.
    """
    if not text:
        return ()
    steps: list[str | int] = []
    for number, part in enumerate(text.split(".")):
        match = _SEGMENT.fullmatch(part)
        if match is None or not (match[1] or (match[2] and number == 0)):
            message = f"{part!r} in {text!r} is no step of a path; write keys and indexes such as data.sensors[0].value"
            raise ValueError(message)
        if match[1]:
            steps.append(match[1])
        steps += map(int, _INDEX.findall(match[2]))
    return tuple(steps)


def pick(document: object, path: Path) -> object:
    """What lies at a path, or `MISSING`."""
    found = document
    for step in path:
        if isinstance(step, str):
            if not isinstance(found, dict) or step not in found:
                return MISSING
            found = found[step]
        elif isinstance(found, list) and step < len(found):
            found = found[step]
        else:
            return MISSING
    return found
