"""Choosing a support: from the rows alone, fine where the mass is, bounded, with nothing lost."""

from __future__ import annotations

import re
from collections import Counter as Tallied
from functools import reduce
from operator import add

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import (
    SMALL,
    cut,
    parts,
    proposed,
    quick,
    samples,
    settled,
    sketch_batch,
    slow,
    texts,
)

from kldrift.binning.choose import MOST_RARE, Binning, Proposal
from kldrift.binning.numeric_sketch import NumericSketch
from kldrift.counting.counter import Counter
from kldrift.features.keys import KeyType, label
from kldrift.profiles.cells import Cell, CellKind
from kldrift.profiles.rebinning import CHOSEN_ROWS, least_rows, merge_for_scoring
from kldrift.profiles.support import CategoricalSupport, Unit
from kldrift.statistics.gone_names import priorities
from kldrift.statistics.hashing import text_hashes


def of(values: object, binning: Binning = SMALL, **how: object) -> tuple[Proposal, np.ndarray]:
    column = pa.array(values)
    key_type = KeyType.FLOAT if pa.types.is_floating(column.type) else KeyType.INTEGER
    return settled([column], KeyType.TEXT if pa.types.is_string(column.type) else key_type,
                   binning, **how)  # fmt: skip


def rows_by_label(support: object, counts: np.ndarray) -> dict[str, int]:
    cells = zip(support.cells, counts.tolist(), strict=True)
    return {c.label or c.kind.value: n for c, n in cells if n or c.label}


# ------------------------------------------------------------------------- the rows alone decide


@quick
@given(st.data(), samples)
def test_any_parts_in_any_order_give_the_same_support_and_the_same_counts(data, sample):
    for limit in (8, 2_048):
        whole, rows = settled([sample.column], sample.key_type, limit=limit)
        pieces = data.draw(parts(sample.column))
        again, counts = settled(pieces, sample.key_type, limit=limit)
        assert again.support == whole.support
        assert again.skip == whole.skip
        np.testing.assert_array_equal(counts, rows)
        assert counts.sum() == len(sample.column)


def spread(seed: int, kind: type) -> np.ndarray:
    """Thousands of different values, some heavy ones among them, and what is no number."""
    rng = np.random.default_rng(seed)
    values = rng.lognormal(0, 2, 3_000) * 1e6
    values[rng.random(3_000) < 0.02] = 1_234_567
    values[rng.random(3_000) < 0.006] = -5
    values[:: rng.integers(2, 200)] = 0
    odd = [np.inf, -np.inf, np.nan] if kind is float else [2**63 - 1, -(2**63), 2**53 + 1]
    column = values.astype(kind)
    column[rng.integers(0, 3_000, 40)] = np.array(odd * 14, dtype=kind)[:40]
    return column


@slow
@given(
    st.data(),
    st.integers(0, 999),
    st.sampled_from([float, np.int64]),
    st.sampled_from([Binning(8), Binning(128), Binning(700)]),
)
def test_more_values_than_the_sketch_keeps_change_nothing_of_that(data, seed, kind, binning):
    column = pa.array(spread(seed, kind))
    key_type = KeyType.FLOAT if kind is float else KeyType.INTEGER
    whole, rows = settled([column], key_type, binning, 64)
    for pieces in (data.draw(parts(column)), cut(column, list(range(30, 3_000, 30)))):
        again, counts = settled(pieces, key_type, binning, 64)
        assert again.support == whole.support
        np.testing.assert_array_equal(counts, rows)


def test_a_value_that_only_some_parts_nominate_gets_no_cell_whatever_is_asked_for():
    values = np.append(np.random.default_rng(0).random(2_995), [0.5] * 5)  # 1 in 600
    column = pa.array(values)
    found = [
        settled(pieces, KeyType.FLOAT, Binning(700), 64)[0].support
        for pieces in ([column], cut(column, list(range(30, 3_000, 30))))
    ]
    assert found[0] == found[1]


