"""A run that leaves row groups out."""

from __future__ import annotations

import pytest
from predicate_sample import write_days

from kldrift.config import config_from_mapping
from kldrift.monitor.run import check, run

pytestmark = pytest.mark.spark


@pytest.mark.parametrize("where", ["day = '2024-01-02' AND n >= 2100", "n < 0"])
def test_a_run_over_what_is_left_gives_what_spark_gives(spark, tmp_path, where):
    root = write_days(tmp_path / "data")
    results = []
    for way in ("arrow", "dataframe"):
        mapping = {
            "monitor": "test",
            "reference": {"path": str(root), "where": "day < '2024-01-03'"},
            "current": {"path": str(root), "where": where},
            "features": {"exclude": ["day"]},
            "output": {"path": str(tmp_path / way)},
            "expectations": False,
            "scan": way,
        }
        config = config_from_mapping(mapping)
        results.append(run(config, spark=spark).scores)
        if way == "arrow":
            lines = check(config, spark=spark).lines()
            assert any("of 6 row groups may hold rows to count" in line for line in lines)
    wanted = ["feature", "status", "kl", "n_reference", "n_current", "wasserstein"]
    assert results[0][wanted].equals(results[1][wanted])
