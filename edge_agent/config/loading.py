"""File, environment and credentials → `Config`, or every problem at once."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_settings import EnvSettingsSource, SettingsError

from edge_agent.config.checks import (
    Parts,
    alarm_problems,
    asset_problems,
    broker_problems,
    class_problems,
    output_problems,
    sparkplug_problems,
)
from edge_agent.config.model import ENV_DELIMITER, ENV_PREFIX, Config
from edge_agent.config.problems import SECRET, Problem, choose, closest, of_validation, written
from edge_agent.config.sections.alarm import Alarm
from edge_agent.config.sections.asset_class import AssetClass
from edge_agent.config.sections.broker import Broker
from edge_agent.config.sections.outputs import Outputs, Sparkplug
from edge_agent.config.sections.source import Source
from edge_agent.config.source_checks import source_problems
from edge_agent.errors import ConfigError

CREDENTIAL = "mqtt-password"  # its name in $CREDENTIALS_DIRECTORY (systemd.exec(5), LoadCredential=)
Tree = dict[str, object]
_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")
_QUOTES = 'text, paths and addresses stand in quotes: key = "text"'
_SYNTAX = (  # what tomllib says → what to do
    ("Invalid value", f"{_QUOTES}; true and false in small letters"),
    ("Expected '=' after a key", "write `key = value`; a key with other signs than a-z, 0-9, _ and - stands in quotes"),
    ("Expected newline or end of document", f"{_QUOTES}; one `key = value` a line"),
    ("Unclosed array", "close the list with ]"),
    ("Unclosed inline table", "close the table with }, on the same line"),
    ("Invalid statement", "begin the line with a key, a [table] or a # for a remark"),
    ("Unterminated string", "close the text with the quote it began with"),
    ("Cannot declare", "a [table] may stand once only: join the two; a list of tables is written [[table]]"),
    ("Cannot overwrite", "a key may stand once in a table: remove one of the two"),
    ("Illegal character", "close the text with the quote it began with, on the same line"),
    ("Unescaped", "write \\\\ for one backslash, or put the text in '...'"),
    ("Expected ']", "close the name of the table with the brackets it began with: [name] or [[name]]"),
)
M = TypeVar("M", bound=BaseModel)


def load(path: Path) -> Config:
    """The configuration in a file, with what the environment and credentials say.

    Raises:
        ConfigError: with everything that is wrong.
    """
    found = _read(path, os.environ)
    if isinstance(found, Config):
        return found
    count = "1 problem" if len(found) == 1 else f"{len(found)} problems"
    blocks = "\n\n".join(map(str, found))
    raise ConfigError(f"{path}: {count}\n\n{blocks}", hint=f"edit {path}, then: edge-agent check-config {path}")


def check(path: Path) -> list[Problem]:
    """Everything that is wrong with a configuration; nothing if it can be used."""
    found = _read(path, os.environ)
    return [] if isinstance(found, Config) else found


def _read(path: Path, environment: Mapping[str, str]) -> Config | list[Problem]:
    document = _toml(path)
    return [document] if isinstance(document, Problem) else _judge(document, environment)


def _judge(document: Tree, environment: Mapping[str, str]) -> Config | list[Problem]:
    problems = [*_misplaced(document), *_unknown_variables(environment)]
    if "class" in document:
        document["classes"] = document.pop("class")
    try:
        merged = _merge(document, EnvSettingsSource(Config)())
    except SettingsError as error:
        reason = f"a variable of the environment is no JSON: {error}"
        return [
            *problems,
            Problem(f"${ENV_PREFIX}...", "...", reason, "name one key, such as EDGE_AGENT__BROKER__HOST"),
        ]
    problems += _add_password(merged, environment)
    config: Config | None = None
    try:
        config = Config(**merged)  # type: ignore[arg-type]  # checked by pydantic
    except ValidationError as error:
        problems += [of_validation(fault, environment) for fault in error.errors(include_url=False)]
    problems += _cross_checked(_parts(merged))
    return config if config is not None and not problems else problems


def _toml(path: Path) -> Tree | Problem:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        remedy = "correct the path, or copy deploy/edge-agent.toml there and adapt it"
        return Problem(str(path), "(no file)", "there is no such file", remedy)
    except OSError as error:
        remedy = "let the agent's user read the file: sudo chmod 644"
        return Problem(str(path), "(unread)", f"cannot be read: {error.strerror}", f"{remedy} {path}")
    except UnicodeDecodeError as error:
        bad = written(repr(error.object[error.start : error.start + 4]))
        return Problem(str(path), bad, f"is not UTF-8 at byte {error.start}", "save the file as UTF-8 in your editor")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return _syntax(str(error), text)


def _syntax(message: str, text: str) -> Problem:
    place = _PLACE.search(message)
    lines = text.splitlines()
    line, column = (int(place[1]), int(place[2])) if place else (len(lines), len(lines[-1]) + 1 if lines else 1)
    reason = _PLACE.sub("", message).removesuffix(" (at end of document)")
    remedy = next(
        (remedy for said, remedy in _SYNTAX if reason.startswith(said)), "compare with deploy/edge-agent.toml"
    )
    value = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    value = SECRET if "password" in value else value[:80]
    return Problem(f"line {line}, column {column}", value, f"this is no TOML: {reason}", remedy)


def _misplaced(document: Tree) -> list[Problem]:
    """What stands in the file under a name that only we use, or must not stand there at all."""
    problems = []
    if "classes" in document:
        value = document.pop("classes")
        problems.append(Problem("classes", written(value), "unknown key", "did you mean `class`? write [[class]]"))
    broker = document.get("broker")
    if isinstance(broker, dict) and "password" in broker:
        del broker["password"]
        remedy = f"put it into a file of its own (password_file), or into the systemd credential {CREDENTIAL}"
        reason = "a password does not belong into a file that many may read and that is backed up"
        problems.append(Problem("broker.password", SECRET, reason, remedy))
    return problems


def _unknown_variables(environment: Mapping[str, str]) -> list[Problem]:
    known = sorted(Config.model_fields)
    problems = []
    for name in sorted(environment):
        section = name.upper().removeprefix(ENV_PREFIX).split(ENV_DELIMITER)[0].lower()
        if name.upper().startswith(ENV_PREFIX) and section not in known:
            near = closest(section, known)
            remedy = f"did you mean {ENV_PREFIX}{near.upper()}__...?" if near else choose(section, known, "section")
            problems.append(Problem(f"${name}", SECRET, "the environment names an unknown section", remedy))
    return problems


def _add_password(merged: Tree, environment: Mapping[str, str]) -> list[Problem]:
    """Put the password of `password_file`, else of the systemd credential, where the settings look for it."""
    broker = merged.get("broker")
    if not isinstance(broker, dict) or "password" in broker:
        return []
    named, folder = broker.get("password_file"), environment.get("CREDENTIALS_DIRECTORY")
    if isinstance(named, str):
        path = Path(named)
    elif folder and "username" in broker:
        path = Path(folder, CREDENTIAL)
    else:
        return []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []  # a missing password_file is found by the checks; a missing credential is none
    if not lines or not lines[0]:
        reason, remedy = "the file of the password is empty", "write the password into its first line"
        return [Problem("broker.password_file", written(path), reason, remedy)]
    broker["password"] = lines[0]
    return []


def _merge(document: Tree, environment: Mapping[str, object]) -> Tree:
    """The file, with what the environment says put over it."""
    merged = dict(document)
    for key, value in environment.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _parts(merged: Tree) -> Parts:
    classes = merged.get("classes")
    names = [c.get("name") for c in classes if isinstance(c, dict)] if isinstance(classes, list) else []
    assets = merged.get("assets")
    return Parts(
        broker=_valid(Broker, merged.get("broker")),
        sources=_each(Source, merged.get("source")),
        classes=_each(AssetClass, classes),
        class_names=tuple(dict.fromkeys(name for name in names if isinstance(name, str))),
        assets={k: v for k, v in assets.items() if isinstance(v, str)} if isinstance(assets, dict) else {},
        alarm=_valid(Alarm, merged.get("alarm", {})),
        outputs=_valid(Outputs, merged.get("outputs", {})),
        sparkplug=_valid(Sparkplug, merged.get("sparkplug")),
    )


def _valid(model: type[M], value: object) -> M | None:
    try:
        return model.model_validate(value)
    except ValidationError:
        return None


def _each(model: type[M], value: object) -> tuple[tuple[int, M], ...]:
    if not isinstance(value, list):
        return ()
    return tuple((i, found) for i, item in enumerate(value) if (found := _valid(model, item)) is not None)


def _cross_checked(parts: Parts) -> list[Problem]:
    problems = list(broker_problems(parts.broker)) if parts.broker is not None else []
    problems += source_problems(parts)
    problems += class_problems(parts)
    problems += asset_problems(parts)
    problems += alarm_problems(parts.alarm) if parts.alarm is not None else []
    problems += output_problems(parts.outputs, parts) if parts.outputs is not None else []
    problems += sparkplug_problems(parts.sparkplug, parts) if parts.sparkplug is not None else []
    return problems