@slow
@given(st.data(), st.integers(0, 999))
def test_more_texts_than_the_sketch_keeps_change_nothing_either(data, seed):
    rng = np.random.default_rng(seed)
    names = [f"v{i}" for i in (rng.pareto(0.7, 2_000) * 3).astype(int)]
    column = pa.array(names)
    whole, rows = settled([column], KeyType.TEXT, limit=40)
    again, counts = settled(data.draw(parts(column)), KeyType.TEXT, limit=40)
    assert again.support == whole.support
    np.testing.assert_array_equal(counts, rows)
    by_name = rows_by_label(whole.support, rows)
    tallied = sorted(Tallied(names).items(), key=lambda item: (-item[1], item[0]))
    frequent = [n for n, rows in tallied if rows >= 2 / 40 * len(names)]
    alone = whole.support.categories[: whole.support.frequent]  # rare ones stand behind them
    assert {*alone} == {*frequent[: SMALL.max_categories]}
    rest = sum(name not in by_name for name in names)
    assert by_name["other"] + by_name.get("never_seen", 0) == rest


# ---------------------------------------------------------------------------------------- numbers


def test_few_valued_numbers_have_a_cell_for_each_value():
    found, counts = of([5, 1, 1, 1, 1, None, 2**53 + 1, 2**53, 2**53])
    assert rows_by_label(found.support, counts) == {
        "1": 4,
        "5": 1,
        "9007199254740992": 2,
        "9007199254740993": 1,
        "null": 1,
    }


@pytest.mark.parametrize("rows", [5, 30, 100, 127])
def test_values_that_came_once_get_no_cell_of_their_own(rows):
    values = np.random.default_rng(0).normal(0, 1, rows)
    found, counts = of(values, Binning())
    kinds = [k for k, n in zip(found.support.kinds, counts, strict=True) if n]
    assert kinds.count(CellKind.VALUE) <= 1  # the largest ends the last bin
    assert kinds.count(CellKind.BIN) >= min(rows, 20) - 1
    scored = merge_for_scoring(found.support, counts, 20)
    assert len(scored.cells) <= 20 + 6


@pytest.mark.parametrize("value", [0.0, -0.0, 5e-324, 1.7976931348623157e308, 2**63 - 1, -(2**63)])
def test_a_constant_has_one_cell(value):
    found, counts = of([value] * 5)
    assert [c for c, n in zip(found.support.cells, counts, strict=True) if n] == [
        Cell(CellKind.VALUE, float(value), float(value), found.support.text(value + 0))
    ]


@slow
@given(st.integers(0, 999), st.sampled_from([64, 100_000]))
def test_bins_hold_about_equal_shares_and_open_tails_hold_none_of_the_reference(seed, limit):
    values = np.random.default_rng(seed).normal(1e9, 1, 4_000)
    found, counts = settled([pa.array(values)], KeyType.FLOAT, Binning(20), limit)
    by_kind = {
        kind: counts[[k is kind for k in found.support.kinds]] for kind in set(found.support.kinds)
    }
    assert by_kind[CellKind.UNDERFLOW] == 0 == by_kind[CellKind.OVERFLOW]
    assert 15 <= len(by_kind[CellKind.BIN]) <= 25
    assert by_kind[CellKind.BIN].max() <= (2 if limit > 64 else 5) * 4_000 / 20


@pytest.mark.parametrize("limit", [64, 100_000], ids=["coarse", "exact"])
@pytest.mark.parametrize("kind", [np.float64, np.int64])
def test_a_value_that_fills_a_share_has_a_cell_of_its_own_with_exact_rows(limit, kind):
    rng = np.random.default_rng(1)
    continuous = (rng.normal(0, 1e9, 10_000)).astype(kind)
    values = np.concatenate([continuous, np.full(2_500, 7, kind), np.full(70, 123_456_789, kind)])
    column = pa.array(rng.permutation(values))
    key_type = KeyType.FLOAT if kind is np.float64 else KeyType.INTEGER
    found, counts = settled([column], key_type, Binning(128), limit)
    assert rows_by_label(found.support, counts)["7"] == 2_500
    assert "123456789" not in rows_by_label(found.support, counts)  # 70 rows are 1 in 180


@quick
@given(st.integers(1, 300), st.integers(30, 200))
def test_there_are_never_many_more_cells_than_asked_for(distinct, stored):
    values = np.tile(np.arange(distinct) ** 3, 11)
    found, _ = of(values, Binning(stored))
    assert found.support.size <= 3 * stored + 6


