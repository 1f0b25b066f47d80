"""Limits that are learnt: right on quiet windows, whatever makes days differ, and quick to see."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import f

from kldrift.statistics.alarm_budget import STEP, AlarmBudget, excess
from kldrift.statistics.learned_limits import FEWEST_WINDOWS, learned_limits, usual

CELLS = np.full((8, 12), 1 / 12)
PLACES = np.linspace(-1.6, 1.6, 12)


def windows(rng, n, *, spread=0.0, rows=3_000, shift=0.0):
    """Counts of some windows; their states differ by so many deviations."""
    state = spread * rng.normal(size=(n, 8, 1)) + shift
    p = CELLS * np.exp(state * PLACES)
    p /= p.sum(-1, keepdims=True)
    return rng.multinomial(rows, p)


@pytest.mark.parametrize("spread", [0.0, 0.2], ids=["counting noise", "days that differ"])
def test_quiet_windows_have_p_values_that_hold(spread):
    rng = np.random.default_rng(1)
    found = []
    for _ in range(60):
        history = windows(rng, 60, spread=spread)
        found.append(learned_limits(history).p_values(windows(rng, 1, spread=spread)[0]))
    found = np.array(found)
    assert 0.02 <= (found < 0.05).mean() <= 0.08
    assert (found < 0.01).mean() <= 0.02


def test_a_shift_is_seen_on_the_day_where_days_are_alike_and_not_where_they_differ_by_more():
    rng = np.random.default_rng(2)
    moved = windows(rng, 1, shift=0.3)[0]
    assert learned_limits(windows(rng, 60)).p_values(moved).max() < 1e-9
    assert learned_limits(windows(rng, 60, spread=0.5)).p_values(moved).min() > 1e-3


def test_a_season_is_no_alarm_and_a_sunday_on_a_monday_is_one():
    rng = np.random.default_rng(3)
    season = np.arange(70) % 7
    sunday = (season == 6)[:, None, None]
    history = np.where(sunday, windows(rng, 70, shift=0.8), windows(rng, 70))
    on_sunday, on_monday = (
        usual(history, season, windows(rng, 1, shift=0.8)[0], day).p_values for day in (6, 0)
    )
    assert on_sunday.min() > 1e-4
    assert on_monday.max() < 1e-6


@pytest.mark.parametrize("windows_before", [30, 70])
@pytest.mark.parametrize("share", [1.0, 0.4, 2.5])
def test_weekends_with_other_numbers_of_rows_are_judged_at_their_own_size(share, windows_before):
    rng = np.random.default_rng(9)
    season = np.arange(windows_before + 7) % 7
    rows = np.where(season >= 5, share * 3_000, 3_000).astype(int)
    found: dict[bool, list[np.ndarray]] = {True: [], False: []}
    for _ in range(25):
        of_day = 0.4 * rng.normal(size=7)
        counts = np.stack(
            [windows(rng, 1, shift=of_day[d], rows=n)[0] for d, n in zip(season, rows, strict=True)]
        )
        history, before = counts[:windows_before], season[:windows_before]
        for day in range(windows_before, windows_before + 7):
            one = usual(history, before, counts[day], season[day])
            assert one.better.all()
            found[bool(season[day] >= 5)].append(one.p_values)
    for weekend, p_values in found.items():
        p = np.concatenate(p_values)
        assert 0.02 < (p < 0.05).mean() < 0.09, weekend
        assert (p < 0.001).mean() <= 0.01, weekend


def test_a_feature_without_rows_on_sundays_leaves_the_others_their_season():
    rng = np.random.default_rng(10)
    season = np.arange(70) % 7
    sunday = (season == 6)[:, None, None]
    history = np.where(sunday, windows(rng, 70, shift=0.8), windows(rng, 70))
    history[season == 6, 0] = 0
    current = windows(rng, 1, shift=0.8)[0]
    one = usual(history, season, current, 6)
    assert one.better.tolist() == [False] + [True] * 7
    assert one.p_values[1:].min() > 1e-4
    assert one.p_values[0] < 1e-6  # its first Sunday, beside all other days


def test_a_limit_is_the_divergence_at_which_the_p_value_is_its_level():
    rng = np.random.default_rng(4)
    history, current = windows(rng, 40, spread=0.1), windows(rng, 1, spread=0.1, rows=1_700)[0]
    learned = learned_limits(history)
    p = current / current.sum(-1, keepdims=True)
    pool = learned.pool + 0.5
    kl = (p * np.log(p * pool.sum(-1, keepdims=True) / pool)).sum(-1)
    for feature, level in enumerate(learned.p_values(current)):
        limit = learned.limits(current, level)[feature]
        assert limit == pytest.approx(kl[feature], rel=1e-6)


@pytest.mark.parametrize("level", [1e-3, 1e-20, 1e-200])
def test_a_limit_is_finite_however_small_its_level_is(level):
    rng = np.random.default_rng(4)
    learned, current = learned_limits(windows(rng, 40, spread=0.1)), windows(rng, 1)[0]
    ratio = learned.limits(current, level) / learned.divergences(current)
    shape = learned.shape / learned.tail**2
    beyond = ratio * learned.scores(current) / learned.mean - 1
    found = f.sf(1 + learned.tail * beyond, 2 * shape, 2 * shape * learned.effective)
    assert found == pytest.approx(level, rel=1e-6, abs=0)


def test_rows_in_clusters_and_days_that_follow_each_other_are_worth_fewer_windows():
    rng = np.random.default_rng(5)
    state = np.zeros(80)
    for t in range(1, 80):
        state[t] = 0.9 * state[t - 1] + 0.2 * rng.normal()
    p = CELLS * np.exp(state[:, None, None] * PLACES)
    followed = rng.multinomial(3_000, p / p.sum(-1, keepdims=True))
    assert learned_limits(followed).effective.max() < 40
    assert learned_limits(windows(rng, 80)).effective.min() > 40


def test_small_windows_are_held_to_wider_limits():
    rng = np.random.default_rng(6)
    sizes = rng.integers(300, 6_000, 80)
    history = np.array([windows(rng, 1, rows=int(n))[0] for n in sizes])
    learned = learned_limits(history)
    assert learned.slope > 0.8
    few, many = (windows(rng, 1, rows=n)[0] for n in (300, 6_000))
    assert learned.limits(few, 0.01).min() > 5 * learned.limits(many, 0.01).max()
    assert min(learned.p_values(few).min(), learned.p_values(many).min()) > 1e-4


@pytest.mark.parametrize("spread", [0.0, 0.2], ids=["counting noise", "days that differ"])
@pytest.mark.parametrize("rows", [150, 600, 12_000])
def test_a_quiet_window_of_far_fewer_or_more_rows_than_any_before_is_no_alarm(rows, spread):
    rng = np.random.default_rng(12)
    found = []
    for _ in range(30):
        sizes = rng.integers(2_900, 3_100, 60)
        history = np.concatenate([windows(rng, 1, rows=n, spread=spread) for n in sizes])
        now = windows(rng, 1, rows=rows, spread=spread)[0]
        found.append(learned_limits(history).p_values(now))
    assert (np.array(found) < 0.01).mean() <= 0.02
    moved = windows(rng, 1, rows=rows, spread=spread, shift=1.5)[0]
    assert learned_limits(history).p_values(moved).max() < 0.01


def test_days_that_differ_a_little_and_have_few_rows_on_weekends_have_p_values_that_nearly_hold():
    rng, found = np.random.default_rng(12), []
    rows = np.where(np.arange(60) % 7 >= 5, 700, 3_000).tolist()
    for _ in range(150):
        history = np.stack([windows(rng, 1, spread=0.06, rows=n)[0] for n in rows])
        found.append(learned_limits(history).p_values(windows(rng, 1, spread=0.06)[0]))
    found = np.array(found)
    assert (found < 0.01).mean() < 2.5 * 0.01
    assert (found < 0.001).mean() < 5 * 0.001


def test_one_odd_window_does_not_hide_what_comes_after_it():
    rng = np.random.default_rng(9)
    history, holiday = windows(rng, 40), windows(rng, 1, shift=0.6)[0]
    moved = windows(rng, 1, shift=0.3)[0]
    with_holiday = np.concatenate([history[:20], holiday[None], history[20:]])
    found = learned_limits(with_holiday)
    assert found.windows.max() == 40
    assert found.p_values(moved) == pytest.approx(learned_limits(history).p_values(moved))
    one = history.copy()
    one[7, 3] = windows(rng, 1, shift=1.5)[0, 3]  # an incident of one feature
    assert learned_limits(one).windows.tolist() == [40, 40, 40, 39, 40, 40, 40, 40]
    assert learned_limits(one).p_values(moved).max() < 1e-6


def test_a_window_without_rows_has_no_p_value():
    rng = np.random.default_rng(7)
    assert np.isnan(learned_limits(windows(rng, 30)).p_values(np.zeros((8, 12), np.int64))).all()
    assert FEWEST_WINDOWS == 4 * 7


def test_many_incidents_do_not_blind_a_monitor_for_longer_than_its_budget_of_three_pages():
    start = budget = AlarmBudget.of(pages=1, windows=90)
    for _ in range(20):
        budget = budget.after(page=True)
    assert budget.level == pytest.approx(start.level + 3 * STEP)
    for _ in range(3 * 90):
        budget = budget.after(page=False)
    assert budget.level == pytest.approx(start.level)


def test_the_level_pays_for_a_page_by_the_quiet_windows_after_it():
    budget = AlarmBudget.of(pages=1, windows=90)
    after = budget.after(page=True)
    for _ in range(89):
        after = after.after(page=False)
    assert after.level == pytest.approx(budget.level)
    assert budget.after(page=True).level == pytest.approx(budget.level + STEP * 89 / 90)
    assert budget.after(page=True, open_alert=True) == budget


def test_however_long_nothing_was_unusual_what_pages_is_far_from_usual():
    budget = AlarmBudget.of(pages=1, windows=90)
    for _ in range(1_000):
        budget = budget.after(page=False)
    assert budget.limit(3) == pytest.approx(np.e / 90 / 3)


@pytest.mark.parametrize(
    "windows", [3, 1, 0.01], ids=["months", "quarters", "more pages than windows"]
)
def test_where_a_budget_allows_a_page_every_few_windows_what_pages_is_still_rare(windows):
    budget = AlarmBudget.of(pages=1, windows=windows)
    assert budget.limit(4) == pytest.approx(0.05 / 4)
    assert budget.open_limit(4) <= 0.05 / 4
    for _ in range(100):
        budget = budget.after(page=False)
    assert budget.limit(4) == pytest.approx(0.05 / 4)
    assert budget.after(page=True).limit(4) <= budget.limit(4)


def test_quiet_windows_that_lie_too_far_out_stretch_the_limit_before_they_page():
    budget, rng = AlarmBudget.of(pages=1, windows=90), np.random.default_rng(8)
    limit, closed = np.full(50, 1e-4), np.zeros(50, dtype=np.bool_)
    as_they_should = [excess(rng.random(50), limit, closed) for _ in range(90)]
    too_far = [excess(rng.random(50) ** 2, 0 * limit, closed) for _ in range(90)]
    assert budget.limit(50) / 10 < budget.limit(50, as_they_should) <= budget.limit(50)
    assert budget.limit(50, too_far) < budget.limit(50) / 1000
    assert budget.limit(50, [*as_they_should, 700.0]) > budget.limit(50, as_they_should) / 10


def test_rows_that_page_or_have_an_open_alert_say_nothing_of_how_far_quiet_rows_lie():
    p_values = np.array([1e-9, 0.2, 0.01, np.nan])
    limits, closed = np.full(4, 1e-6), np.zeros(4, dtype=np.bool_)
    open_alert = np.array([False, False, True, False])
    assert excess(p_values, limits, closed) == pytest.approx(-np.log(0.01 * 2))
    assert excess(p_values, limits, open_alert) == pytest.approx(-np.log(0.2))
    assert excess(p_values, np.ones(4), closed) == 0.0


def test_a_feature_of_one_value_is_never_unusual_and_changes_nothing_for_others():
    rng = np.random.default_rng(11)
    history = windows(rng, 40, spread=0.1)
    size = rng.integers(100, 9_999, (41, 1))
    constant = np.stack([np.zeros_like(size), size], -1)  # of one of two values
    padded = np.zeros((41, 1, history.shape[-1]), dtype=np.int64)
    padded[..., :2] = constant
    both = np.concatenate([history, padded[:40]], axis=1)
    alone, beside = learned_limits(history), learned_limits(both)
    for day in range(40):
        assert beside.p_values(both[day])[-1] == 1.0
        assert beside.divergences(both[day])[-1] == 0.0
    for name in ("mean", "shape", "effective"):
        np.testing.assert_allclose(getattr(beside, name)[: history.shape[1]], getattr(alone, name))
    other = both[0].copy()
    p_values = []
    for rows in (1, 20, int(other[-1, 1])):
        other[-1, :2] = rows, both[0, -1, 1] - rows
        p_values.append(beside.p_values(other)[-1])
    assert p_values[0] > 1e-3
    assert p_values[1] < 1e-6
    assert p_values[2] < 1e-12


def test_one_row_of_a_rare_value_among_a_few_is_chance():
    """1 of 3 flights that was cancelled, where 1 of 100 are, had a p-value below 1e-12."""
    rng, days = np.random.default_rng(12), 61
    found, surely = [], []
    for _ in range(60):
        rows = rng.poisson(rng.uniform(3, 30, 20), (days, 20))
        some = rng.binomial(rows, rng.uniform(0.003, 0.03, 20))
        history = np.stack([rows - some, some], -1)
        one = usual(history[:-1], np.arange(days - 1) % 7, history[-1], (days - 1) % 7)
        likely = one.p_values >= 1e-4
        assert (one.limits(1e-4) >= one.divergences)[likely].all()
        found.append(one.p_values)
        half = np.stack([rows[-1] // 2, rows[-1] - rows[-1] // 2], -1)[rows[-1] >= 15]
        surely.append(learned_limits(history[:-1][:, rows[-1] >= 15]).p_values(half))
    assert np.nanmin(found) > 1e-4
    assert np.median(np.concatenate(surely)) < 1e-8
