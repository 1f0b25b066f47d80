"""The Spark functions give what `kldrift.divergence` gives, in columns and in SQL."""

from __future__ import annotations

import inspect
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from kldrift import divergence as pure
from kldrift.divergence.probabilities import probabilities

pytest.importorskip("pyspark")

import pyspark
from pyspark.errors import PythonException
from pyspark.sql import functions as F  # noqa: N812 - as everyone writes it

from kldrift.spark import functions as KF  # noqa: N812 - as its documentation does
from kldrift.spark.functions.formulas import FUNCTIONS

pytestmark = pytest.mark.spark

ROWS = 60
SCHEMA = """p array<bigint>, q array<bigint>, x array<float>, y array<double>, at array<double>,
    logits_p array<double>, logits_q array<double>,
    m double, s double, m_q float, s_q double,
    mu array<double>, cov array<array<double>>, mu_q array<double>, var array<double>"""


def random_row(rng):
    """Arrays of 1 to 6 cells, with zeros on one side and on both, and numbers."""
    k = int(rng.integers(1, 7))
    p, q = rng.poisson(2, (2, k)) * rng.integers(0, 2, k)
    p[rng.integers(k)] += 1
    q[rng.integers(k)] += 1
    root = rng.normal(size=(k, k))
    return SimpleNamespace(
        p=p,
        q=q,
        x=rng.dirichlet(np.ones(k)).astype(np.float32),
        y=rng.dirichlet(np.ones(k)),
        at=np.cumsum(rng.exponential(size=k)),
        logits_p=np.where(np.arange(k) == 1, -np.inf, rng.normal(size=k) * 3),
        logits_q=rng.normal(size=k) * 3,
        m=rng.normal(),
        s=rng.exponential() + 0.1,
        m_q=float(np.float32(rng.normal())),
        s_q=rng.exponential() + 0.1,
        mu=rng.normal(size=k),
        cov=root @ root.T + np.eye(k),
        mu_q=rng.normal(size=k),
        var=rng.exponential(size=k) + 0.1,
    )


def shares(r, pseudocount=0.0):
    occupied = r.p + r.q > 0
    return [probabilities(counts, occupied, pseudocount=pseudocount) for counts in (r.p, r.q)]


def xy(r):
    x = r.x.astype(np.float64)  # adds up to 1 to 32 bits only
    return x / x.sum(), r.y


def fields(test):
    return test.statistic, test.dof, test.p_value


COMPARED = {
    "kl of counts": (
        lambda: KF.kl_divergence("p", "q"),
        lambda r: pure.kl_divergence(*shares(r)),
    ),
    "kl of probabilities": (
        lambda: KF.kl_divergence("x", F.col("y")),
        lambda r: pure.kl_divergence(*xy(r)),
    ),
    "kl with a pseudocount, in bits": (
        lambda: KF.kl_divergence(F.col("p"), "q", pseudocount=0.5, base=2),
        lambda r: pure.kl_divergence(*shares(r, 0.5), base=2),
    ),
    "kl of decimals": (
        lambda: KF.kl_divergence(F.col("p").cast("array<decimal(6,2)>"), "q"),
        lambda r: pure.kl_divergence(*shares(r)),
    ),
    "js divergence": (
        lambda: KF.js_divergence("x", "y", base=2),
        lambda r: pure.js_divergence(*xy(r), base=2),
    ),
    "js distance": (
        lambda: KF.js_distance("p", "q", 0.5, 10),
        lambda r: pure.js_distance(*shares(r, 0.5), base=10),
    ),
    "psi": (lambda: KF.psi("p", "q", 0.5), lambda r: pure.psi(*shares(r, 0.5))),
    "psi in bits": (lambda: KF.psi("x", "y", base=2), lambda r: pure.psi(*xy(r), base=2)),
    "hellinger": (lambda: KF.hellinger("p", "q"), lambda r: pure.hellinger(*shares(r))),
    "total variation": (
        lambda: KF.total_variation("p", "q", 0.5),
        lambda r: pure.total_variation(*shares(r, 0.5)),
    ),
    "kolmogorov smirnov": (
        lambda: KF.kolmogorov_smirnov("p", "q"),
        lambda r: pure.kolmogorov_smirnov(*shares(r)),
    ),
    "wasserstein": (lambda: KF.wasserstein("x", "y"), lambda r: pure.wasserstein(*xy(r))),
    "wasserstein with positions": (
        lambda: KF.wasserstein("p", "q", "at", pseudocount=0.5),
        lambda r: pure.wasserstein(*shares(r, 0.5), r.at),
    ),
    "bhattacharyya": (
        lambda: KF.bhattacharyya_distance("p", "q", base=10),
        lambda r: pure.bhattacharyya_distance(*shares(r), base=10),
    ),
    "renyi of order 1/2": (
        lambda: KF.renyi_divergence("p", "q", 0.5),
        lambda r: pure.renyi_divergence(*shares(r), 0.5),
    ),
    "renyi of order inf": (
        lambda: KF.renyi_divergence("p", "q", math.inf, pseudocount=1, base=2),
        lambda r: pure.renyi_divergence(*shares(r, 1.0), math.inf, base=2),
    ),
    "chi square": (lambda: KF.chi_square("p", "q"), lambda r: fields(pure.chi_square(r.p, r.q))),
    "g": (lambda: KF.g_statistic("p", "q"), lambda r: fields(pure.g_statistic(r.p, r.q))),
    "a field of chi square": (
        lambda: KF.chi_square("p", "q")["p_value"],
        lambda r: pure.chi_square(r.p, r.q).p_value,
    ),
    "gaussian": (
        lambda: KF.gaussian_kl("m", "s", "m_q", "s_q"),
        lambda r: pure.gaussian_kl(r.m, r.s, r.m_q, r.s_q),
    ),
    "standard normal": (
        lambda: KF.standard_normal_kl("m", "s"),
        lambda r: pure.standard_normal_kl(r.m, r.s),
    ),
    "multivariate gaussian, full and variances": (
        lambda: KF.multivariate_gaussian_kl("mu", "cov", "mu_q", "var"),
        lambda r: pure.multivariate_gaussian_kl(r.mu, r.cov, r.mu_q, r.var),
    ),
    "multivariate gaussian, flattened": (
        lambda: KF.multivariate_gaussian_kl("mu", F.flatten("cov"), "mu_q", "cov", ridge=0.1),
        lambda r: pure.multivariate_gaussian_kl(r.mu, r.cov, r.mu_q, r.cov, ridge=0.1),
    ),
    "multivariate gaussian of numbers": (
        lambda: KF.multivariate_gaussian_kl("m", "s", "m_q", "s_q"),
        lambda r: pure.multivariate_gaussian_kl([r.m], [r.s], [r.m_q], [r.s_q]),
    ),
    "frechet": (
        lambda: KF.frechet_distance("mu", "cov", "mu_q", "var"),
        lambda r: pure.frechet_distance(r.mu, r.cov, r.mu_q, r.var),
    ),
    "categorical": (
        lambda: KF.categorical_kl("logits_p", "logits_q"),
        lambda r: pure.categorical_kl([r.logits_p], [r.logits_q]),
    ),
}


