"""The functions of `kldrift.divergence` over Spark columns: one value for each row.

    from kldrift.spark import functions as KF
    df.select(KF.kl_divergence("p_counts", "q_counts"))

Arguments are columns or their names; options, such as ``base``, are numbers. Each function is a
pandas UDF of the same name, and `register` makes them available in SQL. A null in any argument,
also inside an array, gives null. A row that cannot be computed fails the query with a message that
shows the row. ``p`` is the current side, ``q`` the reference.

Functions of distributions take arrays of counts or of probabilities. Without ``pseudocount`` each
array is divided by its sum. With it, the arrays hold row counts, and every cell that has rows on
either side gets that many more on both sides before they are divided, as in the score tables.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pyspark.sql import Column, SparkSession

from kldrift.spark.functions.columns import ColumnOrName, call, vectorised
from kldrift.spark.functions.formulas import FUNCTIONS

__all__ = [
    "bhattacharyya_distance",
    "categorical_kl",
    "chi_square",
    "frechet_distance",
    "g_statistic",
    "gaussian_kl",
    "hellinger",
    "js_distance",
    "js_divergence",
    "kl_divergence",
    "kolmogorov_smirnov",
    "multivariate_gaussian_kl",
    "psi",
    "register",
    "renyi_divergence",
    "standard_normal_kl",
    "total_variation",
    "wasserstein",
]


def kl_divergence(
    p: ColumnOrName, q: ColumnOrName, pseudocount: float = 0.0, base: float = math.e
) -> Column:
    """Kullback-Leibler divergence of p from q, in nats unless another base is given.

    Args:
        p: current counts or probabilities, an array of numbers.
        q: reference counts or probabilities of the same cells.
        pseudocount: rows added to each cell that has rows on either side; for counts only.
        base: base of the logarithm: ``math.e`` for nats, 2 for bits.

    Returns:
        A column of doubles; infinity where p has mass, q has none and there is no pseudocount.

    Raises:
        ValueError: an option cannot be used.
    """
    return call("kl_divergence", p=p, q=q, pseudocount=pseudocount, base=base)


def js_divergence(
    p: ColumnOrName, q: ColumnOrName, pseudocount: float = 0.0, base: float = math.e
) -> Column:
    """Jensen-Shannon divergence, in nats or another base; arguments as of `kl_divergence`."""
    return call("js_divergence", p=p, q=q, pseudocount=pseudocount, base=base)


def js_distance(
    p: ColumnOrName, q: ColumnOrName, pseudocount: float = 0.0, base: float = math.e
) -> Column:
    """Jensen-Shannon distance: the square root of `js_divergence`, whose arguments it has."""
    return call("js_distance", p=p, q=q, pseudocount=pseudocount, base=base)


def psi(p: ColumnOrName, q: ColumnOrName, pseudocount: float = 0.0, base: float = math.e) -> Column:
    """Population stability index, in nats or another base; arguments as of `kl_divergence`."""
    return call("psi", p=p, q=q, pseudocount=pseudocount, base=base)


def bhattacharyya_distance(
    p: ColumnOrName, q: ColumnOrName, pseudocount: float = 0.0, base: float = math.e
) -> Column:
    """Bhattacharyya distance, in nats or another base; arguments as of `kl_divergence`."""
    return call("bhattacharyya_distance", p=p, q=q, pseudocount=pseudocount, base=base)


def renyi_divergence(
    p: ColumnOrName,
    q: ColumnOrName,
    alpha: float,
    pseudocount: float = 0.0,
    base: float = math.e,
) -> Column:
    """Rényi divergence of order alpha, in [0, inf], of p from q, in nats or another base.

    The other arguments are those of `kl_divergence`.
    """
    return call("renyi_divergence", p=p, q=q, alpha=alpha, pseudocount=pseudocount, base=base)


def hellinger(p: ColumnOrName, q: ColumnOrName, pseudocount: float = 0.0) -> Column:
    """Hellinger distance, in [0, 1]; the arguments are those of `kl_divergence`."""
    return call("hellinger", p=p, q=q, pseudocount=pseudocount)


def total_variation(p: ColumnOrName, q: ColumnOrName, pseudocount: float = 0.0) -> Column:
    """Total variation distance, in [0, 1]; the arguments are those of `kl_divergence`."""
    return call("total_variation", p=p, q=q, pseudocount=pseudocount)


def kolmogorov_smirnov(p: ColumnOrName, q: ColumnOrName, pseudocount: float = 0.0) -> Column:
    """Kolmogorov-Smirnov distance over increasing cells; arguments as of `kl_divergence`."""
    return call("kolmogorov_smirnov", p=p, q=q, pseudocount=pseudocount)


def wasserstein(
    p: ColumnOrName,
    q: ColumnOrName,
    positions: ColumnOrName | Sequence[float] | None = None,
    pseudocount: float = 0.0,
) -> Column:
    """Wasserstein distance over cells in increasing order, in the unit of their positions.

    Args:
        p: current counts or probabilities, an array of numbers.
        q: reference counts or probabilities of the same cells.
        positions: where the mass of each cell lies, never decreasing: a column of arrays, or the
            numbers themselves for all rows. Without it cells are 1 apart.
        pseudocount: as for `kl_divergence`.

    Returns:
        A column of doubles.
    """
    return call("wasserstein", p=p, q=q, positions=positions, pseudocount=pseudocount)


def chi_square(current: ColumnOrName, reference: ColumnOrName) -> Column:
    """Pearson's chi-square test of whether two arrays of row counts share a distribution.

    Args:
        current: whole row counts, an array of numbers.
        reference: row counts of the same cells.

    Returns:
        A column of structs: statistic, dof (degrees of freedom) and p_value, all doubles.
    """
    return call("chi_square", current=current, reference=reference)


def g_statistic(current: ColumnOrName, reference: ColumnOrName) -> Column:
    """G-test of whether two arrays of row counts share a distribution.

    Arguments and result are those of `chi_square`.
    """
    return call("g_statistic", current=current, reference=reference)


def gaussian_kl(
    mean_p: ColumnOrName | float,
    std_p: ColumnOrName | float,
    mean_q: ColumnOrName | float,
    std_q: ColumnOrName | float,
) -> Column:
    """Kullback-Leibler divergence of N(mean_p, std_p**2) from N(mean_q, std_q**2), in nats.

    Each argument is a column of numbers, or a number for all rows; standard deviations are
    positive.
    """
    return call("gaussian_kl", mean_p=mean_p, std_p=std_p, mean_q=mean_q, std_q=std_q)


def standard_normal_kl(mean: ColumnOrName | float, std: ColumnOrName | float) -> Column:
    """Divergence of N(mean, std**2) from N(0, 1), in nats; arguments as of `gaussian_kl`."""
    return call("standard_normal_kl", mean=mean, std=std)


def multivariate_gaussian_kl(
    mean_p: ColumnOrName,
    cov_p: ColumnOrName,
    mean_q: ColumnOrName,
    cov_q: ColumnOrName,
    ridge: float = 0.0,
) -> Column:
    """Kullback-Leibler divergence of N(mean_p, cov_p) from N(mean_q, cov_q), in nats.

    Args:
        mean_p: means of the current data, an array of k numbers; or one number.
        cov_p: its covariance: an array of k arrays of k numbers, or the same k * k numbers in one
            array; or its variances, an array of k numbers; or one number, the variance.
        mean_q: means of the reference.
        cov_q: its covariance or variances; it may have another form than cov_p.
        ridge: added to every variance of both sides, for singular covariances.

    Returns:
        A column of doubles.
    """
    return call(
        "multivariate_gaussian_kl",
        mean_p=mean_p,
        cov_p=cov_p,
        mean_q=mean_q,
        cov_q=cov_q,
        ridge=ridge,
    )


def frechet_distance(
    mean_p: ColumnOrName, cov_p: ColumnOrName, mean_q: ColumnOrName, cov_q: ColumnOrName
) -> Column:
    """Fréchet distance of two Gaussians: their squared Wasserstein distance of order 2.

    The arguments are those of `multivariate_gaussian_kl`; covariances may be singular.
    """
    return call("frechet_distance", mean_p=mean_p, cov_p=cov_p, mean_q=mean_q, cov_q=cov_q)


def categorical_kl(p_logits: ColumnOrName, q_logits: ColumnOrName) -> Column:
    """Kullback-Leibler divergence of softmax(p_logits) from softmax(q_logits), in nats.

    Both are arrays of logits, one for each class; ``-inf`` masks a class.
    """
    return call("categorical_kl", p_logits=p_logits, q_logits=q_logits)


def register(spark: SparkSession, prefix: str = "") -> None:
    """Make all functions available in SQL, as temporary functions of this session.

    They have the same names, arguments and order of arguments. Options are further arguments:
    ``kl_divergence(p, q, 0.5)`` has a pseudocount, ``kl_divergence(p, q, 0, 2)`` gives bits; from
    Spark 4.0 on also by name, ``kl_divergence(p, q, base => 2)``. Spark's SQL does not tell a NaN
    from a null there, so that NaN gives null, where the functions of this module raise.

    Args:
        spark: the session.
        prefix: of the names, such as ``kldrift_``.
    """
    for name, function in FUNCTIONS.items():
        spark.udf.register(f"{prefix}{name}", vectorised(name, tuple(function.arguments)))
