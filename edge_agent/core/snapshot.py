"""Pipeline state ↔ bytes: what survives a restart. No pickle: a JSON head, then raw arrays, then compression.

Two kinds of blob: `tracks` (windows and baselines of all assets, large, written seldom; readings after it are replayed
from the journal) and `alarms/<asset>` (conditions of one asset, small, written in the commit that changed them).
A blob is put back whole or not at all.
"""

from __future__ import annotations

import dataclasses
import json
import zlib
from typing import Final, cast

import numpy as np
from pydantic import TypeAdapter

from edge_agent.core.alarm import AlarmState, Phase
from edge_agent.core.aside import Aside
from edge_agent.core.baseline import Baseline, Floats, Principal
from edge_agent.core.identity import digest
from edge_agent.core.pipeline import Pipeline
from edge_agent.core.shelving import Flags
from edge_agent.core.track import AssetTrack, Step
from edge_agent.core.unit_step import Jump, Suspect
from edge_agent.core.units import Conversion
from edge_agent.core.window import Windower

FORMAT: Final = 1
ALARMS: Final = "alarms/"
TRACKS: Final = "tracks"
_HEAD_BYTES: Final = 4  # length of the JSON head, little-endian
_PARTS: Final = 7  # arrays of every track; baselines follow
_BASELINE_PARTS: Final = 6
_FLAGS: Final = "#flags"  # beside the kinds of conditions, none of which begins so
_FLAGS_ADAPTER: Final = TypeAdapter(Flags)

Scalar = float | int | str | bool | None
Head = dict[str, Scalar | list[list[int]] | list[list[Scalar]]]

_ALARM_FIELDS: Final = {f.name: type(f.default) for f in dataclasses.fields(AlarmState)}


def dump_alarms(pipeline: Pipeline, asset: str) -> bytes:
    """The conditions of one asset, and its flags."""
    states: dict[str, object] = {k: dataclasses.asdict(s) for (a, k), s in pipeline.alarms.items() if a == asset}
    flags = pipeline.flags.get(asset)
    if flags:
        states[_FLAGS] = _FLAGS_ADAPTER.dump_python(flags, mode="json")
    return json.dumps(states, separators=(",", ":")).encode()


def load_alarms(pipeline: Pipeline, asset: str, blob: bytes) -> None:
    """Put the conditions and flags of one asset back.

    Raises:
        ValueError: the blob is not one of ours.
    """
    try:
        written = json.loads(blob)
        flags = _FLAGS_ADAPTER.validate_python(written.pop(_FLAGS, {}))
        states = {(asset, kind): _alarm_in(fields) for kind, fields in written.items()}
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        message = f"alarm state of {asset!r} cannot be read: {error!r}"
        raise ValueError(message) from error
    pipeline.alarms.update(states)
    if flags:
        pipeline.flags[asset] = flags


def dump_tracks(pipeline: Pipeline) -> bytes:
    """Windows and baselines of all assets, and what was put aside of those on hold."""
    head: list[Head] = []
    arrays: list[bytes] = []
    for name, windower in pipeline.windowers.items():
        shape = signature(windower)
        for asset, track in windower.tracks.items():
            fields, parts = _track_out(track)
            head.append({"class": name, "signature": shape, "asset": asset, **fields})
            arrays += [np.ascontiguousarray(part, dtype="<f8").tobytes() for part in parts]
    held: list[Head] = []
    for asset, aside in pipeline.aside.items():
        held.append({"asset": asset, "newest": aside.newest, "count": len(aside)})
        arrays.append(np.ascontiguousarray(aside.dump(), dtype="<f8").tobytes())
    text = json.dumps({"format": FORMAT, "tracks": head, "aside": held}, separators=(",", ":")).encode()
    return zlib.compress(len(text).to_bytes(_HEAD_BYTES, "little") + text + b"".join(arrays), 1)


def load_tracks(pipeline: Pipeline, blob: bytes) -> list[str]:
    """Put windows and baselines back; the assets left out because their class has changed since.

    Raises:
        ValueError: the blob is not one of ours.
    """
    try:
        raw = zlib.decompress(blob)
        size = int.from_bytes(raw[:_HEAD_BYTES], "little")
        document = json.loads(raw[_HEAD_BYTES : _HEAD_BYTES + size])
        if document["format"] != FORMAT:
            message = f"snapshot format {document['format']!r}, this agent reads {FORMAT}"
            raise ValueError(message)
        numbers = np.frombuffer(raw, dtype="<f8", offset=_HEAD_BYTES + size)
        tracks, at = _tracks_in(document["tracks"], numbers)
        held = _aside_in(document.get("aside", []), numbers, at)
    except (zlib.error, KeyError, TypeError, OverflowError, RecursionError) as error:
        message = f"snapshot cannot be read: {error!r}"
        raise ValueError(message) from error
    signatures = {name: signature(windower) for name, windower in pipeline.windowers.items()}
    left_out = []
    for asset, name, written, track in tracks:
        windower = pipeline.windower(asset)
        if windower is None or windower.spec.name != name or signatures[name] != written:
            left_out.append(asset)
        else:
            windower.tracks[asset] = track
    pipeline.aside.update((asset, aside) for asset, aside in held.items() if asset not in left_out)
    return left_out


