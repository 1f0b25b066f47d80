"""The classes of the champion against those of the challenger, as a table of a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from kldrift.reporting.blocks import Table
from kldrift.reporting.figures import NOTHING, count_text, window_name, window_of_row
from kldrift.reporting.json_values import Row
from kldrift.scoring.sentences import percent

EXPLAINED: Final = (
    "Each line: the rows of one likeliest class of the champion, and how many of them the "
    "challenger gives to each class; on the diagonal both agree."
)


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
