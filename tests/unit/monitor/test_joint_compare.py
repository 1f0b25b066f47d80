"""Joint groups in a comparison: the same numbers as numpy on all rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from joint_sample import complete_vectors, table

import kldrift
from kldrift.divergence import multivariate_gaussian_kl
from kldrift.reporting.chart import joint_chart


@pytest.fixture(scope="module")
def sides():
    return table(0), table(1, mix=0.6)


def test_memory_gives_the_numbers_of_numpy_for_vectors(sides):
    row = kldrift.compare(*sides).scores.set_index("feature").loc["embedding"]
    assert row["kind"] == "joint"
    assert row["missing_reference"] == 3
    stats = []
    for side in sides:
        vectors = complete_vectors(side)
        stats += [vectors.mean(0), vectors.var(0)]
    assert row["kl"] == pytest.approx(multivariate_gaussian_kl(*stats[2:], *stats[:2]), rel=1e-9)


def test_a_picture_of_a_group_leaves_nothing_out():
    cells = [{"label": f"x{i}", "contribution": 0.5 if i else -3.0} for i in range(12)]
    drawn = joint_chart("<g>", cells)
    assert "x0: -3 nats" in drawn
    assert "4 others: +2 nats" in drawn
    assert "&lt;g&gt;" in drawn
    assert "others" not in joint_chart("g", cells[:8])


def test_lists_of_many_lengths_are_no_vectors():
    rng = np.random.default_rng(0)
    lists = [rng.random(rng.integers(0, 30)).tolist() for _ in range(500)]
    made = pa.table({"prices": pa.array(lists, pa.list_(pa.float64()))})
    assert list(kldrift.compare(made, made).scores["feature"]) == ["size(prices)"]


def test_a_comparison_takes_groups_by_name(sides):
    found = kldrift.compare(*sides, joint={"few": ["x1", "x2"]})
    same = kldrift.compare(*sides, joint={"few": {"features": ["x1", "x2"], "ridge": 0}})
    kl = found.scores.set_index("feature")["kl"]
    assert found.scores.set_index("feature")["kind"]["few"] == "joint"
    assert same.scores.set_index("feature")["kl"]["few"] == kl["few"]
