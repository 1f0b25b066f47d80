"""From what size on drift is found: ``python -m tests.bench.power`` writes ``docs/power.md``.

Drifts from hardly there to plain, so many columns of each, through ``kldrift.compare`` and by the
rules of other tools that the evidence has. Seeds are fixed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import kldrift
from tests.bench.evidence import ALPHA, FEATURES, RULES
from tests.bench.segment_power import HEAD as OF_SEGMENTS
from tests.bench.segment_power import segment_table

PAGE: Final = Path("docs/power.md")
COLUMNS: Final = {1_000: 10, 10_000: 10, 100_000: 3}
"""Of each drift, by rows of each side."""
NAMES: Final = np.array(["a", "b", "c", "d", "e", "new"], dtype=object)
SHARES: Final = np.array([0.4, 0.25, 0.15, 0.1, 0.1, 0.0])

Sides = tuple[NDArray[np.generic], NDArray[np.generic]]
Plant = Callable[[np.random.Generator, int, float], Sides]


def _normal(change: Callable[[np.random.Generator, NDArray[np.float64], float], object]) -> Plant:
    def sides(rng: np.random.Generator, n: int, size: float) -> Sides:
        before, now = rng.normal(size=(2, n))
        return before, np.asarray(change(rng, now, size))

    return sides


def _ratings(rng: np.random.Generator, n: int, size: float) -> Sides:
    edges = [-1.6, -1.3, -0.7, 0.2]
    before, now = (1.0 + np.digitize(rng.normal(up, 1, n), edges) for up in (0, size))
    return before, now


def _counts(rng: np.random.Generator, n: int, size: float) -> Sides:
    return 1.0 * rng.poisson(1, n), 1.0 * rng.poisson(1 + size, n)


def _zeros(rng: np.random.Generator, n: int, size: float) -> Sides:
    before, now = 1.0 * rng.poisson(1, (2, n))
    return before, np.where(rng.random(n) < size / 100, 0.0, now)


def _names(shares: Callable[[float], NDArray[np.float64]]) -> Plant:
    def sides(rng: np.random.Generator, n: int, size: float) -> Sides:
        before, now = (rng.choice(NAMES, n, p=p) for p in (SHARES, shares(size)))
        return before, now

    return sides


def _moved(size: float, to: int, of: int) -> NDArray[np.float64]:
    shares = SHARES.copy()
    shares[[to, of]] += np.array([size, -size]) / 100
    return shares


DRIFTS: Final[dict[str, tuple[tuple[float, ...], Plant]]] = {
    "shift, deviations": ((0, 0.05, 0.1, 0.2, 0.3, 0.5), _normal(lambda _, x, s: x + s)),
    "spread, times": ((1.05, 1.1, 1.2, 1.5), _normal(lambda _, x, s: x * s)),
    "nulls, % of the rows": (
        (0.2, 0.5, 1, 2, 5),
        _normal(lambda rng, x, s: np.where(rng.random(len(x)) < s / 100, np.nan, x)),
    ),
    "one value, % of the rows": (
        (0.5, 1, 2, 3, 5),
        _normal(lambda rng, x, s: np.where(rng.random(len(x)) < s / 100, 0.123, x)),
    ),
    "largest tripled, % of the rows": (
        (0.2, 0.5, 1, 2),
        _normal(lambda _, x, s: np.where(x > np.quantile(x, 1 - s / 100), 3 * x, x)),
    ),
    "new category, % of the rows": ((0.2, 0.5, 1, 2, 5), _names(lambda s: _moved(s, 5, 0))),
    "category that lost, points": ((0.5, 1, 2, 5, 10), _names(lambda s: _moved(s, 1, 4))),
    "shift of ratings from 1 to 5, deviations": ((0.1, 0.2, 0.3, 0.5), _ratings),
    "shift of counts of mean 1, deviations": ((0.1, 0.2, 0.3, 0.5), _counts),
    "such counts that are 0, % of the rows": ((2, 5, 10, 20), _zeros),
}


def sides(rows: int) -> list[pd.DataFrame]:
    """A reference and a current dataset of columns of each drift and size."""
    rng = np.random.default_rng(rows)
    both: list[dict[str, NDArray[np.generic]]] = [{}, {}]
    for name, (sizes, plant) in DRIFTS.items():
        for size, i in itertools.product(sizes, range(COLUMNS[rows])):
            for side, column in zip(both, plant(rng, rows, size), strict=True):
                side[f"{name}|{size:g}|{i}"] = column
    return [pd.DataFrame(side) for side in both]


def measured(rows: int) -> dict[str, set[str]]:
    """Of each rule the columns that it flags."""
    before, now = sides(rows)
    found: dict[str, set[str]] = {rule: set() for rule in ("kldrift", *RULES)}
    for name in before.columns:
        alone = kldrift.compare(before[[name]], now[[name]], alpha=ALPHA / FEATURES)
        said = {"kldrift": alone.scores["severity"][0]}
        both = before[name].to_numpy(), now[name].to_numpy()
        said |= {rule: judge(*both) for rule, judge in RULES.items()}
        for rule, severity in said.items():
            found[rule] |= {name} if severity != "ok" else set()
    return found


def page(found: dict[int, dict[str, set[str]]]) -> str:
    """The page: the share found by kind and size of drift, rule and rows."""
    rules = ("kldrift", *RULES)
    head = ["drift", "size", *(f"{rule}, {n:,}" for rule in rules for n in COLUMNS)]
    lines = [head, ["---"] * len(head)]
    for name, (sizes, _) in DRIFTS.items():
        for size in sizes:
            line = [name, f"{size:g}"]
            for rule, n in itertools.product(rules, COLUMNS):
                wanted = {f"{name}|{size:g}|{i}" for i in range(COLUMNS[n])}
                line.append(f"{100 * len(found[n][rule] & wanted) / len(wanted):.0f}")
            lines.append(line)
    columns = ", ".join(f"{number} at {n:,} rows a side" for n, number in COLUMNS.items())
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"""# From what size on drift is found

How large a drift must be to be flagged, beside other tools.

Made by `python -m tests.bench.power`. Of so many columns of each drift ({columns}) the share
that is flagged, in %: by kldrift with the thresholds of a monitor that states none, each column as
the only one that drifts among {FEATURES}, and by the usual rules of other tools, as their
documentation gives them ([Evidence](evidence.md)). False alarms where nothing happened stand in
[False alarms beside other tools](peers.md). kldrift should be silent up to a shift of 0.1,
whatever the rows.

{table}

{OF_SEGMENTS}{segment_table()}
"""


if __name__ == "__main__":
    PAGE.write_text(page({rows: measured(rows) for rows in COLUMNS}), encoding="utf-8")
