"""A column that comes changes nothing of what was counted and learnt of the others."""

from __future__ import annotations

from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from daily_sample import config_of, rows, run_days, window

from kldrift.execution.memory import MemoryEngine
from kldrift.execution.progress import SILENT
from kldrift.monitor import reference_store
from kldrift.monitor.backtest import backtest
from kldrift.monitor.history import stored_history
from kldrift.monitor.plan import make_plan
from kldrift.monitor.same_cells import SameCells
from kldrift.monitor.stages import read_reference
from kldrift.sources.table import TableSource
from kldrift.tables.layout import reference_id_of, window_file
from kldrift.tables.read import stored_reference_id, stored_supports
from kldrift.tables.store import open_store

SEGMENTS = [["part"]]


def with_z(table):
    return table.append_column("z", table["x"])


def run_both(config, before=range(30), after=range(30, 32), **changes):
    """Days with three features, then some with one more on a reference of the same rows."""
    earlier = run_days(config, before)
    wider = {"reference_rows": with_z(rows(0, 4_000)), "of_day": lambda day: with_z(rows(day))}
    return earlier, run_days(config, after, **(wider | changes))


def supports_of(store, config, day):
    reference_id = stored_reference_id(store, config.monitor, window(day))
    return stored_supports(store, config.monitor, reference_id)


def test_limits_go_on_being_learnt_when_a_column_is_new(tmp_path):
    config = config_of(tmp_path, thresholds="learned", segments=SEGMENTS)
    _, (first, second) = run_both(config)
    kinds = first.scores.set_index(["feature", "segment"])["threshold_kind"]
    assert kinds["x"].tolist() == ["learned"] * 3  # the whole, and each part
    assert set(kinds["z"]) == {"learning"}
    windows = second.scores[second.scores["segment"].isna()].set_index("feature")
    assert windows["history_windows"][["x", "y", "kind", "z"]].tolist() == [31, 31, 31, 1]


def test_windows_of_another_reference_are_history_where_cells_are_the_same(tmp_path):
    config = config_of(tmp_path, segments=SEGMENTS)
    run_both(config)
    store = open_store(str(tmp_path))
    before, after = (supports_of(store, config, day) for day in (29, 31))
    assert before.reference_id != after.reference_id
    history = stored_history(str(tmp_path), config.monitor, after.reference_id)
    found = {day: history._read(window(day)) for day in (29, 31)}
    assert sorted(found[29].profiles) == ["kind", "part", "x", "y"]
    assert sorted(found[31].profiles) == ["kind", "part", "x", "y", "z"]
    own = SameCells(store, config.monitor, before).profiles(window(29))[0]
    assert found[29].profiles["x"].counts.tolist() == own["x"].counts.tolist()
    assert found[29].profiles["x"].keys.segment.tolist() == [0, 0, 1]


def test_profiles_on_other_cells_are_left_out_and_segments_of_other_lists(tmp_path):
    config = config_of(tmp_path, segments=SEGMENTS)
    other = rows(0, 4_000)
    moved = rows(50, 4_000, shift=3)["x"]
    other = other.set_column(0, "x", moved).set_column(3, "part", other["kind"])
    run_both(config, reference_rows=other, of_day=rows)
    store = open_store(str(tmp_path))
    profiles, _ = SameCells(store, config.monitor, supports_of(store, config, 31)).profiles(
        window(29)
    )
    assert sorted(profiles) == ["kind", "y"]
    assert profiles["y"].keys.list.tolist() == [-1]
    assert profiles["y"].rows.tolist() == [600]


def test_rows_of_several_references_in_one_file_are_damage(tmp_path):
    config = config_of(tmp_path)
    run_both(config)
    store = open_store(str(tmp_path))
    file = tmp_path / window_file("profiles", config.monitor, window(30))
    table = pq.read_table(file)
    ids = [supports_of(store, config, 29).reference_id, *table["reference_id"].to_pylist()[1:]]
    pq.write_table(
        table.set_column(table.schema.names.index("reference_id"), "reference_id", [ids]), file
    )
    with pytest.raises(ValueError, match="profiles of 2 references"):
        SameCells(store, config.monitor, supports_of(store, config, 29)).profiles(window(30))


