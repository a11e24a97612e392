"""Commands from people and other programs: carried out once, written down, answered (DESIGN §6).

Belongs to the engine thread. What a command does to alarms is decided in `core/operating.py`; here it is known again by
its request id, turned into what the next commit writes, and into what is done after that commit.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from edge_agent.core.commands import (
    AckRequest,
    AskRequest,
    BaselineResetRequest,
    Command,
    CommandResult,
    Refusal,
    ShelveRequest,
    SuppressRequest,
    Targeted,
    UnshelveRequest,
    answer_topic,
    command,
    record_of,
)
from edge_agent.core.identity import digest
from edge_agent.core.operating import Acted, Answer, By
from edge_agent.core.pipeline import Outcome, Pipeline
from edge_agent.core.properties import Reply, reply
from edge_agent.core.shelving import ALL, MAX_AHEAD_S, Issued
from edge_agent.core.topics import Address
from edge_agent.core.types import RELEARN, CommandRecord, Outgoing, Reading, WorkOrderEvent
from edge_agent.core.under_way import MOST_STARTS, MOST_UNDER_WAY, UnderWay, dumped, loaded
from edge_agent.core.wire import LANE_ALARM, stamp
from edge_agent.ports import Arrival
from edge_agent.service.inbox import ErrandDone

logger = logging.getLogger(__name__)

MQTT, LOCAL, ORDER = "mqtt", "local", "order"
ERRANDS: Final = "errands"  # name of the state that holds the commands under way
_SAID: Final = {
    Answer.DONE: "done",
    Answer.ALREADY: "it was so before",
    Answer.OUTDATED: "a later order about the same, or about the whole asset, counts",
    Answer.OVER: "the time it was asked for has passed",
    Answer.CLOSED: "the alarm is not open any more",
    Answer.UNKNOWN_ALARM: "no alarm of this gateway has that id as its newest episode: it is closed, or elsewhere",
    Answer.UNKNOWN_ASSET: "nothing has come from an asset of that name",
    Answer.UNKNOWN_KIND: "the class of the asset has no such channel",
}
_ACCEPTED: Final = frozenset((Answer.DONE, Answer.ALREADY))


@dataclass(slots=True)
class Carried:
    """What a command brings into the batch at hand."""

    records: list[CommandRecord] = field(default_factory=list)
    outgoing: list[Outgoing] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)  # by asset
    markers: list[Reading] = field(default_factory=list)
    states: dict[str, bytes] = field(default_factory=dict)
    reload: bool = False  # to be done when all of it is written
    later: bool = False  # too many are under way: what lies beside the journal stays there for the next look


class Commander:
    """Carries commands out."""

    def __init__(
        self,
        pipeline: Pipeline,
        address: Address,
        known: Callable[[str], CommandRecord | None],
        now: Callable[[], float],
        errand: Callable[[Command], None],
    ) -> None:
        """Ready to obey.

        Args:
            pipeline: whose alarms are acted on.
            address: where commands come in and answers go.
            known: what was written down of a request id.
            now: the wall clock, Unix seconds.
            errand: takes a command that needs more time than the engine has.
        """
        self._pipeline, self._address, self._known, self._now, self._errand = pipeline, address, known, now, errand
        self._under_way: dict[str, UnderWay] = {}  # by request id
        self._unwritten: list[Command] = []  # of these: not begun, because a kill would not be counted

    def restore(self, written: bytes) -> Carried:
        """Take up again what was under way when the last run ended; what that brings is to be written at once.

        The oldest is the one that ran: it may be what hangs, or what ended the agent. So the starts that find it are
        counted, of it alone, and however the run ended.

        Args:
            written: the state `ERRANDS`, empty where there is none.
        """
        try:
            found = loaded(written) if written else []
        except ValueError as error:
            logger.error("errands_damaged error=%s (whoever waits has to ask again)", error)  # noqa: TRY400 - in one line
            return Carried(states=self._kept())
        if not found:
            return Carried()
        oldest = found[0].found_again()
        self._under_way = {one.asked.request_id: one for one in (oldest, *found[1:])}
        carried = Carried(states=self._kept())
        if oldest.starts >= MOST_STARTS:
            refusal = f"the agent has ended {oldest.starts} times before it was done; the log says how"
            logger.error("errand_given_up name=%s request=%s", oldest.asked.name, oldest.asked.request_id)
            carried = self.errand_done(ErrandDone(oldest.asked, refusal=refusal))
        for one in self._under_way.values():
            logger.info("errand_again name=%s request=%s", one.asked.name, one.asked.request_id)
            self._unwritten.append(one.asked)
        return carried

    def written(self) -> None:
        """All that was carried is written: what takes time may begin."""
        for asked in self._unwritten:
            self._errand(asked)
        self._unwritten.clear()

    def hears(self, topic: str) -> bool:
        """Whether commands come in on a topic."""
        return bool(self._address.command_in(topic))

    def over_mqtt(self, arrival: Arrival) -> Carried | None:
        """What a message brings; None where it comes in on no topic of ours."""
        name = self._address.command_in(arrival.topic)
        if not name:
            return None
        answer = reply(arrival.properties)
        if arrival.retain or arrival.left_out:
            word = "retained" if arrival.retain else "too_large"
            why = "retained commands are not obeyed: nobody knows how old they are" if arrival.retain else "too large"
            return self._refused(Refusal(name, digest(arrival.topic, f"{arrival.time:.6f}"), word, why, answer))
        return self.take(command(name, arrival.payload, answer, received=self._now(), via=MQTT))

    def locally(self, name: str, payload: bytes) -> Carried:
        """What a command brings that was left beside the journal."""
        return self.take(command(name, payload, Reply(), received=self._now(), via=LOCAL))

    def take(self, asked: Command | Refusal) -> Carried:
        """Carry a command out, or say again what came of it when it did."""
        if isinstance(asked, Refusal):
            return self._refused(asked)
        done = self._known(asked.request_id)
        if done is not None:
            result = self._result(
                asked.request_id, done.name, done.answer, "answered before", accepted=done.accepted,
                alarm=done.alarm, asset=done.asset,
            )  # fmt: skip
            return Carried(outgoing=[self._message(result, asked.reply)])
        under_way = self._under_way.get(asked.request_id)
        return self._obey(asked) if under_way is None else self._awaited(asked, under_way)

    def work_order(self, order: WorkOrderEvent) -> Carried:
        """What a work order brings that was opened or closed; a repair lets the asset's normal be learned anew."""
        status, now = "opened" if order.opened else "closed", self._now()
        request_id = digest("order", order.asset, order.order, status, f"{order.time:.3f}")
        if self._known(request_id) is not None or self._pipeline.windower(order.asset) is None:
            return Carried()
        issued = Issued(min(order.time, now + MAX_AHEAD_S), request_id)
        by = By(order.author or f"order {order.order}"[:64], issued, f"work order {order.order} {status}")
        acted = self._pipeline.work_order(order.asset, order.order, by, now, opened=order.opened)
        record = CommandRecord(
            request_id=request_id, received=now, issued=order.time, name="work-order", asset=order.asset, kind=ALL,
            alarm="", actor=by.actor, via=ORDER, accepted=acted.answer is Answer.DONE, answer=acted.answer.value,
            label="", comment=by.comment, request=json.dumps(order._asdict()),
        )  # fmt: skip
        logger.info("work_order order=%r asset=%s status=%s answer=%s", order.order, order.asset, status, acted.answer)
        carried = Carried(records=[record], outcomes={order.asset: acted.outcome})
        if order.repaired and not order.opened and acted.answer is Answer.DONE and self._pipeline.knows(order.asset):
            carried.markers.append(Reading(order.asset, RELEARN, self._pipeline.newest_time(order.asset), 0.0))
        return carried

    def errand_done(self, done: ErrandDone) -> Carried:
        """What a command brings that took its time elsewhere."""
        asked, refused = done.asked, bool(done.refusal)
        replies = self._under_way.pop(asked.request_id).replies
        asset = asked.request.asset if isinstance(asked.request, AskRequest) else ""
        result = self._result(
            asked.request_id, asked.name, "refused" if refused else "done", done.refusal or _SAID[Answer.DONE],
            accepted=not refused, asset=asset, text=done.text,
        )  # fmt: skip
        return Carried(
            records=[record_of(asked, result)],
            outgoing=[self._message(result, to) for to in replies],
            states=self._kept(),
            reload=done.reload,
        )

    # ------------------------------------------------------------------------------------------------ one by one

    def _obey(self, asked: Command) -> Carried:
        request = asked.request
        by = By(request.actor, Issued(asked.issued, asked.request_id), request.comment)
        if isinstance(request, AckRequest):
            key = self._pipeline.condition_of(request.alarm)
            acted = self._pipeline.acknowledge(request.alarm, by)
            return self._acted(
                asked, acted, "" if key is None else key[0], "" if key is None else key[1], request.alarm
            )
        if isinstance(request, Targeted):
            return self._targeted(asked, request, by)
        if isinstance(request, BaselineResetRequest):
            return self._relearn(asked, request.asset)
        if len(self._under_way) >= MOST_UNDER_WAY:
            return Carried(later=True) if asked.via == LOCAL else self._busy(asked)
        self._under_way[asked.request_id] = UnderWay(asked, (asked.reply,))
        self._unwritten.append(asked)
        return Carried(states=self._kept())  # its answer comes later, by `errand_done`

    def _awaited(self, asked: Command, under_way: UnderWay) -> Carried:
        """A repeat of a command under way is answered with it; another one under its request id is not obeyed."""
        if _what(asked) != _what(under_way.asked):
            other = under_way.asked.name
            detail = f"request_id: {asked.request_id!r} is that of another command under way ({other}); send a new one"
            return self._refused(Refusal(asked.name, asked.request_id, "invalid", detail, asked.reply))
        also = under_way.also(asked.reply)
        if also is None:
            return self._busy(asked)
        if also is under_way:
            return Carried()
        self._under_way[asked.request_id] = also
        return Carried(states=self._kept())

    def _kept(self) -> dict[str, bytes]:
        """What is written of the commands under way."""
        return {ERRANDS: dumped(self._under_way.values())}

    def _targeted(self, asked: Command, request: Targeted, by: By) -> Carried:
        if request.alarm is not None:
            key = self._pipeline.condition_of(request.alarm)
            if key is None:
                return self._acted(asked, Acted(Answer.UNKNOWN_ALARM), "", "", request.alarm)
            asset, kind = key
        else:
            asset, kind = request.asset or "", request.kind
        if not self._pipeline.knows(asset):
            return self._acted(asked, Acted(Answer.UNKNOWN_ASSET), asset, kind, "")
        if not self._pipeline.has_kind(asset, kind):
            return self._acted(asked, Acted(Answer.UNKNOWN_KIND), asset, kind, "")
        now = asked.received
        if isinstance(request, ShelveRequest):
            acted = self._pipeline.shelve(asset, kind, request.duration_s, by, now)
        elif isinstance(request, UnshelveRequest):
            acted = self._pipeline.shelve(asset, kind, 0.0, by, now)
        else:
            acted = self._pipeline.suppress(asset, kind, by, on=isinstance(request, SuppressRequest))
        return self._acted(asked, acted, asset, kind, request.alarm or "")

    def _relearn(self, asked: Command, asset: str) -> Carried:
        if not self._pipeline.knows(asset):
            return self._acted(asked, Acted(Answer.UNKNOWN_ASSET), asset, "", "")
        carried = self._acted(asked, Acted(Answer.DONE), asset, "", "")
        carried.markers.append(Reading(asset, RELEARN, self._pipeline.newest_time(asset), 0.0))
        return carried

    # ------------------------------------------------------------------------------------------------ answers

    def _acted(self, asked: Command, acted: Acted, asset: str, kind: str, alarm: str) -> Carried:
        result = self._result(
            asked.request_id, asked.name, acted.answer.value, _SAID[acted.answer],
            accepted=acted.answer in _ACCEPTED, alarm=alarm, asset=asset,
        )  # fmt: skip
        logger.info(
            "command name=%s via=%s actor=%r asset=%s kind=%s alarm=%s answer=%s request=%s",
            asked.name, asked.via, asked.request.actor, asset, kind, alarm, acted.answer, asked.request_id,
        )  # fmt: skip
        return Carried(
            records=[record_of(asked, result, kind=kind)],
            outgoing=[self._message(result, asked.reply)],
            outcomes={asset: acted.outcome},
        )

    def _busy(self, asked: Command) -> Carried:
        return self._refused(
            Refusal(asked.name, asked.request_id, "busy", "too many such are under way; ask again", asked.reply)
        )

    def _refused(self, refusal: Refusal) -> Carried:
        logger.warning("command_refused name=%.64r answer=%s detail=%s", refusal.name, refusal.answer, refusal.detail)
        result = self._result(refusal.request_id, refusal.name[:64], refusal.answer, refusal.detail, accepted=False)
        return Carried(outgoing=[self._message(result, refusal.reply)])

    def _result(  # noqa: PLR0913 - the fields of an answer
        self, request_id: str, name: str, answer: str, detail: str, *, accepted: bool, alarm: str = "", asset: str = "",
        text: str = "",
    ) -> CommandResult:  # fmt: skip
        return CommandResult(
            request_id=request_id, command=name, accepted=accepted, answer=answer, detail=detail,
            time=stamp(self._now()), alarm=alarm, asset=asset, text=text,
        )  # fmt: skip

    def _message(self, result: CommandResult, to: Reply) -> Outgoing:
        topic = answer_topic(to, result.request_id, self._address)
        key = digest("answer", result.request_id, result.time, topic, to.correlation.hex())
        body = result.model_dump_json().encode()
        return Outgoing(key, topic, body, 1, retain=False, lane=LANE_ALARM, group=key, correlation=to.correlation)


def _what(asked: Command) -> tuple[str, dict[str, object]]:
    """What is asked, whenever: who repeats a request may stamp it anew."""
    return asked.name, asked.request.model_dump(exclude={"time"})
