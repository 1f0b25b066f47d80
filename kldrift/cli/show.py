"""``kldrift show``: the last state of a monitor from its tables, in the terminal, without Spark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
from rich.cells import set_cell_size

from kldrift.arrays import Bools
from kldrift.cli.blocks import (
    CauseRow,
    cause_block,
    cause_lines,
    cause_rows,
    cells_of_row,
    feature_name,
    heights,
    row_block,
)
from kldrift.cli.terminal import STYLES, Line
from kldrift.config import Config
from kldrift.config.marked_days import marked_days
from kldrift.errors import ConfigError, OutputError, did_you_mean, escaped
from kldrift.reporting.causes import unscored_segments
from kldrift.reporting.cell_names import cell_name
from kldrift.reporting.figures import (
    figure,
    instant_name,
    likelihood,
    many,
    metric_words,
    share,
    signed,
    window_name,
)
from kldrift.reporting.headline import verdict_line, why_it_failed
from kldrift.reporting.json_values import records
from kldrift.reporting.order import beside_severities, counted, leading, worst_first, worst_rows
from kldrift.reporting.past import MOST_WINDOWS, Past, one_window_words, past_where
from kldrift.reporting.stored_window import of_last_whole, scores_and_cells
from kldrift.tables.read import stored_runs
from kldrift.tables.store import reach_store
from kldrift.tables.values import codes, floats_of, is_in, rows_where, taken
from kldrift.tables.which_windows import stored_windows
from kldrift.tables.window import Window

if TYPE_CHECKING:
    from kldrift.monitor.backtest import Backtest

IN_LINE: Final = 40
"""Windows that a line of bars shows."""
MOST_FEATURES: Final = 10
MOST_CELLS: Final = 20
LATEST_RUNS: Final = 20
"""Of all monitors of a folder, those among which one's last is looked for."""
LABEL: Final = 44
"""Columns for the name of a cell."""


def state_lines(config: Config, feature: str | None) -> tuple[list[Line], dict[str, Any]]:
    """The lines about the last window of a monitor, or about one of its features; and a summary."""
    store = reach_store(config.output.path)
    windows = stored_windows(store, config.monitor, timed=config.time is not None)
    zone = config.time.zone if config.time else "UTC"
    runs, _ = stored_runs(store, config.monitor, most=LATEST_RUNS)
    if not windows:
        failed = why_it_failed(next(iter(runs), None), None, zone)
        text = f"no window of {config.monitor!r} yet; the last run failed: {failed}"
        raise OutputError(
            f"{config.output.path}: "
            + (text if failed else f"no run of {config.monitor!r} yet; kldrift run")
        )
    (scores, cells, notes), windows, damaged = of_last_whole(
        windows, lambda some: scores_and_cells(store, config.monitor, some[-1]), zone
    )
    last = windows[-1]
    ordered = worst_first(scores)
    first = leading(ordered)["feature"].slice(0, MOST_FEATURES).to_pylist()
    names = {*first} if feature is None else {feature}
    cells = rows_where(cells, is_in(cells["feature"], names))

    def kept(rows: pa.Table) -> Bools:
        shown = is_in(rows["feature"], names) | is_in(rows["segment"], {None})
        return shown | ~is_in(rows["severity"], {"ok"})

    past = past_where(
        store, config.monitor, windows[-MOST_WINDOWS:], kept, {"kl", *codes(ordered["metric"])[1]}
    )
    told = next(iter(ordered["run_id"].to_pylist()), None)
    failed = why_it_failed(next(iter(runs), None), told, zone)
    notes += past.notes
    lines = [Line(f"the last window cannot be read: {escaped(damaged)}")] if damaged else []
    if feature is None:
        lines += [Line(f"the last run failed: {escaped(failed)}")] if failed else []
        lines += _state(config, last, ordered, cells, past, zone, notes)
        return lines, {
            "monitor": config.monitor,
            "window": last.key,
            "severities": counted(ordered),
            "failed": failed or None,
            "damaged": damaged or None,
            "worst": records(worst_rows(ordered, MOST_FEATURES)),
        }
    mine = rows_where(scores, is_in(scores["feature"], names))
    if not mine.num_rows:
        features = sorted(set(ordered["feature"].to_pylist()))
        hint = did_you_mean(feature, features)
        raise ConfigError(f"the last window has no feature {feature!r}{hint}")
    lines += _feature_lines(feature, last, mine, cells, past, zone, notes)
    return lines, {"feature": feature, "window": last.key, "scores": records(mine)}


def _state(
    config: Config,
    last: Window,
    ordered: pa.Table,
    cells: pa.Table,
    past: Past,
    zone: str,
    notes: Sequence[str],
) -> Iterator[Line]:
    alone = is_in(ordered["segment"], {None})
    counts, parts = (counted(rows_where(ordered, which)) for which in (alone, ~alone))
    severity = next((name for name in STYLES if counts[name] + parts[name]), "ok")
    said = f"{_named(last, zone)}: {verdict_line(counts, parts, beside_severities(ordered))}"
    yield Line(f"{severity}: {escaped(config.monitor)}, {said}", severity=severity)
    if len(past) > 1:
        critical = is_in(past.rows["severity"], {"critical"})
        counts_of = np.bincount(past.at[critical], minlength=len(past)).tolist()
        if any(counts_of):
            counts_of = counts_of[-IN_LINE:]
            yield Line(f"  |{heights(counts_of)}| max {max(counts_of)} critical scores", whole=True)
        else:
            yield Line(f"  nothing critical in the last {len(past)} windows")
    marked = marked_days(config, last.start, last.end)
    known = [*marked, *notes, unscored_segments(ordered), one_window_words(past, zone)]
    yield from (Line(f"note: {escaped(words)}") for words in known if words)

    def block(one: CauseRow) -> Iterator[Line]:
        yield from cause_block(one, cells, zone, past)
        yield from _earlier(one.row, past)

    yield from cause_lines(cause_rows(ordered), block, "kldrift report shows them")


