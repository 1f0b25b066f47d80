"""Without drift, evidence of drift is as rare as its level says: simulated."""

from __future__ import annotations

import numpy as np
import pytest
from joint_sample import moments

from kldrift.statistics.joint_gaussian import joint_score
from kldrift.statistics.significance import g_test


def false_alarms(n: int, m: int, shares: np.ndarray, tables: int, alpha: float) -> float:
    rng = np.random.default_rng(0)
    current, reference = (rng.multinomial(rows, shares, tables) for rows in (n, m))
    return float((g_test(current, reference)[2] < alpha).mean())


def law(name: str, k: int) -> np.ndarray:
    weights = {
        "flat": np.ones(k),
        "zipf": 1 / np.arange(1, k + 1),
        "head": np.append(np.ones(k - 1) / (k - 1), 1.0),
    }[name]
    return weights / weights.sum()


@pytest.mark.parametrize("name", ["flat", "zipf", "head"])
@pytest.mark.parametrize(
    ("n", "m", "k"),
    [
        (2_000, 100_000, 1_000),
        (1_000, 1_000, 1_000),
        (500, 500, 1_000),
        (5_000, 5_000, 1_000),
        (2_000, 2_000, 100),
        (100, 10_000, 100),
        (50, 50, 20),
        (20, 10_000, 5),
        (10, 10, 3),
        (1_000, 2_000, 20),
    ],
)
def test_sparse_tables_without_drift_are_hardly_ever_called_drift(name, n, m, k):
    assert false_alarms(n, m, law(name, k), 400, 0.01) <= 0.03  # 4 errors of 0.5 % above 1 %


def test_p_values_without_drift_are_about_uniform():
    for alpha in (0.5, 0.1):
        assert false_alarms(1_000, 2_000, law("flat", 20), 2_000, alpha) == pytest.approx(
            alpha, abs=4 * (alpha / 2_000) ** 0.5
        )


@pytest.mark.parametrize("diagonal", [False, True])
@pytest.mark.parametrize("kind", ["normal", "t", "lognormal"])
def test_chance_alone_seldom_looks_like_drift(kind, diagonal):
    rng = np.random.default_rng(11)

    def draw(n):
        x = {
            "normal": lambda: rng.normal(size=(n, 4)),
            "t": lambda: rng.standard_t(5, size=(n, 4)),
            "lognormal": lambda: rng.lognormal(size=(n, 4)),
        }[kind]()
        return moments(x @ (np.eye(4) + np.tri(4, 4, -1)), diagonal=diagonal)

    found = [joint_score(draw(300), draw(500)) for _ in range(400)]
    p_values = np.array([s.p_value for s in found])
    assert (p_values < 0.01).mean() < 0.03  # 1 % is expected, 2.5 standard errors above it
    if kind == "normal":
        kl = np.mean([s.kl for s in found])
        assert kl < np.mean([s.kl_expected for s in found]) < 2 * kl
