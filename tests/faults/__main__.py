"""The long run: `make faults`, or python -m tests.faults --cycles 1000 --seed 7.

Prints progress, the seed and what was counted; ends with 1 and leaves its folder where anything is wrong.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.faults.agents import Nursery
from tests.faults.campaign import Campaign, Progress, carry_out
from tests.faults.flood import FLAT, flood
from tests.faults.judge import SHOWN, Account
from tests.faults.plan import GUSH, UNTIMED, Plan
from tests.faults.site import Site

EVERY = 25  # cycles between lines of progress
FLOOD_S = 20.0
WINDOWS = (6, 20, 60)  # messages the agent may have unacknowledged
BROKER_SHARE = 10  # one kill in so many belongs to the campaign whose broker dies as well


def main() -> int:
    """Campaigns with a broker that lives, one with a broker that does not, and two floods; the exit code."""
    parser = argparse.ArgumentParser(prog="make faults")
    parser.add_argument("--cycles", type=int, default=1000, help="kills of the agent (1000)")
    parser.add_argument("--seed", type=int, help="which faults come when; left out: any, and printed")
    parser.add_argument("--folder", type=Path, help="where to leave what is found; left out: a new one")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    folder = Path(tempfile.mkdtemp(prefix=f"edge-agent-faults-{seed}-")) if options.folder is None else options.folder
    say(f"seed {seed}, {options.cycles} kills, in {folder}")
    nursery = Nursery()
    try:
        accounts = [_carry_out(campaign, folder, nursery) for campaign in _campaigns(seed, options.cycles)]
        together = Counter[str]()
        for account in accounts:
            together.update(account.numbers)
        say("in all\n" + report(Account(dict(together))))
        wrong = sum(account.total for account in accounts)
        wrong += sum(_flood(asset, folder, nursery) for asset in (UNTIMED, GUSH))
    except BaseException:
        say(f"stopped: SEED={seed} CYCLES={options.cycles} make faults repeats it; see {folder}")
        raise
    finally:
        nursery.close()
    if wrong:
        say(f"{wrong} wrong: SEED={seed} CYCLES={options.cycles} make faults repeats it; see {folder}")
        return 1
    say(f"nothing lost, nothing twice, nothing different (seed {seed})")
    if options.folder is None:
        shutil.rmtree(folder)
    return 0


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _campaigns(seed: int, cycles: int) -> list[Campaign]:
    """Most kills with a broker that lives, because what a broker loses hides what we would lose."""
    share = cycles // BROKER_SHARE
    each, rest = divmod(cycles - share, len(WINDOWS))
    lives = [Campaign(seed=seed, cycles=each + (n < rest), window=window) for n, window in enumerate(WINDOWS)]
    return [one for one in [*lives, Campaign(seed=seed, cycles=share, broker_too=True)] if one.cycles]


def _carry_out(campaign: Campaign, folder: Path, nursery: Nursery) -> Account:
    """What a campaign has brought, said as well."""
    broker = "broker-dies-too" if campaign.broker_too else "broker-lives"
    name, began = f"{broker}-window-{campaign.window}", time.monotonic()

    def tell(progress: Progress) -> None:
        if progress.cycle % EVERY == 0 or progress.cycle == campaign.cycles:
            say(
                f"{name}: {progress.cycle}/{campaign.cycles} kills, {sum(progress.faults.values())} faults,"
                f" {progress.messages} messages, {progress.heard} heard, {time.monotonic() - began:.0f} s"
            )

    place = folder / name
    place.mkdir(parents=True)
    account = carry_out(campaign, place, nursery, tell)
    say(report(account))
    return account


def _flood(asset: str, folder: Path, nursery: Nursery) -> bool:
    """Whether memory grew in a flood; how long its alarm took is told and not judged."""
    place = folder / f"flood-{asset}"
    place.mkdir()
    with Site(place, Plan(0, 0.0), nursery, receive_maximum=200, direct=True) as site:
        measured = flood(site, asset, FLOOD_S)
    say(f"{asset}: {measured}")
    return measured.growth > FLAT


def report(account: Account) -> str:
    """What was counted and what is wrong, a line each."""
    lines = [f"  {count:>8} {what}" for what, count in account.numbers.items()]
    for what, found in account.findings.items():
        if found:
            lines += [f"  WRONG: {what}: {len(found)}", *(f"    {one}" for one in found[:SHOWN])]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
