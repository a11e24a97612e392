"""The wording of summaries: the frames a summary is made of, written by hand in the words of the shop floor.

Only the table belongs here; `core/grammar.py` walks it. A frame is a row of words:

    word         itself; `_` is a blank within one word; marks (`,` `;` `:` `.` `(` `)`) are words without length
    <S> <V> <B>  a channel not yet named, its value, its normal; `<S+>*` more of the same side, `<S->` of the other side
    <M> <P>      likely failure mode; component of the channel that leads
    <T> <A>      when the condition was first seen; asset
    <L> <C>      the log line, quoted; what to check next, a sentence of its own
    @word        a word the facts decide: one of FORCED[word]
    ?guard       nothing; the frame may go on only where the guard holds
    {rule}       one of the frames of a rule; `{rule}?` or nothing

No frame holds a digit, a unit or a name (promise G7).
"""

from __future__ import annotations

from typing import Final

MARKS: Final = frozenset(",;:.()")
FORCED: Final[dict[str, tuple[str, ...]]] = {
    "above": ("below", "above"),
    "risen": ("fallen", "risen"),
    "up": ("down", "up"),
    "high": ("low", "high"),
    "far": ("slightly", "clearly", "far"),
    "moving": ("falling", "steady", "rising"),
}
GUARDS: Final = frozenset({"more", "other", "placed", "unknown", "bare", "quiet"})
RULES: Final[dict[str, tuple[str, ...]]] = {
    "summary": (
        "{cause} : {lead} {more}? {when} {told} . <C>",
        "{cause} on <A> : {lead} {more}? {when} {told} . <C>",
        "{lead} {more}? {when} , {hint} {told} . <C>",
        "?bare {cause} : no single channel stands out {when} {told} . <C>",
    ),
    "cause": (
        "likely <M> {place}?",
        "probably <M> {place}?",
        "signs of <M> {place}?",
        "this looks like <M> {place}?",
        "?unknown unusual behaviour {place}?",
        "?unknown something has changed {place}?",
    ),
    "hint": (
        "likely <M> {place}?",
        "which points to <M> {place}?",
        "which suggests <M> {place}?",
        "probably <M> {place}?",
        "?unknown cause not known",
        "?unknown which is unusual",
    ),
    "place": ("?placed at <P>",),
    "lead": (
        "<S> has @risen to <V> , @far @above its normal <B>",
        "<S> reads <V> , @far @above its normal <B>",
        "<S> is @far @above its normal <B> , now <V> and @moving",
        "<S> is @far @above normal with <V> instead of <B>",
        "<S> is @moving at <V> , @far @above its normal <B>",
        "<S> stands at <V> , @far @above its usual <B>",
    ),
    "more": (
        "?more , with <S> <S+>* @up {also_up}?",
        "?more , along with <S> <S+>* ( @up ) {also_marked}?",
        "?more ; <S> <S+>* also @high {also_high}?",
    ),
    "also_up": ("?other and <S-> <S+>* @up",),
    "also_marked": ("?other and <S-> <S+>* ( @up )",),
    "also_high": ("?other , <S-> <S+>* @high",),
    "when": (", first seen at <T>", "; risk high since <T>", ", seen since <T>"),
    "told": (
        "; log : <L>",
        "; the log says <L>",
        "; a technician wrote <L>",
        "; written in the log : <L>",
        "?quiet",
    ),
}


def words() -> tuple[str, ...]:
    """Every word a frame can bring forth, sorted; slots not among them."""
    found = {word for forms in FORCED.values() for word in forms}
    for frames in RULES.values():
        for frame in frames:
            found |= {part for part in frame.split() if part[0] not in "<@?{"}
    return tuple(sorted(found))
