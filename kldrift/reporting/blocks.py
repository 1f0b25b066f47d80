"""What a feature's row shows when it is opened: charts, facts and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from kldrift.profiles.number_text import percent
from kldrift.reporting.bars import scored, totals
from kldrift.reporting.cell_names import cell_name, moments_texts
from kldrift.reporting.drawing import Drawing
from kldrift.reporting.figures import (
    NOTHING,
    count_text,
    feature_words,
    figure,
    many,
    share,
    shown,
    signed,
)
from kldrift.reporting.histogram import histogram
from kldrift.reporting.json_values import Row
from kldrift.reporting.parts import Parts
from kldrift.reporting.row_words import surety_words

MOST_CELLS: Final = 16
MOST_SEGMENTS: Final = 8
DISTRIBUTION: Final = "shares of rows then (grey) and now; below, what each adds to kl"


@dataclass(frozen=True)
class Facts:
    """Names and values."""

    title: str
    items: Sequence[tuple[str, str]]

    def data(self) -> list[Any]:
        """As a JSON value."""
        return ["facts", self.title, [list(item) for item in self.items]]


@dataclass(frozen=True)
class Table:
    """Rows of text; the columns from ``numbers`` on are numbers."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: int = 1
    rest: str = ""

    def data(self) -> list[Any]:
        """As a JSON value."""
        rows = [list(row) for row in self.rows]
        return ["table", self.title, list(self.head), rows, self.numbers, self.rest]


@dataclass(frozen=True)
class WorstSegments(Table):
    """The worst segments of a feature."""


@dataclass(frozen=True)
class Chart:
    """A drawing with a caption."""

    title: str
    drawing: Drawing

    def data(self) -> list[Any]:
        """As a JSON value."""
        return ["chart", self.title, self.drawing.data()]


Block = Facts | Table | Chart


def blocks_of(row: Row, cells: Sequence[Row], segments: Parts, when: str) -> list[Block]:
    """What is shown of one feature."""
    blocks: list[Block] = []
    if row["kind"] == "joint":
        blocks += [_pairs(cells)] if cells else []
    else:
        large = histogram(feature_words(row["feature"]), cells, width=600, height=150, large=True)
        blocks += [Chart(DISTRIBUTION, large)] if large else []
        blocks += [_cells(row, cells)] if cells else []
    blocks.append(_facts(row, cells, when))
    if segments.total:
        blocks.append(_segments(segments.bad, segments.total))
    if segments.splits:
        blocks.append(_splits(segments.splits))
    return blocks


def _cells(row: Row, cells: Sequence[Row]) -> Table:
    """The cells that add most to ``kl``, in their own order."""
    every = scored(cells)
    reference, current = totals(every)
    chosen = sorted(every, key=lambda c: -abs(c["contribution"]))[:MOST_CELLS]
    rest = [c for c in every if c not in chosen] if len(every) > MOST_CELLS else []
    lines = [
        (
            shown(cell_name(c, str(row["feature"])), 60),
            percent(c["rows_reference"] / reference),
            percent(c["rows_current"] / current),
            f"{100 * (c['rows_current'] / current - c['rows_reference'] / reference):+.2f}",
            signed(c["contribution"]),
        )
        for c in sorted(chosen, key=lambda c: c["cell"])
    ]
    if rest:
        sides = [sum(c[f"rows_{s}"] for c in rest) for s in ("reference", "current")]
        lines.append(
            (
                f"{len(rest)} other cells",
                percent(sides[0] / reference),
                percent(sides[1] / current),
                f"{100 * (sides[1] / current - sides[0] / reference):+.2f}",
                signed(sum(c["contribution"] for c in rest)),
            )
        )
    head = ("cell", "then", "now", "points", "adds to kl, nats")
    return Table("cells: shares of rows, and what each adds to kl", head, lines)


def _pairs(cells: Sequence[Row]) -> Table:
    """What features and pairs add to the divergence of a group."""
    moved = sorted(cells, key=lambda c: -abs(c["contribution"]))
    lines = [
        (
            shown(c["label"], 80),
            signed(c["contribution"]),
            figure(c.get("correlation_reference"), 2),
            figure(c.get("correlation_current"), 2),
        )
        for c in moved[:MOST_CELLS]
    ]
    rest = moved[MOST_CELLS:]
    others = f"and {len(rest)} others, {signed(sum(c['contribution'] for c in rest))} nats" * bool(
        rest
    )
    head = ("feature or pair", "adds to kl, nats", "correlation then", "now")
    return Table("features and pairs of the group", head, lines, rest=others)


