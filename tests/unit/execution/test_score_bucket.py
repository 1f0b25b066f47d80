"""What a task of the scoring stage makes of the rows that Spark sends it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kldrift.execution.spark_stages import _pickled_reference, _score_bucket
from kldrift.execution.wire import COUNTS, Packed, packed, unpacked
from kldrift.profiles.counted import Counted
from kldrift.profiles.group_keys import WHOLE, GroupKeys
from kldrift.profiles.moments import Moments
from kldrift.profiles.profile import Profile, aligned
from kldrift.profiles.rebinning import merge_for_scoring
from kldrift.profiles.support import NumericSupport
from kldrift.scoring.scores import SCORES, Comparison, score

SUPPORT = NumericSupport(np.linspace(-2, 2, 9), pivot=0.1)
SEGMENTS = WHOLE.union(GroupKeys.of_list(0, 3))[0]


@pytest.mark.parametrize("keys", [WHOLE, SEGMENTS], ids=["whole", "segments"])
def test_a_task_scores_as_one_process_does_to_the_last_bit(keys):
    rng = np.random.default_rng(0)
    values = rng.standard_normal((30, 2, 3_001))
    sides = [[profile(keys, side) for side in pair] for pair in values]
    parts = [[profile(keys, part) for part in (p[0][:1000], p[0][1000:])] for p in values]
    rebinning = merge_for_scoring(SUPPORT, sides[0][1].counts[0], 4)
    pairs = [Comparison(*aligned(*both), rebinning) for both in sides]
    references = [_pickled_reference(reference, rebinning) for _, reference in sides]
    rows = [(i, *row_of(p)) for i, both in enumerate(parts) for p in both]
    frame = pd.DataFrame(rows, columns=COUNTS.names)
    found = _score_bucket(references, (0.5, "cell"), frame)
    expected = score(pairs)
    tables = [np.frombuffer(cell).reshape(len(SCORES), -1) for cell in found["scores"]]
    for name, values in zip(SCORES, np.concatenate(tables, axis=1), strict=True):
        np.testing.assert_array_equal(values, expected[name], err_msg=name)
    assert found["feature"].tolist() == list(range(len(sides)))
    first = unpacked(Packed(*found.loc[0, ["groups", "counts", "moments"]]))
    assert first.keys == keys
    np.testing.assert_array_equal(first.counts, (parts[0][0] + parts[0][1]).counts)


def row_of(p: Profile) -> Packed:
    return packed(Counted(p.keys, p.counts, p.moments))


def profile(keys: GroupKeys, values: np.ndarray) -> Profile:
    """Values dealt to groups, one after the other."""
    parts = [values[i :: len(keys)] for i in range(len(keys))]
    counts = np.zeros((len(keys), SUPPORT.size), dtype=np.int64)
    for row, part in zip(counts, parts, strict=True):
        places = np.searchsorted(SUPPORT.edges, part, "right")
        row[: SUPPORT.intervals] = np.bincount(places, minlength=SUPPORT.intervals)
    sizes = np.array([len(part) for part in parts])
    return Profile(SUPPORT, keys, counts, Moments.of_parts(np.concatenate(parts), sizes, 0.1))
