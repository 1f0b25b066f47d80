"""Scores of many pairs at once are those of each pair by itself, by the public functions."""

from __future__ import annotations

import pickle

import numpy as np
import pyarrow as pa
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from profile_sample import one_group
from strategies import numeric, proposed, quick, sketch_batch, slow, texts

from kldrift import divergence
from kldrift.binning.choose import Binning
from kldrift.counting.counter import Counter
from kldrift.divergence.probabilities import probabilities
from kldrift.features.keys import KeyType
from kldrift.profiles.cells import CODES, CellKind
from kldrift.profiles.group_keys import ALL, NO_WINDOW, REST, GroupKeys
from kldrift.profiles.moments import Moments
from kldrift.profiles.power_sums import PowerSums
from kldrift.profiles.profile import Profile
from kldrift.profiles.rebinning import merge_for_scoring
from kldrift.profiles.support import (
    CategoricalSupport,
    KnownNames,
    NumericSupport,
    Support,
    pivot_of,
)
from kldrift.scoring.comparison import Comparison, Rows
from kldrift.scoring.metrics import CELL_METRICS, INTERVAL, SCORES, SHARE_METRICS
from kldrift.scoring.rare_names import chosen_on, named_blocks, named_cells
from kldrift.scoring.scores import IN_ORDER, TAILS, score
from kldrift.statistics.named_cells import named_p_value
from kldrift.statistics.ordered_cells import ordered_p_value

PUBLIC = {
    "kl": divergence.kl_divergence,
    "kl_reverse": lambda p, q: divergence.kl_divergence(q, p),
    "js": divergence.js_divergence,
    "psi": divergence.psi,
    "hellinger": divergence.hellinger,
    "total_variation": divergence.total_variation,
}


def compared(
    reference: pa.Array,
    current: pa.Array,
    key_type: KeyType,
    binning: Binning = Binning(),  # noqa: B008 - frozen
    scale: int = 1,
    bins: int = 20,
) -> Comparison:
    support = proposed(sketch_batch(reference, key_type), binning, scale=scale, keep=True).support
    counter = Counter(support, key_type)
    before, now = (profiled(support, *counter.count(side)) for side in (reference, current))
    return Comparison(now, before, merge_for_scoring(support, before.counts[0], bins))


def profiled(support: Support, counts: np.ndarray, sums: PowerSums) -> Profile:
    if isinstance(support, CategoricalSupport):
        return one_group(support, counts)
    return one_group(support, counts, Moments.stacked([sums], pivot_of(support)))


def floats_of(reference: object, current: object, **how: object) -> Comparison:
    sides = (np.asarray(side, dtype=np.float64) for side in (reference, current))
    return compared(*map(pa.array, sides), KeyType.FLOAT, **how)


def categories(p: list[int], q: list[int]) -> Comparison:
    support = CategoricalSupport(tuple(f"c{i:04}" for i in range(len(p) - 2)))
    profiles = (one_group(support, np.array(side)) for side in (p, q))
    return Comparison(*profiles, merge_for_scoring(support, np.array(q), 20))


