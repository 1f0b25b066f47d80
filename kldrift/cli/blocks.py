"""One row of the scores as a few lines of at most 80 columns, with histograms of characters."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from kldrift.cli.console import null_share, short
from kldrift.cli.terminal import Line
from kldrift.errors import escaped
from kldrift.reporting.figures import figure
from kldrift.reporting.json_values import records
from kldrift.reporting.order import leading, worst_first
from kldrift.reporting.parts import Parts, alone_words, parts_words, segments_of_features
from kldrift.reporting.row_words import alert_words
from kldrift.tables.values import floats_of, is_in, rows_where

if TYPE_CHECKING:
    import pyarrow as pa

BARS: Final = " ▁▂▃▄▅▆▇█"
PLAIN_HEIGHTS: Final = " .:-=+*#@"
"""Heights of a histogram where the terminal has no Unicode."""
MOST_COLUMNS: Final = 32
"""Cells of a histogram in one line; more are added up."""


def worst_features(
    scores: pa.Table, most: int
) -> tuple[list[tuple[dict[str, Any], list[str]]], int]:
    """The worst features that are not ok, each where it is worst, and how many more there are.

    With each stand the segments in which it drifted, in words.
    """
    ordered = worst_first(scores)
    lead = leading(ordered)
    bad = rows_where(lead, ~is_in(lead["severity"], {"ok"}))
    rows = records(bad.slice(0, most))
    parts = segments_of_features(ordered, [row["feature"] for row in rows])
    return [(row, _where(row, parts[row["feature"]])) for row in rows], len(bad) - len(rows)


def _where(row: Mapping[str, Any], parts: Parts) -> list[str]:
    """The segments in which the feature of a row drifted, and what happened in the only one."""
    drifted = parts_words(parts.bad, parts.totals)
    alone = alone_words(parts) if row["segment"] is None else None
    return [*(f"drifted in {d}" for d in [drifted] if d), *(f"in {a}" for a in [alone] if a)]


def block(
    row: Mapping[str, Any], cells: pa.Table, zone: str, where: Sequence[str] = ()
) -> Iterator[Line]:
    """A row of the scores: what it is about, why, its figures, and its cells then and now.

    Args:
        row: of ``drift_scores``.
        cells: ``drift_cells``.
        zone: of the times.
        where: lines about the segments in which its feature drifted.
    """
    segment = "" if row["segment"] is None else f" [{short(escaped(str(row['segment'])))}]"
    name = f"{short(escaped(str(row['feature'])))}{segment}"
    yield Line(f"{row['severity']}  {name}", severity=str(row["severity"]), whole=True)
    if row["reason"]:
        yield Line(f"  {escaped(str(row['reason']))}")
    yield from (Line(f"  {escaped(line)}") for line in where)
    figures = "; ".join(_figures(row))
    if figures:
        yield Line(f"  {figures}")
    if alert := alert_words(row, zone):
        yield Line(f"  {alert}")
    then, after = histograms(cells, row)
    if then:
        yield Line(f"  then |{heights(then)}|", whole=True)
        yield Line(f"  now  |{heights(after)}|", whole=True)


def _figures(row: Mapping[str, Any]) -> Iterator[str]:
    """The figures of a row: its score, what chance alone gives, nulls and rows."""
    if row["kl"] is not None:
        chance = row["kl_expected"]
        yield f"kl {figure(row['kl'])}" + (f", by chance {figure(chance)}" if chance else "")
    shares = [null_share(row, side) for side in ("reference", "current")]
    if any(row[f"missing_{side}"] for side in ("reference", "current")):
        yield f"nulls {shares[0]} -> {shares[1]}"
    counted = [row[f"n_{side}"] for side in ("reference", "current")]
    if None not in counted:
        yield f"rows {counted[0]:,} -> {counted[1]:,}"


def histograms(cells: pa.Table, row: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    """The shares of the cells of a row, then and now; neighbours of many are added up."""
    mine = cells_of_row(cells, row)
    if not mine.num_rows or mine["probability_reference"].null_count == mine.num_rows:
        return [], []
    each = -(-mine.num_rows // MOST_COLUMNS)
    starts = np.arange(0, mine.num_rows, each)
    sides = (floats_of(mine[f"rows_{s}"]) for s in ("reference", "current"))
    then, after = (np.add.reduceat(np.nan_to_num(n), starts) / max(1, np.nansum(n)) for n in sides)
    return then.tolist(), after.tolist()


def cells_of_row(cells: pa.Table, row: Mapping[str, Any]) -> pa.Table:
    """The cells of a row of the scores."""
    mine = rows_where(cells, is_in(cells["feature"], {row["feature"]}))
    return rows_where(mine, is_in(mine["segment"], {row["segment"]}))


def heights(values: Sequence[float | None]) -> str:
    """Numbers as heights of a line of characters; ``?`` where there is none."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    levels = BARS
    try:
        BARS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        levels = PLAIN_HEIGHTS
    most = max((v for v in values if v is not None), default=0) or 1
    steps = len(levels) - 1
    return "".join(
        "?" if v is None else levels[max(1 if v > 0 else 0, round(steps * v / most))]
        for v in values
    )
