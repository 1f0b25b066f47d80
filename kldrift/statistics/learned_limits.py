"""Limits learnt from history: tests whether a window is further from the others than they are.

Days differ from each other by more than counting noise, so a fixed limit is passed every Sunday or
never. Here a window's divergence from the pool of earlier ones is compared with those of each of
them from the others: leave-one-out, at the same sizes, with as much trust in the comparison as
there are independent windows. Everything is sums of counts on a frozen support.

References:
    [1] Efron, B. and Tibshirani, R. (1993). An Introduction to the Bootstrap. Chapman & Hall,
        chapter 11: leave-one-out.
    [2] Bayley, G. and Hammersley, J. (1946). The "effective" number of independent observations in
        an autocorrelated time series. Supplement to the JRSS 8(2), 184-197.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, fdtrc

from kldrift.arrays import Bools, Counts, Floats
from kldrift.statistics.significance import g_test

FEWEST_WINDOWS: Final = 28
"""With fewer, a monitor is learning: what is usual in a week is not known yet."""
FEWEST_ALIKE: Final = 4
"""Windows of one season, such as Mondays, from which that season can be compared."""
SHRINKAGE: Final = 20.0
"""Windows that the spread of all features together is worth, beside those of one feature."""
SEASON_GAIN: Final = 0.9
"""A season is used where it brings the mean leave-one-out score below this share of it."""
ODD: Final = 50.0
"""Times as far as half of the windows, from which a window says nothing of what is usual."""
ODD_TOGETHER: Final = 20.0
"""The factor where more than half of the features are as far at once, as on a holiday."""
MOST_TAIL: Final = 1.5
"""How many times as skew as a gamma scores count at most: a few windows tell little of more."""
FAR: Final = 0.01
"""A window that is less likely among those before is compared with what chance alone brings."""
PSEUDOCOUNT: Final = 0.5
ROUNDING: Final = 1e-12
"""Nats up to which a divergence is what rounding leaves of none: that of a feature of one value."""
_MOST_SHAPE: Final = 1e6


@dataclass(frozen=True, eq=False)
class LearnedLimits:
    """The usual variation of windows, for each of many features of one monitor.

    Attributes:
        windows: how many each feature has, ``(features,)``.
        effective: how many independent ones they are worth, ``(features,)``.
        pool: their counts added up, shape ``(features, cells)``.
        apart: mean leave-one-out score of each feature, in nats; ``(features,)``.
        mean: the same at the mean size.
        shape: half the degrees of freedom of a score: one over its squared variation.
        rows: mean rows of a window of the kind that is looked at, ``(features,)``.
        fewest: rows of the smallest window, ``(features,)``.
        most: likewise of the largest.
        slope: how much of a score is counting noise, which falls with the rows: from 0 to 1.
        tail: how many times as skew as a gamma of their spread scores are. More than 1 where days
            that differ add to counting noise: a part that hardly varies, and one that varies much.
    """

    windows: Floats
    effective: Floats
    pool: Counts
    apart: Floats
    mean: Floats
    shape: Floats
    rows: Floats
    fewest: Floats
    most: Floats
    slope: float
    tail: float

    def scores(self, current: Counts) -> Floats:
        """The scores of a window against the pool, made comparable to ``mean``; in nats."""
        return _scores(current, self.pool, current + self.pool) * self._size(current.sum(-1))

    def p_values(self, current: Counts) -> Floats:
        """How likely a window of the history's kind is as far from it; NaN without rows."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = self.scores(current) / self.mean
        shape, ratio = self._own_shape, 1 + self.tail * (ratio - 1)
        tails = fdtrc(2 * shape, 2 * shape * self.effective, np.maximum(ratio, 0))
        # One row of a rare value is far where there are few: chance alone brings it.
        far = tails < FAR
        tails[far] = np.maximum(tails[far], g_test(current[far], self.pool[far])[2])
        return np.where(np.isfinite(ratio), tails, np.nan)

    def limits(self, current: Counts, level: Floats | float) -> Floats:
        """The divergence from the pool that a window's p-value of ``level`` stands for, in nats."""
        n, m = current.sum(-1), self.pool.sum(-1)
        # The quantile by the lower tail of a beta: that of F is infinite below 1e-17.
        shape = self._own_shape
        share = betaincinv(shape * self.effective, shape, level)
        ratio = 1 + (self.effective * (1 - share) / share - 1) / self.tail
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(ratio * self.mean * (1 + n / m) / self._size(n))

    def divergences(self, current: Counts) -> Floats:
        """The divergence of a window from the pool, in nats."""
        n, m = current.sum(-1), self.pool.sum(-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(_scores(current, self.pool, current + self.pool) * (1 + n / m))

    @property
    def _own_shape(self) -> Floats:
        """The shape of the part of scores that varies."""
        return self.shape / self.tail**2

    def _size(self, rows: Any) -> Floats:
        """How many times as large scores are at the mean size.

        The history tells of sizes such as it has. Beyond them the noise of counting rows is added
        or taken away, which is known; with more rows scores fall as noise does at most.
        """
        free = np.maximum(np.count_nonzero(self.pool, axis=-1) - 1, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            within = np.clip(rows, self.fewest, self.most)
            score = (self.rows / within) ** self.slope
            beyond = score + free / 2 * (1 / rows - 1 / within) / self.mean
            return np.asarray(1 / np.maximum(beyond, score * np.minimum(1, within / rows)))


def learned_limits(history: Counts, season: NDArray[Any] | None = None) -> LearnedLimits:
    """Learn the usual variation from a history.

    Args:
        history: counts of its windows in the order of time; shape ``(windows, features, cells)``,
            cells that a feature does not have are 0. A window without rows of a feature is none
            of its windows.
        season: of each window; what all windows of one season have is usual.
    """
    return _learned(history, np.zeros(len(history), dtype=np.int64), 0, season)


def _learned(
    history: Counts, part: NDArray[Any], now: Any, season: NDArray[Any] | None, *, trim: bool = True
) -> LearnedLimits:
    """Learn from windows that are each compared with the others of their part.

    ``part`` is of each window, and that of ``now`` is the one whose pool a window is going to be
    compared with, at about as many rows. ``trim`` leaves out windows that are unlike the others.
    """
    rows = history.sum(-1)
    raw, parts = np.full(rows.shape, np.nan), [part == one for one in np.unique(part)]
    for mine in parts:
        own = history if mine.all() else history[mine]
        pool = own.sum(0)
        raw[mine] = _scores(own, pool - own, pool)
    known, alike = np.isfinite(raw), part == now
    n = known.sum(0).astype(np.float64)
    # A group that has no rows in such windows, as on Sundays, is brought to the rows of all.
    sized = known & np.where(known[alike].any(0), alike[:, None], True)
    mean_rows = np.where(sized, rows, 0).sum(0) / np.maximum(sized.sum(0), 1)
    slope = _slope(raw, rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = np.where(known, raw * (rows / mean_rows) ** slope, 0)
    if trim:
        odd = np.zeros(scores.shape, dtype=np.bool_)
        for mine in parts:
            odd[mine] = _odd(scores[mine], known[mine], None if season is None else season[mine])
        if odd.any():
            left = np.where(odd[..., None], 0, history)
            return _learned(left, part, now, season, trim=False)
    apart = np.where(known, raw, 0).sum(0) / np.maximum(n, 1)
    mean, varied = scores.sum(0) / np.maximum(n, 1), scores.sum(0) > 0
    # A feature of one value says nothing of how others vary. About one row of another value is
    # noise in it as well.
    mean = np.where(varied, mean, 1 / np.maximum(mean_rows, 1))
    relative = np.where(known & varied, scores / mean - 1, 0)
    # Windows of many rows tell what noise hides in those of few.
    weight = np.where(known, rows, 0) / np.maximum(1, np.where(known, rows, 0).sum(0))
    square, cube = ((weight * relative**power).sum(0) for power in (2, 3))
    variation = square * n / np.maximum(1, n - 1)
    told = varied & (n > 1)
    together = variation[told].mean() if told.any() else 1.0
    variation = (n * variation + SHRINKAGE * together) / (n + SHRINKAGE)
    shape = 1 / np.maximum(variation, 1 / _MOST_SHAPE)
    skew, of_gamma = float(cube[told].sum()), 2 * float((square[told] ** 2).sum())
    tail = float(np.clip(skew / of_gamma, 1, MOST_TAIL)) if of_gamma > 0 else 1.0
    rho = _autocorrelation([relative[mine] for mine in parts])
    # Those of a part are from one pool: their mean is as sure as that of one fewer.
    free = n - np.sum([known[mine].any(0) for mine in parts], axis=0)
    effective = np.maximum(2.0, free * (1 - rho) / (1 + rho))
    windows = (rows[alike] > 0).sum(0).astype(np.float64)
    pool = history[alike].sum(0)
    fewest = np.where(known, rows, np.inf).min(0, initial=np.inf)
    most = np.maximum(fewest, np.where(known, rows, 0).max(0, initial=0))
    return LearnedLimits(
        windows, effective, pool, apart, mean, shape, mean_rows, fewest, most, slope, tail
    )


def _odd(scores: Floats, known: Bools, season: NDArray[Any] | None) -> Bools:
    """Which windows say nothing of what is usual: they lie many times as far as half of them do.

    One such window would hide what comes after it for as long as the history reaches.
    """
    ordered = np.sort(np.where(known, scores, np.inf), axis=0)
    half = np.maximum(known.sum(0) - 1, 0) // 2
    middle = np.take_along_axis(ordered, half[None], axis=0)[0]
    odd = known & (middle > 0) & (scores > ODD * middle)
    common = known & (middle > 0) & (scores > ODD_TOGETHER * middle)
    together = common.sum(1) > known.sum(1) / 2
    odd |= common & together[:, None]
    if season is not None and odd.any():
        for one in np.unique(season):
            mine = season == one
            odd[mine] &= odd[mine].sum(0) <= known[mine].sum(0) / 2
    return np.asarray(odd)


def _scores(p: NDArray[Any], q: NDArray[Any], pool: NDArray[Any]) -> Floats:
    """Divergences of counts from others, over what two samples of one distribution give."""
    n, m = p.sum(-1), q.sum(-1)
    cells = np.count_nonzero(pool, axis=-1)
    counts = p.astype(np.float64)
    logs = np.maximum(counts, 1)
    logs /= q + PSEUDOCOUNT
    np.log(logs, out=logs)
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = np.einsum("...c,...c->...", counts, logs) / n
        excess -= np.log(n / (m + PSEUDOCOUNT * cells))
        excess = np.where(excess > ROUNDING, excess, 0) / (1 + n / m)
    return np.asarray(np.where((n > 0) & (m > 0), excess, np.nan))


def _slope(scores: Floats, rows: NDArray[Any]) -> float:
    """How scores fall with the rows of a window, over all features: 1 where all is noise."""
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y = np.log(rows), np.log(scores)
    known = np.isfinite(x) & np.isfinite(y)
    n = np.maximum(1, known.sum(0))
    x, y = (np.where(known, z, 0) for z in (x, y))
    x, y = (np.where(known, z - z.sum(0) / n, 0) for z in (x, y))
    spread = float((x * x).sum())
    if spread <= 0:
        return 1.0
    slope = float(np.clip(-(x * y).sum() / spread, 0, 1))
    for _ in range(2):  # logarithms of scores tell of their medians; it is about their means
        sized = np.where(known, scores * np.exp(slope * x), 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.where(known, sized / (sized.sum(0) / n) - 1, 0)
        slope = float(np.clip(slope - (x * relative).sum() / spread, 0, 1))
    return slope


def _autocorrelation(parts: Sequence[Floats]) -> float:
    """The lag-1 autocorrelation of scores within parts, pooled over features; from 0 to 0.95."""
    power = sum(float((relative**2).sum()) for relative in parts)
    if power <= 0:
        return 0.0
    products = sum(float((relative[1:] * relative[:-1]).sum()) for relative in parts)
    return float(np.clip(products / power, 0, 0.95))


@dataclass(frozen=True, eq=False)
class Usual:
    """A window compared with its history, feature by feature; arrays of shape ``(features,)``.

    Attributes:
        current: its counts.
        learned: what is usual in all windows.
        seasonal: in those of its season; None if these are too few.
        better: the features that are compared with those of its season.
    """

    current: Counts
    learned: LearnedLimits
    seasonal: LearnedLimits | None
    better: Bools

    @property
    def windows(self) -> Floats:
        """How many there are before."""
        return self.learned.windows

    @cached_property
    def p_values(self) -> Floats:
        """How likely a window of the history's kind is as far from it; NaN for too few of these."""
        return self._chosen(lambda of: of.p_values(self.current))

    @property
    def divergences(self) -> Floats:
        """From the history's pool, in nats."""
        return self._chosen(lambda of: of.divergences(self.current))

    def limits(self, level: Floats | float) -> Floats:
        """The divergence that a p-value stands for, in nats: at least that of a likelier window."""
        limits = self._chosen(lambda of: of.limits(self.current, level))
        return np.where(self.p_values >= level, np.maximum(limits, self.divergences), limits)

    def _chosen(self, values: Callable[[LearnedLimits], Floats]) -> Floats:
        chosen = values(self.learned)
        if self.seasonal is not None and self.better.any():
            chosen = np.where(self.better, values(self.seasonal), chosen)
        known = (self.learned.windows >= FEWEST_ALIKE) & (self.current.sum(-1) > 0)
        return np.where(known, chosen, np.nan)


def usual(history: Counts, season: NDArray[Any], current: Counts, season_now: Any) -> Usual:
    """Compare a window with its history, or with windows of its season where these are closer.

    Args:
        history: as in :func:`learned_limits`.
        season: of each of its windows, such as the weekday; shape ``(windows,)``.
        current: counts of the window.
        season_now: its season.
    """
    learned = learned_limits(history, season)
    alike = season == season_now
    if len(history) < FEWEST_WINDOWS or alike.sum() < FEWEST_ALIKE:
        return Usual(current, learned, None, np.zeros(len(current), dtype=np.bool_))
    seasons, number = np.unique(season, return_counts=True)
    some = np.isin(season, seasons[number >= FEWEST_ALIKE])
    seasonal = _learned(history[some], season[some], season_now, None)
    better = (seasonal.apart < SEASON_GAIN * learned.apart) & (seasonal.windows >= FEWEST_ALIKE)
    return Usual(current, learned, seasonal, better)
