"""How often verdicts err: ``python -m tests.bench.calibration`` writes ``docs/calibration.md``.

Quiet pairs: both sides from one distribution, through ``kldrift.compare``; a column of a frame is
one draw. Truth at the limit: counts whose divergence is the limit exactly, the hardest case of "not
above it". Seeds are fixed, so the same command gives the same page.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import scipy.stats
from numpy.typing import NDArray

import kldrift
from kldrift.divergence import kl_divergence
from kldrift.profiles.rebinning import least_rows
from kldrift.statistics.unbiased_kl import kl_unbiased
from tests.bench.boundary import HEAD as BOUNDARY_HEAD
from tests.bench.boundary import at_other_limits
from tests.kl_limits import above_limit_p

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], NDArray[np.generic]]

PAGE: Final = Path("docs/calibration.md")
SIZES: Final = (100, 300, 1_000, 3_000, 10_000, 30_000)
LEVELS: Final = (0.05, 0.01)
SURE: Final = 0.001
LIMITS: Final = (0.02, 0.1, 0.25, 0.6)
CELLS: Final = (5, 20, 100)
ROWS: Final = (
    (300, 300),
    (300, 100_000),
    (100_000, 300),
    (2_000, 2_000),
    (20_000, 20_000),
    (100_000, 100_000),
)
DIRECTIONS: Final = ("all cells", "one more", "rarest more")


def _zipf(values: int) -> Floats:
    weights = 1 / np.arange(1, values + 1)
    return np.asarray(weights / weights.sum())


def _names(values: int) -> Draw:
    names = np.array([f"v{i}" for i in range(values)], dtype=object)
    return lambda rng, n: rng.choice(names, n, p=_zipf(values))


SHAPES: Final[dict[str, Draw]] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "lognormal": lambda rng, n: rng.lognormal(0, 2, n),
    "uniform": lambda rng, n: rng.random(n),
    "exponential": lambda rng, n: rng.exponential(size=n),
    "cauchy": lambda rng, n: rng.standard_cauchy(n),
    "two humps": lambda rng, n: rng.normal(6 * rng.integers(0, 2, n), 1),
    "half zeros": lambda rng, n: np.where(rng.random(n) < 0.5, 0, rng.exponential(size=n)),
    "prices": lambda rng, n: np.round(rng.lognormal(3, 1, n), 2),
    "poisson 3": lambda rng, n: rng.poisson(3, n),
    "integers to 50": lambda rng, n: rng.integers(0, 51, n),
    "yes or no": lambda rng, n: rng.random(n) < 0.1,
    "8 names": _names(8),
    "200 names": _names(200),
}
FLAT_NAMES: Final = np.array([f"v{i}" for i in range(400)], dtype=object)
MEASURED: Final[dict[str, Draw]] = {
    **SHAPES,
    "400 flat names": lambda rng, n: rng.choice(FLAT_NAMES, n),
}
"""Those of the page: the other tools are not asked about names that chance gives a cell."""


def tilted(q: Floats, limit: float, direction: str) -> Floats | None:
    """Shares whose divergence from q is the limit; None if there are none in that direction."""
    cells = np.arange(len(q))
    towards = {
        "all cells": np.random.default_rng(1).normal(size=len(q)),
        "one more": (cells == len(q) // 2).astype(np.float64),
        "rarest more": (cells == len(q) - 1).astype(np.float64),
    }[direction]
    low, high = 0.0, 60.0
    for _ in range(100):
        p = q * np.exp((low + high) / 2 * (towards - towards.max()))
        p /= p.sum()
        middle = (low + high) / 2
        low, high = (middle, high) if kl_divergence(p, q) < limit else (low, middle)
    return p if abs(float(kl_divergence(p, q)) - limit) < 1e-6 else None


def quiet(name: str, size: int, columns: int) -> dict[str, Any]:
    """How often p-values are below 0.05 and 0.01, and alarms raised, in quiet pairs of a shape."""
    rng, draw = np.random.default_rng(size), MEASURED[name]
    sides = [pd.DataFrame({f"x{i}": draw(rng, size) for i in range(columns)}) for _ in range(2)]
    scores = kldrift.compare(*sides).scores
    p_values = scores["p_value"].dropna()
    return {
        "shape": name,
        "rows": size,
        "columns": columns,
        "rates": [float((p_values < level).mean()) for level in LEVELS],
        "alarms": int(scores["severity"].isin(["warning", "critical"]).sum()),
    }


def quiet_rows(pieces: Sequence[dict[str, Any]], sizes: Sequence[int]) -> Iterator[list[str]]:
    """A line for each shape; a rate that is surely out of its bounds has a star."""
    found = {(piece["shape"], piece["rows"]): piece for piece in pieces}
    for name in dict.fromkeys(piece["shape"] for piece in pieces):
        row = [name]
        for size in sizes:
            piece = found[name, size]
            rates = (
                f"{100 * rate:.1f}{'*' * out_of_bounds(rate, level, piece['columns'])}"
                for rate, level in zip(piece["rates"], LEVELS, strict=True)
            )
            row.append(" / ".join([*rates, str(piece["alarms"])]))
        yield row


def out_of_bounds(rate: float, level: float, columns: int) -> bool:
    """Whether a rate is surely above 1.5 times its level, or below half of it."""
    hits = round(rate * columns)
    more = scipy.stats.binom.sf(hits - 1, columns, 1.5 * level)
    less = scipy.stats.binom.cdf(hits, columns, 0.5 * level)
    return bool(min(more, less) < SURE)


def at_the_limit(draws: int) -> Iterator[list[str]]:
    """Of each number of cells and rows: the largest error rates, and what the intervals cover."""
    for cells in CELLS:
        for n, m in ROWS:
            found = []
            for q in (np.full(cells, 1 / cells), _zipf(cells)):
                for limit in LIMITS:
                    for direction in DIRECTIONS:
                        p = tilted(q, limit, direction)
                        if p is None:
                            continue
                        rng = np.random.default_rng(0)
                        counts = rng.multinomial(n, p, draws), rng.multinomial(m, q, draws)
                        p_values, estimate = above_limit_p(*counts, limit), kl_unbiased(*counts)
                        covers = (estimate.low <= limit) & (limit <= estimate.high)
                        errors = (p_values < 0.05).mean(), (p_values < 0.01).mean()
                        found.append((*errors, covers.mean()))
            rates = 100 * np.array(found)
            most, mean = rates.max(0), rates.mean(0)
            yield [
                f"{cells}",
                f"{n:,}",
                f"{m:,}",
                f"{most[0]:.1f} ({mean[0]:.1f})",
                f"{most[1]:.1f} ({mean[1]:.1f})",
                f"{rates[:, 2].min():.0f} to {most[2]:.0f}",
            ]


def new_names(names: int, rows: int, draws: int = 20_000) -> str:
    """How far rows of new names are from what is expected of them, beside what the test allows."""
    rng = np.random.default_rng(0)
    p, q = (rng.multinomial(rows, _zipf(names), draws) for _ in range(2))
    new, once = (p * (q == 0)).sum(-1), (q == 1).sum(-1)
    tested = (q >= least_rows(rows)).sum(-1)
    share, error = once.mean() / rows, (new - once).std()
    twice = (q == 2).sum(-1)
    allowed = (once * (1 - once / rows) + 2 * twice + once).mean() ** 0.5
    expected = f"{100 * share:.0f} % of the\nrows are expected to be new"
    return (
        f"Of {names} names at {rows} rows, {tested.mean():.1f} on average are frequent enough, and "
        f"{expected}, with a standard error of {error:.1f} rows.\nThe test allows for "
        f"{allowed:.1f}, by the names of one and of two rows."
    )


def table(header: Sequence[str], rows: Iterator[list[str]]) -> str:
    """A Markdown table."""
    lines = [list(header), ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def page(draws: int, pieces: Sequence[dict[str, Any]], command: str) -> str:
    """The page, from quiet pairs that were measured, and truth at the limit, which is now."""
    limit_head = ("cells", "current", "reference", "p < 0.05", "p < 0.01", "90 % interval covers")
    sizes = sorted({piece["rows"] for piece in pieces})
    columns = [piece["columns"] for piece in pieces]
    most = max(piece["alarms"] / piece["columns"] for piece in pieces)
    return f"""# Calibration

