"""Scores of many pairs of profiles at once.

A pair is a current and a reference profile of one feature on one support. Pairs are padded with
empty cells to a common width, so that each formula runs once over a matrix instead of once per
feature; an empty cell adds nothing to any of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from kldrift.divergence import DIVERGENCES, gaussian_kl_parts
from kldrift.divergence.probabilities import probabilities
from kldrift.divergence.wasserstein import wasserstein_formula
from kldrift.profiles.cells import CODES, CellKind
from kldrift.profiles.profile import Profile
from kldrift.profiles.rebinning import Rebinning
from kldrift.profiles.support import NumericSupport, Support
from kldrift.statistics.significance import g_test

Floats = NDArray[np.float64]

CELL_METRICS: Final = ("kl", "kl_reverse", "js", "psi", "hellinger", "total_variation")
ORDERED_METRICS: Final = ("wasserstein", "ks")
GAUSSIAN_METRICS: Final = ("gaussian_kl", "gaussian_kl_mean", "gaussian_kl_spread")
MOMENTS: Final = ("mean_reference", "mean_current", "std_reference", "std_current")
SCORES: Final = (
    *CELL_METRICS,
    *ORDERED_METRICS,
    *GAUSSIAN_METRICS,
    *MOMENTS,
    "cells",
    "kl_expected",
    "p_value",
)
"""What :func:`score` computes for each pair; NaN where it cannot be computed."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two profiles of one feature on one support, and how its cells are merged for scoring."""

    current: Profile
    reference: Profile
    scored: Rebinning

    @property
    def support(self) -> Support:
        """The cells of both profiles."""
        return self.reference.support


@dataclass(frozen=True, eq=False)
class ScoredPair:
    """A feature's profiles and its scores, by name; NaN where there is none."""

    comparison: Comparison
    scores: dict[str, float]


def score(
    pairs: Sequence[Comparison], *, pseudocount: float = 0.5, missing: str = "cell"
) -> dict[str, Floats]:
    """Score pairs of profiles.

    Args:
        pairs: what to compare.
        pseudocount: rows added to each cell that has rows on either side.
        missing: ``cell`` compares nulls and NaN as cells, ``exclude`` leaves them out.

    Returns:
        For each name in ``SCORES`` an array of shape ``(len(pairs),)``. NaN stands for what cannot
        be computed: an infinite score, an ordered metric of categories, a side without rows.
    """
    out = {name: np.full(len(pairs), np.nan) for name in SCORES}
    for which in _by_width([pair.scored.size for pair in pairs]):
        _score_cells([pairs[i] for i in which], which, out, pseudocount, missing)
    ordered = [i for i, pair in enumerate(pairs) if positions_of(pair.support) is not None]
    for which in _by_width([_width(pairs[i].support) for i in ordered]):
        rows = [ordered[j] for j in which]
        _score_order([pairs[i] for i in rows], rows, out)
    _score_moments(pairs, out)
    for values in out.values():
        values[np.isinf(values)] = np.nan
    return out