@pytest.fixture(scope="module")
def random_rows():
    rng = np.random.default_rng(7)
    return [random_row(rng) for _ in range(ROWS)]


@pytest.fixture(scope="module")
def found(spark, random_rows):
    """All columns of COMPARED, from one query."""
    values = [
        [v.tolist() if isinstance(v, np.ndarray) else v for v in vars(r).values()]
        for r in random_rows
    ]
    frame = spark.createDataFrame(values, SCHEMA).coalesce(1)
    return frame.select(*[column().alias(name) for name, (column, _) in COMPARED.items()]).collect()


@pytest.mark.parametrize("name", COMPARED)
def test_a_column_holds_what_the_function_gives_row_by_row(name, found, random_rows):
    _, of = COMPARED[name]
    assert len(found) == ROWS
    for row, r in zip(found, random_rows, strict=True):
        np.testing.assert_allclose(row[name], of(r), rtol=1e-11, atol=1e-13)


def test_every_function_of_rows_is_there_and_sql_takes_its_arguments_in_the_same_order():
    elsewhere = {"gaussian_kl_parts", "kl_contributions", "kl_divergence_continuous"}
    of_rows = {
        name
        for name in pure.__all__
        if inspect.isfunction(getattr(pure, name)) and not name.endswith("_samples")
    }
    assert set(FUNCTIONS) == of_rows - elsewhere == set(KF.__all__) - {"register"}
    for name, function in FUNCTIONS.items():
        column = inspect.signature(getattr(KF, name)).parameters
        assert list(column) == list(function.arguments)
        formula = inspect.signature(function.formula).parameters
        smoothed = {"pseudocount": 0.0} if "pseudocount" in column else {}
        assert {n: p.default for n, p in column.items()} == smoothed | {
            n: p.default for n, p in formula.items()
        }


NULLS = """
    select array(1, 2) p, array(double(2), double(1)) q, array(array(double(1))) cov, 1 m, 1D s
    union all select array(1, null), array(double(2), double(1)), array(array(double(1))), 1, 1D
    union all select array(1, 2), array(double(2), null), array(array(double(null))), 1, null
    union all select array(1, 2, 3), array(double(2), null), array(null), 1, null
    union all select null, array(double(-1)), null, null, double('NaN')
"""


def test_a_null_argument_or_a_null_in_an_array_gives_null(spark):
    of_each = spark.sql(NULLS).select(
        KF.kl_divergence("p", "q", 0.5),
        KF.chi_square("p", F.reverse("p")),
        KF.gaussian_kl("m", "s", 0, 1),
        KF.frechet_distance(F.array("m"), "cov", F.array("m"), F.array(F.lit(1))),
    )
    first, *others = of_each.coalesce(1).collect()
    assert None not in first
    assert [[value is None for value in row] for row in others] == [
        [True, True, False, False],
        [True, False, True, True],
        [True, False, True, True],
        [True, True, True, True],
    ]
    assert of_each.columns == ["kl_divergence", "chi_square", "gaussian_kl", "frechet_distance"]


