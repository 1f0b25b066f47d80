"""Values that the reference never had are named in windows too, and when these are scored again."""

from __future__ import annotations

import daily_sample
import numpy as np
import pyarrow as pa
import pytest
from daily_sample import config_of, run_days, window

import kldrift
from kldrift.config import Features
from kldrift.counting.new_values import NewName, NewValues
from kldrift.counting.profile_builder import by_window
from kldrift.counting.windows import Windows
from kldrift.execution.programs import CountProgram, TimeColumn
from kldrift.features.group_columns import as_read
from kldrift.features.plan import plan_features
from kldrift.profiles.categorical_support import CategoricalSupport, KnownNames
from kldrift.sources.table import TableSource
from kldrift.statistics.hashing import text_hashes
from kldrift.tables.read import read_table


def with_many(day: int) -> pa.Table:
    rows = daily_sample.rows(day)
    if day < 2:
        return rows
    names = [f"new {i // 2}" for i in range(len(rows))]
    return rows.set_column(rows.schema.get_field_index("kind"), "kind", pa.array(names))


def with_wallet(day: int) -> pa.Table:
    rows = daily_sample.rows(day)
    if day < 2:
        return rows
    kinds = np.where(np.arange(len(rows)) % 4 == 0, "wallet", rows["kind"].to_numpy())
    return rows.set_column(rows.schema.get_field_index("kind"), "kind", pa.array(kinds))


def reasons(path, day):
    return {
        row["feature"]: row["reason"]
        for row in read_table(str(path), "drift_scores").to_pylist()
        if row["window_start"] == window(day).start and row["segment"] is None
    }


def test_a_new_value_is_named_also_when_its_window_is_scored_again_without_rows(tmp_path):
    config = config_of(tmp_path, segments=[["part"]])
    run_days(config, range(3), with_wallet)
    before = {day: reasons(tmp_path, day) for day in range(3)}
    assert before[2]["kind"].startswith(
        "25.0 % of the rows have values that the reference never had: 'wallet' 25.0 %"
    )
    kldrift.rescore(config)
    assert {day: reasons(tmp_path, day) for day in range(3)} == before
    profiles = read_table(str(tmp_path), "profiles").to_pylist()
    new = [row for row in profiles if row["new_values"] is not None]
    assert [(r["feature"], r["segment"], r["new_values"], r["new_rows"]) for r in new] == [
        ("kind", None, ["wallet"], [150])
    ]
    labels = {
        row["label"]
        for row in read_table(str(tmp_path), "drift_cells").to_pylist()
        if row["cell_kind"] == "never_seen" and row["window_start"] == window(2).start
    }
    assert any("wallet" in (label or "") for label in labels)


def test_of_many_new_values_the_first_are_named_and_the_others_are_counted(tmp_path):
    config = config_of(tmp_path, segments=[["part"]])
    run_days(config, range(3), with_many)
    before = reasons(tmp_path, 2)["kind"]
    assert before.startswith(
        "nearly all values are new to the reference: "
        "'new 0' 0.33 %, 'new 1' 0.33 %, 'new 10' 0.33 % and 297 more; "
    )
    kldrift.rescore(config)
    assert reasons(tmp_path, 2)["kind"] == before
    in_segments = [
        row["reason"]
        for row in read_table(str(tmp_path), "drift_scores").to_pylist()
        if row["segment"] and row["feature"] == "kind" and row["window_start"] == window(2).start
    ]
    assert len(in_segments) == 2
    for reason in in_segments:
        assert reason.startswith(
            "nearly all values are new to the reference "
            "(in the whole dataset: 'new 0', 'new 1', 'new 10' and 297 more); "
        )
    (label,) = {
        row["label"]
        for row in read_table(str(tmp_path), "drift_cells").to_pylist()
        if row["cell_kind"] == "never_seen" and row["window_start"] == window(2).start
        if row["segment"] is None
    }
    assert label.startswith("'new 0' 0.33 %, 'new 1' 0.33 %, ")
    assert label.endswith(" and 290 more")


