"""Model shift in memory: rows, cells, sums and windows against numpy, in any partitioning."""

from __future__ import annotations

import datetime as dt
import math
import pickle
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_softmax, softmax

from kldrift.errors import DatasetError
from kldrift.features.keys import KeyType
from kldrift.features.plan import Feature, Part
from kldrift.shift import program as task
from kldrift.shift.groups import NO_WINDOWS, UNTIMED, groups_of, window_of, window_starts
from kldrift.shift.program import ShiftProgram
from kldrift.shift.row_divergence import compare_rows
from kldrift.shift.row_divergence_cells import lower, offsets, split, upper
from kldrift.shift.summary import NO_ROWS, WORST, Example, Outcome, Shift, worst_of
from kldrift.sources.program import RowBatch

DIVERGENCES = st.lists(
    st.one_of(
        st.floats(0, 1e300), st.floats(0, 1), st.sampled_from([0.0, 5e-324, 0.1, 1.0, math.inf])
    ),
    max_size=30,
).map(np.array)
LISTS = pa.list_(pa.float64())


def same(a: Shift, b: Shift) -> bool:
    names = ("outcomes", "cells", "rows", "high", "low", "squared")
    arrays = all(np.array_equal(getattr(a, n), getattr(b, n)) for n in names)
    return arrays and a.changed == b.changed and a.worst == b.worst


def row_kl(challenger, champion):
    """The formula, as in the documentation."""
    p, q = np.asarray(challenger, float), np.asarray(champion, float)
    return (softmax(p, -1) * (log_softmax(p, -1) - log_softmax(q, -1))).sum(-1)


# ------------------------------------------------------------------------------------ laws


@given(DIVERGENCES)
def test_a_value_is_its_cells_bound_and_what_it_lies_beyond_it(values):
    values = values[np.isfinite(values)]
    cells, high, low, _ = split(values)
    assert np.array_equal(lower(cells) + offsets(cells, high, low), values)
    assert (lower(cells) <= values).all()
    normal = values > 1e-300  # bounds of subnormal cells are rounded
    assert (values < upper(cells))[normal].all()
    assert (upper(cells) <= lower(cells) * 1.008)[normal].all()


@given(DIVERGENCES, DIVERGENCES, DIVERGENCES)
def test_shifts_add_up_like_a_commutative_monoid_to_the_bit(x, y, z):
    a, b, c = Shift.of(x), Shift.of(y), Shift.of(z)
    assert same((a + b) + c, a + (b + c))
    assert same(a + b, b + a)
    assert same(a + NO_ROWS, a)
    assert same(a + b, Shift.of(np.concatenate([x, y])))


@given(DIVERGENCES)
def test_the_mean_is_rounded_once(values):
    found = Shift.of(values).summary()
    finite = values[np.isfinite(values)]
    assert (found.finite, found.infinite) == (len(finite), len(values) - len(finite))
    if len(finite):
        exact = float(sum(map(Fraction, finite.tolist())))
        assert found.kl == exact / len(finite)


@given(DIVERGENCES)
def test_a_quantile_is_within_one_percent_of_a_row(values):
    finite = np.sort(values[np.isfinite(values)])
    for share in (0.01, 0.5, 0.9, 0.99, 1.0):
        found = Shift.of(values).quantile(share)
        if not len(finite):
            assert math.isnan(found)
        else:
            expected = finite[max(0, math.ceil(share * len(finite)) - 1)]
            assert found == pytest.approx(expected, rel=0.008, abs=5e-324)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e4])
def test_mean_variance_and_cells_equal_numpy(scale):
    values = np.random.default_rng(0).lognormal(0, 2, 50_000) * scale
    found = Shift.of(values).summary()
    assert found.kl == pytest.approx(values.mean(), rel=1e-14)
    assert found.variance == pytest.approx(values.var(ddof=1), rel=1e-9)
    assert found.median == pytest.approx(np.median(values), rel=0.01)
    assert found.p99 == pytest.approx(np.quantile(values, 0.99), rel=0.01)
    assert sum(c.rows for c in found.cells) == len(values)
    assert math.fsum(c.contribution for c in found.cells) == pytest.approx(found.kl, rel=1e-13)
    for cell in found.cells:
        here = (values >= cell.lower) & (values < (cell.upper or math.inf))
        assert cell.rows == here.sum()


def test_the_variance_of_equal_rows_is_next_to_nothing():
    assert Shift.of(np.full(1000, 0.3)).summary().variance < 1e-7
    assert Shift.of(np.zeros(1000)).summary().variance == 0.0


def test_infinite_rows_are_a_cell_and_not_in_the_mean():
    found = Shift.of(np.array([0.5, math.inf, 1.5])).summary()
    assert found.kl == 1.0
    assert [(c.kind, c.rows) for c in found.cells] == [("bin", 1), ("bin", 1), ("infinite", 1)]
    assert math.isnan(Shift.of(np.array([math.inf])).summary().kl)