def _earlier(row: Mapping[str, Any], past: Past) -> Iterator[Line]:
    """The score of a row by window, where there are several."""
    if len(past) > 1:
        metric = row["metric"] or "kl"
        scores = past.scores((str(row["feature"]), row["segment"]), metric)[-IN_LINE:]
        most = max((s for s in scores if s is not None), default=0.0)
        named = f"{metric_words(metric):<4}"
        yield Line(f"  {named} |{heights(scores)}| max {figure(most)}", whole=True)


def backtest_lines(result: Backtest) -> Iterator[Line]:
    """The lines about a backtest: how many windows each rule flags, which, and what to write."""
    summary = result.summary
    empty = many(result.empty, "window")
    left_out = f"; {empty} without rows left out" if result.empty else ""
    number = many(summary["windows"], "window")
    yield Line(f"{number}, the first {summary['learning']} to learn from{left_out}")
    yield Line(
        f"thresholds: {many(summary['fixed'], 'window')} with a critical feature, "
        f"{summary['fixed_after_learning']} of them after learning"
    )
    pages = many(summary["learned"], "page")
    yield Line(f"learned limits: {pages}; the budget is {summary['budget']}")
    if result.kl_limit is not None:
        yield Line(f"one limit that would have kept it: kl {figure(result.kl_limit)}")
    yield Line()
    yield from _flagged(records(result.windows), result.zone)
    if len(result.planted):
        yield Line()
        yield Line("planted into the last windows: found at once, and within ten")
    for drift, rows in result.planted.groupby("planted", sort=False):
        shares = ", ".join(
            f"{row['rule']} {100 * row['at_once']:.0f} % / {100 * row['within']:.0f} %"
            for row in records(rows)
        )
        features = many(int(rows["features"].iloc[0]), "feature")
        yield Line(f"  {drift}, {features}: {shares}")
    yield Line()
    yield Line("suggested:")
    for line in result.suggestion.splitlines():
        yield Line(f"  {line}", whole=True)


def _flagged(windows: Sequence[Mapping[str, Any]], zone: str) -> Iterator[Line]:
    """The windows that a rule flags; consecutive ones with the same text are one line."""
    alike = [(flags, [*rows]) for flags, rows in groupby(windows, _flags) if flags]
    begins = [
        instant_name(first["window_start"], zone)
        + (f", {many(1 + len(others), 'window')}" if others else "")
        for _, (first, *others) in alike
    ]
    width = max(map(len, begins), default=0)
    for (flags, _), begin in zip(alike, begins, strict=True):
        yield Line(f"{begin:<{width}}  {flags}", hang=width + 2)


def _flags(row: Mapping[str, Any]) -> str:
    """Which rules flag a window; empty for none."""
    fixed = f"{row['fixed']} critical ({feature_name(row['fixed_feature'])})"
    sure = likelihood(row["p_value"] or 0.0)
    page = f"learned: {feature_name(row['learned_feature'])}, p {sure}"
    return "; ".join([fixed] * bool(row["fixed"]) + [page] * bool(row["page"]))


def _feature_lines(
    feature: str,
    last: Window,
    rows: pa.Table,
    cells: pa.Table,
    past: Past,
    zone: str,
    notes: Sequence[str],
) -> Iterator[Line]:
    alone = is_in(rows["segment"], {None})
    whole = records(rows_where(rows, alone))[0]
    yield Line(_named(last, zone))
    yield from (Line(f"note: {escaped(note)}") for note in notes)
    yield from row_block(whole, cells, zone, past)
    yield from _earlier(whole, past)
    mine = cells_of_row(cells, whole)
    mine = taken(mine, np.argsort(-floats_of(mine["contribution"]), kind="stable")[:MOST_CELLS])
    if mine.num_rows:
        what = "correlation of" if whole["kind"] == "joint" else "cell"
        yield Line()
        yield Line(f"  {set_cell_size(what, LABEL)}{'then':>10}{'now':>10}  to kl", whole=True)
    for cell in records(mine):
        then, after = (_of_cell(cell, whole, side) for side in ("reference", "current"))
        label = set_cell_size(escaped(cell_name(cell, feature)), LABEL)
        yield Line(f"  {label}{then:>10}{after:>10}  {signed(cell['contribution'])}", whole=True)
    parts = records(rows_where(rows, ~alone & ~is_in(rows["severity"], {"ok"})))
    for part in parts[:MOST_FEATURES]:
        yield Line()
        yield from row_block(part, cells, zone, past)
        yield from _earlier(part, past)


def _of_cell(cell: Mapping[str, Any], row: Mapping[str, Any], side: str) -> str:
    """The share of a side's rows that lie in a cell; of a pair of features their correlation."""
    if row["kind"] == "joint":
        return figure(cell[f"correlation_{side}"], 2)
    return share(cell[f"rows_{side}"], row[f"n_{side}"])


def _named(window: Window, zone: str) -> str:
    """A window in the monitor's time zone, which is named where it is ambiguous."""
    name = window_name(window, zone)
    return f"{name} {zone}" if ":" in name or (window.end and zone != "UTC") else name
