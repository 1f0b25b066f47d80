"""A million scores: the Spark functions over array columns, and what jobs call.

Jobs call ``kldrift.scoring.scores.score``: all scores of many groups of rows at once, in one
process a task. It is measured here in this process, in blocks as large as a task gets them. The
floor of the Spark functions is a scan of the two array columns; that of one score is the formula
over a matrix.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from kldrift.divergence import kl_divergence
from kldrift.divergence.probabilities import probabilities
from kldrift.profiles.group_keys import GroupKeys
from kldrift.profiles.profile import Profile
from kldrift.profiles.rebinning import merge_for_scoring
from kldrift.profiles.support import CategoricalSupport, NumericSupport, Support, Unit
from kldrift.scoring.comparison import Comparison
from kldrift.scoring.scores import score
from kldrift.spark import functions
from tests.bench.options import Options
from tests.bench.rounds import rounds, timed
from tests.bench.session import session
from tests.bench.table import Row, summarised

CELLS = 20
PAIRS = 1_000_000
BLOCK = 10_000
READ = "Spark noop scan of the arrays"
FORMULA = "kl_divergence of a matrix"
OVER_COUNTS = (
    "kl_divergence",
    "js_divergence",
    "js_distance",
    "psi",
    "bhattacharyya_distance",
    "hellinger",
    "total_variation",
    "kolmogorov_smirnov",
    "wasserstein",
)

CATEGORIES = CategoricalSupport(tuple(f"value {i}" for i in range(CELLS)))
NUMBERS = NumericSupport(np.arange(CELLS + 1.0), 1, Unit.NUMBER, CELLS / 2)

Counts = NDArray[np.int64]


def run(folder: Path, options: Options) -> list[Row]:
    """Measure every function of two count arrays, all at once, and the core's own scoring."""
    pairs = 20_000 if options.quick else PAIRS
    rng = np.random.default_rng(0)
    p, q = (rng.poisson(50, (pairs, CELLS)).astype(np.int64) for _ in range(2))
    path = folder / f"scores-{pairs}.parquet"
    columns = {"p": _arrays(p), "q": _arrays(q)}
    pq.write_table(pa.table(columns), path, row_group_size=-(-pairs // (4 * options.cores)))
    with session(options.cores) as spark:
        df = spark.read.parquet(str(path))
        contenders = {READ: timed(lambda: _noop(df))}
        for name in OVER_COUNTS:
            column = getattr(functions, name)("p", "q", pseudocount=0.5).alias(name)
            contenders[name] = timed(partial(_noop, df.select(column)))
        tests = [functions.chi_square("p", "q"), functions.g_statistic("p", "q")]
        for name, column in zip(("chi_square", "g_statistic"), tests, strict=True):
            contenders[name] = timed(partial(_noop, df.select(column)))
        every = [getattr(functions, n)("p", "q", pseudocount=0.5).alias(n) for n in OVER_COUNTS]
        contenders["all of these in one select"] = timed(lambda: _noop(df.select(*every, *tests)))
        times = rounds("scores", contenders, options.repeats)
    blocks = [slice(i, i + BLOCK) for i in range(0, pairs, BLOCK)]
    in_process = {
        FORMULA: timed(lambda: [_formula(p[b], q[b]) for b in blocks]),
        "kldrift.scoring.scores.score of categories": lambda: _seconds(CATEGORIES, p, q),
        "kldrift.scoring.scores.score of numbers": lambda: _seconds(NUMBERS, p, q),
    }
    own = rounds("scores", in_process, options.repeats)
    case = f"{pairs:,} pairs of {CELLS} cells"
    return [
        *summarised(
            "scores",
            times,
            case=f"{case}, Spark, {options.cores} cores",
            ratios={"ratio_to_floor": READ},
        ),
        *summarised(
            "scores", own, case=f"{case}, in one process", ratios={"ratio_to_floor": FORMULA}
        ),
    ]


def _arrays(counts: Counts) -> pa.Array:
    offsets = pa.array(np.arange(len(counts) + 1, dtype=np.int32) * counts.shape[1])
    return pa.ListArray.from_arrays(offsets, pa.array(counts.ravel()))


def _noop(df: DataFrame) -> None:
    df.write.format("noop").mode("overwrite").save()


def _formula(p: Counts, q: Counts) -> object:
    occupied = (p + q) > 0
    sides = (probabilities(side, occupied, pseudocount=0.5) for side in (p, q))
    return kl_divergence(*sides)


def _seconds(support: Support, p: Counts, q: Counts) -> float:
    """How long all scores take, block by block; making the profiles does not count."""
    seconds = 0.0
    left = int(isinstance(support, NumericSupport))  # the tail below the first edge
    for start in range(0, len(p), BLOCK):
        sides = [
            np.pad(side[start : start + BLOCK], [(0, 0), (left, support.size - CELLS - left)])
            for side in (p, q)
        ]
        empty = Profile.empty(support, GroupKeys.of_list(0, len(sides[0]) - 1))
        current, reference = (replace(empty, counts=side) for side in sides)
        rebinning = merge_for_scoring(support, sides[1][0], CELLS)
        comparison = Comparison(current, reference, rebinning)
        began = time.perf_counter()
        score([comparison])
        seconds += time.perf_counter() - began
    return seconds