@pytest.fixture
def windows_alone(tmp_path):
    """A monitor whose reference is windows, and plans of it."""
    config = config_of(tmp_path, reference={"trailing": "30d"})
    run_days(config, range(3))

    def plan_of(table):
        source = TableSource(table)
        return make_plan(config, source, source)

    return plan_of


def test_a_reference_of_windows_is_found_without_the_features_that_are_new(windows_alone):
    table = rows(3)
    stored = reference_store.find(windows_alone(with_z(table)), "key")
    assert stored.lacking == ("z",)
    assert sorted(stored.reference.profiles) == ["kind", "part", "x", "y"]
    assert not stored.complete
    assert reference_store.find(windows_alone(table), "key").lacking == ()
    other = table.select(["x"]).rename_columns(["q"])
    assert reference_store.find(windows_alone(other), "key").lacking == ("q",)


def test_a_fixed_reference_that_lacks_a_feature_is_read_again(tmp_path):
    config = config_of(tmp_path)
    run_days(config, range(2))
    source = TableSource(with_z(rows(2)))
    assert reference_store.find(make_plan(config, source, source), "key") is None


def test_what_is_stored_of_a_reference_can_be_read_where_today_lacks_a_feature(tmp_path):
    config = config_of(tmp_path, features={"exclude": ["kind"]})
    run_days(config_of(tmp_path), range(1))
    plan = make_plan(config, TableSource(rows(0, 4_000)), TableSource(rows(1).drop_columns(["y"])))
    stored = reference_store.find(plan, "key")
    assert not stored.complete
    reference_store.save(plan, stored.reference, stored.origin)
    store = open_store(str(tmp_path))
    ids = {reference_id_of(config.monitor, name) for name in store.names("supports")}
    assert stored.reference.reference_id in ids
    again = reference_store.find(plan, "key")
    assert again.complete
    assert sorted(again.reference.profiles) == ["part", "x", "y"]


def test_a_backtest_goes_over_the_windows_before_a_column_was_new(tmp_path):
    config = config_of(tmp_path)
    run_both(config, range(29), range(29, 31))
    assert len(backtest(config, plant=()).windows) == 31


def test_a_reference_of_windows_keeps_features_whose_column_is_gone(windows_alone, tmp_path):
    table = rows(3)
    plan = windows_alone(table.drop_columns(["y"]))
    stored = reference_store.find(plan, "key")
    assert stored.complete
    assert [f.name for f in stored.others] == ["y"]
    gone = [p.feature.name for p in plan.with_gone(stored.others).pairs if not p.both]
    assert gone == ["y"]
    for features in ({"exclude": ["y"]}, {"include": ["x", "kind"]}):
        config = config_of(tmp_path, features=features)
        assert replace(plan, config=config).with_gone(stored.others).pairs == plan.pairs


def test_what_is_gone_stays_in_the_reference_that_gains_a_feature(windows_alone):
    table = rows(3)
    plan = windows_alone(with_z(table.drop_columns(["y"])))
    stored = reference_store.find(plan, "key")
    assert (stored.lacking, [f.name for f in stored.others]) == (("z",), ["y"])
    added = read_reference(
        plan.of_features(["z"]), MemoryEngine(plan.reference, plan.current), SILENT
    )
    reference = stored.reference.beside(added)
    reference_store.save(plan, reference, stored.origin, stored.others)
    again = reference_store.find(plan, "key")
    assert again.complete
    assert sorted(again.reference.profiles) == ["kind", "part", "x", "y", "z"]
    back = reference_store.find(windows_alone(with_z(table)), "key")
    assert (back.complete, back.lacking, back.others) == (True, (), ())
