"""The long run: `make fuzz`, or python -m tests.fuzz --inputs 1000000 --seed 7.

Inputs are drawn by our own generator (tests/fuzz/inputs.py), which needs nothing but Python and repeats from its seed.
Prints progress and what the inputs brought; ends with 1 at the first answer that breaks a rule.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter

from edge_agent.core.decode import Reason
from tests.fuzz.judge import ROUND, BrokenRuleError, decoder, judge_round

EVERY = 50  # rounds between lines of progress


def main() -> int:
    """Rounds of inputs until there were as many as asked for; the exit code."""
    parser = argparse.ArgumentParser(prog="make fuzz")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="messages to decode (1,000,000)")
    parser.add_argument("--seed", type=int, help="which messages; left out: any, and printed")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    rounds = max(1, -(-options.inputs // ROUND))
    say(f"seed {seed}, {rounds * ROUND:,} messages")
    seen, began = Counter[str](), time.monotonic()
    for number in range(rounds):
        try:
            seen.update(judge_round(f"{seed}/{number}", decoder()))
        except BrokenRuleError as broken:
            say(f"{broken}\nmake fuzz SEED={seed} INPUTS={(number + 1) * ROUND} comes to it again")
            return 1
        if (number + 1) % EVERY == 0:
            say(f"{(number + 1) * ROUND:>12,} messages, {time.monotonic() - began:6.0f} s")
    say("\n".join(f"{count:>12,} with {what}" for what, count in seen.most_common()))
    say(f"never seen: {', '.join(reason for reason in Reason if not seen[reason]) or 'no reason'}")
    say(f"{rounds * ROUND:,} messages, an answer to each, a reason for each refusal (seed {seed})")
    return 0


def say(text: str) -> None:
    """Print at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