def failure(frame):
    with pytest.raises(PythonException) as error:
        frame.collect()
    return str(error.value)


def test_a_row_that_cannot_be_computed_fails_the_query_and_is_shown(spark):
    rows = spark.sql("select array(1, 2) p, array(2, 1) q union all select array(3), array(4, 5)")
    assert (
        "ValueError: kl_divergence: p has 1 cells and q has 2; align both on one support first; "
        "correct this row or filter it out: p=[3], q=[4, 5]"
    ) in failure(rows.coalesce(1).select(KF.kl_divergence("p", "q")))


def test_nan_is_no_null(spark):
    row = spark.sql("select double('NaN') x")
    message = (
        "gaussian_kl: std_p must be finite, got nan; correct this row or filter it out: mean_p"
    )
    assert message in failure(row.select(KF.gaussian_kl(0, "x", 0, 1)))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (lambda: KF.kl_divergence("p", "q", base=1), "base must be a finite number above 1"),
        (lambda: KF.psi("p", "q", pseudocount=-1), "pseudocount must be 0 or a positive"),
        (lambda: KF.renyi_divergence("p", "q", -1), "alpha must be in"),
        (lambda: KF.multivariate_gaussian_kl("p", "q", "p", "q", ridge=-1), "ridge must not"),
    ],
    ids=["base", "pseudocount", "alpha", "ridge"],
)
@pytest.mark.usefixtures("spark")
def test_a_wrong_option_is_refused_before_spark_runs(column, message):
    with pytest.raises(ValueError, match=message):
        column()


def test_values_may_come_from_aggregates_and_positions_may_be_the_same_in_all_rows(spark):
    cells = spark.sql("select * from values (2, 5), (2, 1), (1, 4) t(p, q)").coalesce(1)
    row = cells.agg(KF.wasserstein(F.collect_list("p"), F.collect_list("q"), [0, 10, 100])).first()
    assert row.wasserstein == pytest.approx(19.0)


def test_sql_has_the_functions_by_their_names(spark):
    KF.register(spark)
    row = spark.sql(
        """select kl_divergence(array(2, 2, 1), array(5, 1, 4)) nats,
            kl_divergence(array(2, 2, 1), array(5, 1, 4), 0, 2) bits,
            kl_divergence(array(0.4, 0.4, 0.2), array(5D, 1D, 4D)) decimals,
            chi_square(array(10, 10, 20), array(20, 20, 20)).p_value p_value,
            gaussian_kl(1.0, 1, 0, 2D) gaussian,
            multivariate_gaussian_kl(array(1, 0), array(array(2, 0.5), array(0.5, 1)),
                                     array(0, 0), array(1, 1)) multivariate,
            wasserstein(array(2, 2, 1), array(5, 1, 4), array(0, 10, 100)) moved"""
    ).first()
    expected = {
        "nats": 0.3266,
        "bits": 0.4712,
        "decimals": 0.3266,
        "p_value": 0.2494,
        "gaussian": 0.4431,
        "multivariate": 0.7202,
        "moved": 19.0,
    }
    assert row.asDict() == pytest.approx(expected, abs=5e-5)


def test_sql_gives_null_for_null_and_for_nan(spark):
    KF.register(spark, prefix="drift_")
    row = spark.sql(
        """select drift_kl_divergence(array(1, null), array(2, 1)) inside,
            drift_kl_divergence(cast(null as array<int>), array(2, 1)) whole,
            drift_kl_divergence(array(1D, double('NaN')), array(2, 1)) nan,
            drift_kl_divergence(array(1), array(2, null)) before_lengths,
            drift_kl_divergence(array(1, 2), array(2, 1), null) option,
            drift_gaussian_kl(0, cast(null as int), 0, 1) number,
            drift_frechet_distance(array(0), array(array(1), null), array(0), array(1)) deep,
            drift_chi_square(array(1, null), array(2, 1)).p_value field"""
    ).first()
    assert set(row) == {None}


@pytest.mark.skipif(pyspark.__version__ < "4", reason="named arguments came with Spark 4.0")
def test_sql_takes_options_by_name(spark):
    KF.register(spark)
    row = spark.sql(
        """select kl_divergence(array(2, 2, 1), array(5, 1, 4), base => 2) bits,
            psi(pseudocount => 0.5, q => array(5, 1, 4), p => array(2, 2, 1)) psi"""
    ).first()
    psi = pure.psi(*shares(SimpleNamespace(p=np.array([2, 2, 1]), q=np.array([5, 1, 4])), 0.5))
    assert list(row) == pytest.approx([0.4712, psi], abs=5e-5)


def test_workers_do_not_import_great_expectations(spark):
    @F.pandas_udf("boolean")
    def imported(values: pd.Series) -> pd.Series:
        import sys

        from kldrift.spark import functions as _  # noqa: F401

        return pd.Series("great_expectations" in sys.modules, index=values.index)

    assert spark.range(1).select(imported("id")).first()[0] is False
