"""Verdicts on tables of a few rows: what may be chance is ok, whatever the values."""

from __future__ import annotations

from math import comb

import numpy as np
import pandas as pd
import pytest

import kldrift
from kldrift.statistics.effect_tests import share_p

OTHERS = {"names": ("a", "b"), "numbers": (1.5, 2.5), "flags": (True, False)}


@pytest.mark.parametrize("values", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("rows", [2, 3, 4])
def test_a_few_rows_of_another_value_may_be_chance(values, rows):
    before, now = (pd.DataFrame({"x": [value] * rows}) for value in values)
    assert kldrift.compare(before, now).scores["severity"].tolist() == ["ok"]


@pytest.mark.parametrize("values", OTHERS.values(), ids=OTHERS)
def test_ten_rows_of_another_value_are_critical(values):
    before, now = (pd.DataFrame({"x": [value] * 10}) for value in values)
    assert kldrift.compare(before, now).scores["severity"].tolist() == ["critical"]


@pytest.mark.parametrize("rows", [3, 4, 6, 10, 15])
def test_quiet_columns_of_a_few_rows_are_ok(rows):
    rng = np.random.default_rng(rows)
    names = [f"x{i}" for i in range(300)]
    for draw in (lambda: rng.integers(0, 2, (rows, 300)), lambda: rng.integers(0, 3, (rows, 300))):
        sides = (pd.DataFrame(draw().astype(str), columns=names) for _ in range(2))
        keep = {name: {"keep": True} for name in names}
        assert {*kldrift.compare(*sides, override=keep).scores["severity"]} == {"ok"}


@pytest.mark.parametrize("rows", [3, 5, 20])
def test_a_share_has_changed_no_more_surely_than_all_ways_to_deal_the_rows_say(rows):
    """Oracle: of all ways to choose one side, two have all rows of a value on one side."""
    sides = (np.array([n]) for n in (rows, rows, 0, rows))
    (found,) = share_p(*sides, np.array([0.005]))
    assert found >= 2 / comb(2 * rows, rows) * (1 - 1e-9)


def test_names_of_one_row_each_are_too_rare_to_say_that_they_are_the_same():
    sides = (pd.DataFrame({"x": list(names)}) for names in ("abcde", "fghij"))
    (row,) = kldrift.compare(*sides).scores.to_dict("records")
    assert row["status"] == "constant"
    assert row["reason"] == "no value is frequent enough for a cell of its own"
