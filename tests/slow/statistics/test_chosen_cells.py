"""Names whose cells were chosen by the rows that are tested: their law, false alarms and power."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from kldrift.profiles.rebinning import least_rows
from kldrift.statistics.chosen_cells import ChosenLaw, chosen_law, floors, rest_share_p
from kldrift.statistics.named_cells import CellChoice, named_p_value, named_share_p

DRAWS = 400


def flat(names: int) -> np.ndarray:
    return np.full(names, 1 / names)


def zipf(names: int, power: float) -> np.ndarray:
    weights = np.arange(1.0, names + 1) ** -power
    return weights / weights.sum()


def cells(p: np.ndarray, q: np.ndarray, whole: np.ndarray, most: int) -> tuple[np.ndarray, ...]:
    """Counts of one draw on the cells that a reference gets, and their kinds.

    Cells of names are in the order of their rows, as in a support.
    """
    order = np.argsort(-whole, kind="stable")
    own = order[whole[order] >= least_rows(whole.sum())][:most]
    rest = np.setdiff1d(np.arange(len(q)), own)
    once, unseen = rest[whole[rest] == 1], rest[whole[rest] == 0]
    few = rest[whole[rest] > 1]
    now = [*p[own], p[few].sum() + p[once].sum(), p[unseen].sum()]
    sides = ([*side[own], side[few].sum(), side[once].sum()] for side in (q, whole))
    kinds = np.array(["name"] * len(own) + ["other", "never"])
    columns = (np.array(now), *map(np.array, sides))
    return *(c[None] for c in columns), *(kinds[None] == k for k in ("name", "other", "never"))


def chosen(whole: np.ndarray, left: float = np.inf) -> CellChoice:
    """What cells were chosen on; how many names are left is unknown by default."""
    return CellChoice(whole, *(np.full(len(whole), x) for x in (left, np.nan)))


def quiet_p_values(shares: np.ndarray, n: int, m: int, *, most: int = 1000, apart: int = 0):
    """p-values of quiet draws; a group is compared, beside which are so many reference rows."""
    rng = np.random.default_rng(n + m)
    found = []
    for _ in range(DRAWS):
        p, q, rows = (rng.multinomial(size, shares) for size in (n, m, apart))
        now, before, whole, *kinds = cells(p, q, q + rows, most)
        left = (q + rows > 0).sum() - kinds[0].sum()
        found.append(named_p_value(now, before, *kinds, chosen(whole, left))[0])
    return np.array(found)


@pytest.mark.parametrize(
    ("shares", "n", "m", "most"),
    [
        (flat(400), 10_000, 10_000, 1000),
        (flat(400), 1_000, 10_000, 1000),
        (flat(400), 30_000, 10_000, 1000),
        (flat(50), 1_000, 1_000, 1000),
        (flat(700), 10_000, 10_000, 1000),
        (zipf(1000, 0.8), 10_000, 10_000, 1000),
        (zipf(1000, 0.8), 10_000, 100_000, 1000),
        (zipf(200, 1.1), 300, 300, 1000),
        (zipf(200, 1.5), 1_000, 10_000, 1000),
        (flat(1000), 100_000, 100_000, 50),
    ],
)
def test_quiet_names_near_the_floor_are_called_a_difference_as_often_as_meant(shares, n, m, most):
    p_values = quiet_p_values(shares, n, m, most=most)
    for level, hits in ((0.05, (p_values < 0.05).sum()), (0.01, (p_values < 0.01).sum())):
        assert scipy.stats.binom.sf(hits - 1, DRAWS, 1.5 * level) > 0.001
        assert scipy.stats.binom.cdf(hits, DRAWS, 0.5 * level) > 0.001


@pytest.mark.parametrize("apart", [2_000, 8_000, 100_000])
def test_names_were_chosen_by_the_rows_of_all_groups(apart):
    p_values = quiet_p_values(flat(400), 8_000, 8_000, apart=apart)
    hits = (p_values < 0.05).sum()
    assert scipy.stats.binom.sf(hits - 1, DRAWS, 0.075) > 0.001
    assert scipy.stats.binom.cdf(hits, DRAWS, 0.025) > 0.001


@pytest.mark.parametrize(
    ("names", "n"), [(400, 10_000), (400, 1_000), (300, 100_000), (700, 10_000)]
)
def test_half_of_the_names_gone_is_a_difference(names, n):
    rng = np.random.default_rng(0)
    for _ in range(20):
        left = np.zeros(names)
        left[rng.permutation(names)[: names // 2]] = 2 / names
        p, q = rng.multinomial(n, left), rng.multinomial(10_000, flat(names))
        now, before, whole, *kinds = cells(p, q, q, 1000)
        assert named_p_value(now, before, *kinds, chosen(whole))[0] < 1e-9


@pytest.mark.parametrize(("names", "n", "m"), [(2_000, 10_000, 10_000), (200, 10_000, 1_000)])
def test_new_names_among_flat_ones_are_called_a_difference_no_more_often_than_meant(names, n, m):
    rng = np.random.default_rng(0)
    p, q = (rng.multinomial(rows, flat(names), 3_000) for rows in (n, m))
    new = np.where(q == 0, p, 0).sum(-1)
    # As a comparison does: no more is expected of the reference than came.
    once = np.minimum((q == 1).sum(-1), new * m // n)
    now, before = (np.stack([rows - x, x], axis=-1) for rows, x in ((n, new), (m, once)))
    other = np.broadcast_to([True, False], now.shape)
    choice = CellChoice(before, (q > 0).sum(-1).astype(np.float64), np.full(len(q), np.nan))
    p_values = named_p_value(now, before, now < 0, other, ~other, choice)
    assert (p_values < 0.05).mean() < 0.075
    assert (p_values < 0.01).mean() < 0.015
    few = named_p_value(now, before, now < 0, other, ~other)  # how many are left is unknown
    assert (few < 0.01).mean() > 0.015


def test_the_share_of_names_without_a_cell_is_compared_with_what_the_choice_leaves():
    rng, errs = np.random.default_rng(0), np.zeros(2)
    for _ in range(DRAWS):
        p, q = (rng.multinomial(10_000, flat(400)) for _ in range(2))
        now, before, whole, *kinds = cells(p, q, q, 1000)
        assert now[0, -2] > before[0, -2]  # as if rare names became more
        limit = np.array([0.005])
        at_limit = named_share_p(now, before, *kinds, chosen(whole), now >= 0, limit)[0]
        law = chosen_law(now, before, floors(before, whole, kinds[0], ~kinds[0]))
        any_change = rest_share_p(now, before, law, ~kinds[0], np.zeros(1))[0]
        errs += at_limit < 0.01, any_change < 0.05
    assert errs[0] <= 4
    assert 0.01 * DRAWS <= errs[1] <= 0.09 * DRAWS


def test_the_law_is_that_of_a_binomial_cut_at_the_floor():
    p, q = np.array([[30, 12, 0, 200]]), np.array([[20, 31, 25, 400]])
    floor = np.array([[20, 20, 20, 0]])
    law = chosen_law(p, q, floor)
    share = q.sum() / (p + q).sum()
    for cell in range(3):
        rows = np.arange(20, p[0, cell] + q[0, cell] + 1)
        chance = scipy.stats.binom.pmf(rows, rows[-1], share)
        chance /= chance.sum()
        mean = (chance * rows).sum()
        second, fourth = ((chance * (rows - mean) ** k).sum() for k in (2, 4))
        assert law.mean[0, cell] == pytest.approx(mean, rel=1e-10)
        assert law.variance[0, cell] == pytest.approx(second, rel=1e-9)
        assert law.cumulant[0, cell] == pytest.approx(fourth - 3 * second**2, rel=1e-6, abs=1e-9)
    assert not law.near[0, 3]
    assert law.mean[0, 3] == pytest.approx(600 * share)


def test_the_law_of_a_row_is_the_same_whatever_it_is_computed_beside():
    rng = np.random.default_rng(0)
    p, q = (rng.multinomial(2_000, flat(60), 30) for _ in range(2))
    floor = np.where(q >= 20, 20, 0)
    together, alone = chosen_law(p, q, floor), chosen_law(p[3:4], q[3:4], floor[3:4])
    for name in ChosenLaw.__dataclass_fields__:
        assert (getattr(together, name)[3] == getattr(alone, name)[0]).all()


def test_cells_that_were_chosen_on_other_rows_have_no_floor():
    q, category = np.array([[30, 12, 25, 8, 40]]), np.array([[True] * 4 + [False]])
    assert not floors(q, q, category, ~category).any()


def test_without_other_names_none_was_chosen():
    q, category = np.array([[30, 22, 25, 0]]), np.array([[True] * 3 + [False]])
    assert not floors(q, q, category, ~category).any()
