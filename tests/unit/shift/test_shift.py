"""Model shift in memory: rows, cells, sums and windows against numpy, in any partitioning."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shift_sample import MODELS, added, column, compared, row_kl, same_numbers, summed

from kldrift.counting.row_groups import SegmentList
from kldrift.counting.windows import Windows
from kldrift.errors import DatasetError
from kldrift.profiles.group_keys import NO_WINDOW, UNTIMED
from kldrift.shift.list_counts import ListCounts
from kldrift.shift.row_divergence import RowOutcome, compare_rows
from kldrift.shift.row_kinds import (
    MANTISSAS,
    MIDDLES,
    NUMBER_CELLS,
    kinds_of,
    octaves_of,
    outcomes_of,
)
from kldrift.shift.summary import Summaries
from kldrift.shift.verdict import LOWER, UPPER
from kldrift.shift.worst_rows import KEY_COLUMNS, ROW_SCHEMA, WORST, worst_of
from kldrift.sources.program import RowBatch

DIVERGENCES = st.lists(
    st.one_of(
        st.floats(0, 1e300), st.floats(0, 1), st.sampled_from([0.0, 5e-324, 0.1, 1.0, math.inf])
    ),
    max_size=30,
).map(np.array)
LISTS = pa.list_(pa.float64())


# ------------------------------------------------------------------------------------ laws


@given(DIVERGENCES)
def test_a_value_is_a_mantissa_in_an_octave_and_the_middle_of_its_cell_is_near(values):
    mantissas, kinds = kinds_of(compared(values, {RowOutcome.NUMBER: 1}))
    expected = np.where(np.isinf(values), RowOutcome.INFINITE, RowOutcome.FINITE)
    assert outcomes_of(kinds).tolist() == [*expected, RowOutcome.NUMBER]
    octaves = octaves_of(kinds).astype(np.int32)
    finite = np.flatnonzero(np.isfinite(values))
    assert np.array_equal(np.ldexp(mantissas, octaves)[finite], values[finite])
    cells = np.searchsorted(MANTISSAS.edges, mantissas, "right") - NUMBER_CELLS.start
    np.testing.assert_allclose(MIDDLES[cells], mantissas, rtol=1 / 128, atol=0)


@settings(max_examples=25)
@given(DIVERGENCES, DIVERGENCES, DIVERGENCES)
def test_parts_add_up_like_a_commutative_monoid(x, y, z):
    a, b, c = map(added, (x, y, z))
    same_numbers((a + b) + c, a + (b + c))
    same_numbers(a + b, b + a)
    same_numbers(a + added(np.zeros(0)), a)
    same_numbers(a + b, added(np.concatenate([x, y])))


@given(DIVERGENCES)
def test_the_mean_is_that_of_exact_sums(values):
    found = summed(values)
    finite = values[np.isfinite(values)]
    assert (found.finite[0], found.infinite[0]) == (len(finite), len(values) - len(finite))
    if len(finite):
        exact = sum(map(Fraction, finite.tolist())) / len(finite)
        assert found.kl[0] == pytest.approx(float(exact), rel=1e-15, abs=5e-324)


@given(DIVERGENCES)
def test_a_quantile_is_within_one_percent_of_a_row(values):
    finite = np.sort(values[np.isfinite(values)])
    for found, share in zip(summed(values).quantiles[0], (0.5, 0.9, 0.99), strict=True):
        if not len(finite):
            assert math.isnan(found)
        else:
            expected = finite[max(0, math.ceil(share * len(finite)) - 1)]
            assert found == pytest.approx(expected, rel=0.008, abs=5e-324)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e4])
def test_mean_variance_and_cells_equal_numpy(scale):
    values = np.random.default_rng(0).lognormal(0, 2, 50_000) * scale
    found = summed(values)
    assert found.kl[0] == pytest.approx(values.mean(), rel=1e-14)
    assert found.variance[0] == pytest.approx(values.var(ddof=1), rel=1e-13)
    assert found.quantiles[0, 0] == pytest.approx(np.median(values), rel=0.01)
    assert found.quantiles[0, 2] == pytest.approx(np.quantile(values, 0.99), rel=0.01)
    assert found.rows.sum() == len(values)
    assert math.fsum(found.contributions[0]) == pytest.approx(found.kl[0], rel=1e-13)
    upper = np.append(UPPER[:-1], math.inf)
    cells = zip(LOWER, upper, found.rows[0], found.contributions[0], strict=True)
    for lowest, end, rows, contribution in cells:
        here = values[(values >= lowest) & (values < end)]
        assert rows == len(here)
        assert contribution == pytest.approx(here.sum() / len(values), rel=1e-13)


def test_equal_rows_have_no_variance_and_their_quantiles_are_their_value():
    found = summed(np.full(1000, 0.3))
    assert (found.kl[0], found.variance[0]) == (0.3, 0.0)
    assert found.quantiles.tolist() == [[0.3] * 3]
    assert summed(np.zeros(1000)).variance[0] == 0.0
    assert summed(np.zeros(1000)).quantiles.tolist() == [[0.0] * 3]


def test_infinite_rows_are_counted_and_not_in_the_mean():
    found = summed(np.array([0.5, math.inf, 1.5]))
    assert found.kl[0] == 1.0
    assert (found.finite[0], found.infinite[0]) == (2, 1)
    assert found.rows[0][found.rows[0] > 0].tolist() == [1, 1]
    assert math.isnan(summed(np.array([math.inf])).kl[0])


def test_the_worst_rows_are_chosen_by_divergence_then_by_key():
    def table(rows):
        keys = [pa.array([0] * len(rows))] * 3
        columns = [*zip(*rows, strict=True), [0] * len(rows), [1] * len(rows)]
        arrays = [pa.array(c, t) for c, t in zip(columns, ROW_SCHEMA.types, strict=True)]
        return pa.table([*keys, *arrays], [*KEY_COLUMNS, *ROW_SCHEMA.names])

    rows = [(float(i % 3), str(i)) for i in reversed(range(100))]
    kept = worst_of(table(rows), KEY_COLUMNS)
    assert len(kept) == WORST
    assert kept["key"].to_pylist() == sorted(key for kl, key in rows if kl == 2)[:WORST]
    assert worst_of(table([(1.0, None), (1.0, "z")]), KEY_COLUMNS)["key"].to_pylist() == ["z", None]


# ------------------------------------------------------------------------------------ rows


@pytest.mark.parametrize("kind", [pa.list_, pa.large_list, lambda t: pa.list_(t, 7)])
@pytest.mark.parametrize("value", [pa.float32(), pa.float64()])
def test_rows_equal_numpy_for_every_kind_of_list(kind, value):
    rng = np.random.default_rng(1)
    q, p = rng.normal(0, 2, (2, 500, 7)).astype(value.to_pandas_dtype())
    columns = [pa.array([None, *x.tolist()], kind(value)).slice(1) for x in (q, p)]
    found = compare_rows(*columns, probabilities=False)
    np.testing.assert_allclose(found.kl, row_kl(p, q), rtol=1e-9, atol=1e-15)
    assert (found.outcome == RowOutcome.FINITE).all()
    assert np.array_equal(found.changed, p.argmax(-1) != q.argmax(-1))


def test_huge_logits_and_masks_are_finite_where_they_can_be():
    inf = math.inf
    champion = pa.array([[1e4, -1e4], [0.0, -inf, 0.0], [0.0, -inf]], LISTS)
    challenger = pa.array([[-1e4, 1e4], [2.0, -inf, 0.0], [0.0, 0.0]], LISTS)
    found = compare_rows(champion, challenger, probabilities=False)
    np.testing.assert_allclose(found.kl[:2], [2e4, row_kl([2.0, 0.0], [0.0, 0.0])], rtol=1e-12)
    assert found.outcome.tolist() == [RowOutcome.FINITE, RowOutcome.FINITE, RowOutcome.INFINITE]
    assert found.changed.tolist() == [True, False, False]


def test_differences_beyond_a_double_are_numbers_and_divergences_beyond_it_infinite():
    least = float(np.finfo(np.float64).min)
    champion = pa.array([[least, 5.0], [-least, least]], LISTS)
    challenger = pa.array([[5.0, least], [least, -least]], LISTS)
    found = compare_rows(champion, challenger, probabilities=False)
    assert found.kl.tolist() == [-least, math.inf]
    assert found.outcome.tolist() == [RowOutcome.FINITE, RowOutcome.INFINITE]
    assert found.changed.tolist() == [True, True]


LEFT_OUT = {
    "null": (None, [1.0], RowOutcome.NULL),
    "null on the other side": ([1.0], None, RowOutcome.NULL),
    "null on both sides": (None, None, RowOutcome.NULL),
    "two lengths": ([1.0, 2.0], [1.0], RowOutcome.LENGTH),
    "empty": ([], [], RowOutcome.LENGTH),
    "a null inside": ([1.0, None], [1.0, 2.0], RowOutcome.NUMBER),
    "NaN": ([1.0, 2.0], [1.0, math.nan], RowOutcome.NUMBER),
    "infinity": ([1.0, math.inf], [1.0, 2.0], RowOutcome.NUMBER),
    "all masked": ([-math.inf, -math.inf], [1.0, 2.0], RowOutcome.MASKED),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_a_row_that_cannot_be_compared_is_counted_and_its_neighbours_are_not_touched(case):
    champion, challenger, outcome = LEFT_OUT[case]
    columns = [
        pa.array([[0.0, 1.0], row, [3.0, 0.0, 1.0]], LISTS) for row in (champion, challenger)
    ]
    found = compare_rows(*columns, probabilities=False)
    assert found.outcome.tolist() == [RowOutcome.FINITE, outcome, RowOutcome.FINITE]
    assert found.kl[[0, 2]].tolist() == [0.0, 0.0]
    assert math.isnan(found.kl[1])


def test_probabilities_are_checked_and_a_zero_masks_a_class():
    champion = [[0.5, 0.5], [1.0, 0.0], [1.0, 0.0], [0.7, 0.7], [-0.1, 1.1], [0.2, 0.3, 0.5]]
    challenger = [[0.9, 0.1], [0.5, 0.5], [1.0, 0.0], [0.5, 0.5], [0.5, 0.5], [0.2, 0.3, 0.5]]
    columns = [pa.array(x, LISTS) for x in (champion, challenger)]
    found = compare_rows(*columns, probabilities=True)
    assert found.outcome.tolist() == [0, 1, 0, RowOutcome.PROBABILITY, RowOutcome.PROBABILITY, 0]
    expected = 0.9 * math.log(1.8) + 0.1 * math.log(0.2)
    np.testing.assert_allclose(found.kl[[0, 2, 5]], [expected, 0, 0], rtol=1e-12, atol=1e-15)


def test_a_column_of_nulls_leaves_every_row_out():
    found = compare_rows(pa.nulls(3), pa.array([[1.0]] * 3, LISTS), probabilities=False)
    assert found.outcome.tolist() == [RowOutcome.NULL] * 3


# ------------------------------------------------------------------------------------ tasks


PROGRAM = replace(
    MODELS,
    key=column("id"),
    time=column("at"),
    windows=Windows(1, "d"),
    lists=(SegmentList((column("sex"),)),),
    buckets=3,
)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(2)
    n = 3000
    q = rng.normal(0, 1, (n, 3))
    p = q + rng.normal(0, 0.5, (n, 3))
    p[::50] = p[0]  # divergences that are equal
    q[::50] = q[0]
    champion, challenger = q.tolist(), p.tolist()
    champion[5], challenger[7], challenger[11] = None, [1.0], [0.0, math.nan, 1.0]
    champion[13], challenger[13] = [0.0, -math.inf], [0.0, 0.0]
    at = [dt.datetime(2024, 1, 1) + dt.timedelta(minutes=i) for i in range(n)]
    at[17] = None
    return pa.table(
        {
            "champion": pa.array(champion, LISTS),
            "challenger": pa.array(challenger, LISTS),
            "id": rng.permutation(n),
            "at": pa.array(at, pa.timestamp("us")),
            "sex": pa.array(rng.choice(["F", "M", None], n).tolist()),
        }
    )


def parts_of(table, cuts, program=PROGRAM):
    """What tasks emit of a table that is cut at these rows, as it travels, by share."""
    parts = {}
    for start, end in zip([0, *cuts], [*cuts, len(table)], strict=True):
        accumulator = program.start()
        for batch in table.slice(start, end - start).to_batches(max_chunksize=700):
            keys, models = (
                [batch[f.name] for f in columns] for columns in (program.keys, program.sets[0])
            )
            accumulator.add(RowBatch(keys, iter([(0, models)])))
        for row in next(accumulator.results()).to_pylist():
            parts.setdefault(row["share"], []).append(ListCounts.unpacked(row["part"]))
    return parts


def through(table, cuts, program=PROGRAM):
    """Send a table through tasks; merge what they emit as Spark does."""
    merged = [sum(others, first) for first, *others in parts_of(table, cuts, program).values()]
    found = Summaries.joined([Summaries.of(part) for part in merged])
    worst = pa.concat_tables([part.worst_rows() for part in merged])
    return found, worst, pa.concat_tables([part.pairs.top() for part in merged])


def test_any_partitioning_gives_the_same_bits(rows):
    whole, worst, pairs = through(rows, [])
    for cuts in ([1, 2, 1500], [0, 700, 700, 2999]):
        found, others, same = through(rows, cuts, replace(PROGRAM, batch_rows=300, buckets=1))
        assert pairs == same
        order = [np.lexsort((s.segment.astype(str), s.window)) for s in (whole, found)]
        for name in vars(whole):
            ours, theirs = (getattr(s, name)[o] for s, o in zip((whole, found), order, strict=True))
            np.testing.assert_array_equal(ours, theirs, err_msg=name)
        by = ["window", "segment", "kl", "key"]
        keys = [(name, "ascending") for name in by]
        assert worst.sort_by(keys) == others.sort_by(keys)


def test_every_row_is_in_one_group_of_each_kind_and_groups_equal_numpy(rows):
    found, _, pairs = through(rows, [900])
    whole = np.array([segment is None for segment in found.segment])
    assert found.total[whole].sum() == len(rows)
    assert found.total[whole & (found.window == UNTIMED)].tolist() == [1]
    assert not (~whole & (found.window == UNTIMED)).any()
    assert found.total[~whole].sum() == len(rows) - 1
    day = dt.datetime(2024, 1, 1)
    frame = rows.to_pandas()
    frame = frame[(frame["at"] < day + dt.timedelta(days=1)) & (frame["sex"] == "F")]
    good = [
        c is not None and len(c) == len(d) and bool(np.isfinite([*c, *d]).all())
        for c, d in zip(frame["champion"], frame["challenger"], strict=True)
    ]
    start = int(day.replace(tzinfo=dt.UTC).timestamp() * 1e6)
    sides = [np.stack(frame[good][c].tolist()) for c in ("challenger", "champion")]
    kl = row_kl(*sides)
    one = found.take((found.segment == "sex=F") & (found.window == start))
    assert one.finite.tolist() == [len(kl)]
    assert one.kl[0] == pytest.approx(kl.mean(), rel=1e-12)
    assert one.total.tolist() == [len(frame)]
    changed = sides[0].argmax(-1) != sides[1].argmax(-1)
    assert one.changed[0] == changed.sum()
    differ = pairs.filter(pc.not_equal(pairs["champion"], pairs["challenger"]))
    here = (found.segment == None) & (found.window == start)  # noqa: E711 - elementwise
    assert (
        pc.sum(differ.filter(pc.equal(differ["window"], start))["rows"]).as_py()
        == (found.take(here).changed[0])
    )


def test_the_worst_rows_are_those_of_a_full_sort_with_ties_by_key(rows):
    _, worst, _ = through(rows, [1000, 2000], replace(MODELS, key=PROGRAM.key))
    kl = compare_rows(
        *(rows[c].combine_chunks() for c in ("champion", "challenger")), probabilities=False
    ).kl
    order = sorted((-k, str(i)) for k, i in zip(kl, rows["id"].to_pylist(), strict=True) if k > 0)
    found = zip(worst["kl"].to_pylist(), worst["key"].to_pylist(), strict=True)
    assert [(-k, key) for k, key in found] == order[:WORST]
    assert worst["kl"][0].as_py() == math.inf
    assert set(worst["window"].to_pylist()) == {NO_WINDOW}


def test_a_share_holds_its_own_groups_and_names_and_the_same_ones_of_every_task(rows):
    parts = parts_of(rows, [1500])
    assert len(parts) > 2
    seen = []
    for several in parts.values():
        names = {name for part in several for name in part.names}
        assert names == {n for part in several for n in part.segments(part.changed.keys)}
        seen += names
    assert sorted(map(str, seen)) == ["None", "sex=F", "sex=M", "sex=null"]


def test_too_many_segments_are_an_error_that_says_what_to_do(rows):
    with pytest.raises(DatasetError, match="more than 5 groups; leave out a column of segments"):
        through(rows, [], replace(PROGRAM, most_groups=5))


def test_a_task_without_rows_emits_nothing():
    assert next(PROGRAM.start().results()).num_rows == 0
