"""Pipeline state ↔ bytes."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.alarm import AlarmState, Phase
from edge_agent.core.baseline import Reference
from edge_agent.core.pipeline import Pipeline
from edge_agent.core.snapshot import FORMAT, dump_alarms, dump_tracks, load_alarms, load_tracks, signature
from edge_agent.core.types import CLOSE, HOLD, ROLL, AlarmPolicy, ChannelSpec, ClassSpec, LogLine, Reading, Scores
from edge_agent.core.window import Windower
from tests.core.pump import LABELS, LOAD, POWER, PUMP, noise, outcomes, pipeline, readings, reference

SPEC = replace(PUMP, channels=(LOAD, *PUMP.channels, POWER), lateness_s=60.0, silent_after_s=180.0)
REFERENCE = replace(reference(("vib", "temp", "flow", "vib"), (0.0, 50.0)), channels=("vib", "temp", "flow", "power"))
EAGER = AlarmPolicy(raise_at=0.4, clear_at=0.3, off_windows=2)
LOGS = (LogLine("p1", 200.0, "bearing noisy"), LogLine("p2", 900.0, "seal replaced"))
STEPS = 45


def model(text: str) -> Scores:
    """Answers that depend on every word of the text."""
    raw = zlib.crc32(text.encode())
    return Scores(raw % 1000 / 999, tuple((raw >> shift) % 7 / 7 for shift in (3, 9, 15)[: len(LABELS)]), raw % 11 == 0)


def fresh(spec: ClassSpec = SPEC, references: dict[str, Reference] | None = None) -> Pipeline:
    """A pipeline that knows nothing but the log."""
    target = pipeline(spec, model, EAGER, references)
    for line in LOGS:
        target.log(line)
    return target


def stream(seed: int) -> list[Reading]:
    """Two pumps with gaps, late readings, limits crossed, set points, and markers: steps closed, readings put aside."""
    rng = np.random.default_rng(seed)
    found: list[Reading] = []
    for asset in ("p1", "p2"):
        values = {"load": np.repeat([0.0, 50.0, 0.0], STEPS // 3), **noise(STEPS, seed)}
        values["vib"][rng.integers(0, STEPS, 4)] = 9.0
        values["temp"][20:] += np.linspace(0.0, 20.0, STEPS - 20)
        for series in values.values():
            series[rng.random(STEPS) < 0.15] = np.nan
        values["flow"][25:35] = np.nan
        own = readings(values, asset=asset)
        found += [
            r._replace(time=r.time + float(late)) for r, late in zip(own, rng.integers(-90, 60, len(own)), strict=True)
        ]
    found.sort(key=lambda r: (r.time // 120, r.channel, r.asset))
    for at in sorted(rng.integers(0, len(found), 5), reverse=True):
        found.insert(at, Reading("p1", CLOSE, float(found[at].time // 60 * 60), 0.0))
    hold, part, rest = sorted(int(at) for at in rng.integers(0, len(found), 3))
    found.insert(rest, Reading("p2", ROLL, 1e9, 1.0))
    found.insert(part, Reading("p2", ROLL, float(found[part].time), 0.0))
    found.insert(hold, Reading("p2", HOLD, 0.0, 0.0))
    return found


def tracks_only(target: Pipeline) -> bytes:
    """All that the pipeline keeps of windows and baselines, uncompressed: equal if and only if the tracks are."""
    return zlib.decompress(dump_tracks(target))


# --------------------------------------------------------------------------------------------- interruption


@given(seed=st.integers(0, 50), cut=st.floats(0, 1), snapshot=st.floats(0, 1), with_class=st.booleans())
@settings(max_examples=40)
def test_after_snapshot_and_replay_everything_goes_on_as_if_uninterrupted(
    seed: int, cut: float, snapshot: float, *, with_class: bool
) -> None:
    given_ = stream(seed)
    references = {"pump": REFERENCE} if with_class else {}
    stopped = int(cut * len(given_))
    dumped = int(snapshot * stopped)
    whole = fresh(references=references)
    outcomes(whole, given_[:dumped])
    blob = dump_tracks(whole)
    outcomes(whole, given_[dumped:stopped])
    alarms = {asset: dump_alarms(whole, asset) for asset in ("p1", "p2")}
    newest = dict(whole.newest)
    expected = outcomes(whole, given_[stopped:])

    restored = fresh(references=references)
    assert load_tracks(restored, blob) == []
    restored.judging = False
    replayed = outcomes(restored, given_[dumped:stopped])
    restored.judging = True
    for asset, written in alarms.items():
        load_alarms(restored, asset, written)
    restored.newest = newest  # from the journal, in the agent

    assert not any(o.windows or o.events or o.verdicts for o in replayed)
    assert outcomes(restored, given_[stopped:]) == expected
    assert (restored.alarms, restored.flags) == (whole.alarms, whole.flags)
    assert tracks_only(restored) == tracks_only(whole)


def test_the_streams_of_this_test_raise_alarms_of_all_kinds() -> None:
    kinds = {e.kind for seed in range(2) for o in outcomes(fresh(), stream(seed)) for e in o.events}

    assert kinds >= {"risk", "limit:vib", "silence"}


@pytest.mark.parametrize("references", [{}, {"pump": REFERENCE}])
@pytest.mark.parametrize("count", [0, 1, 2, 50, 100, 200])
def test_tracks_come_back_as_they_were_written(count: int, references: dict[str, Reference]) -> None:
    """In the middle of a step, of a baseline, and after it; with a class reference and without."""
    first, second = (pipeline(SPEC, references=references) for _ in range(2))
    outcomes(first, stream(1)[:count])

    assert load_tracks(second, dump_tracks(first)) == []
    assert tracks_only(second) == tracks_only(first)
    assert list(second.windowers["pump"].tracks) == list(first.windowers["pump"].tracks)


def test_a_snapshot_keeps_the_joint_channels() -> None:
    spec = replace(PUMP, baseline_steps=40)
    given_ = readings(noise(60))
    first, second = pipeline(spec), pipeline(spec)
    outcomes(first, given_[:150])
    load_tracks(second, dump_tracks(first))

    found = [w for o in outcomes(second, given_[150:]) for w in o.windows]
    assert found == [w for o in outcomes(first, given_[150:]) for w in o.windows]
    assert {"joint_t2", "joint_spe"} <= {c.name for c in found[0].channels}


def test_a_snapshot_within_a_step_knows_which_channels_are_still_to_come() -> None:
    spec = replace(PUMP, complete=True)
    given_ = readings(noise(1))
    first, second = pipeline(spec), pipeline(spec)
    outcomes(first, given_[:1])
    load_tracks(second, dump_tracks(first))

    assert [len(o.windows) for o in outcomes(second, given_[1:])] == [0, 1]


def on_hold() -> Pipeline:
    """A pump and a fan of `plant`, each with three readings put aside."""
    target = plant(PUMP, FAN)
    for asset in ("p1", "f1"):
        target.reading(Reading(asset, "vib", 0.0, 1.0))
        target.reading(Reading(asset, HOLD, 60.0, 0.0))
        for time in (7260.0, 3660.0, 5460.0):
            target.reading(Reading(asset, "vib", time, 2.0))
    return target


def test_what_was_put_aside_comes_back_as_it_was_written() -> None:
    target, other = on_hold(), plant(PUMP, FAN)

    assert load_tracks(other, dump_tracks(target)) == []
    assert dump_tracks(other) == dump_tracks(target)
    for asset in ("p1", "f1"):
        assert other.aside[asset].newest == 7260.0
        assert [entry.time for entry in other.aside[asset].take(1e9)] == [3660.0, 5460.0, 7260.0]


def test_what_was_put_aside_goes_with_its_track() -> None:
    other = plant(replace(PUMP, step_s=30.0), FAN)

    assert load_tracks(other, dump_tracks(on_hold())) == ["p1"]
    assert set(other.aside) == {"f1"}


def test_too_few_numbers_of_what_was_put_aside_are_refused() -> None:
    raw = zlib.decompress(dump_tracks(on_hold()))
    other = plant(PUMP, FAN)

    with pytest.raises(ValueError, match="reshape"):
        load_tracks(other, zlib.compress(raw[:-24]))
    assert other.aside == {}


def test_conditions_come_back_as_they_were_written() -> None:
    first, second = fresh(), fresh()
    outcomes(first, stream(2))
    for asset in ("p1", "p2"):
        load_alarms(second, asset, dump_alarms(first, asset))

    assert second.alarms == first.alarms != {}


def test_conditions_of_one_asset_are_written_alone() -> None:
    first, second = fresh(), fresh()
    outcomes(first, stream(2))
    load_alarms(second, "p1", dump_alarms(first, "p1"))

    assert {asset for asset, _ in second.alarms} == {"p1"}
    assert dump_alarms(first, "never seen") == b"{}"


# --------------------------------------------------------------------------------------------- changed classes

FAN = ClassSpec(name="fan", channels=(ChannelSpec(name="vib"),), baseline_steps=20)


def plant(pump: ClassSpec, fan: ClassSpec, references: dict[str, Reference] | None = None) -> Pipeline:
    """Pumps p1, p2 and the fan f1."""
    judge = pipeline()._judge
    classes = {"p": pump.name, "f": fan.name}
    return Pipeline(
        {c.name: c for c in (pump, fan)}, lambda asset: classes.get(asset[0]), references or {}, AlarmPolicy(), judge
    )


def written() -> bytes:
    """A snapshot of the plant at work."""
    target = plant(PUMP, FAN)
    outcomes(target, [*readings(noise(3)), *readings(noise(3), asset="p2"), Reading("f1", "vib", 0.0, 1.0)])
    return dump_tracks(target)


def channels(change: Callable[[ChannelSpec], ChannelSpec]) -> ClassSpec:
    """The pump with its first channel changed."""
    return replace(PUMP, channels=(change(PUMP.channels[0]), *PUMP.channels[1:]))


@pytest.mark.parametrize(
    "changed",
    [
        replace(PUMP, step_s=30.0),
        replace(PUMP, channels=PUMP.channels[:2]),
        replace(PUMP, channels=PUMP.channels[::-1]),
        replace(PUMP, channels=(*PUMP.channels, POWER)),
        channels(lambda c: replace(c, name="vib_de")),
        channels(lambda c: replace(c, unit="in/s")),
        channels(lambda c: replace(c, condition=True)),
        channels(lambda c: replace(c, expression="temp * 2")),
        replace(PUMP, name="centrifugal"),
    ],
)
def test_a_changed_class_drops_its_assets_and_no_others(changed: ClassSpec) -> None:
    target = plant(changed, FAN)

    assert load_tracks(target, written()) == ["p1", "p2"]
    assert {a for w in target.windowers.values() for a in w.tracks} == {"f1"}


@pytest.mark.parametrize(
    "changed",
    [
        replace(PUMP, lateness_s=10.0, silent_after_s=5.0, log_lines=1, verdict_every=3, complete=True),
        channels(lambda c: replace(c, component="coupling", limits=replace(c.limits, high_alarm=1.0))),
    ],
)
def test_settings_that_do_not_touch_the_numbers_keep_the_baseline(changed: ClassSpec) -> None:
    target = plant(changed, FAN)

    assert load_tracks(target, written()) == []
    assert set(target.windowers["pump"].tracks) == {"p1", "p2"}


def test_another_class_reference_drops_the_assets_measured_by_the_old_one() -> None:
    assert load_tracks(plant(PUMP, FAN, {"pump": reference()}), written()) == ["p1", "p2"]
    assert signature(Windower(PUMP, reference())) == signature(Windower(PUMP, reference()))
    moved = replace(reference(), center=reference().center + 1.0)
    assert signature(Windower(PUMP, moved)) != signature(Windower(PUMP, reference()))


def test_an_asset_that_is_of_another_class_now_is_dropped() -> None:
    target = Pipeline(
        {"pump": PUMP, "fan": FAN},
        lambda asset: "fan" if asset == "p2" else "pump",
        {},
        AlarmPolicy(),
        pipeline()._judge,
    )

    assert load_tracks(target, written()) == ["p2", "f1"]
    assert {name: set(w.tracks) for name, w in target.windowers.items()} == {"pump": {"p1"}, "fan": set()}


def test_an_asset_without_a_class_is_dropped() -> None:
    target = Pipeline(
        {"pump": PUMP}, lambda asset: "pump" if asset == "p1" else None, {}, AlarmPolicy(), pipeline()._judge
    )

    assert load_tracks(target, written()) == ["p2", "f1"]


# --------------------------------------------------------------------------------------------- damaged blobs


def packed(document: object, numbers: bytes = b"") -> bytes:
    """A blob with a head of one's own."""
    text = json.dumps(document).encode()
    return zlib.compress(len(text).to_bytes(4, "little") + text + numbers)


