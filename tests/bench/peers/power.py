"""From what size on drift is found: ``python -m tests.bench.peers.power`` writes ``docs/power.md``.

Drifts from hardly there to plain, so many columns of each, as files that each tool compares in an
environment of its own as it does by default (`verdicts.py`). Seeds are fixed.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import kldrift
from tests.bench.peers.alarms import PSI, TOOLS, Flagged, flagged_by_psi, said, table

PAGE: Final = Path("docs/power.md")
COLUMNS: Final = {1_000: 6, 10_000: 4}
"""Of each drift, by rows of each side."""
FEATURES: Final = 50
SHOWN: Final = (PSI, "kldrift", "Evidently 0.7.23", "NannyML 0.13.1")
NAMES: Final = np.array(["a", "b", "c", "d", "e", "new"], dtype=object)
SHARES: Final = np.array([0.4, 0.25, 0.15, 0.1, 0.1, 0.0])

Sides = tuple[NDArray[np.generic], NDArray[np.generic]]
Plant = Callable[[np.random.Generator, int, float], Sides]


def _normal(change: Callable[[np.random.Generator, NDArray[np.float64], float], object]) -> Plant:
    def sides(rng: np.random.Generator, n: int, size: float) -> Sides:
        before, now = rng.normal(size=(2, n))
        return before, np.asarray(change(rng, now, size))

    return sides


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


def by_kldrift(pair: Sequence[pd.DataFrame]) -> set[str]:
    """The columns that are flagged where each is the only one that drifts among many."""
    return {
        name
        for name in pair[0].columns
        if kldrift.compare(*(side[[name]] for side in pair), alpha=0.01 / FEATURES).worst().size
    }


def measured(envs: Path, rows: Sequence[int]) -> dict[str, list[Flagged]]:
    """Of each tool and number of rows the columns that it flags."""
    pairs = [sides(n) for n in rows]
    peers = {name: TOOLS[name] for name in SHOWN if name in TOOLS and name != "kldrift"}
    found = said(peers, pairs, envs)
    found[PSI] = [flagged_by_psi(pair) for pair in pairs]
    found["kldrift"] = [by_kldrift(pair) for pair in pairs]
    return found


def page(found: dict[str, list[Flagged]], rows: Sequence[int]) -> str:
    """The page: share found by kind and size of drift, rows and tool."""

    def lines() -> Iterator[list[str]]:
        for name, (sizes, _) in DRIFTS.items():
            for size in sizes:
                line = [name, f"{size:g}"]
                for tool in SHOWN:
                    for n, flagged in zip(rows, found[tool], strict=True):
                        wanted = {f"{name}|{size:g}|{i}" for i in range(COLUMNS[n])}
                        failed = isinstance(flagged, str)
                        hits = 0 if isinstance(flagged, str) else len(flagged & wanted)
                        line.append("-" if failed else f"{100 * hits / len(wanted):.0f}")
                yield line

    head = ["drift", "size", *(f"{tool}, {n:,}" for tool in SHOWN for n in rows)]
    columns = ", ".join(f"{COLUMNS[n]} at {n:,} rows" for n in rows)
    return f"""# From what size on drift is found

Made by `python -m tests.bench.peers.power`. Of so many columns of each drift ({columns} a side) the
share that is flagged, in %. Each tool does what it does by default, in an environment of its own;
NannyML looks at ten chunks, any of which may alarm. kldrift is asked of each column as the only one
that drifts among {FEATURES}, which its correction makes the hardest case. What is flagged too often
where nothing happened stands in [who alarms how often](peers.md).

{table(head, list(lines()))}
"""


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser("python -m tests.bench.peers.power", description=__doc__)
    parser.add_argument("--envs", type=Path, default=Path(".bench-envs"), help="of the tools")
    asked = parser.parse_args()
    rows = list(COLUMNS)
    PAGE.write_text(page(measured(asked.envs, rows), rows), encoding="utf-8")


if __name__ == "__main__":
    main()