def test_the_worst_rows_are_chosen_by_divergence_then_by_key():
    rows = [Example(float(i % 3), str(i), 0, 1) for i in range(100)]
    kept = worst_of(reversed(rows))
    assert len(kept) == WORST
    assert [e.key for e in kept] == sorted(e.key for e in rows if e.kl == 2)[:WORST]
    assert worst_of([Example(1.0, None, 0, 0), Example(1.0, "z", 0, 0)])[0].key == "z"


# ------------------------------------------------------------------------------------ rows


@pytest.mark.parametrize("kind", [pa.list_, pa.large_list, lambda t: pa.list_(t, 7)])
@pytest.mark.parametrize("value", [pa.float32(), pa.float64()])
def test_rows_equal_numpy_for_every_kind_of_list(kind, value):
    rng = np.random.default_rng(1)
    q, p = rng.normal(0, 2, (2, 500, 7)).astype(value.to_pandas_dtype())
    columns = [pa.array([None, *x.tolist()], kind(value)).slice(1) for x in (q, p)]
    found = compare_rows(*columns, probabilities=False)
    np.testing.assert_allclose(found.kl, row_kl(p, q), rtol=1e-9, atol=1e-15)
    assert (found.outcome == Outcome.FINITE).all()
    assert np.array_equal(found.changed, p.argmax(-1) != q.argmax(-1))


def test_huge_logits_and_masks_are_finite_where_they_can_be():
    inf = math.inf
    champion = pa.array([[1e4, -1e4], [0.0, -inf, 0.0], [0.0, -inf]], LISTS)
    challenger = pa.array([[-1e4, 1e4], [2.0, -inf, 0.0], [0.0, 0.0]], LISTS)
    found = compare_rows(champion, challenger, probabilities=False)
    np.testing.assert_allclose(found.kl[:2], [2e4, row_kl([2.0, 0.0], [0.0, 0.0])], rtol=1e-12)
    assert found.outcome.tolist() == [Outcome.FINITE, Outcome.FINITE, Outcome.INFINITE]
    assert found.changed.tolist() == [True, False, False]