@given(data=st.data())
@settings(max_examples=30)
def test_a_flipped_or_cut_snapshot_is_refused_and_changes_nothing(data: st.DataObject) -> None:
    blob = bytearray(written())
    at = data.draw(st.integers(0, len(blob) - 1))
    damaged = bytes(blob[:at])
    if data.draw(st.booleans()):
        blob[at] ^= 1 << data.draw(st.integers(0, 7))
        damaged = bytes(blob)
    target = plant(PUMP, FAN)

    try:
        load_tracks(target, damaged)
    except ValueError:
        assert not any(w.tracks for w in target.windowers.values())
    else:  # a bit of the compressor's header that says nothing of the content
        assert dump_tracks(target) == written()


@pytest.mark.parametrize(
    "blob", [b"", b"x", b"{}", zlib.compress(b""), zlib.compress(b"\xff\xff\xff\xff[]"), packed([])]
)
def test_what_is_no_snapshot_is_refused(blob: bytes) -> None:
    with pytest.raises(ValueError, match=r"snapshot|JSON|Expecting"):
        load_tracks(pipeline(), blob)


def test_a_snapshot_of_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match=f"snapshot format 99, this agent reads {FORMAT}"):
        load_tracks(pipeline(), packed({"format": 99}))


GOOD = {
    "class": "pump", "signature": "", "asset": "p1", "steps": 1, "closed": 0, "first": 0.0, "newest": 0.0,
    "baseline": False, "provisional": False, "shapes": [[3, 5], [3, 5], [20, 5], [0, 0], [3], [0], [0, 0]],
}  # fmt: skip
ENOUGH = bytes(8 * (15 + 15 + 100 + 3))


