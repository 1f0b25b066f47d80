"""Runs over Delta tables, without JARs."""

from __future__ import annotations

import sys

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from delta_sample import config, rows
from deltalake import DeltaTable, write_deltalake

import kldrift
from kldrift.errors import DatasetError
from kldrift.monitor.run import check

pytestmark = pytest.mark.spark


def test_a_run_over_delta_gives_the_scores_of_the_same_rows_as_parquet(spark, tmp_path):
    tables = {"r": rows(400), "c": rows(300, shift=2.0)}
    for name, table in tables.items():
        write_deltalake(tmp_path / f"d{name}", table, partition_by=["day"])
        DeltaTable(tmp_path / f"d{name}").delete("n = 3")  # rewrites files, keeps the old ones
        (tmp_path / f"p{name}").mkdir()
        left = table.filter(pc.field("n") != 3)
        pq.write_table(left, tmp_path / f"p{name}" / "f.parquet")
    plain = kldrift.run(config(tmp_path / "pr", tmp_path / "pc", tmp_path / "o1"), spark=spark)
    sides = {
        side: {"path": str(tmp_path / f"d{side[0]}"), "format": "delta"}
        for side in ("reference", "current")
    }
    lake = kldrift.run(config("", "", tmp_path / "o2", **sides), spark=spark)
    wanted = ["feature", "kl", "psi", "wasserstein", "n_reference", "n_current", "severity"]
    a, b = (r.scores.sort_values("feature")[wanted].reset_index(drop=True) for r in (plain, lake))
    assert a.equals(b)
    assert lake.run["reference_read"].startswith("Delta table, version 1")


def test_without_the_package_one_line_says_what_to_install(spark, tmp_path, monkeypatch):
    write_deltalake(tmp_path, rows(3))
    monkeypatch.setitem(sys.modules, "deltalake", None)
    sides = {s: {"path": str(tmp_path), "format": "delta"} for s in ("reference", "current")}
    with pytest.raises(DatasetError, match=r"pip install 'kldrift\[delta\]'") as found:
        check(config("", "", tmp_path, **sides), spark=spark)
    assert "\n" not in str(found.value)
