"""What a job sends along to its tasks arrives as it was."""

from __future__ import annotations

import pickle

import pyarrow as pa
import pytest

from kldrift.config import Features
from kldrift.features.plan import plan_features
from kldrift.sources.pickled import PickledPayload

FEATURES = plan_features(pa.schema([(f"x{i}", pa.float64()) for i in range(50)]), Features())


@pytest.fixture
def cloudpickle():
    return pytest.importorskip("pyspark.cloudpickle")


def test_what_is_sent_arrives_by_either_pickler(cloudpickle):
    for pickler in (pickle, cloudpickle):
        assert pickle.loads(pickler.dumps(PickledPayload(FEATURES))).value == FEATURES


def test_what_is_sent_is_bytes_before_spark_looks_at_its_objects(monkeypatch, cloudpickle):
    seen = []
    reduce = cloudpickle.Pickler.reducer_override
    monkeypatch.setattr(
        cloudpickle.Pickler,
        "reducer_override",
        lambda self, value: seen.append(type(value)) or reduce(self, value),
    )
    cloudpickle.dumps(PickledPayload(FEATURES))
    assert len(seen) < 10