def test_a_head_of_ones_own_can_be_a_good_one() -> None:
    good = {**GOOD, "signature": signature(Windower(PUMP))}
    target = pipeline()

    assert load_tracks(target, packed({"format": FORMAT, "tracks": [good]}, ENOUGH)) == []
    assert target.windowers["pump"].tracks["p1"].steps == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"shapes": [[3, 5]]}, {"shapes": 7}, {"shapes": [["x"]]}, {"shapes": [[10**6], *[[0]] * 6]}, {"shapes": None},
        {"steps": "many"}, {"steps": 1e999}, {"closed": None}, {"newest": []}, {"baseline": True}, {"provisional": 1},
    ],
)  # fmt: skip
def test_a_track_that_contradicts_itself_is_refused(changes: dict[str, object]) -> None:
    target = pipeline()

    with pytest.raises(ValueError, match=r".+"):
        load_tracks(target, packed({"format": FORMAT, "tracks": [GOOD, {**GOOD, **changes}]}, 2 * ENOUGH))
    assert target.windowers["pump"].tracks == {}


@pytest.mark.parametrize("missing", sorted(GOOD))
def test_a_track_without_a_field_is_refused(missing: str) -> None:
    head = {k: v for k, v in GOOD.items() if k != missing}

    with pytest.raises(ValueError, match=missing):
        load_tracks(pipeline(), packed({"format": FORMAT, "tracks": [head]}, ENOUGH))


