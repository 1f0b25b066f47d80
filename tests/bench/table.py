"""Medians, ratios, and tables of them as text and Markdown."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

Row = dict[str, Any]


def summarised(
    benchmark: str,
    times: Mapping[str, Sequence[float]],
    *,
    case: str = "",
    ratios: Mapping[str, str] | None = None,
    values: Mapping[str, int] | None = None,
    cores: int = 1,
) -> list[Row]:
    """Make one row for each contender.

    Args:
        benchmark: its name.
        times: seconds of each contender, the same rounds for all.
        case: what of the benchmark differs from its other rows.
        ratios: name of a column to the contender that it compares with; the ratio is that of
            the medians, below 1 for what is faster than that contender.
        values: how many values (rows x columns) each contender looks at.
        cores: how many cores all contenders had.
    """
    medians = {name: statistics.median(found) for name, found in times.items()}
    rows = []
    for name, found in times.items():
        row: Row = {
            "benchmark": benchmark,
            "case": case,
            "contender": name,
            "runs": len(found),
            "median_s": medians[name],
            "min_s": min(found),
            "max_s": max(found),
        }
        for column, other in (ratios or {}).items():
            row[column] = medians[name] / medians[other]
        if values and name in values:
            row["million_values_per_s_and_core"] = values[name] / medians[name] / cores / 1e6
            row["ns_per_value"] = medians[name] * cores * 1e9 / values[name]
        rows.append(row)
    return rows


def shown(value: object) -> str:
    """A value of a table: three digits of a measurement, nothing where there is none.

    Examples:
        >>> shown(0.012345), shown(1234.56), shown(5), shown(float("nan")), shown(None), shown("a")
        ('0.0123', '1,235', '5', '', '', 'a')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float):
        if value == 0:
            return "0"
        rounded = abs(float(f"{value:.3g}"))  # 0.9996 has as many digits as 1
        digits = max(0, 2 - math.floor(math.log10(rounded)))
        return f"{value:,.{digits}f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _cells(rows: Sequence[Row]) -> tuple[list[str], list[list[str]], list[bool]]:
    """Titles, texts, and which columns hold numbers; columns without any value are left out."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    names = [name for name in names if any(shown(row.get(name)) for row in rows)]
    texts = [[shown(row.get(name)) for name in names] for row in rows]
    numbers = [
        all(isinstance(row[name], Real) for row in rows if shown(row.get(name))) for name in names
    ]
    return [name.replace("_", " ") for name in names], texts, numbers


def as_text(rows: Sequence[Row]) -> str:
    """Rows as aligned plain text: numbers to the right."""
    titles, texts, numbers = _cells(rows)
    lines = [titles, *texts]
    widths = [max(len(line[i]) for line in lines) for i in range(len(titles))]
    aligned = (
        "  ".join(
            text.rjust(width) if number else text.ljust(width)
            for text, width, number in zip(line, widths, numbers, strict=True)
        ).rstrip()
        for line in lines
    )
    return "\n".join(aligned)


def as_markdown(rows: Sequence[Row]) -> str:
    """Rows as a Markdown table."""
    titles, texts, numbers = _cells(rows)
    slot_map = ["---:" if number else "---" for number in numbers]
    lines = [titles, slot_map, *texts]
    return "\n".join(
        "| " + " | ".join(t.replace("|", "\\|") for t in line) + " |" for line in lines
    )


def by_benchmark(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows of each benchmark, in their order, without the column that names it."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        rest = {name: value for name, value in row.items() if name != "benchmark"}
        groups.setdefault(row["benchmark"], []).append(rest)
    return groups
