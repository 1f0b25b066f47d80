"""Tasks that have another version of kldrift than the driver say so."""

from __future__ import annotations

import pytest

import kldrift
from kldrift.errors import DatasetError
from kldrift.sources import pickled

pytestmark = pytest.mark.spark


def test_tasks_of_another_version_are_refused_by_name(spark, monkeypatch):
    frame = spark.range(40).selectExpr("cast(id % 2 as double) as n")
    monkeypatch.setattr(pickled, "__version__", "99.0")
    with pytest.raises(
        DatasetError,
        match=rf"Spark.s tasks has kldrift {kldrift.__version__}, the driver 99\.0: ",
    ):
        kldrift.compare(frame, frame)
