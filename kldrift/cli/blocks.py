"""One row of the scores as a few lines of at most 80 columns, with histograms of characters."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from kldrift.cli.console import Line, figure, null_share, short
from kldrift.errors import escaped
from kldrift.reporting.entries import alert_words, parts_of, parts_words
from kldrift.reporting.json_values import records
from kldrift.reporting.order import leading, worst_first

if TYPE_CHECKING:
    import pandas as pd

BARS: Final = " ▁▂▃▄▅▆▇█"
PLAIN: Final = " .:-=+*#@"
"""Heights of a histogram where the terminal has no Unicode."""
WIDEST: Final = 32
"""Cells of a histogram in one line; more are added up."""


def worst_features(scores: pd.DataFrame, most: int) -> tuple[list[tuple[dict[str, Any], str]], int]:
    """The worst features that are not ok, each where it is worst, and how many more there are.

    With each stand the segments in which it drifted, in words.
    """
    ordered = worst_first(scores)
    lead = leading(ordered)
    bad = lead[lead["severity"] != "ok"]
    rows = records(bad.head(most))
    parts = parts_of(ordered, [row["feature"] for row in rows])
    told = [(row, parts[row["feature"]]) for row in rows]
    return [(row, parts_words(p.bad, p.totals)) for row, p in told], len(bad) - len(rows)


def block(
    row: Mapping[str, Any], cells: pd.DataFrame, zone: str, parts: str = ""
) -> Iterator[Line]:
    """A row of the scores: what it is about, why, its figures, and its cells then and now.

    Args:
        row: of ``drift_scores``.
        cells: ``drift_cells``.
        zone: of the times.
        parts: the segments in which its feature drifted; empty for none.
    """
    segment = "" if row["segment"] is None else f" [{short(escaped(str(row['segment'])))}]"
    name = f"{short(escaped(str(row['feature'])))}{segment}"
    yield Line(f"{row['severity']}  {name}", severity=str(row["severity"]))
    if row["reason"]:
        yield Line(f"  {escaped(str(row['reason']))}", indent=2)
    if parts:
        yield Line(f"  drifted in {escaped(parts)}", indent=2)
    figures = "; ".join(_figures(row))
    if figures:
        yield Line(f"  {figures}", indent=2)
    if alert := alert_words(row, zone):
        yield Line(f"  {alert}")
    then, now = histograms(cells, row)
    if then:
        yield Line(f"  then |{heights(then)}|")
        yield Line(f"  now  |{heights(now)}|")


def _figures(row: Mapping[str, Any]) -> Iterator[str]:
    """What is known in numbers: the headline score and what chance gives, nulls, rows."""
    if row["kl"] is not None:
        yield f"kl {figure(row['kl'])}, by chance {figure(row['kl_expected'])}"
    shares = [null_share(row, side) for side in ("reference", "current")]
    if any(row[f"missing_{side}"] for side in ("reference", "current")):
        yield f"nulls {shares[0]} -> {shares[1]}"
    counted = [row[f"n_{side}"] for side in ("reference", "current")]
    if None not in counted:
        # Of many rows some of which have no number, pandas makes doubles.
        yield f"rows {int(counted[0]):,} -> {int(counted[1]):,}"


def histograms(cells: pd.DataFrame, row: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    """The shares of the cells of a row, then and now; neighbours of many are added up."""
    import pandas as pd  # noqa: PLC0415 - an error message needs it not

    mine = cells[cells["feature"] == row["feature"]]
    segment = row["segment"]
    mine = mine[mine["segment"].isna() if segment is None else mine["segment"] == segment]
    if not len(mine) or mine["probability_reference"].isna().all():
        return [], []
    each = -(-len(mine) // WIDEST)
    groups = pd.Series(range(len(mine)), index=mine.index) // each
    sides = (mine[f"rows_{s}"].groupby(groups).sum() for s in ("reference", "current"))
    then, now = ((side / max(1, side.sum())).tolist() for side in sides)
    return then, now


def heights(values: Sequence[float | None]) -> str:
    """Numbers as heights of a line of characters; ``?`` where there is none."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    levels = BARS
    try:
        BARS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        levels = PLAIN
    most = max((v for v in values if v is not None), default=0) or 1
    steps = len(levels) - 1
    return "".join(
        "?" if v is None else levels[max(1 if v > 0 else 0, round(steps * v / most))]
        for v in values
    )
