from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from scipy import stats

from kldrift.config import Config, load_config
from kldrift.demo.data import ORDERS, demo_config, make_day, write_demo
from kldrift.demo.events import (
    DAYS,
    DECOYS,
    PLANTED,
    Decoy,
    Planted,
    date_of,
)
from kldrift.features.names import ROWS_FEATURE
from kldrift.statistics.learned_limits import FEWEST_WINDOWS

NESTED = {"address", "tags"}
REFERENCE = range(1, 29)
LATER = range(33, 61)
"""As many whole weeks as the reference."""
SKIPPED = {"order_id", "ordered_at"}


@pytest.fixture(scope="module")
def days() -> dict[int, pa.Table]:
    return {day: make_day(day, seed=7, rows_per_day=1500) for day in range(1, DAYS + 1)}


def _rows(days: dict[int, pa.Table], some: Iterable[int]) -> pd.DataFrame:
    flat = pa.concat_tables(days[day] for day in some).drop_columns(sorted(NESTED))
    return flat.to_pandas()


def _event(feature: str, events: tuple[Planted, ...] | tuple[Decoy, ...]) -> range:
    event = next(e for e in events if feature in e.features)
    return range(event.day_from, event.day_to + 1)


def _kl(reference: pd.Series, current: pd.Series) -> float:
    """Over twenty cells of equal reference mass, or one for each value; nulls are a cell."""
    if reference.dtype.kind == "f" or reference.nunique() > 100:
        numbers = pd.concat([reference, current], ignore_index=True).astype(float)
        inner = np.unique(np.nanquantile(numbers[: len(reference)], np.linspace(0.05, 0.95, 19)))
        cells = pd.Series(np.searchsorted(inner, numbers)).where(numbers.notna(), -1)
        reference, current = cells[: len(reference)], cells[len(reference) :]
    q, p = (side.fillna("null").value_counts() for side in (reference, current))
    both = p.index.union(q.index)
    smooth = [counts.reindex(both, fill_value=0) + 0.5 for counts in (p, q)]
    return float(stats.entropy(smooth[0], smooth[1]))


def test_a_seed_gives_the_same_bytes_and_another_seed_gives_others(tmp_path: Path) -> None:
    for name, seed in (("first", 1), ("again", 1), ("other", 2)):
        write_demo(tmp_path / name, seed=seed, rows_per_day=10)
    for file in (tmp_path / "first" / "orders").iterdir():
        again, other = (tmp_path / name / "orders" / file.name for name in ("again", "other"))
        assert file.read_bytes() == again.read_bytes()
        assert file.read_bytes() != other.read_bytes()


def test_the_files_hold_one_day_each_and_the_whole_schema(tmp_path: Path) -> None:
    write_demo(tmp_path, seed=7, rows_per_day=20)
    files = sorted((tmp_path / "orders").iterdir())
    assert [f.name for f in files][:: DAYS - 1] == ["2026-02-01.parquet", "2026-04-01.parquet"]
    assert len(files) == DAYS
    ids: list[int] = []
    for file in files:
        table = pq.read_table(file)
        assert table.schema.equals(ORDERS)
        assert {str(t.date()) for t in table["ordered_at"].to_pylist()} == {file.stem}
        ids += table["order_id"].to_pylist()
    assert len(set(ids)) == len(ids)


def _configured(folder: Path, text: str) -> Config:
    (folder / "demo.yaml").write_text(text)
    return load_config(folder / "demo.yaml")


def test_the_configuration_compares_all_days_with_the_first_four_weeks(tmp_path: Path) -> None:
    write_demo(tmp_path, rows_per_day=5)
    config = _configured(tmp_path, demo_config(tmp_path))
    for dataset, expected in ((config.reference, REFERENCE), (config.current, range(1, DAYS + 1))):
        found = [file for path in dataset.path for file in Path("/").glob(path.lstrip("/"))]
        assert sorted(file.stem for file in found) == [str(date_of(day)) for day in expected]
    assert len(REFERENCE) == FEWEST_WINDOWS
    assert config.learned


def test_a_configuration_may_lie_beside_the_data_and_move_with_it(tmp_path: Path) -> None:
    relative = _configured(tmp_path, demo_config(Path()))
    absolute = _configured(tmp_path, demo_config(tmp_path))
    assert str(tmp_path) not in demo_config(Path())
    assert (relative.reference, relative.current) == (absolute.reference, absolute.current)
    assert relative.output.path == absolute.output.path == str(tmp_path / "drift")
    assert relative.report == absolute.report


def test_events_begin_after_the_reference() -> None:
    for event in PLANTED:
        assert event.day_from > REFERENCE[-1]
        assert set(event.features) <= set(ORDERS.names)


def test_no_feature_is_both_planted_and_a_decoy() -> None:
    planted, decoys = ({f for e in events for f in e.features} for events in (PLANTED, DECOYS))
    assert not planted & decoys
    assert decoys <= set(ORDERS.names)


def test_every_kind_of_value_that_makes_trouble_is_there(days: dict[int, pa.Table]) -> None:
    day = days[1]
    assert pc.sum(pc.is_nan(day["temperature_c"])).as_py() > 0
    assert day["temperature_c"].null_count == 0
    assert 0 < day["customer_age"].null_count < day.num_rows / 10
    assert day["coupon"].null_count > day.num_rows * 0.9
    assert pc.struct_field(day["address"], "floor").null_count > 0
    assert set(pc.list_value_length(day["tags"]).to_pylist()) >= {0, 1, 2}


