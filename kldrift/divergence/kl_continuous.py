"""Kullback-Leibler divergence of two densities, by numerical integration."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike

from kldrift.arrays import Floats
from kldrift.divergence.arguments import log_base
from kldrift.divergence.kl import kl_excess, kl_terms

Density = Callable[[float], ArrayLike]
RealFunction = Callable[[float], float]

MASS_TOLERANCE: Final = 1e-6  # quad itself is better than that where it sees the density
ERROR_TOLERANCE: Final = 1e-6
NORMALISED: Final = 1e-9
UNDERFLOW_MASS: Final = 1e-12  # mass of p that may lie where q is 0 because it underflowed
SMALLEST: Final = 5e-324
PROBES: Final = 4096


class EstimatedFloat(float):
    """A float with an estimate of its error.

    Attributes:
        error: estimate of the absolute error, in the unit of the value.
    """

    __slots__ = ("error",)
    error: float

    def __new__(cls, value: float, error: float) -> Self:
        """Return the value with its error."""
        self = super().__new__(cls, value)
        self.error = error
        return self

    def __getnewargs__(self) -> tuple[float, float]:  # type: ignore[override]
        """What pickle hands to ``__new__``."""
        return float(self), self.error


def kl_divergence_continuous(
    p_pdf: Density, q_pdf: Density, lower: float, upper: float, *, base: float = math.e
) -> EstimatedFloat:
    """Kullback-Leibler divergence of two densities by adaptive quadrature, in nats by default.

    ``D(p || q) = integral of p(x) * log(p(x) / q(x)) from lower to upper`` [1], with QUADPACK [2].
    Where a density is not seen at first, because it is narrow in a wide interval, some thousand
    points look for it.

    Args:
        p_pdf: density of the current data, a function of one number; 1 in all over the interval.
        q_pdf: density of the reference, at most 1 in all over the interval.
        lower: lower end, may be ``-math.inf``.
        upper: upper end, may be ``math.inf``.
        base: base of the logarithm: ``math.e`` for nats, 2 for bits.

    Returns:
        A float in [0, inf] with the estimate of its absolute error as ``.error``. It is inf where
        p has mass and q is 0.

    Raises:
        ValueError: the interval is empty, a density is negative, NaN or infinite somewhere, p does
            not integrate to 1 or q to more than 1 (or a peak is too narrow to be found: give a
            narrower interval), q underflows to 0 where more than 1e-12 of p lies (a Gaussian does
            beyond 38 standard deviations: use `gaussian_kl`), or the integral does not converge.

    References:
        [1] Kullback, S. and Leibler, R. A. (1951). On information and sufficiency.
            Annals of Mathematical Statistics 22(1), 79-86. doi:10.1214/aoms/1177729694
        [2] Piessens, R. et al. (1983). QUADPACK. Springer. doi:10.1007/978-3-642-61786-7

    Examples:
        >>> from statistics import NormalDist
        >>> p, q = NormalDist(1, 1).pdf, NormalDist(0, 2).pdf
        >>> divergence = kl_divergence_continuous(p, q, -math.inf, math.inf)
        >>> round(divergence, 6), divergence.error < 1e-6
        (0.443147, True)
    """
    nats = log_base(base)
    if not lower < upper:
        raise ValueError(f"lower must be below upper, got {lower!r} and {upper!r}")
    p, q = _checked("p_pdf", p_pdf), _checked("q_pdf", q_pdf)
    edges = [lower, upper]
    p_mass, q_mass = _integral(p, edges)[0], _integral(q, edges)[0]
    if abs(p_mass - 1) > MASS_TOLERANCE or abs(q_mass - 1) > MASS_TOLERANCE:
        # of both: panels that suit one alone may lose sight of the other
        edges = sorted({*edges, *_edges(p_pdf, lower, upper), *_edges(q_pdf, lower, upper)})
        p_mass, q_mass = _integral(p, edges)[0], _integral(q, edges)[0]
    _require_masses(p_mass, q_mass, lower, upper)

    covered: list[float] = []
    uncovered: list[float] = []
    # terms without cancellation, if all of q lies in the interval; see near_equal
    formula = _excess if abs(q_mass - 1) <= NORMALISED else _term

    def integrand(x: float) -> float:
        px, qx = p(x), q(x)
        if qx > 0:
            covered.append(x)
        elif px > 0:
            uncovered.append(x)
            qx = SMALLEST
        return formula(px, qx)

    value, error = _integral(integrand, edges)
    if uncovered and _uncovered_mass(p, q, edges) > UNDERFLOW_MASS:
        if covered and _fades(q, covered, uncovered):
            raise ValueError(
                "q_pdf underflows to 0 where p_pdf has mass, so that the divergence is large and "
                "perhaps infinite; use a closed form such as gaussian_kl"
            )
        return EstimatedFloat(math.inf, 0.0)
    if not error <= ERROR_TOLERANCE * max(1.0, abs(value)):
        raise ValueError(
            f"the integral did not converge: {value:.6g} with an error of {error:.1e}; the "
            "divergence may be infinite, or the interval too wide"
        )
    return EstimatedFloat(max(value, 0.0) / nats, error / nats)


def _excess(p: float, q: float) -> float:
    return float(kl_excess(np.asarray(p), np.asarray(q), np.asarray(q - p)))


def _term(p: float, q: float) -> float:
    return float(kl_terms(np.asarray(p), np.asarray(q)))


def _checked(name: str, density: Density) -> RealFunction:
    def checked(x: float) -> float:
        value = _number(density(x))
        if not 0 <= value < math.inf:
            raise ValueError(f"{name} must be finite and not negative, got {value!r} at {x!r}")
        return value

    return checked


def _number(value: ArrayLike) -> float:
    """A density may answer with an array of one number, as scipy's gaussian_kde does."""
    return float(np.asarray(value, dtype=np.float64).item())


