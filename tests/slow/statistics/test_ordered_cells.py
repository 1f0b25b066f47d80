"""Ordered cells: false alarms with few rows a cell and open tails, and what is still seen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import kldrift
from kldrift.statistics.ordered_cells import beyond_p_value, ordered_p_value
from kldrift.statistics.significance import g_test

DRAWS = 2_000


def counted(rng: np.random.Generator, n: int, m: int, cells: int, shift: float) -> np.ndarray:
    """Rows of quantile cells of a reference, with open tails: current and reference."""
    reference = np.sort(rng.random(m))
    edges = reference[np.linspace(0, m - 1, cells + 1).astype(int)]
    edges[-1] = np.nextafter(edges[-1], 2)
    current = rng.random(n) ** (1 + shift)
    return np.array(
        [
            np.bincount(np.searchsorted(edges, x, "right"), minlength=cells + 2)
            for x in (current, reference)
        ]
    )


def p_values(n: int, m: int, cells: int = 20, shift: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    p, q = np.array([counted(rng, n, m, cells, shift) for _ in range(DRAWS)]).transpose(1, 0, 2)
    first, last = np.zeros((2, DRAWS, cells + 2), dtype=bool)
    first[:, 0] = last[:, -1] = True
    every = np.ones(p.shape, dtype=bool)
    return ordered_p_value(p, q, every, first, last, every, ~every)


@pytest.mark.parametrize(("n", "m"), [(100, 100), (100, 1_000), (300, 300), (1_000, 1_000)])
def test_without_drift_p_values_are_hardly_ever_small(n, m):
    found = p_values(n, m)
    assert (found < 0.05).mean() <= 0.075
    assert (found < 0.01).mean() <= 0.015 + 0.005
    assert (found < 0.05).mean() >= 0.015


def test_a_shift_is_seen_with_five_rows_a_cell():
    assert (p_values(100, 1_000, shift=0.7) < 0.01).mean() > 0.5


def test_rows_beyond_the_extremes_are_as_likely_as_their_order():
    x = np.arange(4)
    rng = np.random.default_rng(0)
    both = rng.random((20_000, 30))
    beyond = (both[:, :10] > both[:, 10:].max(1, keepdims=True)).sum(1)
    seen = [(beyond >= k).mean() for k in x]
    assert beyond_p_value(x, np.array([10]), np.array([20])) == pytest.approx(seen, abs=0.01)


def test_many_rows_beyond_the_largest_are_evidence_even_where_nothing_else_moved():
    p, q = np.array([[0, 0, 100]]), np.array([[0, 1_000, 0]])
    first, last = np.eye(3, dtype=bool)[[[0], [2]]]
    every = np.ones((1, 3), dtype=bool)
    assert ordered_p_value(p, q, every, first, last, every, ~every)[0] < 1e-50


def test_cells_without_an_order_are_tested_as_they_are():
    p, q = np.array([[30, 2, 68]]), np.array([[50, 3, 47]])
    none = np.zeros((1, 3), dtype=bool)
    expected = g_test(p, q)[2] / 0.9
    assert ordered_p_value(p, q, none, none, none, none, none) == pytest.approx(expected, rel=1e-12)


def test_thirty_rows_of_one_value_are_no_chance_among_113_values():
    p, q = np.zeros((1, 113), dtype=np.int64), np.full((1, 113), 88)
    p[0, 56] = 30
    inside, none = np.ones((1, 113), dtype=bool), np.zeros((1, 113), dtype=bool)
    assert ordered_p_value(p, q, inside, none, none, none, none)[0] < 1e-9


@pytest.mark.parametrize(("n", "m"), [(100, 100), (100, 10_000), (10_000, 100)])
def test_quiet_pairs_of_five_rows_per_cell_err_as_often_as_they_may(n, m):
    rng = np.random.default_rng(0)
    p, q = (rng.multinomial(rows, np.full(20, 1 / 20), 10_000) for rows in (n, m))
    inside, none = np.ones(p.shape, dtype=bool), np.zeros(p.shape, dtype=bool)
    p_values = ordered_p_value(p, q, inside, none, none, none, none)
    assert 0.02 < (p_values < 0.05).mean() < 0.075
    assert 0.004 < (p_values < 0.01).mean() < 0.015


def test_values_that_have_cells_by_chance_do_not_lean_to_one_side():
    rng = np.random.default_rng(0)
    p, q = (rng.multinomial(1_000, np.full(51, 1 / 51), 4_000) for _ in range(2))
    inside, none = np.ones(p.shape, dtype=bool), np.zeros(p.shape, dtype=bool)
    # As references do: a value with 20 rows has a cell, neighbours with fewer have one together.
    joins = np.zeros(p.shape, dtype=bool)
    joins[:, 1:] = (q[:, 1:] < 20) & (q[:, :-1] < 20) & (np.arange(1, 51) % 3 > 0)
    place = np.arange(51) - joins.cumsum(1)
    sides = np.zeros((2, *p.shape), dtype=np.int64)
    for side, counts in zip(sides, (p, q), strict=True):
        np.add.at(side, (np.arange(len(p))[:, None], place), counts)
    values = np.zeros(p.shape, dtype=bool)
    np.put_along_axis(values, place, (q >= 20), axis=-1)
    found = ordered_p_value(*sides, inside, none, none, inside & ~values, values)
    assert 0.02 < (found < 0.05).mean() < 0.075


@pytest.mark.parametrize(("values", "current"), [(20, 60), (20, 600), (10, 600)])
def test_a_few_values_of_few_rows_are_called_a_difference_as_often_as_meant(values, current):
    rng = np.random.default_rng(0)
    before, now = (
        pd.DataFrame({f"x{i}": rng.integers(0, values, rows) for i in range(3_000)})
        for rows in (60, current)
    )
    p_values = kldrift.compare(before, now).scores["p_value"]
    assert 0.02 < (p_values < 0.05).mean() < 0.075
    assert (p_values < 0.01).mean() < 0.017
