"""What must hold of a `[[source]]` of waveforms in itself; its machines, channels and units are `source_checks`'."""

from __future__ import annotations

from collections.abc import Iterator

from edge_agent.config.problems import MISSING, Problem, written
from edge_agent.config.sections.source import Json, Source, WaveformTable
from edge_agent.core.sources import Format
from edge_agent.core.waveform import names_of


def waveform_problems(field: str, source: Source) -> Iterator[Problem]:
    """All that is wrong with what is taken of the waveforms of a source, or with what only those have."""
    json, table = source.paths or Json(), source.waveform or WaveformTable()
    if source.effective_format is not Format.WAVEFORM:
        for name, value in (("waveform", source.waveform), ("json.rate", json.rate)):
            if value is not None:
                remedy = 'write `format = "waveform"`, or remove it'
                yield Problem(f"{field}.{name}", written(source.effective_format), "only a waveform has this", remedy)
        return
    if json.value is None:
        remedy = 'add `value = "samples"` to [source.json], the path of the array'
        yield Problem(f"{field}.json.value", MISSING, "nothing says where the samples are", remedy)
    for name in ("items", "channels"):
        if getattr(json, name):
            remedy = "remove it; a message is one waveform, `value` the path of its samples"
            yield Problem(f"{field}.json.{name}", written(getattr(json, name)), "a waveform has no such thing", remedy)
    if json.rate is None and table.rate_hz is None:
        remedy = 'add `rate = "fs"` to [source.json], its path, or `rate_hz = ...` to [source.waveform]'
        yield Problem(f"{field}.waveform.rate_hz", MISSING, "nothing says how many samples a second there are", remedy)
    yield from _wanted_problems(f"{field}.waveform", table)


def _wanted_problems(field: str, table: WaveformTable) -> Iterator[Problem]:
    wanted = table.spec()
    if not names_of(wanted):
        remedy = 'write what is wanted, such as `features = ["rms", "kurtosis"]`'
        yield Problem(f"{field}.features", "[]", "nothing is taken of the waveforms", remedy)
    for name in sorted(table.bands.keys() & names_of(WaveformTable(envelope_hz=(0.0, 1.0)).spec()).keys()):
        remedy = "call the band otherwise, after what it watches"
        yield Problem(f"{field}.bands.{written(name)}", written(name), "is the name of a feature", remedy)
    if table.rate_hz is not None and wanted.highest_hz > table.rate_hz / 2:
        yield Problem(
            field,
            f"{wanted.highest_hz} Hz",
            f"no band can reach beyond half of rate_hz, {table.rate_hz / 2} Hz",
            "correct the band, or rate_hz",
        )
