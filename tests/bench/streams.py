"""Streams of daily counts with known truth, to measure alarms on.

180 days of 50 features, or more, on frozen cells: three fifths are numbers (20 cells of equal mass
and two thin tails), the others texts (4 to 40 cells, like Zipf's), with 2 % of nulls, and a cell
for values that are new. A day's distribution of a feature is the reference tilted by its state
``a``, about a shift of its mean by so many standard deviations: ``p`` of a day is proportional to
``p exp(a s)``, where ``s`` are the standardised positions of the cells. Counts are multinomial, or
Dirichlet-multinomial where rows come in clusters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Random = np.random.Generator

DAYS: Final = 180
FEATURES: Final = 50
NUMBERS: Final = 0.6
"""The share of features that are numbers; they come first."""
CELLS: Final = 42
OF_A_NUMBER: Final = np.r_[1e-4, np.full(20, (1 - 2e-4) / 20), 1e-4]
NULL: Final = 40
NEW: Final = 41
WEEK: Final = np.array([0, 0, 0, 0, 0.2, 1, 0.9])
"""How far each weekday is on the way to the weekend."""


@dataclass(frozen=True)
class Kind:
    """What makes the days of a stream differ.

    Attributes:
        week: of half of the features, how far the weekend lies from the week, in deviations.
        day: the spread of states from day to day, half of it common to all features.
        tails: degrees of freedom of these; 0 is normal.
        cluster: how many times as large the variance of counts is.
        trend: deviations a day, up or down.
        holidays: days on which all states move by half a deviation and half of the rows come.
        outages: days on which one row of fifty comes.
        shifted: features that move by 0.3 deviations for good, in the middle.
        volume: how far the number of rows wanders, as the spread of its logarithm a day.
    """

    week: float = 0.0
    day: float = 0.0
    tails: float = 0.0
    cluster: float = 1.0
    trend: float = 0.0
    holidays: tuple[int, ...] = ()
    outages: tuple[int, ...] = ()
    shifted: int = 0
    volume: float = 0.0

    @property
    def events(self) -> tuple[int, ...]:
        """Days on which something happens that a page is right about."""
        moved = (DAYS // 2,) if self.shifted else ()
        return (*self.holidays, *self.outages, *moved)


KINDS: Final = {
    "days alike": Kind(),
    "a weekly season of 0.3 sd, half of the features": Kind(week=0.3),
    "states of 0.1 sd that follow each other": Kind(day=0.1),
    "states of 0.3 sd that follow each other": Kind(day=0.3),
    "rows in clusters: 5.5 times the variance": Kind(cluster=5.5),
    "a trend of 0.003 sd a day": Kind(trend=0.003),
    "season, states of 0.1 sd and clusters": Kind(week=0.3, day=0.1, cluster=5.5),
    "holidays": Kind(holidays=(12, 47, 101, 102, 150)),
    "5 features move for good on day 90": Kind(shifted=5),
    "outages": Kind(cluster=2.0, outages=(20, 60, 61, 130)),
    "a volume that wanders, few rows on weekends": Kind(volume=0.15),
    "a weekly season of 0.3 sd, few rows on weekends": Kind(week=0.3, volume=0.15),
    "states with heavy tails": Kind(day=0.1, tails=3.0),
}
PHI: Final = 0.8
"""How much of a state the next day keeps."""


@dataclass(frozen=True, eq=False)
class Stream:
    """Counts of days.

    Attributes:
        counts: shape ``(days, features, cells)``.
        base: the distribution of each feature, ``(features, cells)``.
        places: positions of the cells.
        states: of each day and feature.
        rows: of each day.
        cluster: as of its kind.
    """

    counts: Counts
    base: Floats
    places: Floats
    states: Floats
    rows: Counts
    cluster: float

    def changed(
        self, rng: Random, first: int, days: int, change: Callable[[Floats, Floats], Floats]
    ) -> Counts:
        """Counts of some days again, after a change of all features' distributions.

        Args:
            rng: draws them.
            first: the first of them.
            days: how many.
            change: from distributions and positions to distributions.
        """
        some = slice(first, first + days)
        p = change(_tilted(self.base, self.places, self.states[some]), self.places)
        return _drawn(rng, p, self.rows[some], self.cluster)


def stream(kind: Kind, seed: int, rows: int = 5_000, features: int = FEATURES) -> Stream:
    """A stream of one kind; the same for the same seed."""
    rng = np.random.default_rng(seed)
    base, places = _features(rng, features)
    states = _states(rng, kind, features)
    size = rows * np.exp(0.1 * rng.normal(size=DAYS))
    if kind.volume:
        size *= np.exp(kind.volume * rng.normal(size=DAYS).cumsum() - 0.7 * (WEEK * 2)[weekdays()])
    size[list(kind.holidays)] *= 0.5
    size[list(kind.outages)] *= 0.02
    number = np.clip(size, 20, 200_000).astype(np.int64)
    counts = _drawn(rng, _tilted(base, places, states), number, kind.cluster)
    return Stream(counts, base, places, states, number, kind.cluster)


def weekdays() -> Counts:
    """The weekday of each day."""
    return np.arange(DAYS) % 7


def _features(rng: Random, features: int) -> tuple[Floats, Floats]:
    base, places = np.zeros((2, features, CELLS))
    for feature in range(features):
        if feature < NUMBERS * features:
            p = OF_A_NUMBER
            s = norm.ppf(p.cumsum() - p / 2)
        else:
            size = int(rng.integers(4, 41))
            p = np.arange(1, size + 1.0) ** -rng.uniform(0.5, 1.3)
            p, s = p / p.sum(), rng.normal(size=size)
        s = s - (p * s).sum()
        base[feature, : len(p)] = 0.98 * p
        base[feature, NULL] = 0.02
        places[feature, : len(p)] = s / np.sqrt((p * s * s).sum())
    return base, places


def _states(rng: Random, kind: Kind, features: int) -> Floats:
    sign = rng.choice([-1, 1], features)
    states = kind.trend * np.arange(DAYS)[:, None] * sign
    half = np.arange(features) % 2 == 0
    size = kind.week * sign * rng.uniform(0.5, 1.5, features) * half
    states = states + (WEEK - WEEK.mean())[weekdays(), None] * size
    states[list(kind.holidays)] += 0.5 * sign
    states[DAYS // 2 :, : kind.shifted] += 0.3

    def noise(shape: tuple[int, int]) -> Floats:
        if not kind.tails:
            return rng.normal(size=shape)
        return rng.standard_t(kind.tails, size=shape) / np.sqrt(kind.tails / (kind.tails - 2))

    fresh = np.sqrt(0.5) * (noise((DAYS, 1)) * rng.choice([-1, 1], features))
    fresh = fresh + np.sqrt(0.5) * noise((DAYS, features))
    followed = fresh.copy()
    for day in range(1, DAYS):
        followed[day] = PHI * followed[day - 1] + np.sqrt(1 - PHI**2) * fresh[day]
    return np.asarray(states + kind.day * followed)


def _tilted(base: Floats, places: Floats, states: Floats) -> Floats:
    p = base * np.exp(states[..., None] * places)
    return np.asarray(p / p.sum(-1, keepdims=True))


def _drawn(rng: Random, p: Floats, rows: Counts, cluster: float) -> Counts:
    if cluster > 1:
        alpha = np.maximum(((rows - 1) / (cluster - 1) - 1)[:, None, None] * p, 1e-12)
        p = np.where(p > 0, rng.standard_gamma(alpha), 0)
        p = p / p.sum(-1, keepdims=True)
    return np.asarray(rng.multinomial(rows[:, None], p))
