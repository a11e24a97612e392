"""The words of the shop floor: what technicians write about each kind of fault, and when a machine fails.

Only tables belong here; what they write about nothing at all is in `routine.py`. A topic has observations of an early
and of a late stage, and what was done about it. `{part}` is the maintainable item, `{end}` where on the machine.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """What is said about one kind of fault."""

    early: tuple[str, ...]  # before a trend shows
    late: tuple[str, ...]  # plain to everybody
    repair: tuple[str, ...]


OPENINGS = (
    "", "", "", "", "", "on round: ", "night shift: ", "operator reports ", "operator says ", "noticed ", "found ",
    "walkdown: ", "weekly check, ", "heard from prod: ", "PM round, ", "pls note ",
)  # fmt: skip
CLOSINGS = (
    "", "", "", "", "", ", will monitor", " - check next shift", ", keep an eye on it", ", told supervisor",
    ", w/o raised",
    ", not urgent", ", to be planned", " again", ", same as yesterday", ", needs looking at", ", informed planning",
)  # fmt: skip
URGENT_CLOSINGS = (
    "", "", "", " - check next shift", ", needs attention", ", getting worse", ", w/o raised", ", pls plan repair",
    ", told supervisor", ", should not run much longer", ", worse than last shift", ", recommend to stop", " !!",
)  # fmt: skip
REPAIR_CLOSINGS = (
    "", "", "", ", test run ok", ", running fine", ", back in service", ", w/o closed", ", readings normal",
    ", handed over to production", ", aligned and tested",
)  # fmt: skip
FAILURES = (
    "tripped, {part} failed", "unit stopped by operator, {part}", "shut down on {part} problem",
    "{part} failed, unit down", "taken out of service, {part} gone", "breakdown {part}, standby unit started",
    "emergency stop, {part} defective",
)  # fmt: skip

TOPICS: dict[str, Topic] = {
    "bearing": Topic(
        early=(
            "slight noise {end}", "faint rumble at {end}", "{end} running a bit rough", "{end} sounds different",
            "light grinding sound {end}", "{part} slightly noisy", "grease at {end} looks dark",
            "{end} a little warmer than usual", "soft squeal from {end}", "small vibration felt at {end}",
            "some metal shine in grease {end}", "ticking noise {end}",
        ),
        late=(
            "{part} noisy, hot to touch", "loud rumbling {end}", "heavy vibration {end}, {part} worn",
            "{part} grinding", "{part} very hot, smell of burnt grease", "play in shaft at {end}",
            "{part} on its way out", "metal particles in grease {end}", "{part} screaming", "knocking from {part}",
        ),
        repair=(
            "replaced {part}", "changed {part}", "new {part} fitted", "{part} renewed and greased",
            "replaced {part}, realigned coupling", "swapped {part}, old one pitted",
        ),
    ),
    "imbalance": Topic(
        early=(
            "slight shaking of the frame", "machine swings a little", "small wobble at full speed",
            "foundation bolts trembling a bit", "deposits seen on {part}", "a bit more vibration after last start",
            "soft humming in rhythm with speed", "guard rattles a little",
        ),
        late=(
            "strong shaking at full speed", "whole frame vibrates", "heavy vibration both ends",
            "{part} out of balance",
            "thick deposits on {part}, vibrates", "base plate shakes", "anchor bolt came loose from vibration",
        ),
        repair=(
            "cleaned and balanced {part}", "{part} balanced on site", "removed deposits from {part}",
            "balance weight fitted on {part}", "{part} replaced, balanced to G2.5",
        ),
    ),
    "alignment": Topic(
        early=(
            "rubber dust under {part}", "slight vibration at {part}", "{part} a bit warm", "light wear marks on {part}",
            "{part} guard vibrates slightly", "soft clicking at {part}", "looks slightly out of line at {part}",
        ),
        late=(
            "{part} misaligned", "{part} insert worn through", "heavy vibration at {part}", "{part} hot, rubber crumbs",
            "shaft visibly out of line at {part}", "{part} bolts loose", "axial vibration, alignment lost",
        ),
        repair=(
            "realigned {part}", "laser aligned {part}, 0.05 mm", "new {part} element and alignment",
            "shimmed feet and aligned {part}", "soft foot corrected, {part} aligned",
        ),
    ),
    "lubrication": Topic(
        early=(
            "{end} slightly dry sound", "grease nipple {end} blocked", "no fresh grease coming out {end}",
            "{end} warmer than other side", "oil level a bit low {end}", "lubricator nearly empty", "grease looks dry",
        ),
        late=(
            "{end} hot to touch, no grease", "{end} overheating", "lubricator empty, {end} hot",
            "smell of hot grease {end}",
            "{end} temp high, paint discoloured", "oil burnt {end}",
        ),
        repair=(
            "regreased {end}, temp coming down", "replaced lubricator", "flushed and refilled grease {end}",
            "cleared blocked grease line", "oil changed, {end} ok",
        ),
    ),
    "seal": Topic(
        early=(
            "few drops at {part}", "slight weeping {part}", "wet spot under {part}", "{part} dripping now and then",
            "small puddle under unit", "drip tray wet", "trace of product at shaft",
        ),
        late=(
            "{part} leaking", "steady leak from {part}", "{part} sprays product", "puddle under unit, {part} gone",
            "leak rate up at {part}", "floor wet around unit, barrier tape set", "{part} blowing",
        ),
        repair=(
            "replaced {part}", "new {part} and o-rings", "{part} changed, no leak", "repacked shaft, {part} renewed",
            "seal faces lapped and refitted",
        ),
    ),
    "cavitation": Topic(
        early=(
            "slight crackling at suction", "pump sounds like a bit of gravel", "gauge needle trembling",
            "level in feed tank low this morning", "suction hose hums", "flow not quite steady",
        ),
        late=(
            "cavitating", "sounds like stones in pump", "loud crackling, pressure hunting", "flow jumping up and down",
            "air in suction line", "strong cavitation noise, gauge swinging",
        ),
        repair=(
            "vented suction line", "tightened suction flange", "raised tank level, cavitation gone",
            "suction valve opened fully", "new gasket {part}", "air leak in {part} closed",
        ),
    ),
    "low_output": Topic(
        early=(
            "takes longer to fill the tank", "output a bit down", "pressure slightly lower than last week",
            "prod complains about low rate", "valve opened more than usual for same rate", "capacity seems down",
        ),
        late=(
            "low output", "does not reach pressure", "capacity clearly down, {part} suspected",
            "rate too low for production",
            "{part} not doing its job", "standby needed to keep rate",
        ),
        repair=(
            "replaced {part}", "overhauled {part}", "{part} cleaned and reset", "new {part}, capacity ok",
            "{part} rebuilt with kit",
        ),
    ),
    "clogging": Topic(
        early=(
            "some dirt in {part}", "fibres seen in {part}", "suction gauge a bit low", "rags found upstream",
            "a little sludge at drain", "inlet slightly restricted",
        ),
        late=(
            "{part} blocked", "{part} choked with dirt", "hardly any flow, {part} plugged", "starving, {part} full",
            "suction pressure too low, {part} dirty", "{part} clogged",
        ),
        repair=(
            "cleaned {part}", "flushed {part}", "{part} basket changed", "removed rags from {part}",
            "backflushed {part}",
            "opened and cleared {part}",
        ),
    ),
    "filter": Topic(
        early=(
            "{part} getting dirty", "{part} dp a bit up", "dust on {part}", "{part} changed colour",
            "dirt indicator half way",
            "{part} older than it should be",
        ),
        late=(
            "{part} clogged up", "dp alarm on {part}", "{part} full of dirt", "dirt indicator red on {part}",
            "{part} collapsed partly", "{part} needs change now, dp high",
        ),
        repair=(
            "replaced {part}", "new {part} element", "{part} cleaned and blown out", "changed {part}, dp normal",
            "{part} swapped, indicator reset",
        ),
    ),
    "internal_leak": Topic(
        early=(
            "slightly more current for same flow", "recirculation noise inside casing", "hissing inside casing",
            "casing a bit warmer than usual", "takes a little longer to build up", "runs longer per cycle",
        ),
        late=(
            "passing internally", "internal leak, {part} worn", "clearance of {part} too big", "does not hold pressure",
            "casing hot, recirculating", "{part} worn, losing capacity inside",
        ),
        repair=(
            "replaced {part}", "{part} clearance restored", "overhauled, new {part}",
            "fitted exchange unit with new {part}",
            "{part} machined and refitted",
        ),
    ),
    "belt": Topic(
        early=(
            "belt dust under guard", "short squeal at start", "belts a bit slack", "one belt frayed",
            "belt slightly glazed",
            "smell of rubber at start",
        ),
        late=(
            "belt slipping", "belts squealing all the time", "burnt rubber smell, belts slack", "one belt missing",
            "belt cracked, flapping on guard", "fan turns slow, belt slips",
        ),
        repair=(
            "new belts fitted", "retensioned belts", "replaced belt set and sheave", "belts changed, aligned",
            "motor moved back, belts tensioned",
        ),
    ),
    "gear": Topic(
        early=(
            "fine metal dust on dipstick", "oil a bit grey", "soft whine under load",
            "slight tooth marks seen on inspection",
            "magnet plug a bit furry", "light clicking under load",
        ),
        late=(
            "teeth worn", "heavy gear noise and chips in oil", "flakes on magnet plug", "pitting on {part}",
            "gear knocking at every turn", "{part} chipped",
        ),
        repair=(
            "replaced gear set", "new pinion and wheel", "{part} repaired, oil changed", "exchange gearbox fitted",
            "gear set renewed, backlash set",
        ),
    ),
    "noise": Topic(
        early=(
            "whining a bit louder than usual", "new tone from gearbox", "humming at part load", "sounds higher pitched",
            "slight howl when loaded",
        ),
        late=(
            "very loud, ear protection needed", "howling under load", "loud whine from {part}",
            "gear noise heard at gate",
            "grinding noise from {part}",
        ),
        repair=(
            "backlash of {part} adjusted", "changed oil, shimmed pinion", "{part} lapped in",
            "replaced pinion, quiet again",
            "mesh contact of {part} corrected",
        ),
    ),
    "cooling": Topic(
        early=(
            "dust on cooling fins", "cooling air outlet weak", "{part} dirty outside", "cooler outlet a bit warm",
            "fan cover half blocked with paper", "cooling water strainer not checked lately",
        ),
        late=(
            "runs hot, {part} blocked", "{part} not cooling", "overheating", "temp too high, {part} dirty",
            "can't keep hand on it, {part}", "high temp warning on panel",
        ),
        repair=(
            "cleaned {part}", "{part} flushed and descaled", "{part} replaced", "cooling water valve opened, {part} ok",
            "removed dirt from {part}, temp dropping",
        ),
    ),
    "winding": Topic(
        early=(
            "slight smell of varnish", "hum changed a little", "one phase reads higher", "terminal box warm",
            "small current difference between phases", "megger reading lower than last time",
        ),
        late=(
            "motor hot, smell of burnt varnish", "phases unequal, {part} suspect", "buzzing loud and hot",
            "insulation reading bad", "{part} overheating", "thermal relay tripped once",
        ),
        repair=(
            "motor exchanged, {part} rewound", "rewound {part}", "new motor fitted", "terminal redone, {part} dried",
            "{part} repaired in workshop",
        ),
    ),
    "oil_leak": Topic(
        early=(
            "oil film around {part}", "oil level slightly down", "few oil drops on floor", "topped up half a litre oil",
            "{part} a bit oily", "oil mist on casing",
        ),
        late=(
            "oil leaking at {part}", "oil level low, topped up 3 l", "oil on floor under unit", "{part} leaking badly",
            "oil running down the casing", "lost oil since yesterday",
        ),
        repair=(
            "replaced {part}", "new {part}, oil topped up", "{part} changed, dry now", "resealed cover and {part}",
            "oil refilled after new {part}",
        ),
    ),
    "sensor": Topic(
        early=(
            "reading looks odd compared to hand meter", "cable at transmitter loose", "display flickers",
            "value jumps sometimes",
            "gauge and screen differ a bit", "moisture in junction box",
        ),
        late=(
            "transmitter faulty", "reading frozen on screen", "signal lost now and then",
            "sensor reads nonsense, machine ok",
            "bad quality on tag", "hand measurement ok, {part} wrong",
        ),
        repair=(
            "replaced transmitter", "sensor changed and calibrated", "cable repaired", "reterminated wires, signal ok",
            "{part} recalibrated", "new sensor fitted, loop checked",
        ),
    ),
}  # fmt: skip
