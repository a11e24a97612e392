"""Two JSON Schemas of one payload, an older and a newer → what a reader of the older would no longer understand.

Adding is allowed: fields, values of an enumeration. Taking away and retyping is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

Schema = Mapping[str, object]


def broken(old: Schema, new: Schema) -> list[str]:
    """Every promise of the older schema that the newer does not keep."""
    return [*_broken(old, new, old, new, "")]


def _broken(old: Schema, new: Schema, old_root: Schema, new_root: Schema, at: str) -> Iterator[str]:
    before, now = _types(old, old_root), _types(new, new_root)
    if not now <= before:
        yield f"{at or 'payload'}: was {_words(before)}, is {_words(now)}"
        return
    old, new = _plain(old, old_root), _plain(new, new_root)
    if lost := _values(old) - _values(new):
        yield f"{at}: no longer {_words(lost)}"
    required = cast("list[str]", new.get("required", []))
    fields = _fields(new)
    for name, field in _fields(old).items():
        path = f"{at}.{name}".lstrip(".")
        if name not in fields:
            yield f"{path}: is gone"
            continue
        if name in cast("list[str]", old.get("required", [])) and name not in required:
            yield f"{path}: may be left out now"
        yield from _broken(field, fields[name], old_root, new_root, path)
    for key, place in (("items", f"{at}[]"), ("additionalProperties", f"{at}.*")):
        if isinstance(old.get(key), Mapping):
            inner = new.get(key)
            yield from _broken(
                cast("Schema", old[key]), inner if isinstance(inner, Mapping) else {}, old_root, new_root, place
            )


def _fields(schema: Schema) -> Mapping[str, Schema]:
    return cast("Mapping[str, Schema]", schema.get("properties", {}))


def _plain(schema: Schema, root: Schema) -> Schema:
    """What a reference stands for; of `x or null` the x."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rsplit("/", 1)[-1]
        return _plain(cast("Mapping[str, Schema]", root["$defs"])[name], root)
    options = [option for option in _options(schema) if option.get("type") != "null"]
    return _plain(options[0], root) if len(options) == 1 else schema


def _options(schema: Schema) -> list[Schema]:
    return cast("list[Schema]", schema.get("anyOf", []))


def _types(schema: Schema, root: Schema) -> set[str]:
    """The JSON types a value may have."""
    if options := _options(schema):
        return {kind for option in options for kind in _types(option, root)}
    if "$ref" in schema:
        return _types(_plain(schema, root), root)
    return {str(schema.get("type", "anything"))}


def _values(schema: Schema) -> set[object]:
    """The values that are named one by one."""
    return {schema["const"]} if "const" in schema else set(cast("list[object]", schema.get("enum", [])))


def _words(found: set[str] | set[object]) -> str:
    return " or ".join(sorted(map(str, found)))
