"""Runs over tables that are planned from their logs."""

from __future__ import annotations

import pytest
from deltalake import DeltaTable
from lake_sample import BOTH, config, delta, rows

import kldrift
from kldrift.errors import DatasetError
from kldrift.monitor.run import check
from kldrift.sources.lakehouse.snapshot import Snapshot

# SQLAlchemy's engine leaves its connection to the garbage collector.
pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning"),
]


@BOTH
def test_both_ways_to_plan_give_the_same_profiles(spark, tmp_path, monkeypatch, make):
    sides = [make(tmp_path / "r", rows(400), rows(300)), make(tmp_path / "c", rows(600, 1.5))]
    sides[1] |= {"where": "n >= 2 and p = 'u'"}
    wanted = ["feature", "kl", "psi", "wasserstein", "n_reference", "n_current", "severity"]
    planned = kldrift.run(config(*sides, tmp_path / "o1"), spark=spark)
    monkeypatch.setattr(Snapshot, "footers_needed", True)
    looked = kldrift.run(config(*sides, tmp_path / "o2"), spark=spark)
    assert planned.scores["n_reference"].tolist()[0] == 700
    assert planned.scores[wanted].equals(looked.scores[wanted])


@BOTH
def test_a_file_that_is_gone_is_one_line_from_the_task(spark, tmp_path, make):
    side = make(tmp_path / "t", rows(40), rows(20))
    gone = sorted((tmp_path / "t").rglob("*.parquet"))[1]
    gone.unlink()
    planned = check(config(side, side, tmp_path / "o"), spark=spark)
    assert planned.reference.rows == 60
    lines = planned.lines()
    assert any("reference: 60 rows, 3 columns; read twice" in line for line in lines), lines
    with pytest.raises(DatasetError, match=f"cannot read .*{gone.name}' as Parquet") as found:
        kldrift.run(config(side, side, tmp_path / "o"), spark=spark)
    assert "\n" not in str(found.value)


@BOTH
def test_a_stored_reference_is_that_of_its_version(spark, tmp_path, make):
    side = make(tmp_path / "t", rows(100), rows(60))
    wanted = config(side, side, tmp_path / "o")
    kldrift.run(wanted, spark=spark)
    assert check(wanted, spark=spark).stored
    if make is delta:
        DeltaTable(tmp_path / "t").delete("n = 3")
        again = kldrift.run(wanted, spark=spark)
        assert again.run["rows_reference"] == sum(i % 7 != 3 for n in (100, 60) for i in range(n))