def test_a_zero_inflated_amount_has_its_zeros_apart_and_its_quantiles_distinct():
    amounts = np.concatenate([np.zeros(900), np.random.default_rng(0).lognormal(0, 1, 1_100)])
    found, counts = of(amounts, Binning(50))
    assert rows_by_label(found.support, counts)["0"] == 900
    assert (np.diff(found.support.edges) > 0).all()


def test_an_empty_reference_has_a_support_without_edges():
    for kind in (pa.float64(), pa.int64()):
        found, counts = of(pa.array([None, None], kind))
        assert found.support.kinds[-1] is CellKind.NULL
        assert CellKind.OTHER in found.support.kinds
        assert counts.tolist()[-1] == counts.sum() == 2


def test_scale_and_unit_are_those_of_the_feature():
    found, _ = of([150, 150, 250, 250], scale=100, unit=Unit.NUMBER)
    values = [c.label for c in found.support.cells if c.label]
    assert values == ["1.49", "1.50", "1.51", "2.49", "2.50", "2.51"]  # beside each, what is close
    assert of([1, 2], unit=Unit.DAYS)[0].support.unit is Unit.DAYS


# ------------------------------------------------------------------------------------ identifiers


@pytest.mark.parametrize(
    ("values", "how", "skipped"),
    [
        pytest.param(range(100, 300), {}, True, id="every integer once"),
        pytest.param(range(0, 4_000, 20), {}, False, id="all different, but spread out"),
        pytest.param(range(99), {}, False, id="too few rows to tell"),
        pytest.param([*range(500), *range(500)], {}, False, id="every integer twice"),
        pytest.param(range(100, 300), {"keep": True}, False, id="wanted all the same"),
        pytest.param(range(100, 300), {"scale": 100}, False, id="decimals"),
        pytest.param(range(100, 300), {"unit": Unit.DAYS}, False, id="dates"),
        pytest.param(np.random.default_rng(0).random(300), {}, False, id="floats"),
        pytest.param([f"id{i}" for i in range(50)], {}, True, id="every text once"),
        pytest.param([f"id{i}" for i in range(19)], {}, False, id="too few texts to tell"),
        pytest.param([f"id{i}" for i in range(50)], {"keep": True}, False, id="wanted texts"),
        pytest.param(["a", "b"] * 50, {}, False, id="two texts"),
    ],
)
def test_what_looks_like_an_identifier_is_left_out(values, how, skipped):
    skip = of(values, Binning(8), **how)[0].skip
    assert skip.startswith("near-unique" if skipped else "")
    assert bool(skip) == skipped


def test_identifiers_are_recognised_beyond_what_the_sketch_keeps():
    found, _ = settled([pa.array(np.arange(5_000) * 97)], KeyType.INTEGER, limit=64)
    assert "about every one of 5,000 rows" in found.skip
    column = pa.array([f"id{i}" for i in range(5_000)])
    skip = settled([column], KeyType.TEXT, limit=40)[0].skip
    assert re.fullmatch(r"near-unique: about [45],\d\d\d different values in 5,000 rows", skip)


def test_a_category_that_fails_only_in_the_second_pass_is_a_known_one():
    # What each part loses of 41 equal ones might all have been of "a", as far as a sketch knows.
    pieces = [pa.array([f"{i}_{j}" for j in range(41)] * 20) for i in range(5)]
    pieces.append(pa.array(["a"] * 140))
    sketch = reduce(add, [sketch_batch(piece, KeyType.TEXT, 40) for piece in pieces])
    assert proposed(sketch, SMALL).support.categories == ("a",)
    found, counts = settled(pieces, KeyType.TEXT, limit=40)
    assert not found.skip
    assert rows_by_label(found.support, counts) == {"other": 4_240}
    assert not found.support.known.unseen(text_hashes(pa.array(["a", "0_0", "4_40"]))).any()
    assert found.support.known.unseen(text_hashes(pa.array(["b", "5_0"]))).all()


# ------------------------------------------------------------------------------------- categories


