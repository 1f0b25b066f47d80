"""Divergences by their textbook formulas at 50 digits, and distributions to try them on."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from mpmath import inf, log, matrix, mp, mpf, sqrt

mp.dps = 50

# mpmath is slow, and so is a shared machine: laws are not about time
LAWS = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])


def exact(p):
    """Probabilities as 50-digit numbers that add up to 1 to 50 digits."""
    numbers = [mpf(float(x)) for x in p]
    return [x / mp.fsum(numbers) for x in numbers]


def kl(p, q):
    if any(a and not b for a, b in zip(p, q, strict=True)):
        return inf
    return mp.fsum(a * log(a / b) for a, b in zip(p, q, strict=True) if a)


def js(p, q):
    m = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    return (kl(p, m) + kl(q, m)) / 2


def hellinger(p, q):
    return sqrt(mp.fsum((sqrt(a) - sqrt(b)) ** 2 for a, b in zip(p, q, strict=True)) / 2)


def total_variation(p, q):
    return mp.fsum(abs(a - b) for a, b in zip(p, q, strict=True)) / 2


def cdf_difference(p, q):
    return [mp.fsum(p[: i + 1]) - mp.fsum(q[: i + 1]) for i in range(len(p))]


def wasserstein(p, q, positions=None):
    x = [mpf(float(v)) for v in (range(len(p)) if positions is None else positions)]
    gaps = [b - a for a, b in pairwise(x)]
    return mp.fsum(abs(d) * gap for d, gap in zip(cdf_difference(p, q), gaps, strict=False))


def renyi(p, q, alpha=2):
    alpha = mpf(alpha)
    if any(a and not b for a, b in zip(p, q, strict=True)) and alpha > 1:
        return inf
    total = mp.fsum(a**alpha * b ** (1 - alpha) for a, b in zip(p, q, strict=True) if a and b)
    return log(total) / (alpha - 1) if total else inf


def bhattacharyya(p, q):
    overlap = mp.fsum(sqrt(a * b) for a, b in zip(p, q, strict=True))
    return -log(overlap) if overlap else inf


ORACLES = {
    "kl": kl,
    "kl_reverse": lambda p, q: kl(q, p),
    "js": js,
    "psi": lambda p, q: kl(p, q) + kl(q, p),
    "hellinger": hellinger,
    "total_variation": total_variation,
    "wasserstein": wasserstein,
    "ks": lambda p, q: max(abs(d) for d in cdf_difference(p, q)),
    "renyi": renyi,
    "bhattacharyya": bhattacharyya,
}


def matrix_of(values):
    return matrix([[mpf(float(x)) for x in row] for row in values])


def multivariate_kl(mean_p, cov_p, mean_q, cov_q):
    k, p, q = len(mean_p), matrix_of(cov_p), matrix_of(cov_q)
    d = matrix([mpf(float(a)) - mpf(float(b)) for a, b in zip(mean_p, mean_q, strict=True)])
    inverse = q**-1
    product = inverse * p
    trace = mp.fsum(product[i, i] for i in range(k))
    return (trace - k + log(mp.det(q) / mp.det(p)) + (d.T * inverse * d)[0]) / 2


def distance(value, expected):
    """Relative error of a float, at 50 digits."""
    return float(abs(mpf(float(value)) - expected) / abs(expected)) if expected else abs(value)


def normalised(weights):
    return np.array(weights, dtype=float) / np.sum(weights, dtype=float)


# row counts up to a billion, with empty cells
counts = st.integers(0, 10**9) | st.integers(0, 5)
# from the smallest denormal to 1
magnitudes = st.just(0.0) | st.floats(-323, 0).map(lambda e: 10.0**e)


@st.composite
def pairs(draw, min_size=2, max_size=12, cells=counts):
    k = draw(st.integers(min_size, max_size))
    weights = st.lists(cells, min_size=k, max_size=k).filter(lambda w: max(w) > 1e-3)
    return normalised(draw(weights)), normalised(draw(weights))


@st.composite
def wide_pairs(draw):
    """Probabilities of all magnitudes, with one cell that is not tiny on each side."""
    k = draw(st.integers(2, 12))
    p, q = (draw(st.lists(magnitudes, min_size=k, max_size=k)) for _ in "pq")
    p[draw(st.integers(0, k - 1))] = q[draw(st.integers(0, k - 1))] = 1.0
    return normalised(p), normalised(q)


@st.composite
def near_pairs(draw):
    """Two distributions that differ in the 2nd to the 9th digit of each cell."""
    k = draw(st.integers(2, 12))
    p = np.array(draw(st.lists(st.integers(1, 10**6), min_size=k, max_size=k)), dtype=float)
    change = np.array(draw(st.lists(st.integers(-9, 9), min_size=k, max_size=k)), dtype=float)
    return normalised(p), normalised(p * (1 + change * 10.0 ** draw(st.integers(-9, -2))))
