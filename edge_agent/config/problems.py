"""A fault of the configuration as people are told it: which key, what was received, why it is wrong, what to do."""

from __future__ import annotations

import difflib
import json
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from edge_agent.config.model import ENV_DELIMITER, ENV_PREFIX, WRITTEN_AS, Config

MISSING = "(missing)"
SECRET = "********"  # noqa: S105 - what stands in for one
_SHOWN = 80  # characters of a received value
_NOT_IN_FILE = frozenset({"password"})  # a key of the environment and the credentials only
_REASONS = {
    "missing": "is needed",
    "extra_forbidden": "unknown key",
    "string_pattern_mismatch": "holds characters that are not allowed here, or too many",
    "too_short": "is empty",
    "string_too_short": "is empty",
}

Location = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault. `field` is the key with its tables, such as `source[2].json.value`; tables are counted from 1."""

    field: str
    value: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        """The block people read."""
        return f"{self.field}: {self.value}\n  {self.reason}\n  Try: {self.remedy}"


def written(value: object) -> str:
    """A value as it stands in TOML, cut; secrets are not shown."""
    if isinstance(value, Path):
        value = str(value)
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def field_name(location: Location) -> str:
    """A location as people count it."""
    name = ""
    for i, part in enumerate(location):
        if isinstance(part, int):
            name += f"[{part + 1}]"
        else:
            key = WRITTEN_AS.get(part, part) if i == 0 else part
            plain = key.replace("_", "").replace("-", "").isalnum()
            name += ("." if name else "") + (key if plain else json.dumps(key))
    return name


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)), None)


def choose(word: str, known: Sequence[str], kind: str) -> str:
    """A remedy for a word that is none of the known ones."""
    if not known:
        return f"there is no {kind} yet: add one"
    near = closest(word, known)
    listed = ", ".join(known)
    return f"did you mean `{near}`? known: {listed}" if near else f"write one of: {listed}"


def of_validation(error: ErrorDetails, environment: Mapping[str, str]) -> Problem:
    """What pydantic found, in our words."""
    location: Location = tuple(part for part in error["loc"] if part != "[key]")
    kind, key = error["type"], str(location[-1])
    secret = "password" in key
    value = MISSING if kind == "missing" else (SECRET if secret else written(error["input"]))
    said = error["msg"].removeprefix("Input ")
    reason = _REASONS.get(kind, said[:1].lower() + said[1:])
    variable = ENV_PREFIX + ENV_DELIMITER.join(str(part) for part in location).upper()
    if any(name.upper() == variable for name in environment):
        reason += f" (from the environment: {variable})"
    return Problem(field_name(location), value, reason, _remedy(error, location))


def _remedy(error: ErrorDetails, location: Location) -> str:
    given = error.get("ctx", {}).get("remedy")
    if isinstance(given, str):
        return given
    key = str(location[-1])
    if error["type"] == "extra_forbidden":
        model = _model_at(location[:-1])
        known = sorted(set(_keys(model)) - _NOT_IN_FILE) if model is not None else []
        near = closest(key, known)
        listed = f"known here: {', '.join(known)}"
        return f"did you mean `{near}`? {listed}" if near else f"remove it; {listed}"
    info = _field_at(location)
    if info is None:
        return "write text in quotes" if "string" in error["type"] else "write a table of `key = value` lines"
    example = _example(location, info)
    verb = "add" if error["type"] == "missing" else "write"
    return f"{verb} {example}, or the like: {info.description}"


def _example(location: Location, info: FieldInfo) -> str:
    """How a key is written, by its first example."""
    first = (info.examples or [""])[0]
    if first == {}:
        return f"a table [{field_name(location)}]"
    if first == []:
        parts = [str(part) for part in location if isinstance(part, str)]
        return f"a table [[{'.'.join([WRITTEN_AS.get(parts[0], parts[0]), *parts[1:]])}]]"
    return f"`{location[-1]} = {written(first)}`"


def _keys(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a table by the keys they are written as."""
    return {
        WRITTEN_AS.get(name, name) if model is Config else (info.alias or name): info
        for name, info in model.model_fields.items()
    }


def _field_at(location: Location) -> FieldInfo | None:
    model = _model_at(location[:-1])
    key = location[-1]
    if model is None:
        return None
    return _keys(model).get(WRITTEN_AS.get(str(key), str(key)) if model is Config else str(key))


def _model_at(location: Location) -> type[BaseModel] | None:
    """The table a location lies in, or None where it is no table of ours."""
    model: type[BaseModel] | None = Config
    for part in location:
        if isinstance(part, int):
            continue
        key = WRITTEN_AS.get(part, part) if model is Config else part
        info = _keys(model).get(key) if model is not None else None
        model = None if info is None else _model_in(info.annotation)
    return model


def _model_in(annotation: object) -> type[BaseModel] | None:
    """The table type inside `T`, `T | None` or `list[T]`."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    found = (_model_in(argument) for argument in typing.get_args(annotation))
    return next((model for model in found if model is not None), None)