How often a verdict errs, measured by

    {command}

## Truth exactly at the limit

Counts drawn from shares whose divergence is {", ".join(map(str, LIMITS))} nats, tested against
just that limit: flat and Zipf references; {", ".join(DIRECTIONS)}; {draws:,} draws each. The
largest share of errors in %, in brackets the mean, and the least and the most that the interval
covers.

{table(limit_head, at_the_limit(draws))}

A small reference of many cells errs on the careful side. Where cells expect hardly a row of it, the
estimate is too low; the upper end of the interval allows for that.

### Other limits

Of other metrics, likewise: the largest share of errors in %, `p < 0.05 / 0.01`, among shares of 0,
0.1, 2 and 30 %, cells of equal and of unequal shares, and references that cells were chosen on. A
category with limits of its own is tested by its share, or by the ratio of its shares. The test of
spikes allows for all 128 cells, of which one is at the limit, or beside a value of 17 % of the rows
of which a part moved there; that of a tail for both tails.

{table(BOUNDARY_HEAD, at_other_limits(10 * draws))}

## Quiet pairs

Both sides from one distribution, with the thresholds of a monitor that states none;
{min(columns):,} to {max(columns):,} columns for each shape and size. In %: `p_value` below 0.05 /
below 0.01, then the number of columns with a warning or worse, {100 * most:.1f} % of them at most.
A star stands at a rate above 1.5 times its level, or below half of it, where the number of columns
does not explain it. Names have small p-values less often than they might where hardly one has rows
enough for a cell: only the shares of new names and of names that are gone are tested then. Of 400
flat names at 10,000 rows most have a cell, because they came often by chance, which the test knows.
{new_names(200, 100)}

