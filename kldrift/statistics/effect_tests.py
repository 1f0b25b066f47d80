"""Is a change of a distribution larger than a limit: Jensen-Shannon, shares, Wasserstein.

Each test is of the estimate less its limit, in units of its error. See
docs/decisions/significance.md.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import betainc, ndtr, xlogy

from kldrift.arrays import Bools, Counts, Floats
from kldrift.statistics.sparse_cells import hypergeometric_p_value

RARE: Final = 0.1
"""Shares up to which rows are about Poisson: the error is less than 6 % too large."""

FEW_ROWS: Final = 50
"""A side with more rows has shares whose error is about normal."""


def js_above_p(p: Counts, q: Counts, limit: Floats) -> Floats:
    """The p-value of "the Jensen-Shannon divergence is above the limit".

    The plug-in less its bias ``(K - 1) / 8 (1 / n + 1 / m)``; the variance is that of the delta
    method plus ``(K - 1) / 32 (1 / n + 1 / m)^2``, which is what is left without a difference. The
    limit is in nats.

    Examples:
        >>> p, q = np.array([[560, 440]]), np.array([[440, 560]])
        >>> [f"{js_above_p(p, q, np.array([x]))[0]:.0g}" for x in (0.0005, 0.004)]
        ['0.008', '0.1']
    """
    n, m, current, reference = _shares(p, q)
    middle = np.maximum((current + reference) / 2, np.finfo(np.float64).tiny)
    left, right = (xlogy(side > 0, side / middle) / 2 for side in (current, reference))
    rows = 1 / n[:, 0] + 1 / m[:, 0]
    free = np.maximum(((p + q) > 0).sum(-1) - 1, 0)
    size = (current * left + reference * right).sum(-1) - free / 8 * rows
    error = _variance(current, left) / n[:, 0] + _variance(reference, right) / m[:, 0]
    return normal_p(size - limit, np.sqrt(error + free / 32 * rows**2))


def share_above_p(p: Counts, q: Counts, judged: Bools, limit: Floats) -> Floats:
    """The p-value of "the share of one of some cells has changed by more than the limit".

    The smallest p-value of all cells, times their number (Bonferroni); 1 where none is tested.

    Examples:
        >>> p, q = np.array([[100, 9_900]]), np.array([[0, 10_000]])
        >>> [f"{share_above_p(p, q, p > 0, np.array([x]))[0]:.0g}" for x in (0.005, 0.02)]
        ['3e-09', '1']
        >>> share_above_p(p, q, p < 0, np.array([0.005]))
        array([1.])
    """
    n, m, current, reference = _shares(p, q)
    tested = judged & ((p + q) > 0)
    at = np.nonzero(tested & (abs(current - reference) > limit[:, None]))
    each = np.ones(p.shape)
    each[at] = share_p(p[at], n[at[0], 0], q[at], m[at[0], 0], limit[at[0]])
    return np.asarray(np.minimum(1.0, each.min(-1) * np.maximum(1, tested.sum(-1))))


def share_p(x: Counts, n: Counts, y: Counts, m: Counts, limit: Floats) -> Floats:
    """The p-value of "the share of a cell has changed by more than the limit".

    Of rare rows by :func:`rise_p`: the error of a share that is hardly there is that of the limit,
    which says more than that of the estimate. Of others with a normal error, to which one row more
    on each side of the cell keeps shares of 0 and 1 [1]; a change that is small beside it may be
    taken for one in the other direction, which is added. What may be no change at all, of few rows
    by Fisher's exact test, is not above a limit either.

    References:
        [1] Agresti, A. and Caffo, B. (2000). Simple and effective confidence intervals for
            proportions. The American Statistician 54(4), 280-288.
    """
    change = x / n - y / m
    size = abs(change)
    first, second = ((rows + 1) / (total + 2) for rows, total in ((x, n), (y, m)))
    error = np.sqrt(first * (1 - first) / (n + 2) + second * (1 - second) / (m + 2))
    out = np.minimum(1.0, normal_p(size - limit, error) + normal_p(size + limit, error))
    rare = np.flatnonzero(x + y <= RARE * (n + m))
    more, of, fewer, among = np.where(change > 0, (x, n, y, m), (y, m, x, n))[:, rare]
    out[rare] = rise_p(more, of, fewer, among, limit[rare])
    few = np.flatnonzero(np.minimum(n, m) <= FEW_ROWS)
    at, drawn = np.where(n > m, (y, m), (x, n))[:, few]
    exact = hypergeometric_p_value(at, (x + y)[few], drawn, (n + m)[few])
    out[few] = np.maximum(out[few], exact)
    return out


def rise_p(x: Counts, n: Counts, y: Counts, m: Counts, limit: Floats) -> Floats:
    """The p-value of "the share of rare rows is larger by more than the limit".

    Of a share with y of m rows, and of that beyond the outermost y of m values [1], little more is
    known than a gamma distribution of shape y + 1, in units of one row: so many rows among n others
    are negative binomial, and those of the limit Poisson. Their sum is taken as negative binomial
    with its mean and variance. The larger share has x of n rows, the smaller one y of m.

    References:
        [1] David, H. A. and Nagaraja, H. N. (2003). Order Statistics. Wiley, section 2.3.
    """
    ratio = n / m  # the product of billions of rows does not fit into 64 bits
    expected = (y + 1) * ratio
    mean, surplus = expected + n * limit, expected * ratio
    size, odds = mean**2 / surplus, surplus / (mean + surplus)
    return np.where(x > 0, betainc(np.maximum(x, 1), size, odds), 1.0)


def ratio_above_p(p: Counts, q: Counts, limit: Floats) -> Floats:
    """The p-value of "a share is more than so many times as large".

    Exact for rare rows: of all of them, those of the current side are binomial [1]. ``p`` and ``q``
    are the rows that are counted, and all others, shape ``(r, 2)``.

    References:
        [1] Przyborowski, J. and Wilenski, H. (1940). Homogeneity of results in testing samples from
            Poisson series. Biometrika 31(3-4), 313-323.

    Examples:
        >>> p, q = np.array([[60, 9_940]]), np.array([[20, 9_980]])
        >>> [f"{ratio_above_p(p, q, np.array([x]))[0]:.1g}" for x in (1, 2, 4)]
        ['4e-06', '0.07', '0.9']
    """
    n, m = p.sum(-1), q.sum(-1)
    odds = limit * n / np.maximum(1, limit * n + m)
    return np.where(p[:, 0] > 0, betainc(np.maximum(p[:, 0], 1), q[:, 0] + 1, odds), 1.0)


def wasserstein_above_p(p: Counts, q: Counts, positions: Floats, limit: Floats) -> Floats:
    """The p-value of "the Wasserstein distance of ordered cells is above the limit".

    By the delta method; what chance adds to the absolute values of differences is taken off. The
    cells lie at ``positions`` in increasing order; the limit is in their unit.

    Examples:
        >>> p, q = np.array([[400, 600]]), np.array([[500, 500]])
        >>> places = np.array([[0.0, 1.0]])
        >>> [f"{wasserstein_above_p(p, q, places, np.array([x]))[0]:.0g}" for x in (0.02, 0.1)]
        ['0.0002', '0.5']
    """
    n, m, current, reference = _shares(p, q)
    gaps = np.diff(positions, axis=-1)
    unit = np.frexp(gaps.max(-1, initial=0.0))[1]  # squares of distances of 1e300 are no doubles
    gaps, limit = np.ldexp(gaps, -unit[:, None]), np.ldexp(limit, -unit)
    above, below = (np.minimum(1.0, side.cumsum(-1)[:, :-1]) for side in (current, reference))
    change = above - below
    error = np.sqrt(above * (1 - above) / n + below * (1 - below) / m + np.finfo(np.float64).tiny)
    z = abs(change) / error
    chance = error * (np.sqrt(2 / np.pi) * np.exp(-(z**2) / 2) - 2 * z * ndtr(-z))
    size = (gaps * (abs(change) - chance)).sum(-1)
    slopes = np.zeros(positions.shape)
    slopes[:, :-1] = (np.sign(change) * gaps)[:, ::-1].cumsum(-1)[:, ::-1]
    variance = _variance(current, slopes) / n[:, 0] + _variance(reference, slopes) / m[:, 0]
    return normal_p(size - limit, np.sqrt(variance))


def _shares(p: Counts, q: Counts) -> tuple[Counts, Counts, Floats, Floats]:
    n, m = (np.maximum(1, side.sum(-1, keepdims=True)) for side in (p, q))
    return n, m, p / n, q / m


def _variance(shares: Floats, values: Floats) -> Floats:
    mean = (shares * values).sum(-1)
    return np.asarray(np.maximum(0.0, (shares * values**2).sum(-1) - mean**2))


def normal_p(above: Floats, error: Floats) -> Floats:
    """The p-value of "the truth is above" from an estimate, less a limit, and its error."""
    certain = np.where(np.isnan(above), np.nan, np.where(above > 0, np.inf, -np.inf))
    return np.asarray(ndtr(-np.divide(above, error, out=certain, where=error > 0)))
