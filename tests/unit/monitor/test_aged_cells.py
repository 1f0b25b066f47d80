"""Cells that most rows have left say so, and new ones can be chosen without losing what was."""

from __future__ import annotations

from dataclasses import replace

import daily_sample
import pyarrow as pa
import pyarrow.compute as pc
from daily_sample import config_of, rows, run_days, window

import kldrift
from kldrift.execution.memory import MemoryEngine
from kldrift.execution.progress import SILENT
from kldrift.monitor.findings import WindowCounts, count_current, findings_of
from kldrift.monitor.history import History, PastWindow
from kldrift.monitor.judging import judge_findings
from kldrift.monitor.notes import notes_of
from kldrift.monitor.plan import make_plan
from kldrift.monitor.stages import counting, read_reference
from kldrift.sources.table import TableSource
from kldrift.tables.read import read_table


def moved(table: pa.Table, by: float) -> pa.Table:
    place = table.schema.get_field_index("x")
    return table.set_column(place, "x", pc.add(table["x"], by))


def test_a_feature_whose_trailing_windows_lie_beyond_its_cells_says_that_they_have_aged(tmp_path):
    config = config_of(tmp_path, reference={"trailing": "9d"})
    first = TableSource(rows(0, 4_000))
    plan = make_plan(config, first, first)
    base = read_reference(plan, MemoryEngine(first, first), SILENT)

    def counted(day: int, by: float) -> PastWindow:
        now = TableSource(moved(rows(day), by))
        own = replace(plan, current=now)
        findings = count_current(own, base, MemoryEngine(first, now), SILENT)
        names = [p.feature.name for p in findings.pairs]
        return PastWindow(dict(zip(names, findings.current, strict=True)), {})

    for by, aged in ((0.0, set()), (6.0, {"x"})):
        history = History({window(day): counted(day, by) for day in range(3)})
        reference = history.reference(base, config.reference, config.time, window(3))
        assert set(reference.aged) == aged
    what = counting(plan, reference)
    now = counted(3, 6.0).profiles
    ((_, findings),) = findings_of([WindowCounts(plan, reference, what, list(now.values()), [])])
    verdicts = judge_findings(plan, findings)
    told = {verdicts.key(i)[0]: str(r) for i, r in enumerate(verdicts.reason)}
    assert "cells have aged: " in told["x"]
    assert told["x"].endswith("--refresh-reference chooses new ones")
    assert "aged" not in told["y"]
    (note,) = (n for n in notes_of(plan, findings, verdicts) if "aged" in n)
    assert note.startswith("cells have aged ('x'): run once with --refresh-reference")


def test_windows_on_cells_of_two_references_are_scored_again_each_on_its_own(tmp_path, monkeypatch):
    config = config_of(tmp_path, features={"include": ["x"]})
    run_days(config, range(2))
    with monkeypatch.context() as patch:
        patch.setattr(daily_sample, "rows", lambda day, n=600: moved(rows(day, n), 3.0))
        run_days(config, range(2, 4), daily_sample.rows)
    before = read_table(str(tmp_path), "drift_scores").drop_columns(["run_id"])
    assert len(set(before["reference_id"].to_pylist())) == 2
    assert len(kldrift.rescore(config).results) == 4
    assert read_table(str(tmp_path), "drift_scores").drop_columns(["run_id"]).equals(before)
