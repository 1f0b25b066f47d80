"""What manifests say of values holds every value that they were made of."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyiceberg.conversions import to_bytes
from pyiceberg.manifest import DataFile
from pyiceberg.transforms import (
    BucketTransform,
    DayTransform,
    HourTransform,
    IdentityTransform,
    MonthTransform,
    TruncateTransform,
    VoidTransform,
    YearTransform,
)
from pyiceberg.types import (
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    TimestampType,
)

from kldrift.sources.lakehouse.iceberg_files import bounds_of_metrics, bounds_of_partition
from kldrift.sources.parquet.bounds import ALL_NULL, UNKNOWN, Bounds
from kldrift.sources.predicates.units import EPOCH

TIMES = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1))
OF_TIME = [YearTransform(), MonthTransform(), DayTransform(), HourTransform()]


def micros(at: dt.datetime) -> int:
    return (at - EPOCH) // dt.timedelta(microseconds=1)


@pytest.mark.parametrize("transform", [*OF_TIME, IdentityTransform()], ids=str)
@given(at=TIMES)
def test_a_partition_of_time_holds_the_times_that_it_was_made_of(transform, at):
    kind = TimestampType()
    value = transform.transform(kind)(micros(at))
    bounds = bounds_of_partition(transform, kind, value)
    assert bounds.low <= at <= bounds.high
    assert not bounds.nulls
    assert bounds.high - bounds.low <= dt.timedelta(days=2 * 366)


@pytest.mark.parametrize("transform", [*OF_TIME[:3], IdentityTransform()], ids=str)
@given(at=TIMES)
def test_a_partition_of_days_holds_the_days_that_it_was_made_of(transform, at):
    day = (at.date() - EPOCH.date()).days
    bounds = bounds_of_partition(transform, DateType(), transform.transform(DateType())(day))
    assert bounds.low <= at.date() <= bounds.high


@given(at=TIMES.filter(lambda at: at < EPOCH), days=st.sampled_from(OF_TIME))
def test_a_partition_of_a_writer_that_rounds_towards_1970_holds_its_times_too(at, days):
    kind = TimestampType()
    floor = days.transform(kind)(micros(at))
    bounds = bounds_of_partition(days, kind, floor + 1)
    assert bounds.low <= at <= bounds.high


@given(n=st.integers(-(2**40), 2**40), width=st.integers(1, 10**6))
def test_a_truncated_number_holds_the_numbers_that_it_was_made_of(n, width):
    transform = TruncateTransform(width)
    bounds = bounds_of_partition(transform, LongType(), transform.transform(LongType())(n))
    assert bounds.low <= n <= bounds.high
    assert bounds.high - bounds.low == width - 1
    kind, amount = DecimalType(15, 2), Decimal(n).scaleb(-2)
    bounds = bounds_of_partition(transform, kind, transform.transform(kind)(amount))
    assert bounds.low <= amount <= bounds.high


@pytest.mark.parametrize(
    ("transform", "kind", "value", "expected"),
    [
        (IdentityTransform(), StringType(), "a", Bounds("a", "a", nulls=False)),
        (IdentityTransform(), DoubleType(), 1.5, Bounds(nulls=False)),
        (IdentityTransform(), LongType(), None, ALL_NULL),
        (TruncateTransform(2), StringType(), "ab", Bounds(nulls=False)),
        (TruncateTransform(2), StringType(), None, ALL_NULL),
        (BucketTransform(8), LongType(), 3, Bounds(nulls=False)),
        (VoidTransform(), LongType(), None, UNKNOWN),
        (YearTransform(), TimestampType(), 9_000, Bounds(nulls=False)),  # no year of Python's
    ],
    ids=str,
)
def test_what_a_partition_does_not_tell_is_not_known(transform, kind, value, expected):
    assert bounds_of_partition(transform, kind, value) == expected


def metrics(kind: Any, low: Any, high: Any, nulls: int | None = 0, rows: int = 9) -> Bounds:
    file = DataFile.from_args(
        record_count=rows,
        lower_bounds=None if low is None else {7: low},
        upper_bounds=None if high is None else {7: high},
        null_value_counts=None if nulls is None else {7: nulls},
    )
    return bounds_of_metrics(file, NestedField(7, "c", kind, required=False))


DAY, AT = dt.date(1969, 3, 1), dt.datetime(2024, 2, 29, 1, 2, 3, 4)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (IntegerType(), -3),
        (LongType(), 2**62 + 1),
        (DateType(), DAY),
        (TimestampType(), AT),
        (DecimalType(20, 2), Decimal("-12345678901234567.89")),
    ],
    ids=str,
)
def test_bounds_of_a_manifest_are_the_values_themselves(kind, value):
    encoded = to_bytes(kind, value)
    assert metrics(kind, encoded, encoded) == Bounds(value, value, nulls=False)


def test_what_a_manifest_does_not_tell_is_not_known():
    low = to_bytes(LongType(), 1)
    assert metrics(LongType(), None, None, None) == UNKNOWN
    assert metrics(LongType(), low, None, 9) == Bounds(1, None, nulls=True, values=False)
    one = to_bytes(DoubleType(), 1.0)
    assert metrics(DoubleType(), one, one) == Bounds(nulls=False)
    assert metrics(StringType(), b"a", b"b") == Bounds(nulls=False)
    # Written when the column was an integer, and a date: the first is sure, the second is not.
    narrow = to_bytes(IntegerType(), 5)
    assert metrics(LongType(), narrow, narrow) == Bounds(5, 5, nulls=False)
    assert metrics(TimestampType(), narrow, narrow) == Bounds(nulls=False)