LEFT_OUT = {
    "null": (None, [1.0], Outcome.NULL),
    "null on the other side": ([1.0], None, Outcome.NULL),
    "null on both sides": (None, None, Outcome.NULL),
    "two lengths": ([1.0, 2.0], [1.0], Outcome.LENGTH),
    "empty": ([], [], Outcome.LENGTH),
    "a null inside": ([1.0, None], [1.0, 2.0], Outcome.NUMBER),
    "NaN": ([1.0, 2.0], [1.0, math.nan], Outcome.NUMBER),
    "infinity": ([1.0, math.inf], [1.0, 2.0], Outcome.NUMBER),
    "beyond a double": ([1.7e308, -1.7e308], [-1.7e308, 1.7e308], Outcome.NUMBER),
    "all masked": ([-math.inf, -math.inf], [1.0, 2.0], Outcome.MASKED),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_a_row_that_cannot_be_compared_is_counted_and_its_neighbours_are_not_touched(case):
    champion, challenger, outcome = LEFT_OUT[case]
    columns = [
        pa.array([[0.0, 1.0], row, [3.0, 0.0, 1.0]], LISTS) for row in (champion, challenger)
    ]
    found = compare_rows(*columns, probabilities=False)
    assert found.outcome.tolist() == [Outcome.FINITE, outcome, Outcome.FINITE]
    assert found.kl[[0, 2]].tolist() == [0.0, 0.0]
    assert math.isnan(found.kl[1])


def test_probabilities_are_checked_and_a_zero_masks_a_class():
    champion = [[0.5, 0.5], [1.0, 0.0], [1.0, 0.0], [0.7, 0.7], [-0.1, 1.1], [0.2, 0.3, 0.5]]
    challenger = [[0.9, 0.1], [0.5, 0.5], [1.0, 0.0], [0.5, 0.5], [0.5, 0.5], [0.2, 0.3, 0.5]]
    columns = [pa.array(x, LISTS) for x in (champion, challenger)]
    found = compare_rows(*columns, probabilities=True)
    assert found.outcome.tolist() == [0, 1, 0, Outcome.PROBABILITY, Outcome.PROBABILITY, 0]
    expected = 0.9 * math.log(1.8) + 0.1 * math.log(0.2)
    np.testing.assert_allclose(found.kl[[0, 2, 5]], [expected, 0, 0], rtol=1e-12, atol=1e-15)


def test_a_column_of_nulls_leaves_every_row_out():
    found = compare_rows(pa.nulls(3), pa.array([[1.0]] * 3, LISTS), probabilities=False)
    assert found.outcome.tolist() == [Outcome.NULL] * 3


# ------------------------------------------------------------------------------------ groups


@pytest.mark.parametrize(
    ("length", "start", "end"),
    [
        ({"hours": 1}, "2020-04-01T13:00", "2020-04-01T14:00"),
        ({"days": 1}, "2020-04-01T00:00", "2020-04-02T00:00"),
        ({"weeks": 1}, "2020-03-30T00:00", "2020-04-06T00:00"),  # a Monday
    ],
    ids=["hour", "day", "week"],
)
@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_a_row_lies_in_the_window_of_its_time(length, start, end, unit):
    moment = dt.datetime(2020, 4, 1, 13, 30)
    column = pa.array([moment, None], pa.timestamp(unit))
    starts = window_starts(column, dt.timedelta(**length))
    window = window_of(int(starts[0]), dt.timedelta(**length))
    expected = [dt.datetime.fromisoformat(t).replace(tzinfo=dt.UTC) for t in (start, end)]
    assert [window.start, window.end] == expected
    assert starts[1] == UNTIMED


def test_times_before_1970_and_dates_have_windows_and_impossible_years_none():
    day = dt.timedelta(days=1)
    column = pa.array([dt.date(1969, 12, 31), dt.date(1, 1, 1)])
    starts = window_starts(column, day).tolist()
    assert window_of(starts[0], day).start == dt.datetime(1969, 12, 31, tzinfo=dt.UTC)
    assert starts[1] == UNTIMED


def test_no_two_segments_are_written_alike():
    columns = [
        ("a", pa.array(["1, b=2", "1", None, "null", "x"])),
        ("b", pa.array(["3", "2, b=3", "y", "y", None])),
    ]
    groups, place = groups_of(np.zeros(5, dtype=np.int64), columns)
    segments = [groups[i][1] for i in place]
    assert segments == [
        'a="1, b=2", b=3',
        'a=1, b="2, b=3"',
        "a=null, b=y",
        'a="null", b=y',
        "a=x, b=null",
    ]


# ------------------------------------------------------------------------------------ tasks


def feature(name):
    return Feature(name, (name,), Part.VALUE, "row", "any", "categorical", KeyType.TEXT)


PROGRAM = ShiftProgram(
    features=tuple(map(feature, ("champion", "challenger", "id", "at", "sex"))),
    probabilities=False,
    key=2,
    time=3,
    length=dt.timedelta(days=1),
    segments=((4,),),
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


def through(table, cuts, program=PROGRAM):
    """Send a table through tasks, cut at these rows; merge what they emit as Spark does."""
    merged = {}
    for start, end in zip([0, *cuts], [*cuts, len(table)], strict=True):
        accumulator = program.start()
        for batch in table.slice(start, end - start).to_batches(max_chunksize=700):
            accumulator.add(RowBatch([], iter([(0, batch.columns)])))
        for row in next(accumulator.results()).to_pylist():
            group = (row["window"], row["segment"])
            merged[group] = merged.get(group, NO_ROWS) + pickle.loads(row["shift"])
    return merged


def test_any_partitioning_gives_the_same_bits(rows, monkeypatch):
    whole = through(rows, [])
    monkeypatch.setattr(task, "PENDING", 8)  # merges all the time
    monkeypatch.setattr(task, "BATCH_ROWS", 300)
    for cuts in ([1, 2, 1500], [0, 700, 700, 2999]):
        found = through(rows, cuts)
        assert found.keys() == whole.keys()
        assert all(same(found[g], whole[g]) for g in whole)
        assert [found[g].summary() for g in whole] == [whole[g].summary() for g in whole]


def test_every_row_is_in_one_group_of_each_kind_and_groups_equal_numpy(rows):
    found = {g: s.summary() for g, s in through(rows, [900]).items()}
    assert sum(s.rows for (_, segment), s in found.items() if segment is None) == len(rows)
    assert found[UNTIMED, None].rows == 1
    assert not [g for g in found if g[0] == UNTIMED and g[1] is not None]
    day = dt.datetime(2024, 1, 1)
    frame = rows.to_pandas()
    frame = frame[(frame["at"] < day + dt.timedelta(days=1)) & (frame["sex"] == "F")]
    good = [
        c is not None and len(c) == len(d) and bool(np.isfinite([*c, *d]).all())
        for c, d in zip(frame["champion"], frame["challenger"], strict=True)
    ]
    start = int(day.replace(tzinfo=dt.UTC).timestamp() * 1e6)
    kl = row_kl(*(np.stack(frame[good][c].tolist()) for c in ("challenger", "champion")))
    summary = found[start, "sex=F"]
    assert summary.finite == len(kl)
    assert summary.kl == pytest.approx(kl.mean(), rel=1e-12)
    assert summary.rows == len(frame)


def test_the_worst_rows_are_those_of_a_full_sort_with_ties_by_key(rows):
    found = through(
        rows, [1000, 2000], program=ShiftProgram(PROGRAM.features, False, 2, None, None, (), 1)
    )[NO_WINDOWS, None]
    kl = compare_rows(
        *(rows[c].combine_chunks() for c in ("champion", "challenger")), probabilities=False
    ).kl
    order = sorted((-k, str(i)) for k, i in zip(kl, rows["id"].to_pylist(), strict=True) if k > 0)
    assert [(-e.kl, e.key) for e in found.worst] == order[:WORST]
    assert found.worst[0].kl == math.inf


def test_too_many_segments_are_an_error_that_says_what_to_do(rows, monkeypatch):
    monkeypatch.setattr(task, "MOST_GROUPS", 5)
    with pytest.raises(DatasetError, match="more than 5 groups; leave out a column of segments"):
        through(rows, [])


def test_a_task_without_rows_emits_nothing():
    assert next(PROGRAM.start().results()).num_rows == 0
