"""Columns that come, go and change type are rows of their window; the others stay as they were."""

from __future__ import annotations

import pyarrow as pa
import pytest
from daily_sample import START, config_of, rows, window

import kldrift
from kldrift.cli.console import backfill_lines
from kldrift.execution.memory import MemoryEngine
from kldrift.execution.progress import SILENT
from kldrift.monitor import reference_store
from kldrift.monitor.findings import count_current
from kldrift.monitor.plan import make_plan
from kldrift.monitor.publish import publish_window
from kldrift.monitor.record import Record
from kldrift.monitor.stages import read_reference
from kldrift.sources.table import TableSource
from kldrift.tables import prepare_output
from kldrift.tables.read import read_table
from kldrift.tables.supports import Origin


@pytest.fixture
def run_day(tmp_path):
    """Runs the rows of a day as a schedule does, on the reference that is stored."""
    config = config_of(tmp_path)
    prepare_output(config.output.path)
    first = TableSource(rows(0, 4_000))
    plan = make_plan(config, first, first)
    reference = read_reference(plan, MemoryEngine(first, first), SILENT)
    reference_store.save(plan, reference, Origin("key", 4_000, "run-0", START))

    def run(day: int, table: pa.Table):
        now = TableSource(table)
        own = make_plan(config, first, now)
        stored = reference_store.find(own, "key")
        assert stored is not None
        findings = count_current(own, stored.reference, MemoryEngine(first, now), SILENT)
        return publish_window(Record(config, window(day), START, SILENT), own, findings, "critical")

    return run


def of(result):
    return dict(zip(result.scores["feature"], result.scores["status"], strict=True))


def test_a_column_that_is_gone_or_new_is_a_row_and_the_reference_stays_the_same(run_day, tmp_path):
    usual = run_day(0, rows(0))
    gone = run_day(1, rows(1).drop_columns(["y"]))
    new = run_day(2, rows(2).append_column("z", rows(2)["x"]))
    assert of(gone) == {"x": "ok", "kind": "ok", "part": "ok", "y": "missing_feature"}
    assert gone.exit_code == 4
    assert of(new) == {"x": "ok", "y": "ok", "kind": "ok", "part": "ok", "z": "new_feature"}
    assert new.exit_code == 0
    ids = {r.run["reference_id"] for r in (usual, gone, new)}
    assert len(ids) == 1
    before = read_table(str(tmp_path), "drift_scores").drop_columns(["run_id"])
    kldrift.rescore(config_of(tmp_path))
    after = read_table(str(tmp_path), "drift_scores").to_pandas()
    whole = after[after["feature"] != ":rows"]
    pairs = zip(whole["feature"], whole["status"], strict=True)
    assert sorted(pairs) == sorted(
        zip(*(before[c].to_pylist() for c in ("feature", "status")), strict=True)
    )


def test_a_day_of_other_columns_alone_is_scored_again_and_its_rows_are_not_called_none(
    run_day, tmp_path
):
    run_day(0, rows(0))
    other = run_day(1, pa.table({"z": rows(1)["x"]}))
    lost = dict.fromkeys(["x", "y", "kind", "part"], "missing_feature")
    assert (of(other), other.exit_code) == (lost | {"z": "new_feature"}, 4)
    again = kldrift.rescore(config_of(tmp_path))
    assert of(again.results[1]) == of(other) | {":rows": "error"}
    reasons = dict(zip(again.scores["feature"], again.scores["reason"], strict=True))
    assert reasons[":rows"] == "the rows were not counted, as no feature was compared"
    lines = [" ".join(line.text.split()) for line in backfill_lines(again, "critical")]
    assert "unscored 2 Jan 2024 - 0 0 0 6 -" in lines


def test_a_type_that_compares_is_scored_and_one_that_does_not_is_a_row():
    day = rows(1)
    narrow = day.set_column(0, "x", day["x"].cast(pa.float32()))
    text = day.set_column(0, "x", day["x"].cast(pa.string()))
    for table, status in ((narrow, "ok"), (text, "type_changed")):
        result = kldrift.compare(rows(0), table, include=["x"])
        assert list(result.scores["status"]) == [status]
    (note,) = kldrift.compare(rows(0), narrow, include=["x"]).notes
    assert "x (double in the reference, float in the current dataset)" in note
