"""Commands through the engine: carried out once, written with what they change, answered after that."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from edge_agent.core.commands import CommandResult
from edge_agent.core.types import RELEARN, AlarmEvent, Outgoing, Transition
from edge_agent.core.under_way import MOST_REPLIES, MOST_STARTS, MOST_UNDER_WAY, loaded
from edge_agent.errors import StoreError
from edge_agent.ports import Batch
from edge_agent.service.commander import ERRANDS
from edge_agent.service.inbox import ErrandDone
from tests.fakes import MemoryJournal
from tests.service.parts import START, Bench

CMD = "pdm/v1/t/s/gw/cmd/"
RESPONSE = b"\x08\x00\x0cdesk/answers\x09\x00\x02id"


class Basket:
    """The port `Spool` in memory."""

    def __init__(self, *left: tuple[str, dict[str, object]]) -> None:
        self.left = {f"{name}.{i}": (name, json.dumps(body).encode()) for i, (name, body) in enumerate(left)}

    def waiting(self) -> Sequence[tuple[str, str, bytes]]:
        return [(entry, name, payload) for entry, (name, payload) in self.left.items()]

    def done(self, entry: str) -> None:
        del self.left[entry]


def hot(bench: Bench) -> AlarmEvent:
    """Let the pump pass its hard limit; the event of the raise."""
    bench.healthy(1)
    bench.step(1, temp=95.0)
    return bench.events()[-1]


def order(bench: Bench, name: str, **fields: object) -> CommandResult:
    """Send a command over MQTT; its answer."""
    bench.send(CMD + name, json.dumps(fields).encode())
    bench.drain()
    return answers(bench)[-1]


def sent(bench: Bench) -> list[Outgoing]:
    """All messages written so far."""
    return [message for batch in bench.journal.batches for message in batch.outgoing]


def answers(bench: Bench) -> list[CommandResult]:
    """The answers written so far."""
    return [
        CommandResult.model_validate_json(message.payload)
        for message in sent(bench)
        if "/cmd-result/" in message.topic or message.topic == "desk/answers"
    ]


def waiting_answers(bench: Bench) -> list[CommandResult]:
    """The answers that wait for the broker, with those that were written at the start."""
    pending = [queued.message for queued in bench.journal.pending(after=frozenset(), limit=100)]
    return [
        CommandResult.model_validate_json(m.payload) for m in pending if "cmd-result" in m.topic or "desk" in m.topic
    ]


def test_an_acknowledgement_its_record_and_its_answer_are_one_commit() -> None:
    bench = Bench()
    raised = hot(bench)
    result = order(bench, "ack", alarm=raised.id, label="real", actor="anna", request_id="r-1")

    [batch] = [batch for batch in bench.journal.batches if batch.commands]
    assert (result.accepted, result.answer, result.alarm, result.asset) == (True, "done", raised.id, "p1")
    assert [(e.transition, e.actor) for e in batch.events] == [(Transition.ACKED, "anna")]
    assert [(c.request_id, c.label, c.kind) for c in batch.commands] == [("r-1", "real", "limit:temp")]
    assert [m.topic for m in batch.outgoing if "cmd-result" in m.topic] == ["pdm/v1/t/s/gw/cmd-result/r-1"]
    assert len(bench.link.acked) == bench.mid


def test_an_answer_goes_where_mqtt_5_says_with_the_correlation_data() -> None:
    bench = Bench()
    bench.send(CMD + "ack", json.dumps({"alarm": hot(bench).id}).encode(), properties=RESPONSE)
    bench.drain()

    [answer] = [message for message in sent(bench) if message.topic == "desk/answers"]
    assert answer.correlation == b"id"


def test_a_cleared_and_acknowledged_alarm_is_gone_from_its_retained_topic() -> None:
    bench = Bench()
    raised = hot(bench)
    for i in range(2, 70):
        bench.step(i, temp=60.0)
    bench.drain()
    retained = [m for m in sent(bench) if m.topic.endswith(raised.id)]
    assert retained[-1].payload
    order(bench, "ack", alarm=raised.id)

    assert [m for m in sent(bench) if m.topic.endswith(raised.id)][-1].payload == b""


def test_a_repeat_is_answered_again_and_changes_nothing() -> None:
    bench = Bench()
    raised = hot(bench)
    first = order(bench, "ack", alarm=raised.id, request_id="r-1")
    again = order(bench, "ack", alarm=raised.id, request_id="r-1")
    after = Bench(journal=bench.journal)
    third = order(after, "ack", alarm=raised.id, request_id="r-1")

    assert {(result.answer, result.accepted) for result in (first, again, third)} == {("done", True)}
    assert sum(len(batch.commands) for batch in bench.journal.batches) == 1
    assert [e.transition for e in bench.events()].count(Transition.ACKED) == 1


@pytest.mark.parametrize(
    ("name", "fields", "answer"),
    [
        ("ack", {"alarm": "no-such"}, "unknown_alarm"),
        ("shelve", {"alarm": "no-such", "duration_s": 1}, "unknown_alarm"),
        ("shelve", {"asset": "p9", "duration_s": 60}, "unknown_asset"),
        ("shelve", {"asset": "p1", "kind": "limit:none", "duration_s": 60}, "unknown_kind"),
        ("suppress", {"asset": "p1", "kind": "unit:none"}, "unknown_kind"),
        ("baseline-reset", {"asset": "p9"}, "unknown_asset"),
        ("shelve", {"asset": "p1", "duration_s": 60, "time": START - 100}, "over"),
        ("ack", {}, "invalid"),
        ("shutdown", {}, "unknown_command"),
    ],
)
def test_what_cannot_be_done_is_answered_with_a_reason(name: str, fields: dict[str, object], answer: str) -> None:
    bench = Bench()
    hot(bench)
    result = order(bench, name, **fields)

    assert (result.accepted, result.answer, bool(result.detail)) == (False, answer, True)


def test_a_retained_command_is_not_obeyed() -> None:
    bench = Bench()
    raised = hot(bench)
    bench.send(CMD + "ack", json.dumps({"alarm": raised.id}).encode(), retain=True)
    bench.drain()

    assert answers(bench)[-1].answer == "retained"
    assert bench.events()[-1] == raised


def test_shelving_and_suppressing_reach_the_alarms_and_end_again() -> None:
    bench = Bench()
    raised = hot(bench)
    order(bench, "shelve", alarm=raised.id, duration_s=60.0)
    order(bench, "suppress", asset="p1", kind="limit:temp")
    order(bench, "unsuppress", asset="p1", kind="limit:temp", time=START + 1)
    order(bench, "unshelve", asset="p1", time=START + 1)

    assert [e.transition for e in bench.events()] == [
        Transition.RAISED, Transition.SHELVED, Transition.SUPPRESSED, Transition.UNSUPPRESSED, Transition.UNSHELVED,
    ]  # fmt: skip
    assert bench.events()[1].shelved_until == START + 60.0


@pytest.mark.parametrize("via", ["mqtt", "local"])
def test_unshelving_one_alarm_of_a_shelved_asset_tells_it_again(via: str) -> None:
    """Over MQTT and from the shell, whatever its asset was shelved by."""
    spool = Basket()
    bench = Bench(spool=spool)
    bench.healthy(30)
    for i in range(30, 40):
        bench.step(i, vib=9.0)
    raised = bench.events()[0]
    order(bench, "shelve", asset="p1", duration_s=3600.0)
    reported(bench, "opened")
    bench.now += 1.0
    body = {"alarm": raised.id}
    if via == "mqtt":
        bench.send(CMD + "unshelve", json.dumps(body).encode())
    else:
        spool.left["unshelve.1"] = ("unshelve", json.dumps(body).encode())
    bench.drain()

    assert [e.quiet for e in bench.events()][-2:] == [True, False]
    assert (bench.events()[-1].id, bench.events()[-1].transition) == (raised.id, Transition.UNSHELVED)
    assert [c.answer for b in bench.journal.batches for c in b.commands][-1] == "done"


def test_a_shelf_outlives_a_restart_and_ends_by_the_clock() -> None:
    bench = Bench()
    raised = hot(bench)
    order(bench, "shelve", alarm=raised.id, duration_s=60.0)
    after = Bench(journal=bench.journal)
    after.drain()
    shelved = after.pipeline.flags["p1"].shelved_until("limit:temp")
    after.now = START + 61.0
    after.drain()

    assert shelved == START + 60.0
    assert [(e.id, e.rev, e.transition) for e in after.events()][-1] == (raised.id, 3, Transition.UNSHELVED)


def test_a_baseline_is_learned_anew_and_stays_so_after_a_restart() -> None:
    bench = Bench()
    bench.healthy(30)
    assert bench.pipeline.windowers["pump"].tracks["p1"].baseline is not None
    result = order(bench, "baseline-reset", asset="p1")
    track = bench.pipeline.windowers["pump"].tracks["p1"]

    assert (result.answer, track.baseline, track.former is not None) == ("done", None, True)
    assert [r.channel for b in bench.journal.batches for r in b.readings][-1] == RELEARN
    after = Bench(journal=bench.journal)
    assert after.pipeline.windowers["pump"].tracks["p1"].baseline is None


def test_what_takes_time_is_answered_when_it_is_done() -> None:
    bench = Bench()
    bench.send(CMD + "reload", b'{"request_id": "r-1"}')
    bench.drain()
    [asked] = bench.errands
    assert answers(bench) == []
    bench.inbox.note(ErrandDone(asked, reload=True))
    bench.drain()

    assert [(a.request_id, a.answer) for a in answers(bench)] == [("r-1", "done")]
    assert bench.reloads == [START]


def test_an_errand_that_failed_is_answered_and_reloads_nothing() -> None:
    bench = Bench()
    bench.send(CMD + "ask", b'{"asset": "p1"}')
    bench.drain()
    bench.inbox.note(ErrandDone(bench.errands[0], refusal="nothing is known of p1"))
    bench.drain()

    assert [(a.answer, a.detail, a.asset) for a in answers(bench)] == [("refused", "nothing is known of p1", "p1")]
    assert bench.reloads == []


def test_more_errands_than_can_wait_are_refused() -> None:
    bench = Bench()
    for n in range(MOST_UNDER_WAY + 1):
        bench.send(CMD + "ask", json.dumps({"asset": "p1", "request_id": f"r-{n}"}).encode())
    bench.drain()

    assert [(a.request_id, a.answer) for a in answers(bench)] == [(f"r-{MOST_UNDER_WAY}", "busy")]
    bench.inbox.note(ErrandDone(bench.errands[0], text="p1 is well"))
    bench.drain()
    bench.send(CMD + "reload", b'{"request_id": "last"}')
    bench.drain()
    assert bench.errands[-1].request_id == "last"


def test_a_repeat_of_what_is_under_way_is_not_run_again_and_answered_with_it() -> None:
    bench = Bench()
    for n, correlation in enumerate((b"id", b"id", b"no")):
        body = {"bundle": "press@2", "request_id": "r-1", "time": START + n}
        properties = RESPONSE.replace(b"id", correlation)
        bench.send(CMD + "model-activate", json.dumps(body).encode(), properties=properties)
        bench.drain()
    [asked] = bench.errands
    bench.inbox.note(ErrandDone(asked, refusal="no such bundle"))
    bench.drain()

    assert [(a.request_id, a.answer, a.detail) for a in answers(bench)] == [("r-1", "refused", "no such bundle")] * 2
    assert [m.correlation for m in sent(bench) if m.topic == "desk/answers"] == [b"id", b"no"]
    assert len({m.key for m in sent(bench)}) == len(sent(bench))
    assert sum(len(batch.commands) for batch in bench.journal.batches) == 1


@pytest.mark.parametrize(
    ("name", "body"),
    [("reload", {}), ("ask", {"asset": "p2"}), ("ask", {"asset": "p1", "actor": "anna"})],
)
def test_another_command_under_the_request_id_of_one_under_way_is_refused(name: str, body: dict[str, str]) -> None:
    bench = Bench()
    bench.send(CMD + "ask", b'{"asset": "p1", "request_id": "r-1"}')
    bench.send(CMD + name, json.dumps({**body, "request_id": "r-1"}).encode(), properties=RESPONSE)
    bench.drain()
    [refused] = answers(bench)
    bench.inbox.note(ErrandDone(bench.errands[0], text="p1 is well"))
    bench.drain()

    assert (refused.command, refused.answer, refused.detail.split(":")[0]) == (name, "invalid", "request_id")
    assert [(a.command, a.answer, a.text) for a in answers(bench)[1:]] == [("ask", "done", "p1 is well")]


def test_who_repeats_a_request_under_other_correlation_data_again_and_again_is_told_to_wait() -> None:
    bench = Bench()
    for n in range(MOST_REPLIES + 1):
        bench.send(CMD + "reload", b'{"request_id": "r-1"}', properties=RESPONSE.replace(b"id", b"%02d" % n))
    bench.drain()

    assert len(bench.errands) == 1
    assert [(a.request_id, a.answer) for a in answers(bench)] == [("r-1", "busy")]


@pytest.mark.parametrize("kills", [1, MOST_STARTS - 1])
def test_what_a_kill_left_under_way_is_run_again_and_answered_once(kills: int) -> None:
    bench = Bench()
    bench.send(CMD + "ask", b'{"asset": "p1"}', properties=RESPONSE)
    bench.drain()
    [asked] = bench.errands
    for _ in range(kills):
        bench = Bench(journal=bench.journal)
    assert bench.errands == [asked]
    bench.inbox.note(ErrandDone(asked, text="p1 is well"))
    bench.drain()
    after = Bench(journal=bench.journal)

    assert [(a.request_id, a.text) for a in answers(after)] == [(asked.request_id, "p1 is well")]
    assert after.errands == []


def test_what_was_under_way_when_the_agent_was_killed_again_and_again_is_refused() -> None:
    """It may be what ends the agent: a bundle that takes all memory would let it never come up again."""
    bench = Bench()
    bench.send(CMD + "model-activate", b'{"bundle": "press@2", "request_id": "r-1"}', properties=RESPONSE)
    bench.drain()
    for _ in range(MOST_STARTS):
        bench = Bench(journal=bench.journal)
    last = Bench(journal=bench.journal)

    assert (bench.errands, last.errands) == ([], [])
    assert [(a.request_id, a.answer) for a in waiting_answers(bench)] == [("r-1", "refused")]


@pytest.mark.parametrize("stopped", [True, False])
def test_what_hangs_is_refused_after_some_starts_and_what_waited_behind_it_is_run(*, stopped: bool) -> None:
    """Of however the runs ended: a bundle on a hung mount is stopped for, not killed for."""
    bench = Bench()
    bench.send(CMD + "model-activate", b'{"bundle": "press@2", "request_id": "r-1"}')
    bench.send(CMD + "ask", b'{"asset": "p1", "request_id": "r-2"}')
    bench.drain()
    for _ in range(MOST_STARTS):
        if stopped:
            bench.engine.close()
        bench = Bench(journal=bench.journal)

    assert [(a.request_id, a.answer) for a in waiting_answers(bench)] == [("r-1", "refused")]
    assert [asked.request_id for asked in bench.errands] == ["r-2"]
    after = Bench(journal=bench.journal)
    assert [asked.request_id for asked in after.errands] == ["r-2"]  # counted from when it is the oldest


def test_nothing_that_takes_time_begins_before_it_is_written_that_it_does() -> None:
    """It may end the agent: where that cannot be counted it would do so at every start, for ever."""
    bench = Bench()
    bench.journal.failing = True
    bench.send(CMD + "model-activate", b'{"bundle": "press@2", "request_id": "r-1"}')
    bench.drain()
    assert bench.errands == []
    bench.journal.failing = False
    bench.drain()
    assert [asked.request_id for asked in bench.errands] == ["r-1"]

    bench.journal.failing = True
    after = Bench(journal=bench.journal)
    after.drain()
    assert after.errands == []
    bench.journal.failing = False
    after.drain()
    after.drain()
    assert [asked.request_id for asked in after.errands] == ["r-1"]
    assert [one.starts for one in loaded(bench.journal.states()[ERRANDS])] == [1]


def test_all_that_was_accepted_is_taken_up_by_the_next_start() -> None:
    bench = Bench()
    accepted = [f"r-{n}" for n in range(MOST_UNDER_WAY)]
    for request_id in (*accepted, "busy"):
        bench.send(CMD + "ask", json.dumps({"asset": "p1", "request_id": request_id}).encode())
        bench.drain()
        bench.errands.clear()  # somebody runs it, which is no end of it
    after = Bench(journal=bench.journal)

    assert [asked.request_id for asked in after.errands] == accepted
    assert [a.request_id for a in waiting_answers(after)] == ["busy"]


def test_what_was_under_way_and_cannot_be_read_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.send(CMD + "reload", b"")
    bench.drain()
    bench.journal.commit(Batch(states={ERRANDS: b"?"}))
    after = Bench(journal=bench.journal)
    again = Bench(journal=bench.journal)

    assert (after.errands, again.errands) == ([], [])
    assert [record.message.split()[0] for record in caplog.records if record.levelname == "ERROR"] == [
        "errands_damaged"
    ]


def test_a_command_left_beside_the_journal_is_forgotten_when_it_is_written() -> None:
    spool = Basket()
    bench = Bench(spool=spool)
    raised = hot(bench)
    spool.left["ack.1"] = ("ack", json.dumps({"alarm": raised.id, "request_id": "r-1"}).encode())
    bench.journal.failing = True
    bench.drain()
    assert spool.left
    bench.journal.failing = False
    bench.drain()

    assert not spool.left
    assert [e.transition for e in bench.events()] == [Transition.RAISED, Transition.ACKED]
    assert [c.via for b in bench.journal.batches for c in b.commands] == ["local"]


def test_an_errand_left_beside_the_journal_is_run_once() -> None:
    bench = Bench(spool=Basket(("reload", {"request_id": "r-1"}), ("reload", {"request_id": "r-1"})))
    bench.drain()
    bench.drain()

    assert len(bench.errands) == 1


def test_an_errand_left_beside_the_journal_stays_there_until_it_is_written_that_it_is_under_way() -> None:
    spool = Basket(("reload", {"request_id": "r-1"}))
    bench = Bench(spool=spool)
    bench.journal.failing = True
    bench.drain()
    before = len(spool.left)
    bench.journal.failing = False
    bench.drain()

    assert (before, spool.left) == (1, {})
    assert [asked.request_id for asked in Bench(journal=bench.journal).errands] == ["r-1"]


def test_an_errand_left_beside_the_journal_waits_there_while_too_many_others_do() -> None:
    left: list[tuple[str, dict[str, object]]] = [
        ("ask", {"asset": "p1", "request_id": f"r-{n}"}) for n in range(MOST_UNDER_WAY + 1)
    ]
    spool = Basket(*left)
    bench = Bench(spool=spool)
    bench.drain()
    assert (len(bench.errands), len(spool.left)) == (MOST_UNDER_WAY, 1)
    bench.inbox.note(ErrandDone(bench.errands[0], text="p1 is well"))
    bench.drain()
    bench.drain()

    assert (len(bench.errands), spool.left) == (MOST_UNDER_WAY + 1, {})


class Unreadable(MemoryJournal):
    """A journal that does not know what was asked."""

    def command(self, request_id: str) -> None:
        raise StoreError(f"cannot read {request_id}")


def test_a_journal_that_cannot_tell_of_commands_stops_none() -> None:
    bench = Bench(journal=Unreadable())
    result = order(bench, "ack", alarm=hot(bench).id)

    assert result.answer == "done"


# --------------------------------------------------------------------------------------------- work orders


def reported(bench: Bench, status: str, seconds: float = 0.0, **more: object) -> None:
    """A work order on the pump, as its topic says it."""
    body = {"no": "4711", "state": status, "ts": START + seconds, **more}
    bench.send("orders/p1", json.dumps(body).encode())
    bench.drain()


def test_a_work_order_shelves_what_is_raised_meanwhile_and_a_repair_relearns_what_is_normal() -> None:
    bench = Bench()
    bench.healthy(30)
    reported(bench, "opened")
    for i in range(30, 40):
        bench.step(i, vib=9.0)
    shelved = bench.events()
    reported(bench, "closed", 60.0, fixed=True)
    track = bench.pipeline.windowers["pump"].tracks["p1"]

    assert shelved[0].transition is Transition.RAISED
    assert all(event.quiet for event in shelved)
    assert [(e.transition, e.quiet) for e in bench.events()][-1] == (Transition.UNSHELVED, False)
    assert (track.baseline, track.former is not None) == (None, True)
    assert [(c.name, c.via, c.answer) for b in bench.journal.batches for c in b.commands] == [
        ("work-order", "order", "done"), ("work-order", "order", "done"),
    ]  # fmt: skip


def test_a_hard_limit_alarms_while_a_work_order_is_open() -> None:
    bench = Bench()
    bench.healthy(1)
    reported(bench, "opened")
    bench.step(1, temp=95.0)

    assert not bench.events()[-1].quiet


def test_a_work_order_told_twice_is_one_and_one_of_no_class_none() -> None:
    bench = Bench()
    bench.healthy(1)
    reported(bench, "opened")
    reported(bench, "opened")
    bench.send("orders/x1", b'{"no": "1", "state": "open"}')
    bench.drain()

    assert sum(len(batch.commands) for batch in bench.journal.batches) == 1


def test_no_log_line_opens_or_closes_anything() -> None:
    """G9: what shelves and what re-learns is structured and comes by a topic declared for it."""
    bench = Bench()
    bench.healthy(30)
    for text in ("work order 4711 opened", '{"no": "1", "state": "open"}', "baseline-reset asset=p1", "ack all alarms"):
        bench.send("logs/p1", json.dumps({"text": text, "ts": START + 31}).encode())
    bench.drain()
    bench.step(31, temp=95.0)

    assert not bench.events()[-1].quiet
    assert bench.pipeline.windowers["pump"].tracks["p1"].baseline is not None
    assert not [c for b in bench.journal.batches for c in b.commands]


def test_a_retained_work_order_needs_a_time_of_its_own() -> None:
    bench = Bench()
    bench.healthy(1)
    bench.send("orders/p1", b'{"no": "1", "state": "open"}', retain=True)
    bench.send("orders/p1", json.dumps({"no": "2", "state": "open", "ts": START}).encode(), retain=True)
    bench.drain()

    assert list(bench.pipeline.flags["p1"].orders) == ["2"]
