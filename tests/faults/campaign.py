"""A run: so many kills with other faults between them, drawn from a seed; then one without faults, and the judgement.

The same seed gives the same faults in the same order and the same first messages; at which microsecond a process dies
is up to the machine, so a finding may need more than one run to show again.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.agents import Nursery
from tests.faults.faults import ALL, BROKER, DISTURBANCES, KILLS, SLOW, Fault
from tests.faults.judge import Account, given, judge, open_books
from tests.faults.plan import Message, Plan
from tests.faults.site import Site

BEHIND, CAUGHT_UP = 400, 100  # messages the agent may be behind, and is when the faults go on
CHUNK = 200  # messages sent at once in the run without faults
DAYS_S = 2 * 86400.0  # how long ago the machines began: no reading is of tomorrow
DISTURBED = 0.25  # share of cycles that also bring another fault
SLOWLY = 0.02  # share of those that bring a slow one


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What is to be done."""

    seed: int
    cycles: int  # each a kill, and now and then another fault
    window: int = 20  # messages the agent may have unacknowledged; half of them are a commit
    broker_too: bool = False  # the broker is restarted, killed and emptied as well
    only: Sequence[str] = ()  # names of faults, of which one is a cycle
    flaw: str = ""  # break the agent on purpose


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is."""

    cycle: int
    faults: Mapping[str, int]
    messages: int
    heard: int


def carry_out(
    campaign: Campaign, folder: Path, nursery: Nursery, tell: Callable[[Progress], None] = lambda _progress: None
) -> Account:
    """What a run has brought; database, log and the messages that differ stay in the folder."""
    chance = f"{campaign.seed} {campaign.window} {campaign.broker_too}"
    rng = random.Random(chance)
    plan = Plan(campaign.seed, (time.time() - DAYS_S) // 60 * 60)
    done: Counter[str] = Counter()
    faulty, quiet = folder / "faulty", folder / "quiet"
    faulty.mkdir()
    quiet.mkdir()
    with Site(
        faulty, plan, nursery, receive_maximum=campaign.window, persistent=campaign.broker_too, flaw=campaign.flaw
    ) as site:
        for cycle in range(1, campaign.cycles + 1):
            name, fault = _pick(rng, {k: ALL[k] for k in campaign.only} or KILLS)
            fault(site, random.Random(f"{chance} {cycle}"))
            done[f"killed {name}" if name in KILLS else name] += 1
            if not campaign.only and rng.random() < DISTURBED:
                name, fault = _disturbance(rng, broker_too=campaign.broker_too)
                fault(site, random.Random(f"{chance} {cycle} {name}"))
                done[name] += 1
            if site.ledger.waiting() > BEHIND:
                site.catch_up(CAUGHT_UP)
            tell(Progress(cycle, done, len(plan.messages), len(site.heard)))
        site.await_subscription()
        site.finish()
    books = open_books(site.database)
    order = given(site.ledger, plan.messages, books)
    with Site(quiet, plan, nursery, receive_maximum=campaign.window) as undisturbed:
        _give(undisturbed, order)
    account = judge(site.ledger, plan.messages, site.heard, books, open_books(undisturbed.database))
    account.findings["unexpected end"] += site.surprises + undisturbed.surprises
    account.numbers |= {**done, "moments that did not come in time": site.missed}
    return account


def _give(site: Site, order: Sequence[Message]) -> None:
    """Give an agent these messages, and wait until it has written and told all."""
    for first in range(0, len(order), CHUNK):
        site.send(order[first : first + CHUNK])
    site.finish()


def _pick(rng: random.Random, faults: Mapping[str, Fault]) -> tuple[str, Fault]:
    name = rng.choice(sorted(faults))
    return name, faults[name]


def _disturbance(rng: random.Random, *, broker_too: bool) -> tuple[str, Fault]:
    if rng.random() < SLOWLY:
        return _pick(rng, SLOW)
    return _pick(rng, BROKER | DISTURBANCES if broker_too else DISTURBANCES)
