"""What is not ok as a few lines of at most 80 columns, with histograms of characters."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from kldrift.cli.console import short
from kldrift.cli.terminal import Line
from kldrift.errors import escaped
from kldrift.features.names import ROWS_FEATURE
from kldrift.reporting.causes import Cause, drifted
from kldrift.reporting.figures import count_text, feature_words, figure, share
from kldrift.reporting.json_values import records
from kldrift.reporting.parts import Parts, alone_of, parts_words
from kldrift.reporting.row_words import alert_words, happened, score_words, surety_words
from kldrift.reporting.timeline import since
from kldrift.tables.values import floats_of, is_in, rows_where, taken

if TYPE_CHECKING:
    import pyarrow as pa

    from kldrift.reporting.past import Past

BARS: Final = " ▁▂▃▄▅▆▇█"
PLAIN_HEIGHTS: Final = " .:-=+*#@"
"""Heights of a histogram where the terminal has no Unicode."""
MOST_BLOCKS: Final = 5
"""Causes with histograms; the next ones are a line each."""
MOST_CAUSES: Final = 15
MOST_COLUMNS: Final = 32
"""Cells of a histogram in one line; more are added up."""


@dataclass(frozen=True)
class CauseRow:
    """Features that are not ok for one cause, and the worst of their rows of the scores."""

    cause: Cause
    row: Mapping[str, Any]
    segments: Parts

    @property
    def title(self) -> str:
        """Which features, and where."""
        if self.cause.what:
            return escaped(self.cause.title)
        return _name(self.row)

    @property
    def what(self) -> list[str]:
        """What happened, in sentences."""
        if self.cause.what:
            return [self.cause.what]
        what = happened(str(self.row["reason"] or ""))
        alone = alone_of(self.segments) if self.row["segment"] is None else None
        drifted = parts_words(self.segments)
        if alone is not None:
            what = f"over all rows: {what}"
        where = f"in {alone.where}: {alone.what}" if alone else ""
        whole = self.segments.whole if self.row["segment"] is not None else ""
        whole, drifted = whole and f"over all rows: {whole}", drifted and f"drifted in {drifted}"
        return [line for line in (where, what, whole, drifted) if line]


def cause_rows(scores: pa.Table) -> list[CauseRow]:
    """What is not ok, by its cause, the worst first."""
    bad, segments, causes = drifted(scores)
    first = np.array([cause.places[0] for cause in causes], dtype=np.int64)
    pairs = zip(causes, records(taken(bad, first)), strict=True)
    return [CauseRow(cause, row, segments[row["feature"]]) for cause, row in pairs]


def cause_lines(
    causes: Sequence[CauseRow], block_of: Callable[[CauseRow], Iterator[Line]], more: str
) -> Iterator[Line]:
    """The lines about what is not ok: blocks of the worst, then a line for each of the next."""
    for one in causes[:MOST_BLOCKS]:
        yield Line()
        yield from block_of(one)
    if len(causes) > MOST_BLOCKS:
        yield Line()
    for one in causes[MOST_BLOCKS:MOST_CAUSES]:
        severity = str(one.row["severity"])
        yield Line(": ".join([f"{severity}  {one.title}", *map(escaped, one.what[:1])]), severity)
    rest = sum(len(one.cause.features) for one in causes[MOST_CAUSES:])
    if rest:
        yield Line(f"and {rest:,} more that are not ok; {more}")


def cause_block(one: CauseRow, cells: pa.Table, zone: str, past: Past) -> Iterator[Line]:
    """One cause: which features, what happened, how sure, since when, the cells then and now."""
    row = one.row
    yield Line(f"{row['severity']}  {one.title}", severity=str(row["severity"]))
    yield from (Line(f"  {escaped(line)}") for line in one.what)
    score = score_words(row)
    if score:
        yield Line(f"  {'; '.join(filter(None, (score, surety_words(row))))}")
    yield from _standing(row, zone, past)
    yield from _then_and_now(cells, row, _name(row) if one.cause.what else "")


def row_block(row: Mapping[str, Any], cells: pa.Table, zone: str, past: Past) -> Iterator[Line]:
    """All that is known of a row of the scores; arguments as of `cause_block`."""
    yield Line(f"{row['severity']}  {_name(row)}", severity=str(row["severity"]))
    if row["reason"]:
        yield Line(f"  {escaped(str(row['reason']))}")
    if figures := "; ".join(_figures(row)):
        yield Line(f"  {figures}")
    yield from _standing(row, zone, past)
    yield from _then_and_now(cells, row)


def _standing(row: Mapping[str, Any], zone: str, past: Past) -> Iterator[Line]:
    """Since when a row drifts, and its alert."""
    drifts = since(past, (str(row["feature"]), row["segment"]), zone)
    if words := drifts.words(alert_words(row, zone)):
        yield Line(f"  {words}")


def feature_name(name: object) -> str:
    """The name of a feature for a line."""
    return feature_words(name) if name == ROWS_FEATURE else short(escaped(str(name)))


def _name(row: Mapping[str, Any]) -> str:
    """The feature of a row, and its segment."""
    segment = "" if row["segment"] is None else f" [{short(escaped(str(row['segment'])))}]"
    return f"{feature_name(row['feature'])}{segment}"


def _then_and_now(cells: pa.Table, row: Mapping[str, Any], whose: str = "") -> Iterator[Line]:
    """The cells of a row as two lines of one scale."""
    then, after = histograms(cells, row)
    if then:
        most = max(*then, *after)
        yield Line(f"  then |{heights(then, most)}| {whose}".rstrip(), whole=True)
        yield Line(f"  now  |{heights(after, most)}|", whole=True)


def _figures(row: Mapping[str, Any]) -> Iterator[str]:
    """The figures of a row: its score, what chance alone gives, nulls and rows."""
    if row["kl"] is not None:
        chance = row["kl_expected"]
        yield f"kl {figure(row['kl'])}" + (f", by chance {figure(chance)}" if chance else "")
    shares = [share(row[f"missing_{side}"], row[f"n_{side}"]) for side in ("reference", "current")]
    if any(row[f"missing_{side}"] for side in ("reference", "current")):
        yield f"nulls {shares[0]} -> {shares[1]}"
    counted = [row[f"n_{side}"] for side in ("reference", "current")]
    if None not in counted:
        yield f"rows {count_text(counted[0])} -> {count_text(counted[1])}"


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


def heights(values: Sequence[float | None], most: float | None = None) -> str:
    """Numbers as a line of bars of ``most`` height, the largest if unstated; ``?`` for none."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    levels = BARS
    try:
        BARS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        levels = PLAIN_HEIGHTS
    most = most or max((v for v in values if v is not None), default=0) or 1
    steps = len(levels) - 1
    return "".join(
        "?" if v is None else levels[max(1 if v > 0 else 0, round(steps * v / most))]
        for v in values
    )
