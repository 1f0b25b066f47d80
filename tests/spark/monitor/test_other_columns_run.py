"""Days of other columns, up to none that was there before: rows of their window, and nothing fails.

What reads windows back later (another run, alarms, a new scoring, the page) goes on.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kldrift

pytestmark = pytest.mark.spark

NAMES = ["xk", "z", "xk", "xz"]
"""The columns of four days, one letter each."""


def rows(names: str, day: int | None, n: int = 300) -> pa.Table:
    rng = np.random.default_rng(day or 0)
    values = {c: rng.normal(size=n) for c in names} | {"k": rng.choice(["a", "b"], n)}
    table = pa.table({name: values[name] for name in names})
    start = dt.datetime(2024, 3, day or 1)
    return table.append_column("at", pa.array([start + dt.timedelta(minutes=i) for i in range(n)]))


def mapping(folder, day, more):
    return {
        "monitor": "days",
        "reference": {"path": str(folder / "reference.parquet")},
        "current": {"path": str(folder / f"{day}.parquet")},
        "features": {"exclude": ["at"]},
        "output": {"path": str(folder / "drift")},
        "report": {"path": str(folder / "page.html")},
        "expectations": False,
    } | more


WINDOWS = {"time": {"column": "at", "window": "1d"}, "alarms": {"history": "20d"}}
LOST = {"k": "missing_feature", "x": "missing_feature"}
BY_REFERENCE = [
    {"x": "ok", "k": "ok"},
    LOST | {"z": "new_feature"},
    {"x": "ok", "k": "ok"},
    {"k": "missing_feature", "x": "ok", "z": "new_feature"},
]
BY_HISTORY = [
    {"x": "empty", "k": "empty"},
    LOST | {"z": "new_feature"},
    {"x": "ok", "k": "ok", "z": "missing_feature"},
    {"k": "missing_feature", "x": "ok", "z": "ok"},
]


@pytest.mark.parametrize(
    ("more", "names", "expected"),
    [
        ({"scan": "arrow"}, NAMES, BY_REFERENCE),
        (WINDOWS | {"scan": "dataframe"}, NAMES, BY_REFERENCE),
        (WINDOWS | {"scan": "arrow"}, NAMES[1:], BY_REFERENCE[1:]),
        (WINDOWS | {"reference": {"trailing": "3d"}}, NAMES, BY_HISTORY),
    ],
    ids=["no windows", "windows", "at once", "windows before"],
)
def test_a_day_without_a_known_column_is_a_row_per_column_and_later_days_go_on(
    spark, tmp_path, more, names, expected
):
    pq.write_table(rows("xk", None, 2_000), tmp_path / "reference.parquet")
    for day, columns in enumerate(names, 1):
        pq.write_table(rows(columns, day), tmp_path / f"{day}.parquet")
        result = kldrift.run(
            mapping(tmp_path, day, more), spark=spark, as_of=f"2024-03-{day + 1:02}"
        )
        assert statuses(result) == expected[day - 1]
        assert result.exit_code == (0 if set(expected[day - 1].values()) == {"ok"} else 4)
        assert not [note for note in result.notes if "is not what it was" in note]
    again = kldrift.rescore(mapping(tmp_path, day, more))
    assert [statuses(one) for one in again.results] == expected
    kldrift.report(mapping(tmp_path, day, more))


def statuses(result):
    rows = result.scores[result.scores["feature"] != ":rows"]
    return dict(zip(rows["feature"], rows["status"], strict=True))
