"""Wasserstein distance of order 1, of cells on a line and of samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kldrift.arrays import Floats
from kldrift.divergence.arguments import (
    Value,
    distributions,
    over_cells,
    require,
    require_broadcast,
    sample,
    unwrap,
)
from kldrift.divergence.cumulative import (
    cdf_difference,
    empirical_cdf_difference,
    weighted_cdf_difference,
)


def wasserstein(p: ArrayLike, q: ArrayLike, positions: ArrayLike | None = None) -> Value:
    """Wasserstein distance over ordered cells, in the unit of their positions; a metric.

    ``W(p, q) = sum(|P - Q| * gap)``, where P and Q are the cumulative sums of p and q and ``gap``
    is the way from a cell to the next [1]: the mean way that mass moves from q to p. It is also
    known as the earth mover's distance.

    Args:
        p: current probabilities, shape ``(..., k)``, cells in increasing order.
        q: reference probabilities on the same cells; leading axes broadcast.
        positions: where the mass of each cell lies, shape ``(..., k)``, never decreasing; for bins
            with edges e this is usually ``(e[:-1] + e[1:]) / 2``. Without it cells are 1 apart.

    Returns:
        A value in [0, ``positions[-1] - positions[0]``] of shape ``(...)``, a float for 1-D
        arguments.

    Raises:
        ValueError: as for `kl_divergence`; or positions are not finite, decrease, or are not one
            for each cell.

    References:
        [1] Vallender, S. S. (1974). Calculation of the Wasserstein distance between probability
            distributions on the line. Theory of Probability and its Applications 18(4), 784-786.
            doi:10.1137/1118101

    Examples:
        >>> round(wasserstein([0.4, 0.4, 0.2], [0.5, 0.1, 0.4]), 4)
        0.3
        >>> round(wasserstein([0.4, 0.4, 0.2], [0.5, 0.1, 0.4], [0, 10, 100]), 4)
        19.0
    """
    current, reference = distributions(p, q)
    if positions is None:
        return unwrap(wasserstein_formula(current, reference))
    return unwrap(wasserstein_formula(current, reference, _positions(positions, current)))


def wasserstein_samples(
    x: ArrayLike,
    y: ArrayLike,
    x_weights: ArrayLike | None = None,
    y_weights: ArrayLike | None = None,
) -> float:
    """Wasserstein distance of two samples, in their unit.

    ``integral(|F - G|)`` over the line, where F and G are the empirical cumulative distributions;
    for samples of one size it is the mean of ``|sort(x) - sort(y)|``. The arguments are in the
    order of ``scipy.stats.wasserstein_distance``.

    Args:
        x: current values, shape ``(n,)``, in any order.
        y: reference values, shape ``(m,)``.
        x_weights: weight of each x, shape ``(n,)``, in any unit; 1 each without it.
        y_weights: weight of each y, shape ``(m,)``.

    Returns:
        A value in [0, inf); 0 if and only if both samples have the same empirical distribution.

    Raises:
        ValueError: a sample is empty, not one-dimensional, or not finite; or weights are not one
            for each value, negative, not finite, or all 0.

    References:
        Vallender, S. S. (1974). Calculation of the Wasserstein distance between probability
            distributions on the line. Theory of Probability and its Applications 18(4), 784-786.
            doi:10.1137/1118101

    Examples:
        >>> wasserstein_samples([0, 1, 3], [5, 6, 8])
        5.0
        >>> wasserstein_samples([0, 1], [0, 1], [3, 1], [2, 2])
        0.25
    """
    current, reference = sample("x", x), sample("y", y)
    if x_weights is None and y_weights is None:
        values, difference = empirical_cdf_difference(current, reference)
    else:
        weights = _weights("x", x_weights, current), _weights("y", y_weights, reference)
        values, difference = weighted_cdf_difference(current, reference, *weights)
    return float((np.abs(difference[:-1]) * np.diff(values)).sum())


def wasserstein_formula(p: Floats, q: Floats, positions: Floats | None = None) -> Floats:
    """``W(p, q)``, shape ``(...)``; no argument is checked."""
    moved = np.abs(cdf_difference(p, q)[..., :-1])
    if positions is None:
        return over_cells(moved)
    return over_cells(moved * np.diff(positions, axis=-1))


def _positions(positions: ArrayLike, p: Floats) -> Floats:
    array = np.asarray(positions, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] != p.shape[-1]:
        raise ValueError(
            f"positions must be one for each of the {p.shape[-1]} cells, got shape {array.shape}"
        )
    require_broadcast(p=p.shape, positions=array.shape)
    require(np.isfinite(array), array, "positions must be finite")
    gaps = np.diff(array, axis=-1)
    require(gaps >= 0, gaps, "positions must not decrease from one cell to the next")
    return array


def _weights(name: str, weights: ArrayLike | None, values: Floats) -> Floats:
    if weights is None:
        return np.ones(values.size)
    array = np.asarray(weights, dtype=np.float64)
    name, of = f"{name}_weights", name
    if array.shape != values.shape:
        raise ValueError(
            f"{name} must be one for each of the {values.size} values of {of}, "
            f"got shape {array.shape}"
        )
    require((array >= 0) & (array < np.inf), array, f"{name} must be finite and not negative")
    if not array.any():
        raise ValueError(f"{name} must not all be 0")
    return array
