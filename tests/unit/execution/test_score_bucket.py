"""What a task of the scoring stage makes of the rows that Spark sends it."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd

from kldrift.execution.programs import moment_columns
from kldrift.execution.spark_stages import MOMENTS, _score_bucket
from kldrift.profiles.moments import Moments
from kldrift.profiles.profile import Profile
from kldrift.profiles.rebinning import merge_for_scoring
from kldrift.profiles.support import NumericSupport
from kldrift.scoring.scores import Comparison, score


def test_a_task_scores_as_one_process_does_to_the_last_bit():
    """Beside rows without moments, pandas sends a number of rows as a float."""
    rng = np.random.default_rng(0)
    support = NumericSupport(np.linspace(-2, 2, 9), pivot=0.1)
    values = rng.standard_normal((30, 2, 3_001))
    profiles = [[profile(support, side) for side in pair] for pair in values]
    parts = [[profile(support, part) for part in (p[0][:1000], p[0][1000:])] for p in values]
    pairs = [
        Comparison(current, reference, merge_for_scoring(support, reference.counts, 4))
        for current, reference in profiles
    ]
    rows = [
        {"feature": i, "counts": p.counts.tobytes()}
        | dict(zip(MOMENTS, moment_columns(p.moments), strict=True))
        for i, both in enumerate(parts)
        for p in both
    ]
    rows += [
        {"feature": i, "reference": pickle.dumps((pair.reference, pair.scored))}
        for i, pair in enumerate(pairs)
    ]
    found = _score_bucket((0.5, "cell"), pd.DataFrame(rows))
    for name, expected in score(pairs).items():
        np.testing.assert_array_equal(found[name], expected, err_msg=name)


def profile(support: NumericSupport, values: np.ndarray) -> Profile:
    counts = np.zeros(support.size, dtype=np.int64)
    places = np.searchsorted(support.edges, values, "right")
    counts[: support.intervals] = np.bincount(places, minlength=support.intervals)
    return Profile(support, counts, Moments.of(values, support.pivot))