def test_numbers_that_are_too_few_or_no_doubles_are_refused() -> None:
    document = {"format": FORMAT, "tracks": [GOOD]}

    for numbers in (ENOUGH[:-8], ENOUGH[:-3]):
        with pytest.raises(ValueError, match=r"reshape|multiple"):
            load_tracks(pipeline(), packed(document, numbers))


@pytest.mark.parametrize(
    "blob",
    [
        b"", b"\xff", b"[]", b"7", b'{"risk":1}', b'{"risk":{}}', b"[" * 100_000,
        b'{"risk":{"phase":"sleeping"}}', b'{"risk":{"phase":"active","colour":"red"}}',
        b'{"risk":{"phase":["active"]}}',
        b'{"risk":{"phase":"active","count":"2"}}', b'{"risk":{"phase":"active","count":true}}',
        b'{"risk":{"phase":"active","since":null}}', b'{"risk":{"phase":"active","acked":0}}',
        b'{"silence":{"phase":"active"},"risk":{"phase":"active","id":5}}',
    ],
)  # fmt: skip
def test_a_damaged_alarm_state_is_refused_and_changes_nothing(blob: bytes) -> None:
    target = pipeline()

    with pytest.raises(ValueError, match=r".+"):
        load_alarms(target, "p1", blob)
    assert target.alarms == {}


def test_a_whole_number_may_stand_for_seconds() -> None:
    target = pipeline()
    load_alarms(target, "p1", b'{"risk":{"phase":"active","since":7}}')

    assert target.alarms["p1", "risk"] == AlarmState(phase=Phase.ACTIVE, since=7.0)