def scored_counts(pair: Comparison, missing: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows of each scored cell, current and reference."""
    ((_, p, q),) = Rows.every([pair]).scored_blocks(missing)
    return p[0], q[0]


def one(pair: Comparison, **how: object) -> dict[str, float]:
    return {name: float(values[0]) for name, values in score([pair], **how).items()}


pairs = st.tuples(numeric | texts, st.integers(0, 59)).map(
    lambda drawn: compared(
        drawn[0].column,
        drawn[0].column.slice(drawn[1]),
        drawn[0].key_type,
        Binning(8, 3),
        drawn[0].scale,
        bins=4,
    )
)


@slow
@given(st.lists(pairs, min_size=1, max_size=6), st.sampled_from([0.0, 0.5, 3.0]))
def test_features_scored_together_have_the_bits_of_each_alone(some, pseudocount):
    together = score(some, pseudocount=pseudocount)
    assert together.keys() == set(SCORES)
    alone = [score([pair], pseudocount=pseudocount) for pair in some]
    for name, values in together.items():
        np.testing.assert_array_equal(values, np.concatenate([a[name] for a in alone]), name)


def by_group(support: Support, counts: np.ndarray, values: list[np.ndarray]) -> Profile:
    """The groups of one list, from their counts and, for numbers, the values of each."""
    sizes = np.array([len(x) for x in values])
    moments = Moments.of_parts(np.concatenate(values), sizes, pivot_of(support))
    categories = isinstance(support, CategoricalSupport)
    keys = GroupKeys.of_list(0, len(counts) - 1)
    return Profile(support, keys, counts, None if categories else moments)


def grouped(seed: int, groups: int = 9) -> Comparison:
    """A feature of any number of cells in groups of any size: empty, sparse, far away."""
    rng = np.random.default_rng(seed)
    support: Support = CategoricalSupport(tuple(f"c{i:04}" for i in range(rng.integers(1, 300))))
    if seed % 2:
        edges = np.unique(rng.normal(0, 10, rng.integers(1, 130)))
        support = NumericSupport(edges, pivot=float(edges[0]))
    shares = rng.dirichlet(np.full(support.size, 0.4))
    sides = []
    for _ in range(2):
        rows = rng.choice([0, 20, 500, 5_000], groups)
        counts = np.array([rng.multinomial(n, rng.dirichlet(50 * shares + 1e-3)) for n in rows])
        sides.append(by_group(support, counts, [rng.normal(1e4 * (n > 20), 1, n) for n in rows]))
    rebinning = merge_for_scoring(support, sides[0].counts.sum(0), 20)
    return Comparison(sides[1], sides[0], rebinning)


@pytest.mark.parametrize("missing", ["cell", "exclude"])
def test_a_group_scored_among_others_has_the_bits_of_the_group_alone(missing):
    features = [grouped(seed) for seed in range(40)]
    together = score(features, missing=missing)
    alone = [
        score(
            [Comparison(f.current.take([g]), f.reference.take([g]), f.rebinning)], missing=missing
        )
        for f in features
        for g in range(len(f))
    ]
    for name, values in together.items():
        np.testing.assert_array_equal(values, np.concatenate([a[name] for a in alone]), name)
    assert np.isfinite(together["gaussian_kl"]).any()


@pytest.mark.parametrize("most", [1, 300, 10**6])
def test_blocks_hold_each_row_once_with_as_many_cells_as_may_be(most):
    features = [grouped(seed) for seed in range(8)]
    rows = Rows.every(features)
    widths = [f.rebinning.size for f in features]
    blocks = list(rows.blocks(lambda f: f.rebinning.size, most))
    assert sorted(np.concatenate([places for places, _ in blocks])) == list(range(len(rows)))
    for places, cells in blocks:
        assert {widths[i] for i in rows.of[places]} == {cells}
        assert len(places) == 1 or len(places) * cells <= most


def windows_of(feature: Comparison, windows: int) -> list[Comparison]:
    """Windows of a feature, each with other rows in its groups, beside one reference."""
    rng = np.random.default_rng(len(feature) + feature.support.size)
    orders = [rng.permutation(len(feature)) for _ in range(windows)]
    sides = [feature.current.take(order, feature.keys) for order in orders]
    return [Comparison(side, feature.reference, feature.rebinning) for side in sides]


@pytest.mark.parametrize("missing", ["cell", "exclude"])
def test_windows_of_features_are_folded_together_and_scored_as_each_alone(missing):
    features = [windows_of(grouped(seed), 5) for seed in range(12)]
    windows = [comparison for window in zip(*features, strict=True) for comparison in window]
    rows = Rows.every(windows)
    runs = [where for places, *_ in rows.scored_blocks(missing) for where in rows.runs(places)]
    assert len(runs) == len(features)
    together = score(windows, missing=missing)
    alone = [score([comparison], missing=missing) for comparison in windows]
    for name, values in together.items():
        np.testing.assert_array_equal(values, np.concatenate([a[name] for a in alone]), name)


def test_windows_of_rare_names_are_scored_by_their_own_rows():
    rng = np.random.default_rng(0)
    names = tuple(f"v{i}" for i in range(200))
    support = CategoricalSupport(names, known=KnownNames(np.empty(0, np.uint64)), rare=200)
    whole = GroupKeys([NO_WINDOW], [ALL], [0])

    def drawn(rows: int, shares: np.ndarray) -> Profile:
        counts = np.append(rng.multinomial(rows, shares / shares.sum()), [0, 0, 0])[None]
        return Profile(support, whole, counts, None)

    reference = drawn(1_500, np.ones(200))
    rebinning = merge_for_scoring(support, reference.counts[0], 20)
    shares = np.where(np.arange(200) < 20, 4.0, 0.7)
    windows = [
        Comparison(drawn(rows, shares), reference, rebinning) for rows in (1_500, 300, 6_000)
    ]
    together = score(windows)
    alone = [score([comparison]) for comparison in windows]
    for name in ("p_value", "value_share_change"):
        np.testing.assert_array_equal(together[name], np.concatenate([a[name] for a in alone]))


def test_windows_that_are_compared_with_one_reference_share_its_rows_and_cells():
    support = NumericSupport(np.linspace(0.0, 9.0, 40), pivot=0.0)
    rng = np.random.default_rng(5)

    def rows_of_segments(rows: int) -> Profile:
        counts = rng.multinomial(rows, np.full(support.size, 1 / support.size), 3)
        whole = GroupKeys(np.full(3, NO_WINDOW), [ALL, 0, 0], [0, REST, 0])
        return Profile(support, whole, counts, Moments.none(3))

    reference = rows_of_segments(20_000)
    rebinning = merge_for_scoring(support, reference.counts[0], 20)
    few, more, many = (
        Comparison.of(rows_of_segments(n), reference, rebinning) for n in (400, 401, 5_000)
    )
    assert few.reference is more.reference
    assert more.reference is many.reference
    assert few.rebinning is more.rebinning
    assert few.rebinning is not many.rebinning
    sent = pickle.loads(pickle.dumps(reference))  # no task gets its rows twice
    assert sent == reference
    assert vars(sent).keys() < vars(reference).keys()


def test_two_sides_with_other_groups_are_not_compared():
    one, other = grouped(1), grouped(1, groups=4)
    with pytest.raises(ValueError, match="cannot compare 9 with 4 groups"):
        Comparison(one.current, other.reference, one.rebinning)


@quick
@given(pairs, st.sampled_from([0.5, 3.0]), st.sampled_from(["cell", "exclude"]))
def test_scores_are_those_of_the_public_divergences_on_smoothed_counts(pair, pseudocount, missing):
    found = one(pair, pseudocount=pseudocount, missing=missing)
    p, q = scored_counts(pair, missing)
    occupied = (p + q) > 0
    assert found["cells"] == occupied.sum()
    if not (p.any() and q.any()):
        assert all(np.isnan(found[m]) for m in (*CELL_METRICS, "kl_expected", "p_value"))
        return
    smoothed = [probabilities(c[occupied], pseudocount=pseudocount) for c in (p, q)]
    for metric, function in PUBLIC.items():
        assert found[metric] == pytest.approx(function(*smoothed), rel=1e-9, abs=1e-14), metric
    kinds = pair.rebinning.codes
    inside = IN_ORDER[kinds]
    if inside.any():  # numbers have neighbours and tails
        below, above = (kinds == CODES[kind] for kind in TAILS)
        fitted = kinds == CODES[CellKind.BIN]
        values = kinds == CODES[CellKind.VALUE]
        cells = (p, q, inside, below, above, fitted, values)
        expected = ordered_p_value(*(x[None] for x in cells))[0]
    else:
        rows, one_row = Rows.every([pair]), np.zeros(1, dtype=np.int64)
        choice = chosen_on(rows, one_row, (1, len(p)))
        every = named_p_value(p[None], q[None], *named_cells(kinds[None]), choice)
        for _, named in named_blocks(rows, missing):
            every = named.above_p(np.zeros(1), every, np.array([found["cells"]]), one_row)
        expected = every[0]
    assert found["p_value"] == pytest.approx(expected)


def test_without_a_pseudocount_an_infinite_score_is_none():
    found = one(categories([5, 5, 0, 0], [5, 0, 5, 0]), pseudocount=0)
    assert all(np.isnan(found[m]) for m in ("kl", "kl_reverse", "psi"))
    assert found["js"] == pytest.approx(np.log(2) / 2)
    lost = one(categories([5, 0, 0, 0], [5, 5, 0, 0]), pseudocount=0)
    assert lost["kl"] == pytest.approx(np.log(2))
    assert np.isnan(lost["kl_reverse"])


@pytest.mark.parametrize(
    ("p", "q"), [([0, 0, 0], [5, 0, 0]), ([5, 0, 0], [0, 0, 0]), ([0] * 3,) * 2]
)
def test_a_side_without_rows_has_no_score(p, q):
    found = one(categories(p, q))
    assert all(np.isnan(found[m]) for m in SCORES if m != "cells")


def test_no_pairs_have_no_scores():
    assert all(values.shape == (0,) for values in score([]).values())


# ------------------------------------------------------------------------------ missing values


def test_missing_values_are_cells_or_left_out():
    half = floats_of([1, 2] * 20, [1, 2, np.nan, np.nan] * 10)
    assert one(half)["kl"] > 0.3
    left_out = one(half, missing="exclude")
    assert left_out["kl"] == pytest.approx(0, abs=1e-12)
    assert left_out["cells"] == 2
    p, q = scored_counts(half, "exclude")
    kinds = [cell.kind for cell in half.rebinning.cells]
    assert p[kinds.index(CellKind.NAN)] == q[kinds.index(CellKind.NULL)] == 0
    assert (p.sum(), q.sum()) == (20, 40)


# ------------------------------------------------------------------------- without drift


@pytest.mark.parametrize(
    ("n", "m", "k"), [(2_000, 5_000, 20), (500, 100_000, 10), (3_000, 3_000, 50)]
)
def test_kl_expected_is_the_mean_kl_without_drift(n, m, k):
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.full(k, 5.0))
    sides = [rng.multinomial(rows, shares, 400) for rows in (n, m)]
    found = score([categories([*p, 0, 0], [*q, 0, 0]) for p, q in zip(*sides, strict=True)])
    kl, error = found["kl"].mean(), found["kl"].std() / 20
    assert kl == pytest.approx(found["kl_expected"].mean(), abs=4 * error, rel=0.05)
    assert found["kl_expected"][0] == pytest.approx((k - 1) / 2 * (1 / n + 1 / m), rel=0.02)


# --------------------------------------------------------------------------- order and moments


@quick
@given(*[st.lists(st.integers(-4, 4), min_size=1, max_size=40)] * 2)
def test_ordered_metrics_of_few_valued_numbers_are_those_of_the_samples(reference, current):
    before = [*range(-4, 5), *range(-4, 5), *reference]
    found = one(floats_of(before, current))
    with_scipy = scipy.stats.ks_2samp(current, before, method="asymp").statistic
    assert found["ks"] == pytest.approx(with_scipy, abs=1e-12)
    distance = scipy.stats.wasserstein_distance(current, before)
    assert found["wasserstein"] == pytest.approx(distance, abs=1e-12)


def test_ordered_metrics_use_the_stored_cells_and_not_the_merged_ones():
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 1, 20_000), rng.normal(0.5, 1, 20_000)
    coarse = one(floats_of(x, y, bins=2))
    assert coarse["wasserstein"] == pytest.approx(0.5, abs=0.03)
    assert coarse["ks"] == pytest.approx(scipy.stats.ks_2samp(x, y).statistic, abs=0.01)


def test_infinities_count_for_the_order_but_lie_nowhere():
    found = one(floats_of([1, 2, 3, 4], [1, 2, 3, np.inf]))
    assert found["ks"] == pytest.approx(0.25)
    assert found["wasserstein"] == pytest.approx(0.0)


@pytest.mark.parametrize("missing", [0, 50])
def test_nulls_change_no_ordered_metric(missing):
    column = pa.array([*[1.0, 2.0, 3.0] * 2, *[None] * missing])
    found = one(compared(column, pa.array([3.0, 3.0, 3.0]), KeyType.FLOAT))
    assert found["wasserstein"] == pytest.approx(1.0)


def test_gaussian_scores_come_from_the_exact_moments_in_the_unit_of_the_feature():
    x, y = np.array([100, 250, 300, 450]), np.array([200, 260, 520])
    found = one(compared(pa.array(x), pa.array(y), KeyType.INTEGER, scale=100))
    mean, spread = divergence.gaussian_kl_parts(y.mean(), y.std(), x.mean(), x.std())
    assert found["gaussian_kl_mean"] == pytest.approx(mean)
    assert found["gaussian_kl_spread"] == pytest.approx(spread)
    assert found["gaussian_kl"] == pytest.approx(mean + spread)
    assert found["mean_reference"] == pytest.approx(2.75)
    assert found["std_current"] == pytest.approx(y.std() / 100)


@pytest.mark.parametrize(
    "current",
    [[5.0] * 7, [0.1] * 3, [np.nan], [np.inf], [1e200, -1e200]],
    ids=["constant", "another constant", "nan", "infinity", "too large to square"],
)
def test_where_a_side_has_no_finite_spread_there_is_no_gaussian(current):
    found = one(floats_of([1, 2, 5, 9], current))
    assert np.isnan(found["gaussian_kl"])
    assert np.isfinite(found["kl"])


def test_categories_have_neither_order_nor_moments():
    found = one(categories([5, 4, 0, 0], [5, 5, 0, 0]))
    missing = {name for name, value in found.items() if np.isnan(value)}
    there = {*CELL_METRICS, *SHARE_METRICS, *INTERVAL, "cells", "kl_expected", "p_value"}
    assert missing == set(SCORES) - there


def test_a_reference_of_nulls_alone_leaves_nothing_to_order():
    pair = compared(pa.nulls(3, pa.int64()), pa.array([1, 2, 3]), KeyType.INTEGER)
    found = one(pair)
    assert isinstance(pair.support, NumericSupport)
    assert np.isnan(found["ks"])
    assert found["kl"] > 1
