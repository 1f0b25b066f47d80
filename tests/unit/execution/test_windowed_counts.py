"""Windows are counted in one scan as each would be alone, whatever the order of rows."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields

import numpy as np
import pyarrow as pa
import pytest
from profile_sample import total

from kldrift.config import Features
from kldrift.counting.joint import JointColumns
from kldrift.counting.row_groups import SegmentList
from kldrift.counting.windows import Windows
from kldrift.execution.programs import CountProgram, TimeColumn
from kldrift.features.group_columns import as_read
from kldrift.features.plan import plan_features
from kldrift.monitor.history import of_window
from kldrift.profiles.group_keys import ALL, UNTIMED
from kldrift.profiles.profile import Profile
from kldrift.profiles.support import CategoricalSupport, NumericSupport
from kldrift.sources.table import TableSource
from kldrift.tables import Window

RNG = np.random.default_rng(3)
ROWS = 20_000
MINUTES = np.sort(RNG.integers(0, 20 * 24 * 60, ROWS))
START = dt.datetime(2024, 2, 20, tzinfo=dt.UTC)
TABLE = pa.table(
    {
        "x": pa.array(RNG.lognormal(12, 3, ROWS), mask=RNG.random(ROWS) < 0.03),
        "n": RNG.integers(0, 9, ROWS),
        "t": pa.array(RNG.choice(["a", "b", "c"], ROWS)),
        "g": pa.array([f"g{i}" for i in RNG.integers(0, 4, ROWS)]),
        "at": pa.array(
            [START + dt.timedelta(minutes=int(m)) for m in MINUTES],
            pa.timestamp("us", tz="UTC"),
            mask=np.arange(ROWS) % 1_000 == 7,
        ),
    }
)
SUPPORTS = (
    NumericSupport(np.array([1e3, 1e5, 1e7]), pivot=1e5),
    NumericSupport(np.array([2, 5]), pivot=4.0),
    CategoricalSupport(("a", "b")),
)
SHUFFLED = TABLE.take(pa.array(RNG.permutation(ROWS)))
LISTS = (SegmentList((as_read("g", TABLE.schema),), ("g=g1", "g=g2")),)
DAYS = Windows.of("1d", "America/New_York")


def counted(table: pa.Table, windows: Windows | None = DAYS, lists=()):
    plan = {f.name: f for f in plan_features(TABLE.schema, Features()).features}
    features = tuple(plan[n] for n in "xnt")
    time = windows and TimeColumn(as_read("at", TABLE.schema, dictionary=False), windows)
    joint = JointColumns("xn", features[:2], (1e5, 4.0), diagonal=False)
    made = CountProgram(features, SUPPORTS, (joint,), lists, time=time)
    made.batch_rows = 3_000
    counts = made.start()
    for batch in TableSource(table).batches(made):
        counts.add(batch)
    return counts.profiles(), counts.joint_profiles()


def of_starts(table: pa.Table) -> dict[int, pa.Table]:
    starts = DAYS.starts(table["at"].combine_chunks())
    return {int(s): table.filter(pa.array(starts == s)) for s in np.unique(starts)}


def assert_same(one: Profile, other: Profile) -> None:
    """The same to the bit; of the sums behind moments, all that a mean and a spread can show."""
    assert one.keys == other.keys
    np.testing.assert_array_equal(one.counts, other.counts)
    if one.moments is None:
        assert other.moments is None
        return
    for mine, its in zip(
        fields(one.moments.summary()), fields(other.moments.summary()), strict=True
    ):
        values = (
            getattr(one.moments.summary(), mine.name),
            getattr(other.moments.summary(), its.name),
        )
        np.testing.assert_array_equal(*values, err_msg=mine.name)


def window_at(start):
    """The window that begins so many microseconds after 1970; where it ends does not matter."""
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=start)
    return Window(moment, moment + dt.timedelta(days=1))


@pytest.mark.parametrize("lists", [(), LISTS], ids=["the whole", "segments"])
@pytest.mark.parametrize("table", [TABLE, SHUFFLED], ids=["in order", "shuffled"])
def test_each_window_has_the_profile_that_its_rows_have_alone(table, lists):
    together, joint = counted(table, lists=lists)
    parts = of_starts(table)
    assert len(parts) == 22
    for start, rows in parts.items():
        alone, joint_alone = counted(rows, None, lists)
        for whole, one in zip(together, alone, strict=True):
            if start != UNTIMED:
                assert_same(of_window(whole, window_at(start)), one)
        place = joint[0].keys.window.tolist().index(start)
        assert joint[0].rows[place] == joint_alone[0].rows[0]
        mine, its = joint[0].moments[2][place], joint_alone[0].moments[2][0]
        np.testing.assert_allclose(mine.cross, its.cross, rtol=1e-12)


def test_rows_without_a_time_are_in_no_window_and_in_no_segment():
    (x, *_), _ = counted(SHUFFLED, lists=LISTS)
    untimed = x.take(x.keys.window == UNTIMED)
    assert untimed.keys.list.tolist() == [ALL, 0]
    assert untimed.rows.tolist() == [20, 20]
    assert x.of_list(ALL).rows.sum() == ROWS == x.of_list(0).rows.sum()


def test_the_profile_of_a_month_is_the_sum_of_those_of_its_days_to_the_bit():
    months = Windows.of("1mo", "America/New_York")
    by_month, _ = counted(SHUFFLED, months)
    by_day, _ = counted(TABLE)
    for month, day in zip(by_month, by_day, strict=True):
        for start in month.keys.window[month.keys.window != UNTIMED].tolist():
            days = [
                of_window(day, window_at(d))
                for d in day.keys.window.tolist()
                if d != UNTIMED
                and months.starts(pa.array([d], pa.timestamp("us", "UTC")))[0] == start
            ]
            assert_same(total(days), of_window(month, window_at(start)))


def test_leaving_one_window_out_is_counting_the_others():
    (x, n, t), _ = counted(TABLE)
    starts = [s for s in of_starts(TABLE) if s != UNTIMED]
    out, *others = starts
    rows = pa.concat_tables([of_starts(TABLE)[s] for s in others])
    for profile, alone in zip((x, n, t), counted(rows, None)[0], strict=True):
        whole = total([of_window(profile, window_at(s)) for s in starts])
        np.testing.assert_array_equal(
            whole.counts - of_window(profile, window_at(out)).counts, alone.counts
        )