def _uncovered_mass(p: RealFunction, q: RealFunction, edges: list[float]) -> float:
    """Mass of p where q is 0; it ends abruptly, which quad could follow for long."""
    return _integral(lambda x: 0.0 if q(x) else p(x), edges, UNDERFLOW_MASS, 0.1)[0]


def _fades(q: RealFunction, covered: list[float], uncovered: list[float]) -> bool:
    """Whether q reaches 0 through the smallest numbers, as an underflow does, by bisection."""
    outside = uncovered[0]
    inside = min(covered, key=lambda x: abs(x - outside))
    for _ in range(60):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if q(middle) > 0 else (inside, middle)
    return q(inside) < 1e-290


def _integral(
    function: RealFunction, edges: list[float], epsabs: float = 0.0, epsrel: float = 1e-10
) -> tuple[float, float]:
    """The integral over the panels between the edges, and the estimate of its error."""
    from scipy.integrate import quad  # noqa: PLC0415 - takes longer than all else in this package

    value = error = 0.0
    for lower, upper in pairwise(edges):
        # full_output turns warnings into entries: the error estimate says what they say
        result = quad(
            function, lower, upper, epsabs=epsabs, epsrel=epsrel, limit=200, full_output=1
        )
        value += result[0]
        error += result[1]
    return value, error


def _edges(density: Density, lower: float, upper: float) -> list[float]:
    """Ends, highest points and steps of the stretches in which the density is seen."""
    points = _probes(lower, upper)
    values = np.array([_number(density(float(x))) for x in points])
    seen = np.flatnonzero(np.diff(np.concatenate([[0], values > 0, [0]])))
    edges: list[float] = []
    for first, last in zip(seen[::2], seen[1::2], strict=True):
        highest = first + int(np.argmax(values[first:last]))
        # a long stretch in steps, for it may span many orders of magnitude
        steps = range(first, last, PROBES // 16)
        around = [max(first - 1, 0), *steps, highest, min(last, points.size - 1)]
        edges += [float(points[i]) for i in around]
    return edges


def _probes(lower: float, upper: float) -> Floats:
    """Points inside the interval: even in a finite one, geometric towards an infinite end."""
    if math.isfinite(lower) and math.isfinite(upper):
        return np.linspace(lower, upper, PROBES + 2)[1:-1]
    away = np.geomspace(1e-9, 1e12, PROBES)
    if math.isfinite(lower):
        return lower + away
    if math.isfinite(upper):
        return (upper - away)[::-1]
    return np.concatenate([-away[::-1], [0.0], away])


def _require_masses(p_mass: float, q_mass: float, lower: float, upper: float) -> None:
    where = f"over [{lower!r}, {upper!r}]"
    if not abs(p_mass - 1) <= MASS_TOLERANCE:
        raise ValueError(
            f"p_pdf must integrate to 1 {where}, got {p_mass:.6g}; if it is a density there, its "
            "peak is too narrow to be found: give a narrower interval around it"
        )
    if not q_mass <= 1 + MASS_TOLERANCE:
        raise ValueError(f"q_pdf must integrate to at most 1 {where}, got {q_mass:.6g}")
