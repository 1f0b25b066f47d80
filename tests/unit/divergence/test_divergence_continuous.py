"""Kullback-Leibler divergence of densities, by integration."""

import math
import pickle
from statistics import NormalDist

import numpy as np
import pytest
from scipy import stats

from kldrift.divergence import EstimatedFloat, gaussian_kl, kl_divergence_continuous

INF = math.inf


def normal(mean, std):
    return NormalDist(mean, std).pdf


@pytest.mark.parametrize(
    ("p", "q"),
    [
        ((0, 1), (0, 2)),
        ((0, 1), (3, 0.5)),
        ((0, 1), (0, 0.9)),  # q underflows where p does not yet
        ((0, 1), (1e-6, 1)),
        ((-1e6, 1e3), (-1.002e6, 2e3)),
        ((1000, 1), (1001, 1)),
        ((1000, 0.3), (1000.2, 0.4)),
        ((0, 1e-6), (1e-6, 1e-6)),
        ((0, 1e6), (1e6, 2e6)),
    ],
    ids=str,
)
def test_gaussians_on_the_whole_line_give_the_closed_form(p, q):
    value = kl_divergence_continuous(normal(*p), normal(*q), -INF, INF)
    assert value == pytest.approx(gaussian_kl(*p, *q), rel=1e-9, abs=0)
    assert abs(value - gaussian_kl(*p, *q)) <= value.error + 1e-12 * value


@pytest.mark.parametrize(
    ("p", "q", "interval", "expected"),
    [
        (stats.expon(scale=1), stats.expon(scale=2), (0, INF), math.log(2) - 0.5),
        (stats.expon(scale=100), stats.expon(scale=50), (0, INF), math.log(0.5) + 1),
        (stats.expon(-7, scale=1), stats.expon(-7, scale=2), (-INF, INF), math.log(2) - 0.5),
        (stats.uniform(0, 1), stats.uniform(0, 2), (0, 1), math.log(2)),
        (stats.uniform(0, 1), stats.uniform(0, 2), (-1, 5), math.log(2)),
        # Chyzak and Nielsen (2019): log(((s + t)**2 + (a - b)**2) / (4 * s * t))
        (stats.cauchy(), stats.cauchy(1, 2), (-INF, INF), math.log(10 / 8)),
        (stats.laplace(), stats.laplace(1), (-INF, INF), math.exp(-1)),
        (stats.beta(0.5, 0.5), stats.uniform(0, 1), (0, 1), math.log(4 / math.pi)),
    ],
    ids=["expon", "wide", "on the line", "uniform", "q goes on", "cauchy", "laplace", "arcsine"],
)
def test_closed_forms_are_found(p, q, interval, expected):
    value = kl_divergence_continuous(p.pdf, q.pdf, *interval)
    assert value == pytest.approx(expected, rel=1e-9)


def test_equal_densities_have_no_drift():
    assert kl_divergence_continuous(normal(0, 1), normal(0, 1), -INF, INF) == 0


def test_peaks_that_are_far_apart_are_found():
    def mixture(share):
        return lambda x: share * normal(-50, 1)(x) + (1 - share) * normal(300, 2)(x)

    value = kl_divergence_continuous(mixture(0.5), mixture(0.3), -INF, INF)
    assert value == pytest.approx(0.5 * math.log(0.5 / 0.3) + 0.5 * math.log(0.5 / 0.7), rel=1e-9)


def constant(value):
    return lambda _: value


def test_a_peak_on_a_plateau_is_found():
    def mixture(share):
        return lambda x: share * normal(0, 1e5)(x) + (1 - share) * normal(777, 1)(x)

    # scipy.integrate.quad of p * log(p / q) over panels that end at 760, 777 and 794
    value = kl_divergence_continuous(mixture(0.5), mixture(0.3), -INF, INF)
    assert value == pytest.approx(0.08717130488066838, rel=1e-9)


def test_a_density_may_answer_with_an_array():
    value = kl_divergence_continuous(constant(np.array([1.0])), constant(np.float32(0.5)), 0, 1)
    assert value == pytest.approx(math.log(2))


@pytest.mark.parametrize(
    ("p", "q", "interval"),
    [
        (stats.expon(), stats.uniform(0, 1), (0, INF)),
        (stats.norm(), stats.uniform(-5, 10), (-INF, INF)),
        (stats.uniform(0, 2), stats.beta(2, 2), (0, 2)),
    ],
    ids=["expon", "norm", "beta"],
)
def test_mass_where_the_reference_has_none_is_infinite(p, q, interval):
    assert kl_divergence_continuous(p.pdf, q.pdf, *interval) == INF