def _facts(row: Row, cells: Sequence[Row], when: str) -> Facts:
    sides = ("reference", "current")
    items = [("when", when)] if when else []
    items += [("kind", row["kind"])] if row["kind"] else []
    items.append(("rows", _moved(*(count_text(row[f"n_{s}"]) for s in sides))))
    nulls = [share(row[f"missing_{s}"], row[f"n_{s}"]) for s in sides]
    items.append(("left out" if row["kind"] == "joint" else "nulls", _moved(*nulls)))
    if row["never_seen_current"] is not None:
        there = any(c["cell_kind"] == "never_seen" and c["rows_reference"] for c in cells)
        what = "not seen when cells were chosen" if there else "never seen in the reference"
        items.append((what, percent(row["never_seen_current"])))
    if row["mean_reference"] is not None and row["mean_current"] is not None:
        amounts = [row[f"{name}_{s}"] for name in ("mean", "std") for s in sides]
        times = () if None in amounts else moments_texts(cells, *amounts)
        texts = times or [figure(amount, 4) for amount in amounts]
        items.append(("mean", _moved(*texts[:2])))
        items.append(("standard deviation", _moved(*texts[2:])))
    if row["gaussian_kl"] is not None:
        items.append(("of two normal distributions", _gaussian(row)))
    if row["kl"] is not None:
        interval = ""
        if row["kl_low"] is not None:
            interval = f" (90 %: {figure(row['kl_low'])} to {figure(row['kl_high'])})"
        items.append(("kl", f"{figure(row['kl'])} nats{interval}"))
        items.append(("kl by chance", f"{figure(row['kl_expected'])} nats"))
    if row.get("limit_learned") is not None:
        learnt, limit = figure(row["kl_learned"]), figure(row["limit_learned"])
        windows = many(int(row["history_windows"]), "window")
        items.append((f"learnt from {windows}", f"kl {learnt} nats, limit {limit}"))
    others = ("js", "psi", "hellinger", "total_variation", "ks", "wasserstein_std")
    known = [f"{name} {figure(row[name])}" for name in others if row[name] is not None]
    items += [("other scores", ", ".join(known))] if known else []
    if sure := surety_words(row):
        items.append(("how sure", sure))
    if row["status"] != "ok":
        items.append(("status", str(row["status"])))
    return Facts("figures, reference → now", items)


def _gaussian(row: Row) -> str:
    """How much of a change is of the mean, of the spread, and of the shape."""
    parts = [
        f"{figure(row[f'gaussian_kl_{part}'])} nats from the {part}" for part in ("mean", "spread")
    ]
    shape = (row["kl"] or 0.0) - row["gaussian_kl"]
    rest = f"; shape adds about {figure(shape)}" if shape > 0 else ""
    return ", ".join(parts) + rest


def _segments(segments: Sequence[Row], total: int) -> WorstSegments:
    lines = [
        (
            shown(s["segment"], 60),
            str(s["severity"]),
            shown((s["reason"] or "").partition("; ")[0], 160),
            figure(s["kl"]),
            count_text(s["n_current"]),
        )
        for s in segments[:MOST_SEGMENTS]
    ]
    more = len(segments) - len(lines)
    rest = f"and {more:,} more that are not ok; " * (more > 0)
    rest += f"{total - len(segments):,} of {total:,} segments are ok"
    head = ("segment", "severity", "what was found", "kl, nats", "rows now")
    return WorstSegments("worst segments", head, lines, 3, rest)


def _splits(splits: Sequence[Row]) -> Table:
    """What another mix of segments adds to the divergence, and what happened within them."""
    lines = [
        (
            shown(split["segments"], 60),
            f"{figure(split['mix'])} ({share(split['mix'], split['total'])})",
            f"{figure(split['within'])} ({share(split['within'], split['total'])})",
            f"{shown(split['worst'], 60)}, {figure(split['worst_part'])}",
        )
        for split in splits
    ]
    head = ("segments by", "another mix, nats", "within, nats", "most of it within")
    return Table("another mix of segments, or drift within them?", head, lines)


def _moved(reference: str, current: str) -> str:
    return NOTHING if reference == current == NOTHING else f"{reference} → {current}"
