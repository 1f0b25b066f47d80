"""Numbers whose squares are no doubles: what is not known is null, and what is known is right."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import kldrift


def data(exponent: int, seed: int, shift: float) -> pd.DataFrame:
    """A feature that is huge in most rows, and about 1 in those of one segment."""
    rng = np.random.default_rng(seed)
    n = 3_000
    small = np.arange(n) % 3 == 0
    huge = 10.0**exponent * (1 + 0.01 * rng.normal(size=n))
    x = np.where(small, rng.normal(size=n) + shift, huge)
    return pd.DataFrame({"x": x, "part": np.where(small, "small", "huge")})


@pytest.mark.parametrize("exponent", [12, 20, 100, 140, 149, 151, 155, 200, 300, 307])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_small_segment_beside_huge_numbers_has_its_moments_or_none(exponent, sign):
    sides = [data(exponent, seed, shift) for seed, shift in ((1, 0.0), (2, 0.5))]
    for side in sides:
        side["x"] *= sign
    scores = kldrift.compare(*sides, segments=[["part"]]).scores
    of_x = scores[scores["feature"] == "x"].set_index("segment")
    for name, side in zip(("reference", "current"), sides, strict=True):
        for part in ("small", "huge"):
            found, x = of_x.loc[f"part={part}"], side.loc[side["part"] == part, "x"]
            mean, std = found[f"mean_{name}"], found[f"std_{name}"]
            assert np.isnan(mean) or mean == pytest.approx(x.mean(), abs=1e-3 * x.abs().min() + 0.1)
            if not np.isnan(std):  # of squares beyond a double it would be inf
                assert std == pytest.approx(np.std(x / x.abs().max()) * x.abs().max(), rel=1e-3)
            if part == "small" and (exponent > 150 or exponent < 14):
                assert not np.isnan([mean, std, found["gaussian_kl"]]).any()
    (m, s), (now, spread) = (
        (x.mean(), np.std(x)) for x in (side.loc[side["part"] == "small", "x"] for side in sides)
    )
    expected = np.log(s / spread) + (spread**2 + (now - m) ** 2) / (2 * s**2) - 0.5
    kl = of_x.loc["part=small", "gaussian_kl"]
    assert np.isnan(kl) or kl == pytest.approx(expected, rel=1e-3)


def test_evidence_of_a_distance_needs_no_square_of_it():
    sides = [pd.DataFrame({"x": data(300, s, 0.0)["x"] * (1 + s / 50)}) for s in (1, 2)]
    given = {"wasserstein_std": {"critical": 0.1}, "wasserstein": {"critical": 1e290}}
    scores = kldrift.compare(*sides, thresholds=given).scores
    assert scores["status"].tolist() == ["ok"]


def test_the_cells_of_numbers_up_to_the_largest_double_of_both_signs_are_named():
    values = 1.7e308 * np.random.default_rng(0).uniform(-1, 1, 3_000)
    sides = (pd.DataFrame({"x": x}) for x in (values, np.abs(values)))
    (row,) = kldrift.compare(*sides).scores.to_dict("records")
    assert row["severity"] == "critical"
    assert "e+308" in row["reason"]


def test_values_that_are_further_apart_than_the_largest_double_are_counted_without_a_warning():
    most = np.finfo(np.float64).max
    frame = pd.DataFrame({"x": [1e300, -most, -most, most] * 200})
    scores = kldrift.compare(frame, frame).scores
    assert scores["kl"].tolist() == [0.0]


def test_rows_at_the_largest_integer_are_told():
    most = 2**63 - 1
    before = pd.DataFrame({"x": [most - 1] * 6 + [1, 2, -most] * 8})
    (row,) = kldrift.compare(before, pd.DataFrame({"x": [most] * 6 + [0]})).scores.to_dict(
        "records"
    )
    assert (row["status"], row["severity"]) == ("ok", "critical")
    assert str(most) in row["reason"]


def test_all_rows_at_the_other_end_of_the_doubles_are_told():
    most = np.finfo(float).max
    sides = [pd.DataFrame({"x": [end] * 59 + [None]}) for end in (-most, most)]
    (row,) = kldrift.compare(*sides).scores.to_dict("records")
    assert (row["status"], row["severity"]) == ("ok", "critical")
    assert (row["mean_reference"], row["mean_current"]) == (-most, most)


@pytest.mark.parametrize(
    ("kind", "digits"), [(pa.decimal128(20), ", to 15 digits"), (pa.int64(), ""), (pa.uint64(), "")]
)
def test_decimals_of_more_digits_than_a_double_are_not_said_to_have_one_value(kind, digits):
    numbers = [Decimal(2**62 + i % 5 * bool(digits)) for i in range(400)]
    side = pa.table({"x": pa.array(numbers, pa.decimal128(20)).cast(kind)})
    (row,) = kldrift.compare(side, side).scores.to_dict("records")
    assert row["status"] == "constant"
    assert row["reason"] == f"one and the same value on both sides{digits}"