def test_of_more_names_than_the_sketch_keeps_the_rare_ones_are_drawn_as_of_all():
    rng = np.random.default_rng(0)
    names = np.array([f"v{i}" for i in range(2_000)])
    rows = rng.poisson(5, len(names)) + 1
    column = rng.permutation(np.repeat(names, rows))
    found, counts = settled([pa.array(part) for part in np.split(column, [3_000, 7_000])],
                            KeyType.TEXT, Binning(), limit=1_500)  # fmt: skip
    assert isinstance(found.support, CategoricalSupport)
    drawn = priorities(rows, text_hashes(pa.array(names)))
    few = np.flatnonzero((rows >= 2) & (rows < CHOSEN_ROWS))
    first = few[np.argsort(-drawn[few])][: found.support.rare]
    assert 30 < found.support.rare <= MOST_RARE
    assert found.support.categories[found.support.frequent :] == tuple(names[first])
    assert counts[found.support.frequent :][: len(first)].tolist() == rows[first].tolist()


def test_the_most_frequent_categories_are_kept_and_ties_are_broken_by_their_text():
    values = ["z"] * 3 + ["b"] * 2 + ["a"] * 2 + ["d", "c"] + [None]
    found, counts = of(values * 20, Binning(max_categories=4))
    assert found.support.categories == ("z", "a", "b", "c", "d")
    assert found.support.frequent == 4
    scored = merge_for_scoring(found.support, counts, 20)
    assert scored.fold(counts).tolist() == [60, 40, 40, 20, 20, 0, 20]
    assert [c.kind for c in scored.cells[4:]] == ["other", "never_seen", "null"]


@quick
@given(texts)
def test_each_category_has_exactly_its_rows_and_other_has_the_rest(sample):
    found, counts = settled([sample.column], KeyType.TEXT, Binning(max_categories=3))
    true = Tallied(name for name in label(sample.column).to_pylist() if name is not None)
    kept, rare = np.split(
        np.array(found.support.categories, dtype=object), [found.support.frequent]
    )
    assert counts[len(kept) : len(kept) + len(rare)].tolist() == [true[name] for name in rare]
    assert len(rare) == sum(rows > 1 for name, rows in true.items() if name not in kept)
    counts = merge_for_scoring(found.support, counts, 20).fold(counts)
    assert counts[: len(kept)].tolist() == [true[name] for name in kept]
    frequent = sum(rows >= least_rows(true.total()) for rows in true.values())
    assert len(kept) == min(3, frequent)
    once = sum(rows for name, rows in true.items() if name not in kept and rows == 1)
    rest = true.total() - sum(true[name] for name in kept)
    if true:  # names of one row stand for those that were never seen
        assert counts[len(kept) : len(kept) + 2].tolist() == [rest - once, once]
    assert all(true[name] >= n for name in kept for other, n in true.items() if other not in kept)


def test_of_too_many_categories_those_that_chance_made_frequent_get_no_cell():
    rng = np.random.default_rng(0)
    column = pa.array([f"v{i}" for i in rng.integers(0, 1_500, 6_000)])
    found, _ = settled([column], KeyType.TEXT, Binning(max_categories=1_000))
    assert found.support.frequent == 0
    assert found.support.rare == MOST_RARE
    assert not found.skip
    few, _ = settled([column], KeyType.TEXT, Binning(max_categories=1_500))
    assert few.support == found.support


def test_booleans_always_have_both_cells():
    found, counts = settled([pa.array([True, None])], KeyType.TEXT, unit=Unit.BOOLEAN)
    assert found.support == CategoricalSupport(("false", "true"))
    assert counts.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(("rows", "most"), [(100, 5), (365, 9), (5000, 20)])
def test_a_small_reference_is_scored_in_few_bins_so_that_chance_stays_small(rows, most):
    ordered = np.sort(np.random.default_rng(0).normal(size=rows))
    support = proposed(NumericSketch.of(ordered, 0), Binning()).support
    counts, _ = Counter(support, KeyType.FLOAT).count(pa.array(ordered))
    bins = [c for c in merge_for_scoring(support, counts, 20).cells if c.kind is CellKind.BIN]
    assert most - 1 <= len(bins) <= most + 1