def test_distances_are_in_metres_from_the_day_of_the_unit_change(days: dict[int, pa.Table]) -> None:
    event = _event("distance_km", PLANTED)
    before, after = (_rows(days, r)["distance_km"] for r in (range(1, event[0]), event))
    assert after.mean() / before.mean() == pytest.approx(1000, rel=0.02)
    assert stats.ks_2samp(before * 1000, after).pvalue > 0.01


def test_the_new_payment_method_is_new(days: dict[int, pa.Table]) -> None:
    event = _event("payment_method", PLANTED)
    before, after = (_rows(days, r)["payment_method"] for r in (range(1, event[0]), event))
    assert "instant_transfer" not in set(before)
    assert (after == "instant_transfer").mean() == pytest.approx(0.18, abs=0.01)


def test_ages_are_null_in_a_burst_and_then_no_longer(days: dict[int, pa.Table]) -> None:
    event = _event("customer_age", PLANTED)
    for day, orders in days.items():
        nulls = orders["customer_age"].null_count / orders.num_rows
        assert nulls == pytest.approx(0.8 if day in event else 0.03, abs=0.05)
    ages = [_rows(days, r)["customer_age"].dropna() for r in (REFERENCE, event)]
    assert stats.ks_2samp(*ages).pvalue > 0.01


def test_the_load_factor_rises_a_little_every_week(days: dict[int, pa.Table]) -> None:
    weeks = [_rows(days, range(a, a + 7))["load_factor"].mean() for a in range(1, 55, 7)]
    steps = np.diff(weeks)
    assert np.abs(steps[:3]).max() < 0.01
    assert steps[3:].min() > 0.02
    assert steps.max() < 0.1


def test_delivery_spreads_twice_as_wide_around_the_same_mean(days: dict[int, pa.Table]) -> None:
    event = _event("delivery_minutes", PLANTED)
    before, after = (_rows(days, r)["delivery_minutes"] for r in (range(1, event[0]), event))
    assert after.std() / before.std() == pytest.approx(2, rel=0.02)
    assert after.mean() == pytest.approx(before.mean(), abs=0.2)


def test_the_correlation_flips_while_each_feature_keeps_its_law(days: dict[int, pa.Table]) -> None:
    event = _event("discount_rate", PLANTED)
    before, after = (_rows(days, r) for r in (range(1, event[0]), event))
    for feature in ("basket_value", "discount_rate", "amount"):
        assert stats.ks_2samp(before[feature], after[feature]).pvalue > 0.01
    for rows, expected in ((before, 0.68), (after, -0.68)):
        rank = stats.spearmanr(rows["basket_value"], rows["discount_rate"]).statistic
        assert rank == pytest.approx(expected, abs=0.02)


def test_weekends_differ_and_the_two_windows_do_not(days: dict[int, pa.Table]) -> None:
    weekend = [day for day in days if days[day]["ordered_at"][0].as_py().weekday() >= 5]
    on, off = _rows(days, weekend), _rows(days, set(days) - set(weekend))
    assert on["items"].mean() > off["items"].mean() + 1
    assert (on["device"] == "mobile").mean() > (off["device"] == "mobile").mean() + 0.1
    reference, current = _rows(days, REFERENCE), _rows(days, LATER)
    assert stats.ks_2samp(reference["items"], current["items"]).pvalue > 0.01


def test_the_row_count_doubles_for_a_whole_week(days: dict[int, pa.Table]) -> None:
    event = next(e for e in PLANTED if e.shows_in == ROWS_FEATURE)
    assert (event.features, event.day_to - event.day_from) == ((), 6)
    for day in range(event.day_from, event.day_to + 1):
        assert days[day].num_rows == 2 * days[day - 7].num_rows


def test_one_weight_is_enormous(days: dict[int, pa.Table]) -> None:
    (day,) = _event("weight_kg", DECOYS)
    weights = _rows(days, days)["weight_kg"].sort_values()
    assert weights.iloc[-1] == 1e9 == max(days[day]["weight_kg"].to_pylist())
    assert weights.iloc[-2] < 50


def test_rare_countries_come_and_go(days: dict[int, pa.Table]) -> None:
    seen = {c: {d for d in days if c in days[d]["country"].to_pylist()} for c in ("IS", "MT")}
    first, second = (e for e in DECOYS if e.features == ("country",))
    assert {*seen["IS"]} <= {*range(first.day_from, first.day_to + 1)} <= {*REFERENCE}
    assert {*seen["MT"]} <= {*range(second.day_from, second.day_to + 1)} <= {*LATER}
    assert min(map(len, seen.values())) >= 3
    everywhere = _rows(days, LATER)["country"].isin(["IS", "MT"]).mean()
    assert 0 < everywhere < 0.001


def test_the_answer_key_is_fair_to_a_plain_kl(days: dict[int, pa.Table]) -> None:
    reference, current = _rows(days, REFERENCE), _rows(days, LATER)
    scores = {f: _kl(reference[f], current[f]) for f in set(reference) - SKIPPED}
    by_kl = {e.shows_in for e in PLANTED if e.features == (e.shows_in,)}
    assert {f for f, kl in scores.items() if kl > 0.25} == by_kl
    assert max(kl for f, kl in scores.items() if f not in by_kl) < 0.01