{table(("shape", *(f"{size:,} rows" for size in sizes)), quiet_rows(pieces, sizes))}
"""


def main() -> None:
    """Measure some quiet pairs, or all that is missing, and write the page."""
    parser = argparse.ArgumentParser("python -m tests.bench.calibration", description=__doc__)
    parser.add_argument("--draws", type=int, default=2_000, help="at the limit (2,000)")
    parser.add_argument("--columns", type=int, default=2_000, help="of quiet pairs (2,000)")
    parser.add_argument("--only", nargs="*", help="measure quiet pairs of these shapes; no page")
    parser.add_argument("--found", type=Path, default=Path("calibration.jsonl"), help="of before")
    asked = parser.parse_args()
    lines = asked.found.read_text().splitlines() if asked.found.exists() else []
    pieces = [json.loads(line) for line in lines]
    known = {(piece["shape"], piece["rows"]) for piece in pieces}
    for name in MEASURED if asked.only is None else asked.only:
        for size in SIZES:
            if (name, size) not in known:
                # More rows take longer, and there are as many values in each size from 3,000 on.
                columns = max(200, min(asked.columns, 3_000 * asked.columns // (2 * size)))
                pieces.append(quiet(name, size, columns))
                with asked.found.open("a") as file:
                    file.write(json.dumps(pieces[-1]) + "\n")
    if asked.only is None:
        command = (
            f"python -m tests.bench.calibration --draws {asked.draws} --columns {asked.columns}"
        )
        PAGE.write_text(page(asked.draws, pieces, command))


if __name__ == "__main__":
    main()
