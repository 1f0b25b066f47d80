"""Counting into slots: each number in its own cell or handed back, never anywhere else."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import floats, integers, quick
from test_sketch import same
from test_sketching import KINDS, kinds

from kldrift.binning.numeric_sketch import NOMINATION, NumericSketch
from kldrift.binning.sketch_slots import Slots, certain_level
from kldrift.features.keys import number_keys

LIMIT = 64


def finite(kind: str, seed: int, rows: int = 6_000) -> np.ndarray:
    values = kinds(np.random.default_rng(seed), rows)[kind]
    return values[np.isfinite(values)]


def sketch_of(keys: np.ndarray, level: int = 0, limit: int = LIMIT) -> NumericSketch:
    return NumericSketch.of(np.sort(keys), 0, limit, level)


kind = pytest.mark.parametrize("kind", [k for k in KINDS if k != "no number"])


@quick
@given(st.data(), floats | integers)
def test_what_is_counted_and_what_is_handed_back_are_all_numbers(data, sample):
    keys = number_keys(sample.column, sample.key_type)
    keys = keys[np.isfinite(keys)]
    if not len(keys):
        return
    whole = sketch_of(keys, limit=8)
    known = keys[: data.draw(st.integers(1, len(keys)))]
    level = data.draw(st.integers(0, whole.level))
    slots = Slots(NumericSketch.of(np.sort(known), 0, 8).coarsened(level).coarsened(whole.level))
    strays = slots.add(keys)
    same(slots.sketch() + sketch_of(strays, slots.level, 8), whole)


@kind
def test_numbers_of_cells_that_nobody_has_seen_get_into_no_other_cell(kind):
    keys = finite(kind, 0)
    for few in (1, 10, 1_000):
        layout = sketch_of(np.random.default_rng(1).choice(keys, few))
        slots = Slots(layout.coarsened(sketch_of(keys).level))
        strays = slots.add(keys)
        counted = slots.sketch()
        assert counted.rows + len(strays) == len(keys)
        same(counted + sketch_of(strays, slots.level), sketch_of(keys))


@kind
def test_every_number_of_a_known_cell_is_counted_but_where_pages_collide(kind):
    keys = finite(kind, 2)
    slots = Slots(sketch_of(keys, limit=1_000))
    assert len(slots.add(keys)) <= 0.1 * len(keys)
    assert slots.suit(keys)


def test_numbers_far_from_all_known_ones_show_that_the_slots_do_not_suit():
    slots = Slots(sketch_of(np.arange(1_000.0)))
    assert not slots.suit(np.arange(1e6, 1e6 + 5_000))
    assert slots.suit(np.arange(500.0))


def test_the_rows_of_too_many_cells_fill_the_slots():
    rng = np.random.default_rng(0)
    slots = Slots(sketch_of(rng.random(2 * LIMIT)))
    assert not slots.full
    slots.add(rng.random(10_000))
    assert slots.full
    assert len(slots.sketch().counts) <= LIMIT


@kind
def test_the_level_that_is_certain_is_that_of_the_numbers_or_a_little_less(kind):
    keys = finite(kind, 3)
    level = sketch_of(keys).level
    for early in {0, max(0, level - 3), level}:
        assert certain_level(keys, early, LIMIT) <= level
    assert certain_level(keys, max(1, level - 3), LIMIT) >= level - 1


@kind
def test_every_number_that_fills_its_share_is_nominated(kind):
    keys = finite(kind, 4)
    slots = Slots(sketch_of(keys))
    strays = Counter(slots.add(keys).tolist())
    rows = Counter(keys.tolist())
    frequent = {key for key, n in rows.items() if n * NOMINATION >= 2 * len(keys)}
    assert frequent - strays.keys() <= set(slots.sketch().heavy.tolist())


def test_numbers_that_are_not_frequent_are_not_sorted_where_their_cell_is_heavy(monkeypatch):
    keys = np.random.default_rng(0).permutation(np.arange(100_000.0))
    slots = Slots(sketch_of(keys))  # no cell of 64 is as light as 1 in 256
    monkeypatch.setattr(
        np, "sort", lambda values: values if not len(values) else pytest.fail("sorted")
    )
    slots.add(keys)


def test_nominated_numbers_stay_few_also_for_rows_that_come_in_order():
    values = np.repeat(np.arange(20_000.0), 20)
    slots = Slots(sketch_of(values, limit=4_096))
    for batch in np.split(values, 400):
        slots.add(batch)
        assert sum(map(len, slots._heavy)) <= 4_096
    assert len(slots.sketch().heavy) < NOMINATION
