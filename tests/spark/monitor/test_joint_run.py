"""Joint groups in a run: the same numbers as numpy on all rows."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest
from joint_sample import K, complete_vectors, table

import kldrift
from kldrift.config import config_from_mapping
from kldrift.divergence import frechet_distance, multivariate_gaussian_kl
from kldrift.errors import ConfigError
from kldrift.monitor.run import check

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def sides():
    return table(0), table(1, mix=0.6)


def numpy_moments(made, names):
    complete = made.select(names).to_pandas().dropna().to_numpy()
    complete = complete - np.eye(1, len(names))[0] * 1e9  # exact, and keeps numpy its digits
    shifted = complete - complete.mean(0)
    return complete.mean(0), shifted.T @ shifted / len(complete), len(complete)


@pytest.fixture(scope="module")
def folder(sides, tmp_path_factory):
    """Both sides as several files of several row groups."""
    path = tmp_path_factory.mktemp("joint")
    for name, made in zip(("reference", "current"), sides, strict=True):
        (path / name).mkdir()
        for i, start in enumerate(range(0, made.num_rows, 2500)):
            file = path / name / f"{i}.parquet"
            pq.write_table(made.slice(start, 2500), file, row_group_size=700)
    return path


def mapping(folder, **more):
    names = [f"x{i}" for i in range(K)]
    return {
        "monitor": "joint",
        "reference": {"path": str(folder / "reference")},
        "current": {"path": str(folder / "current")},
        "joint": {"all": {"features": names}, "few": {"features": names[:2]}},
        "output": {"path": str(folder / "drift")},
        "expectations": False,
        **more,
    }


@pytest.mark.parametrize("scan", ["arrow", "dataframe"])
def test_a_run_over_files_equals_numpy_on_all_rows(spark, sides, folder, scan):
    config = config_from_mapping(mapping(folder, scan=scan))
    result = kldrift.run(config, spark=spark)
    scores = result.scores.set_index("feature")
    names = [f"x{i}" for i in range(K)]
    (mean_q, cov_q, rows_q), (mean_p, cov_p, rows_p) = (numpy_moments(s, names) for s in sides)
    row = scores.loc["all"]
    expected = multivariate_gaussian_kl(mean_p, cov_p, mean_q, cov_q)
    assert row["kl"] == pytest.approx(expected, rel=1e-9)
    assert row["kind"] == "joint"
    assert (row["n_reference"], row["missing_reference"]) == (6000, 6000 - rows_q)
    assert (row["n_current"], row["missing_current"]) == (6000, 6000 - rows_p)
    cells = result.cells[result.cells["feature"] == "all"]
    assert cells["contribution"].sum() == pytest.approx(expected, rel=1e-9)
    assert cells["cell_kind"].value_counts().to_dict() == {"pair": 1000 + 1, "feature": K}


@pytest.mark.parametrize("scan", ["arrow", "dataframe"])
def test_vectors_are_scored_and_those_of_another_length_are_counted(spark, sides, folder, scan):
    result = kldrift.run(config_from_mapping(mapping(folder, scan=scan)), spark=spark)
    row = result.scores.set_index("feature").loc["embedding"]
    stats = []
    for side in sides:
        vectors = complete_vectors(side)
        stats += [vectors.mean(0), vectors.var(0)]
    expected = multivariate_gaussian_kl(*stats[2:], *stats[:2])
    assert row["kl"] == pytest.approx(expected, rel=1e-9)
    assert row["frechet"] == pytest.approx(frechet_distance(*stats[2:], *stats[:2]), rel=1e-9)
    assert (row["n_current"], row["missing_current"]) == (6000, 3)
    cells = result.cells[result.cells["feature"] == "embedding"]
    assert list(cells["label"]) == [f"embedding[{i}]" for i in range(8)]


def test_a_full_covariance_of_vectors_is_asked_for_by_name(spark, sides, folder):
    joint = {"e": {"features": ["embedding"], "covariance": "full"}}
    config = config_from_mapping(mapping(folder, joint=joint))
    result = kldrift.run(config, spark=spark)
    row = result.scores.set_index("feature").loc["e"]
    stats = []
    for side in sides:
        vectors = complete_vectors(side)
        stats += [vectors.mean(0), np.cov(vectors.T, bias=True)]
    assert row["kl"] == pytest.approx(multivariate_gaussian_kl(*stats[2:], *stats[:2]), rel=1e-9)
    assert "embedding" not in set(result.scores["feature"])


@pytest.mark.parametrize(
    ("joint", "what"),
    [
        ({"g": {"features": ["x0", "y"]}}, "joint.g.features: no feature is called 'y'"),
        ({"g": {"features": ["x0", "embedding"]}}, "column of vectors: a group by itself"),
        ({"g": {"features": ["x0"]}}, "expected two numeric features or more"),
        ({"x1": {"features": ["x0", "x2"]}}, "joint.x1: a feature has that name"),
        ({":rows": {"features": ["x0", "x2"]}}, "joint.:rows: a feature has that name"),
    ],
    ids=["unknown", "a vector among numbers", "one feature", "a feature", "the number of rows"],
)
def test_a_group_that_cannot_be_is_an_error_that_says_why(spark, folder, joint, what):
    with pytest.raises(ConfigError, match=what):
        check(config_from_mapping(mapping(folder, joint=joint)), spark=spark)


def test_a_group_whose_feature_is_gone_is_unscored_and_fails_the_run(
    spark, sides, folder, tmp_path
):
    pq.write_table(sides[1].drop_columns(["x1"]), tmp_path / "now.parquet")
    config = mapping(folder, current={"path": str(tmp_path / "now.parquet")})
    result = kldrift.run(config_from_mapping(config), spark=spark, fail_on="never")
    row = result.scores.set_index("feature").loc["few"]
    assert (row["status"], row["severity"]) == ("missing_feature", "unscored")
    assert row["reason"] == "x1 is not in the current dataset"
    assert result.exit_code == 4


@pytest.fixture(scope="module")
def ml_vectors(spark, tmp_path_factory):
    """Vectors of Spark's own type, dense, sparse and null, in several files; and their elements."""
    linalg = pytest.importorskip("pyspark.ml.linalg")
    rng = np.random.default_rng(3)
    path, elements = tmp_path_factory.mktemp("ml"), {}
    for shift, side in enumerate(("reference", "current")):
        values = np.where(rng.random((400, 5)) < 0.6, 0.0, rng.normal(shift, 1, (400, 5)))
        rows = []
        for i, row in enumerate(values.tolist()):
            held = {j: x for j, x in enumerate(row) if x}
            made = linalg.Vectors.dense(row) if i % 2 else linalg.Vectors.sparse(5, held)
            rows.append((i, made, None if i % 10 == 0 else made))
        frame = spark.createDataFrame(rows, _ml_schema())
        frame.repartition(3).write.parquet(str(path / side))
        elements[side] = values
    return path, elements


def _ml_schema():
    from pyspark.ml.linalg import VectorUDT
    from pyspark.sql.types import IntegerType, StructType

    return StructType().add("n", IntegerType()).add("v", VectorUDT()).add("gaps", VectorUDT())


@pytest.mark.parametrize("scan", ["arrow", "dataframe"])
def test_vectors_of_machine_learning_are_vectors(spark, ml_vectors, tmp_path, scan):
    path, elements = ml_vectors
    config = mapping(path, scan=scan, joint={}, output={"path": str(tmp_path / "drift")})
    row = kldrift.run(config_from_mapping(config), spark=spark).scores.set_index("feature")
    for name, every in (("v", slice(None)), ("gaps", np.arange(400) % 10 > 0)):
        q, p = (elements[side][every] for side in ("reference", "current"))
        expected = multivariate_gaussian_kl(p.mean(0), p.var(0), q.mean(0), q.var(0))
        assert row.loc[name, "kl"] == pytest.approx(expected, rel=1e-9)
    assert (row.loc["v", "missing_current"], row.loc["gaps", "missing_current"]) == (0, 40)
    assert row.loc["size(v)", "kind"] == "numeric"
