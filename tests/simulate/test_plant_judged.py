"""The demo plant, judged offline: the trained model tells the worn bearing, one that learned nothing tells nothing.

`tests/data/untrained-bundle` is `edge-agent train base --quick --steps 1`: weights as they were drawn, calibrated.
"""

from __future__ import annotations

from pathlib import Path

from edge_agent.bundle.load import default_bundle, load_bundle
from edge_agent.core.identity import slug
from edge_agent.core.pipeline import Judge, Pipeline
from edge_agent.core.types import AlarmEvent, AlarmPolicy, Limits, LogLine, Reading, Transition
from edge_agent.simulate.plant import POSITIONS, PUMP, REPAIRED, STOPPED, Plant

UNTRAINED = Path(__file__).resolve().parent.parent / "data" / "untrained-bundle"


def events_of(bundle_path: Path) -> list[AlarmEvent]:
    """What a bundle makes of the demo plant."""
    bundle, plant = load_bundle(bundle_path), Plant()
    classes = {slug(position.asset): position.asset_class for position in POSITIONS}
    info = bundle.risk.info
    pipeline = Pipeline(
        {spec.name: spec for spec in plant.specs.values()},
        classes.get,
        bundle.references,
        AlarmPolicy(),
        Judge(score=bundle.risk.score, labels=info.labels, threshold=info.threshold),
    )
    events: list[AlarmEvent] = []
    for event in plant:
        if isinstance(event, Reading):
            events += pipeline.reading(event._replace(asset=slug(event.asset))).events
        elif isinstance(event, LogLine):
            pipeline.log(event._replace(asset=slug(event.asset)))
    return events


def test_random_weights_raise_nothing() -> None:
    """No channel of the plant has a hard limit: what the demo shows is the model's."""
    assert all(channel.limits == Limits() for spec in Plant().specs.values() for channel in spec.channels)
    assert events_of(UNTRAINED) == []


def test_the_trained_model_tells_the_worn_bearing_once_and_nothing_else() -> None:
    """Raised as vibration of the drive-end bearing with the technician's words, cleared after the repair."""
    events = events_of(default_bundle())

    assert {event.asset for event in events} == {slug(PUMP)}
    assert len({event.id for event in events}) == 1
    assert events[0].transition is Transition.RAISED
    assert events[0].mode == "VIB"
    assert "drive-end bearing" in events[0].summary
    assert 'log: "de brg noisy, hot to touch' in events[0].summary
    assert events[-1].transition is Transition.CLEARED


def test_while_the_pump_stands_nothing_is_told_of_it() -> None:
    """Between its stop and its start the alarm stays as it was: bearings of a cold machine say nothing."""
    plant = Plant()
    steps = [round((event.time - plant.start) / plant.step_s) - 1 for event in events_of(default_bundle())]

    assert not [step for step in steps if STOPPED <= step < REPAIRED]
    assert any(step < STOPPED for step in steps)
    assert any(step >= REPAIRED for step in steps)
