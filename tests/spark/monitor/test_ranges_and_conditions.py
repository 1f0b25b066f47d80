"""A range of time as the reference, and conditions as segments, over files."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kldrift
from kldrift.errors import ConfigError

pytestmark = pytest.mark.spark

ZONE = dt.timezone(dt.timedelta(hours=1))  # Berlin's winter
START = dt.datetime(2024, 1, 1)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    n = 6_000
    minutes = rng.integers(0, 20 * 24 * 60, n)
    distance = rng.gamma(2, 3, n)
    moved = (minutes >= 14 * 24 * 60) & (distance > 10)
    at = [START + dt.timedelta(minutes=int(m)) for m in minutes]
    return {"at": at, "x": rng.normal(size=n) + 1.5 * moved, "distance": distance}


@pytest.mark.parametrize("kind", ["wall", "utc"])
def test_a_range_is_by_the_clock_of_the_zone_and_a_condition_splits_the_rows(
    spark, rows, tmp_path, kind
):
    at = [t - dt.timedelta(hours=1) for t in rows["at"]] if kind == "utc" else rows["at"]
    zone = "UTC" if kind == "utc" else None
    file = str(tmp_path / "rows.parquet")
    pq.write_table(pa.table(rows | {"at": pa.array(at, pa.timestamp("us", tz=zone))}), file)
    config = {
        "monitor": "m",
        "reference": {"path": file, "from": "2024-01-03", "to": "2024-01-10"},
        "current": {"path": file},
        "time": {"column": "at", "window": "1w", "zone": "Europe/Berlin"},
        "features": {"include": ["x"]},
        "segments": [{"name": "long", "where": "distance > 10"}],
        "output": {"path": str(tmp_path / "drift")},
        "expectations": False,
    }
    found = kldrift.run(config, spark=spark, as_of="2024-01-22T00:00:00+01:00")
    scores = found.scores[found.scores["feature"] == "x"]
    scores = scores.set_index(scores["segment"].fillna("all"))
    expected = [dt.datetime(2024, 1, 3) <= t < dt.datetime(2024, 1, 10) for t in rows["at"]]
    assert scores.loc["all", "n_reference"] == sum(expected)
    long = [d > 10 for d in rows["distance"]]
    both = sum(a and b for a, b in zip(expected, long, strict=True))
    assert scores.loc["long=true", "n_reference"] == both
    assert scores.loc["long=false", "n_reference"] == sum(expected) - both
    assert scores.loc["long=true", "severity"] == "critical"
    assert scores.loc["long=false", "severity"] == "ok"
    assert set(found.scores["feature"]) == {"x", ":rows"}


def test_a_day_without_rows_is_named_by_the_condition_that_none_meets(spark, rows, tmp_path):
    """A table that nothing was appended to had "no rows in the current dataset"."""
    file = str(tmp_path / "rows.parquet")
    pq.write_table(pa.table(rows), file)
    config = {
        "monitor": "m",
        "reference": {"path": file},
        "current": {"path": file, "where": "at >= timestamp '{as_of:%Y-%m-%d}'"},
        "features": {"include": ["x"]},
        "output": {"path": str(tmp_path / "drift")},
        "expectations": False,
    }
    found = kldrift.run(config, spark=spark, as_of="2030-01-02")
    assert found.exit_code == 4
    assert found.scores["reason"].tolist() == [
        "no rows in the current dataset, where at >= timestamp '2030-01-02': see whether they are "
        "there by now"
    ]


def test_a_condition_needs_a_name_of_its_own_and_valid_sql(spark, rows, tmp_path):
    file = str(tmp_path / "rows.parquet")
    pq.write_table(pa.table(rows), file)
    config = {
        "monitor": "m",
        "reference": {"path": file},
        "current": {"path": file},
        "output": {"path": str(tmp_path / "drift")},
        "expectations": False,
    }
    for condition, message in (
        ({"name": "x", "where": "distance > 10"}, "a column is called 'x' too"),
        ({"name": "far", "where": "distanc > 10"}, "distanc"),
        ({"name": "far", "where": "reflect('a', 'b') > 1"}, "'reflect' may run any program"),
    ):
        with pytest.raises(ConfigError, match=message) as caught:
            kldrift.run(config | {"segments": [condition]}, spark=spark)
        assert "segments[0]" in str(caught.value)
