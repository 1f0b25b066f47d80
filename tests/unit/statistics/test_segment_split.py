"""The mix of segments and what happened within them add up to the whole."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import kldrift
from kldrift.statistics.segment_split import segment_split

TABLES = arrays(np.int64, (2, 4, 5), elements=st.integers(0, 10**6))


@given(TABLES, st.sampled_from([0.5, 1.0, 1e-3]))
def test_mix_and_within_are_the_whole(counts, pseudocount):
    p, q = counts
    found = segment_split(p, q, pseudocount)
    assert found.mix + found.within == pytest.approx(found.total, rel=1e-12, abs=1e-12)
    assert found.mix >= 0
    assert (found.parts >= -1e-12).all()


def test_another_mix_of_segments_is_no_drift_within_them():
    q = np.array([[100, 300], [500, 100]])
    found = segment_split(q * np.array([[4], [1]]), q, pseudocount=0)
    assert found.mix > 0.1
    assert abs(found.within) < 1e-12


def test_a_result_says_in_which_segment_a_feature_drifted():
    rng = np.random.default_rng(0)
    site = np.repeat(["north", "south", "east"], [8_000, 1_500, 500])
    before = pd.DataFrame({"site": site, "load": rng.normal(20, 3, 10_000)})
    now = before.assign(load=rng.normal(20, 3, 10_000) + 9 * (site == "east"))
    (split,) = kldrift.compare(before, now, segments=[["site"]], exclude=["site"]).splits.to_dict(
        "records"
    )
    assert (split["feature"], split["segments"], split["worst"]) == ("load", "site", "site=east")
    assert split["mix"] < 1e-6
    assert split["worst_part"] > 0.9 * split["within"]
    assert kldrift.compare(before, now).splits.empty