def with_rare(day: int, n: int = 600, name: str = "") -> pa.Table:
    """Rows with 800 names, each as frequent; one of them has a tenth of the rows of day 2."""
    rows = daily_sample.rows(day, n)
    names = np.array([f"k{i % 800}" for i in range(n)], dtype=object)
    names[: n // 10 if day == 2 and name else 0] = name
    return rows.set_column(rows.schema.get_field_index("kind"), "kind", pa.array(names))


def test_a_rare_name_without_a_cell_that_becomes_frequent_is_found_and_scored_again(tmp_path):
    config, reference = config_of(tmp_path), with_rare(0, 4_000)
    run_days(config, range(2), with_rare, reference_rows=reference)
    supports = {row["feature"]: row for row in read_table(str(tmp_path), "supports").to_pylist()}
    (name, *_) = sorted({f"k{i}" for i in range(800)} - {*supports["kind"]["categories"]})
    run_days(config, [2], lambda day: with_rare(day, name=name), reference_rows=reference)
    before = {day: reasons(tmp_path, day)["kind"] for day in range(3)}
    assert before[0] is before[1] is None
    assert before[2].startswith(f"'{name}' has 10.0 % of the rows, and had 0.12 % at most; value_")
    kldrift.rescore(config, fail_on="never")
    assert {day: reasons(tmp_path, day)["kind"] for day in range(3)} == before
    kldrift.rescore(config_of(tmp_path, reference={"previous": 1}), fail_on="never")


@pytest.mark.parametrize("ordered", [True, False], ids=["in order", "shuffled"])
def test_one_scan_tells_the_frequent_names_without_a_cell_of_each_window(ordered):
    rng = np.random.default_rng(1)
    hours, names = np.repeat(np.arange(4), 1000), rng.integers(0, 3_000, 4000).astype(str)
    names[1000:1300], names[3000:3020], names[3020:3050] = "a", "b", "c"
    order = np.arange(4000) if ordered else rng.permutation(4000)
    stamps = pa.array(hours * 3_600_000_000).cast(pa.timestamp("us", "UTC"))
    table = pa.table({"at": stamps, "name": names}).take(pa.array(order))
    (feature,) = (f for f in plan_features(table.schema, Features()).features if f.name == "name")
    known = KnownNames(np.unique(text_hashes(pa.array([*"abc", *map(str, range(3000))]))))
    program = CountProgram(
        (feature,),
        (CategoricalSupport(("known",), known=known),),
        time=TimeColumn(as_read("at", table.schema, dictionary=False), Windows.of("1h", "UTC")),
        naming=True,
    )
    for size in (70, 900, 5_000):
        program.batch_rows = size
        counts = program.start()
        for batch in TableSource(table).batches(program):
            counts.add(batch)
        told = counts.unseen()[0].known.most()
        found = {w // 3_600_000_000: name for w, name in told.items()}
        assert {hour: name for hour, (name, _) in found.items()} == {1: "a", 3: "c"}
        assert found[1][1] == pytest.approx(300, abs=2)


@pytest.mark.parametrize("ordered", [True, False], ids=["in order", "shuffled"])
def test_one_scan_tells_the_new_values_of_each_window(ordered):
    hours = np.repeat(np.arange(4), 100)
    names = np.where(hours == 2, "new in 2", np.where(hours == 3, "new in 3", "known"))
    names = np.where(np.arange(400) % 10 == 0, "new", names)
    order = np.arange(400) if ordered else np.random.default_rng(0).permutation(400)
    stamps = pa.array(hours * 3_600_000_000).cast(pa.timestamp("us", "UTC"))
    table = pa.table({"at": stamps, "name": names}).take(pa.array(order))
    (feature,) = (f for f in plan_features(table.schema, Features()).features if f.name == "name")
    program = CountProgram(
        (feature,),
        (CategoricalSupport(("known",), known=KnownNames(np.array([], np.uint64))),),
        time=TimeColumn(as_read("at", table.schema, dictionary=False), Windows.of("1h", "UTC")),
        naming=True,
    )
    program.batch_rows = 70
    counts = program.start()
    for batch in TableSource(table).batches(program):
        counts.add(batch)
    found: dict[int, list[NewName]] = {}
    for start, value in by_window(counts.unseen()[0].most()):
        found.setdefault(start // 3_600_000_000, []).append(value)
    named = {hour: list(NewValues.of(values).named) for hour, values in found.items()}
    assert named == {
        0: [("new", 10)],
        1: [("new", 10)],
        2: [("new in 2", 90), ("new", 10)],
        3: [("new in 3", 90), ("new", 10)],
    }


def test_a_value_that_the_window_before_had_is_not_new_beside_it(tmp_path):
    run_days(config_of(tmp_path), range(5), with_wallet)
    found = kldrift.rescore(config_of(tmp_path, reference={"previous": 1}), fail_on="never")
    scores = [result.scores.set_index("feature").loc["kind"] for result in found.results]
    assert [row["severity"] for row in scores] == ["unscored", "ok", "critical", "unscored", "ok"]
    assert scores[2]["reason"].startswith("25.0 % of the rows have values that the reference never")
    assert scores[3]["reason"].startswith("critical in every earlier window that it would be")
    assert scores[4]["value_share_change"] < 0.03


def test_of_a_value_that_became_more_than_the_window_before_had_it_is_said_how_much(tmp_path):
    def of_day(day):
        rows = daily_sample.rows(day)
        part = {2: 50, 3: 3}.get(day, 10**6)
        kinds = np.where(np.arange(len(rows)) % part == 0, "wallet", rows["kind"].to_numpy())
        return rows.set_column(rows.schema.get_field_index("kind"), "kind", pa.array(kinds))

    limits = {"value_share_change": {"critical": 0.1}}
    run_days(config_of(tmp_path), range(4), of_day)
    config = config_of(tmp_path, reference={"previous": 1}, thresholds=limits)
    found = kldrift.rescore(config, fail_on="never").results[3].scores.set_index("feature")
    assert found.loc["kind", "value_share_change"] == pytest.approx(1 / 3 - 1 / 50)
    assert found.loc["kind", "reason"].startswith(
        "values without a cell of their own rose from 2.0 % to 33.3 % of the rows: 'wallet' 33.3 %"
    )
