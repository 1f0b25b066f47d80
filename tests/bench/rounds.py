"""Contenders in turn: A B C, A B C, ..., so that what else the machine does hits all of them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping

Contender = Callable[[], float]
"""Does its work once and returns the seconds that it took."""


def timed(work: Callable[[], object]) -> Contender:
    """A contender whose seconds are those of a function of this process."""

    def measure() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return measure


def rounds(
    benchmark: str, contenders: Mapping[str, Contender], repeats: int, *, warm: bool = True
) -> dict[str, list[float]]:
    """Measure all contenders in turn, ``repeats`` times.

    Args:
        benchmark: its name, for the progress lines.
        contenders: by name.
        repeats: rounds that count.
        warm: begin with a round that does not count: files come into the page cache, the JVM
            compiles, workers start.

    Returns:
        For each contender its ``repeats`` times, in seconds.
    """
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(0 if warm else 1, repeats + 1):
        for name, measure in contenders.items():
            seconds = measure()
            say(
                f"{benchmark}: {f'{turn}/{repeats}' if turn else 'warm-up'} {name}: {seconds:.2f} s"
            )
            if turn:
                times[name].append(seconds)
    return times


def say(line: str) -> None:
    """One line of progress."""
    print(line, file=sys.stderr, flush=True)
