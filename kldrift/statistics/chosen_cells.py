"""Tests for cells that names got for their many reference rows, which biases those counts upwards.

A name has a cell of its own from so many reference rows on. The same rows are then tested, so that
names near that floor have too many of them, and all others together too few: quiet data look as if
rare names became more. Nothing has to be known of the names to correct for it. Without drift, the y
reference rows among the t rows that a name has on both sides are binomial, and as the name was
chosen, binomial from the floor on. That law has a mean and a variance for each name, whatever its
share. Rows of names without a cell are known together only, and are what is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import chdtrc, ndtr

from kldrift.arrays import Bools, Counts, Floats, OfRows
from kldrift.profiles.group_keys import begins
from kldrift.profiles.rebinning import least_rows
from kldrift.statistics.hashing import scatter
from kldrift.statistics.sparse_cells import moved

CLEAR: Final = 4.3
"""A name whose expected rows are so many errors above the floor has a cell whatever the draw."""
MANY: Final = 20
"""So many names or more may be the most frequent ones of still more: the last one is the floor."""
MOST_BELOW: Final = 0.1
"""With a larger share of names below the floor, cells were chosen on other rows than these."""
LEAST_VARIANCE: Final = 4.0
"""In rows: names that vary less are pooled until they do, as no square of theirs is chi-square."""
LARGEST_FLOOR: Final = 100_000
"""Of names with more rows, choice moves the shares by far less than any limit."""
NEGLIGIBLE: Final = 1e-14
"""Of a sum, what later terms add is not."""


@dataclass(frozen=True, eq=False)
class ChosenLaw(OfRows):
    """The reference rows of cells without drift, given the rows of both sides; shape ``(n, k)``.

    Attributes:
        near: cells that chance may have chosen; all others are binomial.
        mean: of the reference rows.
        variance: of these.
        cumulant: the fourth cumulant of these.
    """

    near: Bools
    mean: Floats
    variance: Floats
    cumulant: Floats


def floors(q: Counts, whole: Counts, category: Bools, rest: Bools) -> Counts:
    """The reference rows from which the cells were chosen, and that are not in other groups.

    Args:
        q: reference rows of a group per cell, shape ``(n, k)``.
        whole: those of all groups together, on which the cells were chosen; broadcasts.
        category: cells of one name.
        rest: those of all names that were not chosen.

    Returns:
        0 for what was not chosen. Where there are no others, none was.

    Examples:
        >>> q, category = np.array([[300, 22, 8, 90]]), np.array([[True, True, True, False]])
        >>> floors(q, q + [0, 0, 13, 0], category, ~category)
        array([[20, 20,  7,  0]])
    """
    whole = np.broadcast_to(whole, q.shape)
    others = np.where(rest, whole, 0).sum(-1, keepdims=True)
    needed = least_rows(np.where(category, whole, 0).sum(-1, keepdims=True) + others)
    below = (category & (whole < needed)).sum(-1, keepdims=True)
    names = category.sum(-1, keepdims=True)
    kept = np.where(category & (whole >= needed), whole, np.iinfo(np.int64).max)
    fewest = kept.min(-1, keepdims=True)
    needed = np.where((names >= MANY) & (fewest <= others), np.maximum(fewest, needed), needed)
    known = (others > 0) & (below <= MOST_BELOW * names) & (needed <= LARGEST_FLOOR)
    chosen = category & known & (whole >= needed)
    return np.where(chosen, np.maximum(needed - (whole - q), 0), 0)


def chosen_law(p: Counts, q: Counts, floor: Counts, ceiling: Counts | None = None) -> ChosenLaw:
    """The law of the reference rows without drift, given the rows of both sides and the floors.

    There is a row at least on both sides. ``floor`` is as :func:`floors` gives it, ``ceiling`` the
    most reference rows of cells that were chosen because of few.
    """
    n, m = p.sum(-1, keepdims=True), q.sum(-1, keepdims=True)
    share, total = m / (n + m), p + q
    mean = total * share
    variance = mean * (1 - share)
    cumulant = variance * (1 - 6 * share * (1 - share))
    near = (floor > 0) & (mean - CLEAR * np.sqrt(mean) < floor)
    most = total if ceiling is None else np.minimum(total, ceiling)
    near |= (most < total) & (mean + CLEAR * np.sqrt(mean) > most)
    at = np.nonzero(near)
    if len(at[0]):
        row, t, least, last = keys = at[0], total[at], floor[at], most[at]
        order = np.lexsort(keys[::-1])  # cells with equal numbers are computed once
        first = begins([values[order] for values in keys])
        one, same = order[first], np.empty(len(order), dtype=np.int64)
        same[order] = np.cumsum(first) - 1
        cut = _cut_off(t[one], least[one], last[one], share[row[one], 0])
        mean[at], variance[at], cumulant[at] = cut[:, same]
    return ChosenLaw(near, mean, variance, cumulant)


def _cut_off(t: Counts, floor: Counts, ceiling: Counts, share: Floats) -> Floats:
    """Mean, variance and fourth cumulant of binomial numbers between a floor and a ceiling.

    ``t`` trials, at least the floor, each with the probability ``share``; shape ``(c,)``.
    """
    odds, y, weight = share / (1 - share), floor.astype(np.float64), np.ones(len(t))
    centre = np.clip(t * share, y, ceiling)
    sums = np.zeros((5, len(t)))
    while (weight > 0).any():
        term = weight.copy()
        for power in range(len(sums)):
            sums[power] += term
            term = term * (y - centre)
        done = (y > centre) & (term < NEGLIGIBLE * sums[4])
        weight = np.where(done | (y >= ceiling), 0.0, weight * (t - y) / (y + 1) * odds)
        y = y + 1
    first, second, third, fourth = sums[1:] / sums[0]
    variance = np.maximum(second - first**2, 0.0)
    central = fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4
    return np.stack([centre + first, variance, central - 3 * variance**2])


def chosen_p_value(p: Counts, q: Counts, law: ChosenLaw, other: Bools) -> Floats:
    """The p-value of "both rows of counts are from one distribution", of cells that were chosen.

    With e the reference rows of a cell less their mean, v their variance, and V that of all rows
    together, ``n m / (n + m)``::

        sum over k cells of e^2 / v + (sum e)^2 / (V - sum v)

    has the mean k: as all rows add up, cells have the covariance ``-v_i v_j / V``. Where nothing
    was chosen, that is Pearson's chi-square with the cell of others. Cells that vary little are
    pooled, those with about as many rows on both sides together. The sum is compared with a
    chi-square distribution that has its mean and variance. ``other`` are the cells of all names
    that were not chosen, one in each row.

    Returns:
        1 where there is no cell that varies.

    Examples:
        >>> p, q = np.array([[9, 18, 35, 938]]), np.array([[20, 31, 45, 904]])
        >>> other = np.array([[False, False, False, True]])
        >>> for floor in (0, 20):
        ...     law = chosen_law(p, q, np.where(other, 0, floor))
        ...     print(chosen_p_value(p, q, law, other).round(3))
        [0.022]
        [0.145]
    """
    cells = ~other & (p + q > 0)
    off, variance, cumulant = (
        np.where(cells, x, 0.0) for x in (q - law.mean, law.variance, law.cumulant)
    )
    left = _all_rows(p, q) - variance.sum(-1)
    place = _alike(p + q, variance, cells & (variance < LEAST_VARIANCE))
    e, v, fourth = (moved(x, place) for x in (off, variance, cumulant))
    varies = v > NEGLIGIBLE
    degrees = varies.sum(-1)
    v = np.where(varies, v, 1.0)
    size = np.where(varies, e**2 / v, 0.0).sum(-1)
    size += np.divide(off.sum(-1) ** 2, left, out=np.zeros(len(p)), where=left > NEGLIGIBLE)
    spread = np.maximum(np.where(varies, 2 + fourth / v**2, 0.0).sum(-1), NEGLIGIBLE)
    scale = spread / np.maximum(2 * degrees, 1)
    p_value = chdtrc(np.maximum(degrees / scale, NEGLIGIBLE), size / scale)
    return np.where(degrees > 0, p_value, 1.0)


def rest_share_p(p: Counts, q: Counts, law: ChosenLaw, other: Bools, limit: Floats) -> Floats:
    """The p-value of "the share of names that were not chosen has changed by more than the limit".

    All rows add up, so that what the chosen ones have too many of, their law considered, these have
    too few of: with e and v as in :func:`chosen_p_value`, the change is ``sum e (1 / n + 1 / m)``,
    and the variance of the sum ``sum v (1 - sum v / V)``.
    """
    off, variance = (np.where(other, 0.0, x).sum(-1) for x in (q - law.mean, law.variance))
    every = _all_rows(p, q)
    size = abs(off) / every
    error = np.sqrt(np.maximum(variance * (1 - variance / every), NEGLIGIBLE)) / every
    p_value = ndtr((limit - size) / error) + ndtr(-(limit + size) / error)
    return np.asarray(np.minimum(1.0, p_value))


def _all_rows(p: Counts, q: Counts) -> Floats:
    """``n m / (n + m)``, the variance that all reference rows together have before they add up."""
    n, m = p.sum(-1), q.sum(-1)
    return np.asarray(n / (n + m) * m)


def _alike(total: Counts, variance: Floats, few: Bools) -> Counts:
    """Pools of cells with about as many rows, as places for :func:`moved`.

    Given the rows of both sides, how they fall on these is chance, so that pools by them lean to
    neither side. Cells of equally many rows are in the order of their reference rows, and scattered
    first.
    """
    k = total.shape[-1]
    mixed = np.argsort(scatter(np.arange(k)))
    last = np.iinfo(np.int64).max
    order = mixed[np.argsort(np.where(few, total, last)[:, mixed], axis=-1, kind="stable")]
    rows = np.take_along_axis(np.where(few, variance, 0.0), order, -1)
    upto = np.cumsum(rows, axis=-1)
    pools = np.maximum(upto[:, -1:] // LEAST_VARIANCE, 1)
    pool = np.empty(total.shape, dtype=np.int64)
    mine = np.minimum((upto - rows) // LEAST_VARIANCE, pools - 1).astype(np.int64)
    np.put_along_axis(pool, order, mine, -1)
    return np.where(few, k + pool, np.arange(k))
