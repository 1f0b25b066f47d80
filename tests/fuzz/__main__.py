"""``make fuzz SECONDS=300``: rounds until the time is over; the first failure ends it.

Each round runs in another process, because damaged files may end one. The same seed plays the same
rounds: ``python -m tests.fuzz --seed 7 --kind damage --rounds 1`` plays one again.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, TimeoutError  # noqa: A004 - of the futures
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from tests.fuzz.rounds import ROUNDS, play

LONGEST = 180
"""Seconds that one round may take; the first through Spark starts it."""


def main() -> int:
    """Play rounds, and print what they found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=10**9)
    parser.add_argument("--kind", choices=[*ROUNDS], action="append")
    parser.add_argument("--keep-going", action="store_true")
    asked = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # A round through Spark takes as long as some dozens of the others.
    kinds = asked.kind or [*(kind for kind in ROUNDS if kind != "spark")] * 8 + ["spark"]
    played, failed = Counter[str](), 0
    end = time.monotonic() + asked.seconds
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    for number in range(asked.rounds):
        if time.monotonic() > end:
            break
        kind = kinds[number % len(kinds)]
        seed = asked.seed + played[kind]
        try:
            pool.submit(play, kind, seed).result(timeout=LONGEST)
        except (AssertionError, BrokenProcessPool, TimeoutError) as error:
            failed += 1
            what = str(error) or type(error).__name__
            print(f"--kind {kind} --seed {seed} --rounds 1: {what}\n", flush=True)
            if not isinstance(error, AssertionError):
                for process in pool._processes.values():
                    process.kill()
                pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
            if not asked.keep_going:
                break
        played[kind] += 1
    pool.shutdown(wait=False, cancel_futures=True)
    rounds = ", ".join(f"{n:,} of {kind}" for kind, n in played.items())
    print(f"{rounds}; from seed {asked.seed}; {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
