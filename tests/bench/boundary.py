"""How often limits of other metrics than ``kl`` are said to be exceeded, the truth being at them.

Counts are drawn from shares that differ by just the limit. Cells that are quantiles of the
reference hold fixed shares of its rows, and their true shares are what is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from kldrift.divergence import js_divergence
from kldrift.statistics.effect_tests import (
    js_above_p,
    ratio_above_p,
    share_above_p,
    wasserstein_above_p,
)
from kldrift.statistics.spikes import spike_above_p
from kldrift.statistics.tails import tail_rise_p

Floats = NDArray[np.float64]
Rng = np.random.Generator
Errors = Callable[[Rng, int, int, int, Floats], Iterator[Floats]]
"""From random numbers, current rows, reference rows, draws and limit: p-values of some truths."""

ROWS: Final = ((300, 300), (1_000, 1_000), (10_000, 10_000), (1_000, 100_000), (100_000, 100_000))
HEAD: Final = ("metric", "limit", *(f"{n:,} beside {m:,} rows" for n, m in ROWS))
SHARES: Final = (0.0, 0.001, 0.02, 0.3)
RATES: Final = (0.002, 0.02, 0.2)
STORED: Final = 128


def _js(rng: Rng, n: int, m: int, draws: int, limit: Floats) -> Iterator[Floats]:
    for cells in (3, 20):
        for weights in (np.ones(cells), 1 / np.arange(1.0, cells + 1)):
            q = weights / weights.sum()
            for towards in (rng.normal(size=cells), np.arange(cells) == cells - 1.0):
                p = _at(lambda x, q=q, to=towards: _tilted(q, x * to), limit[0], q)
                yield js_above_p(rng.multinomial(n, p, draws), rng.multinomial(m, q, draws), limit)


def _at(tilt: Callable[[float], Floats], limit: float, q: Floats) -> Floats:
    low, high = 0.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if js_divergence(tilt(middle), q) < limit else (low, middle)
    return tilt(low)


def _tilted(q: Floats, by: Floats) -> Floats:
    p = q * np.exp(by)
    return np.asarray(p / p.sum())


def _share(rng: Rng, n: int, m: int, draws: int, limit: Floats) -> Iterator[Floats]:
    first = np.broadcast_to([True, False], (draws, 2))
    for share in SHARES:
        for now, before in ((share + limit[0], share), (share, share + limit[0])):
            p, q = (_pair(rng, *side, draws) for side in ((n, now), (m, before)))
            yield share_above_p(p, q, first, limit)


def _ratio(rng: Rng, n: int, m: int, draws: int, limit: Floats) -> Iterator[Floats]:
    for rate in RATES:
        p, q = (_pair(rng, *side, draws) for side in ((n, rate * limit[0]), (m, rate)))
        yield ratio_above_p(p, q, limit)


def _pair(rng: Rng, rows: int, share: float, draws: int) -> NDArray[np.int64]:
    inside = rng.binomial(rows, share, draws)
    return np.stack([inside, rows - inside], axis=-1)


def _tail(rng: Rng, n: int, m: int, draws: int, limit: Floats) -> Iterator[Floats]:
    before = m // 1_000 if m >= 10_000 else 0
    beyond = rng.beta(before + 1, m - before, draws) + limit[0]
    p = np.stack([rng.binomial(n, 1 - beyond), np.zeros(draws, dtype=np.int64)], axis=-1)
    p[:, 1] = n - p[:, 0]
    yield tail_rise_p(p, np.broadcast_to([m - before, before], p.shape), limit)


def _stored(rng: Rng, m: int, draws: int) -> tuple[NDArray[np.int64], Floats]:
    """Rows of a reference in its quantile cells, and what they truly hold."""
    cells = min(STORED, max(20, m // 10))
    counts = np.diff(np.arange(cells + 1) * m // cells)
    return np.broadcast_to(counts, (draws, cells)), rng.dirichlet(counts, draws)


def _spike(rng: Rng, n: int, m: int, draws: int, limit: Floats) -> Iterator[Floats]:
    q, true = _stored(rng, m, draws)
    every = np.ones(q.shape, dtype=np.bool_)
    for ranges in (every, ~every):
        p = true * (1 - limit[0])
        p[:, q.shape[1] // 2] += limit[0] * (1 - true[:, q.shape[1] // 2]) / (1 - limit[0])
        p /= p.sum(-1, keepdims=True)
        yield spike_above_p(rng.multinomial(n, p), q, every, ranges, limit)
    frequent = np.full(q.shape[1], 0.83 / (q.shape[1] - 1))
    frequent[0] = 0.17  # a price that moves a little, and what comes beside it
    moved = frequent * (1 - limit[0] / frequent[2:].sum())
    moved[:2] = frequent[0] - 0.05, frequent[1] + 0.05 + limit[0]
    p, q = (rng.multinomial(rows, side, draws) for rows, side in ((n, moved), (m, frequent)))
    ranges = np.broadcast_to(np.arange(q.shape[1]) > 0, q.shape)
    yield spike_above_p(p, q, every, ranges, limit)


def _wasserstein(rng: Rng, n: int, m: int, draws: int, limit: Floats) -> Iterator[Floats]:
    q, true = _stored(rng, m, draws)
    edges = ndtri(np.minimum(1 - 1e-12, true.cumsum(-1)[:, :-1]))
    ends = np.full((draws, 1), np.inf)
    p = np.diff(ndtr(np.hstack([-ends, edges - limit[0], ends])), axis=-1)
    middle = (edges[:, 1:] + edges[:, :-1]) / 2
    positions = np.hstack(
        [2 * edges[:, :1] - middle[:, :1], middle, 2 * edges[:, -1:] - middle[:, -1:]]
    )
    p /= p.sum(-1, keepdims=True)
    yield wasserstein_above_p(rng.multinomial(n, p), q, positions, limit)


METRICS: Final[tuple[tuple[str, float, Errors], ...]] = (
    ("`js`", 0.004, _js),
    ("`js`", 0.02, _js),
    ("share of a value, a category or nulls", 0.005, _share),
    ("share of a value, a category or nulls", 0.02, _share),
    ("`share_ratio`, `null_share_ratio`", 2.0, _ratio),
    ("`share_ratio`, `null_share_ratio`", 4.0, _ratio),
    ("`bin_share_change`", 0.01, _spike),
    ("`bin_share_change`", 0.015, _spike),
    ("`tail_share_rise`", 0.003, _tail),
    ("`tail_share_rise`", 0.02, _tail),
    ("`wasserstein_std`, a shift", 0.1, _wasserstein),
    ("`wasserstein_std`, a shift", 0.3, _wasserstein),
)


def at_other_limits(draws: int) -> Iterator[list[str]]:
    """Of each metric and limit: the largest error rates in %, at 0.05 and at 0.01."""
    for name, limit, errors in METRICS:
        row = [name, f"{limit:g}"]
        for n, m in ROWS:
            limits = np.full(draws, limit)
            found = list(errors(np.random.default_rng(0), n, m, draws, limits))
            most = [max(100 * float((p < level).mean()) for p in found) for level in (0.05, 0.01)]
            row.append(" / ".join(f"{rate:.1f}" for rate in most))
        yield row
