"""A run over what a table gained counts what a run over all of it counts."""

from __future__ import annotations

import shutil

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from daily_sample import DAY, START, rows
from deltalake import write_deltalake

import kldrift
from kldrift.monitor import run as job

pytestmark = pytest.mark.spark


def day(number: int, n: int = 200) -> pa.Table:
    at = pa.array([START + number * DAY] * n, pa.timestamp("us", tz="UTC"))
    return rows(number, n).select(["x", "kind"]).append_column("at", at)


def mapping(folder):
    return {
        "monitor": "gains",
        "reference": {"path": str(folder / "reference.parquet")},
        "current": {"path": str(folder / "table"), "format": "delta", "changes": "since_last_run"},
        "time": {"column": "at", "window": "1d"},
        "features": {"exclude": ["at"]},
        "output": {"path": str(folder / "drift")},
        "expectations": False,
    }


def test_runs_over_what_a_table_gained_add_to_what_was_counted_and_all_of_it_is_read_after_a_delete(
    spark, tmp_path, monkeypatch
):
    pq.write_table(day(0, 2_000), tmp_path / "reference.parquet")
    config = mapping(tmp_path)
    write_deltalake(tmp_path / "table", pa.concat_tables([day(0), day(1).slice(0, 150)]))
    first = kldrift.run(config, spark=spark, as_of="2024-01-02")
    assert first.run["current_read"].startswith("all of it at first; Delta table, version 0")
    late = pa.concat_tables([day(0, 30), day(1).slice(150)])
    write_deltalake(tmp_path / "table", late, mode="append")
    with monkeypatch.context() as patch:
        patch.setattr(job, "publish_window", _full)
        with pytest.raises(OSError, match=r"full"):
            kldrift.run(config, spark=spark, as_of="2024-01-03")
    second = kldrift.run(config, spark=spark, as_of="2024-01-03")
    assert second.run["current_read"].startswith("what was added since 0; Delta table, version 1")
    assert [r.run["rows_current"] for r in (*second.earlier, second)] == [230, 200]
    means = second.scores.set_index("feature")["mean_current"]
    assert means["x"] == pytest.approx(pc.mean(day(1)["x"]).as_py(), rel=1e-12)
    # What was added since cannot be told: a window lost some rows, and another one all of them.
    left = day(1).filter(pc.equal(day(1)["kind"], "b"))
    write_deltalake(tmp_path / "table", left, mode="overwrite")
    again = kldrift.run(config, spark=spark, as_of="2024-01-04")
    assert again.run["current_read"].startswith("all of it again; Delta table, version 2")
    assert any("deleted rows or wrote them again" in note for note in again.notes)
    assert [r.run["rows_current"] for r in (*again.earlier, again)] == [0, len(left), 0]
    # A table that is made anew has versions of the same numbers.
    shutil.rmtree(tmp_path / "table")
    for n in range(4):
        write_deltalake(tmp_path / "table", day(1, 10 + n), mode="append")
    anew = kldrift.run(config, spark=spark, as_of="2024-01-05")
    assert anew.run["current_read"].startswith("all of it again; Delta table, version 3")
    assert any("is another table than before" in note for note in anew.notes)
    assert [r.run["rows_current"] for r in (*anew.earlier, anew)] == [46, 0]


def _full(*_args: object, **_kwargs: object) -> None:
    raise OSError("full")
