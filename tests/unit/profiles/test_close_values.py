"""Values close to those of the reference are scored as these; others are new."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from strategies import settled

import kldrift
from kldrift.binning.choose import Binning
from kldrift.features.keys import KeyType
from kldrift.profiles.close_values import around


def scores(before, now):
    frames = (pd.DataFrame({"x": side}) for side in (before, now))
    return kldrift.compare(*frames).scores.iloc[0]


@pytest.fixture
def rates():
    rng = np.random.default_rng(0)
    grid = np.round(5.32 + 0.43 * np.arange(32), 2)
    return grid[rng.integers(0, 32, 5_000)], grid[rng.integers(0, 32, 5_000)]


@pytest.mark.parametrize("moved", [-0.01, 0.01])
def test_a_grid_of_prices_that_moves_by_a_cent_has_not_drifted(rates, moved):
    before, now = rates
    found = scores(before, np.round(now + moved, 2))
    assert found.severity == "ok"
    assert found.kl < 0.02
    assert found.ks < 0.07


@pytest.mark.parametrize("moved", [-0.01, 0.01])
@pytest.mark.parametrize("place", [0, 7, 16, 31])
def test_a_grid_of_which_most_is_one_price_has_not_drifted_either(place, moved):
    """Both quartiles are that price."""
    rng = np.random.default_rng(1)
    grid = np.round(10.91 + 0.37 * np.arange(32), 2)
    shares = np.where(np.arange(32) == place, 0.6 + 0.4 / 32, 0.4 / 32)
    before, now = (rng.choice(grid, 5_000, p=shares) for _ in range(2))
    found = scores(before, np.round(now + moved, 2))
    assert found.severity == "ok"
    assert found.kl < 0.02


@pytest.mark.parametrize("share", [0.05, 0.5])
@pytest.mark.parametrize("all_of_them", [True, False])
@pytest.mark.parametrize("last", [12, 14])
def test_a_rate_that_moves_by_a_hundredth_among_rates_of_one_order_has_not_drifted(
    last, share, all_of_them
):
    rng = np.random.default_rng(0)
    grid = np.round(np.linspace(22 - last, last, 32), 2)
    most = int(abs(grid - 10.91).argmin())
    shares = np.where(np.arange(32) == most, share, (1 - share) / 31)
    before, now = (rng.choice(grid, 20_000, p=shares) for _ in range(2))
    moves = (now == grid[most]) | all_of_them
    assert scores(before, np.round(np.where(moves, now - 0.01, now), 2)).severity == "ok"


@pytest.mark.parametrize("to", [np.float32, lambda x: np.round(x + 0.01, 2)], ids=["32 bits", "+"])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_last_of_many_values_has_close_ones_too(to, sign):
    rng = np.random.default_rng(0)
    grid = np.sort(rng.choice(np.arange(100, 20_000), 500, replace=False)) / 100
    grid[-1] = 250.05  # a float of 32 bits is larger
    shares = np.full(500, 0.994 / 499)
    shares[-1] = 0.006
    before, now = (rng.choice(sign * grid, 30_000, p=shares) for _ in range(2))
    assert scores(before, to(sign * now) * sign).severity == "ok"


def test_exact_prices_are_as_close_as_floats(rates):
    before, now = ([Decimal(f"{x:.2f}") for x in side] for side in rates)
    found = scores(before, [x - Decimal("0.01") for x in now])
    assert found.severity == "ok"
    assert found.kl < 0.02


def prices(many, rows, seed=2):
    """Prices half a unit apart, of which one has a sixth of the rows; both sides."""
    rng = np.random.default_rng(seed)
    grid = 10 + 0.5 * np.arange(many) + 0.25
    shares = 1 / (1 + rng.permutation(many))
    return (rng.choice(grid, rows, p=shares / shares.sum()) for _ in range(2)), grid[shares == 1][0]


@pytest.mark.parametrize("moved", [-0.01, 0.01])
@pytest.mark.parametrize(("many", "rows"), [(40, 300), (200, 10_000), (500, 30_000)])
@pytest.mark.parametrize("kind", [float, lambda x: Decimal(f"{x:.2f}")], ids=["float", "decimal"])
def test_prices_of_more_values_than_cells_that_move_by_a_cent_have_not_drifted(
    many, rows, moved, kind
):
    (before, now), _ = prices(many, rows)
    found = scores(*([kind(x) for x in side] for side in (before, now + moved)))
    assert found.severity == "ok"
    assert found.kl < max(0.02, 2 * scores(before, now).kl)  # that is 0.024 at 300 rows, by chance


def test_numbers_that_are_hardly_more_than_nothing_now_are_no_zeros():
    before, now = (np.where(ODD, 0.0, side) for side in (PAY, PAY_NOW))
    found = scores(before, np.where(ODD, 0.0, now / 100_000))
    assert "one single value" not in found.reason
    assert found.severity == "critical"


def test_a_spike_close_to_a_frequent_price_is_one():
    (before, now), frequent = prices(200, 100_000)
    found = scores(
        before, np.where(np.random.default_rng(0).random(100_000) < 0.04, frequent + 0.01, now)
    )
    assert found.severity != "ok"
    assert found.bin_share_change == pytest.approx(0.03, abs=0.005)


def test_a_value_between_two_of_the_grid_is_new(rates):
    before, now = rates
    found = scores(before, np.where(now < 7, now + 0.2, now))
    assert found.severity != "ok"


def test_values_that_swap_with_close_ones_of_the_reference_are_seen():
    rng = np.random.default_rng(0)
    before = np.where(rng.random(5_000) < 0.5, rng.choice([1.0, 1.001], 5_000), 9.0)
    found = scores(before, np.where(before == 1.0, 1.001, before))
    assert found.severity == "critical"


@pytest.mark.parametrize("codes", [[0, 1, 2], [100, 200, 404, 500]])
def test_whole_numbers_may_be_codes_and_are_never_close(codes):
    rng = np.random.default_rng(0)
    before, now = (rng.choice(codes, 5_000) for _ in range(2))
    found = scores(before, np.where(now == codes[-1], codes[-1] + 1, now))
    assert found.severity == "critical"


def test_one_value_with_few_others_has_no_close_values():
    before = np.where(np.arange(5_000) % 10 == 0, 7.5, 1.25)
    found = scores(before, np.where(before == 1.25, 1.26, before))
    assert found.severity == "critical"


def test_values_at_the_ends_of_doubles_have_finite_edges():
    ends = np.array([-1.7976931348623157e308, 0.0, 1.7976931348623157e308])
    for edges in around(ends, ends, ends < np.inf, np.zeros(3), np.full(3, 1e307)):
        assert np.isfinite(edges).all()


def usual(values, value, share=0.12, seed=1):
    """Many values, and one that a share of the rows has."""
    return np.where(np.random.default_rng(seed).random(len(values)) < share, value, values)


PAY, PAY_NOW = np.round(np.random.default_rng(0).lognormal(3, 1, (2, 20_000)), 2)
MANY, MANY_NOW = np.random.default_rng(0).lognormal(3, 1, (2, 20_000))
ODD = np.arange(20_000) % 2 == 0
MOMENTS = 1_704_067_200_000_000 + np.random.default_rng(0).integers(0, 30 * 86_400 * 10**6, 20_000)


def times(keys):
    return pd.to_datetime(keys, unit="us")


WRITTEN = {
    "a last bit more": (usual(PAY, 19.99), usual(PAY_NOW, np.nextafter(19.99, 20))),
    "a last bit less": (usual(PAY, 19.99), usual(PAY_NOW, np.nextafter(19.99, 19))),
    "in half of the rows": (
        usual(PAY, 19.99),
        usual(PAY_NOW, np.where(ODD, 19.99, np.nextafter(19.99, 20))),
    ),
    "in half of the reference": (
        usual(PAY, np.where(ODD, 19.99, np.nextafter(19.99, 20))),
        usual(PAY_NOW, 19.99),
    ),
    "as a sum": (usual(PAY, 0.3), usual(PAY_NOW, 0.1 + 0.2)),
    "what is left of a sum": (usual(PAY, 0.0), usual(PAY_NOW, 1 - 0.9 - 0.1)),
    "in 32 bits": (usual(PAY, 19.99), usual(PAY_NOW, 19.99).astype("f4").astype("f8")),
    "32 bits before": (usual(PAY, 19.99).astype("f4").astype("f8"), usual(PAY_NOW, 19.99)),
    "of more values than a sketch keeps": (
        usual(MANY, 19.99, 0.03),
        usual(MANY_NOW, np.nextafter(19.99, 20), 0.03),
    ),
    "one of two values": (
        usual(np.full(9_000, 9.99), 19.99),
        usual(np.full(9_000, 9.99), 19.99).astype("f4").astype("f8"),
    ),
    "one value": (np.full(900, 19.99), np.full(900, 19.99).astype("f4").astype("f8")),
    "microseconds": (times(usual(MOMENTS, MOMENTS[0])), times(usual(MOMENTS, MOMENTS[0] + 7))),
}


@pytest.mark.parametrize("how", WRITTEN)
def test_a_frequent_value_that_is_written_another_way_is_the_same_one(how):
    before, now = WRITTEN[how]
    whole = {"override": {"x": {"parts": ["whole"]}}} if how == "microseconds" else {}
    frames = (pd.DataFrame({"x": side}) for side in (before, now))
    (found,) = kldrift.compare(*frames, **whole).scores.to_dict("records")
    assert found["severity"] == "ok"
    assert (found["kl"] < 0.003, found["ks"] < 0.02) == (True, True)


@pytest.mark.parametrize(
    ("values", "value", "other"),
    [
        (PAY, 19.99, 20.0),
        (1e8 + np.arange(20_000) % 300, 100_000_007.0, 100_000_008.0),  # doubles that are codes
        (1e6 + MANY / 1e3, 1_000_000.01, 1_000_000.03),
    ],
    ids=["price", "code", "narrow"],
)
def test_another_value_is_another_one_however_many_there_are(values, value, other):
    found = scores(usual(values, value), usual(values, other))
    assert found.severity == "critical"


def test_a_frequent_value_has_the_same_cells_whatever_else_is_nominated():
    columns = [pa.array(usual(MANY, 19.99, 0.03)[part]) for part in (ODD, ~ODD)]
    whole, _ = settled([pa.concat_arrays(columns)], KeyType.FLOAT, Binning(), limit=2_000)
    parts, _ = settled(columns[::-1], KeyType.FLOAT, Binning(), limit=2_000)
    assert parts.support == whole.support
    near = whole.support.edges[abs(whole.support.edges - 19.99) < 3e-6]
    assert len(near) == 4


@pytest.mark.parametrize("kind", [int, float, Decimal, lambda x: Decimal(f"{x}.00")])
@pytest.mark.parametrize("codes", [(1, 16_384), (1, 2**31, 2**32 - 1), (1000, 2000, 5000)])
def test_a_whole_number_next_to_one_of_few_is_a_new_one(kind, codes):
    found = kldrift.compare(
        pd.DataFrame({"x": [kind(x) for x in codes] * 100}),
        pd.DataFrame({"x": [kind(codes[0] + 4)] * 300}),
    )
    values = found.cells[found.cells.cell_kind == "value"]
    assert [*values.rows_current] == [0] * len(codes)


@pytest.mark.parametrize("values", [(-(2**63) + 1, 1, 2**62), (-(2**63), 0, 2**63 - 1)])
def test_whole_numbers_further_apart_than_their_type_holds_are_counted_apart(values):
    found = kldrift.compare(*[pd.DataFrame({"x": np.repeat(values, (55, 20, 25))})] * 2)
    assert [*found.cells.rows_reference] == [55, 20, 25]