def scored_counts(pair: Comparison, missing: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of each scored cell, current and reference; those left out are 0."""
    p = pair.scored.fold(pair.current.counts)
    q = pair.scored.fold(pair.reference.counts)
    if missing == "exclude":
        keep = ~np.isin(pair.scored.codes, [CODES[CellKind.NULL], CODES[CellKind.NAN]])
        p, q = p * keep, q * keep
    return p, q


def _by_width(widths: Sequence[int]) -> Iterator[list[int]]:
    """Indices of rows of similar width, so that padding at most doubles the work."""
    classes: dict[int, list[int]] = {}
    for i, width in enumerate(widths):
        classes.setdefault(width.bit_length(), []).append(i)
    yield from classes.values()


def _padded(rows: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    out = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out


def _score_cells(
    pairs: Sequence[Comparison],
    which: Sequence[int],
    out: dict[str, Floats],
    pseudocount: float,
    missing: str,
) -> None:
    sides = [scored_counts(pair, missing) for pair in pairs]
    p, q = _padded([s[0] for s in sides]), _padded([s[1] for s in sides])
    for name, values in cell_scores(p, q, pseudocount).items():
        out[name][which] = values


def cell_scores(
    p: NDArray[np.int64], q: NDArray[np.int64], pseudocount: float
) -> dict[str, Floats]:
    """The scores of scored cells that need no order, and the test.

    Args:
        p: current rows per pair and cell, shape ``(n, k)``.
        q: reference rows.
        pseudocount: rows added to each cell that has rows on either side.

    Returns:
        For each name an array of shape ``(n,)``.
    """
    out: dict[str, Floats] = {}
    occupied = (p + q) > 0
    n, m = p.sum(-1), q.sum(-1)
    both = (n > 0) & (m > 0)
    current = probabilities(p, occupied, pseudocount=pseudocount)
    reference = probabilities(q, occupied, pseudocount=pseudocount)
    for metric in CELL_METRICS:
        value = DIVERGENCES[metric].fn(current, reference)
        out[metric] = np.where(both, value, np.nan)
    cells = occupied.sum(-1)
    out["cells"] = cells.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.maximum(cells - 1, 0) / 2 * (1 / n + 1 / m)
    out["kl_expected"] = np.where(both, expected, np.nan)
    out["p_value"] = np.where(both, np.atleast_1d(g_test(p, q)[2]), np.nan)
    return out


def _width(support: Support) -> int:
    return support.intervals if isinstance(support, NumericSupport) else 0


def positions_of(support: Support) -> Floats | None:
    """Where the ordered cells lie; None where there is no order."""
    if not isinstance(support, NumericSupport) or not len(support.edges):
        return None
    at = support.positions
    finite = ~np.isnan(at)
    # Infinities lie nowhere: they count for the order, but no distance can be told.
    known = at[finite]
    return np.where(finite, at, np.where(np.arange(len(at)) == 0, known[0], known[-1]))


def _score_order(pairs: Sequence[Comparison], which: Sequence[int], out: dict[str, Floats]) -> None:
    """Metrics of ordered cells, on the stored cells and without smoothing: they need none."""
    widths = [_width(pair.support) for pair in pairs]
    p = _padded([pair.current.counts[:w] for pair, w in zip(pairs, widths, strict=True)])
    q = _padded([pair.reference.counts[:w] for pair, w in zip(pairs, widths, strict=True)])
    positions = np.zeros(p.shape)
    for i, (pair, width) in enumerate(zip(pairs, widths, strict=True)):
        at = positions_of(pair.support)
        assert at is not None
        positions[i, :width] = at
        positions[i, width:] = positions[i, width - 1]
    for name, values in order_scores(p, q, positions).items():
        out[name][which] = values


def order_scores(
    p: NDArray[np.int64], q: NDArray[np.int64], positions: Floats
) -> dict[str, Floats]:
    """The scores of ordered stored cells.

    Args:
        p: current rows per pair and cell, shape ``(n, k)``.
        q: reference rows.
        positions: where the cells lie, shape ``(n, k)`` or ``(k,)``.

    Returns:
        For each name an array of shape ``(n,)``.
    """
    both = (p.sum(-1) > 0) & (q.sum(-1) > 0)
    current, reference = probabilities(p, pseudocount=0), probabilities(q, pseudocount=0)
    ks = DIVERGENCES["ks"].fn(current, reference)
    distance = wasserstein_formula(current, reference, positions)
    return {"ks": np.where(both, ks, np.nan), "wasserstein": np.where(both, distance, np.nan)}


def _score_moments(pairs: Sequence[Comparison], out: dict[str, Floats]) -> None:
    numeric = [i for i, pair in enumerate(pairs) if isinstance(pair.support, NumericSupport)]
    for i in numeric:
        pair = pairs[i]
        assert isinstance(pair.support, NumericSupport)
        for side, profile in (("reference", pair.reference), ("current", pair.current)):
            moments = profile.moments.summary(pair.support.scale)
            if moments.rows:
                out[f"mean_{side}"][i] = moments.mean
                out[f"std_{side}"][i] = moments.std
    add_gaussian(out)


def add_gaussian(out: dict[str, Floats]) -> None:
    """Add the scores that come from the means and standard deviations among them."""
    mean_p, std_p = out["mean_current"], out["std_current"]
    mean_q, std_q = out["mean_reference"], out["std_reference"]
    spread = (std_p > 0) & (std_q > 0) & np.isfinite(std_p) & np.isfinite(std_q)
    if spread.any():
        mean, width = gaussian_kl_parts(
            mean_p[spread], std_p[spread], mean_q[spread], std_q[spread]
        )
        out["gaussian_kl_mean"][spread] = mean
        out["gaussian_kl_spread"][spread] = width
        out["gaussian_kl"][spread] = mean + width