def test_a_reference_that_underflows_is_no_reference_without_mass():
    with pytest.raises(
        ValueError, match=r"q_pdf underflows to 0 where p_pdf has mass.*gaussian_kl"
    ):
        kl_divergence_continuous(normal(0, 1), normal(0, 0.1), -INF, INF)
    with pytest.raises(ValueError, match=r"q_pdf underflows to 0 where p_pdf has mass"):
        kl_divergence_continuous(normal(0, 1), normal(1000, 0.3), -INF, INF)


def test_a_very_narrow_peak_is_found_on_the_whole_line():
    value = kl_divergence_continuous(normal(1e3, 1e-2), normal(1e3, 2e-2), -INF, INF)
    assert value == pytest.approx(gaussian_kl(1e3, 1e-2, 1e3, 2e-2), rel=1e-9)


def test_a_peak_that_is_too_narrow_to_be_found_is_refused():
    message = r"must integrate to 1 over \[-inf, inf\], got 0; .* narrower interval around it"
    with pytest.raises(ValueError, match=message):
        kl_divergence_continuous(normal(1234.567, 1e-3), normal(1234.567, 1e-3), -INF, INF)


def test_a_power_law_over_many_orders_of_magnitude_is_seen():
    def pareto(alpha):
        return lambda x: alpha / (1 + x) ** (1 + alpha)

    value = kl_divergence_continuous(pareto(2), pareto(1e-3), 0, INF)
    # closed form: log(a / b) + b / a - 1
    assert value == pytest.approx(math.log(2000) + 0.0005 - 1, rel=1e-9)
    value = kl_divergence_continuous(pareto(2), stats.expon(scale=1e12).pdf, 0, INF)
    # minus the entropy 1 + 1 / a - log(a), plus the mean 1 of -log(q)
    assert value == pytest.approx(math.log(2) - 1.5 + math.log(1e12) + 1e-12, rel=1e-9)


def test_a_narrower_interval_helps():
    value = kl_divergence_continuous(normal(1234.567, 1e-3), normal(1234.568, 1e-3), 1230, 1240)
    assert value == pytest.approx(0.5, rel=1e-9)


def test_the_base_also_divides_the_error():
    nats = kl_divergence_continuous(normal(0, 1), normal(1, 1), -INF, INF)
    bits = kl_divergence_continuous(normal(0, 1), normal(1, 1), -INF, INF, base=2)
    assert bits * math.log(2) == pytest.approx(nats)
    assert bits.error * math.log(2) == pytest.approx(nats.error, abs=0)


def test_the_result_is_a_float_with_its_error():
    value = kl_divergence_continuous(normal(0, 1), normal(1, 1), -INF, INF)
    assert isinstance(value, float)
    assert type(float(value)) is float
    assert 0 <= value.error < 1e-8
    again = pickle.loads(pickle.dumps(value))
    assert (type(again), again, again.error) == (EstimatedFloat, value, value.error)


@pytest.mark.parametrize(
    ("p", "q", "interval", "message"),
    [
        (lambda x: x - 0.5, normal(0, 1), (0, 1), r"p_pdf must be finite and not negative, got -"),
        (constant(1), constant(math.nan), (0, 1), r"q_pdf must be finite and not .*, got nan"),
        (constant(0.5), constant(1), (0, 1), r"p_pdf must integrate to 1 over \[0, 1\], got 0\.5;"),
        (constant(1), constant(2), (0, 1), r"q_pdf must integrate to at most 1 .*, got 2$"),
        (normal(0, 1), normal(0, 1), (1, 1), "lower must be below upper, got 1 and 1"),
        (normal(0, 1), normal(0, 1), (math.nan, 1), "lower must be below upper, got nan and 1"),
    ],
    ids=["negative", "NaN", "half", "double", "empty", "NaN interval"],
)
def test_what_is_no_density_is_refused(p, q, interval, message):
    with pytest.raises(ValueError, match=message):
        kl_divergence_continuous(p, q, *interval)


def test_an_integral_that_does_not_converge_is_refused():
    def jagged(x):
        return 0.4 + 0.2 * (math.sin(1e9 * x) * 43758.5453 % 1)

    with pytest.raises(ValueError, match=r"did not converge: 0\.\d+ with an error of"):
        kl_divergence_continuous(constant(1), jagged, 0, 1)
