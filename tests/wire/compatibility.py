"""Two JSON Schemas of one payload, an older and a newer → what whoever keeps to the older would no longer understand.

Adding is allowed: fields, values of an enumeration. Taking away and retyping is not. Of a payload that is `taken`, sent
to the agent, it is the sender who keeps to the older: we may take more than before, and ask for nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

Schema = Mapping[str, object]


def broken(old: Schema, new: Schema, *, taken: bool = False) -> list[str]:
    """Every promise of the older schema that the newer does not keep."""
    return [*_Comparison(old, new, taken=taken).broken(old, new, "")]


class _Comparison:
    """Two whole schemas, for the references in them."""

    def __init__(self, old: Schema, new: Schema, *, taken: bool) -> None:
        self._old, self._new, self._taken = old, new, taken

    def broken(self, old: Schema, new: Schema, at: str) -> Iterator[str]:
        """What is broken of one part, and of all that it holds."""
        before, now = _types(old, self._old), _types(new, self._new)
        if not (before <= now if self._taken else now <= before):
            yield f"{at or 'payload'}: was {_words(before)}, is {_words(now)}"
            return
        old, new = _plain(old, self._old), _plain(new, self._new)
        if lost := _values(old) - _values(new):
            yield f"{at}: no longer {_words(lost)}"
        yield from self._fields(old, new, at)
        for key, place in (("items", f"{at}[]"), ("additionalProperties", f"{at}.*")):
            if isinstance(old.get(key), Mapping):
                inner = new.get(key)
                yield from self.broken(cast("Schema", old[key]), inner if isinstance(inner, Mapping) else {}, place)

    def _fields(self, old: Schema, new: Schema, at: str) -> Iterator[str]:
        needed, given = _required(old), _required(new)
        fields = _fields(new)
        if self._taken:
            yield from (f"{at}.{name}".lstrip(".") + ": must be given now" for name in sorted(given - needed))
        for name, field in _fields(old).items():
            path = f"{at}.{name}".lstrip(".")
            if name not in fields:
                yield f"{path}: is gone"
                continue
            if not self._taken and name in needed - given:
                yield f"{path}: may be left out now"
            yield from self.broken(field, fields[name], path)


def _required(schema: Schema) -> set[str]:
    return set(cast("list[str]", schema.get("required", [])))


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
