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


def measured(shares: np.ndarray, now: np.ndarray, n: int, m: int) -> tuple[float, float]:
    """By how much the estimate is too large on average, and how often its interval covers."""
    rng = np.random.default_rng(0)
    off, covered = [], []
    for _ in range(DRAWS):
        q, p = rng.multinomial(m, shares), rng.multinomial(n, now)
        own = q >= FLOOR

        def cells(x: np.ndarray, own: np.ndarray = own) -> np.ndarray:
            return np.append(x[own], x[~own].sum())

        sides = cells(p)[None], cells(q)[None]
        category = np.arange(own.sum() + 1)[None] < own.sum()
        surplus = surplus_kl(*sides, sides[1], category, ~category)
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


def test_groups_that_are_not_the_whole_and_few_names_are_left_as_they_are():
    q = np.array([[*range(20, 60), 500]])
    category = np.arange(41)[None] < 40
    assert surplus_kl(q, q, q, category, ~category)[0] != 0
    assert surplus_kl(q, q, q + 1, category, ~category).tolist() == [0.0]
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