def signature(windower: Windower) -> str:
    """A digest of all that gives an asset's numbers their meaning: steps, channels, and the class reference."""
    spec, reference = windower.spec, windower.reference
    parts = [f"{spec.step_s!r}", *(f"{c.name}\n{c.unit}\n{c.condition}\n{c.expression}" for c in spec.channels)]
    if reference is not None:
        parts += ["\n".join(reference.channels), "\n".join(reference.conditions)]
        arrays = (reference.regimes, reference.condition_scale, reference.center, reference.scale)
        parts += [np.ascontiguousarray(array, dtype="<f8").tobytes().hex() for array in arrays]
    return digest(*parts)


def _alarm_in(fields: dict[str, Scalar]) -> AlarmState:
    phase = Phase(cast("str", fields["phase"]))
    fields.setdefault("told", fields.get("severity", 0))  # before there was a history, people were told of everything
    for name, value in fields.items():
        kind = _ALARM_FIELDS[name]
        if name != "phase" and type(value) is not kind and not (kind is float and type(value) is int):
            message = f"{name} is {value!r}"
            raise TypeError(message)
    return AlarmState(**{**fields, "phase": phase})  # type: ignore[arg-type]  # checked above


def _tracks_in(heads: list[Head], numbers: Floats) -> tuple[list[tuple[str, str, str, AssetTrack]], int]:
    """Asset, class, signature and track of each; and how many numbers they took."""
    tracks, at = [], 0
    for head in heads:
        track, at = _track_in(head, numbers, at)
        tracks.append((str(head["asset"]), str(head["class"]), str(head["signature"]), track))
    return tracks, at


def _aside_in(heads: list[Head], numbers: Floats, at: int) -> dict[str, Aside]:
    """What was put aside, by asset; an agent before there was such a thing wrote none."""
    found = {}
    for head in heads:
        count = int(cast("int", head["count"]))
        rows = numbers[at : at + 3 * count].reshape(count, 3)
        found[str(head["asset"])] = Aside.of(rows, float(cast("float", head["newest"])))
        at += 3 * count
    return found


def _track_out(track: AssetTrack) -> tuple[Head, list[Floats]]:
    history = np.array(track.history) if track.history else np.zeros((0, 0))
    parts = [track.numerator, track.weight, track.ring, history, np.array(track.last_seen), track.conditions]
    steps = [[float(s.number), *s.total, *(float(c) for c in s.count)] for s in track.open.values()]
    parts.append(np.array(steps) if steps else np.zeros((0, 0)))
    for baseline in (track.baseline, track.provisional, track.former):
        if baseline is not None:
            principal = baseline.principal
            parts += [baseline.center, baseline.scale, baseline.joint_center, baseline.joint_scale]
            parts += [principal.axes, principal.variance] if principal is not None else [np.zeros((0, 0)), np.zeros(0)]
    fields: Head = {
        "steps": track.steps,
        "closed": track.closed,
        "first": track.first,
        "newest": track.newest,
        "baseline": track.baseline is not None,
        "provisional": track.provisional is not None,
        "former": track.former is not None,
        "standing": track.standing,
        "jumps": [_jump_out(k, jump) for k, jump in track.jumps.items()],
        "shapes": [list(part.shape) for part in parts],
    }
    return fields, parts


def _track_in(head: Head, numbers: Floats, at: int) -> tuple[AssetTrack, int]:
    parts: list[Floats] = []
    for shape in cast("list[list[int]]", head["shapes"]):
        count = int(np.prod(shape))
        parts.append(numbers[at : at + count].reshape(shape).copy())
        at += count
    numerator, weight, ring, history, last_seen, conditions, steps = parts[:_PARTS]
    rest = parts[_PARTS:]
    baselines: list[Baseline | None] = []
    for present in (head["baseline"], head["provisional"], head.get("former", False)):
        baselines.append(_baseline_in(rest[:_BASELINE_PARTS]) if present else None)
        rest = rest[_BASELINE_PARTS:] if present else rest
    n = len(last_seen)
    track = AssetTrack(
        steps=int(cast("int", head["steps"])),
        closed=int(cast("int", head["closed"])),
        first=float(cast("float", head["first"])),
        newest=float(cast("float", head["newest"])),
        last_seen=last_seen.tolist(),
        conditions=conditions,
        numerator=numerator,
        weight=weight,
        ring=ring,
        history=list(history),
        baseline=baselines[0],
        provisional=baselines[1],
        former=baselines[2],
        standing=bool(head.get("standing", False)),
        jumps=_jumps_in(
            cast("list[tuple[int, str, bool, float, float, float, int, float, float]]", head.get("jumps", []))
        ),
    )
    for row in steps:
        total, count_ = row[1 : 1 + n].tolist(), [int(c) for c in row[1 + n :]]
        track.open[int(row[0])] = Step(int(row[0]), total, count_, sum(1 for c in count_ if c))
    return track, at


def _jump_out(k: int, jump: Jump) -> list[Scalar]:
    unit, settled, change = jump.suspect
    return [k, unit, settled, change.scale, change.offset, jump.level, jump.steps, jump.low, jump.high]


def _jumps_in(rows: list[tuple[int, str, bool, float, float, float, int, float, float]]) -> dict[int, Jump]:
    return {
        k: Jump(Suspect(unit, settled, Conversion(scale, offset)), level, steps, low, high)
        for k, unit, settled, scale, offset, level, steps, low, high in rows
    }


def _baseline_in(parts: list[Floats]) -> Baseline:
    center, scale, joint_center, joint_scale, axes, variance = parts
    principal = Principal(axes=axes, variance=variance) if axes.size else None
    return Baseline(center=center, scale=scale, principal=principal, joint_center=joint_center, joint_scale=joint_scale)
