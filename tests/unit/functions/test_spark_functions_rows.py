"""What the pandas UDFs do with one batch, without Spark."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kldrift.spark.functions import formulas
from kldrift.spark.functions.rows import KNOWN, evaluate

NAN = float("nan")


def as_spark_gives(value):
    """An array for a list, an array of arrays for a list of lists."""
    if not isinstance(value, list):
        return value
    if not any(isinstance(item, list) for item in value):
        return np.array(value, dtype=object if value and isinstance(value[0], str) else None)
    nested = np.empty(len(value), dtype=object)
    nested[:] = [as_spark_gives(item) for item in value]
    return nested


def series(*values):
    return pd.Series([as_spark_gives(value) for value in values], dtype=object)


def column_of(name, known=None, **columns):
    """Evaluate as a column does, where null is told from NaN."""
    rows = len(next(iter(columns.values())))
    known = pd.Series([True] * rows if known is None else known)
    return evaluate(name, (KNOWN, *columns), [known, *columns.values()], {})


def test_rows_of_one_length_and_option_are_computed_at_once(monkeypatch):
    calls = []
    function = formulas.FUNCTIONS["kl_divergence"]

    def formula(p, q, base=np.e):
        calls.append((*p.shape, base))
        return function.formula(p, q, pseudocount=0.0, base=base)

    monkeypatch.setitem(formulas.FUNCTIONS, "kl_divergence", replace(function, formula=formula))
    lengths = [2, 3, 2, 4, 3, 2] * 50
    p = series(*(list(range(1, k + 1)) for k in lengths))
    found = column_of("kl_divergence", p=p, q=p, base=pd.Series([2.0] * 150 + [10.0] * 150))
    assert not found.any()
    each_half = [(75, 2), (50, 3), (25, 4)]
    assert calls == [(*shape, base) for base in (2.0, 10.0) for shape in each_half]


def test_rows_keep_their_places():
    p = series([1, 3], [1, 1, 2], None, [3, 1])
    q = series([1, 1], [1, 1, 1], [1, 1], [1, 1])
    found = column_of("total_variation", p=p, q=q, known=[True, True, False, True])
    np.testing.assert_allclose(found, [1 / 4, 1 / 6, np.nan, 1 / 4])


@pytest.mark.parametrize("name", formulas.FUNCTIONS)
def test_a_batch_of_nulls_or_of_no_rows_gives_as_many_values(name):
    function = formulas.FUNCTIONS[name]
    for rows in (0, 2):
        nulls = [series(*[None] * rows)] * len(function.arguments)
        found = evaluate(name, tuple(function.arguments), nulls, {})
        assert found.shape == ((rows, 3) if function.fields else (rows,))
        assert np.isnan(found).all()


def test_without_the_column_that_tells_nulls_nan_is_one():
    cov = series([[2.0, 0.0], [0.0, NAN]], [[2.0, 0.0], None], [[2.0, 0.0], [0.0, 1.0]])
    mean, ones = series(*[[0.0, 0.0]] * 3), series(*[[1.0, 1.0]] * 3)
    order = ("mean_p", "cov_p", "mean_q", "cov_q")
    found = evaluate("multivariate_gaussian_kl", order, [mean, cov, mean, ones], {})
    np.testing.assert_allclose(found, [np.nan, np.nan, (1 - np.log(2)) / 2])
    x = pd.Series([NAN, 1.0])
    np.testing.assert_allclose(
        evaluate("standard_normal_kl", ("mean", "std"), [x, x], {}), [NAN, 0.5]
    )


BAD = {
    "other lengths": ([1, 2], [1], "p has 2 cells and q has 1; align both on one support first"),
    "negative": ([1, -2], [1, 1], "p must hold counts or probabilities, .* got -2.0 at 1"),
    "NaN": ([1, 1], [1, NAN], "q must hold counts or probabilities, .* got nan at 1"),
    "infinite": ([1, np.inf], [1, 1], "p must hold counts or probabilities, .* got inf at 1"),
    "empty": ([], [], "p is empty; without rows there is no distribution to compare"),
    "all zero": ([1, 1], [0, 0], "q is all zero; without rows there is no distribution to compare"),
    "arrays in the array": ([[1, 2]], [[1, 2]], "p must be an array of numbers"),
    "ragged arrays in the array": ([[1], [1, 2]], [1], "p must hold arrays of one length"),
    "text": (["a"], ["b"], "could not convert string to float: 'a'"),
}


@pytest.mark.parametrize("pseudocount", [0.0, 0.5])
@pytest.mark.parametrize("case", BAD)
def test_the_first_bad_row_is_shown(case, pseudocount):
    p, q, message = BAD[case]
    columns = {"p": series([1, 1, 1], p, [0, 0, 0], [-1]), "q": series([1, 1, 1], q, [1], [1])}
    with pytest.raises(ValueError, match=f"^kl_divergence: {message}; correct this row") as error:
        column_of("kl_divergence", **columns, pseudocount=pd.Series([pseudocount] * 4))
    shown = str(error.value).split("filter it out: ")[1]
    assert re.sub(r"(?<=\d)\.0", "", shown) == f"p={p}, q={q}"


GAUSSIAN = {"mean_p": 1.0, "std_p": 1.0, "mean_q": 1.0, "std_q": 0.0}
MEANS = {"mean_p": [0.0, 0.0], "mean_q": [0.0, 0.0], "cov_q": [1.0, 1.0]}
REFUSED = [
    ("psi", {"p": [0.5, 0.5], "q": [1, 1], "pseudocount": 1.0}, "p must hold whole row counts"),
    ("psi", {"p": [1, 1], "q": [1, 2**60], "pseudocount": 1.0}, "q must hold whole row counts"),
    ("chi_square", {"current": [0.5, 1.5], "reference": [1, 1]}, "current must hold whole row"),
    ("g_statistic", {"current": [0, 0], "reference": [1, 1]}, "current must have rows"),
    ("gaussian_kl", GAUSSIAN, "std_q must be positive, got 0.0;"),
    ("standard_normal_kl", {"mean": [1.0, 2.0], "std": 1.0}, "mean must be a number, got an array"),
    (
        "wasserstein",
        {"p": [1, 1], "q": [1, 1], "positions": [1, 0]},
        "positions must not decrease",
    ),
    ("categorical_kl", {"p_logits": [0.0, 1.0], "q_logits": [0.0]}, "p_logits has 2 cells and"),
    ("categorical_kl", {"p_logits": [NAN], "q_logits": [0.0]}, "p_logits must not be NaN or inf"),
    (
        "frechet_distance",
        {**MEANS, "cov_p": [1.0, 1.0, 1.0]},
        "cov_p must hold 2 variances or a 2 x 2 covariance",
    ),
    (
        "multivariate_gaussian_kl",
        {**MEANS, "cov_p": [[1.0, 2.0], [2.0, 1.0]]},
        "cov_p is not positive definite",
    ),
    (
        "multivariate_gaussian_kl",
        {**MEANS, "cov_p": [1.0, 0.5, 0.4, 1.0]},
        "cov_p must be symmetric",
    ),
]


@pytest.mark.parametrize(("name", "row", "message"), REFUSED)
def test_each_function_says_what_is_wrong_with_a_row(name, row, message):
    with pytest.raises(ValueError, match=f"^{name}: {message}") as error:
        column_of(name, **{n: series(value) for n, value in row.items()})
    for argument, value in row.items():
        assert argument == "pseudocount" or f"{argument}={value}" in str(error.value)


def test_a_long_row_is_cut_short():
    with pytest.raises(ValueError, match=r"p=\[(1, ){20}\.\.\.\], q=\[1\]$"):
        column_of("hellinger", p=series([1] * 1000), q=series([1]))


@pytest.mark.parametrize(
    ("given", "named", "found"),
    [
        (1, (), "1 by position"),
        (5, (), "5 by position"),
        (2, ("q",), "2 by position, q by name"),
        (2, ("known",), "2 by position, known by name"),
    ],
)
def test_wrong_arguments_are_told_with_the_right_ones(given, named, found):
    one = series([1])
    message = f"kl_divergence takes p, q, [pseudocount], [base]; got {found}"
    with pytest.raises(TypeError, match=re.escape(message)):
        evaluate(
            "kl_divergence",
            ("p", "q", "pseudocount", "base"),
            [one] * given,
            dict.fromkeys(named, one),
        )
