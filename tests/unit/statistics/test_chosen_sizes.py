"""Sizes of names whose cells were chosen by their reference rows have no surplus."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import kldrift
from kldrift.statistics.chosen_sizes import surplus_kl
from kldrift.statistics.unbiased_kl import kl_unbiased

DRAWS = 200
FLOOR = 20


def flat(names: int) -> np.ndarray:
    return np.full(names, 1 / names)


def zipf(names: int) -> np.ndarray:
    weights = 1 / np.arange(1.0, names + 1)
    return weights / weights.sum()


def tilted(shares: np.ndarray, by: float) -> np.ndarray:
    found = shares * np.exp(by * np.random.default_rng(1).normal(size=len(shares)))
    return found / found.sum()


def divergence(now: np.ndarray, before: np.ndarray) -> float:
    return float((now * np.log(now / before)).sum())


def measured(
    shares: np.ndarray, now: np.ndarray, n: int, m: int, part: float = 1.0
) -> tuple[float, float]:
    """By how much the estimate is too large on average, and how often its interval covers.

    Of a part of the rows, where cells were chosen on all of them.
    """
    rng = np.random.default_rng(0)
    off, covered = [], []
    for _ in range(DRAWS):
        q, p = rng.multinomial(m, shares), rng.multinomial(int(n * part), now)
        own, mine = q >= FLOOR, rng.binomial(q, part)

        def cells(x: np.ndarray, own: np.ndarray = own) -> np.ndarray:
            return np.append(x[own], x[~own].sum())

        sides, whole = (cells(p)[None], cells(mine)[None]), cells(q)[None]
        category = np.arange(own.sum() + 1)[None] < own.sum()
        surplus = surplus_kl(*sides, whole, category, ~category)
        found, truth = kl_unbiased(*sides).less(surplus), divergence(cells(now), cells(shares))
        off.append(found.unbiased[0] - truth)
        covered.append(found.low[0] <= truth <= found.high[0])
    return float(np.mean(off)), float(np.mean(covered))


@pytest.mark.parametrize("by", [0.0, 0.2, 0.45], ids=["quiet", "0.02", "0.1"])
@pytest.mark.parametrize("n", [10_000, 100_000])
@pytest.mark.parametrize("shares", [flat(400), flat(700), zipf(1_000)], ids=["400", "700", "zipf"])
def test_the_interval_covers_the_truth_where_names_were_chosen(shares, n, by):
    off, covered = measured(shares, tilted(shares, by), n, 10_000)
    assert abs(off) < 0.0025
    assert covered > 0.82


@pytest.mark.parametrize("by", [0.0, 0.2], ids=["quiet", "0.02"])
@pytest.mark.parametrize("part", [0.5, 0.2])
@pytest.mark.parametrize("names", [400, 700])
def test_the_interval_covers_the_truth_in_segments(names, part, by):
    off, covered = measured(flat(names), tilted(flat(names), by), 10_000, 10_000, part)
    assert abs(off) < 0.004
    assert covered > 0.95


def test_the_size_of_a_group_is_the_same_whatever_it_is_beside():
    rng = np.random.default_rng(2)
    q = rng.multinomial(10_000, flat(400))
    own = q >= FLOOR
    whole, *parts = (np.append(x[own], x[~own].sum()) for x in (q, q // 2, q // 3))
    category = np.broadcast_to(np.arange(len(whole)) < own.sum(), (3, len(whole)))
    groups = np.stack([whole, *parts])
    sides = groups, groups, np.stack([whole] * 3), category, ~category
    alone = [surplus_kl(*(side[[i]] for side in sides))[0] for i in range(3)]
    assert surplus_kl(*sides).tolist() == alone
    assert all(alone)


def test_few_names_are_left_as_they_are():
    q = np.array([[*range(20, 60), 500]])
    category = np.arange(41)[None] < 40
    assert surplus_kl(q, q, q, category, ~category)[0] != 0
    few = category & (np.arange(41)[None] < 15)
    assert surplus_kl(q, q, q, few, ~category).tolist() == [0.0]


def test_quiet_names_of_14_rows_are_no_divergence_for_sure():
    rng = np.random.default_rng(0)
    names = np.array([f"v{i}" for i in range(700)], dtype=object)
    sides = (
        pd.DataFrame({f"x{i}": rng.choice(names, 10_000) for i in range(10)}) for _ in range(2)
    )
    found = kldrift.compare(*sides).scores
    assert (found["kl_low"] == 0).all()
    assert found["kl"].mean() < 1.2 * found["kl_expected"].mean()


def test_quiet_names_of_14_rows_are_no_divergence_in_segments_either():
    rng = np.random.default_rng(1)
    names = np.array([f"v{i}" for i in range(700)], dtype=object)
    sides = (
        pd.DataFrame({"x": rng.choice(names, 10_000), "part": rng.choice(["a", "b"], 10_000)})
        for _ in range(2)
    )
    found = kldrift.compare(*sides, segments=["part"], exclude=["part"]).scores
    assert len(found) == 3
    assert (found["kl_low"] == 0).all()
