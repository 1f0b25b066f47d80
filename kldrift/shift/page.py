"""A model shift as a page: its rows are segments, below them the rows that differ most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import pandas as pd

from kldrift.profiles.number_text import percent, plain
from kldrift.reporting.blocks import Facts, Table
from kldrift.reporting.causes import Cause
from kldrift.reporting.drawing import Drawing, Label, Shape, at, box
from kldrift.reporting.entries import Card, Entry, cells_of, row_key
from kldrift.reporting.figures import (
    NOTHING,
    count_text,
    figure,
    share,
    shown,
    window_name,
    window_of_row,
)
from kldrift.reporting.headline import verdict
from kldrift.reporting.json_values import Row, records
from kldrift.reporting.monitor_page import Story, health
from kldrift.reporting.order import counted, worst_first
from kldrift.reporting.page import LIMITS, Page
from kldrift.reporting.parts import MOVED
from kldrift.reporting.row_words import score_words, surety_words
from kldrift.reporting.score_line import score_line
from kldrift.reporting.timeline import Since, sparkline

ABOUT_SHIFT: Final = (
    "What two models say of the same rows: kl is the mean over rows of D(challenger || champion) "
    "between their classes, in nats. A segment drifted when it is above a limit and q, the share "
    "of false alarms to expect among such verdicts, is small."
)
WIDTH, HEIGHT, BASE, TOP = 250, 64, 51, 9

EXPLAINED: Final = (
    "Each line: the rows of one likeliest class of the champion, and how many of them the "
    "challenger gives to each class; on the diagonal both agree."
)


def shift_page(
    scores: pd.DataFrame,
    cells: pd.DataFrame,
    worst: Sequence[Row],
    pairs: Sequence[Row],
    story: Story,
    most: int,
) -> Page:
    """Make the page of a model shift."""
    ordered = worst_first(scores)
    rows = records(ordered.head(most))
    of_rows = cells_of(cells, rows)
    counts = counted(ordered)
    what = f"{shown(rows[0]['feature'])}. " if rows else ""
    noun, nouns = "segment", "segments"
    if len(story.past) > 1:
        noun, nouns = "score", "windows and segments"
    made = [_entry(row, of_rows.get(row_key(row), []), story) for row in rows]
    return Page(
        title=story.monitor or "",
        verdict=shift_verdict(counts, len(story.past)),
        lead=_lead(rows[0], story.zone) if rows and rows[0]["severity"] in MOVED else "",
        cards=[Card(Cause((e.name,), (at,)), [(at, e)]) for at, e in enumerate(made)],
        total=len(ordered),
        about=what + ABOUT_SHIFT,
        notes=[shown(note, 400) for note in story.notes],
        health=health(story, counts, nouns, records(ordered)),
        noun=noun,
        key=[("now", "shares of rows by their divergence"), *LIMITS],
        sections=[*class_matrix(pairs, story.zone), *([_worst(worst)] if worst else [])],
        skipped=[(shown(name), shown(why, 240)) for name, why in story.skipped],
        left_out="Rows in no window",
    )


def shift_verdict(counts: Mapping[str, int], windows: int) -> str:
    """The verdict on the segments of so many windows, all rows being one of them.

    Examples:
        >>> shift_verdict({"critical": 0, "warning": 4, "unscored": 0, "ok": 16}, windows=5)
        'by window and segment: 4 of 20 scores drifted: 4 warning'
    """
    if windows < 2:
        return verdict(counts, "segment")
    return f"by window and segment: {verdict(counts, 'score')}"


def _lead(row: Row, zone: str) -> str:
    """Which segment is worst, when and why."""
    name, when = _named(row, zone)
    where = f"{name}, window {when}" if when else name
    why = shown(row["reason"] or "", 320).partition("; ")
    return f"Worst is {where}: {why[0]}; {why[2].partition('; ')[0]}."


def _named(row: Row, zone: str) -> tuple[str, str]:
    """The segment of a row, and its window; empty for none."""
    name = "all rows" if row["segment"] is None else shown(row["segment"], 120)
    return name, "" if row["window_start"] is None else window_name(window_of_row(row), zone)


def _entry(row: Row, cells: Sequence[Row], story: Story) -> Entry:
    name, when = _named(row, story.zone)
    past, key = story.past, (str(row["feature"]), row["segment"])
    limits = [row["threshold_warning"], row["threshold_critical"]]
    drawn = past.spread(past.scores(key, "kl")), past.spread(past.severities(key))
    windows = sparkline(name, *drawn, limits)
    changed = row["top_class_changed"]
    facts = [
        ("median", f"{figure(row['kl_median'])} nats"),
        ("90 % of rows below", f"{figure(row['kl_p90'])} nats"),
        ("99 % of rows below", f"{figure(row['kl_p99'])} nats"),
        ("likeliest class differs", NOTHING if changed is None else percent(changed)),
        ("how sure", surety_words(row)),
        ("rows", count_text(row["n_current"])),
        ("left out", share(row["missing_current"], row["n_current"])),
    ]
    drawing = spread_chart(name, cells)
    table = [_cells(cells)] if cells else []
    return Entry(
        key=key,
        severity=str(row["severity"]),
        name=name,
        where=when,
        score=score_words(row),
        alert="",
        since=Since(),
        reason=shown(row["reason"] or "", 320),
        parts="",
        alone=None,
        whole="",
        charts=(drawing, score_line(row), windows),
        blocks=[Facts("figures", facts), *table],
    )


def spread_chart(name: str, cells: Sequence[Row]) -> Drawing | None:
    """Draw the shares of rows by their divergence; None without cells."""
    if not cells:
        return None
    step = min(40.0, WIDTH / len(cells))
    most = max(cell["probability_current"] for cell in cells) or 1.0
    bars = "".join(
        box(i * step, BASE - tall, step, tall)
        for i, cell in enumerate(cells)
        if (tall := max(1.0, cell["probability_current"] / most * (BASE - TOP)))
    )
    labels = [
        Label(0, BASE + 10, _cell(cells[0])),
        Label(round(step * len(cells), 1), BASE + 10, _cell(cells[-1]), "end"),
    ]
    about = "; ".join(f"{_cell(c)}: {percent(c['probability_current'])}" for c in cells[:8])
    shapes = [Shape("now", bars), Shape("axis", f"M0 {at(BASE)}h{WIDTH}")]
    title = f"{name}: shares of rows by divergence, in nats"
    return Drawing(WIDTH, HEIGHT, title, about, shapes, labels[: len(cells)])


def _cell(cell: Row) -> str:
    """The bounds of a cell; they double, so that two digits tell them apart."""
    lower, upper = cell["lower"], cell["upper"]
    if lower is not None and upper is not None:
        return f"{plain(lower, 2)} to {plain(upper, 2)}"
    if lower is None and upper is None:
        return str(cell["cell_kind"])
    return f"below {plain(upper, 2)}" if lower is None else f"{plain(lower, 2)} and above"


def _cells(cells: Sequence[Row]) -> Table:
    lines = [
        (
            _cell(cell),
            count_text(cell["rows_current"]),
            percent(cell["probability_current"]),
            figure(cell["contribution"]),
        )
        for cell in cells
    ]
    head = ("divergence of the row, nats", "rows", "share", "adds to kl, nats")
    return Table("rows by their divergence", head, lines)


def _worst(worst: Sequence[Row]) -> Table:
    lines = [
        (
            "no key" if row["key"] is None else shown(row["key"], 120),
            "infinite" if row["kl"] is None else figure(row["kl"]),
            f"{row['champion_class']} → {row['challenger_class']}",
        )
        for row in worst
    ]
    head = ("key", "kl, nats", "likeliest class, champion → challenger")
    return Table("Rows that differ most", head, lines)


def class_matrix(pairs: Sequence[Row], zone: str = "UTC") -> Iterator[Table]:
    """One table of the rows by pair of classes; none without rows.

    Examples:
        >>> pairs = [(0, 0, 8), (0, 1, 2), (1, 1, 5)]
        >>> names = ("champion_class", "challenger_class", "rows")
        >>> [table] = class_matrix([dict(zip(names, pair)) for pair in pairs])
        >>> table.head[:4]
        ('champion ↓ challenger →', 'class 0', 'class 1', 'rows')
        >>> table.rows[0]
        ('class 0', '8 (80.0 %)', '2 (20.0 %)', '10', '20.0 %')
    """
    if not pairs:
        return
    of_pair = {(p["champion_class"], p["challenger_class"]): int(p["rows"]) for p in pairs}
    classes = sorted(
        {c for pair in of_pair for c in pair}, key=lambda c: (c is None, c or 0)
    )  # others last
    lines = []
    for champion in classes:
        rows = [of_pair.get((champion, challenger), 0) for challenger in classes]
        total = sum(rows)
        cells = (f"{count_text(n)} ({percent(n / total)})" if n else "" for n in rows)
        same = of_pair.get((champion, champion), 0)
        known = total and champion is not None  # other classes may differ among themselves
        differs = percent((total - same) / total) if known else NOTHING
        lines.append((_name(champion), *cells, count_text(total), differs))
    window = window_of_row(pairs[0])
    where = f", {window_name(window, zone)}" if window.end else ""
    head = ("champion ↓ challenger →", *map(_name, classes), "rows", "class differs")
    yield Table(f"Likeliest classes: champion x challenger{where}", head, lines, rest=EXPLAINED)


def _name(number: int | None) -> str:
    return "other classes" if number is None else f"class {number}"
