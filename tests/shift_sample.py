"""Rows of two models whose divergence is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from scipy.special import log_softmax, softmax

from kldrift.config import load_model_shift
from kldrift.counting.windows import microseconds_of
from kldrift.execution.progress import SILENT
from kldrift.features.feature import Feature
from kldrift.features.keys import KeyType
from kldrift.features.parts import Part
from kldrift.monitor.record import Record
from kldrift.profiles.group_keys import NO_WINDOW
from kldrift.shift.class_pairs import ClassPairs
from kldrift.shift.list_counts import ListCounts
from kldrift.shift.program import ShiftProgram
from kldrift.shift.result import SHIFT_TABLES, ShiftResult
from kldrift.shift.row_divergence import Compared, RowOutcome
from kldrift.shift.run import window_at
from kldrift.shift.summary import Summaries
from kldrift.shift.table_rows import shift_tables
from kldrift.shift.verdict import judge
from kldrift.tables import Window, prepare_output, write_run, write_window
from kldrift.tables.stamp import Stamp

START = datetime(2024, 1, 1, tzinfo=UTC)


def column(name):
    return Feature(name, (name,), Part.VALUE, "row", "any", "categorical", KeyType.TEXT)


MODELS = ShiftProgram(
    champion=column("champion"),
    challenger=column("challenger"),
    probabilities=False,
    key=None,
    time=None,
    windows=None,
    lists=(),
    buckets=1,
)
"""Two models, without windows and segments."""


def row_kl(challenger, champion):
    """The divergence of each row, by the formula of the documentation."""
    p, q = np.asarray(challenger, float), np.asarray(champion, float)
    return (softmax(p, -1) * (log_softmax(p, -1) - log_softmax(q, -1))).sum(-1)


def compared(kl=(), left_out=None) -> Compared:
    """Rows of these divergences, and so many that were left out by their outcome."""
    kl = np.asarray(kl, dtype=np.float64)
    outcome = np.where(np.isinf(kl), RowOutcome.INFINITE, RowOutcome.FINITE).astype(np.int64)
    for which, rows in (left_out or {}).items():
        outcome = np.append(outcome, np.full(rows, which, dtype=np.int64))
        kl = np.append(kl, np.full(rows, np.nan))
    same = np.where(outcome > RowOutcome.INFINITE, -1, 0)
    return Compared(outcome, kl, same, same)


def added(kl=(), left_out=None) -> ListCounts:
    """What a task makes of such rows."""
    counts = MODELS.start()
    rows = compared(kl, left_out)
    counts.add_compared(rows, np.full(len(rows.kl), NO_WINDOW))
    return next(counts.parts())


def summed(kl=(), left_out=None) -> Summaries:
    """Their numbers, as one group also where there are no rows."""
    found = Summaries.of(added(kl, left_out))
    return found if len(found) else Summaries.without_rows()


def same_numbers(a: ListCounts, b: ListCounts) -> None:
    """Check that two parts have the same counts, and the same sums but for the last digit."""
    ours, theirs = Summaries.of(a), Summaries.of(b)
    for name in ("outcomes", "changed", "rows", "quantiles", "segment", "window"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    for name in ("kl", "variance", "contributions"):
        np.testing.assert_allclose(
            getattr(ours, name), getattr(theirs, name), rtol=1e-14, atol=5e-324
        )


def ran(file: Path, sizes: list[float], at: datetime = START) -> ShiftResult:
    """What a run wrote of as many days, with mean divergences of these sizes."""
    config = load_model_shift(file)
    prepare_output(config.output.path)
    record = Record(config, Window(None, None), at, SILENT)
    days = [START + timedelta(days=i) for i in range(len(sizes))]
    rng = np.random.default_rng(0)
    found = Summaries.joined([summed(rng.exponential(size, 500)) for size in sizes])
    found = replace(found, window=np.array([microseconds_of(day) for day in days]))
    verdicts = judge(found, config)
    tables: dict[str, list] = {name: [] for name in SHIFT_TABLES}
    for i, start in enumerate(found.window.tolist()):
        window = window_at(start, config, None)
        stamp = Stamp(record.run_id, config.monitor, window, None, config.config_hash)
        pairs = ClassPairs.of(np.full(9, start), np.zeros(9, int), np.arange(9) // 5).top()
        one = np.arange(len(found)) == i
        made = shift_tables(verdicts.take(one), found.take(one), None, pairs, stamp)
        write_window(config.output.path, config.monitor, window, made)
        for name, rows in made.items():
            if name in tables:
                tables[name].append(rows)
    more = {"rows_reference": 500, "rows_current": 500}
    row = record.judged_row(verdicts, [], exit_code=3, reference_read="", current_read="", **more)
    write_run(config.output.path, row)
    return ShiftResult.of(config, tables, row)
